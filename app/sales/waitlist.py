"""The waitlist where it meets what is sold: joining when nothing is left, and waves when places appear (WTL-1, WTL-2).

A wave is one transaction under the list's lock, so that there is one at a time for an event however many workers look:
it reads what is free, who has bought, and whose time ran out; it writes who is told, and with it the jobs that mail and
tell them. It is decided in `app.audience.rules.waves`. Nothing is reserved for anybody.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

from app.audience.entries import ALIVE, EntryWish, Joined, entry_of, join, visitors_of
from app.audience.lists import ListSettings, settings_of
from app.audience.rules.waves import OFFERS_MAX, Limit, Offered, Wave, decide_wave, offer_by_hand
from app.audience.tables import Mode
from app.catalog.offers import Offer
from app.catalog.queries import offer_of, offers_of, plan_of
from app.catalog.rules.selling import is_offered, sale_status
from app.core import jobs, journal
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.sales.inventory import inventory, mend, with_group
from app.sales.rules.left import PlacesLeft, left_together, limits_on, nothing_left, places_left
from seating.store import FREE, GroupMissing, Snapshot

LEFT_KEPT_S = 1.0
INVENTORY_FOLLOWS = timedelta(seconds=2)
_left: dict[int, tuple[float, PlacesLeft]] = {}


class WaitlistOffered(Struct, frozen=True):
    """What can be joined now. `tariffs`: those with a list that are sold out; None: one list for all. `several`: any
    other date would do as well, for they are all sold out."""

    tariffs: tuple[int, ...] | None
    count_max: int
    several: bool


class JoinWish(Struct, frozen=True, kw_only=True):
    """`any_performance`: of the event, not only this one."""

    performance: int
    tariff: int | None
    any_performance: bool
    name: str
    email: str
    count: int
    visitor: str


async def waitlist_offered(offer: Offer, at: datetime) -> WaitlistOffered | None:
    """None: there is no list here, or places are to be had. Up to two seconds old."""
    settings = await settings_of(offer.event)
    if settings.waitlist == Mode.OFF or sale_status(offer, "online", at) != "open":
        return None
    left = await _recently_left(offer, at)
    waited_for = _sold_out(settings, left)
    if not waited_for:
        return None
    others = [o for o in await offers_of(offer.event) if o.id != offer.id and _on_sale(o, at)]
    several = bool(others)
    for other in others:
        several = several and set(_sold_out(settings, await _recently_left(other, at))) >= set(waited_for)
    tariffs = None if settings.waitlist == Mode.EVENT else tuple(t for t in waited_for if t is not None)
    return WaitlistOffered(tariffs, max(_count_max(offer, tariff) for tariff in waited_for), several)


def _sold_out(settings: ListSettings, left: PlacesLeft) -> tuple[int | None, ...]:
    """The lists that have a reason to be joined: None for the event's own."""
    if settings.waitlist == Mode.EVENT:
        return () if left.total else (None,)
    return tuple(t for t in settings.tariffs if t in left.tariffs and not min(left.total, left.tariffs[t]))


async def join_waitlist(wish: JoinWish, *, at: datetime) -> Joined:
    """Raises Problem: not_found, sale_closed, no_waitlist, not_sold_out (with what is left), too_many."""
    offer = await offer_of(wish.performance)
    if not is_offered(offer, "online"):
        raise Problem("not_found")
    if sale_status(offer, "online", at) != "open":
        raise Problem("sale_closed")
    most = _count_max(offer, wish.tariff)
    if wish.count > most:
        raise Problem("too_many", params={"max": most})
    settings = await settings_of(offer.event, exact=True)
    listed = settings.tariffs if settings.waitlist == Mode.TARIFFS else (None,)
    if settings.waitlist == Mode.OFF or wish.tariff not in listed:
        raise Problem("no_waitlist")
    wanted = [o for o in await offers_of(offer.event) if _on_sale(o, at)] if wish.any_performance else [offer]
    left = max([_of(await left_now(each, at), wish.tariff) for each in wanted])
    if left:
        raise Problem("not_sold_out", extras={"left": left})
    async with transaction() as ledger:
        joined = await join(
            ledger,
            EntryWish(
                event=offer.event, performance=None if wish.any_performance else offer.id, tariff=wish.tariff,
                name=wish.name, email=wish.email, count=wish.count, visitor=wish.visitor,
            ),
            at=at,
        )  # fmt: skip
        await jobs.enqueue(
            "mail_waitlist_place", entry=joined.id, new=joined.new, own=joined.own, at_ms=int(at.timestamp() * 1000)
        )
        await jobs.enqueue("tell_waitlist_entries", visitors=[wish.visitor])  # at the end of the queue, it moves nobody
    return joined


