"""Which photo shows the view from a seat (SEA-4): its own, or that of the nearest photographed seat on the plan.

The browser applies the same rule while somebody points at seats (frontend/ts/seatmap/seat_view.ts). It knows seats by
`plan_for_browser`, to a tenth of a unit; so distances are compared here in whole tenths too, where both are exact, and
no rounding decides a tie differently on the two sides. tests/seating/seat_view_cases.json is held against both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from seating.seats import Plan

T = TypeVar("T")
TENTHS = 10


class NearestPhoto(Struct, frozen=True):
    """`ordinal`: the seat that the photo was taken from; `distance` from the asked seat, in plan units; `own`: it is
    that seat."""

    ordinal: int
    distance: float
    own: bool


def nearest_photo(plan: Plan, ordinal: int, photographed: Iterable[int]) -> NearestPhoto | None:
    """The photo to show for the seat `ordinal`, given the ordinals of seats that have one; None where none has.

    A seat's own photo is the best; ties go to the lower ordinal. Raises IndexError for an ordinal beyond the plan.
    """
    seat = plan.seats[ordinal]
    x, y = tenths(seat.x), tenths(seat.y)

    def rank(other: int) -> tuple[bool, int, int]:
        there = plan.seats[other]
        return other != ordinal, (tenths(there.x) - x) ** 2 + (tenths(there.y) - y) ** 2, other

    best = min(map(rank, photographed), default=None)
    if best is None:
        return None
    return NearestPhoto(best[2], math.sqrt(best[1]) / TENTHS, own=best[2] == ordinal)


def tenths(coordinate: float) -> int:
    """A coordinate as the browser's plan has it, in whole tenths of a unit."""
    return round(round(coordinate, 1) * TENTHS)


def place_photos(plan: Plan, photos: Mapping[str, T]) -> tuple[dict[int, T], frozenset[str]]:
    """Photos by label path → (photos by ordinal of this plan, label paths that are not on it).

    A plan that was edited or replaced keeps every photo whose seat is still called the same; the others wait for
    somebody to rename them.
    """
    ordinals = {seat.guid: seat.ordinal for seat in plan.seats}
    placed = {ordinals[path]: photo for path, photo in photos.items() if path in ordinals}
    return placed, frozenset(photos.keys() - ordinals.keys())
