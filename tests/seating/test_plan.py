"""Plans as documents: what is kept, and what draws the map."""

from __future__ import annotations

import json

import msgspec
import pytest

from seating.plan import (
    Plan,
    PlanRefused,
    check,
    plan_for_browser,
    plan_from_document,
    plan_from_pretix,
    plan_to_document,
)
from seating.theatre import italian_theatre
from tests.seating.houses import CONCERT_HALL, sketch


@pytest.fixture(scope="module")
def theatre() -> Plan:
    return italian_theatre()


def test_a_document_gives_back_the_same_plan_and_the_same_bytes(theatre: Plan) -> None:
    document = plan_to_document(theatre)
    assert plan_from_document(document) == theatre
    assert plan_to_document(plan_from_document(document)) == document


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b'{"format":"placeur-plan","version":1}',
        b'{"format":"other","version":1,"plan":{}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_document_is_refused_with_one_problem(document: bytes) -> None:
    with pytest.raises(PlanRefused) as refused:
        plan_from_document(document)
    assert [problem.code for problem in refused.value.problems] == ["bad_document"]


def test_a_document_of_a_later_version_is_refused(theatre: Plan) -> None:
    later = plan_to_document(theatre).replace(b'"version":1', b'"version":2', 1)
    with pytest.raises(PlanRefused, match="version 2 is not known"):
        plan_from_document(later)


def test_a_plan_whose_seats_are_not_numbered_along_its_rows_is_refused() -> None:
    plan = sketch("....", "....")
    swapped = msgspec.structs.replace(plan, rows=((1, 0, 2, 3), (4, 5, 6, 7)))
    with pytest.raises(PlanRefused, match="not numbered along the rows"):
        check(swapped)


def test_a_plan_with_two_seats_of_one_label_is_refused() -> None:
    plan = sketch("..")
    twice = msgspec.structs.replace(plan, seats=(plan.seats[0], msgspec.structs.replace(plan.seats[0], ordinal=1)))
    with pytest.raises(PlanRefused, match="is not unique"):
        check(twice)


def test_the_browser_gets_columns_indexed_by_ordinal(theatre: Plan) -> None:
    """LIVE-1: states arrive by ordinal, so everything drawn is looked up by ordinal."""
    shown = json.loads(plan_for_browser(theatre))
    columns = shown["seats"]
    assert {len(column) for column in columns.values()} == {len(theatre.seats)}
    for seat in (theatre.seats[0], theatre.seats[600], theatre.seats[-1]):
        at = seat.ordinal
        assert shown["zones"][columns["z"][at]] == seat.zone
        assert shown["categories"][columns["c"][at]]["name"] == seat.category
        assert (columns["row"][at], columns["n"][at]) == (seat.row, seat.number)
        assert abs(columns["x"][at] - seat.x) <= 0.05
        assert abs(columns["y"][at] - seat.y) <= 0.05
    assert columns["k"].count(1) == sum(seat.kind == "wheelchair" for seat in theatre.seats) > 0
    assert columns["k"].count(2) == sum(seat.kind == "companion" for seat in theatre.seats) > 0
    assert [ordinal for row in shown["rows"] for ordinal in row] == list(range(len(theatre.seats)))
    assert shown["focal"] == list(theatre.focal)


def test_the_browser_gets_areas_without_their_defaults(theatre: Plan) -> None:
    shown = json.loads(plan_for_browser(theatre))
    stage = next(area for area in shown["areas"] if area.get("text") == "Scène")
    assert stage["shape"] == "polygon"
    assert "width" not in stage


def test_a_large_hall_is_sent_in_less_than_forty_bytes_a_seat() -> None:
    plan = plan_from_pretix(CONCERT_HALL.read_bytes())
    assert len(plan_for_browser(plan)) < 40 * len(plan.seats)
