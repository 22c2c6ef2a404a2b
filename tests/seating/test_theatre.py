"""The theatre à l'italienne of the demo."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest

from seating import geometry
from seating.plan import Plan, check
from seating.theatre import italian_theatre


@pytest.fixture(scope="module")
def house() -> Plan:
    return italian_theatre()


def test_it_has_about_1200_seats_in_six_zones_and_five_categories(house: Plan) -> None:
    check(house)
    assert 1150 <= len(house.seats) <= 1250
    zones = Counter(seat.zone for seat in house.seats)
    assert set(zones) == {"Parterre", "Baignoires", "Corbeille", "Loges", "1er balcon", "2e balcon"}
    assert len(house.categories) == 5
    assert {seat.category for seat in house.seats} == {category.name for category in house.categories}


def test_it_is_the_same_house_every_time(house: Plan) -> None:
    assert italian_theatre() == house


def test_boxes_hold_four_to_six(house: Plan) -> None:
    boxes = Counter((seat.zone, seat.row) for seat in house.seats if seat.zone in ("Loges", "Baignoires"))
    assert len(boxes) == 22
    assert set(boxes.values()) == {4, 6}


def test_every_wheelchair_place_has_a_companion_beside_it_at_the_parterres_rear(house: Plan) -> None:
    places = [seat for seat in house.seats if seat.kind == "wheelchair"]
    assert len(places) == 8
    rear = max(seat.y for seat in house.seats if seat.zone == "Parterre" and seat.kind == "standard")
    for seat in places:
        assert seat.zone == "Parterre"
        assert seat.y > rear - 60
        run = next(row for row in house.rows if seat.ordinal in row)
        assert sorted(house.seats[o].kind for o in run) == ["companion", "wheelchair"]


def test_the_parterre_is_odd_on_the_garden_side_and_even_on_the_court_side_from_the_aisle(house: Plan) -> None:
    middle = house.focal[0]
    for row in [row for row in house.rows if house.seats[row[0]].zone == "Parterre"]:
        garden = {house.seats[o].x < middle for o in row}
        assert len(garden) == 1
        numbers = [int(house.seats[o].number) for o in row]
        assert all(number % 2 == (1 if garden == {True} else 0) for number in numbers)
        assert numbers == sorted(numbers, reverse=garden == {True})


def test_no_seat_is_drawn_over_another(house: Plan) -> None:
    nearest = geometry.nearest_distances([(seat.x, seat.y) for seat in house.seats])
    assert all(seat.radius * 2 < gap for seat, gap in zip(house.seats, nearest, strict=True))


def test_levels_stand_one_behind_the_other_from_the_stage(house: Plan) -> None:
    """On the axis of the house, each level begins behind the end of the one before."""
    axis = [seat for seat in house.seats if abs(seat.x - house.focal[0]) < 60]
    depth = {
        zone: [seat.y for seat in axis if seat.zone == zone]
        for zone in ("Parterre", "Corbeille", "1er balcon", "2e balcon")
    }
    levels = list(depth.values())
    for nearer, further in pairwise(levels):
        assert max(nearer) + 20 < min(further)


def test_colours_are_told_apart_by_people_who_see_red_and_green_alike(house: Plan) -> None:
    """AHEAD-10. Simulated after Machado, Oliveira and Fernandes (2009), full severity; distances in linear light."""
    simulations = {
        "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
        "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
        "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
    }

    def linear(color: str) -> list[float]:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]

    for matrix in simulations.values():
        seen = [
            [sum(m * c for m, c in zip(line, linear(category.color), strict=True)) for line in matrix]
            for category in house.categories
        ]
        for i, one in enumerate(seen):
            for other in seen[i + 1 :]:
                assert math.dist(one, other) > 0.1
