"""A waitlist as a file for spreadsheet programs (WTL-1)."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from app.audience.entries import ManagedEntry, ManagedList
from app.core.i18n import N_, current_locale, gettext

STATES = {"waiting": N_("waiting"), "offered": N_("told"), "lapsed": N_("did not react"), "served": N_("has bought")}
HEADINGS = (
    N_("Position"), N_("State"), N_("Name"), N_("E-mail"), N_("Places"), N_("Date"), N_("Tariff"), N_("Joined"),
    N_("Told"), N_("Language"),
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def waitlist_csv(shown: ManagedList) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes it for an 8-bit code page; separated as Excel of the
    reader's language expects, since a comma is a decimal point in most of them."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter="," if current_locale() == "en" else ";", quoting=csv.QUOTE_ALL)
    writer.writerow([gettext(heading) for heading in HEADINGS])
    performances = {each.id: each.starts_at for each in shown.performances}
    tariffs = {each.id: each.name for each in shown.tariffs}
    for entry in shown.entries:
        date = performances.get(entry.performance) if entry.performance is not None else None
        tariff = tariffs.get(entry.tariff, "") if entry.tariff is not None else ""
        writer.writerow([harmless(cell) for cell in _cells(entry, _minute(date) or gettext("any date"), tariff)])
    return file.getvalue().encode("utf-8-sig")


def _cells(entry: ManagedEntry, date: str, tariff: str) -> tuple[str, ...]:
    return (
        str(entry.position or ""), gettext(STATES[entry.state]), entry.name, entry.email, str(entry.count), date,
        tariff, _minute(entry.joined_at), _minute(entry.notified_at), entry.language,
    )  # fmt: skip


def harmless(cell: str) -> str:
    """What a visitor typed must not be reckoned as a formula by whoever opens the file: an apostrophe makes it text."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _minute(moment: str | None) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
