"""pretix's seating-plan JSON, in and out (AHEAD-4).

Reading validates the structure itself and reports every problem with its JSON path: a plan file comes from a
customer's other system, and "line 1 is invalid" sends them away. Repeated identifiers are refused row by row, since
dropping the repeats would lose real seats (one real file has 738 seats and 318 identifiers); `renumber=True` keeps
every seat and makes the labels of equally named rows distinct by numbering the blocks they stand in.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, Final

from msgspec import Struct

from seating import geometry
from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import AREA_SHAPES, Area, Plan, PlanCategory, PlanProblem, PlanRefused, SeatKind

# The format has no member for it: what a seat is can only be read from its category's name.
_WHEELCHAIR = re.compile(
    r"wheelchair|\bpmr\b|fauteuil|rollstuhl|silla de ruedas|sedia a rotelle|cadeira de rodas|rolstoel", re.I
)
_COMPANION = re.compile(r"companion|accompagna|begleit|acompanhante|acompañante|begeleider", re.I)
_COLOR = re.compile(r"#[0-9a-f]{6}", re.I)
COLOR_DEFAULT: Final = "#8a8f98"
COORDINATE_MAX: Final = 1e7


class _ReadSeat(Struct, frozen=True):
    guid: str
    drawn: DrawnSeat


class _ReadRow(Struct, frozen=True):
    path: str
    zone: str
    row: str
    seats: tuple[_ReadSeat, ...]


def plan_from_pretix(document: bytes | str | dict[str, Any], *, renumber: bool = False) -> Plan:
    """The plan of a pretix seating-plan document (bytes, or already parsed). Raises PlanRefused with every problem.

    With `renumber`, seat identifiers of the file are ignored and labels made distinct; no seat is left out.
    """
    reader = _Reader()
    rows, categories, areas, name = reader.read(document)
    if not reader.problems and not rows:
        reader.report("zones", "empty_plan")
    if renumber:
        rows = _with_distinct_labels(rows)
    else:
        reader.problems += _repeated_identifiers(rows)
    if reader.problems:
        raise PlanRefused(reader.problems)
    drawn = [DrawnRow(row.zone, row.row, tuple(seat.drawn for seat in row.seats)) for row in rows]
    return assemble(name, categories, drawn, areas)


def plan_to_pretix(plan: Plan) -> bytes:
    """The plan as pretix's JSON. Positions become absolute (zones and rows at the origin), runs become rows."""
    zones: dict[str, dict[str, Any]] = {}
    for zone in dict.fromkeys([*(seat.zone for seat in plan.seats), *(area.zone for area in plan.areas)]):
        zones[zone] = {"name": zone, "zone_id": zone, "position": {"x": 0, "y": 0}, "rows": [], "areas": []}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for seat in plan.seats:
        row = rows.get((seat.zone, seat.row))
        if row is None:
            row = {"row_number": seat.row, "row_number_position": "both", "position": {"x": 0, "y": 0}, "seats": []}
            rows[seat.zone, seat.row] = row
            zones[seat.zone]["rows"].append(row)
        row["seats"].append(
            {
                "seat_guid": seat.guid,
                "seat_number": seat.number,
                "category": seat.category,
                "position": {"x": seat.x, "y": seat.y},
                "radius": seat.radius,
            }
        )
    for area in plan.areas:
        zones[area.zone]["areas"].append(_area_to_pretix(area))
    return json.dumps(
        {
            "name": plan.name,
            "categories": [{"name": category.name, "color": category.color} for category in plan.categories],
            "zones": list(zones.values()),
            "size": {"width": round(plan.width), "height": round(plan.height)},
        },
        ensure_ascii=False,
    ).encode()


def _area_to_pretix(area: Area) -> dict[str, Any]:
    written: dict[str, Any] = {
        "shape": area.shape,
        "color": area.color or COLOR_DEFAULT,
        "border_color": area.border_color or area.color or COLOR_DEFAULT,
        "rotation": area.rotation,
        "position": {"x": area.x, "y": area.y},
    }
    if area.shape == "rectangle":
        written["rectangle"] = {"width": area.width, "height": area.height}
    elif area.shape == "circle":
        written["circle"] = {"radius": area.radius_x}
    elif area.shape == "ellipse":
        written["ellipse"] = {"radius": {"x": area.radius_x, "y": area.radius_y}}
    elif area.shape == "polygon":
        written["polygon"] = {"points": [{"x": x, "y": y} for x, y in area.points]}
    if area.text:
        written["text"] = {
            "text": area.text,
            "color": area.text_color or "#333333",
            "position": {"x": area.text_x, "y": area.text_y},
            "size": area.text_size,
        }
    return written


