"""Which photo a seat is shown (SEA-4): pure, the same in the browser, and untouched by edits of the plan (SEA-2)."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seat_view import NearestPhoto, nearest_photo, place_photos
from seating.seats import Plan
from tests.seating import seat_view_cases
from tests.seating.houses import GOLD, labels, sketch


def scattered(x: list[float], y: list[float]) -> Plan:
    """A plan whose seats lie exactly there, in this order."""
    row = DrawnRow("Z", "A", tuple(DrawnSeat(str(n), "Gold", float(n), 0.0) for n in range(len(x))))
    plan = assemble("Scattered", (GOLD,), [row], focal=(0.0, -40.0))
    seats = tuple(
        msgspec.structs.replace(s, x=a, y=b, ordinal=n)
        for n, (s, a, b) in enumerate(zip(plan.seats, x, y, strict=True))
    )
    return msgspec.structs.replace(plan, seats=seats)


@pytest.mark.parametrize("case", json.loads(seat_view_cases.PATH.read_text())["cases"], ids=lambda case: case["name"])
def test_the_shared_cases_hold_here_too(case: dict[str, Any]) -> None:
    """frontend/tests/seatmap/seat_view.test.ts holds the browser to the same file."""
    plan = scattered(case["x"], case["y"])
    for ordinal, expected in enumerate(case["nearest"]):
        found = nearest_photo(plan, ordinal, case["photographed"])
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert found.ordinal == expected[0]
            assert found.distance == pytest.approx(expected[1], abs=1e-9)
            assert found.own == (expected[0] == ordinal)


def test_the_shared_cases_are_those_that_are_described() -> None:
    """Nobody has edited an answer by hand."""
    assert seat_view_cases.PATH.read_text(encoding="utf-8") == seat_view_cases.document()


def test_the_shared_cases_would_catch_a_rule_that_is_almost_right() -> None:
    """The negative control: comparing binary fractions, or letting the later of two win, fails some case."""
    cases = json.loads(seat_view_cases.PATH.read_text())["cases"]

    def wrong(case: dict[str, Any], rank: Any) -> bool:
        x, y = case["x"], case["y"]
        for ordinal, expected in enumerate(case["nearest"]):
            best = min(case["photographed"], key=lambda o: rank(x, y, ordinal, o), default=None)
            if expected is not None and best != expected[0]:
                return True
        return False

    def squared(x: Any, y: Any, a: int, b: int) -> float:
        return float((x[a] - x[b]) ** 2 + (y[a] - y[b]) ** 2)

    rules = {
        "in binary": lambda x, y, a, b: (a != b, squared(x, y, a, b), b),
        "the later of two": lambda x, y, a, b: (a != b, round(squared(x, y, a, b), 6), -b),
        "own is none": lambda x, y, a, b: (round(squared(x, y, a, b), 6), b),
        "by rows first": lambda x, y, a, b: (abs(y[a] - y[b]), abs(x[a] - x[b]), b),
    }
    assert {name for name, rank in rules.items() if any(wrong(case, rank) for case in cases)} == set(rules)


tenth = st.integers(-20_000, 20_000).map(lambda n: n / 10)


@given(st.lists(st.tuples(tenth, tenth), min_size=1, max_size=12, unique=True), st.data())
def test_no_photographed_seat_is_nearer_than_the_one_that_is_shown(
    places: list[tuple[float, float]], data: st.DataObject
) -> None:
    plan = scattered([x for x, _ in places], [y for _, y in places])
    photographed = data.draw(st.sets(st.integers(0, len(places) - 1), min_size=1))
    ordinal = data.draw(st.integers(0, len(places) - 1))
    found = nearest_photo(plan, ordinal, photographed)
    assert found is not None
    assert found.ordinal in photographed
    assert found.own == (ordinal in photographed) == (found.distance == 0)

    def far(other: int) -> int:
        """In whole tenths, squared."""
        (a, b), (c, d) = places[ordinal], places[other]
        return (round(a * 10) - round(c * 10)) ** 2 + (round(b * 10) - round(d * 10)) ** 2

    assert all((far(found.ordinal), found.ordinal) <= (far(other), other) for other in photographed)
    shuffled = list(photographed)
    random.Random(1).shuffle(shuffled)
    assert nearest_photo(plan, ordinal, shuffled) == found


def test_a_photo_stays_with_its_seat_when_the_plan_is_edited() -> None:
    """A seat that gets another ordinal, and another place, keeps its photo by its name; one that is gone is told."""
    before = sketch("....", "....")
    photos = {before.seats[o].guid: f"photo of {o}" for o in (1, 6)}
    placed, missing = place_photos(before, photos)
    assert (placed, missing) == ({1: "photo of 1", 6: "photo of 6"}, frozenset())

    wider = sketch("......", "....")
    placed, missing = place_photos(wider, photos)
    assert labels(wider, placed) == ["A2", "B3"]
    assert missing == frozenset()

    smaller = sketch("....")
    placed, missing = place_photos(smaller, photos)
    assert (placed, missing) == ({1: "photo of 1"}, frozenset({"Parterre > B > 3"}))


def test_a_seat_beyond_the_plan_has_no_photo_to_show() -> None:
    plan = sketch("....")
    with pytest.raises(IndexError):
        nearest_photo(plan, 4, [0])
    assert nearest_photo(plan, 3, [0]) == NearestPhoto(0, 60.0, own=False)
