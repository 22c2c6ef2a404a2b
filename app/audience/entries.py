"""Who waits: entries made, read and deleted (WTL-1). What a wave does with them is `app.sales.waitlist`'s business."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from msgspec import Struct

from app.audience.lists import ListSettings, offers_of_own, settings_of
from app.audience.rules.queue import Entry, in_line, positions
from app.audience.tables import EntryState
from app.catalog.offers import Offer
from app.catalog.queries import offers_of
from app.core import jobs
from app.core.clock import local
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.core.i18n import current_locale, translated
from app.core.ids import new_token

KEPT_AFTER = timedelta(days=30)
ALIVE = "SELECT * FROM audience.waitlist_entry WHERE event = $1 AND state <> 'served' ORDER BY joined_at, id"


class EntryWish(Struct, frozen=True, kw_only=True):
    """What somebody waits for, and who it is; performance, tariff: None is any."""

    event: int
    performance: int | None
    tariff: int | None
    name: str
    email: str
    count: int
    visitor: str


class Joined(Struct, frozen=True):
    """`new`: this address was not on this list. `own`: it is the browser that made the entry. `position` is for whoever
    asked."""

    id: int
    new: bool
    own: bool
    position: int


class EntryView(Struct, frozen=True, kw_only=True):
    """An entry as whoever made it sees it. `state`: waiting, offered or served; times in the event's own zone."""

    event: int
    slug: str
    title: str
    performance: int | None
    performance_title: str
    starts_at: str | None
    venue: str
    tz: str
    tariff: int | None
    tariff_name: str
    name: str
    count: int
    state: str
    position: int | None
    joined_at: str
    until: str | None
    offered_performance: int | None
    offered_count: int


class ManagedEntry(Struct, frozen=True, kw_only=True):
    """An entry as a manager sees it. `state`: waiting, offered, lapsed or served; `position` of those who wait."""

    id: int
    performance: int | None
    tariff: int | None
    name: str
    email: str
    language: str
    count: int
    state: str
    position: int | None
    joined_at: str
    offers: int
    notified_at: str | None
    until: str | None
    offered_performance: int | None
    offered_count: int


class Choice(Struct, frozen=True):
    """A performance or a tariff to filter by."""

    id: int
    name: str
    starts_at: str | None = None


class ListTotals(Struct, frozen=True, kw_only=True):
    """Lapsed entries are neither waiting nor offered; `entries` are all that are on the list still."""

    entries: int = 0
    waiting_entries: int = 0
    waiting_places: int = 0
    offered_entries: int = 0
    offered_places: int = 0
    lapsed_entries: int = 0
    served_entries: int = 0


class ManagedList(Struct, frozen=True, kw_only=True):
    """Everything that a manager's page shows. `totals` are the whole event's, whatever the filter."""

    event: int
    title: str
    tz: str
    settings: ListSettings
    performances: tuple[Choice, ...]
    tariffs: tuple[Choice, ...]
    totals: ListTotals
    entries: tuple[ManagedEntry, ...]


class Filter(Struct, frozen=True, kw_only=True):
    """What is None is not asked; an entry for any performance belongs to each."""

    performance: int | None = None
    tariff: int | None = None
    state: EntryState | None = None

    def keeps(self, row: Any) -> bool:
        return (
            (self.performance is None or row["performance"] in (None, self.performance))
            and (self.tariff is None or row["tariff"] in (None, self.tariff))
            and (self.state is None or row["state"] == self.state)
        )


# Whoever asks again keeps the place in the queue; only somebody who let an offer run out begins anew, at the end. An
# address is no proof of who asks: name, number and language are changed by the browser that gave them, and by no other.
JOIN = """
INSERT INTO audience.waitlist_entry AS e (event, performance, tariff, name, email, locale, places, key, visitor, state,
    joined_at, offers, offered_count, gone_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, 0, 0, false)
ON CONFLICT (event, lower(email), coalesce(performance, 0), coalesce(tariff, 0)) WHERE state <> 'served'
DO UPDATE SET
    name = CASE e.visitor WHEN excluded.visitor THEN excluded.name ELSE e.name END,
    places = CASE e.visitor WHEN excluded.visitor THEN excluded.places ELSE e.places END,
    locale = CASE e.visitor WHEN excluded.visitor THEN excluded.locale ELSE e.locale END,
    joined_at = CASE e.state WHEN 'lapsed' THEN excluded.joined_at ELSE e.joined_at END,
    offers = CASE e.state WHEN 'lapsed' THEN 0 ELSE e.offers END,
    gone_since = false,
    state = CASE e.state WHEN 'lapsed' THEN 'waiting' ELSE e.state END
RETURNING id, key, visitor, performance, tariff
"""


