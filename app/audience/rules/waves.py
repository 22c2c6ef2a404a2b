"""Who is told that there are places (WTL-2). Pure.

The rule, in order of joining: whoever is next is told of as many places as they want; if there are fewer, of those
("2 of your 4"), for nobody is passed over for wanting more than has come back. What was offered counts as taken until
its time is up: so many places, so many offers. Whoever lets the time run out goes to the end, and is told again when
those places have been gone and new ones come: at most `OFFERS_MAX` times, then by hand only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from app.audience.rules.queue import Entry, in_line
from app.audience.tables import EntryState

OFFERS_MAX = 3


class Limit(Struct, frozen=True):
    """At most `left` places are free at these performances together, of a tariff (None: of any). Performances come in
    the order in which limits name them."""

    performances: tuple[int, ...]
    tariff: int | None
    left: int


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


def decide_wave(limits: Sequence[Limit], entries: Iterable[Entry], *, now: datetime, tell: bool = True) -> Wave:
    """`limits`: all that the public's next purchases meet; a performance that none names has nothing. `tell=False`:
    nobody is told, but times run out all the same."""
    known = list(entries)
    lapsed = {e.id for e in known if _has_lapsed(e, now)}
    running = [e for e in known if e.state == EntryState.OFFERED and e.id not in lapsed]
    free = _Left(limits)
    gone = [
        e.id
        for e in known
        if (e.id in lapsed or (e.state == EntryState.LAPSED and not e.gone_since)) and free.best(e) is None
    ]
    left = _Left(limits)
    for entry in running:
        if entry.offered_performance is not None:
            left.take(entry.offered_performance, entry.tariff, entry.offered_count)
    offered = [made for entry in in_line(known) if tell and _may_be_told(entry) and (made := left.give(entry))]
    return Wave(offered=tuple(offered), lapsed=tuple(sorted(lapsed)), gone=tuple(gone))


def offer_by_hand(limits: Sequence[Limit], entries: Iterable[Entry]) -> tuple[Offered, ...]:
    """A manager tells these, whatever was offered before: each of what is there, and of all they want where there is
    nothing to be seen for them, since a manager knows what comes."""
    made = []
    left = _Left(limits)
    for entry in entries:
        offer = left.best(entry)
        if offer is None and (wanted := left.wanted(entry)):
            offer = Offered(entry.id, wanted[0], entry.count)
        if offer is not None:
            made.append(offer)
    return tuple(made)


def _has_lapsed(entry: Entry, now: datetime) -> bool:
    return entry.state == EntryState.OFFERED and entry.until_at is not None and entry.until_at <= now


def _may_be_told(entry: Entry) -> bool:
    return entry.state == EntryState.WAITING or (entry.gone_since and entry.offers < OFFERS_MAX)


class _Left:
    """What the limits still allow."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._left = [limit.left for limit in limits]
        self._at: dict[int, list[int]] = {}
        for index, limit in enumerate(limits):
            for performance in limit.performances:
                self._at.setdefault(performance, []).append(index)

    def take(self, performance: int, tariff: int | None, count: int) -> None:
        for index in self._at.get(performance, ()):
            if self._limits[index].tariff in (None, tariff):
                self._left[index] -= count

    def give(self, entry: Entry) -> Offered | None:
        """The best for it, which is gone for those behind."""
        made = self.best(entry)
        if made is not None:
            self.take(made.performance, entry.tariff, made.count)
        return made

    def best(self, entry: Entry) -> Offered | None:
        """All that it wants at the first performance that has so much; else at the one that has most."""
        wanted = self.wanted(entry)
        if not wanted:
            return None
        there = {performance: min(entry.count, self._of(performance, entry.tariff)) for performance in wanted}
        performance = max(wanted, key=there.__getitem__)
        return Offered(entry.id, performance, there[performance]) if there[performance] > 0 else None

    def wanted(self, entry: Entry) -> list[int]:
        return [performance for performance in self._at if entry.wants(performance)]

    def _of(self, performance: int, tariff: int | None) -> int:
        """Nothing of a tariff that no limit of the performance names: it is not sold there."""
        counted = [index for index in self._at[performance] if self._limits[index].tariff in (None, tariff)]
        if all(self._limits[index].tariff != tariff for index in counted):
            return 0
        return min(self._left[index] for index in counted)
