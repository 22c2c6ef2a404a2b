"""pretix seating plans in and out (AHEAD-4), the real ones above all; a seat is its label path (SEA-2)."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seating.plan import Plan, PlanProblem, PlanRefused, check, plan_from_pretix, plan_to_pretix
from tests.seating.houses import CONCERT_HALL, THEATRE_738, pretix_document


def problems_of(document: Any, **options: Any) -> list[PlanProblem]:
    with pytest.raises(PlanRefused) as refused:
        plan_from_pretix(document, **options)
    assert all(problem.sentence() for problem in refused.value.problems)
    return refused.value.problems


def codes_of(document: Any) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in problems_of(document)]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_from_pretix(CONCERT_HALL.read_bytes())


class TestTheConcertHall:
    def test_all_1115_places_arrive_with_their_cyrillic_labels(self, plan: Plan) -> None:
        check(plan)
        assert len(plan.seats) == 1115
        assert plan.seats[0].guid == "Танцевальный партер > 1 > 1"
        assert [c.name for c in plan.categories][:2] == ["Танцевальный партер", "VIP 4"]

    def test_its_stage_is_the_focal_point(self, plan: Plan) -> None:
        stage = next(area for area in plan.areas if area.text == "Stage")
        assert plan.focal == pytest.approx((stage.x + stage.width / 2, stage.y + stage.height / 2), abs=0.1)

    def test_the_row_along_the_wall_is_walked_by_place_though_it_is_listed_out_of_order(self, plan: Plan) -> None:
        """Its file begins with seats 37 to 40, which stand at the other end."""
        wall = [row for row in plan.rows if plan.seats[row[0]].zone == "VIP 4"]
        assert [[plan.seats[o].number for o in row] for row in wall] == [[str(n) for n in range(40, 0, -1)]]

    def test_the_row_around_the_corner_stays_one_row(self, plan: Plan) -> None:
        corner = [row for row in plan.rows if plan.seats[row[0]].zone == "VIP 3"]
        assert [len(row) for row in corner] == [35]


class TestTheTheatreWhoseIdentifiersRepeat:
    document = THEATRE_738.read_bytes()

    def test_it_is_refused_with_all_420_seats_row_by_row(self) -> None:
        problems = problems_of(self.document)
        assert {problem.code for problem in problems} == {"duplicate_seat_guid"}
        assert sum(int(problem.params["count"]) for problem in problems) == 420
        assert sum(len(str(problem.params["seats"]).split(", ")) for problem in problems) == 420
        first = problems[0]
        assert first.path == "zones[0].rows[6]"
        assert first.sentence() == (
            "Ground floor, row A: 7 seats repeat an identifier already used: 1, 2, 3, 4, 5, 6, 7 "
            "(first used at zones[0].rows[0].seats[0])."
        )

    def test_the_refusal_says_that_renumbering_would_help(self) -> None:
        with pytest.raises(PlanRefused) as refused:
            plan_from_pretix(self.document)
        assert refused.value.renumber_would_help

    def test_renumbered_all_738_arrive_with_labels_of_their_own_and_always_the_same(self) -> None:
        plan = plan_from_pretix(self.document, renumber=True)
        check(plan)
        assert len(plan.seats) == 738
        assert len({seat.guid for seat in plan.seats}) == 738
        assert plan_from_pretix(self.document, renumber=True) == plan

    def test_a_row_whose_name_was_unique_keeps_it_and_others_get_the_number_of_their_block(self) -> None:
        plan = plan_from_pretix(self.document, renumber=True)
        rows = {(seat.zone, seat.row) for seat in plan.seats}
        assert ("Ground floor", "M") in rows
        assert {row for zone, row in rows if zone == "Ground floor" and row.endswith("·A")} == {
            f"{block}·A" for block in (1, 2, 3, 4, 5, 6, 9, 11)
        }

    def test_the_upper_floor_is_no_longer_drawn_on_top_of_the_lower_one(self) -> None:
        """The file draws both floors at the same places: nobody could have tapped the lower one."""
        plan = plan_from_pretix(self.document, renumber=True)
        places = Counter((round(seat.x / 10), round(seat.y / 10)) for seat in plan.seats)
        assert max(places.values()) == 1
        upper = [seat.y for seat in plan.seats if seat.zone == "First Floor"]
        assert max(upper) < min(seat.y for seat in plan.seats if seat.zone == "Ground floor")


class TestWhatIsWrongIsSaidWithItsPlace:
    def test_a_valid_document_has_no_problem(self) -> None:
        assert len(plan_from_pretix(pretix_document(["1", "2"], ["1"])).seats) == 3

    @pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, "nothing", b'{"name": '])
    def test_broken_json(self, text: bytes | str) -> None:
        assert codes_of(text) == [("", "not_json")]

    @pytest.mark.parametrize("text", [b"[]", b"null", b"3", b'"plan"'])
    def test_json_that_is_no_object(self, text: bytes) -> None:
        assert codes_of(text) == [("", "wrong_type")]

    def test_missing_members(self) -> None:
        assert codes_of({}) == [("name", "missing_field"), ("categories", "missing_field"), ("zones", "missing_field")]
        document = pretix_document(["1", "2"])
        del document["zones"][0]["rows"][0]["seats"][1]["category"]
        del document["zones"][0]["rows"][0]["seats"][1]["position"]
        seat = "zones[0].rows[0].seats[1]"
        assert codes_of(document) == [(f"{seat}.category", "missing_field"), (f"{seat}.position", "missing_field")]

    def test_an_older_zone_known_only_by_its_id_keeps_it_as_its_name(self) -> None:
        document = pretix_document(["1"])
        del document["zones"][0]["name"]
        assert plan_from_pretix(document).seats[0].zone == "p"

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"name": 3}, "name"),
            ({"zones": {}}, "zones"),
            ({"zones": [[]]}, "zones[0]"),
            ({"categories": ["Gold"]}, "categories[0]"),
            ({"size": 3}, "size"),
            ({"size": {"width": "wide", "height": 3}}, "size.width"),
        ],
    )
    def test_wrong_types(self, change: dict[str, Any], path: str) -> None:
        assert (path, "wrong_type") in codes_of(pretix_document(["1"], **change))

    def test_a_seat_number_that_is_a_number(self) -> None:
        document = pretix_document(["1"])
        document["zones"][0]["rows"][0]["seats"][0]["seat_number"] = 7
        problem = problems_of(document)[0]
        assert problem.path == "zones[0].rows[0].seats[0].seat_number"
        assert problem.sentence() == "“seat_number” should be a text, but is a number."

    def test_an_unknown_category_names_the_seat(self) -> None:
        document = pretix_document(["1", "2"])
        document["zones"][0]["rows"][0]["seats"][1]["category"] = "Platinum"
        problem = problems_of(document)[0]
        assert problem.path == "zones[0].rows[0].seats[1].category"
        assert "Parterre, row A, seat 2" in problem.sentence()
        assert "Platinum" in problem.sentence()

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_a_position_that_is_not_finite(self, value: float) -> None:
        document = pretix_document(["1"])
        document["zones"][0]["rows"][0]["seats"][0]["position"]["x"] = value
        path = "zones[0].rows[0].seats[0].position.x"
        assert codes_of(document) == [(path, "not_finite")]
        assert codes_of(json.dumps(document)) == [(path, "not_finite")]

    def test_a_position_beyond_any_house(self) -> None:
        document = pretix_document(["1"])
        document["zones"][0]["rows"][0]["position"]["y"] = 10**400
        assert codes_of(document) == [("zones[0].rows[0].position.y", "too_large")]

    def test_true_is_no_number(self) -> None:
        document = pretix_document(["1"])
        document["zones"][0]["rows"][0]["seats"][0]["position"]["x"] = True
        assert codes_of(document) == [("zones[0].rows[0].seats[0].position.x", "wrong_type")]

    @pytest.mark.parametrize("zones", [[], [{"name": "P", "position": {"x": 0, "y": 0}, "rows": []}]])
    def test_a_plan_without_seats(self, zones: list[Any]) -> None:
        assert codes_of(pretix_document(["1"], zones=zones)) == [("zones", "empty_plan")]

    def test_two_seats_in_one_place(self) -> None:
        document = pretix_document(["1", "2"])
        document["zones"][0]["rows"][0]["seats"][1]["position"]["x"] = 0
        assert codes_of(document) == [("zones[0].rows[0].seats[1].position", "same_position")]

    def test_a_seat_drawn_a_world_away_is_read_in_no_time(self) -> None:
        document = pretix_document([str(i) for i in range(40)], ["1"])
        document["zones"][0]["rows"][1]["position"]["x"] = 9_999_999
        assert len(plan_from_pretix(document).seats) == 41

    def test_two_zones_of_one_name(self) -> None:
        document = pretix_document(["1"])
        document["zones"].append(pretix_document(["9"])["zones"][0])
        document["zones"][1]["rows"][0]["seats"][0]["seat_guid"] = "other"
        assert ("zones[1].name", "duplicate_zone") in codes_of(document)

    def test_a_label_that_repeats_under_another_identifier(self) -> None:
        document = pretix_document(["1", "2", "2"])
        seats = document["zones"][0]["rows"][0]["seats"]
        seats[2]["seat_guid"] = "another"
        problem = problems_of(document)[0]
        assert (problem.path, problem.code) == ("zones[0].rows[0]", "duplicate_label")
        numbers = [seat.number for seat in plan_from_pretix(document, renumber=True).seats]
        assert numbers == ["1", "2", "2/2"]

    def test_an_unknown_shape(self) -> None:
        document = pretix_document(["1"])
        document["zones"][0]["areas"] = [{"shape": "blob", "position": {"x": 0, "y": 0}}]
        assert codes_of(document) == [("zones[0].areas[0].shape", "unknown_shape")]

    def test_every_problem_is_reported_at_once(self) -> None:
        document = pretix_document(["1", "2", "3"])
        seats = document["zones"][0]["rows"][0]["seats"]
        seats[0]["category"] = "Nope"
        seats[1]["position"] = "here"
        seats[2]["seat_guid"] = seats[0]["seat_guid"]
        assert [code for _, code in codes_of(document)] == ["unknown_category", "wrong_type", "duplicate_seat_guid"]

    def test_renumbering_mends_identifiers_only(self) -> None:
        document = pretix_document(["1", "1"])
        document["zones"][0]["rows"][0]["seats"][0]["category"] = "Nope"
        assert [problem.code for problem in problems_of(document, renumber=True)] == ["unknown_category"]


AREAS = [
    {"shape": "rectangle", "position": {"x": 5, "y": 6}, "rectangle": {"width": 70, "height": 20}, "color": "#112233",
     "rotation": 30, "text": {"text": "Stage", "color": "#ffffff", "position": {"x": 35, "y": 10}, "size": 20}},
    {"shape": "circle", "position": {"x": 50, "y": 60}, "circle": {"radius": 7}},
    {"shape": "ellipse", "position": {"x": 50, "y": 60}, "ellipse": {"radius": {"x": 7, "y": 9}}},
    {"shape": "polygon", "position": {"x": 1, "y": 2}, "polygon": {"points": [{"x": 0, "y": 0}, {"x": 9, "y": 9}]}},
    {"shape": "text", "position": {"x": 50, "y": 60}, "text": {"text": "Bar", "position": {"x": 0, "y": 0}}},
]  # fmt: skip


def test_areas_of_every_shape_arrive_and_leave_again() -> None:
    document = pretix_document(["1", "2"])
    document["zones"][0]["areas"] = AREAS
    plan = plan_from_pretix(document)
    assert [area.shape for area in plan.areas] == ["rectangle", "circle", "ellipse", "polygon", "text"]
    again = plan_from_pretix(plan_to_pretix(plan))
    assert [(a.shape, a.width, a.radius_x, a.radius_y, a.points, a.text, a.rotation) for a in again.areas] == [
        (a.shape, a.width, a.radius_x, a.radius_y, a.points, a.text, a.rotation) for a in plan.areas
    ]


def test_kinds_of_seats_are_read_from_the_names_of_categories() -> None:
    document = pretix_document(["1", "2", "3"])
    document["categories"] += [
        {"name": "Fauteuil roulant", "color": "#000000"},
        {"name": "Accompagnateur PMR", "color": "#000000"},
    ]
    seats = document["zones"][0]["rows"][0]["seats"]
    seats[0]["category"], seats[1]["category"] = "Fauteuil roulant", "Accompagnateur PMR"
    assert [seat.kind for seat in plan_from_pretix(document).seats] == ["wheelchair", "companion", "standard"]


@pytest.mark.parametrize("path", [THEATRE_738, CONCERT_HALL], ids=["theatre", "concert hall"])
def test_a_plan_written_for_pretix_is_read_back_seat_by_seat(path: Any) -> None:
    plan = plan_from_pretix(path.read_bytes(), renumber=True)
    again = plan_from_pretix(plan_to_pretix(plan))
    assert again.rows == plan.rows
    assert [(s.guid, s.category) for s in again.seats] == [(s.guid, s.category) for s in plan.seats]
    offsets = {(round(b.x - a.x, 1), round(b.y - a.y, 1)) for a, b in zip(plan.seats, again.seats, strict=True)}
    assert len(offsets) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200)
@given(data=st.data(), value=JSON, renumber=st.booleans())
def test_whatever_stands_in_a_file_is_read_or_refused_but_never_crashes(
    data: st.DataObject, value: Any, renumber: bool
) -> None:
    document = copy.deepcopy(pretix_document(["1", "2"], ["1"]))
    document["zones"][0]["areas"] = copy.deepcopy(AREAS)
    holder: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], dict | list) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = value
    refused = None
    try:
        check(plan_from_pretix(document, renumber=renumber))
    except PlanRefused as error:
        refused = error
    assert refused is None or (refused.problems and str(refused))