# One row for each browser; it keeps the number that it was shown.
OTHER_PAGE = """
INSERT INTO audience.waitlist_page (id, entry, visitor, places, joined_at)
VALUES (nextval(pg_get_serial_sequence('audience.waitlist_entry', 'id')), $1, $2, $3, $4)
ON CONFLICT (entry, visitor) DO UPDATE SET places = excluded.places RETURNING id, joined_at
"""


async def join(ledger: asyncpg.Connection, wish: EntryWish, *, at: datetime) -> Joined:
    """Put it on the list, in the caller's transaction. The same address on the same list stays one entry.

    Asked for with another basket than the one that made the entry, it stays what it is, and the position is what a
    newcomer's would be: else anybody could change any address's entry, or learn whether it is on the list.
    """
    key = new_token()
    row = await ledger.fetchrow(
        JOIN, wish.event, wish.performance, wish.tariff, wish.name, wish.email, current_locale(), wish.count, key,
        wish.visitor, at,
    )  # fmt: skip
    new = row["key"] == key
    entries = [entry_of(each) for each in await ledger.fetch(ALIVE, wish.event)]
    if row["visitor"] == wish.visitor:
        return Joined(row["id"], new, True, positions(entries).get(row["id"], 1))
    page = await ledger.fetchrow(OTHER_PAGE, row["id"], wish.visitor, wish.count, at)
    guest = guest_of(page["id"], row, page["joined_at"])
    return Joined(row["id"], new, False, positions([*entries, guest])[guest.id])


def guest_of(id: int, row: Any, joined_at: datetime) -> Entry:
    """Where an entry would stand that had joined only then."""
    return Entry(
        id=id, performance=row["performance"], tariff=row["tariff"], count=1, state=EntryState.WAITING,
        joined_at=joined_at, guest=True,
    )  # fmt: skip


async def find_entry(key: str) -> EntryView:
    """The entry that a mail's link opens. Raises Problem('not_found'), also when it has been left."""
    async with connection() as reader:
        row = await reader.fetchrow("SELECT * FROM audience.waitlist_entry WHERE key = $1", key)
        if row is None:
            raise Problem("not_found")
        alive = await reader.fetch(ALIVE, row["event"])
    offers = await offers_of(row["event"])
    return _view(row, positions(map(entry_of, alive)).get(row["id"]), offers)


async def leave(key: str) -> None:
    """Name and address are deleted with the entry. Who has left already, or never was there, leaves too."""
    async with transaction() as ledger:
        await _delete(ledger, await ledger.fetchrow("SELECT * FROM audience.waitlist_entry WHERE key = $1", key))


async def remove_entry(entry: int, *, organizer: int) -> None:
    """By a manager: as if whoever waits had left. Raises Problem('not_found')."""
    async with transaction() as ledger:
        row = await ledger.fetchrow(
            "SELECT e.* FROM audience.waitlist_entry e JOIN catalog.event v ON v.id = e.event"
            " JOIN catalog.box_office b ON b.id = v.box_office WHERE e.id = $1 AND b.organizer = $2",
            entry, organizer,
        )  # fmt: skip
        if row is None:
            raise Problem("not_found")
        await _delete(ledger, row)


async def _delete(ledger: asyncpg.Connection, row: Any) -> None:
    if row is None:
        return
    visitors = await visitors_of(ledger, [row["id"]])
    await ledger.execute("DELETE FROM audience.waitlist_entry WHERE id = $1", row["id"])
    await jobs.enqueue("tell_waitlist_places", event=row["event"], visitors=visitors)


async def visitors_of(ledger: asyncpg.Connection, entries: Sequence[int]) -> list[str]:
    """Every browser that these were joined in."""
    rows = await ledger.fetch(
        "SELECT visitor FROM audience.waitlist_entry WHERE id = ANY($1::bigint[])"
        " UNION SELECT visitor FROM audience.waitlist_page WHERE entry = ANY($1::bigint[])",
        list(entries),
    )
    return [row["visitor"] for row in rows]


async def forget_past_entries(at: datetime) -> int:
    """Names and addresses of those who waited for what has long been played; how many."""
    async with connection() as ledger:
        done: str = await ledger.execute(
            "DELETE FROM audience.waitlist_entry e WHERE NOT EXISTS (SELECT 1 FROM catalog.performance p"
            " WHERE p.event = e.event AND (e.performance IS NULL OR p.id = e.performance) AND p.starts_at > $1)",
            at - KEPT_AFTER,
        )
    return int(done.rpartition(" ")[2])


