"""Drawn views of a stage from seats of a plan: what SeatView shows in the demo, where nobody took photographs.

A small perspective of an Italian theatre in metres: x to the court side, y from the edge of the stage into the house, z
up. The seats in front are the plan's own, so a picture from the tenth row has nine rows of heads in it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from seating.seats import Plan, Seat

Point = tuple[float, float, float]
Colour = tuple[int, ...]
"""Red, green, blue, and how much of it covers what is there."""

SIZE = (1024, 576)
FINER = 1.3
"""Drawn so much larger and made smaller again: Pillow's own edges are stairs."""
METRE = 0.027
"""Of one unit of the plan, whose seats are 20 units apart."""
EYES_M = 1.15
NEAR_M = 0.35
HALF_ANGLE = math.radians(31)
HALF_OPENING_M, OPENING_M, STAGE_M, DEPTH_M = 5.6, 7.2, 1.0, 8.0
HALF_HOUSE_M, CEILING_M, HOUSE_M = 10.5, 14.5, 19.0
RAIL_M = 0.85

VELVET, VELVET_DARK, VELVET_LIGHT = (138, 24, 48), (84, 12, 30), (176, 42, 66)
GOLD, GOLD_DARK = (206, 160, 74), (128, 92, 40)
NIGHT = (22, 15, 22)
HEADS = (17, 11, 16)


class Level(Struct, frozen=True):
    """Where a zone really is: the plan draws each balcony as a wider ring, a theatre puts it above the last one."""

    height_m: float
    rise_m: float
    """From one row to the next."""
    reach: float
    """Real distance for a distance on the sheet."""


STALLS = Level(0.0, 0.085, 1.0)
LEVELS = {
    "Baignoires": Level(1.1, 0.0, 0.86),
    "Corbeille": Level(3.6, 0.3, 0.8),
    "Loges": Level(3.6, 0.2, 0.8),
    "1er balcon": Level(6.6, 0.4, 0.72),
    "2e balcon": Level(9.6, 0.5, 0.62),
}


class Eye(Struct, frozen=True):
    """Somebody who sits at `at` and looks at the middle of the stage."""

    at: Point
    yaw: float
    pitch: float
    width: float
    height: float

    def turned(self, point: Point) -> Point:
        """(right, up, ahead), metres, as this eye has it."""
        x, y, z = (point[i] - self.at[i] for i in range(3))
        right = x * math.cos(self.yaw) - y * math.sin(self.yaw)
        ahead = -x * math.sin(self.yaw) - y * math.cos(self.yaw)
        up = z * math.cos(self.pitch) - ahead * math.sin(self.pitch)
        return right, up, ahead * math.cos(self.pitch) + z * math.sin(self.pitch)

    @property
    def focal(self) -> float:
        """Pixels for a metre at a distance of one."""
        return self.width / 2 / math.tan(HALF_ANGLE)

    def on_paper(self, seen: Point) -> tuple[float, float]:
        right, up, ahead = seen
        return self.width / 2 + right / ahead * self.focal, self.height / 2 - up / ahead * self.focal

    def outline(self, corners: Sequence[Point]) -> list[tuple[float, float]]:
        """A flat shape as it is seen, cut where it passes behind the eye; empty when all of it is behind."""
        seen = [self.turned(corner) for corner in corners]
        return [self.on_paper(point) for point in _before(seen)]


def _before(corners: Sequence[Point]) -> Iterator[Point]:
    for here, there in zip(corners, [*corners[1:], corners[0]], strict=True):
        if here[2] >= NEAR_M:
            yield here
        if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
            share = (NEAR_M - here[2]) / (there[2] - here[2])
            yield (here[0] + (there[0] - here[0]) * share, here[1] + (there[1] - here[1]) * share, NEAR_M)


