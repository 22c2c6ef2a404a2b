"""A plan's geometry as the store's scripts read it: packed columns, so that choosing seats needs no plan at hand.

The unit is the *stretch*: a piece of a run (which never crosses an aisle) whose seats have one category and one class
(0: ordinary seats, 1: wheelchair places and companions' seats). Stretches are sorted by class, category, `lower` (the
distance of their nearest seat to the focal point) and first seat; the index in that order is the stretch's *position*.
So all stretches of a category are one slice, nearest first. Big-endian, by position unless said otherwise:

    stretches  16 bytes: start u32, length u16, lower u16, zone u16, run u16, category u8, class u8, row u16
               (`run` counts plan.rows; `row` counts rows as labelled, aisles included)
    lowers     4 bytes: lower u16, the least lower of it and its neighbours u16
    near       16 bytes: up to 8 positions in front, behind or across the aisle, same category and class, nearest
               first, 65,535 for none
    where      by ordinal, the position of its stretch u16
    far        by ordinal, the distance to the focal point u16
    xy         by ordinal, x u16 and y u16
    catalog    msgpack {category name: [index, [first position, count, drop] of class 0, the same of class 1]}, `drop`
               being how much nearer than a stretch its nearest neighbour can be
    zonebook   msgpack {zone name: index}
    zoneslices by zone, then by category, class 0: offset u32 and count u16 into zonelists
    zonelists  positions u16, by zone, category, position
    access     16 bytes for each run with a wheelchair place, by its lower: start u32, length u16, lower u16, zone u16,
               two zero bytes, offset of its seats in `kinds` u32
    kinds      by seat of those runs: kind u8 (0 ordinary, 1 wheelchair, 2 companion), category u8

About ten bytes a seat in houses with rows of twenty, once per plan and group, however many performances are played on
it; per performance a seat costs one byte of state, and a stretch one byte of index (`longest_runs`).
"""

from __future__ import annotations

import functools
import hashlib
import math
import struct
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, Final

import msgspec
from msgspec import Struct

from seating import geometry
from seating.seats import SEAT_KINDS, Plan

CATEGORIES_MAX: Final = 255
STRETCHES_MAX: Final = 65_534
NEAR_MAX: Final = 8
RUN_CAP: Final = 20
"""The longest run the index tells apart: as many best seats as one line may ask for."""

_SCALE: Final = 65_535
_STRETCH = struct.Struct(">IHHHHBBH")
_LOWER = struct.Struct(">HH")
_NEAR = struct.Struct(f">{NEAR_MAX}H")
_ZONE_SLICE = struct.Struct(">IH")
_ACCESS = struct.Struct(">IHHHxxI")


class House(Struct, frozen=True):
    """A packed plan: `parts` are its keys by their last piece, see above."""

    digest: str
    seats_count: int
    positions_count: int
    parts: dict[str, bytes]


class Stretch(Struct, frozen=True):
    """Seats `start` to `start + length - 1` (ordinals); `lower` as in the packed form."""

    start: int
    length: int
    lower: int
    zone: int
    run: int
    category: int
    accessible: bool
    row: int

    @property
    def seats(self) -> range:
        return range(self.start, self.start + self.length)


@functools.lru_cache(maxsize=64)
def house_of(plan: Plan) -> House:
    """Pack a plan. Raises ValueError for one beyond the format: 255 categories, 65,534 stretches."""
    far = scaled_distances(plan)
    stretches = stretches_of(plan, far)
    if len(plan.categories) > CATEGORIES_MAX or len(stretches) > STRETCHES_MAX:
        raise ValueError(f"{plan.name}: at most {CATEGORIES_MAX} categories and {STRETCHES_MAX} pieces of rows")
    near = neighbours_of(plan, stretches)
    around = [min([each.lower, *(stretches[p].lower for p in near[k])]) for k, each in enumerate(stretches)]
    where = [0] * len(plan.seats)
    for position, each in enumerate(stretches):
        where[each.start : each.start + each.length] = [position] * each.length
    unit = _SCALE / max(plan.width, plan.height, *(c for s in plan.seats for c in (s.x, s.y)), 1.0)
    xy = [max(0, round(c * unit)) for s in plan.seats for c in (s.x, s.y)]
    zones = _zones(plan)
    parts = {
        "stretches": b"".join(_STRETCH.pack(*_row_of(each)) for each in stretches),
        "lowers": b"".join(_LOWER.pack(each.lower, least) for each, least in zip(stretches, around, strict=True)),
        "near": b"".join(_NEAR.pack(*each, *[_SCALE] * (NEAR_MAX - len(each))) for each in near),
        "where": _u16(where),
        "far": _u16(far),
        "xy": _u16(xy),
        "catalog": msgspec.msgpack.encode(_catalog(plan, stretches, around)),
        "zonebook": msgspec.msgpack.encode(zones),
        **_zone_lists(len(zones), len(plan.categories), stretches),
        **_access(plan, far, zones),
    }
    digest = hashlib.sha256()
    for name, part in parts.items():
        digest.update(f"{name} {len(part)} ".encode() + part)
    return House(digest.hexdigest()[:16], len(plan.seats), len(stretches), parts)


def longest_runs(house: House, states: bytes, byte: int) -> bytes:
    """The index of these states: by position, the longest run of seats whose state is `byte`, at most 20."""
    signs = bytearray(b"x") * 256
    signs[byte] = ord(".")
    drawn = states.translate(bytes(signs))
    index = bytearray(house.positions_count)
    for position, (start, length, *_) in enumerate(_STRETCH.iter_unpack(house.parts["stretches"])):
        longest = max(map(len, drawn[start : start + length].split(b"x")))
        index[position] = longest if longest < RUN_CAP else RUN_CAP
    return bytes(index)


