"""One's own place on the waitlists, told on open pages (LIVE-4): the `waitlist` frame of docs/feed.md.

Only ever published, never kept: the ledger has the truth, and is asked whenever a page (re)connects.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from app.audience.entries import ALIVE, entry_of, guest_of, shown_state, visitors_of
from app.audience.rules.queue import positions
from app.audience.tables import EntryState
from app.core.db import connection
from app.core.redis import redis
from realtime import notices

COLLECT_S = 0.05


class OwnEntry(Struct, frozen=True, kw_only=True):
    """`position` is 0 unless it waits. The last three are those of an offer, while it runs."""

    id: int
    event: int
    performance: int | None
    tariff: int | None
    count: int
    position: int
    state: str
    until_ms: int | None = None
    offered_performance: int | None = None
    offered_count: int = 0


# What was joined in a browser, and what somebody joined in it who was on the list already (see `WaitlistPage`).
OWN = """
SELECT e.*, e.visitor AS whose, NULL::bigint AS page, e.places AS asked, e.joined_at AS since
FROM audience.waitlist_entry e WHERE e.visitor = ANY($1::text[])
UNION ALL SELECT e.*, p.visitor, p.id, p.places, p.joined_at
FROM audience.waitlist_page p JOIN audience.waitlist_entry e ON e.id = p.entry WHERE p.visitor = ANY($1::text[])
ORDER BY since, id
"""


async def own_entries(visitors: Iterable[str]) -> dict[str, list[OwnEntry]]:
    """What each of these visitors has on any list, oldest first; one with nothing has an empty list."""
    found: dict[str, list[OwnEntry]] = {visitor: [] for visitor in visitors if visitor}
    async with connection() as reader:
        rows = await reader.fetch(OWN, list(found))
        guests = [(row["event"], guest_of(row["page"], row, row["since"])) for row in rows if row["page"] is not None]
        places: dict[int, int] = {}
        for event in {row["event"] for row in rows}:
            alive = [entry_of(each) for each in await reader.fetch(ALIVE, event)]
            places |= positions([*alive, *(guest for of, guest in guests if of == event)])
    for row in rows:
        id = row["id"] if row["page"] is None else row["page"]
        found[row["whose"]].append(_own(row, id, places.get(id, 0)))
    return found


class PlacesAsked:
    """Where a visitor stands, asked by a page that has just connected. Thousands connect at once after a
    restart: their questions are collected for a moment, and asked as one."""

    def __init__(self) -> None:
        self._visitors: set[str] = set()
        self._next: asyncio.Task[dict[str, list[OwnEntry]]] | None = None

    async def __call__(self, visitor: str) -> list[dict[str, Any]]:
        self._visitors.add(visitor)
        if self._next is None:
            # In a context of its own, as it is for all of them; whoever asked first may go away.
            self._next = asyncio.get_running_loop().create_task(self._ask(), context=contextvars.Context())
        found = await asyncio.shield(self._next)
        return [_plain(each) for each in found.get(visitor, ())]

    async def _ask(self) -> dict[str, list[OwnEntry]]:
        await asyncio.sleep(COLLECT_S)
        visitors, self._visitors, self._next = self._visitors, set(), None
        return await own_entries(visitors)


async def tell_places(event: int, visitors: Iterable[str] = ()) -> None:
    """Tell everybody of an event's list where they stand, and besides these, who may have nothing left there. Raises
    RedisError."""
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT id FROM audience.waitlist_entry WHERE event = $1 AND state <> 'served'", event
        )
        everybody = await visitors_of(reader, [row["id"] for row in rows])
    await tell_entries({*visitors, *everybody})


async def tell_entries(visitors: Iterable[str]) -> None:
    """Tell these visitors where they stand. Raises RedisError."""
    found = await own_entries(visitors)
    await notices.tell_waitlist(redis(), {visitor: [_plain(each) for each in own] for visitor, own in found.items()})


def _own(row: Any, id: int, position: int) -> OwnEntry:
    common = {"id": id, "count": row["asked"]} | {name: row[name] for name in ("event", "performance", "tariff")}
    if row["state"] != EntryState.OFFERED:
        return OwnEntry(**common, position=position, state=shown_state(row["state"]))
    return OwnEntry(
        **common, position=0, state=row["state"], until_ms=int(row["until_at"].timestamp() * 1000),
        offered_performance=row["offered_performance"], offered_count=row["offered_count"],
    )  # fmt: skip


def _plain(entry: OwnEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}