# Events that share a limit or linked plans give places to each other (AHEAD-12, SEA-7).
WAITING_BESIDE = """
SELECT DISTINCT e.event FROM audience.waitlist_entry e JOIN catalog.event v ON v.id = e.event
WHERE e.state <> 'served'
    AND coalesce(v.inventory, 'e' || v.id) = (SELECT coalesce(inventory, 'e' || id) FROM catalog.event WHERE id = $1)
"""


async def places_appeared(ledger: asyncpg.Connection, event: int) -> None:
    """Inside the transaction in which places of an event come free: look who waits for them, soon after its commit,
    when the live inventory has followed it."""
    for row in await ledger.fetch(WAITING_BESIDE, event):
        await jobs.enqueue(
            "look_at_waitlist", after=INVENTORY_FOLLOWS, once=f"waitlist:{row['event']}", event=row["event"]
        )


WAITS = """
SELECT EXISTS (
    SELECT 1 FROM audience.waitlist_entry WHERE event = $1 AND lower(email) = lower($2) AND state <> 'served')
"""


async def bought(ledger: asyncpg.Connection, event: int, email: str) -> None:
    """Inside the transaction in which an order of an event is paid: whoever waited under its address is soon seen to
    have bought, and those behind move up."""
    if email and await ledger.fetchval(WAITS, event, email):
        await jobs.enqueue("look_at_waitlist", after=INVENTORY_FOLLOWS, once=f"waitlist:{event}", event=event)


async def look(event: int, *, at: datetime) -> Wave:
    """One look at an event's list: who has bought is served, whose time is up lapses, who is next is told."""
    offers = await offers_of(event)
    await _load(offers)
    async with transaction() as ledger:
        await lock_list(ledger, event)
        settings = await settings_of(event, exact=True)
        served = await ledger.fetch(SERVE, event)
        entries = [entry_of(row) for row in await ledger.fetch(ALIVE, event)]
        tell = settings.automatic and settings.waitlist != Mode.OFF
        wave = decide_wave(await _limits(offers, at), entries, now=at, tell=tell)
        await _write(ledger, event, wave, settings, at=at)
        if served or wave.offered or wave.lapsed:
            visitors = await visitors_of(ledger, [row["id"] for row in served])
            await jobs.enqueue("tell_waitlist_places", event=event, visitors=visitors)
    return wave


async def notify(entries: Sequence[int], *, organizer: int, actor: str, at: datetime) -> int:
    """By hand, whatever the settings and whatever was offered before; how many are told. Raises Problem('not_found')
    when one of them is no entry of this organiser's."""
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT e.id, e.event FROM audience.waitlist_entry e JOIN catalog.event v ON v.id = e.event"
            " JOIN catalog.box_office b ON b.id = v.box_office"
            " WHERE e.id = ANY($1::bigint[]) AND b.organizer = $2 AND e.state <> 'served'",
            list(entries), organizer,
        )  # fmt: skip
    if {row["id"] for row in rows} != set(entries):
        raise Problem("not_found")
    told = 0
    try:
        for event in sorted({row["event"] for row in rows}):
            told += await _notify(event, {row["id"] for row in rows if row["event"] == event}, actor=actor, at=at)
    except GroupMissing as missing:
        # Lost since it was loaded, a line before. The next click finds it mended.
        await mend(missing)
        raise Problem("store_unavailable") from None
    return told


async def _notify(event: int, chosen: set[int], *, actor: str, at: datetime) -> int:
    offers = await offers_of(event)
    await _load(offers)
    async with transaction() as ledger:
        await lock_list(ledger, event)
        entries = [e for row in await ledger.fetch(ALIVE, event) if (e := entry_of(row)).id in chosen]
        made = offer_by_hand(await _limits(offers, at), entries)
        await _offer(ledger, made, await settings_of(event, exact=True), at=at)
        await jobs.enqueue("tell_waitlist_places", event=event, visitors=[])
        # Who it was is not said: whoever leaves the list is forgotten, and a journal forgets nothing.
        await journal.record(
            f"box-office:{offers[0].box_office.id}", "waitlist_told", str(event),
            {"entries": sorted(each.entry for each in made)}, actor=actor, at=at,
        )  # fmt: skip
    return len(made)


async def lock_list(ledger: asyncpg.Connection, event: int) -> None:
    """One wave at a time for each event; held until the transaction ends."""
    await ledger.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 13))", f"waitlist:{event}")


WAITED_FOR = """
SELECT DISTINCT e.event FROM audience.waitlist_entry e
JOIN catalog.performance p ON p.event = e.event AND p.starts_at > $1
WHERE e.state IN ('waiting', 'offered') OR (e.state = 'lapsed' AND e.offers < $2) ORDER BY 1
"""


async def waited_for(*, at: datetime) -> list[int]:
    """The events on whose list a look may find something to do."""
    async with connection() as reader:
        return [row["event"] for row in await reader.fetch(WAITED_FOR, at, OFFERS_MAX)]


