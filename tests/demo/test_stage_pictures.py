"""The drawn views of the demo's theatre (SEA-4): each seat its own, each always the same, and no seat far from one."""

from __future__ import annotations

import math

import pytest
from PIL import Image, ImageChops

from app.demo.stage_pictures import draw_view, spread
from seating.plan import Plan
from seating.theatre import italian_theatre

SMALL = (320, 180)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return italian_theatre()


def seat_of(plan: Plan, guid: str) -> int:
    return next(seat.ordinal for seat in plan.seats if seat.guid == guid)


def differing(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that differ to the eye."""
    apart = ImageChops.difference(one, other).convert("L").point([255 if v > 24 else 0 for v in range(256)])
    return apart.histogram()[255] / (one.width * one.height)


def test_a_seat_is_drawn_the_same_every_time_and_another_seat_otherwise(plan: Plan) -> None:
    middle = seat_of(plan, "Parterre > G > 1")

    assert differing(draw_view(plan, middle, SMALL), draw_view(plan, middle, SMALL)) == 0
    assert differing(draw_view(plan, middle, SMALL), draw_view(plan, seat_of(plan, "2e balcon > D > 40"), SMALL)) > 0.2


def test_a_view_from_the_left_is_nearly_that_from_the_right_in_a_mirror(plan: Plan) -> None:
    """The house is symmetrical, its stage's furniture and its visitors are not: a wrong turn of the eye would show."""
    left = draw_view(plan, seat_of(plan, "2e balcon > D > 2"), SMALL)
    right = draw_view(plan, seat_of(plan, "2e balcon > D > 78"), SMALL)
    mirrored = right.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    assert differing(left, mirrored) < differing(left, right) / 2


@pytest.mark.parametrize("count", [1, 25])
def test_no_seat_is_farther_from_a_photo_than_photos_are_from_each_other(plan: Plan, count: int) -> None:
    """What choosing the farthest seat each time promises."""
    chosen = [plan.seats[ordinal] for ordinal in spread(plan, count)]
    farthest = max(min(math.dist((s.x, s.y), (c.x, c.y)) for c in chosen) for s in plan.seats)
    apart = min((math.dist((a.x, a.y), (b.x, b.y)) for a in chosen for b in chosen if a is not b), default=math.inf)

    assert len({seat.guid for seat in chosen}) == count
    assert farthest <= apart


def test_a_plan_has_no_more_photos_than_seats(plan: Plan) -> None:
    assert len(spread(plan, 10_000)) == len(plan.seats)
