"""From drawn rows to a plan: aisles, sheet, levels, focal point."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from seating.assembly import DrawnRow, DrawnSeat, assemble, focal_point
from seating.plan import check
from seating.seats import Area, PlanCategory
from tests.seating.houses import GOLD, labels, sketch


def row(zone: str, name: str, y: float, xs: list[float]) -> DrawnRow:
    return DrawnRow(zone, name, tuple(DrawnSeat(str(i + 1), "Gold", x, y) for i, x in enumerate(xs)))


def test_a_row_numbered_odd_and_even_from_the_centre_is_ordered_by_place() -> None:
    numbers = {"5": 0.0, "3": 20.0, "1": 40.0, "2": 60.0, "4": 80.0, "6": 100.0}
    seats = tuple(DrawnSeat(number, "Gold", numbers[number], 0.0) for number in sorted(numbers))
    plan = assemble("Odd", (GOLD,), [DrawnRow("P", "A", seats)])
    assert labels(plan, plan.rows[0]) == ["A5", "A3", "A1", "A2", "A4", "A6"]


def test_seats_are_numbered_along_rows_that_are_broken_at_aisles() -> None:
    plan = sketch("...  ....", ".........")
    assert plan.rows == ((0, 1, 2), (3, 4, 5, 6), tuple(range(7, 16)))
    check(plan)


def test_a_seat_is_never_drawn_over_its_neighbour() -> None:
    tight = assemble("Tight", (GOLD,), [row("P", "A", 0, [0.0, 12.0, 24.0])])
    assert all(seat.radius < 6 for seat in tight.seats)
    wide = assemble("Wide", (GOLD,), [row("P", "A", 0, [0.0, 60.0, 120.0])])
    assert all(seat.radius == 10 for seat in wide.seats)


def test_the_sheet_is_cut_to_what_is_drawn_wherever_that_was() -> None:
    plan = assemble("Far", (GOLD,), [row("P", "A", -5000, [9000.0, 9020.0])])
    assert plan.width < 200
    assert plan.height < 200
    assert all(0 < seat.x < plan.width and 0 < seat.y < plan.height for seat in plan.seats)


def test_a_floor_drawn_on_top_of_another_is_moved_away_from_the_stage() -> None:
    xs = [i * 20.0 for i in range(10)]
    ground = [row("Ground", name, 100 + i * 25, xs) for i, name in enumerate("ABC")]
    upper = [row("Upper", name, 101 + i * 25, [x + 1 for x in xs]) for i, name in enumerate("ABC")]
    plan = assemble("Floors", (GOLD,), [*ground, *upper])
    below = max(seat.y for seat in plan.seats if seat.zone == "Ground")
    above = [seat for seat in plan.seats if seat.zone == "Upper"]
    assert min(seat.y for seat in above) >= below + 30
    assert [seat.row for seat in sorted(above, key=lambda seat: seat.y)][::10] == ["A", "B", "C"]


def test_a_floor_in_the_middle_of_a_vast_one_is_moved_beyond_it_without_creeping_there() -> None:
    xs = [float(x) for x in range(10)]
    vast = [row("Vast", str(line), float(line), xs) for line in range(600)]
    plan = assemble("Scales", (GOLD,), [*vast, row("Small", "A", 310.0, xs)])
    assert min(s.y for s in plan.seats if s.zone == "Small") > max(s.y for s in plan.seats if s.zone == "Vast")


def test_zones_that_only_touch_stay_where_they_are() -> None:
    first, second = row("Left", "A", 0, [0.0, 20.0, 40.0]), row("Right", "A", 0, [60.0, 80.0, 100.0])
    plan = assemble("Touching", (GOLD,), [first, second])
    assert [seat.y for seat in plan.seats] == [plan.seats[0].y] * 6


STAGE = Area("P", "rectangle", 100, 0, 200, 60)


@pytest.mark.parametrize("word", ["Stage", "SCÈNE", "La scène", "Bühne", "Сцена", "Escenario", "palco", "main stage"])
def test_the_stage_is_recognised_by_its_name_in_many_languages(word: str) -> None:
    bar = Area("P", "rectangle", 0, -200, 50, 20, text="Bar")
    assert focal_point([bar, replace(STAGE, text=word)], [(0.0, 300.0)]) == (200, 30)


def test_the_topmost_rectangle_without_seats_is_the_stage_when_none_is_named() -> None:
    floor = Area("P", "rectangle", 0, -500, 2000, 2000)
    desk = Area("P", "rectangle", 150, 500, 20, 20)
    assert focal_point([floor, desk, STAGE], [(10.0, 300.0), (400.0, 300.0)]) == (200, 30)


def test_without_a_stage_everybody_looks_at_the_top_centre() -> None:
    assert focal_point([], [(10.0, 80.0), (410.0, 300.0)]) == (210, 80)
    assert focal_point([], []) == (0, 0)


def test_colours_and_categories_are_kept_as_given() -> None:
    plan = assemble("One", (PlanCategory("Gold", "#123456"),), [row("P", "A", 0, [0.0])])
    assert plan.categories == (PlanCategory("Gold", "#123456"),)
    assert plan.seats[0].guid == "P > A > 1"
