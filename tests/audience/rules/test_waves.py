"""The rule of waves, by examples and by properties (WTL-2)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.audience.rules.queue import Entry, in_line
from app.audience.rules.waves import OFFERS_MAX, Free, Offered, Wave, decide_wave, offer_by_hand
from app.audience.tables import EntryState
from tests.audience.rules.lines import NOW, after, entry, houses, lines

LAPSED, OFFERED = EntryState.LAPSED, EntryState.OFFERED


def wave(free: int | dict[int, Free], *line: Entry, tell: bool = True) -> Wave:
    house = {7: Free(free, {1: free, 2: free})} if isinstance(free, int) else free
    return decide_wave(house, line, now=NOW, tell=tell)


def told(free: int | dict[int, Free], *line: Entry) -> list[tuple[int, int]]:
    return [(each.entry, each.count) for each in wave(free, *line).offered]


def test_ten_places_and_a_hundred_people_make_ten_offers() -> None:
    assert told(10, *(entry(id) for id in range(1, 101))) == [(id, 1) for id in range(1, 11)]


def test_an_offer_that_runs_keeps_its_places_from_the_others() -> None:
    running = entry(
        1, state=OFFERED, count=2, until_at=NOW + timedelta(seconds=1), offered_performance=7, offered_count=2
    )
    assert told(3, running, entry(2, count=2)) == [(2, 1)]


def test_an_offer_that_ran_out_gives_them_back_at_once() -> None:
    lapsed = entry(1, state=OFFERED, until_at=NOW, offered_performance=7, offered_count=1, offers=1)
    decided = wave(1, lapsed, entry(2))
    assert (decided.lapsed, decided.offered, decided.gone) == ((1,), (Offered(2, 7, 1),), ())


def test_fewer_places_than_wanted_are_told_of_to_the_first_in_line() -> None:
    """Passing over the four for the one behind would let a family wait for ever."""
    assert told(2, entry(1, count=4), entry(2, count=1)) == [(1, 2)]


def test_any_date_is_told_of_the_one_where_all_sit_together() -> None:
    house = {7: Free(1, {}), 8: Free(3, {})}
    assert wave(house, entry(1, performance=None, count=2)).offered == (Offered(1, 8, 2),)
    assert wave(house, entry(1, performance=None, count=1)).offered == (Offered(1, 7, 1),)
    assert wave(house, entry(1, performance=None, count=5)).offered == (Offered(1, 8, 3),)


def test_a_tariff_s_list_is_told_of_its_own_places_only() -> None:
    house = {7: Free(5, {1: 0, 2: 2})}
    assert told(house, entry(1, tariff=1), entry(2, tariff=2, count=3), entry(3, count=4)) == [(2, 2), (3, 3)]


def test_whoever_let_it_lapse_hears_of_new_places_only_and_not_for_ever() -> None:
    silent = entry(1, state=LAPSED, offers=1)
    assert told(3, silent) == []
    assert wave(0, silent).gone == (1,)
    assert told(3, entry(1, state=LAPSED, offers=1, gone_since=True)) == [(1, 1)]
    assert told(3, entry(1, state=LAPSED, offers=OFFERS_MAX, gone_since=True)) == []


def test_whoever_let_it_lapse_comes_last() -> None:
    again = entry(1, state=LAPSED, offers=1, gone_since=True)
    assert told(1, again, entry(2)) == [(2, 1)]
    assert told(2, again, entry(2)) == [(2, 1), (1, 1)]


def test_when_nobody_is_to_be_told_times_run_out_all_the_same() -> None:
    decided = wave(
        5, entry(1, state=OFFERED, until_at=NOW, offered_performance=7, offered_count=1), entry(2), tell=False
    )
    assert (decided.lapsed, decided.offered) == ((1,), ())


def test_by_hand_also_whoever_there_is_nothing_to_be_seen_for() -> None:
    house = {7: Free(0, {}), 8: Free(2, {})}
    assert offer_by_hand(house, [entry(1, count=3), entry(2, performance=8, count=3)]) == (
        Offered(1, 7, 3),
        Offered(2, 8, 2),
    )
    assert offer_by_hand(house, [entry(3, performance=9)]) == ()


def claimed(line: list[Entry], performance: int, tariff: int | None = None) -> int:
    """Places of a performance that running offers count on."""
    return sum(
        e.offered_count
        for e in line
        if e.state == OFFERED and e.offered_performance == performance and (tariff is None or e.tariff == tariff)
    )


@given(houses(), lines())
def test_no_more_is_offered_than_is_free(house: dict[int, Free], line: list[Entry]) -> None:
    decided = wave(house, *line)
    written = after(line, decided)
    running = after(line, Wave(lapsed=decided.lapsed))
    for performance, free in house.items():
        # A house may have shrunk below what had been offered: then nothing is added to it.
        assert claimed(written, performance) <= max(free.total, claimed(running, performance))
        for tariff, left in free.tariffs.items():
            assert claimed(written, performance, tariff) <= max(left, claimed(running, performance, tariff))


@given(houses(), lines())
def test_a_wave_that_was_written_is_not_sent_again(house: dict[int, Free], line: list[Entry]) -> None:
    first = wave(house, *line)
    assert wave(house, *after(line, first)) == Wave()


@given(houses(), lines())
def test_nobody_later_changes_what_those_before_are_told(house: dict[int, Free], line: list[Entry]) -> None:
    """Without those behind, everybody before them is told the same: nobody overtakes."""
    whole = wave(house, *line).offered
    waiting = in_line(line)
    others = [e for e in line if e not in waiting]
    for length in range(len(waiting)):
        first = {e.id for e in waiting[:length]}
        assert wave(house, *others, *waiting[:length]).offered == tuple(o for o in whole if o.entry in first)


@given(houses(), lines())
def test_while_places_are_left_nobody_who_waits_for_them_is_untold(house: dict[int, Free], line: list[Entry]) -> None:
    written = after(line, wave(house, *line))
    for e in written:
        if e.state != EntryState.WAITING:
            continue
        for performance, free in house.items():
            if e.wants(performance):
                left = free.total - claimed(written, performance)
                if e.tariff is not None:
                    left = min(left, free.tariffs[e.tariff] - claimed(written, performance, e.tariff))
                assert left <= 0


@given(houses(), lines())
def test_each_is_told_once_of_at_most_what_it_wants_where_it_wants_it(
    house: dict[int, Free], line: list[Entry]
) -> None:
    offered = wave(house, *line).offered
    known = {e.id: e for e in line}
    assert len({each.entry for each in offered}) == len(offered)
    for each in offered:
        assert 1 <= each.count <= known[each.entry].count
        assert known[each.entry].wants(each.performance)
        assert known[each.entry].state in (EntryState.WAITING, LAPSED)


@given(houses(), lines(), st.integers(1, 6))
def test_everybody_is_told_in_the_end(house: dict[int, Free], line: list[Entry], free: int) -> None:
    """Places that stay free, people who never react: each who waits is told once, and then it is quiet."""
    house = {performance: Free(free, dict.fromkeys(each.tariffs, free)) for performance, each in house.items()}
    at = NOW
    for _ in range(len(line) + 2):
        line = after(line, decide_wave(house, line, now=at))
        at += timedelta(hours=2)
    assert all(e.state != EntryState.WAITING for e in line)
    line = after(line, decide_wave(house, line, now=at))
    assert decide_wave(house, line, now=at).offered == ()
