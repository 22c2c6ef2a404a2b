"""The small house of the demo's season: a black box of 63 seats on six shallow arcs, soon sold out."""

from __future__ import annotations

import math
from typing import Final

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.plan import Plan
from seating.seats import Area, PlanCategory, SeatKind

CATEGORY: Final = PlanCategory("Studio", "#0072B2")
PITCH, ROW_PITCH, RADIUS, CURVE = 22.0, 26.0, 9.2, 420.0
STAGE = Area(
    zone="Studio", shape="rectangle", x=-95.0, y=-82.0, width=190.0, height=48.0, color="#3B2F2F",
    border_color="#3B2F2F", text="Scène", text_x=95.0, text_y=24.0, text_color="#F7F1E5", text_size=20.0,
)  # fmt: skip


def studio(name: str = "Studio") -> Plan:
    """Rows A to F, each a little wider than the one before it; a wheelchair place at both ends of the first."""
    return assemble(name, (CATEGORY,), [_row(index, 8 + index) for index in range(6)], (STAGE,), focal=(0.0, -30.0))


def _row(index: int, count: int) -> DrawnRow:
    radius = CURVE + index * ROW_PITCH
    seats = []
    for place in range(count):
        angle = (place - (count - 1) / 2) * PITCH / radius
        kind: SeatKind = "wheelchair" if index == 0 and place in (0, count - 1) else "standard"
        x, y = radius * math.sin(angle), radius * math.cos(angle) - CURVE
        seats.append(DrawnSeat(str(place + 1), CATEGORY.name, x, y, RADIUS, kind))
    return DrawnRow("Studio", "ABCDEF"[index], tuple(seats))
