"""The ground that figures are measured in: exactly so many seats, which geometry has cut into rows."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby, pairwise

import pytest

from benchmarks.stadium import FULL_SIZE, PITCH, stadium
from seating.geometry import AISLE
from seating.plan import check
from seating.seats import Plan

SIZES = (1_000, 3_000, 3_137, FULL_SIZE)


@pytest.fixture(scope="module")
def ground() -> Plan:
    return stadium(3_000)


def apart(plan: Plan, one: int, other: int) -> float:
    a, b = plan.seats[one], plan.seats[other]
    return math.dist((a.x, a.y), (b.x, b.y))


@pytest.mark.parametrize("size", SIZES)
def test_a_ground_has_exactly_the_seats_asked_for_and_is_a_sound_plan(size: int) -> None:
    plan = stadium(size)

    check(plan)
    assert len(plan.seats) == size


def test_it_is_the_same_ground_every_time(ground: Plan) -> None:
    assert stadium.__wrapped__(3_000) == ground


def test_what_is_no_ground_is_refused() -> None:
    with pytest.raises(ValueError, match="500"):
        stadium(499)


@pytest.mark.parametrize("size", SIZES)
def test_no_row_crosses_stairs_and_there_are_stairs_in_every_block(size: int) -> None:
    """The pieces of one row of one block are further apart than any two neighbours in them: the store must not seat a
    party across stairs."""
    plan = stadium(size)
    ordinary = [run for run in plan.rows if plan.seats[run[0]].kind == "standard"]
    steps = [apart(plan, one, other) for run in ordinary for one, other in pairwise(run)]
    across = [
        apart(plan, one[-1], other[0])
        for one, other in pairwise(ordinary)
        if plan.seats[one[0]].zone == plan.seats[other[0]].zone and plan.seats[one[0]].row == plan.seats[other[0]].row
    ]

    assert min(steps) >= PITCH * 0.99
    assert max(steps) < PITCH * AISLE
    assert across
    assert min(across) > max(steps)


def test_rows_of_a_large_ground_are_as_long_as_real_ones() -> None:
    lengths = Counter(len(run) for run in stadium(FULL_SIZE).rows)
    usual = sum(count for length, count in lengths.items() if 16 <= length <= 32)

    assert usual / lengths.total() > 0.9
    assert max(lengths) < 50


def test_corners_are_curved(ground: Plan) -> None:
    """The middle of a row lies off the line between its ends, in the corners only."""

    def bulge(run: tuple[int, ...]) -> float:
        first, middle, last = (plan_xy(ordinal) for ordinal in (run[0], run[len(run) // 2], run[-1]))
        return abs(
            (last[0] - first[0]) * (first[1] - middle[1]) - (first[0] - middle[0]) * (last[1] - first[1])
        ) / math.dist(first, last)

    def plan_xy(ordinal: int) -> tuple[float, float]:
        return ground.seats[ordinal].x, ground.seats[ordinal].y

    for run in ground.rows:
        assert (bulge(run) > PITCH / 4) == ground.seats[run[0]].zone.startswith("Angle")


def test_numbers_are_odd_on_one_side_and_even_on_the_other(ground: Plan) -> None:
    """Whoever reads neighbours off numbers is wrong in every row: 1 sits beside 2 and 3, and 2 not beside 3."""
    for _, row in groupby(ground.seats, key=lambda seat: (seat.zone, seat.row)):
        numbers = [int(seat.number) for seat in row]
        odd = [number for number in numbers if number % 2]
        even = [number for number in numbers if not number % 2]
        along = sorted(odd, reverse=True) + sorted(even)

        assert numbers in (along, along[::-1])
        assert sorted(odd) == list(range(1, 2 * len(odd), 2))
        assert sorted(even) == list(range(2, 2 * len(even) + 1, 2))
        assert 0 <= len(even) - len(odd) <= 1


@pytest.mark.parametrize("size", SIZES)
def test_the_nearest_seats_are_the_dearest_and_no_row_has_two_prices(size: int) -> None:
    plan = stadium(size)
    far: dict[str, list[float]] = {}
    for seat in plan.seats:
        far.setdefault(seat.category, []).append(math.dist((seat.x, seat.y), plan.focal))
    means = [sum(far[category.name]) / len(far[category.name]) for category in plan.categories]

    assert means == sorted(means)
    assert all(len({plan.seats[ordinal].category for ordinal in run}) == 1 for run in plan.rows)


@pytest.mark.parametrize("size", SIZES)
def test_a_companion_sits_beside_every_wheelchair(size: int) -> None:
    plan = stadium(size)
    kinds = [[plan.seats[ordinal].kind for ordinal in run] for run in plan.rows]
    accessible = [row for row in kinds if set(row) != {"standard"}]

    assert accessible
    assert all(row in (["wheelchair", "companion"] * (len(row) // 2), ["companion", "wheelchair"] * (len(row) // 2))
               for row in accessible)  # fmt: skip


def test_everybody_looks_at_the_middle_of_the_pitch(ground: Plan) -> None:
    pitch = ground.areas[0]

    assert ground.focal == pytest.approx((pitch.x + pitch.width / 2, pitch.y + pitch.height / 2), abs=0.1)
    assert not any(
        pitch.x < seat.x < pitch.x + pitch.width and pitch.y < seat.y < pitch.y + pitch.height for seat in ground.seats
    )
