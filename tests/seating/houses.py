"""Small houses that the seating tests share, written as people draw them on a napkin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import Plan, PlanCategory, SeatKind

PLANS = Path(__file__).parents[2] / "app" / "demo" / "plans"
THEATRE_738 = PLANS / "theatre-738.pretix.json"
CONCERT_HALL = PLANS / "concert-hall-1115.pretix.json"

GOLD, SILVER = PlanCategory("Gold", "#E69F00"), PlanCategory("Silver", "#0072B2")
_KINDS: dict[str, SeatKind] = {"w": "wheelchair", "c": "companion"}


def sketch(*rows: str, zone: str = "Parterre", row_pitch: float = 24.0) -> Plan:
    """A house with the stage above: one text per row, a character every 20 units. `.` is a gold seat, `s` a silver one,
    `w` a wheelchair place, `c` a companion's seat, a space nothing. Rows are called A, B, C, seats 1, 2, 3."""
    drawn = []
    for line, text in enumerate(rows):
        seats = [
            DrawnSeat(
                number=str(len(text[:column].replace(" ", "")) + 1),
                category="Silver" if sign == "s" else "Gold",
                x=column * 20.0,
                y=line * row_pitch,
                kind=_KINDS.get(sign, "standard"),
            )
            for column, sign in enumerate(text)
            if sign != " "
        ]
        drawn.append(DrawnRow(zone, chr(ord("A") + line), tuple(seats)))
    width = max(len(text) for text in rows) * 20.0 - 20.0
    return assemble("Sketch", (GOLD, SILVER), drawn, focal=(width / 2, -40.0))


def labels(plan: Plan, ordinals: Any) -> list[str]:
    """`A3` for row A, seat 3."""
    return [f"{plan.seats[o].row}{plan.seats[o].number}" for o in ordinals]


def pretix_document(*rows: list[str], **changes: Any) -> dict[str, Any]:
    """A valid pretix document with rows of these seat numbers, 20 apart; `changes` replace members of the root."""
    return {
        "name": "Hall",
        "size": {"width": 400, "height": 300},
        "categories": [{"name": "Gold", "color": "#E69F00"}],
        "zones": [
            {
                "name": "Parterre",
                "zone_id": "p",
                "position": {"x": 10, "y": 20},
                "rows": [
                    {
                        "row_number": chr(ord("A") + line),
                        "position": {"x": 0, "y": line * 25},
                        "seats": [
                            {
                                "seat_guid": f"{line}-{number}",
                                "seat_number": number,
                                "category": "Gold",
                                "position": {"x": place * 20, "y": 0},
                            }
                            for place, number in enumerate(numbers)
                        ],
                    }
                    for line, numbers in enumerate(rows)
                ],
                "areas": [],
            }
        ],
        **changes,
    }
