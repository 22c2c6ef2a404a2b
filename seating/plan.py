"""Plans as documents: our own JSON (what PostgreSQL keeps), and the compact one that draws the map in a browser.

Other formats live beside this module, a file each (`pretix`), and end in the same `Plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from seating.pretix import plan_from_pretix, plan_to_pretix
from seating.seats import (
    AREA_SHAPES,
    LABEL_SEPARATOR,
    PROBLEM_SENTENCES,
    SEAT_KINDS,
    Area,
    Plan,
    PlanCategory,
    PlanProblem,
    PlanRefused,
    Seat,
)

__all__ = [
    "AREA_SHAPES",
    "LABEL_SEPARATOR",
    "PROBLEM_SENTENCES",
    "SEAT_KINDS",
    "Area",
    "Plan",
    "PlanCategory",
    "PlanProblem",
    "PlanRefused",
    "Seat",
    "check",
    "plan_for_browser",
    "plan_from_document",
    "plan_from_pretix",
    "plan_to_document",
    "plan_to_pretix",
    "zones_of",
]

FORMAT: Final = "placeur-plan"
VERSION: Final = 1


class _Document(Struct, frozen=True):
    format: str
    version: int
    plan: Plan


def plan_to_document(plan: Plan) -> bytes:
    """The plan as our own JSON document. The same plan always gives the same bytes, so a digest names a version."""
    return msgspec.json.encode(_Document(FORMAT, VERSION, plan))


def plan_from_document(document: bytes | str) -> Plan:
    """The plan of a document that `plan_to_document` wrote. Raises PlanRefused."""
    try:
        read = msgspec.json.decode(document, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PlanRefused([PlanProblem("", "bad_document", {"reason": str(error)})]) from None
    if read.format != FORMAT or read.version != VERSION:
        raise PlanRefused(
            [PlanProblem("format", "bad_document", {"reason": f"{read.format!r} version {read.version} is not known"})]
        )
    check(read.plan)
    return read.plan


def check(plan: Plan) -> None:
    """Raises PlanRefused unless the plan keeps the invariants that the map and the store rely on."""
    problems: list[PlanProblem] = []

    def damaged(path: str, reason: str) -> None:
        problems.append(PlanProblem(path, "bad_document", {"reason": reason}))

    names = {category.name for category in plan.categories}
    guids: set[str] = set()
    for index, seat in enumerate(plan.seats):
        if seat.ordinal != index:
            damaged(f"plan.seats[{index}].ordinal", f"seat {index} calls itself {seat.ordinal}")
        if seat.category not in names:
            damaged(f"plan.seats[{index}].category", f"category {seat.category!r} is not listed")
        if seat.guid in guids:
            damaged(f"plan.seats[{index}].guid", f"{seat.guid!r} is not unique")
        guids.add(seat.guid)
    if [ordinal for row in plan.rows for ordinal in row] != list(range(len(plan.seats))):
        damaged("plan.rows", "seats are not numbered along the rows")
    if not all(plan.rows):
        damaged("plan.rows", "a row has no seat")
    if problems:
        raise PlanRefused(problems)


def zones_of(plan: Plan) -> tuple[str, ...]:
    """Zone names in the order of their first seat, then those that only hold areas."""
    return tuple(dict.fromkeys([*(seat.zone for seat in plan.seats), *(area.zone for area in plan.areas)]))


def plan_for_browser(plan: Plan) -> bytes:
    """Columns indexed by ordinal: a third of the size of one object per seat, and parsed straight into typed arrays."""
    zones = zones_of(plan)
    zone_index = {name: index for index, name in enumerate(zones)}
    category_index = {category.name: index for index, category in enumerate(plan.categories)}
    return msgspec.json.encode(
        {
            "name": plan.name,
            "width": plan.width,
            "height": plan.height,
            "focal": plan.focal,
            "categories": plan.categories,
            "zones": zones,
            "seats": {
                "x": [_short(seat.x) for seat in plan.seats],
                "y": [_short(seat.y) for seat in plan.seats],
                "r": [_short(seat.radius) for seat in plan.seats],
                "c": [category_index[seat.category] for seat in plan.seats],
                "z": [zone_index[seat.zone] for seat in plan.seats],
                "row": [seat.row for seat in plan.seats],
                "n": [seat.number for seat in plan.seats],
                "k": [SEAT_KINDS.index(seat.kind) for seat in plan.seats],
            },
            "rows": plan.rows,
            "areas": _areas(plan.areas),
        }
    )


def _areas(areas: Sequence[Area]) -> list[dict[str, object]]:
    """Without the members at their defaults: most areas are a rectangle with a word on it."""
    bare = Area("", "", 0.0, 0.0)
    return [
        {
            name: getattr(area, name)
            for name in area.__struct_fields__
            if name in ("zone", "shape", "x", "y") or getattr(area, name) != getattr(bare, name)
        }
        for area in areas
    ]


def _short(value: float) -> float:
    """A tenth of a unit is less than a pixel at any zoom we draw."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
