"""Rows are read from where seats are, never from their numbers (SEA-1, LIVE-8)."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seating import geometry

Point = tuple[float, float]


def straight(count: int, pitch: float = 20.0) -> list[Point]:
    return [(i * pitch, 0.0) for i in range(count)]


def arc(count: int, degrees: float, radius: float = 300.0) -> list[Point]:
    half = math.radians(degrees) / 2
    return [
        (radius * math.sin(-half + 2 * half * i / (count - 1)), radius * math.cos(-half + 2 * half * i / (count - 1)))
        for i in range(count)
    ]


def angled() -> list[Point]:
    """Twenty seats down a wall and six along the next."""
    return [(0.0, i * 22.0) for i in range(20)] + [((i + 1) * 22.0, 19 * 22.0) for i in range(6)]


SHAPES = {"straight": straight(18), "arc": arc(40, 120), "horseshoe": arc(60, 280), "angled": angled()}


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=st.integers(0, 1000))
def test_a_row_is_walked_from_end_to_end_however_its_seats_are_listed(shape: str, seed: int) -> None:
    row = SHAPES[shape]
    listed = list(range(len(row)))
    random.Random(seed).shuffle(listed)
    walk = geometry.order_along([row[i] for i in listed])
    walked = [listed[i] for i in walk]
    assert walked in (list(range(len(row))), list(range(len(row)))[::-1])
    assert row[walked[0]] <= row[walked[-1]]


def test_an_aisle_is_a_gap_clearly_wider_than_the_usual_step() -> None:
    row = [*straight(6), *((x + 6 * 20.0 + 18.0, y) for x, y in straight(7))]
    runs = geometry.break_at_aisles(row, geometry.order_along(row), 20.0)
    assert runs == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11, 12]]


def test_seats_that_stand_a_little_wider_are_no_aisle() -> None:
    row = [(0.0, 0.0), (20.0, 0.0), (48.0, 0.0), (68.0, 0.0), (88.0, 0.0)]
    assert geometry.break_at_aisles(row, range(5), 20.0) == [[0, 1, 2, 3, 4]]


def test_two_seats_on_both_sides_of_an_aisle_are_two_runs_though_their_only_gap_is_the_median() -> None:
    row = [(0.0, 0.0), (60.0, 0.0)]
    assert geometry.break_at_aisles(row, [0, 1], 20.0) == [[0], [1]]


def test_a_row_of_wide_chairs_in_a_zone_of_narrow_ones_stays_whole() -> None:
    row = straight(6, pitch=50.0)
    assert geometry.break_at_aisles(row, range(6), 20.0) == [[0, 1, 2, 3, 4, 5]]


def test_a_row_may_be_empty_or_one_seat() -> None:
    assert geometry.order_along([]) == []
    assert geometry.break_at_aisles([], [], 20.0) == []
    assert geometry.break_at_aisles([(1.0, 1.0)], geometry.order_along([(1.0, 1.0)]), 20.0) == [[0]]


def test_neighbouring_runs_are_in_front_behind_and_across_the_aisle_but_not_two_rows_away() -> None:
    def row(y: float) -> list[list[Point]]:
        return [[(i * 20.0, y) for i in range(5)], [(140.0 + i * 20.0, y) for i in range(5)]]

    runs = [piece for line in range(4) for piece in row(line * 25.0)]
    near = geometry.neighbouring_runs(runs, [line for line in range(4) for _ in range(2)])
    assert sorted(near[2]) == [0, 3, 4]
    assert sorted(near[0]) == [1, 2]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=60, unique=True))
def test_nearest_distances_agree_with_looking_at_every_pair(places: list[tuple[int, int]]) -> None:
    points = [(float(x), float(y)) for x, y in places]
    expected = [min(math.dist(a, b) for j, b in enumerate(points) if j != i) for i, a in enumerate(points)]
    assert geometry.nearest_distances(points) == pytest.approx(expected)
