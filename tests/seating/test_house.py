"""Packed plans: what the store's scripts read, and the index of longest runs (LIVE-8)."""

from __future__ import annotations

import random
import struct
from itertools import groupby

import msgspec
import pytest
from msgspec.structs import replace

from seating import house as packing
from seating.house import House, house_of, longest_runs, neighbours_of, scaled_distances, stretches_of
from seating.plan import Plan
from seating.seats import PlanCategory
from seating.theatre import italian_theatre
from tests.seating.best_houses import random_plan
from tests.seating.houses import labels, sketch


def columns(house: House, part: str, form: str) -> list[tuple[int, ...]]:
    return list(struct.iter_unpack(form, house.parts[part]))


def stretches(plan: Plan) -> list[list[str]]:
    """Labels of the seats of each stretch, by position."""
    return [labels(plan, range(s, s + n)) for s, n, *_ in columns(house_of(plan), "stretches", ">IHHHHBBH")]


def test_a_stretch_ends_at_aisles_at_another_category_and_at_accessible_places() -> None:
    plan = sketch("..  ..ss", "..wc..")
    assert stretches(plan) == [["A3", "A4"], ["A1", "A2"], ["B5", "B6"], ["B1", "B2"], ["A5", "A6"], ["B3", "B4"]]


@pytest.mark.parametrize("seed", range(30))
def test_every_seat_is_in_one_stretch_and_stretches_of_a_kind_are_one_slice_nearest_first(seed: int) -> None:
    plan = random_plan(random.Random(seed))
    house = house_of(plan)
    rows = columns(house, "stretches", ">IHHHHBBH")
    far = [each for (each,) in columns(house, "far", ">H")]
    assert far == scaled_distances(plan)
    assert house.positions_count == len(rows)
    where = [each for (each,) in columns(house, "where", ">H")]
    for position, (start, length, lower, _, run, category, accessible, _) in enumerate(rows):
        seats = [plan.seats[o] for o in range(start, start + length)]
        assert where[start : start + length] == [position] * length
        assert {seat.category for seat in seats} == {plan.categories[category].name}
        assert {seat.kind != "standard" for seat in seats} == {bool(accessible)}
        assert {seat.ordinal for seat in seats} <= set(plan.rows[run])
        assert lower == min(far[seat.ordinal] for seat in seats)
    assert sum(length for _, length, *_ in rows) == len(plan.seats)
    assert rows == sorted(rows, key=lambda row: (row[6], row[5], row[2], row[0]))
    catalog = msgspec.msgpack.decode(house.parts["catalog"])
    found = {
        (index, accessible): (first, count)
        for index, *slices in catalog.values()
        for accessible, (first, count, _) in enumerate(slices)
        if count
    }
    positions = groupby(range(len(rows)), key=lambda position: (rows[position][5], rows[position][6]))
    assert found == {kind: (mine[0], len(mine)) for kind, each in positions if (mine := list(each))}


def test_zones_list_their_ordinary_stretches() -> None:
    plan = italian_theatre()
    house = house_of(plan)
    rows = columns(house, "stretches", ">IHHHHBBH")
    lists = [each for (each,) in columns(house, "zonelists", ">H")]
    slices = columns(house, "zoneslices", ">IH")
    for zone, index in msgspec.msgpack.decode(house.parts["zonebook"]).items():
        for category in range(len(plan.categories)):
            first, count = slices[index * len(plan.categories) + category]
            mine = lists[first : first + count]
            assert mine == [
                p for p, row in enumerate(rows) if (row[3], row[5], row[6]) == (index, category, 0)
            ], (zone, category)  # fmt: skip


def test_runs_with_wheelchair_places_are_listed_nearest_first_with_their_seats_kinds() -> None:
    plan = sketch("....", "s.wc", "c...", "wcs")
    house = house_of(plan)
    access = columns(house, "access", ">IHHHxxI")
    assert [labels(plan, [start]) for start, *_ in access] == [["B1"], ["D1"]]
    assert [list(house.parts["kinds"][at : at + 2 * n]) for _, n, _, _, at in access] == [
        [0, 1, 0, 0, 1, 0, 2, 0],
        [1, 0, 2, 0, 0, 1],
    ]


def near(plan: Plan) -> dict[str, list[str]]:
    """Neighbours of each stretch, both by the label of their first seat."""
    found = stretches_of(plan, scaled_distances(plan))
    names = [labels(plan, [each.start])[0] for each in found]
    packed = columns(house_of(plan), "near", ">8H")
    unpacked = [[p for p in row if p != 65_535] for row in packed]
    assert unpacked == neighbours_of(plan, found)
    return {names[k]: sorted(names[p] for p in positions) for k, positions in enumerate(unpacked)}


def test_neighbours_are_in_front_behind_and_across_the_aisle() -> None:
    plan = sketch("...  ...", "...  ...", "...  ...")
    assert near(plan) == {
        "A1": ["A4", "B1"], "A4": ["A1", "B4"], "B1": ["A1", "B4", "C1"],
        "B4": ["A4", "B1", "C4"], "C1": ["B1", "C4"], "C4": ["B4", "C1"],
    }  # fmt: skip


def test_neighbours_are_of_one_price_and_one_class_and_not_behind_another_row() -> None:
    plan = sketch("....", "ssss", "....", "..wc")
    assert near(plan) == {"A1": [], "B1": [], "C1": ["D1"], "D1": ["C1"], "D3": []}


@pytest.mark.parametrize("seed", range(30))
def test_the_index_tells_the_longest_run_of_every_stretch_up_to_twenty(seed: int) -> None:
    dice = random.Random(seed)
    plan = random_plan(dice) if seed else sketch("." * 30)
    house = house_of(plan)
    states = bytes(dice.choice([0, 0, 3, 16]) for _ in plan.seats) if seed else bytes(30)
    for byte in (0, 3, 16, 17):
        expected = []
        for start, length, *_ in columns(house, "stretches", ">IHHHHBBH"):
            runs = groupby(states[start : start + length])
            expected.append(min(20, max((len(list(run)) for value, run in runs if value == byte), default=0)))
        assert list(longest_runs(house, states, byte)) == expected


def test_a_plan_takes_few_bytes_a_seat() -> None:
    house = house_of(sketch(*["." * 24] * 40))
    assert sum(map(len, house.parts.values())) <= 12 * house.seats_count


def test_the_digest_is_that_of_the_geometry_and_not_of_the_name() -> None:
    plan = sketch("....", "....")
    digest = house_of(plan).digest
    assert house_of(replace(plan, name="Another")).digest == digest
    assert house_of(replace(plan, focal=(0.0, 0.0))).digest != digest
    assert house_of(sketch("....", "....", row_pitch=25.0)).digest != digest


def test_plans_beyond_the_format_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = sketch("....", "....")
    many = (*plan.categories, *(PlanCategory(f"C{n}", "#000000") for n in range(254)))
    with pytest.raises(ValueError, match="255 categories"):
        house_of(replace(plan, categories=many))
    monkeypatch.setattr(packing, "STRETCHES_MAX", 1)
    with pytest.raises(ValueError, match="pieces of rows"):
        house_of(replace(plan, name="Too many"))
