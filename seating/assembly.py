"""From drawn rows to a plan: order, aisles, seat sizes, levels laid apart, sheet, focal point.

The importer and the generators all end here, so that every plan in the house obeys the same geometry.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from seating import geometry
from seating.seats import LABEL_SEPARATOR, Area, Plan, PlanCategory, Seat, SeatKind

MARGIN = 40.0
# Of the distance to the nearest other seat: leaves a hair of paper between two circles.
RADIUS_OF_PITCH = 0.46
RADIUS_DEFAULT = 10.0

_STAGE = re.compile(
    r"\b(stage|sc[eè]ne|plateau|b[üu]hne|podium|escenario|palco(scenico)?|screen|[ée]cran|arena)\b|сцена", re.I
)


class DrawnSeat(Struct, frozen=True):
    """A seat as drawn, before the plan gives it an ordinal. `radius` 0: not said."""

    number: str
    category: str
    x: float
    y: float
    radius: float = 0.0
    kind: SeatKind = "standard"


class DrawnRow(Struct, frozen=True):
    """A row as drawn, in any order, aisles included."""

    zone: str
    row: str
    seats: tuple[DrawnSeat, ...]


def assemble(
    name: str,
    categories: Sequence[PlanCategory],
    rows: Sequence[DrawnRow],
    areas: Sequence[Area] = (),
    *,
    focal: tuple[float, float] | None = None,
) -> Plan:
    """The plan of these rows. Label paths must already be distinct; seats must be at distinct places in their zone.

    The sheet is cut to what is drawn on it; zones drawn on top of each other (floors of one building) are moved apart,
    away from the focal point, so that what is nearest to the stage upstairs stays nearest within its floor.
    """
    focal = focal or focal_point(areas, [(seat.x, seat.y) for row in rows for seat in row.seats])
    rows, areas = _lay_levels_apart(rows, areas, focal)
    rows, areas, focal, (width, height) = _fit_sheet(rows, areas, focal)
    radii = iter(_radii(rows))
    orders = [geometry.order_along(_points(row)) for row in rows]
    walks: dict[str, list[list[tuple[float, float]]]] = {}
    for row, order in zip(rows, orders, strict=True):
        points = _points(row)
        walks.setdefault(row.zone, []).append([points[index] for index in order])
    pitch_of_zone = {zone: geometry.usual_pitch(walked) for zone, walked in walks.items()}
    seats: list[Seat] = []
    runs: list[tuple[int, ...]] = []
    for row, order in zip(rows, orders, strict=True):
        radius_of = [next(radii) for _ in row.seats]
        for run in geometry.break_at_aisles(_points(row), order, pitch_of_zone[row.zone]):
            runs.append(tuple(range(len(seats), len(seats) + len(run))))
            for index in run:
                drawn = row.seats[index]
                seats.append(
                    Seat(
                        ordinal=len(seats),
                        guid=LABEL_SEPARATOR.join((row.zone, row.row, drawn.number)),
                        zone=row.zone,
                        row=row.row,
                        number=drawn.number,
                        category=drawn.category,
                        x=round(drawn.x, 2),
                        y=round(drawn.y, 2),
                        radius=radius_of[index],
                        kind=drawn.kind,
                    )
                )
    return Plan(
        name=name,
        width=width,
        height=height,
        categories=tuple(categories),
        seats=tuple(seats),
        rows=tuple(runs),
        areas=tuple(areas),
        focal=focal,
    )


def focal_point(areas: Sequence[Area], seats: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where everybody looks: the middle of the stage; else the top centre of the seats.

    A stage is an area that says so in one of the usual languages, or else the topmost rectangle that no seat stands
    on (a rectangle under seats is a floor or a platform).
    """
    for area in areas:
        if area.text and _STAGE.search(area.text):
            left, top, right, bottom = area.bounds()
            return (left + right) / 2, (top + bottom) / 2
    empty = [
        area
        for area in areas
        if area.shape == "rectangle" and area.width > 0 and area.height > 0 and not _holds_any(area, seats)
    ]
    if empty:
        left, top, right, bottom = min(empty, key=lambda area: area.bounds()[1]).bounds()
        return (left + right) / 2, (top + bottom) / 2
    if not seats:
        return 0.0, 0.0
    return (min(x for x, _ in seats) + max(x for x, _ in seats)) / 2, min(y for _, y in seats)


def _points(row: DrawnRow) -> list[tuple[float, float]]:
    return [(seat.x, seat.y) for seat in row.seats]


def _holds_any(area: Area, seats: Sequence[tuple[float, float]]) -> bool:
    left, top, right, bottom = area.bounds()
    return any(left < x < right and top < y < bottom for x, y in seats)


