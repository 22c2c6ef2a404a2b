"""A theatre "à l'italienne" of about 1,200 seats, drawn from measurements: what a real French house looks like.

The parterre lies before the stage with the baignoires on both sides; each level above is laid out as a wider horseshoe
further from the stage, so that one sheet shows them all and none covers another. The parterre is numbered the old way:
odd on the garden side, even on the court side, outwards from the central aisle. No row can be read by its numbers here,
which is the point: whatever reads this plan must go by geometry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import Area, Plan, PlanCategory

Point = tuple[float, float]

PITCH: Final = 20.0
ROW_PITCH: Final = 25.0
RADIUS: Final = 8.4

# Told apart by people who see red and green alike (after Okabe and Ito), dearest first.
GOLD = PlanCategory("Carré d’or", "#E69F00")
FIRST = PlanCategory("Catégorie 1", "#0072B2")
SECOND = PlanCategory("Catégorie 2", "#CC79A7")
THIRD = PlanCategory("Catégorie 3", "#009E73")
FOURTH = PlanCategory("Catégorie 4", "#56B4E9")

_STAGE_HALF, _STAGE_DEPTH = 250.0, 120.0
_ROW_LETTERS = "ABCDEFGHJKLMNPQRST"  # without I and O, which look like numbers in the dark


class _Level(Struct, frozen=True):
    """A horseshoe: two arms along the sides of the house, joined by an ellipse around (0, centre) of which `spread`
    degrees are used to either side. The first `boxes` units of each arm hold boxes instead of rows. `aisles` are shares
    of the half length, from the middle."""

    zone: str
    rows: int
    half_width: float
    depth: float
    centre: float
    arm: float
    spread: float
    boxes: float
    aisles: tuple[float, ...]
    category: Callable[[int, float], PlanCategory]


_BEST_SEATS_Y = 215.0
"""Nobody's favourite is the first row: the middle of the best category, a third of the way into the stalls."""


def italian_theatre(name: str = "Théâtre à l’italienne") -> Plan:
    """The house: about 1,200 seats in six zones and five price categories, always the same."""
    rows = [
        *_parterre(),
        *_accessible_row(),
        *_boxes("Baignoires", _baignoires(), depth=2, width=2, category=lambda _: SECOND),
        *_horseshoe(_CORBEILLE),
        *_boxes("Loges", _loges(), depth=2, width=3, category=lambda box: SECOND if box > 2 else THIRD),
        *_horseshoe(_FIRST_BALCONY),
        *_horseshoe(_SECOND_BALCONY),
    ]
    return assemble(name, (GOLD, FIRST, SECOND, THIRD, FOURTH), rows, _areas(), focal=(0.0, _BEST_SEATS_Y))


# Parterre: eighteen rows on arcs around a point far behind the stage, a central aisle, rows widening to the back. -----

_PARTERRE_FRONT, _PARTERRE_CURVE = 75.0, 620.0


def _parterre() -> Iterator[DrawnRow]:
    for index, letter in enumerate(_ROW_LETTERS):
        half = 10 + (index + 1) // 3 if index < 15 else 15 - (index - 14)
        seats = []
        for side in (-1, 1):
            for place in range(half):
                x, y = _on_parterre(index, side * (PITCH * 1.15 + place * PITCH))
                # Garden (left of the stage as the house sees it) is odd, court even, both from the aisle.
                number = str(2 * place + (1 if side < 0 else 2))
                gold = 2 <= index <= 10 and place < 8
                seats.append(DrawnSeat(number, (GOLD if gold else FIRST).name, x, y, RADIUS))
        yield DrawnRow("Parterre", letter, tuple(seats))


def _on_parterre(row: int, along: float) -> Point:
    radius = _PARTERRE_CURVE + row * ROW_PITCH
    angle = along / radius
    # Rows bend around the stage: their ends come forward.
    return radius * math.sin(angle), _PARTERRE_FRONT - _PARTERRE_CURVE + radius * math.cos(angle)


