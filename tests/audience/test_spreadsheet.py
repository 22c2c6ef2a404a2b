"""The waitlist as a file: what spreadsheet programs make of it (WTL-1)."""

from __future__ import annotations

import csv
import io

import pytest

from app.audience.entries import Choice, ListTotals, ManagedEntry, ManagedList
from app.audience.lists import ListSettings
from app.audience.spreadsheet import harmless, waitlist_csv
from app.core.i18n import locale_of


def entry(name: str, **changed: object) -> ManagedEntry:
    asked = {
        "id": 1, "performance": 7, "tariff": None, "name": name, "email": "d@example.org", "language": "fr", "count": 2,
        "state": "waiting", "position": 1, "joined_at": "2026-11-22T13:00:30+01:00", "offers": 0, "notified_at": None,
        "until": None, "offered_performance": None, "offered_count": 0,
    }  # fmt: skip
    return ManagedEntry(**{**asked, **changed})  # type: ignore[arg-type]  # a struct's fields by name


def shown(*entries: ManagedEntry) -> ManagedList:
    return ManagedList(
        event=1, title="The Play", tz="Europe/Paris", settings=ListSettings(),
        performances=(Choice(7, "", "2026-12-12T20:30:00+01:00"),), tariffs=(Choice(3, "Enfant"),),
        totals=ListTotals(), entries=entries,
    )  # fmt: skip


def rows(file: bytes, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig")), delimiter=delimiter))


def test_excel_sees_that_it_is_unicode_and_where_a_cell_ends() -> None:
    with locale_of("fr"):
        file = waitlist_csv(shown(entry("Chloé; née Д’Артаньян", tariff=3, performance=None)))
    assert file.startswith(b"\xef\xbb\xbf")
    heading, row = rows(file, ";")
    assert heading[:3] == ["Rang", "État", "Nom"]
    assert row == [
        "1", "en attente", "Chloé; née Д’Артаньян", "d@example.org", "2", "toute date", "Enfant", "2026-11-22 13:00",
        "", "fr",
    ]  # fmt: skip


def test_english_is_separated_by_commas() -> None:
    with locale_of("en"):
        heading, row = rows(waitlist_csv(shown(entry("Dora", notified_at="2026-11-22T14:05:00+01:00"))), ",")
    assert heading[0] == "Position"
    assert row[5:9] == ["2026-12-12 20:30", "", "2026-11-22 13:00", "2026-11-22 14:05"]


@pytest.mark.parametrize("typed", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_what_a_visitor_typed_is_no_formula(typed: str) -> None:
    assert harmless(typed) == f"'{typed}"
    assert harmless("Dora =1") == "Dora =1"
    with locale_of("en"):
        assert rows(waitlist_csv(shown(entry(typed))), ",")[1][2] == f"'{typed}"
