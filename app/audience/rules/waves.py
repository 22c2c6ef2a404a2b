"""Who is told that there are places (WTL-2). Pure.

The rule, in order of joining: whoever is next is told of as many places as they want; if there are fewer, of those
("2 of your 4"), for nobody is passed over for wanting more than has come back. What was offered counts as taken until
its time is up: so many places, so many offers. Whoever lets the time run out goes to the end, and is told again when
those places have been gone and new ones come: at most `OFFERS_MAX` times, then by hand only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from app.audience.rules.queue import Entry, in_line
from app.audience.tables import EntryState

OFFERS_MAX = 3


class Free(Struct, frozen=True):
    """What the public could buy at a performance now: in all, and of that at most so many of each tariff."""

    total: int
    tariffs: Mapping[int, int]


class Offered(Struct, frozen=True):
    """`entry` is told of `count` places at `performance`."""

    entry: int
    performance: int
    count: int


class Wave(Struct, frozen=True, kw_only=True):
    """`lapsed`: entries whose time ran out. `gone`: lapsed ones whose places nobody could buy any more, so that the
    next ones are news."""

    offered: tuple[Offered, ...] = ()
    lapsed: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


def decide_wave(free: Mapping[int, Free], entries: Iterable[Entry], *, now: datetime, tell: bool = True) -> Wave:
    """`free`: by performance, in their order of time. `tell=False`: nobody is told, but times run out all the same."""
    known = list(entries)
    lapsed = [e for e in known if _has_lapsed(e, now)]
    running = [e for e in known if e.state == EntryState.OFFERED and e not in lapsed]
    gone = [
        e
        for e in known
        if (e in lapsed or (e.state == EntryState.LAPSED and not e.gone_since)) and not _any_for(e, free)
    ]
    left = _Left(free)
    for entry in running:
        if entry.offered_performance is not None:
            left.take(entry.offered_performance, entry.tariff, entry.offered_count)
    offered = [made for entry in in_line(known) if tell and _may_be_told(entry) and (made := left.give(entry))]
    return Wave(offered=tuple(offered), lapsed=tuple(e.id for e in lapsed), gone=tuple(e.id for e in gone))


def offer_by_hand(free: Mapping[int, Free], entries: Iterable[Entry]) -> tuple[Offered, ...]:
    """A manager tells these, in their order, whatever was offered before: of all they want where there is nothing
    to be seen for them, since a manager knows what comes."""
    made = []
    for entry in entries:
        wanted = [performance for performance in free if entry.wants(performance)]
        if not wanted:
            continue
        best = max(wanted, key=lambda performance: min(entry.count, _at(free[performance], entry.tariff)))
        there = _at(free[best], entry.tariff)
        made.append(Offered(entry.id, best, min(entry.count, there) if there > 0 else entry.count))
    return tuple(made)


def _has_lapsed(entry: Entry, now: datetime) -> bool:
    return entry.state == EntryState.OFFERED and entry.until_at is not None and entry.until_at <= now


def _may_be_told(entry: Entry) -> bool:
    return entry.state == EntryState.WAITING or (entry.gone_since and entry.offers < OFFERS_MAX)


def _any_for(entry: Entry, free: Mapping[int, Free]) -> bool:
    return any(entry.wants(performance) and _at(each, entry.tariff) > 0 for performance, each in free.items())


def _at(free: Free, tariff: int | None) -> int:
    return free.total if tariff is None else min(free.total, free.tariffs.get(tariff, 0))


class _Left:
    """What is neither taken nor offered."""

    def __init__(self, free: Mapping[int, Free]) -> None:
        self._free = {performance: (each.total, dict(each.tariffs)) for performance, each in free.items()}

    def take(self, performance: int, tariff: int | None, count: int) -> None:
        if performance in self._free:
            total, tariffs = self._free[performance]
            if tariff is not None:
                tariffs[tariff] = tariffs.get(tariff, 0) - count
            self._free[performance] = (total - count, tariffs)

    def give(self, entry: Entry) -> Offered | None:
        """All that it wants at the first performance that has so much; else at the one that has most."""
        wanted = [performance for performance in self._free if entry.wants(performance)]
        if not wanted:
            return None
        best = max(wanted, key=lambda performance: min(entry.count, self._at(performance, entry.tariff)))
        count = min(entry.count, self._at(best, entry.tariff))
        if count <= 0:
            return None
        self.take(best, entry.tariff, count)
        return Offered(entry.id, best, count)

    def _at(self, performance: int, tariff: int | None) -> int:
        total, tariffs = self._free[performance]
        return total if tariff is None else min(total, tariffs.get(tariff, 0))
