"""Who is before whom on a waitlist (WTL-1)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given

from app.audience.rules.queue import in_line, positions
from app.audience.tables import EntryState
from tests.audience.rules.lines import NOW, entry, lines


def test_places_are_counted_among_those_who_wait_for_the_same() -> None:
    told = positions(
        [
            entry(1, performance=7),
            entry(2, performance=8),
            entry(3, performance=None),
            entry(4, performance=7),
            entry(5, performance=8, tariff=1),
            entry(6, performance=8, tariff=2),
        ]
    )
    assert told == {1: 1, 2: 1, 3: 3, 4: 3, 5: 3, 6: 3}


def test_who_has_an_offer_or_has_bought_is_before_nobody() -> None:
    waiting = entry(3)
    assert positions([entry(1, state=EntryState.OFFERED), entry(2, state=EntryState.SERVED), waiting]) == {3: 1}


def test_who_let_an_offer_lapse_comes_after_all_who_wait_for_a_first_word() -> None:
    lapsed = entry(1, state=EntryState.LAPSED, offers=2)
    once = entry(2, state=EntryState.LAPSED, offers=1)
    late = entry(3, joined_at=NOW + timedelta(days=1))
    assert [e.id for e in in_line([lapsed, once, late])] == [3, 2, 1]


def test_a_guest_stands_where_a_newcomer_would_and_before_nobody() -> None:
    guests = [entry(3, guest=True), entry(4, guest=True)]
    assert positions([entry(1), entry(2), *guests, entry(5)]) == {1: 1, 2: 2, 3: 3, 4: 3, 5: 3}


@given(lines())
def test_whoever_joins_later_moves_nobody(line: list) -> None:  # type: ignore[type-arg]  # entries
    before = positions(line)
    late = entry(10_000, joined_at=NOW + timedelta(days=9))
    lapsed = {e.id for e in line if e.state == EntryState.LAPSED}
    after = positions([*line, late])
    assert {id: place for id, place in after.items() if id not in lapsed | {late.id}} == {
        id: place for id, place in before.items() if id not in lapsed
    }


@given(lines())
def test_with_one_list_for_all_places_are_one_to_n(line: list) -> None:  # type: ignore[type-arg]  # entries
    same = [entry(e.id, state=e.state, joined_at=e.joined_at, offers=e.offers) for e in line]
    assert sorted(positions(same).values()) == list(range(1, len(in_line(same)) + 1))