def _lay_levels_apart(
    rows: Sequence[DrawnRow], areas: Sequence[Area], focal: tuple[float, float]
) -> tuple[list[DrawnRow], list[Area]]:
    placed: list[tuple[float, float]] = []
    shift_of: dict[str, tuple[float, float]] = {}
    for zone in dict.fromkeys(row.zone for row in rows):
        mine = [(seat.x, seat.y) for row in rows if row.zone == zone for seat in row.seats]
        shift_of[zone] = _shift(mine, placed, focal)
        dx, dy = shift_of[zone]
        placed += [(x + dx, y + dy) for x, y in mine]
    moved = [
        row
        if shift_of[row.zone] == (0, 0)
        else replace(
            row,
            seats=tuple(
                replace(seat, x=seat.x + shift_of[row.zone][0], y=seat.y + shift_of[row.zone][1]) for seat in row.seats
            ),
        )
        for row in rows
    ]
    # Areas stay with their zone, except the stage, which belongs to the house (it is the focal point).
    return moved, [
        replace(area, x=area.x + shift_of.get(area.zone, (0, 0))[0], y=area.y + shift_of.get(area.zone, (0, 0))[1])
        for area in areas
    ]


def _shift(
    mine: list[tuple[float, float]], placed: list[tuple[float, float]], focal: tuple[float, float]
) -> tuple[float, float]:
    """How far a zone must move, straight away from the focal point, to lie on no seat of the zones before it."""
    distances = [each for each in geometry.nearest_distances(mine) if each]
    if not placed or not mine:
        return 0.0, 0.0
    pitch = sorted(distances)[len(distances) // 2] if distances else 2 * RADIUS_DEFAULT
    grid = geometry.Grid(placed, pitch)
    on_top = sum(bool(grid.near(point, pitch * 0.5)) for point in mine)
    # A few seats that touch are a tight drawing; a zone of which a good part lies on another is a floor above it.
    if on_top * 5 < len(mine):
        return 0.0, 0.0
    middle = sum(x for x, _ in mine) / len(mine), sum(y for _, y in mine) / len(mine)
    away = middle[0] - focal[0], middle[1] - focal[1]
    if abs(away[0]) > abs(away[1]):
        direction = (math.copysign(1.0, away[0]), 0.0)
    else:
        direction = (0.0, -1.0 if away[1] < 0 else 1.0)
    clear = pitch * 2
    grid = geometry.Grid(placed, clear)
    for step in range(1, 200):
        dx, dy = direction[0] * pitch * step, direction[1] * pitch * step
        if not any(grid.near((x + dx, y + dy), clear) for x, y in mine):
            return dx, dy
    # A long way to go, or a pitch out of all proportion: beyond everything that is drawn, then.
    both = [*mine, *placed]
    across = max(x for x, _ in both) - min(x for x, _ in both)
    along = max(y for _, y in both) - min(y for _, y in both)
    return direction[0] * (across + clear), direction[1] * (along + clear)


def _fit_sheet(
    rows: Sequence[DrawnRow], areas: Sequence[Area], focal: tuple[float, float]
) -> tuple[list[DrawnRow], list[Area], tuple[float, float], tuple[float, float]]:
    boxes = [(s.x - RADIUS_DEFAULT, s.y - RADIUS_DEFAULT, s.x + RADIUS_DEFAULT, s.y + RADIUS_DEFAULT)
             for row in rows for s in row.seats]  # fmt: skip
    boxes += [area.bounds() for area in areas]
    left, top = min(b[0] for b in boxes) - MARGIN, min(b[1] for b in boxes) - MARGIN
    right, bottom = max(b[2] for b in boxes) + MARGIN, max(b[3] for b in boxes) + MARGIN
    moved_rows = [replace(row, seats=tuple(replace(s, x=s.x - left, y=s.y - top) for s in row.seats)) for row in rows]
    moved_areas = [replace(area, x=round(area.x - left, 2), y=round(area.y - top, 2)) for area in areas]
    sheet = float(math.ceil(right - left)), float(math.ceil(bottom - top))
    return moved_rows, moved_areas, (round(focal[0] - left, 2), round(focal[1] - top, 2)), sheet


def _radii(rows: Sequence[DrawnRow]) -> list[float]:
    """What each seat may be drawn with: as said, but never so large that it covers its neighbour."""
    drawn = [seat for row in rows for seat in row.seats]
    nearest = geometry.nearest_distances([(seat.x, seat.y) for seat in drawn])
    return [
        round(min(seat.radius or RADIUS_DEFAULT, gap * RADIUS_OF_PITCH if gap else math.inf), 2)
        for seat, gap in zip(drawn, nearest, strict=True)
    ]