def scaled_distances(plan: Plan) -> list[int]:
    """Each seat's distance from the focal point, the furthest being 65,535: what "best" is measured in."""
    far = [math.dist((seat.x, seat.y), plan.focal) for seat in plan.seats]
    unit = _SCALE / max(far, default=1.0) if max(far, default=0.0) else 0.0
    return [round(each * unit) for each in far]


def stretches_of(plan: Plan, far: Sequence[int]) -> list[Stretch]:
    """All stretches by position."""
    category_of = {category.name: index for index, category in enumerate(plan.categories)}
    zones, rows = _zones(plan), _labelled_rows(plan)
    found = []
    for index, run in enumerate(plan.rows):
        seats = [plan.seats[ordinal] for ordinal in run]
        for (category, accessible), piece in groupby(seats, lambda seat: (seat.category, seat.kind != "standard")):
            mine = [seat.ordinal for seat in piece]
            found.append(
                Stretch(
                    start=mine[0], length=len(mine), lower=min(far[o] for o in mine), zone=zones[seats[0].zone],
                    run=index, category=category_of[category], accessible=accessible, row=rows[index],
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: (each.accessible, each.category, each.lower, each.start))


def neighbours_of(plan: Plan, stretches: Sequence[Stretch]) -> list[list[int]]:
    """By position, the positions in which friends would sit in front, behind or across the aisle: of the same category
    and class, and in a run that neighbours its own (another category's row may lie between two rows of one)."""
    near_runs = [set(near) for near in geometry.neighbouring_runs(
        [_points(plan, run) for run in plan.rows],
        [(plan.seats[run[0]].zone, plan.seats[run[0]].row) for run in plan.rows],
        at_most=1_000,
    )]  # fmt: skip
    found: list[list[int]] = [[] for _ in stretches]
    alike: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for position, each in enumerate(stretches):
        alike[each.category, each.accessible].append(position)
    for positions in alike.values():
        mine = [stretches[position] for position in positions]
        near = geometry.neighbouring_runs(
            [_points(plan, each.seats) for each in mine], [each.row for each in mine], at_most=1_000
        )
        for position, others in zip(positions, near, strict=True):
            run = stretches[position].run
            reached = [p for p in (positions[k] for k in others) if stretches[p].run in {run, *near_runs[run]}]
            found[position] = reached[:NEAR_MAX]
    return found


def _points(plan: Plan, ordinals: Sequence[int]) -> list[tuple[float, float]]:
    return [(plan.seats[o].x, plan.seats[o].y) for o in ordinals]


def _zones(plan: Plan) -> dict[str, int]:
    return {zone: index for index, zone in enumerate(dict.fromkeys(seat.zone for seat in plan.seats))}


def _labelled_rows(plan: Plan) -> list[int]:
    """By run, the number of its row: consecutive runs with one zone and one row label are one row."""
    labels = [(plan.seats[run[0]].zone, plan.seats[run[0]].row) for run in plan.rows]
    numbers = [0] if labels else []
    for before, after in pairwise(labels):
        numbers.append(numbers[-1] + (before != after))
    return numbers


def _row_of(each: Stretch) -> tuple[int, ...]:
    return (each.start, each.length, each.lower, each.zone, each.run, each.category, each.accessible, each.row)


def _catalog(plan: Plan, stretches: Sequence[Stretch], around: Sequence[int]) -> dict[str, list[Any]]:
    catalog: dict[str, list[Any]] = {
        category.name: [index, [0, 0, 0], [0, 0, 0]] for index, category in enumerate(plan.categories)
    }
    names = [category.name for category in plan.categories]
    for position, each in enumerate(stretches):
        piece = catalog[names[each.category]][2 if each.accessible else 1]
        if not piece[1]:
            piece[0] = position
        piece[1] += 1
        piece[2] = max(piece[2], each.lower - around[position])
    return catalog


def _zone_lists(zones: int, categories: int, stretches: Sequence[Stretch]) -> dict[str, bytes]:
    lists: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, each in enumerate(stretches):
        if not each.accessible:
            lists[each.zone, each.category].append(position)
    slices, flat = bytearray(), bytearray()
    for zone in range(zones):
        for category in range(categories):
            mine = lists.get((zone, category), [])
            slices += _ZONE_SLICE.pack(len(flat) // 2, len(mine))
            flat += _u16(mine)
    return {"zoneslices": bytes(slices), "zonelists": bytes(flat)}


def _access(plan: Plan, far: Sequence[int], zones: dict[str, int]) -> dict[str, bytes]:
    category_of = {category.name: index for index, category in enumerate(plan.categories)}
    with_places = [run for run in plan.rows if any(plan.seats[o].kind == "wheelchair" for o in run)]
    with_places.sort(key=lambda run: (min(far[o] for o in run), run[0]))
    access, kinds = bytearray(), bytearray()
    for run in with_places:
        lower, zone = min(far[o] for o in run), zones[plan.seats[run[0]].zone]
        access += _ACCESS.pack(run[0], len(run), lower, zone, len(kinds))
        for ordinal in run:
            seat = plan.seats[ordinal]
            kinds += bytes((SEAT_KINDS.index(seat.kind), category_of[seat.category]))
    return {"access": bytes(access), "kinds": bytes(kinds)}


def _u16(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)
