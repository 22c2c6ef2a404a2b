"""One's own place on the waitlists, told on open pages (LIVE-4): the `waitlist` frame of docs/feed.md.

Only ever published, never kept: the ledger has the truth, and is asked whenever a page (re)connects.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from app.audience.entries import ALIVE, entry_of, shown_state
from app.audience.rules.queue import positions
from app.audience.tables import EntryState
from app.core.db import connection
from app.core.redis import redis
from realtime import notices
from realtime.shared import Shared

WAITING_KEPT_S = 2.0
"""Whoever joins meanwhile is told by a publication."""


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


async def own_entries(refs: Iterable[str]) -> dict[str, list[OwnEntry]]:
    """What each of these baskets has on any list, oldest first; a basket with nothing has an empty list."""
    found: dict[str, list[OwnEntry]] = {ref: [] for ref in refs if ref}
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT * FROM audience.waitlist_entry WHERE cart_ref = ANY($1::text[]) ORDER BY joined_at, id", list(found)
        )
        places: dict[int, int] = {}
        for event in {row["event"] for row in rows}:
            places |= positions([entry_of(each) for each in await reader.fetch(ALIVE, event)])
    for row in rows:
        found[row["cart_ref"]].append(_own(row, places.get(row["id"], 0)))
    return found


async def waitlist_of(ref: str) -> list[dict[str, Any]]:
    """The entries of one basket, for the page that has just connected. Thousands connect at once after a restart, and
    few of them wait for anything: who does is read for all of them together."""
    if ref not in await _waiting(0):
        return []
    return [_plain(each) for each in (await own_entries([ref]))[ref]]


async def _read_waiting(_: int) -> frozenset[str]:
    async with connection() as reader:
        rows = await reader.fetch("SELECT DISTINCT cart_ref FROM audience.waitlist_entry")
    return frozenset(row["cart_ref"] for row in rows)


_waiting = Shared(_read_waiting, WAITING_KEPT_S)


async def tell_places(event: int, refs: Iterable[str] = ()) -> None:
    """Tell everybody of an event's list where they stand, and besides these, who may have nothing left there. Raises
    RedisError."""
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT DISTINCT cart_ref FROM audience.waitlist_entry WHERE event = $1 AND state <> 'served'", event
        )
    await tell_entries({*refs, *(row["cart_ref"] for row in rows)})


async def tell_entries(refs: Iterable[str]) -> None:
    """Tell these baskets where they stand. Raises RedisError."""
    found = await own_entries(refs)
    await notices.tell_waitlist(redis(), {ref: [_plain(each) for each in own] for ref, own in found.items()})


def _own(row: Any, position: int) -> OwnEntry:
    common = {name: row[name] for name in ("id", "event", "performance", "tariff")}
    common["count"] = row["places"]
    if row["state"] != EntryState.OFFERED:
        return OwnEntry(**common, position=position, state=shown_state(row["state"]))
    return OwnEntry(
        **common, position=0, state=row["state"], until_ms=int(row["until_at"].timestamp() * 1000),
        offered_performance=row["offered_performance"], offered_count=row["offered_count"],
    )  # fmt: skip


def _plain(entry: OwnEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}