def _accessible_row() -> Iterator[DrawnRow]:
    """Behind the last row, on the level of the doors: wheelchair places, each with a companion's seat beside it."""
    seats = []
    for side in (-1, 1):
        for pair in range(4):
            for half, kind in enumerate(("wheelchair", "companion")):
                along = side * (PITCH * 1.6 + pair * PITCH * 3.6 + half * PITCH * 1.25)
                x, y = _on_parterre(len(_ROW_LETTERS), along)
                number = str(2 * (2 * pair + half) + (1 if side < 0 else 2))
                radius = RADIUS + 1.6 if kind == "wheelchair" else RADIUS
                seats.append(
                    DrawnSeat(number, FIRST.name, x, y + 10, radius, "wheelchair" if half == 0 else "companion")
                )
    yield DrawnRow("Parterre", "PMR", tuple(seats))


# Boxes: a few chairs each, turned towards the stage. -----------------------------------------------------------------


class _Box(Struct, frozen=True):
    number: int
    x: float
    y: float
    turn: float  # radians; 0 looks up at the stage


def _along(level: _Level, first: float, spacing: float, count: int) -> Iterator[_Box]:
    """Boxes down both arms of a horseshoe, backs to the wall: odd on the garden side, even on the court side."""
    path = _path(level, 0)
    for index in range(count):
        for side in (-1, 1):
            at = first + index * spacing
            at = at if side < 0 else path[-1][0] - at
            (x0, y0), (x1, y1) = _at(path, at - 1), _at(path, at + 1)
            # Inwards from the way the curve runs: garden side down, around, court side up.
            turn = math.atan2(y1 - y0, x1 - x0)
            yield _Box(2 * index + (1 if side < 0 else 2), (x0 + x1) / 2, (y0 + y1) / 2, turn)


def _baignoires() -> Iterator[_Box]:
    return _along(_BAIGNOIRES, 34.0, 67.0, 6)


def _loges() -> Iterator[_Box]:
    return _along(_CORBEILLE, 44.0, 84.0, 5)


def _boxes(
    zone: str, boxes: Iterator[_Box], *, depth: int, width: int, category: Callable[[int], PlanCategory]
) -> Iterator[DrawnRow]:
    for box in boxes:
        places = _box_places(box, depth, width)
        yield DrawnRow(
            zone,
            f"Loge {box.number}" if zone == "Loges" else f"Baignoire {box.number}",
            tuple(
                DrawnSeat(str(index + 1), category(box.number).name, x, y, RADIUS)
                for index, (x, y) in enumerate(places)
            ),
        )


def _box_places(box: _Box, depth: int, width: int) -> list[Point]:
    return [
        _turned(box, (column - (width - 1) / 2) * PITCH, (line - (depth - 1) / 2) * (PITCH + 1))
        for line in range(depth)
        for column in range(width)
    ]


def _turned(box: _Box, x: float, y: float) -> Point:
    cos, sin = math.cos(box.turn), math.sin(box.turn)
    return box.x + x * cos - y * sin, box.y + x * sin + y * cos


# Horseshoes ----------------------------------------------------------------------------------------------------------


# Prices change at an aisle, so that no seat is alone at its price.


def _corbeille(row: int, off_centre: float) -> PlanCategory:
    return GOLD if row == 0 and off_centre < 0.38 else FIRST


def _first_balcony(row: int, off_centre: float) -> PlanCategory:
    if off_centre > 0.8:
        return FOURTH
    return SECOND if row == 0 and off_centre < 0.56 else THIRD


def _second_balcony(row: int, off_centre: float) -> PlanCategory:
    return THIRD if row == 0 and off_centre < 0.34 else FOURTH


_BAIGNOIRES = _Level("Baignoires", 1, 376, 150, 500, 445, 90, 0.0, (), _corbeille)
_CORBEILLE = _Level("Corbeille", 2, 478, 245, 455, 400, 90, 442.0, (0.16, 0.38), _corbeille)
_FIRST_BALCONY = _Level("1er balcon", 3, 582, 335, 480, 210, 90, 0.0, (0.2, 0.56), _first_balcony)
_SECOND_BALCONY = _Level("2e balcon", 4, 730, 440, 500, 0, 70, 0.0, (0.0, 0.34, 0.68), _second_balcony)


