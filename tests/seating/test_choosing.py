"""Best seats (LIVE-8) and stock row by row (SEA-10): what docs/best-seats.md says, example by example.

test_choosing_reference.py compares the same with trying everything.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from seating.holds import Choice, Fare, GroupMissing, RowByRow
from seating.house import house_of
from seating.plan import Plan
from seating.store import (
    FREE,
    SOLD,
    BestSeats,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    Line,
    NamedSeats,
    Owner,
    PerformanceState,
    QuotaState,
    Refusal,
)
from seating.theatre import italian_theatre
from tests.seating.houses import labels, sketch

GROUP, PERFORMANCE = "e1", 7
BUYER = Owner("buyer", "online")


async def load(redis: Redis, plan: Plan, states: bytes = b"", quotas: tuple[QuotaState, ...] = ()) -> Inventory:
    inventory = Inventory(redis)
    group = GroupState(GROUP, (PerformanceState(PERFORMANCE, plan, states),), quotas)
    await inventory.load(group, only_if_missing=False)
    return inventory


async def ask(redis: Redis, plan: Plan, states: bytes, *lines: Line) -> Held | Refusal:
    inventory = await load(redis, plan, states)
    answer = await inventory.hold(HoldRequest(GROUP, "a cart", BUYER, lines, ttl_s=60))
    await inventory.release(GROUP, "a cart")
    return answer


def best(count: int, **wish: Any) -> BestSeats:
    return BestSeats(PERFORMANCE, count, 1, **wish)


def given(plan: Plan, answer: Held | Refusal) -> list[str]:
    assert isinstance(answer, Held), answer
    return labels(plan, (item.ordinal for item in answer.items))


def reasons(answer: Held | Refusal) -> list[tuple[str, int]]:
    assert isinstance(answer, Refusal), answer
    return [(reason.code, reason.left) for reason in answer.reasons]


def taken(plan: Plan, *sketched: str) -> bytes:
    """States drawn like the house: `x` is sold, anything else free."""
    marks = [mark for row in sketched for mark in row if mark != " "]
    assert len(marks) == len(plan.seats)
    return bytes(SOLD if mark == "x" else FREE for mark in marks)


# Side by side


async def test_seats_in_one_row_nearest_to_the_stage(redis: Redis) -> None:
    plan = sketch(".........", ".........")
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["A4", "A5", "A6"]


async def test_an_aisle_is_never_sat_across(redis: Redis) -> None:
    plan = sketch("..  ..", ".......")
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["B3", "B4", "B5"]


async def test_of_equals_the_first_in_the_plan(redis: Redis) -> None:
    plan = sketch("....", "....")
    assert given(plan, await ask(redis, plan, taken(plan, "....", "xxxx"), best(1))) == ["A1"]
    assert given(plan, await ask(redis, plan, b"", best(1))) == ["A1"]


async def test_nobody_is_left_alone_between_two_taken_seats_when_that_can_be_avoided(redis: Redis) -> None:
    plan = sketch("x...x....", ".........")
    states = taken(plan, "x...x...x", ".........")
    # Two of A2-A4 would leave the third alone; so would two of A6-A8.
    assert given(plan, await ask(redis, plan, states, best(2))) == ["B4", "B5"]


async def test_a_lone_seat_is_left_when_there_is_no_other_way(redis: Redis) -> None:
    plan = sketch("x...x")
    assert given(plan, await ask(redis, plan, taken(plan, "x...x"), best(2))) == ["A2", "A3"]


async def test_a_row_may_be_a_field_of_thousands_of_seats(redis: Redis) -> None:
    plan = sketch("." * 5_000)
    assert given(plan, await ask(redis, plan, b"", best(4))) == ["A2499", "A2500", "A2501", "A2502"]
    assert given(plan, await ask(redis, plan, bytes([FREE, FREE, SOLD] * 1_666 + [SOLD] * 2), best(6))) == [
        "A2497", "A2498", "A2500", "A2501", "A2503", "A2504",
    ]  # fmt: skip


async def test_the_end_of_a_row_is_not_left_as_a_single_seat_either(redis: Redis) -> None:
    plan = sketch("........")
    assert given(plan, await ask(redis, plan, b"", best(6))) == [f"A{n}" for n in range(1, 7)]


async def test_best_seats_avoid_those_that_the_same_request_names_or_chooses(redis: Redis) -> None:
    plan = sketch(".....")
    held = await ask(redis, plan, b"", best(2), NamedSeats(PERFORMANCE, (2,), 1), best(2))
    assert given(plan, held) == ["A1", "A2", "A3", "A4", "A5"]


# Categories and zones


async def test_only_of_the_category_asked_for(redis: Redis) -> None:
    plan = sketch("....", "..ss", "ssss")
    assert given(plan, await ask(redis, plan, b"", best(2, categories=("Silver",)))) == ["B3", "B4"]
    assert given(plan, await ask(redis, plan, b"", best(4, categories=("Silver",)))) == ["C1", "C2", "C3", "C4"]
    assert reasons(await ask(redis, plan, b"", best(2, categories=("Bronze",)))) == [("not_enough_seats", 0)]


async def test_a_party_never_pays_two_prices(redis: Redis) -> None:
    """Two gold and two silver seats are next to each other in row A; four of one price are in the last row."""
    plan = sketch("..ss", "x", "x", "ssss")
    states = taken(plan, "....", "x", "x", "....")
    assert given(plan, await ask(redis, plan, states, best(4))) == ["D1", "D2", "D3", "D4"]
    assert reasons(await ask(redis, plan, states, best(3, categories=("Gold",)))) == [("not_enough_seats", 2)]


async def test_of_several_categories_the_one_that_seats_the_party_best(redis: Redis) -> None:
    plan = sketch("..xx", "ss", "ssss")
    states = taken(plan, "x...", "..", "....")
    # Three gold seats are nearer than four silver ones, and two silver ones than leaving a gold one alone.
    assert given(plan, await ask(redis, plan, states, best(3))) == ["A2", "A3", "A4"]
    assert given(plan, await ask(redis, plan, states, best(2))) == ["B1", "B2"]
    # The tier goes before the category that was named first.
    party = best(4, categories=("Gold", "Silver"))
    assert given(plan, await ask(redis, plan, states, party)) == ["C1", "C2", "C3", "C4"]


async def test_a_choice_whose_quota_is_exhausted_is_passed_over(redis: Redis) -> None:
    plan = sketch("....", "ssss")
    inventory = await load(redis, plan, quotas=(QuotaState("gold", 1, 0), QuotaState("silver", 9, 0)))
    choices = (Choice("Gold", (Fare(1, ("gold",), 2),)), Choice("Silver", (Fare(2, ("silver",), 2),)))
    held = await inventory.hold(HoldRequest(GROUP, "c", BUYER, (BestSeats(PERFORMANCE, 2, choices=choices),), 60))
    assert given(plan, held) == ["B1", "B2"]
    assert isinstance(held, Held)
    assert [(item.tariff, item.quotas) for item in held.items] == [(2, ("silver",))] * 2


async def test_only_in_the_zone_asked_for(redis: Redis) -> None:
    house = italian_theatre()
    for zones in (("2e balcon",), ("2e balcon", "Loges"), ("nowhere", "2e balcon")):
        answer = await ask(redis, house, b"", best(2, zones=zones))
        assert isinstance(answer, Held)
        assert {house.seats[item.ordinal].zone for item in answer.items} <= set(zones)
    assert reasons(await ask(redis, house, b"", best(2, zones=("nowhere",)))) == [("not_enough_seats", 0)]


# Split parties


async def test_a_group_too_large_for_any_row_sits_in_neighbouring_rows_nobody_alone(redis: Redis) -> None:
    plan = sketch("....", "....", "....")
    # Three and three would leave one alone in each row.
    assert given(plan, await ask(redis, plan, b"", best(6))) == ["A1", "A2", "A3", "A4", "B1", "B2"]
    assert given(plan, await ask(redis, plan, b"", best(8))) == [f"{row}{n}" for row in "AB" for n in range(1, 5)]


async def test_two_parts_of_one_row_may_lie_on_both_sides_of_its_aisle(redis: Redis) -> None:
    plan = sketch("..  ..")
    assert given(plan, await ask(redis, plan, b"", best(4))) == ["A1", "A2", "A3", "A4"]
    assert given(plan, await ask(redis, plan, b"", best(4, rows_max=1))) == ["A1", "A2", "A3", "A4"]


async def test_a_group_is_torn_no_further_than_it_says(redis: Redis) -> None:
    plan = sketch("....", "xxxx", "xxxx", "xxxx", "....")
    states = taken(plan, "....", "xxxx", "xxxx", "xxxx", "....")
    assert given(plan, await ask(redis, plan, states, best(6))) == ["A1", "A2", "A3", "A4", "E1", "E2"]
    assert given(plan, await ask(redis, plan, states, best(6, apart="zone"))) == ["A1", "A2", "A3", "A4", "E1", "E2"]
    assert reasons(await ask(redis, plan, states, best(6, apart="rows"))) == [("no_adjacent", 8)]
    assert reasons(await ask(redis, plan, states, best(5, apart="row"))) == [("no_adjacent", 8)]


async def test_next_to_each_other_goes_before_fewer_parts_further_away(redis: Redis) -> None:
    plan = sketch("..x..", "xx...", "xxxxx", "xxxxx", "xxxxx", "...xx")
    states = taken(plan, "..x..", "xxx..", "xxxxx", "xxxxx", "xxxxx", "...xx")
    assert given(plan, await ask(redis, plan, states, best(6))) == ["A1", "A2", "A4", "A5", "B4", "B5"]


async def test_no_more_rows_than_said(redis: Redis) -> None:
    plan = sketch("..", "..", "..")
    assert given(plan, await ask(redis, plan, b"", best(6))) == ["A1", "A2", "B1", "B2", "C1", "C2"]
    assert reasons(await ask(redis, plan, b"", best(6, rows_max=2))) == [("no_adjacent", 6)]


async def test_three_are_never_split_since_one_would_sit_alone(redis: Redis) -> None:
    plan = sketch("..", "..")
    assert reasons(await ask(redis, plan, b"", best(3))) == [("no_adjacent", 4)]


async def test_fewer_seats_than_asked(redis: Redis) -> None:
    plan = sketch("...", "...")
    assert reasons(await ask(redis, plan, taken(plan, "x..", "xxx"), best(3))) == [("not_enough_seats", 2)]


# Wheelchairs


async def test_wheelchair_places_and_companions_seats_are_given_on_request_only(redis: Redis) -> None:
    plan = sketch("wc..", "....")
    assert given(plan, await ask(redis, plan, b"", best(2))) == ["A3", "A4"]
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["B1", "B2", "B3"]
    assert given(plan, await ask(redis, plan, b"", best(2, wheelchairs=1))) == ["A1", "A2"]


async def test_a_party_takes_as_many_wheelchair_places_as_it_needs(redis: Redis) -> None:
    plan = sketch("wwc.", "wc..")
    assert given(plan, await ask(redis, plan, b"", best(2, wheelchairs=1))) == ["A2", "A3"]
    assert given(plan, await ask(redis, plan, b"", best(3, wheelchairs=2))) == ["A1", "A2", "A3"]


async def test_a_companions_place_is_left_to_whoever_needs_it(redis: Redis) -> None:
    """One seat beside the wheelchair user: of the two, the one that no other wheelchair place has as its last."""
    plan = sketch("cwcw")
    assert given(plan, await ask(redis, plan, b"", best(2, wheelchairs=1))) == ["A1", "A2"]
    # Somebody has that one: now there is no other way.
    assert given(plan, await ask(redis, plan, taken(plan, "x..."), best(2, wheelchairs=1))) == ["A2", "A3"]


async def test_a_large_party_with_a_wheelchair_keeps_it_with_its_companion(redis: Redis) -> None:
    plan = sketch("....", "wc")
    assert given(plan, await ask(redis, plan, b"", best(5, wheelchairs=1))) == ["B1", "B2", "A1", "A2", "A3"]
    assert reasons(await ask(redis, plan, b"", best(5, wheelchairs=1, apart="row"))) == [("no_adjacent", 6)]


async def test_wheelchair_users_in_different_rows_have_somebody_beside_each_of_them(redis: Redis) -> None:
    plan = sketch("wc", "wc", "....")
    assert given(plan, await ask(redis, plan, b"", best(4, wheelchairs=2))) == ["A1", "A2", "B1", "B2"]
    assert given(plan, await ask(redis, plan, b"", best(6, wheelchairs=2))) == ["A1", "A2", "B1", "B2", "C1", "C2"]
    # Three wheelchair users would need as many companions.
    assert reasons(await ask(redis, plan, b"", best(3, wheelchairs=2))) == [("no_adjacent", 8)]


async def test_without_a_wheelchair_place_left_the_request_is_refused(redis: Redis) -> None:
    plan = sketch("wc....")
    assert reasons(await ask(redis, plan, taken(plan, "x....."), best(2, wheelchairs=1))) == [("not_enough_seats", 0)]


# Stock row by row (SEA-10)


def rows(count: int, **wish: Any) -> RowByRow:
    return RowByRow(PERFORMANCE, count, 1, **wish)


async def test_stock_is_taken_row_by_row_from_the_stage(redis: Redis) -> None:
    plan = sketch("....", "wc..", "ssss")
    assert given(plan, await ask(redis, plan, b"", rows(8))) == [
        "A1", "A2", "A3", "A4", "B3", "B4", "C1", "C2",
    ]  # fmt: skip
    assert given(plan, await ask(redis, plan, b"", rows(3, categories=("Silver",)))) == ["C1", "C2", "C3"]
    assert reasons(await ask(redis, plan, b"", rows(11))) == [("not_enough_seats", 10)]


async def test_stock_takes_single_seats_too_and_of_the_last_row_what_lies_together(redis: Redis) -> None:
    plan = sketch("....", "x.x..x.")
    states = taken(plan, "x.x.", "x.x..x.")
    assert given(plan, await ask(redis, plan, states, rows(4))) == ["A2", "A4", "B4", "B5"]
    assert given(plan, await ask(redis, plan, states, rows(5))) == ["A2", "A4", "B4", "B5", "B2"]


async def test_stock_of_many_rows_is_every_seat_of_them_once(redis: Redis) -> None:
    house = italian_theatre()
    ordinary = [seat.ordinal for seat in house.seats if seat.kind == "standard"]
    answer = await ask(redis, house, b"", rows(len(ordinary)))
    assert isinstance(answer, Held)
    assert sorted(item.ordinal for item in answer.items) == ordinary


# Instead of a seat that was lost


async def suggested(redis: Redis, plan: Plan, states: bytes, *ordinals: int) -> dict[int, list[str]]:
    answer = await ask(redis, plan, states, NamedSeats(PERFORMANCE, ordinals, 1))
    assert isinstance(answer, Refusal)
    return {reason.ordinal: labels(plan, reason.nearest) for reason in answer.reasons}


async def test_the_nearest_free_seats_of_the_same_price_are_suggested(redis: Redis) -> None:
    plan = sketch("...s", "....")
    states = taken(plan, ".x..", "....")
    near = (await suggested(redis, plan, states, 1))[1]
    assert (set(near[:2]), near[2:]) == ({"A1", "A3"}, ["B2"])


async def test_what_the_same_request_asks_for_is_not_suggested(redis: Redis) -> None:
    plan = sketch("....", "....")
    states = taken(plan, ".x..", "....")
    near = (await suggested(redis, plan, states, 0, 1))[1]
    assert near[:2] == ["A3", "B2"]
    assert near[2] in ("B1", "B3")


async def test_for_a_wheelchair_place_only_wheelchair_places_are_suggested(redis: Redis) -> None:
    plan = sketch("wcwcwc", "......")
    states = taken(plan, "x....x", "......")
    assert await suggested(redis, plan, states, 0, 5) == {0: ["A3", "A5"], 5: ["A4", "A2"]}


async def test_far_from_everything_the_best_single_seat_is_suggested(redis: Redis) -> None:
    plan = sketch("..", row_pitch=24.0)
    far = sketch("..", *[""] * 20, "....")
    states = taken(far, "xx", "....")
    assert await suggested(redis, far, states, 0) == {0: ["V1"]}
    assert await suggested(redis, plan, taken(plan, "xx"), 0) == {0: []}


@pytest.mark.parametrize(
    ("part", "wish"),
    [
        ("catalog", {}),
        ("lowers", {}),
        ("stretches", {}),
        ("far", {}),
        ("near", {"count": 8}),
        ("zonebook", {"zones": ("Parterre",)}),
        ("zoneslices", {"zones": ("Parterre",)}),
        ("zonelists", {"zones": ("Parterre",)}),
        ("access", {"wheelchairs": 1}),
        ("kinds", {"wheelchairs": 1}),
    ],
)
async def test_a_part_of_the_plan_that_was_lost_is_noticed_and_nothing_is_taken(
    redis: Redis, part: str, wish: dict[str, Any]
) -> None:
    plan = sketch("......", "......", "wc")
    inventory = await load(redis, plan)
    await redis.delete(f"{{g:{GROUP}}}:plan:{house_of(plan).digest}:{part}")
    line = best(**{"count": 2, **wish})
    with pytest.raises(GroupMissing) as caught:
        await inventory.hold(HoldRequest(GROUP, "a cart", BUYER, (line,), ttl_s=60))
    assert caught.value.damaged
    states = await redis.get(f"{{g:{GROUP}}}:p:{PERFORMANCE}:states")
    assert states == bytes(len(plan.seats))


@pytest.mark.parametrize("count", [0, 21])
async def test_best_seats_are_chosen_for_one_to_twenty(redis: Redis, count: int) -> None:
    with pytest.raises(ValueError, match=r"place|20"):
        await ask(redis, sketch("...."), b"", best(count))