def draw_view(plan: Plan, ordinal: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """The stage as it is seen from a seat, with those who sit in front. Always the same for the same seat."""
    seat = plan.seats[ordinal]
    feet = _feet(plan)
    eye = _look(feet[ordinal], size[0] * FINER, size[1] * FINER)
    picture = Image.new("RGB", (int(eye.width), int(eye.height)), NIGHT)
    _draw_house(ImageDraw.Draw(picture, "RGBA"), eye)
    picture.paste(_stage(eye), mask=_opening(eye))
    draw = ImageDraw.Draw(picture, "RGBA")
    _draw_edge(draw, eye)
    _draw_arch(draw, eye)
    _draw_people(draw, eye, plan, seat, feet)
    return _shaded(picture).resize(size, Image.Resampling.BILINEAR)


def spread(plan: Plan, count: int) -> list[int]:
    """Seats to photograph so that no seat is far from a photo: from the focal point on, always the seat that is
    farthest from all before it."""
    fx, fy = plan.focal
    apart = [math.inf] * len(plan.seats)
    chosen: list[int] = []
    here = min(range(len(plan.seats)), key=lambda i: math.hypot(plan.seats[i].x - fx, plan.seats[i].y - fy))
    while len(chosen) < min(count, len(plan.seats)):
        chosen.append(here)
        x, y = plan.seats[here].x, plan.seats[here].y
        apart = [min(was, math.hypot(s.x - x, s.y - y)) for was, s in zip(apart, plan.seats, strict=True)]
        here = max(range(len(apart)), key=apart.__getitem__)
    return chosen


# Where seats really are ----------------------------------------------------------------------------------------------


def _feet(plan: Plan) -> list[Point]:
    """Where each seat stands, metres from the middle of the stage's edge: rows rise towards the back of their zone."""
    stage = next(area for area in plan.areas if area.shape == "polygon" and area.text)
    rows: dict[str, list[str]] = {}
    for seat in plan.seats:
        known = rows.setdefault(seat.zone, [])
        if seat.row not in known:
            known.append(seat.row)
    feet = []
    for seat in plan.seats:
        level = LEVELS.get(seat.zone, STALLS)
        steps = 0 if _is_box(seat) else rows[seat.zone].index(seat.row)
        x, y = ((value * level.reach * METRE) for value in (seat.x - stage.x, seat.y - stage.y))
        feet.append((x, max(1.2, y), level.height_m + level.rise_m * steps))
    return feet


def _is_box(seat: Seat) -> bool:
    """Boxes stand side by side and not behind one another; their rows are called by more than a letter."""
    return len(seat.row) > 3


def _look(foot: Point, width: float, height: float) -> Eye:
    x, y, z = foot[0], foot[1], foot[2] + EYES_M
    away = math.hypot(x, y + 2.5)
    return Eye((x, y, z), math.atan2(x, y + 2.5), math.atan2(STAGE_M + 2.3 - z, away), width, height)


# The house -----------------------------------------------------------------------------------------------------------


def _draw_house(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    w, top, back = HALF_HOUSE_M, CEILING_M, HOUSE_M
    for side in (-1, 1):
        _fill(
            draw, eye, [(side * w, 0, 0), (side * w, back, 0), (side * w, back, top), (side * w, 0, top)], (46, 22, 32)
        )
        for level in sorted({level.height_m for level in LEVELS.values()}):
            _draw_tier(draw, eye, side * (w - 0.6), level)
    _fill(draw, eye, [(-w, 0, top), (w, 0, top), (w, back, top), (-w, back, top)], (38, 26, 34))
    _fill(draw, eye, [(-w, 0, 0), (w, 0, 0), (w, back, 0), (-w, back, 0)], (30, 16, 22))
    # The wall that the stage opens in.
    _sheet(draw, eye, (-w, w), 0, (0, top), (64, 26, 38))
    for x in (-8.0, 8.0):
        _sheet(draw, eye, (x - 1.3, x + 1.3), 0, (0.9, 10.4), (84, 44, 46))
        _sheet(draw, eye, (x - 1.05, x + 1.05), 0, (1.2, 10.1), (58, 22, 34))


def _draw_tier(draw: ImageDraw.ImageDraw, eye: Eye, x: float, height: float) -> None:
    """The parapet of one level along a side, with its lamps."""
    low, high = height + 0.15, height + RAIL_M + 0.1
    _fill(
        draw,
        eye,
        [(x, 0.6, low - 0.5), (x, HOUSE_M, low - 0.5), (x, HOUSE_M, low + 2.0), (x, 0.6, low + 2.0)],
        (24, 10, 16),
    )
    _fill(draw, eye, [(x, 0.6, low), (x, HOUSE_M, low), (x, HOUSE_M, high), (x, 0.6, high)], (104, 62, 52))
    _fill(draw, eye, [(x, 0.6, high), (x, HOUSE_M, high), (x, HOUSE_M, high + 0.14), (x, 0.6, high + 0.14)], GOLD_DARK)
    for y in range(2, int(HOUSE_M), 3):
        for radius, colour in ((0.42, (255, 190, 110, 36)), (0.24, (255, 205, 130, 80)), (0.09, (255, 240, 205, 255))):
            _dot(draw, eye, (x, float(y), high + 0.42), radius, colour)


# The stage -----------------------------------------------------------------------------------------------------------


def _opening(eye: Eye) -> Image.Image:
    """A mask of what the arch leaves to be seen."""
    mask = Image.new("L", (int(eye.width), int(eye.height)))
    w, floor, top = HALF_OPENING_M, STAGE_M, STAGE_M + OPENING_M
    outline = eye.outline([(-w, 0, floor), (w, 0, floor), (w, 0, top), (-w, 0, top)])
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return mask


def _stage(eye: Eye) -> Image.Image:
    picture = Image.new("RGB", (int(eye.width), int(eye.height)), NIGHT)
    draw = ImageDraw.Draw(picture, "RGBA")
    _draw_walls(draw, eye)
    _draw_room(draw, eye)
    picture = _lit(picture, eye)
    _draw_curtain(ImageDraw.Draw(picture, "RGBA"), eye)
    return picture


def _draw_walls(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    w, floor, top, back = HALF_OPENING_M, STAGE_M, STAGE_M + OPENING_M, -DEPTH_M
    _sheet(draw, eye, (-w, w), 0, (floor, top), (20, 12, 18))
    wall = w * 0.86
    _sheet(draw, eye, (-wall, wall), back, (floor, top), (70, 96, 106))
    for index in range(9):  # the room's striped paper
        x = -wall + index * 2 * wall / 9
        _sheet(draw, eye, (x, x + wall / 9), back, (floor, top), (78, 106, 114))
    for side in (-1, 1):
        near, far = side * w, side * wall
        _fill(draw, eye, [(near, 0, floor), (far, back, floor), (far, back, top), (near, 0, top)], (54, 72, 84))
    for plank in range(14):
        x, next_x = (-w + i * 2 * w / 14 for i in (plank, plank + 1))
        shade = (134, 92, 58) if plank % 2 else (124, 84, 52)
        _fill(
            draw, eye, [(x, 0, floor), (next_x, 0, floor), (next_x * 0.86, back, floor), (x * 0.86, back, floor)], shade
        )


def _draw_edge(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    """The front of the stage, and its footlights."""
    w, floor = HALF_OPENING_M, STAGE_M
    _sheet(draw, eye, (-w - 0.9, w + 0.9), 0, (0, floor), (58, 34, 28))
    for index in range(15):
        _dot(draw, eye, (-w + 0.4 + index * (2 * w - 0.8) / 14, 0.0, floor + 0.06), 0.11, (255, 226, 160, 255))


def _draw_room(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    """Argan's bedroom: a window, a door, his bed, his armchair and the people around it."""
    floor, back = STAGE_M, -DEPTH_M + 0.02
    _sheet(draw, eye, (-3.7, -1.7), back, (floor + 1.1, floor + 4.6), GOLD_DARK)
    for i in range(2):
        for j in range(3):
            x, z = -3.55 + i * 0.9, floor + 1.3 + j * 1.08
            _sheet(draw, eye, (x, x + 0.8), back, (z, z + 0.98), (246, 226, 170))
    _sheet(draw, eye, (2.0, 3.7), back, (floor, floor + 3.9), GOLD_DARK)
    _sheet(draw, eye, (2.15, 3.55), back, (floor, floor + 3.7), (88, 54, 44))
    _dot(draw, eye, (2.4, back, floor + 1.7), 0.09, GOLD)
    _box(draw, eye, (-4.2, -6.6, floor), (2.3, 3.2, 0.8), (150, 48, 66))
    _box(draw, eye, (-4.2, -6.6, floor + 0.8), (2.3, 0.8, 0.3), (228, 216, 200))
    _box(draw, eye, (-4.3, -6.8, floor), (2.5, 0.2, 2.3), (96, 62, 44))
    _box(draw, eye, (1.9, -4.4, floor), (1.5, 0.9, 0.85), (98, 62, 40))
    _box(draw, eye, (2.35, -4.1, floor + 0.85), (0.18, 0.18, 0.42), (120, 178, 138))
    _box(draw, eye, (2.75, -4.0, floor + 0.85), (0.14, 0.14, 0.3), (206, 160, 74))
    _box(draw, eye, (-0.6, -3.6, floor), (1.2, 0.9, 0.55), VELVET)
    _box(draw, eye, (-0.6, -3.75, floor), (1.2, 0.18, 1.6), VELVET_LIGHT)
    _person(draw, eye, (0.0, -3.0, floor), (238, 226, 206), 1.45)
    _person(draw, eye, (1.35, -2.1, floor), (44, 42, 56), 1.78)
    _person(draw, eye, (-1.75, -2.5, floor), (196, 128, 58), 1.66)


def _person(draw: ImageDraw.ImageDraw, eye: Eye, foot: Point, colour: Colour, tall: float) -> None:
    x, y, z = foot
    _dot(draw, eye, (x, y, z + 0.03), 0.42, (30, 18, 14, 110), flat=0.25)
    shoulders = z + tall * 0.8
    _fill(draw, eye, [(x - 0.36, y, z), (x + 0.36, y, z), (x + 0.17, y, shoulders), (x - 0.17, y, shoulders)], colour)
    for side in (-1, 1):
        _fill(
            draw,
            eye,
            [
                (x + side * 0.16, y, shoulders),
                (x + side * 0.5, y, z + tall * 0.52),
                (x + side * 0.4, y, z + tall * 0.47),
                (x + side * 0.12, y, shoulders - 0.22),
            ],
            colour,
        )
    _dot(draw, eye, (x, y, z + tall * 0.9), tall * 0.075, (226, 178, 148))
    _dot(draw, eye, (x, y, z + tall * 0.945), tall * 0.075, (64, 44, 36), flat=0.62)


def _draw_curtain(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    """Drawn aside, in folds, with a pelmet above."""
    floor, top, folds = STAGE_M, STAGE_M + OPENING_M, 7
    for side in (-1, 1):
        for fold in range(folds):
            outer, inner = (HALF_OPENING_M - 2.0 * i / folds for i in (fold, fold + 1))
            waist_outer, waist_inner = (HALF_OPENING_M - 1.25 * i / folds for i in (fold, fold + 1))
            foot_outer, foot_inner = (HALF_OPENING_M - 1.6 * i / folds for i in (fold, fold + 1))
            shade = (VELVET_DARK, VELVET, VELVET_LIGHT, VELVET)[fold % 4]
            corners = [(side * outer, 0.02, top), (side * inner, 0.02, top), (side * waist_inner, 0.02, floor + 2.4),
                       (side * foot_inner, 0.02, floor + 0.05), (side * foot_outer, 0.02, floor + 0.05),
                       (side * waist_outer, 0.02, floor + 2.4)]  # fmt: skip
            _fill(draw, eye, corners, shade)
        _fill(
            draw,
            eye,
            [
                (side * HALF_OPENING_M, 0.03, floor + 2.3),
                (side * (HALF_OPENING_M - 1.3), 0.03, floor + 2.45),
                (side * (HALF_OPENING_M - 1.3), 0.03, floor + 2.65),
                (side * HALF_OPENING_M, 0.03, floor + 2.55),
            ],
            GOLD,
        )
    swags = 6
    for index in range(swags):
        left = -HALF_OPENING_M + index * 2 * HALF_OPENING_M / swags
        width = 2 * HALF_OPENING_M / swags
        hem = [(left + width * i / 10, 0.04, top - 0.75 - 0.5 * math.sin(math.pi * i / 10)) for i in range(11)]
        _fill(draw, eye, [(left, 0.04, top), *hem, (left + width, 0.04, top)], VELVET if index % 2 else VELVET_DARK)
        trim = [(x, y + 0.01, z + 0.13) for x, y, z in reversed(hem)]
        _fill(draw, eye, [*[(x, y + 0.01, z) for x, y, z in hem], *trim], GOLD)


def _draw_arch(draw: ImageDraw.ImageDraw, eye: Eye) -> None:
    """The gilded frame around the opening."""
    w, floor, top, thick = HALF_OPENING_M, STAGE_M, STAGE_M + OPENING_M, 0.55
    for inset, colour in ((0.0, GOLD_DARK), (0.12, GOLD), (0.3, (166, 122, 56)), (0.4, GOLD_DARK)):
        out = thick - inset
        for side in (-1, 1):
            _fill(
                draw,
                eye,
                [
                    (side * w, 0.05, floor - 0.1),
                    (side * (w + out), 0.05, floor - 0.1),
                    (side * (w + out), 0.05, top + out),
                    (side * w, 0.05, top),
                ],
                colour,
            )
        _fill(
            draw,
            eye,
            [(-w - out, 0.05, top + out), (w + out, 0.05, top + out), (w, 0.05, top), (-w, 0.05, top)],
            colour,
        )
    for radius, colour in ((1.0, GOLD_DARK), (0.86, GOLD), (0.66, VELVET_DARK)):
        _dot(draw, eye, (0.0, 0.06, top + 0.5), radius, colour)
    _dot(draw, eye, (0.0, 0.07, top + 0.5), 0.3, GOLD)


# Those who sit in front ----------------------------------------------------------------------------------------------


def _draw_people(draw: ImageDraw.ImageDraw, eye: Eye, plan: Plan, here: Seat, feet: Sequence[Point]) -> None:
    """Backs of chairs and heads, farthest first; some seats are empty. Other levels only where they are below."""
    dice = random.Random(here.ordinal)  # noqa: S311 - scenery
    below = feet[here.ordinal][2]
    seen = []
    for seat in plan.seats:
        foot = feet[seat.ordinal]
        if seat.ordinal == here.ordinal or (seat.zone != here.zone and foot[2] > below - 1.0):
            continue
        ahead = eye.turned((foot[0], foot[1], foot[2] + 1.0))[2]
        if ahead > 0.55:
            seen.append((ahead, seat.zone == here.zone, foot, dice.random()))
    parapet = [] if below < 1 else sorted((entry for entry in seen if entry[1]), reverse=True)
    for ahead, same, foot, chance in sorted(seen, reverse=True):
        if parapet and same:
            continue
        _sitter(draw, eye, foot, ahead, chance)
    if below >= 1:
        _draw_parapet(draw, eye, here, plan, feet)
    for ahead, _, foot, chance in parapet:
        _sitter(draw, eye, foot, ahead, chance)


def _sitter(draw: ImageDraw.ImageDraw, eye: Eye, foot: Point, ahead: float, chance: float) -> None:
    x, y, z = foot
    # What is far catches some light of the stage; what is near is nearly black.
    glow = min(1.0, ahead / 16)
    chair = tuple(int(a + (b - a) * glow) for a, b in zip((30, 12, 20), (92, 30, 44), strict=True))
    _fill(
        draw,
        eye,
        [(x - 0.25, y, z + 0.3), (x + 0.25, y, z + 0.3), (x + 0.22, y, z + 0.86), (x - 0.22, y, z + 0.86)],
        chair,
    )
    if chance < 0.16:
        return
    head = tuple(int(a + (b - a) * glow) for a, b in zip(HEADS, (64, 40, 44), strict=True))
    tall = z + 1.06 + (chance - 0.5) * 0.14
    _dot(draw, eye, (x, y, tall + 0.02), 0.125, (196, 140, 96, 90))
    _dot(draw, eye, (x, y, tall), 0.12, head)
    _fill(
        draw,
        eye,
        [(x - 0.24, y, z + 0.62), (x + 0.24, y, z + 0.62), (x + 0.13, y, tall - 0.06), (x - 0.13, y, tall - 0.06)],
        head,
    )


def _draw_parapet(draw: ImageDraw.ImageDraw, eye: Eye, here: Seat, plan: Plan, feet: Sequence[Point]) -> None:
    """The edge of one's own balcony, a little in front of its first row."""
    level = LEVELS.get(here.zone, STALLS)
    zone = [s for s in plan.seats if s.zone == here.zone]
    front = here.row if _is_box(here) else zone[0].row
    row = [s for s in zone if s.row == front]
    edge = []
    for x, y, _ in sorted((feet[seat.ordinal] for seat in row), key=lambda foot: math.atan2(foot[0], foot[1])):
        away = math.hypot(x, y)
        edge.append((x - x / away * 0.75, y - y / away * 0.75))
    low, high = level.height_m - 0.4, level.height_m + RAIL_M
    for (x0, y0), (x1, y1) in pairwise(edge):
        _fill(draw, eye, [(x0, y0, low), (x1, y1, low), (x1, y1, high), (x0, y0, high)], (40, 18, 24))
        _fill(draw, eye, [(x0, y0, high - 0.1), (x1, y1, high - 0.1), (x1, y1, high), (x0, y0, high)], VELVET_DARK)
        _fill(
            draw,
            eye,
            [(x0, y0, high - 0.16), (x1, y1, high - 0.16), (x1, y1, high - 0.1), (x0, y0, high - 0.1)],
            GOLD_DARK,
        )


# Light ---------------------------------------------------------------------------------------------------------------


def _lit(picture: Image.Image, eye: Eye) -> Image.Image:
    """Warm light on the middle of the stage, made small and blurred: light has no edges."""
    small = (picture.width // 8, picture.height // 8)
    light = Image.new("RGB", small, (0, 0, 0))
    draw = ImageDraw.Draw(light)
    for centre, wide, colour in (
        ((0.0, -3.0, STAGE_M + 1.6), 3.6, (92, 70, 40)),
        ((0.0, -2.6, STAGE_M + 1.0), 1.9, (88, 70, 46)),
        ((-2.7, -7.9, STAGE_M + 3.0), 1.6, (70, 62, 40)),
    ):
        seen = eye.turned(centre)
        x, y = (value / 8 for value in eye.on_paper(seen))
        r = wide / seen[2] * eye.focal / 8
        draw.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), fill=colour)
    blurred = light.filter(ImageFilter.GaussianBlur(small[0] / 28)).resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.add(picture, blurred)


def _shaded(picture: Image.Image) -> Image.Image:
    """Darker towards the corners, as a lens has it."""
    mask = Image.radial_gradient("L").resize(picture.size, Image.Resampling.BILINEAR)
    return Image.composite(
        Image.new("RGB", picture.size, (10, 6, 10)),
        picture,
        mask.point([int(max(0, v - 110) * 0.9) for v in range(256)]),
    )


# Shapes --------------------------------------------------------------------------------------------------------------


def _fill(draw: ImageDraw.ImageDraw, eye: Eye, corners: Sequence[Point], colour: Colour) -> None:
    outline = eye.outline(corners)
    if len(outline) > 2:
        draw.polygon(outline, fill=colour)


def _sheet(
    draw: ImageDraw.ImageDraw, eye: Eye, x: tuple[float, float], y: float, z: tuple[float, float], colour: Colour
) -> None:
    """An upright rectangle that faces the house."""
    _fill(draw, eye, [(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])], colour)


def _dot(draw: ImageDraw.ImageDraw, eye: Eye, centre: Point, radius: float, colour: Colour, flat: float = 1.0) -> None:
    """A ball, or (`flat` below 1) what it is seen as from above."""
    seen = eye.turned(centre)
    if seen[2] < NEAR_M:
        return
    x, y = eye.on_paper(seen)
    r = radius / seen[2] * eye.focal
    draw.ellipse((x - r, y - r * flat, x + r, y + r * flat), fill=colour)


def _box(draw: ImageDraw.ImageDraw, eye: Eye, corner: Point, size: Point, colour: Colour) -> None:
    """A block from its lower far left corner; of its sides only those that this eye can see."""
    (x0, y0, z0), (w, d, h) = corner, size
    x1, y1, z1 = x0 + w, y0 + d, z0 + h
    light, dark = (tuple(min(255, int(c * k)) for c in colour) for k in (1.18, 0.7))
    if eye.at[0] < x0:
        _fill(draw, eye, [(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)], dark)
    if eye.at[0] > x1:
        _fill(draw, eye, [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], dark)
    if eye.at[2] > z1:
        _fill(draw, eye, [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], light)
    _sheet(draw, eye, (x0, x1), y1, (z0, z1), colour)