def _horseshoe(level: _Level) -> Iterator[DrawnRow]:
    for row in range(level.rows):
        path = _path(level, row)
        length = path[-1][0]
        # The curve runs from the garden side's end to the court side's; aisles cut it at the same shares in every row,
        # so that they lead straight up the balcony.
        ends = level.boxes / length
        cuts = sorted({ends, 1 - ends, *(0.5 + side * share / 2 for share in level.aisles for side in (-1, 1))})
        seats: list[DrawnSeat] = []
        for start, end in pairwise(cuts):
            clear = PITCH * 1.1
            first = start * length + (clear if start > ends else 0.0)
            last = end * length - (clear if end < 1 - ends else 0.0)
            count = int((last - first) // PITCH) + 1
            step = (last - first) / (count - 1)
            for place in range(count):
                at = first + place * step
                x, y = _at(path, at)
                category = level.category(row, abs(2 * at / length - 1))
                seats.append(DrawnSeat(str(len(seats) + 1), category.name, x, y, RADIUS))
        yield DrawnRow(level.zone, "ABCDEFGH"[row], tuple(seats))


def _path(level: _Level, row: int) -> list[tuple[float, float, float]]:
    """(length so far, x, y) along a row of the horseshoe, finely."""
    out = row * ROW_PITCH
    half, depth = level.half_width + out, level.depth + out
    points: list[Point] = []
    if level.arm:
        points += [(-half, level.centre - level.arm + level.arm * i / 50) for i in range(50)]
    spread = math.radians(level.spread)
    steps = 800
    for i in range(steps + 1):
        angle = -spread + 2 * spread * i / steps
        points.append((half * math.sin(angle), level.centre + depth * math.cos(angle)))
    if level.arm:
        points += [(half, level.centre - level.arm * (i + 1) / 50) for i in range(50)]
    path, length = [(0.0, *points[0])], 0.0
    for before, here in pairwise(points):
        length += math.dist(before, here)
        path.append((length, *here))
    return path


def _at(path: Sequence[tuple[float, float, float]], along: float) -> Point:
    low, high = 0, len(path) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if path[middle][0] <= along else (low, middle)
    (start, x0, y0), (end, x1, y1) = path[low], path[high]
    share = (along - start) / (end - start)
    return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share


# What is drawn besides seats -----------------------------------------------------------------------------------------


def _areas() -> list[Area]:
    stage = Area(
        zone="Parterre", shape="polygon", x=0.0, y=0.0,
        points=(
            (-_STAGE_HALF * 0.78, -_STAGE_DEPTH), (_STAGE_HALF * 0.78, -_STAGE_DEPTH),
            (_STAGE_HALF, -26.0), (_STAGE_HALF * 0.6, -6.0), (0.0, 0.0), (-_STAGE_HALF * 0.6, -6.0),
            (-_STAGE_HALF, -26.0),
        ),
        color="#3B2F2F", border_color="#3B2F2F", text="Scène", text_y=-_STAGE_DEPTH / 2, text_color="#F7F1E5",
        text_size=30.0,
    )  # fmt: skip
    areas = [stage]
    for text, x, y in (("Jardin", -_STAGE_HALF - 70.0, -60.0), ("Cour", _STAGE_HALF + 70.0, -60.0)):
        areas.append(_text("Parterre", text, x, y, 17.0))
    for side in (-1, 1):
        areas.append(_text("Baignoires", "Baignoires", side * _BAIGNOIRES.half_width, 26.0, 14.0))
        areas.append(_text("Loges", "Loges", side * _CORBEILLE.half_width, 26.0, 14.0))
    areas += _box_walls("Baignoires", _baignoires(), depth=2, width=2)
    areas += _box_walls("Loges", _loges(), depth=2, width=3)
    for level in (_CORBEILLE, _FIRST_BALCONY, _SECOND_BALCONY):
        areas.append(_text(level.zone, level.zone, 0.0, level.centre + level.depth - 24.0, 17.0))
    return areas


def _text(zone: str, text: str, x: float, y: float, size: float) -> Area:
    return Area(zone=zone, shape="text", x=x, y=y, text=text, text_color="#6B6258", text_size=size)


def _box_walls(zone: str, boxes: Iterator[_Box], *, depth: int, width: int) -> Iterator[Area]:
    half_width, half_depth = width * PITCH / 2 + 4.0, depth * (PITCH + 1) / 2 + 4.0
    for box in boxes:
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        walls = [_turned(box, right * half_width, back * half_depth) for right, back in corners]
        points = tuple((round(x - box.x, 2), round(y - box.y, 2)) for x, y in walls)
        yield Area(
            zone=zone, shape="polygon", x=box.x, y=box.y, points=points, color="#EFE9DF", border_color="#CFC4B4",
        )  # fmt: skip
