"""Best seats by trying everything: what docs/best-seats.md says, written to be obviously right and not to be fast.

Knows plans and states, not how the store packs or searches them. Two things are taken from there because they are
part of what the document means: how far a seat is from the focal point, and which rows are next to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, groupby

from seating.house import neighbours_of, scaled_distances, stretches_of
from seating.seats import Plan

WINDOWS_MAX, MIDDLES_MAX, MIDDLES_OF_ROWS_MAX, NEAREST_MAX = 128, 64, 256, 64
LIMITED_MAX, ACCESSIBLE_MAX = 16, 64
REACH = {"row": 2, "rows": 3, "zone": 4, "house": 5}
Seats = tuple[int, ...]


@dataclass(frozen=True)
class Party:
    """What is asked for. `categories` in the order of the choices; none: all of the plan in its order."""

    count: int
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    wheelchairs: int = 0
    rows_max: int = 0
    apart: str = "house"


@dataclass(frozen=True)
class Row:
    """A stretch: a piece of a row of one category and class, without an aisle."""

    seats: Seats
    category: str
    zone: str
    label: tuple[str, str, int]  # zone, row and which of the rows with this label: pieces of one row share it
    accessible: bool
    lower: int


@dataclass(frozen=True, order=True)
class Seated:
    """How a party sits, the better the smaller: compared in the order of these fields."""

    tier: int
    parts: int
    lone: int
    distance: int
    choice: int
    seats: Seats
    head: tuple[int, int] = field(default=(0, 0), compare=False)


class House:
    """A plan with the states of its seats."""

    def __init__(self, plan: Plan, takeable: Sequence[bool]) -> None:
        self.plan, self.takeable = plan, takeable
        self.far, self.rows, self.near = _geometry(plan)
        self.row_of = {seat: row for row in self.rows for seat in row.seats}

    def without(self, seats: Seats) -> House:
        return House(self.plan, [free and seat not in seats for seat, free in enumerate(self.takeable)])

    def blocks(self, row: Row) -> list[Seats]:
        """Seats to be had side by side."""
        return [tuple(block) for free, block in groupby(row.seats, lambda seat: self.takeable[seat]) if free]

    def longest(self, row: Row) -> int:
        return max((len(block) for block in self.blocks(row)), default=0)

    def distance(self, seats: Seats) -> int:
        return sum(self.far[seat] for seat in seats)

    def left_alone(self, seats: Seats) -> int:
        """Free seats that have a free neighbour in their stretch now and will have none."""
        count = 0
        for row in {self.row_of[seat] for seat in seats}:
            for at, seat in enumerate(row.seats):
                beside = [row.seats[k] for k in (at - 1, at + 1) if 0 <= k < len(row.seats)]
                before = [other for other in beside if self.takeable[other]]
                if self.takeable[seat] and seat not in seats and before and not set(before) - set(seats):
                    count += not row.accessible
        return count

    def ordinary(self, category: str, zones: tuple[str, ...]) -> list[Row]:
        """The stretches of ordinary seats, nearest first."""
        found = [
            row
            for row in self.rows
            if row.category == category and not row.accessible and (not zones or row.zone in zones)
        ]
        return sorted(found, key=lambda row: (row.lower, row.seats))


@lru_cache(maxsize=256)
def _geometry(plan: Plan) -> tuple[list[int], list[Row], dict[Seats, list[Seats]]]:
    far = scaled_distances(plan)
    rows, order, before = [], 0, ("", "")
    for run in plan.rows:
        seats = [plan.seats[o] for o in run]
        if (seats[0].zone, seats[0].row) != before:
            before, order = (seats[0].zone, seats[0].row), order + 1
        for (category, accessible), piece in groupby(seats, lambda seat: (seat.category, seat.kind != "standard")):
            mine = tuple(seat.ordinal for seat in piece)
            rows.append(
                Row(mine, category, seats[0].zone, (*before, order), accessible, min(far[seat] for seat in mine))
            )
    stretches = stretches_of(plan, far)
    near = {
        tuple(each.seats): [tuple(stretches[p].seats) for p in positions]
        for each, positions in zip(stretches, neighbours_of(plan, stretches), strict=True)
    }
    return far, rows, near


def best(house: House, party: Party) -> Seated | None:
    """The best seats, or None where the party has to be refused."""
    return with_wheelchairs(house, party) if party.wheelchairs else seated(house, party)


def categories_of(house: House, party: Party) -> list[str]:
    return list(dict.fromkeys(party.categories or [category.name for category in house.plan.categories]))


def seated(house: House, party: Party) -> Seated | None:
    """A party without wheelchairs."""
    reach = REACH[party.apart]
    if found := in_one_row(house, party):
        return found
    if party.count < 4:
        return None
    if reach >= 3 and (found := in_near_rows(house, party)):
        return found
    if reach >= 4 and (found := in_one_zone(house, party)):
        return found
    return over_zones(house, party) if reach >= 5 else None


# Tiers 1 and 2 ------------------------------------------------------------------------------------------------------


def in_one_row(house: House, party: Party) -> Seated | None:
    found: list[Seated] = []
    for choice, category in enumerate(categories_of(house, party)):
        rows = [row for row in house.ordinary(category, party.zones) if house.longest(row) >= party.count]
        for row in rows[:WINDOWS_MAX]:
            for block in house.blocks(row):
                for window in _windows(block, party.count):
                    lone = house.left_alone(window)
                    found.append(Seated(2 if lone else 1, 1, lone, house.distance(window), choice, window))
    return min(found, default=None)


def _windows(block: Seats, size: int) -> list[Seats]:
    return [block[at : at + size] for at in range(len(block) - size + 1)]


# Tier 3 -------------------------------------------------------------------------------------------------------------


def in_near_rows(house: House, party: Party) -> Seated | None:
    for parts in range(2, party.count // 2 + 1):
        need = -(-party.count // parts)
        only_here = party.apart == "rows"
        limit = (MIDDLES_OF_ROWS_MAX if only_here else MIDDLES_MAX) // parts
        found: list[Seated] = []
        for choice, category in enumerate(categories_of(house, party)):
            rows = house.ordinary(category, party.zones)
            middles = [row for row in rows if house.longest(row) >= need]
            for number, middle in enumerate(middles):
                if number >= limit and (found or not only_here or parts > 3):
                    break
                around = [middle, *(row for row in rows if row.seats in house.near[middle.seats])]
                found += [
                    Seated(3, parts, lone, distance, choice, tuple(sorted(sum(ways, ()))))
                    for ways, lone, distance in _ways(house, party, around, parts)
                    if any(len(part) >= need and part[0] in middle.seats for part in ways)
                ]
        if found:
            return min(found)
    return None


def _ways(house: House, party: Party, rows: Sequence[Row], parts: int) -> Iterator[tuple[tuple[Seats, ...], int, int]]:
    """All ways to seat the party in so many blocks of these rows, two or more in each: (parts, lone, distance)."""
    blocks = [(block, row.label) for row in rows for block in house.blocks(row) if len(block) >= 2]
    best_of: dict[tuple[Seats, int], tuple[int, int, Seats]] = {}
    for block, _ in blocks:
        for size in range(2, len(block) + 1):
            best_of[block, size] = min((house.left_alone(w), house.distance(w), w) for w in _windows(block, size))
    for chosen in combinations(sorted(blocks), parts):
        if party.rows_max and len({label for _, label in chosen}) > party.rows_max:
            continue
        for sizes in _sizes(party.count, [len(block) for block, _ in chosen]):
            # Seats beside one block are not beside another: the best of each is the best of all.
            ways = [best_of[block, size] for (block, _), size in zip(chosen, sizes, strict=True)]
            yield tuple(way[2] for way in ways), sum(way[0] for way in ways), sum(way[1] for way in ways)


def _sizes(count: int, rooms: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if not rooms:
        if count == 0:
            yield ()
        return
    for size in range(2, min(rooms[0], count) + 1):
        for others in _sizes(count - size, rooms[1:]):
            yield (size, *others)


# Tiers 4 and 5 ------------------------------------------------------------------------------------------------------


def in_one_zone(house: House, party: Party) -> Seated | None:
    found = []
    for choice, category in enumerate(categories_of(house, party)):
        rows = _with_pairs(house, party, category)
        zones = [
            way
            for zone in dict.fromkeys(row.zone for row in rows)
            if (way := _spread(house, party, 4, choice, [r for r in rows if r.zone == zone], rows[:LIMITED_MAX]))
        ]
        # Zones are met nearest first, and the first of the fewest parts is the one.
        found += [min(zones, key=lambda way: way.parts)] if zones else []
    return min(found, default=None)


def over_zones(house: House, party: Party) -> Seated | None:
    found = []
    for choice, category in enumerate(categories_of(house, party)):
        rows = _with_pairs(house, party, category)
        if way := _spread(house, party, 5, choice, rows, rows[:LIMITED_MAX]):
            found.append(way)
    return min(found, default=None)


def _with_pairs(house: House, party: Party, category: str) -> list[Row]:
    """The stretches with two adjacent seats."""
    return [row for row in house.ordinary(category, party.zones) if house.longest(row) >= 2]


def _spread(house: House, party: Party, tier: int, choice: int, rows: list[Row], nearest: list[Row]) -> Seated | None:
    for parts in range(2, party.count // 2 + 1):
        longest = sorted(rows, key=lambda row: (-min(house.longest(row), 20), row.lower, row.seats))[:parts]
        looked_at = list(dict.fromkeys([*rows[:NEAREST_MAX], *longest]))
        if 0 < party.rows_max < parts:
            looked_at = [row for row in rows if row in nearest]
        found = [
            Seated(tier, parts, lone, distance, choice, tuple(sorted(sum(ways, ()))))
            for ways, lone, distance in _ways(house, party, looked_at, parts)
        ]
        if found:
            return min(found)
    return None


# Wheelchairs --------------------------------------------------------------------------------------------------------


def with_wheelchairs(house: House, party: Party) -> Seated | None:
    count, wheels = party.count, party.wheelchairs
    if found := _around_wheelchairs(house, party, count, 1, lambda category: _together(house, party, category, count)):
        return found
    if REACH[party.apart] < 3:
        return None
    for size in range(count - 2, max(2, wheels + 1) - 1, -1):
        found = _around_wheelchairs(
            house, party, size, 1, lambda category, m=size: _together(house, party, category, m)
        )
        if found:
            return found
    others = count - 2 * wheels
    if wheels < 2 or others < 0:
        return None
    size = count - others if others > 1 else count
    return _around_wheelchairs(house, party, size, wheels, lambda category: _pairs(house, party, category, others == 1))


Core = tuple[int, int, int, int, Seats]  # alone, stranded, lone, distance, seats


def _around_wheelchairs(house: House, party: Party, size: int, rows: int, find) -> Seated | None:  # type: ignore[no-untyped-def]
    """The wheelchair users as `find` seats them in a category, the rest as any party, over all categories."""
    others = party.count - size
    if party.rows_max and party.rows_max < rows + (others > 0):
        return None
    found = []
    for choice, category in enumerate(categories_of(house, party)):
        core: Core | None = find(category)
        if core is None:
            continue
        alone, stranded, lone, distance, seats = core
        if not others:
            found.append(Seated(0, 0, lone, distance, choice, seats, (alone, stranded)))
            continue
        rest_of_party = Party(
            others, (category,), party.zones, 0, party.rows_max and party.rows_max - rows, party.apart
        )
        if rest := seated(house.without(seats), rest_of_party):
            everybody = (*seats, *rest.seats)
            found.append(
                Seated(
                    rest.tier, rest.parts, lone + rest.lone, distance + rest.distance, choice, everybody,
                    (alone, stranded),
                )
            )  # fmt: skip
    return min(found, key=lambda each: (each.head, each), default=None)


def _runs(house: House, party: Party) -> list[Seats]:
    """The nearest runs in which a wheelchair place is to be had."""
    runs = [
        run
        for run in house.plan.rows
        if any(_is(house, o, "wheelchair") for o in run)
        and (not party.zones or house.plan.seats[run[0]].zone in party.zones)
    ]
    return sorted(runs, key=lambda run: (min(house.far[o] for o in run), run))[:ACCESSIBLE_MAX]


def _is(house: House, ordinal: int, kind: str) -> bool:
    return house.takeable[ordinal] and house.plan.seats[ordinal].kind == kind


def _candidates(house: House, run: Seats, category: str, size: int, wheels: int) -> list[Seats]:
    return [
        window
        for window in _windows(run, size)
        if all(house.takeable[o] and house.plan.seats[o].category == category for o in window)
        and sum(house.plan.seats[o].kind == "wheelchair" for o in window) == wheels
    ]


def _alone(house: House, window: Seats) -> int:
    """Wheelchair users of the party with no companion's place of the party beside them."""
    return sum(
        not any(o in window and house.plan.seats[o].kind == "companion" for o in (seat - 1, seat + 1))
        for seat in window
        if house.plan.seats[seat].kind == "wheelchair"
    )


