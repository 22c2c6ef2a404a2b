"""A plan's geometry as the store's scripts read it: packed columns, so that choosing seats needs no plan at hand.

The layout is described in scripts/choose.lua. Ten bytes a seat and thirty a run, once per plan and group, however many
performances are played on it; per performance a seat costs one byte.
"""

from __future__ import annotations

import functools
import hashlib
import math
import struct
from typing import Final

from msgspec import Struct

from seating import geometry
from seating.seats import SEAT_KINDS, Plan

CATEGORIES_MAX: Final = 255
RUNS_MAX: Final = 65_534
NEAR_MAX: Final = 8
_SCALE: Final = 65_535
_RUN = struct.Struct(">IHHHI")
_SEAT = struct.Struct(">HHHHBB")
_NEAR = struct.Struct(f">{NEAR_MAX}H")


class House(Struct, frozen=True):
    digest: str
    seats_count: int
    runs: bytes
    seats: bytes
    near: bytes
    names: dict[str, int]


@functools.lru_cache(maxsize=64)
def house_of(plan: Plan) -> House:
    """Pack a plan. Raises ValueError for one beyond the format: 255 categories, 65,534 runs."""
    if len(plan.categories) > CATEGORIES_MAX or len(plan.rows) > RUNS_MAX:
        raise ValueError(f"{plan.name}: at most {CATEGORIES_MAX} categories and {RUNS_MAX} rows")
    category_of = {category.name: index for index, category in enumerate(plan.categories)}
    zone_of = {zone: index for index, zone in enumerate(dict.fromkeys(seat.zone for seat in plan.seats))}
    distances = scaled_distances(plan)
    lower = [min(distances[ordinal] for ordinal in run) for run in plan.rows]
    order = sorted(range(len(plan.rows)), key=lambda index: (lower[index], index))
    place = {index: position for position, index in enumerate(order)}
    near = geometry.neighbouring_runs(
        [[(plan.seats[o].x, plan.seats[o].y) for o in run] for run in plan.rows],
        [(plan.seats[run[0]].zone, plan.seats[run[0]].row) for run in plan.rows],
        at_most=NEAR_MAX,
    )
    runs, nears = bytearray(), bytearray()
    for index in order:
        run = plan.rows[index]
        mask = 0
        for ordinal in run:
            mask |= 1 << category_of[plan.seats[ordinal].category] % 32
        runs += _RUN.pack(run[0], len(run), lower[index], zone_of[plan.seats[run[0]].zone], mask)
        around = [place[other] for other in near[index]]
        nears += _NEAR.pack(*around, *[_SCALE] * (NEAR_MAX - len(around)))
    unit = _SCALE / max(plan.width, plan.height, *(c for s in plan.seats for c in (s.x, s.y)), 1.0)
    seats = bytearray()
    for index, run in enumerate(plan.rows):
        for ordinal in run:
            seat = plan.seats[ordinal]
            seats += _SEAT.pack(
                max(0, round(seat.x * unit)), max(0, round(seat.y * unit)), distances[ordinal], place[index],
                category_of[seat.category], SEAT_KINDS.index(seat.kind),
            )  # fmt: skip
    names = {f"c{name}": index for name, index in category_of.items()}
    names |= {f"z{name}": index for name, index in zone_of.items()}
    digest = hashlib.sha256(bytes(runs) + seats + nears + repr(sorted(names.items())).encode()).hexdigest()[:16]
    return House(digest, len(plan.seats), bytes(runs), bytes(seats), bytes(nears), names)


def scaled_distances(plan: Plan) -> list[int]:
    """Each seat's distance from the focal point, the furthest being 65,535: what "best" is measured in."""
    far = [math.dist((seat.x, seat.y), plan.focal) for seat in plan.seats]
    unit = _SCALE / max(far, default=1.0) if max(far, default=0.0) else 0.0
    return [round(each * unit) for each in far]
