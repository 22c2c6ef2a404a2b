"""What those on a waitlist are sent: that they are on it, and that there are places, by mail and on the open page
(WTL-2, LIVE-4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from app.audience.entries import ALIVE, entry_of, visitors_of
from app.audience.rules.queue import positions
from app.catalog.offers import Offer
from app.catalog.queries import offers_of
from app.core import jobs
from app.core.db import connection, transaction
from app.core.i18n import locale_of, ngettext, show_date, show_time, translated
from app.core.notices import Notice, notify
from app.sales.mails import MailRefused, PerformanceLine, message_id_of, send_message
from app.sales.waitlist_mails import WaitlistMail, offer_message, place_message
from app.settings import get_settings

log = structlog.get_logger()


async def send_place(entry: int, *, new: bool, own: bool, at_ms: int) -> None:
    """Confirm an entry, or that it was there before; not `own`: somebody tried to join with its address elsewhere.
    Nothing to whoever has left. Raises MailUnavailable: try again."""
    row = await _read(entry)
    if row is None:
        return
    sender = get_settings().mail_from
    try:
        message = place_message(
            await _mail_of(row),
            new=new,
            own=own,
            sender=sender,
            message_id=message_id_of(f"waitlist-{at_ms}", str(entry), sender),
        )
        await send_message(message, get_settings().smtp_url)
    except MailRefused as refused:
        log.error("waitlist_mail_refused", entry=entry, reason=str(refused))


async def send_offer(entry: int, number: int, *, at: datetime) -> None:
    """Mail the offer of this number, unless another has taken its place. One that could not be mailed while it ran was
    none: whoever it was for waits again. Raises MailUnavailable: try again."""
    row = await _read(entry)
    if row is None or row["offers"] != number or row["state"] not in ("offered", "lapsed"):
        return
    if row["state"] == "lapsed" or row["until_at"] <= at:
        await _take_back(entry, number)
        return
    sender = get_settings().mail_from
    try:
        message = offer_message(
            await _mail_of(row), sender=sender, message_id=message_id_of(f"waitlist-offer-{number}", str(entry), sender)
        )
        await send_message(message, get_settings().smtp_url)
    except MailRefused as refused:
        log.error("waitlist_mail_refused", entry=entry, reason=str(refused))


async def _take_back(entry: int, number: int) -> None:
    async with transaction() as ledger:
        row = await ledger.fetchrow(
            "UPDATE audience.waitlist_entry SET state = 'waiting', offers = offers - 1, until_at = NULL,"
            " gone_since = false WHERE id = $1 AND offers = $2 AND state IN ('offered', 'lapsed')"
            " RETURNING event",
            entry, number,
        )  # fmt: skip
        if row is not None:
            await jobs.enqueue("tell_waitlist_places", event=row["event"], visitors=[])


async def show_offer(entry: int, number: int, *, at: datetime) -> None:
    """On the page that is open, and on the next one within the hour. Raises RedisError: try again."""
    row = await _read(entry)
    if row is None or row["offers"] != number or row["state"] != "offered":
        return
    offers = await offers_of(row["event"])
    with locale_of(row["locale"]):
        text = ngettext(
            "A place for “{event}” has come free. Be quick, it is no reservation. The next in line are told: {time}.",
            "{n} places for “{event}” have come free. Be quick, they are no reservation."
            " The next in line are told: {time}.",
            row["offered_count"],
        ).format(
            n=row["offered_count"],
            event=translated(offers[0].title),
            time=_when(row["until_at"], offers[0].zone, at),
        )
    async with connection() as reader:
        visitors = await visitors_of(reader, [entry])
    for visitor in visitors:
        await notify(visitor, Notice("waitlist_offer", text, f"/p/{row['offered_performance']}"))


def _when(moment: datetime, zone: str, at: datetime) -> str:
    """The time, and the day unless it is today."""
    time, day = show_time(moment, zone), show_date(moment, zone, "long")
    return time if day == show_date(at, zone, "long") else f"{day}, {time}"


async def _read(entry: int) -> Any:
    async with connection() as reader:
        return await reader.fetchrow("SELECT * FROM audience.waitlist_entry WHERE id = $1", entry)


async def _mail_of(row: Any) -> WaitlistMail:
    offers = await offers_of(row["event"])
    async with connection() as reader:
        places = positions(map(entry_of, await reader.fetch(ALIVE, row["event"])))
    base = get_settings().public_url.rstrip("/")
    offered = row["state"] == "offered"
    named = row["offered_performance"] if offered else row["performance"]
    first = offers[0]
    with locale_of(row["locale"]):
        tariff = first.tariff(row["tariff"]) if row["tariff"] is not None else None
        return WaitlistMail(
            name=row["name"],
            email=row["email"],
            locale=row["locale"],
            event_title=translated(first.title),
            performances=tuple(_line(offer) for offer in offers if offer.id == named),
            tariff_name=translated(tariff.name) if tariff else "",
            count=row["places"],
            position=places.get(row["id"], 0),
            offered_count=row["offered_count"],
            until=row["until_at"],
            time_zone=first.zone,
            url=f"{base}/p/{named}" if named is not None else f"{base}/e/{first.slug}",
            leave_url=f"{base}/waitlist/{row['key']}",
            unsubscribe_url=f"{base}/api/v1/waitlist/{row['key']}/leave",
            box_office_name=first.box_office.name,
            contact_email=first.box_office.contact_email,
            accent=first.box_office.accent,
            terms_url=f"{base}/terms",
        )


def _line(offer: Offer) -> PerformanceLine:
    return PerformanceLine(
        title=translated(offer.performance_title), venue=offer.venue, starts_at=offer.starts_at,
        doors_at=offer.doors_at, time_zone=offer.zone,
    )  # fmt: skip