# Whoever bought what was waited for waits no longer, told of it or not. By address: the basket may be another one.
SERVE = """
UPDATE audience.waitlist_entry e SET state = 'served', until_at = NULL
WHERE e.event = $1 AND e.state <> 'served' AND EXISTS (
    SELECT 1 FROM sales.sale s JOIN sales.ticket t ON t."order" = s.id AND t.status = 'sold'
    WHERE s.event = e.event AND s.status = 'paid' AND lower(s.email) = lower(e.email) AND s.created_at >= e.joined_at
        AND (e.performance IS NULL OR t.performance = e.performance) AND (e.tariff IS NULL OR t.tariff = e.tariff))
RETURNING e.id
"""


async def _write(ledger: asyncpg.Connection, event: int, wave: Wave, settings: ListSettings, *, at: datetime) -> None:
    await ledger.execute(
        "UPDATE audience.waitlist_entry SET state = 'lapsed', until_at = NULL WHERE id = ANY($1::bigint[])",
        list(wave.lapsed),
    )
    await ledger.execute(
        "UPDATE audience.waitlist_entry SET gone_since = true WHERE id = ANY($1::bigint[])", list(wave.gone)
    )
    await _offer(ledger, wave.offered, settings, at=at)


async def _offer(
    ledger: asyncpg.Connection, offered: Iterable[Offered], settings: ListSettings, *, at: datetime
) -> None:
    """Each with two jobs of its own, so that a mail server that is away does not hold up the open page."""
    until = at + timedelta(minutes=settings.delay_minutes)
    for each in offered:
        number = await ledger.fetchval(
            "UPDATE audience.waitlist_entry SET state = 'offered', offers = offers + 1, notified_at = $2,"
            " until_at = $3, offered_performance = $4, offered_count = $5, gone_since = false WHERE id = $1"
            " RETURNING offers",
            each.entry, at, until, each.performance, each.count,
        )  # fmt: skip
        await jobs.enqueue("mail_waitlist_offer", entry=each.entry, number=number)
        await jobs.enqueue("notify_waitlist_offer", entry=each.entry, number=number)


async def _load(offers: Iterable[Offer]) -> None:
    """A group that Redis lost is laid down before the transaction: a rebuild opens its own."""
    for group in {offer.group for offer in offers}:
        await with_group(group, lambda group=group: inventory().pulse(group))  # type: ignore[misc]  # binds this group


async def _limits(offers: Iterable[Offer], at: datetime) -> list[Limit]:
    """What is free, read anew: what was before the lock may have been offered by whoever had it."""
    selling = [offer for offer in offers if _on_sale(offer, at)]
    if not selling:
        return []
    snapshots = [await inventory().snapshot(offer.group, offer.id, owners=False) for offer in selling]
    free = [await _free_seats(offer, snapshot) for offer, snapshot in zip(selling, snapshots, strict=True)]
    left = [
        places_left(offer, seats, snapshot.quotas)
        for offer, seats, snapshot in zip(selling, free, snapshots, strict=True)
    ]
    quotas = {key: used for snapshot in snapshots for key, used in snapshot.quotas.items()}
    return limits_on(selling, left, left_together(selling, free, quotas))


async def left_now(offer: Offer, at: datetime) -> PlacesLeft:
    """What the public could buy at this moment: nothing where the sale is closed."""
    if not _on_sale(offer, at):
        return nothing_left(offer)
    snapshot = await with_group(offer.group, lambda: inventory().snapshot(offer.group, offer.id, owners=False))
    return places_left(offer, await _free_seats(offer, snapshot), snapshot.quotas)


async def _recently_left(offer: Offer, at: datetime) -> PlacesLeft:
    kept = _left.get(offer.id)
    if kept is None or time.monotonic() - kept[0] >= LEFT_KEPT_S:
        kept = _left[offer.id] = (time.monotonic(), await left_now(offer, at))
    return kept[1]


async def _free_seats(offer: Offer, snapshot: Snapshot) -> dict[str, int] | None:
    """Free seats by category; None: unnumbered. A house that is nearly full costs next to nothing."""
    plan = await plan_of(offer)
    if plan is None:
        return None
    found: dict[str, int] = {}
    ordinal = snapshot.states.find(FREE)
    while ordinal >= 0:
        category = plan.seats[ordinal].category
        found[category] = found.get(category, 0) + 1
        ordinal = snapshot.states.find(FREE, ordinal + 1)
    return found


def _count_max(offer: Offer, tariff: int | None) -> int:
    """What one order may have is what one may wait for (TAR-1)."""
    limited = offer.tariff(tariff) if tariff is not None else None
    return min(offer.order_max, limited.order_max or offer.order_max) if limited else offer.order_max


def _on_sale(offer: Offer, at: datetime) -> bool:
    return is_offered(offer, "online") and sale_status(offer, "online", at) == "open"


def _of(left: PlacesLeft, tariff: int | None) -> int:
    return left.total if tariff is None else min(left.total, left.tariffs.get(tariff, 0))
