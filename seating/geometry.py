"""The geometry of rows: which seats are neighbours, decided by where they are and never by their numbers.

Numbers lie: real houses number odd on one side and even on the other, from the centre out, right to left, or straight
through an aisle. So a row is ordered along its own line, and broken where the gap is clearly an aisle.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

Point = tuple[float, float]

# A gap this many times the usual distance of neighbours is an aisle. Rows that widen towards the ends stay below it.
AISLE = 1.6
# Above this a row is no row but a field of seats; ordering it exactly would cost the square of its size.
EXACT_ORDER_MAX = 600


def order_along(points: Sequence[Point]) -> list[int]:
    """Indexes of `points` in the order in which one walks along the row, from its left (or else upper) end.

    Works for straight, curved, horseshoe and angled rows: the shortest tree that joins the seats of a row is a path,
    and its order is the answer. For what is no line, the walk goes to the nearest seat not yet visited.
    """
    count = len(points)
    if count < 3 or count > EXACT_ORDER_MAX:
        return _order_on_main_axis(points)
    tree = _spanning_tree(points)
    ends = [i for i in range(count) if len(tree[i]) == 1]
    walk = _follow(tree, ends[0]) if all(len(near) <= 2 for near in tree) else _nearest_walk(points, _far_end(tree))
    return walk if points[walk[0]] <= points[walk[-1]] else walk[::-1]


def break_at_aisles(points: Sequence[Point], order: Sequence[int], usual_pitch: float) -> list[list[int]]:
    """`order` cut wherever two consecutive seats stand clearly further apart than neighbours of this row do.

    `usual_pitch` is that of the zone; it decides for rows too short to have a median of their own.
    """
    if len(order) < 2:
        return [list(order)] if order else []
    steps = [math.dist(points[a], points[b]) for a, b in pairwise(order)]
    own = median(steps)
    pitch = min(own, usual_pitch * 1.25) if usual_pitch and len(steps) < 3 else own
    runs = [[order[0]]]
    for seat, step in zip(order[1:], steps, strict=True):
        if step > pitch * AISLE:
            runs.append([])
        runs[-1].append(seat)
    return runs


def usual_pitch(walks: Iterable[Sequence[Point]]) -> float:
    """The median step along many rows, each given in the order of `order_along`; 0 when no row has two seats."""
    steps = [math.dist(a, b) for walk in walks for a, b in pairwise(walk)]
    return median(steps) if steps else 0.0


class Grid:
    """Points in square cells, to find those near a place without looking at all of them."""

    def __init__(self, points: Sequence[Point], cell: float) -> None:
        self.points = points
        self.cell = max(cell, 1e-9)
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, point in enumerate(points):
            self._cells[self._at(point)].append(index)

    def near(self, point: Point, within: float) -> list[int]:
        """Indexes of the points at most `within` from `point` (which must not exceed the cell size)."""
        column, line = self._at(point)
        return [
            index
            for c in (column - 1, column, column + 1)
            for r in (line - 1, line, line + 1)
            for index in self._cells.get((c, r), ())
            if math.dist(self.points[index], point) <= within
        ]

    def nearest(self, index: int) -> float:
        """The distance from a point to the nearest other one, of which there must be one."""
        point = self.points[index]
        column, line = self._at(point)
        best, ring = math.inf, 0
        # A point in ring r may be further than one in ring r + 1, but none beyond that ring is nearer than r cells.
        while best > (ring - 1) * self.cell:
            for cell in _ring(column, line, ring):
                for other in self._cells.get(cell, ()):
                    if other != index:
                        best = min(best, math.dist(self.points[other], point))
            ring += 1
            if ring > 32:  # far from everybody: looking at all is quicker than at all that emptiness
                return min(math.dist(p, point) for i, p in enumerate(self.points) if i != index)
        return best

    def _at(self, point: Point) -> tuple[int, int]:
        return math.floor(point[0] / self.cell), math.floor(point[1] / self.cell)


def nearest_distances(points: Sequence[Point]) -> list[float]:
    """For each point the distance to the nearest other one (0 for a lonely one)."""
    if len(points) < 2:
        return [0.0] * len(points)
    width = max(x for x, _ in points) - min(x for x, _ in points)
    height = max(y for _, y in points) - min(y for _, y in points)
    # About one point to a cell if they were spread evenly.
    grid = Grid(points, max(math.sqrt(width * height / len(points)), max(width, height) / len(points)) or 1.0)
    return [grid.nearest(index) for index in range(len(points))]


def neighbouring_runs(
    runs: Sequence[Sequence[Point]], same_row: Sequence[object], *, at_most: int = 8
) -> list[tuple[int, ...]]:
    """For each run the runs in which friends would sit "just in front, behind, or across the aisle", nearest first.

    `same_row[i]` names the physical row that run i is a piece of: pieces of one row are neighbours over a wider gap.
    """
    pitches = [math.dist(a, b) for run in runs for a, b in pairwise(run)]
    pitch = median(pitches) if pitches else 1.0
    reach = pitch * 4
    # A few seats stand for a long run: every fourth of its seats and both ends.
    samples: list[Point] = []
    owner: list[int] = []
    for index, run in enumerate(runs):
        chosen = {0, len(run) - 1, *range(0, len(run), 4)}
        samples += [run[i] for i in sorted(chosen)]
        owner += [index] * len(chosen)
    grid = Grid(samples, reach)
    gaps: list[dict[int, float]] = [{} for _ in runs]
    for index, run in enumerate(runs):
        for point in run:
            for hit in grid.near(point, reach):
                other = owner[hit]
                if other != index:
                    gap = math.dist(samples[hit], point)
                    if gap < gaps[index].get(other, math.inf):
                        gaps[index][other] = gap
                    if gap < gaps[other].get(index, math.inf):
                        gaps[other][index] = gap
    found: list[tuple[int, ...]] = []
    for index, near in enumerate(gaps):
        spacing = min(near.values(), default=0.0)
        close = [
            (gap, other)
            for other, gap in near.items()
            if gap <= max(spacing * 1.6, pitch) or same_row[other] == same_row[index]
        ]
        found.append(tuple(other for _, other in sorted(close)[:at_most]))
    return found


def _ring(column: int, line: int, distance: int) -> Iterable[tuple[int, int]]:
    """The cells at exactly this many steps around one."""
    if distance == 0:
        return [(column, line)]
    side = range(-distance, distance + 1)
    return [
        *((column + c, line + r) for c in side for r in (-distance, distance)),
        *((column + c, line + r) for r in side[1:-1] for c in (-distance, distance)),
    ]


def _order_on_main_axis(points: Sequence[Point]) -> list[int]:
    if len(points) < 2:
        return list(range(len(points)))
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    xx = sum((x - mean_x) ** 2 for x, _ in points)
    yy = sum((y - mean_y) ** 2 for _, y in points)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in points)
    angle = math.atan2(2 * xy, xx - yy) / 2
    ux, uy = math.cos(angle), math.sin(angle)
    order = sorted(range(len(points)), key=lambda i: (points[i][0] * ux + points[i][1] * uy, points[i]))
    return order if points[order[0]] <= points[order[-1]] else order[::-1]


def _spanning_tree(points: Sequence[Point]) -> list[list[int]]:
    """Neighbours of each point in the shortest tree that joins all (Prim, the square of a row's length)."""
    count = len(points)
    near: list[list[int]] = [[] for _ in range(count)]
    distance = [math.inf] * count
    through = [0] * count
    outside = set(range(1, count))
    for i in outside:
        distance[i] = math.dist(points[0], points[i])
    while outside:
        nearest = min(outside, key=lambda i: (distance[i], i))
        outside.remove(nearest)
        near[nearest].append(through[nearest])
        near[through[nearest]].append(nearest)
        for i in outside:
            step = math.dist(points[nearest], points[i])
            if step < distance[i]:
                distance[i], through[i] = step, nearest
    return near


def _follow(tree: Sequence[Sequence[int]], start: int) -> list[int]:
    walk, previous = [start], -1
    while True:
        onward = [i for i in tree[walk[-1]] if i != previous]
        if not onward:
            return walk
        previous = walk[-1]
        walk.append(onward[0])


def _far_end(tree: Sequence[Sequence[int]]) -> int:
    """An end of the longest way through the tree: the seat furthest (in steps) from the seat furthest from any."""

    def furthest(start: int) -> int:
        seen, ring, last = {start}, {start}, {start}
        while ring:
            last = ring
            ring = {j for i in ring for j in tree[i]} - seen
            seen |= ring
        return min(last)

    return furthest(furthest(0))


def _nearest_walk(points: Sequence[Point], start: int) -> list[int]:
    walk, left = [start], set(range(len(points))) - {start}
    while left:
        here = points[walk[-1]]
        walk.append(min(left, key=lambda i: (math.dist(points[i], here), i)))
        left.remove(walk[-1])
    return walk
