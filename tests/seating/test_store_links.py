"""Linked plans: a seat of the season pass is one of every match, and the other way round (SEA-7)."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    ALLOTTED,
    FREE,
    HELD,
    LINKED,
    PENDING,
    SOLD,
    USED,
    Allotment,
    BestSeats,
    GroupState,
    HeldItem,
    Inventory,
    NamedSeats,
    PerformanceState,
    QuotaState,
)
from tests.seating.houses import labels, sketch
from tests.seating.shop import (
    GROUP,
    Follower,
    have,
    index_is_exact,
    lapse,
    refused,
    seats,
    states,
)

PASS, FIRST, SECOND = 1, 2, 3
QUOTAS = (QuotaState("pass", None, 0), QuotaState("matches", 10, 0))


@pytest.fixture
def plan() -> Plan:
    return sketch("......", "......")


def season(plan: Plan, *links: tuple[int, int], states: dict[int, bytes] | None = None, **more: Any) -> GroupState:
    known = states or {}
    return GroupState(
        GROUP,
        tuple(PerformanceState(each, plan, known.get(each, b"")) for each in (PASS, FIRST, SECOND)),
        QUOTAS,
        links=links,
        **more,
    )


BOTH = ((PASS, FIRST), (PASS, SECOND))


@pytest.fixture
async def inventory(redis: Redis, plan: Plan) -> Inventory:
    inventory = Inventory(redis)
    await inventory.load(season(plan, *BOTH))
    return inventory


def of(performance: int, *ordinals: int) -> NamedSeats:
    return seats(*ordinals, performance=performance, quotas=("pass" if performance == PASS else "matches",))


async def all_states(inventory: Inventory) -> dict[int, dict[int, int]]:
    return {each: await states(inventory, each) for each in (PASS, FIRST, SECOND)}


async def all_exact(redis: Redis, plan: Plan) -> bool:
    return all([await index_is_exact(redis, plan, each) for each in (PASS, FIRST, SECOND)])


async def test_a_pass_takes_its_seat_in_every_match(inventory: Inventory, redis: Redis, plan: Plan) -> None:
    await have(inventory, "fan", of(PASS, 3))
    assert await all_states(inventory) == {PASS: {3: HELD}, FIRST: {3: LINKED}, SECOND: {3: LINKED}}
    assert await refused(inventory, "alice", of(FIRST, 3)) == [("seat_taken", 3, "", 0)]
    await inventory.promise(GROUP, "fan", "C1")
    await inventory.sell(GROUP, "C1")
    assert await all_states(inventory) == {PASS: {3: SOLD}, FIRST: {3: LINKED}, SECOND: {3: LINKED}}
    assert (await inventory.snapshot(GROUP, FIRST)).owners == {}
    assert await all_exact(redis, plan)


async def test_one_match_takes_the_seat_out_of_the_pass_but_not_out_of_the_other_match(inventory: Inventory) -> None:
    await have(inventory, "alice", of(FIRST, 3))
    assert await all_states(inventory) == {PASS: {3: LINKED}, FIRST: {3: HELD}, SECOND: {}}
    assert await refused(inventory, "fan", of(PASS, 3)) == [("seat_taken", 3, "", 0)]
    await have(inventory, "basile", of(SECOND, 3))
    await inventory.release(GROUP, "alice")
    assert await all_states(inventory) == {PASS: {3: LINKED}, FIRST: {}, SECOND: {3: HELD}}
    await inventory.release(GROUP, "basile")
    assert await all_states(inventory) == {PASS: {}, FIRST: {}, SECOND: {}}
    assert await have(inventory, "fan", of(PASS, 3))


@pytest.mark.parametrize("way", ["given up", "lapsed", "order given back", "sold, used and given back", "exchanged"])
async def test_a_pass_given_back_frees_its_seat_everywhere(
    inventory: Inventory, redis: Redis, plan: Plan, way: str
) -> None:
    items = await have(inventory, "fan", of(PASS, 3))
    everywhere: dict[int, dict[int, int]] = {PASS: {}, FIRST: {}, SECOND: {}}
    match way:
        case "given up":
            await inventory.release(GROUP, "fan")
        case "lapsed":
            await lapse(redis, *items)
            await inventory.expire_due(GROUP)
        case "order given back":
            await inventory.promise(GROUP, "fan", "C1")
            await inventory.give_back(GROUP, "C1")
        case "exchanged":
            await inventory.promise(GROUP, "fan", "C1")
            assert isinstance(await inventory.exchange(GROUP, "C1", PASS, 3, 8, tariff=5, quotas=("pass",)), HeldItem)
            everywhere = {PASS: {8: PENDING}, FIRST: {8: LINKED}, SECOND: {8: LINKED}}
        case _:
            await inventory.promise(GROUP, "fan", "C1")
            await inventory.sell(GROUP, "C1")
            assert await inventory.mark_used(GROUP, PASS, 3)
            await inventory.give_back(GROUP, "C1")
    assert await all_states(inventory) == everywhere
    assert await all_exact(redis, plan)


async def test_a_pass_and_a_match_in_one_request_cannot_have_the_same_seat(inventory: Inventory) -> None:
    assert await refused(inventory, "alice", of(PASS, 3), of(FIRST, 3)) == [("seat_taken", 3, "", 0)]
    assert await all_states(inventory) == {PASS: {}, FIRST: {}, SECOND: {}}
    await have(inventory, "alice", of(PASS, 3), of(FIRST, 4), of(SECOND, 4))
    assert await all_states(inventory) == {
        PASS: {3: HELD, 4: LINKED},
        FIRST: {3: LINKED, 4: HELD},
        SECOND: {3: LINKED, 4: HELD},
    }


async def test_best_seats_of_a_match_leave_the_seats_of_passes_alone(inventory: Inventory, plan: Plan) -> None:
    """LIVE-8, by the index of the match that the pass wrote to."""
    await have(inventory, "fan", of(PASS, 2, 3))
    items = await have(inventory, "alice", BestSeats(FIRST, 2, 5, ("matches",)), BestSeats(PASS, 2, 5, ("pass",)))
    assert labels(plan, (item.ordinal for item in items)) == ["A1", "A2", "A5", "A6"]


async def test_what_is_off_sale_or_allotted_in_a_match_is_not_sold_as_a_pass(inventory: Inventory) -> None:
    await inventory.block(GROUP, FIRST, (3,))
    await inventory.allot(GROUP, Allotment("away", "Guests", SECOND, (4,)))
    assert await states(inventory, PASS) == {3: LINKED, 4: LINKED}
    assert await inventory.block(GROUP, PASS, (3,)) == (), "it is not free: it stays as it is"
    await have(inventory, "guest", of(SECOND, 4), keys=("away",))
    await inventory.release(GROUP, "guest")
    assert await states(inventory, PASS) == {3: LINKED, 4: LINKED}
    await inventory.release_allotment(GROUP, "away")
    await inventory.block(GROUP, FIRST, (3,), blocked=False)
    assert await all_states(inventory) == {PASS: {}, FIRST: {}, SECOND: {}}


async def test_an_allotted_pass_seat_is_kept_in_every_match(inventory: Inventory) -> None:
    await inventory.allot(GROUP, Allotment("renewals", "Subscribers", PASS, (3,), {3: "léo's"}))
    assert await all_states(inventory) == {PASS: {3: ALLOTTED}, FIRST: {3: LINKED}, SECOND: {3: LINKED}}
    await have(inventory, "léo", of(PASS, 3), keys=("léo's",))
    await inventory.release_allotment(GROUP, "renewals")
    assert await states(inventory, FIRST) == {3: LINKED}
    await inventory.release(GROUP, "léo")
    assert await all_states(inventory) == {PASS: {}, FIRST: {}, SECOND: {}}


async def test_who_follows_a_match_hears_of_the_passes(inventory: Inventory) -> None:
    """LIVE-1."""
    match = Follower(inventory, FIRST)
    await match.catch_up()
    await have(inventory, "fan", of(PASS, 3))
    await match.catch_up()
    assert (match.states[3], match.resyncs) == (LINKED, 1)
    await inventory.release(GROUP, "fan")
    await match.catch_up()
    assert (match.states[3], match.resyncs) == (FREE, 1)


async def test_sold_passes_are_known_to_the_matches_from_the_load_on(redis: Redis, plan: Plan) -> None:
    """LIVE-10."""
    sold = bytes(SOLD if seat == 3 else FREE for seat in range(12))
    seen = bytes(USED if seat == 4 else FREE for seat in range(12))
    inventory = Inventory(redis)
    await inventory.load(season(plan, *BOTH, states={PASS: sold, FIRST: seen}))
    assert await all_states(inventory) == {
        PASS: {3: SOLD, 4: LINKED},
        FIRST: {3: LINKED, 4: USED},
        SECOND: {3: LINKED},
    }
    assert await all_exact(redis, plan)


async def test_a_match_added_while_passes_are_in_carts_and_orders_respects_them(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    await inventory.load(season(plan, (PASS, FIRST)), only_if_missing=False)
    as_of_ms = await inventory.now_ms(GROUP)
    await have(inventory, "fan", of(PASS, 3))
    await have(inventory, "paying", of(PASS, 4))
    await inventory.promise(GROUP, "paying", "C1")
    await have(inventory, "alice", of(SECOND, 5))
    assert await states(inventory, SECOND) == {5: HELD}
    await inventory.load(season(plan, *BOTH, as_of_ms=as_of_ms), only_if_missing=False)
    assert await all_states(inventory) == {
        PASS: {3: HELD, 4: PENDING, 5: LINKED},
        FIRST: {3: LINKED, 4: LINKED},
        SECOND: {3: LINKED, 4: LINKED, 5: HELD},
    }
    await inventory.give_back(GROUP, "C1")
    await inventory.release(GROUP, "alice")
    assert await states(inventory, SECOND) == {3: LINKED}
    assert await all_exact(redis, plan)


async def test_of_two_carts_that_a_new_link_sets_against_each_other_one_keeps_the_seat(
    inventory: Inventory, plan: Plan
) -> None:
    await inventory.load(season(plan), only_if_missing=False)
    await have(inventory, "fan", of(PASS, 3))
    await have(inventory, "alice", of(FIRST, 3))
    await inventory.load(season(plan, *BOTH), only_if_missing=False)
    left = {cart: len(await inventory.held(GROUP, cart)) for cart in ("fan", "alice")}
    assert sorted(left.values()) == [0, 1]
    assert await all_states(inventory) == (
        {PASS: {3: HELD}, FIRST: {3: LINKED}, SECOND: {3: LINKED}}
        if left["fan"]
        else {PASS: {3: LINKED}, FIRST: {3: HELD}, SECOND: {}}
    )
    used_now = (await inventory.snapshot(GROUP, PASS)).quotas
    assert used_now["pass"][0] + used_now["matches"][0] == 1


async def test_a_match_taken_out_of_the_pass_is_on_sale_again(inventory: Inventory, plan: Plan) -> None:
    await have(inventory, "fan", of(PASS, 3))
    await inventory.load(season(plan, (PASS, FIRST)), only_if_missing=False)
    assert await all_states(inventory) == {PASS: {3: HELD}, FIRST: {3: LINKED}, SECOND: {}}
    await have(inventory, "alice", of(SECOND, 3))
    await inventory.release(GROUP, "fan")
    assert await all_states(inventory) == {PASS: {}, FIRST: {}, SECOND: {3: HELD}}


async def test_only_performances_on_one_plan_can_be_linked(redis: Redis, plan: Plan) -> None:
    other = sketch("......", ".....")
    for second in (other, None):
        group = GroupState(GROUP, (PerformanceState(PASS, plan), PerformanceState(FIRST, second)), links=((1, 2),))
        with pytest.raises(ValueError, match="cannot be linked"):
            await Inventory(redis).load(group)