def _stranded(house: House, run: Seats, window: Seats) -> int:
    """Wheelchair places beside the party that have a free companion's place beside them now, and will have none."""
    count = 0
    for seat in run:
        if _is(house, seat, "wheelchair") and seat not in window:
            companions = {o for o in (seat - 1, seat + 1) if o in run and _is(house, o, "companion")}
            count += bool(companions) and companions <= set(window)
    return count


def _together(house: House, party: Party, category: str, size: int) -> Core | None:
    found = []
    for run in _runs(house, party):
        for window in _candidates(house, run, category, size, party.wheelchairs):
            left = _stranded(house, run, window)
            found.append((_alone(house, window), left, house.left_alone(window), house.distance(window), window))
    return min(found, default=None)


def _pairs(house: House, party: Party, category: str, triple: bool) -> Core | None:
    """Each wheelchair user with one neighbour, one of them with two if `triple`."""
    wheels = party.wheelchairs
    units = [
        window
        for run in _runs(house, party)
        for size in ((2, 3) if triple else (2,))
        for window in _candidates(house, run, category, size, 1)
    ]
    found = []
    for chosen in combinations(sorted(units), wheels):
        seats = sum(chosen, ())
        if len(set(seats)) == len(seats) == 2 * wheels + triple:
            alone = sum(_alone(house, unit) for unit in chosen)
            # Of equals, the one that is first in the plan: a triple before a pair that starts at the same seat.
            found.append((alone, 0, 0, house.distance(seats), seats))
    return min(found, default=None)


# Stock (SEA-10) -----------------------------------------------------------------------------------------------------


def row_by_row(house: House, categories: tuple[str, ...], zones: tuple[str, ...], count: int) -> list[int] | None:
    """Whole rows from the nearest on; of the last one what lies together."""
    rows = [row for category in categories_of(house, Party(1, categories)) for row in house.ordinary(category, zones)]
    found: list[int] = []
    for row in sorted(rows, key=lambda row: (row.lower, row.seats)):
        blocks = house.blocks(row)
        if sum(map(len, blocks)) <= count - len(found):
            found += [seat for block in blocks for seat in block]
            continue
        while left := count - len(found):
            windows = [window for block in blocks for window in _windows(block, left)]
            if windows:
                window: Seats = min(windows, key=lambda each: (house.left_alone(each), house.distance(each), each))
                found += window
            else:
                longest = max(blocks, key=lambda block: (len(block), -block[0]))
                blocks.remove(longest)
                found += longest
    return found if len(found) == count else None
