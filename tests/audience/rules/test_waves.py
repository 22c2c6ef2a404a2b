"""The rule of waves, by examples and by properties (WTL-2)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.audience.rules.queue import Entry, in_line
from app.audience.rules.waves import OFFERS_MAX, Limit, Offered, Wave, decide_wave, offer_by_hand
from app.audience.tables import EntryState
from tests.audience.rules.lines import NOW, PERFORMANCES, after, entry, house, houses, lines

LAPSED, OFFERED = EntryState.LAPSED, EntryState.OFFERED


def wave(limits: list[Limit], *line: Entry, tell: bool = True) -> Wave:
    return decide_wave(limits, line, now=NOW, tell=tell)


def told(free: int | list[Limit], *line: Entry) -> list[tuple[int, int]]:
    limits = house(free) if isinstance(free, int) else free
    return [(each.entry, each.count) for each in wave(limits, *line).offered]


def test_ten_places_and_a_hundred_people_make_ten_offers() -> None:
    assert told(10, *(entry(id) for id in range(1, 101))) == [(id, 1) for id in range(1, 11)]


def test_an_offer_that_runs_keeps_its_places_from_the_others() -> None:
    running = entry(
        1, state=OFFERED, count=2, until_at=NOW + timedelta(seconds=1), offered_performance=7, offered_count=2
    )
    assert told(3, running, entry(2, count=2)) == [(2, 1)]


def test_an_offer_that_ran_out_gives_them_back_at_once() -> None:
    lapsed = entry(1, state=OFFERED, until_at=NOW, offered_performance=7, offered_count=1, offers=1)
    decided = wave(house(1), lapsed, entry(2))
    assert (decided.lapsed, decided.offered, decided.gone) == ((1,), (Offered(2, 7, 1),), ())


def test_fewer_places_than_wanted_are_told_of_to_the_first_in_line() -> None:
    """Passing over the four for the one behind would let a family wait for ever."""
    assert told(2, entry(1, count=4), entry(2, count=1)) == [(1, 2)]


def test_any_date_is_told_of_the_one_where_all_sit_together() -> None:
    both = house({7: 1, 8: 3})
    assert wave(both, entry(1, performance=None, count=2)).offered == (Offered(1, 8, 2),)
    assert wave(both, entry(1, performance=None, count=1)).offered == (Offered(1, 7, 1),)
    assert wave(both, entry(1, performance=None, count=5)).offered == (Offered(1, 8, 3),)


def test_dates_that_share_a_limit_share_its_places() -> None:
    together = [*house({7: 3, 8: 3}), Limit((7, 8), None, 3)]
    assert told(together, entry(1, performance=7, count=2), entry(2, performance=8, count=2)) == [(1, 2), (2, 1)]


def test_of_a_tariff_that_is_not_sold_there_nobody_is_told() -> None:
    assert told(5, entry(1, tariff=9)) == []
    assert told(5, entry(1, performance=9)) == []


def test_a_tariff_s_list_is_told_of_its_own_places_only() -> None:
    children = house({7: 5}, p7={1: 0, 2: 2})
    assert told(children, entry(1, tariff=1), entry(2, tariff=2, count=3), entry(3, count=4)) == [(2, 2), (3, 3)]


def test_whoever_let_it_lapse_hears_of_new_places_only_and_not_for_ever() -> None:
    silent = entry(1, state=LAPSED, offers=1)
    assert told(3, silent) == []
    assert wave(house(0), silent).gone == (1,)
    assert told(3, entry(1, state=LAPSED, offers=1, gone_since=True)) == [(1, 1)]
    assert told(3, entry(1, state=LAPSED, offers=OFFERS_MAX, gone_since=True)) == []


def test_whoever_let_it_lapse_comes_last() -> None:
    again = entry(1, state=LAPSED, offers=1, gone_since=True)
    assert told(1, again, entry(2)) == [(2, 1)]
    assert told(2, again, entry(2)) == [(2, 1), (1, 1)]


def test_when_nobody_is_to_be_told_times_run_out_all_the_same() -> None:
    decided = wave(
        house(5), entry(1, state=OFFERED, until_at=NOW, offered_performance=7, offered_count=1), entry(2), tell=False
    )
    assert (decided.lapsed, decided.offered) == ((1,), ())


def test_by_hand_also_whoever_there_is_nothing_to_be_seen_for() -> None:
    limits = house({7: 0, 8: 2})
    assert offer_by_hand(limits, [entry(1, count=3), entry(2, performance=8, count=3)]) == (
        Offered(1, 7, 3),
        Offered(2, 8, 2),
    )
    assert offer_by_hand(limits, [entry(3, performance=9)]) == ()


def claimed(line: list[Entry], limit: Limit) -> int:
    """Places under a limit that running offers count on."""
    return sum(
        e.offered_count
        for e in line
        if e.state == OFFERED and e.offered_performance in limit.performances and limit.tariff in (None, e.tariff)
    )


@given(houses(), lines())
def test_no_more_is_offered_than_is_free(limits: list[Limit], line: list[Entry]) -> None:
    decided = wave(limits, *line)
    written = after(line, decided)
    running = after(line, Wave(lapsed=decided.lapsed))
    for limit in limits:
        # A house may have shrunk below what had been offered: then nothing is added to it.
        assert claimed(written, limit) <= max(limit.left, claimed(running, limit))


@given(houses(), lines())
def test_a_wave_that_was_written_is_not_sent_again(limits: list[Limit], line: list[Entry]) -> None:
    first = wave(limits, *line)
    assert wave(limits, *after(line, first)) == Wave()


@given(houses(), lines())
def test_nobody_later_changes_what_those_before_are_told(limits: list[Limit], line: list[Entry]) -> None:
    """Without those behind, everybody before them is told the same: nobody overtakes."""
    whole = wave(limits, *line).offered
    waiting = in_line(line)
    others = [e for e in line if e not in waiting]
    for length in range(len(waiting)):
        first = {e.id for e in waiting[:length]}
        assert wave(limits, *others, *waiting[:length]).offered == tuple(o for o in whole if o.entry in first)


@given(houses(), lines())
def test_while_places_are_left_nobody_who_waits_for_them_is_untold(limits: list[Limit], line: list[Entry]) -> None:
    written = after(line, wave(limits, *line))
    for e in written:
        if e.state != EntryState.WAITING:
            continue
        for performance in {p for limit in limits for p in limit.performances if e.wants(p)}:
            assert any(
                limit.left <= claimed(written, limit)
                for limit in limits
                if performance in limit.performances and limit.tariff in (None, e.tariff)
            )


@given(houses(), lines())
def test_each_is_told_once_of_at_most_what_it_wants_where_it_wants_it(limits: list[Limit], line: list[Entry]) -> None:
    offered = wave(limits, *line).offered
    known = {e.id: e for e in line}
    assert len({each.entry for each in offered}) == len(offered)
    for each in offered:
        assert 1 <= each.count <= known[each.entry].count
        assert known[each.entry].wants(each.performance)
        assert known[each.entry].state in (EntryState.WAITING, LAPSED)


@given(lines(), st.integers(1, 6))
def test_everybody_is_told_in_the_end(line: list[Entry], free: int) -> None:
    """Places that stay free, people who never react: each who waits is told once, and then it is quiet."""
    limits = house(dict.fromkeys(PERFORMANCES, free))
    at = NOW
    for _ in range(len(line) + 2):
        line = after(line, decide_wave(limits, line, now=at))
        at += timedelta(hours=2)
    assert all(e.state != EntryState.WAITING for e in line)
    line = after(line, decide_wave(limits, line, now=at))
    assert decide_wave(limits, line, now=at).offered == ()