class _Reader:
    """Walks the document once, collecting problems instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[PlanProblem] = []

    def report(self, path: str, code: str, **params: str | int) -> None:
        self.problems.append(PlanProblem(path, code, params))

    def read(
        self, document: bytes | str | dict[str, Any]
    ) -> tuple[list[_ReadRow], list[PlanCategory], list[Area], str]:
        try:
            root = document if isinstance(document, dict) else json.loads(document)
        except (ValueError, RecursionError) as error:
            self.report("", "not_json", reason=str(error) or type(error).__name__)
            raise PlanRefused(self.problems) from None
        if not isinstance(root, dict):
            self.report("", "wrong_type", field="the document", expected="an object", found=_kind(root))
            raise PlanRefused(self.problems)
        name = self.text(root, "name", "")
        if "size" in root:
            self.size(root["size"])
        categories = self.categories(root)
        rows, areas = self.zones(root, {category.name for category in categories})
        return rows, categories, areas, name

    def size(self, size: object) -> None:
        if not isinstance(size, dict):
            self.report("size", "wrong_type", field="size", expected="an object", found=_kind(size))
            return
        for member in ("width", "height"):
            # Read for its problems only: the sheet is cut to what is drawn.
            value = self.number(size, member, "size", required=True)
            if value is not None and value <= 0:
                self.report(f"size.{member}", "not_positive", field=member)

    def categories(self, root: dict[str, Any]) -> list[PlanCategory]:
        found: dict[str, PlanCategory] = {}
        for path, category in self.objects(root, "categories", "", required=True):
            name = self.text(category, "name", path)
            color = self.text(category, "color", path)
            if name in found:
                self.report(f"{path}.name", "duplicate_category", category=name)
            elif name:
                found[name] = PlanCategory(name, color if _COLOR.fullmatch(color) else COLOR_DEFAULT)
        return list(found.values())

    def zones(self, root: dict[str, Any], categories: set[str]) -> tuple[list[_ReadRow], list[Area]]:
        rows: list[_ReadRow] = []
        areas: list[Area] = []
        names: set[str] = set()
        for path, zone in self.objects(root, "zones", "", required=True):
            # Older files have only one of the two.
            name = self.text(zone, "zone_id" if "name" not in zone and "zone_id" in zone else "name", path)
            if name and name in names:
                self.report(f"{path}.name", "duplicate_zone", zone=name)
            names.add(name)
            origin = self.position(zone, path, required=False)
            for row_path, row in self.objects(zone, "rows", path, required=True):
                if read := self.row(row_path, row, name, origin, categories):
                    rows.append(read)
            for area_path, area in self.objects(zone, "areas", path, required=False):
                if drawn := self.area(area_path, area, name, origin):
                    areas.append(drawn)
        return rows, areas

    def row(
        self, path: str, row: dict[str, Any], zone: str, origin: tuple[float, float], categories: set[str]
    ) -> _ReadRow | None:
        label = self.text(row, "row_number", path)
        x, y = self.position(row, path, required=False)
        origin = origin[0] + x, origin[1] + y
        seats: list[_ReadSeat] = []
        taken: dict[tuple[float, float], str] = {}
        for seat_path, seat in self.objects(row, "seats", path, required=True):
            read = self.seat(seat_path, seat, f"{zone}, row {label}", origin, categories)
            place = round(read.drawn.x, 3), round(read.drawn.y, 3)
            if place in taken and not any(p.path.startswith(seat_path) for p in self.problems[-4:]):
                self.report(
                    f"{seat_path}.position", "same_position",
                    zone=zone, row=label, seat=read.drawn.number, other=taken[place],
                )  # fmt: skip
            taken.setdefault(place, read.drawn.number)
            seats.append(read)
        return _ReadRow(path, zone, label, tuple(seats)) if seats else None

    def seat(
        self, path: str, seat: dict[str, Any], where: str, origin: tuple[float, float], categories: set[str]
    ) -> _ReadSeat:
        guid = self.text(seat, "seat_guid", path)
        number = self.text(seat, "seat_number", path)
        category = self.text(seat, "category", path)
        x, y = self.position(seat, path, required=True)
        radius = self.number(seat, "radius", path, required=False) or 0.0
        if category and category not in categories:
            self.report(
                f"{path}.category", "unknown_category", place=f"{where}, seat {number or '?'}", category=category
            )
        drawn = DrawnSeat(number, category, origin[0] + x, origin[1] + y, max(radius, 0.0), _seat_kind(category))
        return _ReadSeat(guid, drawn)

    def area(self, path: str, area: dict[str, Any], zone: str, origin: tuple[float, float]) -> Area | None:
        shape = self.text(area, "shape", path)
        x, y = self.position(area, path, required=False)
        if shape and shape not in AREA_SHAPES:
            self.report(f"{path}.shape", "unknown_shape", shape=shape, shapes=", ".join(AREA_SHAPES))
            return None
        form = self.member(area, shape, path) if shape not in ("", "text") else {}
        words = self.member(area, "text", path, required=shape == "text")
        radius_x = radius_y = 0.0
        if shape == "circle":
            radius_x = radius_y = self.number(form, "radius", f"{path}.circle", required=True) or 0.0
        elif shape == "ellipse":
            radii = self.member(form, "radius", f"{path}.ellipse")
            radius_x = self.number(radii, "x", f"{path}.ellipse.radius", required=True) or 0.0
            radius_y = self.number(radii, "y", f"{path}.ellipse.radius", required=True) or 0.0
        rectangle = form if shape == "rectangle" else None
        points: list[tuple[float, float]] = []
        if shape == "polygon":
            for point_path, point in self.objects(form, "points", f"{path}.polygon", required=True):
                points.append(
                    (
                        self.number(point, "x", point_path, required=True) or 0.0,
                        self.number(point, "y", point_path, required=True) or 0.0,
                    )
                )
        text_x, text_y = self.position(words, f"{path}.text", required=False) if words else (0.0, 0.0)
        return Area(
            zone=zone,
            shape=shape,
            x=origin[0] + x,
            y=origin[1] + y,
            width=self.number(rectangle, "width", f"{path}.rectangle", required=True) or 0.0 if rectangle else 0.0,
            height=self.number(rectangle, "height", f"{path}.rectangle", required=True) or 0.0 if rectangle else 0.0,
            radius_x=radius_x,
            radius_y=radius_y,
            points=tuple(points),
            rotation=self.number(area, "rotation", path, required=False) or 0.0,
            color=_color(area.get("color")),
            border_color=_color(area.get("border_color")),
            text=str(words.get("text") or ""),
            text_x=text_x,
            text_y=text_y,
            text_color=_color(words.get("color")),
            text_size=self.number(words, "size", f"{path}.text", required=False) or 16.0,
        )

    # Members, each reporting what is wrong with it and giving a harmless value so that the walk goes on.

    def objects(
        self, holder: dict[str, Any], member: str, path: str, *, required: bool
    ) -> list[tuple[str, dict[str, Any]]]:
        here = _join(path, member)
        if member not in holder:
            if required:
                self.report(here, "missing_field", field=member)
            return []
        items = holder[member]
        if not isinstance(items, list):
            self.report(here, "wrong_type", field=member, expected="a list", found=_kind(items))
            return []
        found: list[tuple[str, dict[str, Any]]] = []
        for index, item in enumerate(items):
            if isinstance(item, dict):
                found.append((f"{here}[{index}]", item))
            else:
                self.report(
                    f"{here}[{index}]",
                    "wrong_type",
                    field=f"{member}[{index}]",
                    expected="an object",
                    found=_kind(item),
                )
        return found

    def member(self, holder: dict[str, Any], member: str, path: str, *, required: bool = True) -> dict[str, Any]:
        if member not in holder:
            if required:
                self.report(_join(path, member), "missing_field", field=member)
            return {}
        value = holder[member]
        if not isinstance(value, dict):
            self.report(_join(path, member), "wrong_type", field=member, expected="an object", found=_kind(value))
            return {}
        return value

    def text(self, holder: dict[str, Any], member: str, path: str) -> str:
        here = _join(path, member)
        if member not in holder:
            self.report(here, "missing_field", field=member)
            return ""
        value = holder[member]
        if not isinstance(value, str):
            self.report(here, "wrong_type", field=member, expected="a text", found=_kind(value))
            return ""
        value = value.strip()
        if not value:
            self.report(here, "empty_text", field=member)
        return value

    def number(self, holder: dict[str, Any], member: str, path: str, *, required: bool) -> float | None:
        here = _join(path, member)
        if holder.get(member) is None:
            if required:
                self.report(here, "missing_field", field=member)
            return None
        value = holder[member]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.report(here, "wrong_type", field=member, expected="a number", found=_kind(value))
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.report(here, "not_finite", field=member)
            return None
        if abs(value) > COORDINATE_MAX:
            self.report(here, "too_large", field=member, value=str(value)[:20])
            return None
        return float(value)

    def position(self, holder: dict[str, Any], path: str, *, required: bool) -> tuple[float, float]:
        place = self.member(holder, "position", path, required=required)
        if not place and "position" not in holder:
            return 0.0, 0.0
        here = _join(path, "position")
        if not place and not isinstance(holder["position"], dict):
            return 0.0, 0.0
        return (
            self.number(place, "x", here, required=True) or 0.0,
            self.number(place, "y", here, required=True) or 0.0,
        )


def _repeated_identifiers(rows: list[_ReadRow]) -> list[PlanProblem]:
    """One problem per row with repeats, listing every repeated seat of it: of the identifier, else of the label."""
    first_guid: dict[str, str] = {}
    first_label: dict[tuple[str, str, str], str] = {}
    problems: list[PlanProblem] = []
    for row in rows:
        repeats: dict[str, list[tuple[str, str]]] = {"duplicate_seat_guid": [], "duplicate_label": []}
        for index, seat in enumerate(row.seats):
            here, number = f"{row.path}.seats[{index}]", seat.drawn.number
            if seat.guid and (first := first_guid.setdefault(seat.guid, here)) != here:
                repeats["duplicate_seat_guid"].append((number, first))
            elif number and (first := first_label.setdefault((row.zone, row.row, number), here)) != here:
                repeats["duplicate_label"].append((number, first))
        problems += [
            PlanProblem(
                row.path, code,
                {
                    "zone": row.zone, "row": row.row, "count": len(found),
                    "seats": ", ".join(number for number, _ in found), "first": found[0][1],
                },
            )
            for code, found in repeats.items()
            if found
        ]  # fmt: skip
    return problems


def _with_distinct_labels(rows: list[_ReadRow]) -> list[_ReadRow]:
    """Rows whose name is repeated within their zone get the number of their block before it ("3·A"); seats whose
    number is repeated within their row get a letter after it. The same file always gives the same labels, since they
    depend on the order of the file only."""
    blocks = _blocks(rows)
    times = Counter((row.zone, row.row) for row in rows)
    used = {(row.zone, row.row) for row in rows if times[row.zone, row.row] == 1}
    renamed: list[_ReadRow] = []
    for index, row in enumerate(rows):
        label = row.row
        if times[row.zone, row.row] > 1:
            label = f"{blocks[index]}·{row.row}"
            attempt = 1
            while (row.zone, label) in used:
                attempt += 1
                label = f"{blocks[index]}.{attempt}·{row.row}"
            used.add((row.zone, label))
        renamed.append(_ReadRow(row.path, row.zone, label, _with_distinct_numbers(row.seats)))
    return renamed


def _with_distinct_numbers(seats: tuple[_ReadSeat, ...]) -> tuple[_ReadSeat, ...]:
    used = {seat.drawn.number for seat in seats}
    if len(used) == len(seats):
        return seats
    seen: set[str] = set()
    distinct: list[_ReadSeat] = []
    for seat in seats:
        number = seat.drawn.number
        attempt = 1
        while number in seen or (attempt > 1 and number in used):
            attempt += 1
            number = f"{seat.drawn.number}/{attempt}"
        seen.add(number)
        drawn = seat.drawn
        distinct.append(
            _ReadSeat(seat.guid, DrawnSeat(number, drawn.category, drawn.x, drawn.y, drawn.radius, drawn.kind))
        )
    return tuple(distinct)


def _blocks(rows: list[_ReadRow]) -> list[int]:
    """The block each row stands in, counted from 1 within its zone: rows one behind the other are one block."""
    block = [0] * len(rows)
    for zone in dict.fromkeys(row.zone for row in rows):
        members = [index for index, row in enumerate(rows) if row.zone == zone]
        points, owner = [], []
        for index in members:
            points += [(seat.drawn.x, seat.drawn.y) for seat in rows[index].seats]
            owner += [index] * len(rows[index].seats)
        pitch = geometry.usual_pitch([_walk(rows[index]) for index in members])
        grid = geometry.Grid(points, pitch * geometry.AISLE or 1.0)
        touching: dict[int, set[int]] = {index: set() for index in members}
        for place, index in zip(points, owner, strict=True):
            touching[index].update(owner[hit] for hit in grid.near(place, grid.cell))
        count = 0
        for index in members:
            if not block[index]:
                count += 1
                reached = [index]
                while reached:
                    here = reached.pop()
                    if not block[here]:
                        block[here] = count
                        reached += sorted(touching[here])
    return block


def _walk(row: _ReadRow) -> list[tuple[float, float]]:
    points = [(seat.drawn.x, seat.drawn.y) for seat in row.seats]
    return [points[index] for index in geometry.order_along(points)]


def _seat_kind(category: str) -> SeatKind:
    if _COMPANION.search(category):
        return "companion"
    return "wheelchair" if _WHEELCHAIR.search(category) else "standard"


def _color(value: object) -> str:
    return value if isinstance(value, str) and _COLOR.fullmatch(value) else ""


def _join(path: str, member: str) -> str:
    return f"{path}.{member}" if path else member


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