async def read_list(event: int, asked: Filter, *, organizer: int) -> ManagedList:
    """The list for its managers, in the order in which they are told; who is not in line comes after. Raises
    Problem('not_found')."""
    offers = await offers_of_own(event, organizer)
    settings = await settings_of(event, exact=True)
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT * FROM audience.waitlist_entry WHERE event = $1 ORDER BY joined_at, id", event
        )
    known = [entry_of(row) for row in rows]
    places, line = positions(known), {entry.id: index for index, entry in enumerate(in_line(known))}
    zone = offers[0].zone
    shown = sorted(filter(asked.keeps, rows), key=lambda row: line.get(row["id"], len(rows)))
    return ManagedList(
        event=event,
        title=translated(offers[0].title),
        tz=zone,
        settings=settings,
        performances=tuple(
            Choice(o.id, translated(o.performance_title), local(o.starts_at, zone)) for o in offers
        ),
        tariffs=tuple(Choice(t.id, translated(t.name)) for t in offers[0].tariffs),
        totals=totals_of(rows),
        entries=tuple(_managed(row, places.get(row["id"]), zone) for row in shown),
    )  # fmt: skip


def totals_of(rows: Iterable[Any]) -> ListTotals:
    """Of rows with `state`, `places` and `offered_count`."""
    entries: dict[str, int] = dict.fromkeys(EntryState, 0)
    places: dict[str, int] = dict.fromkeys(EntryState, 0)
    for row in rows:
        entries[row["state"]] += 1
        places[row["state"]] += row["offered_count"] if row["state"] == EntryState.OFFERED else row["places"]
    return ListTotals(
        entries=sum(entries.values()) - entries[EntryState.SERVED],
        waiting_entries=entries[EntryState.WAITING],
        waiting_places=places[EntryState.WAITING],
        offered_entries=entries[EntryState.OFFERED],
        offered_places=places[EntryState.OFFERED],
        lapsed_entries=entries[EntryState.LAPSED],
        served_entries=entries[EntryState.SERVED],
    )


def entry_of(row: Any) -> Entry:
    """A row as the rules know it."""
    return Entry(
        id=row["id"], performance=row["performance"], tariff=row["tariff"], count=row["places"],
        state=EntryState(row["state"]), joined_at=row["joined_at"], offers=row["offers"], until_at=row["until_at"],
        offered_performance=row["offered_performance"], offered_count=row["offered_count"],
        gone_since=row["gone_since"],
    )  # fmt: skip


def shown_state(state: str) -> str:
    """To whoever waits, an offer that ran out is waiting again, at the end."""
    return EntryState.WAITING if state == EntryState.LAPSED else state


def _view(row: Any, position: int | None, offers: tuple[Offer, ...]) -> EntryView:
    first = offers[0]
    offered = row["state"] == EntryState.OFFERED
    named = row["performance"] or (row["offered_performance"] if offered else None)
    evening = next((o for o in offers if o.id == named), None)
    tariff = first.tariff(row["tariff"]) if row["tariff"] is not None else None
    return EntryView(
        event=first.event, slug=first.slug, title=translated(first.title), performance=row["performance"],
        performance_title=translated(evening.performance_title) if evening else "",
        starts_at=local(evening.starts_at, evening.zone) if evening else None, venue=(evening or first).venue,
        tz=first.zone, tariff=row["tariff"], tariff_name=translated(tariff.name) if tariff else "", name=row["name"],
        count=row["places"], state=shown_state(row["state"]), position=position,
        joined_at=local(row["joined_at"], first.zone),
        until=local(row["until_at"], first.zone) if offered and row["until_at"] else None,
        offered_performance=row["offered_performance"] if offered else None,
        offered_count=row["offered_count"] if offered else 0,
    )  # fmt: skip


def _managed(row: Any, position: int | None, zone: str) -> ManagedEntry:
    return ManagedEntry(
        id=row["id"], performance=row["performance"], tariff=row["tariff"], name=row["name"], email=row["email"],
        language=row["locale"], count=row["places"], state=row["state"], position=position,
        joined_at=local(row["joined_at"], zone), offers=row["offers"],
        notified_at=local(row["notified_at"], zone) if row["notified_at"] else None,
        until=local(row["until_at"], zone) if row["until_at"] else None,
        offered_performance=row["offered_performance"], offered_count=row["offered_count"],
    )  # fmt: skip
