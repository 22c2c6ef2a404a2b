"""Who is before whom on a waitlist (WTL-1). Pure.

One queue for each event, in order of joining. Whoever was told and did not buy in time comes after everybody who still
waits for a first word, those with fewer offers before those with more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from app.audience.tables import EntryState


class Entry(Struct, frozen=True, kw_only=True):
    """Somebody who waits for `count` places; performance, tariff: None is any. The last five are of its offers."""

    id: int
    performance: int | None
    tariff: int | None
    count: int
    state: EntryState
    joined_at: datetime
    offers: int = 0
    until_at: datetime | None = None
    offered_performance: int | None = None
    offered_count: int = 0
    gone_since: bool = False
    guest: bool = False
    """Only shown where it would stand: nobody stands behind it."""

    def wants(self, performance: int) -> bool:
        return self.performance in (None, performance)


def in_line(entries: Iterable[Entry]) -> list[Entry]:
    """Those who wait for word, first or again, in the order in which they are told."""
    waiting = (e for e in entries if e.state in (EntryState.WAITING, EntryState.LAPSED))
    return sorted(waiting, key=_rank)


def _rank(entry: Entry) -> tuple[int, datetime, int]:
    lapsed = entry.state == EntryState.LAPSED
    return (max(1, entry.offers) if lapsed else 0, entry.joined_at, entry.id)


def positions(entries: Iterable[Entry]) -> dict[int, int]:
    """Entry → its place, from 1, among those who wait for the same places as it; not for those who have an offer."""
    before: Counter[tuple[int | None, int | None]] = Counter()
    found = {}
    for entry in in_line(entries):
        mine = (entry.performance, entry.tariff)
        found[entry.id] = 1 + sum(count for other, count in before.items() if _meet(mine, other))
        before[mine] += not entry.guest
    return found


def _meet(one: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> bool:
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
