"""What a seating plan is made of. Values only; see `plan` for documents and `geometry` for rows."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

SeatKind = Literal["standard", "wheelchair", "companion"]
SEAT_KINDS: Final[tuple[SeatKind, ...]] = ("standard", "wheelchair", "companion")
AREA_SHAPES: Final = ("rectangle", "circle", "ellipse", "polygon", "text")

# A label path is read by people on tickets and typed by them in lists (SEA-2).
LABEL_SEPARATOR: Final = " > "


class PlanCategory(Struct, frozen=True):
    """A price category as drawn: a name unique in its plan, and a colour `#RRGGBB`."""

    name: str
    color: str


class Seat(Struct, frozen=True):
    """One place. `guid` is its label path, stable over versions of the plan; `ordinal` its index in this version.

    Coordinates are plan units from the top left corner; `radius` is half of what may be drawn without overlap.
    """

    ordinal: int
    guid: str
    zone: str
    row: str
    number: str
    category: str
    x: float
    y: float
    radius: float
    kind: SeatKind = "standard"


class Area(Struct, frozen=True):
    """Something drawn that is no seat. (x, y) is the top left corner of a rectangle, the centre of a circle or an
    ellipse, the origin that `points` are relative to, or the anchor of a text; `rotation` is in degrees around it."""

    zone: str
    shape: str
    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    radius_x: float = 0.0
    radius_y: float = 0.0
    points: tuple[tuple[float, float], ...] = ()
    rotation: float = 0.0
    color: str = ""
    border_color: str = ""
    text: str = ""
    text_x: float = 0.0
    text_y: float = 0.0
    text_color: str = ""
    text_size: float = 16.0

    def bounds(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom), not counting rotation: good enough to find the stage and to fit a sheet."""
        if self.shape == "rectangle":
            return self.x, self.y, self.x + self.width, self.y + self.height
        if self.shape in ("circle", "ellipse"):
            return self.x - self.radius_x, self.y - self.radius_y, self.x + self.radius_x, self.y + self.radius_y
        if self.shape == "polygon" and self.points:
            xs = [self.x + px for px, _ in self.points]
            ys = [self.y + py for _, py in self.points]
            return min(xs), min(ys), max(xs), max(ys)
        return self.x, self.y, self.x, self.y


class Plan(Struct, frozen=True):
    """A version of a house. `rows` are runs of neighbouring seats: broken at aisles, in geometric order.

    Invariant (`plan.check` keeps it): seats are numbered along the runs, so each run is a range of ordinals and the
    runs in their order count from 0 to the last seat. The store relies on it: the states of a run are one substring.
    """

    name: str
    width: float
    height: float
    categories: tuple[PlanCategory, ...]
    seats: tuple[Seat, ...]
    rows: tuple[tuple[int, ...], ...]
    areas: tuple[Area, ...]
    focal: tuple[float, float]


# One sentence per code, English, with named places: the caller translates the sentence, then fills it.
PROBLEM_SENTENCES: Final[dict[str, str]] = {
    "not_json": "This is not a JSON document: %(reason)s.",
    "missing_field": "“%(field)s” is missing.",
    "wrong_type": "“%(field)s” should be %(expected)s, but is %(found)s.",
    "not_finite": "“%(field)s” is not a finite number.",
    "not_positive": "“%(field)s” should be greater than zero.",
    "too_large": "“%(field)s” is further out than any house: %(value)s.",
    "empty_text": "“%(field)s” is empty.",
    "unknown_category": "%(place)s is in category “%(category)s”, which the plan does not list.",
    "unknown_shape": "The shape “%(shape)s” is not known; use one of %(shapes)s.",
    "duplicate_category": "Category “%(category)s” is listed more than once.",
    "duplicate_zone": "Zone “%(zone)s” is listed more than once.",
    "duplicate_seat_guid": (
        "%(zone)s, row %(row)s: %(count)s seats repeat an identifier already used: %(seats)s (first used at %(first)s)."
    ),
    "duplicate_label": (
        "%(zone)s, row %(row)s: %(count)s seats repeat a label already used: %(seats)s (first used at %(first)s)."
    ),
    "same_position": "%(zone)s, row %(row)s: seat %(seat)s lies exactly on seat %(other)s.",
    "empty_plan": "The plan has no seat.",
    "bad_document": "This plan document is damaged: %(reason)s.",
}


class PlanProblem(Struct, frozen=True):
    """One thing wrong with a document: where (a JSON path such as `zones[0].rows[6].seats[2].category`), what (a code
    of PROBLEM_SENTENCES), and the values of its sentence."""

    path: str
    code: str
    params: dict[str, str | int]

    def sentence(self, template: str | None = None) -> str:
        """The sentence in English, or in the language of a translated `template`."""
        return (template or PROBLEM_SENTENCES[self.code]) % self.params


class PlanRefused(Exception):
    """A document that cannot become a plan, with every problem found in it, in document order."""

    def __init__(self, problems: list[PlanProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{p.path or '(document)'}: {p.sentence()}" for p in problems))

    @property
    def renumber_would_help(self) -> bool:
        """True when nothing but repeated identifiers stands in the way."""
        return all(p.code in ("duplicate_seat_guid", "duplicate_label") for p in self.problems)
