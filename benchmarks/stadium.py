"""A football ground of any size, for figures that depend on how large a house is.

Rings of seats around a pitch: two long sides, two ends, four curved corners; a lower, a middle and an upper tier.
Stairs cut every stand into blocks (zones) and every block in two, so that a row is twenty to thirty seats from aisle to
aisle. Seats are numbered odd and even away from the block's own stairs: numbers say nothing of who sits beside whom.
Every size has the same shape, scaled: only the number of seats differs between 3,000 and 60,000.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import Area, Plan, PlanCategory, SeatKind

Point = tuple[float, float]

FULL_SIZE: Final = 60_000
PITCH: Final = 20.0
"""From seat to seat: half a metre, so that 40 units are one metre."""
ROW_PITCH: Final = 32.0
RADIUS: Final = 8.4
PIECE: Final = 25
"""Seats from aisle to aisle, about."""
CLEAR: Final = 1.1
"""Pitches kept free at either end of a piece: two of them are stairs, wide enough to be told from a gap."""

LENGTH, WIDTH, CORNER, TRACK = 105 * 40.0, 68 * 40.0, 200.0, 320.0
"""Of the pitch at full size: its sides, how much its corners are rounded, and how far the first row stands off."""
CONCOURSE: Final = 4 * ROW_PITCH
TIERS: Final = (("Basse", 22), ("Médiane", 16), ("Haute", 200))
"""Rings of each tier at full size; the upper one takes what is left."""

CATEGORIES: Final = (
    PlanCategory("Carré or", "#E69F00"),
    PlanCategory("Catégorie 1", "#0072B2"),
    PlanCategory("Catégorie 2", "#CC79A7"),
    PlanCategory("Catégorie 3", "#009E73"),
    PlanCategory("Catégorie 4", "#56B4E9"),
)
SHARES: Final = (0.06, 0.24, 0.52, 0.80, 1.0)
"""How much of the house is at this price or a dearer one."""
TIER_COUNTS_AS, END_COUNTS_AS = 500.0, 900.0
"""Units further away: what a tier up, or a stand behind a goal, is worth less than its distance says."""


@functools.lru_cache(maxsize=8)
def stadium(seats: int = FULL_SIZE) -> Plan:
    """A ground of exactly so many seats (500 or more), always the same. Takes seconds: geometry decides on it all."""
    if seats < 500:
        raise ValueError("a ground has 500 seats at least")
    scale = math.sqrt(seats / FULL_SIZE)
    pieces = _first(seats, _pieces(scale))
    rows = [
        DrawnRow(zone, row, tuple(_numbered(list(block))))
        for (zone, row), block in itertools.groupby(_priced(pieces), key=lambda piece: (piece.zone, piece.row))
    ]
    half = LENGTH * scale / 2, WIDTH * scale / 2
    grass = Area(
        zone=rows[0].zone, shape="rectangle", x=-half[0], y=-half[1], width=2 * half[0], height=2 * half[1],
        color="#3F7D3A", border_color="#FFFFFF", text="Terrain", text_x=half[0], text_y=half[1], text_color="#FFFFFF",
        text_size=60.0,
    )  # fmt: skip
    return assemble(f"Stade de {seats} places", CATEGORIES, rows, (grass,), focal=(0.0, 0.0))


# Stands ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stand:
    """A side, an end or a corner of the ground. Its rows run from 0 to 1 at any distance `out` from the pitch."""

    name: str
    centre: Point
    towards: float
    """The direction away from the pitch at the middle of the stand, in radians."""
    half: float
    """Half of its length, for a straight one; a corner turns through a right angle instead, and has none."""
    rounding: float

    def length(self, out: float) -> float:
        return 2 * self.half or math.pi / 2 * (self.rounding + out)

    def at(self, along: float, out: float) -> Point:
        if self.half:
            across, away = (2 * along - 1) * self.half, self.towards
        else:
            across, away = 0.0, self.towards + (along - 0.5) * math.pi / 2
        reach = self.rounding + out
        cos, sin = math.cos(away), math.sin(away)
        return self.centre[0] + reach * cos - across * sin, self.centre[1] + reach * sin + across * cos


def _stands(scale: float) -> list[_Stand]:
    rounding = CORNER * scale
    half_length, half_width = LENGTH * scale / 2 - rounding, WIDTH * scale / 2 - rounding
    right, down = math.pi * 0.0, math.pi * 0.5
    # Sides first: what the last ring still needs is built there.
    return [
        _Stand("Présidentielle", (0.0, half_width), down, half_length, rounding),
        _Stand("Face", (0.0, -half_width), -down, half_length, rounding),
        _Stand("Virage est", (half_length, 0.0), right, half_width, rounding),
        _Stand("Virage ouest", (-half_length, 0.0), math.pi, half_width, rounding),
        _Stand("Angle sud-est", (half_length, half_width), math.pi * 0.25, 0.0, rounding),
        _Stand("Angle sud-ouest", (-half_length, half_width), math.pi * 0.75, 0.0, rounding),
        _Stand("Angle nord-ouest", (-half_length, -half_width), math.pi * 1.25, 0.0, rounding),
        _Stand("Angle nord-est", (half_length, -half_width), math.pi * 1.75, 0.0, rounding),
    ]


# Rows from aisle to aisle ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A row from aisle to aisle."""

    order: tuple[int, ...]
    """Tier, stand, block, row, piece: the order of the plan."""
    zone: str
    row: str
    points: tuple[Point, ...]
    accessible: bool
    handicap: float
    """How much further away than it is, for its price."""

    @property
    def worth(self) -> float:
        return math.hypot(*self.points[len(self.points) // 2]) + self.handicap


def _pieces(scale: float) -> Iterator[_Piece]:
    """Ring by ring outwards, without end in sight."""
    stands, out = _stands(scale), TRACK * scale
    for tier, (tier_name, rings) in enumerate(TIERS):
        depth = max(2, round(rings * scale))
        cuts = [_cuts(stand.length(out + min(depth, 20 * scale) / 2 * ROW_PITCH)) for stand in stands]
        for row in range(depth):
            for index, stand in enumerate(stands):
                # On the level of the doors, behind the lower tier's other rows.
                accessible = tier == 0 and row == depth - 1 and stand.half > 0
                handicap = (tier * TIER_COUNTS_AS + (END_COUNTS_AS if stand.half < stands[0].half else 0.0)) * scale
                for number in range(cuts[index]):
                    points = _points(stand, number / cuts[index], (number + 1) / cuts[index], out, accessible)
                    if points:
                        block = number // 2
                        zone = f"{stand.name} {tier_name.lower()} {block + 1}"
                        order = (tier, index, block, row, number)
                        yield _Piece(order, zone, "PMR" if accessible else str(row + 1), points, accessible, handicap)
            out += ROW_PITCH
        out += CONCOURSE


def _cuts(length: float) -> int:
    """Into how many pieces a stand of this length is cut: two a block, or a single one."""
    pieces = length / PITCH / PIECE
    return 1 if pieces < 1.5 else 2 * round(pieces / 2)


def _points(stand: _Stand, start: float, end: float, out: float, accessible: bool) -> tuple[Point, ...]:
    pitch = PITCH * 1.5 if accessible else PITCH
    clear = CLEAR * pitch / stand.length(out)
    first, last = start + clear, end - clear
    count = math.floor((last - first) * stand.length(out) / pitch) + 1
    if accessible:
        count -= count % 2  # a companion's seat beside every wheelchair
    if count < 3:
        return ()
    return tuple(stand.at(first + (last - first) * place / (count - 1), out) for place in range(count))


def _first(seats: int, pieces: Iterator[_Piece]) -> list[_Piece]:
    """As many as have so many seats, the last one cut to fit, in the order of the plan."""
    taken: list[_Piece] = []
    for piece in pieces:
        points = piece.points[:seats]
        taken.append(_Piece(piece.order, piece.zone, piece.row, points, piece.accessible, piece.handicap))
        seats -= len(points)
        if not seats:
            return sorted(taken, key=lambda piece: piece.order)
    raise ValueError("no ground is as large as that")


# Prices and numbers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Priced:
    zone: str
    row: str
    seats: tuple[tuple[Point, SeatKind], ...]
    category: str


def _priced(pieces: list[_Piece]) -> Iterator[_Priced]:
    """Each piece at one price, so that no seat is alone at its price: the nearest are the dearest."""
    whole, before = sum(len(piece.points) for piece in pieces), 0
    category_of: dict[tuple[int, ...], str] = {}
    for piece in sorted(pieces, key=lambda piece: (piece.worth, piece.order)):
        rank = next(rank for rank, share in enumerate(SHARES) if before < share * whole)
        category_of[piece.order] = CATEGORIES[rank].name
        before += len(piece.points)
    for piece in pieces:
        kinds: Iterator[SeatKind] = itertools.cycle(("wheelchair", "companion"))
        seats = tuple((point, next(kinds) if piece.accessible else "standard") for point in piece.points)
        yield _Priced(piece.zone, piece.row, seats, category_of[piece.order])


def _numbered(block: list[_Priced]) -> Iterator[DrawnSeat]:
    """Odd to one side of the middle, even to the other, from the middle outwards."""
    seats = [(point, kind, piece.category) for piece in block for point, kind in piece.seats]
    middle = len(seats) // 2
    for index, ((x, y), kind, category) in enumerate(seats):
        number = 2 * (index - middle) + 2 if index >= middle else 2 * (middle - index) - 1
        yield DrawnSeat(str(number), category, x, y, RADIUS, kind)
