"""Queues for the rules of the waitlist, by hand and by dice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from app.audience.rules.queue import Entry
from app.audience.rules.waves import Limit, Wave
from app.audience.tables import EntryState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DELAY = timedelta(minutes=60)
PERFORMANCES = (7, 8)
TARIFFS = (1, 2)


def entry(
    id: int,
    *,
    performance: int | None = 7,
    tariff: int | None = None,
    count: int = 1,
    state: EntryState = EntryState.WAITING,
    joined_at: datetime | None = None,
    offers: int = 0,
    until_at: datetime | None = None,
    offered_performance: int | None = None,
    offered_count: int = 0,
    gone_since: bool = False,
    guest: bool = False,
) -> Entry:
    """Joined in the order of their numbers, unless said otherwise."""
    return Entry(
        id=id, performance=performance, tariff=tariff, count=count, state=state,
        joined_at=joined_at or NOW - timedelta(days=2) + timedelta(seconds=id), offers=offers, until_at=until_at,
        offered_performance=offered_performance, offered_count=offered_count, gone_since=gone_since, guest=guest,
    )  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> list[Entry]:
    """Up to twenty people in any state, told or not, whose times are up or not."""
    found = []
    for id in range(1, draw(st.integers(0, 20)) + 1):
        state = draw(st.sampled_from(EntryState))
        performance = draw(st.sampled_from((None, *PERFORMANCES)))
        count = draw(st.integers(1, 6))
        was_told = state != EntryState.WAITING
        found.append(
            entry(
                id, performance=performance, tariff=draw(st.sampled_from((None, *TARIFFS))), count=count, state=state,
                offers=draw(st.integers(1, 4)) if was_told else 0,
                until_at=NOW + timedelta(minutes=draw(st.integers(-30, 30))) if state == EntryState.OFFERED else None,
                offered_performance=(performance or draw(st.sampled_from(PERFORMANCES))) if was_told else None,
                offered_count=draw(st.integers(1, count)) if was_told else 0,
                gone_since=state == EntryState.LAPSED and draw(st.booleans()),
            )
        )  # fmt: skip
    return found


@st.composite
def houses(draw: st.DrawFn) -> list[Limit]:
    """What is free at each performance, of each tariff no more than in all; and perhaps of both together less."""
    found = []
    for performances in [*((performance,) for performance in PERFORMANCES), PERFORMANCES][: draw(st.integers(1, 3))]:
        total = draw(st.integers(0, 12))
        found.append(Limit(performances, None, total))
        found += [Limit(performances, tariff, draw(st.integers(0, total))) for tariff in TARIFFS]
    return found


def house(free: int | dict[int, int], **tariffs: dict[int, int]) -> list[Limit]:
    """So many at performance 7, or at each; of both tariffs as many, unless `p8={2: 1}` says otherwise."""
    totals = {7: free} if isinstance(free, int) else free
    found = []
    for performance, total in totals.items():
        of = tariffs.get(f"p{performance}", dict.fromkeys(TARIFFS, total))
        found += [
            Limit((performance,), None, total), *(Limit((performance,), tariff, n) for tariff, n in of.items())
        ]  # fmt: skip
    return found


def after(line: list[Entry], wave: Wave) -> list[Entry]:
    """The queue once the wave is written down, as `app.sales.waitlist` writes it."""
    offered = {each.entry: each for each in wave.offered}
    found = []
    for e in line:
        if e.id in wave.lapsed:
            e = replace(e, state=EntryState.LAPSED, until_at=None)
        if e.id in wave.gone:
            e = replace(e, gone_since=True)
        if e.id in offered:
            made = offered[e.id]
            e = replace(
                e, state=EntryState.OFFERED, offers=e.offers + 1, until_at=NOW + DELAY,
                offered_performance=made.performance, offered_count=made.count, gone_since=False,
            )  # fmt: skip
        found.append(e)
    return found
