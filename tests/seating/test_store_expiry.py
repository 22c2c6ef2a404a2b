"""Holds that end: given up, lapsed, prolonged, moved (LIVE-7)."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    HELD,
    GroupState,
    Held,
    Inventory,
    PerformanceState,
    Quantity,
    QuotaState,
    cart_ref,
)
from tests.seating.shop import (
    EVENT,
    FAIR,
    FULL,
    GROUP,
    LEA,
    SEATED,
    TAG,
    TONIGHT,
    have,
    lapse,
    request,
    seats,
    states,
    take,
    used,
)


async def test_an_emptied_cart_frees_everything(inventory: Inventory) -> None:
    await take(inventory, "alice", 1, 2)
    await take(inventory, "alice", 3)
    assert await inventory.release(GROUP, "alice") == 3
    assert await inventory.release(GROUP, "alice") == 0
    assert await states(inventory) == {}
    assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}


async def test_one_item_is_given_up_the_others_stay(inventory: Inventory) -> None:
    first, second = await take(inventory, "alice", 1, 2)
    assert await inventory.release(GROUP, "alice", (first.id,)) == 1
    assert await inventory.release(GROUP, "alice", (first.id,)) == 0
    assert await inventory.held(GROUP, "alice") == (second,)
    assert await states(inventory) == {2: HELD}


async def test_nobody_frees_anothers_seat(inventory: Inventory) -> None:
    (item,) = await take(inventory, "alice", 1)
    assert await inventory.release(GROUP, "stranger", (item.id,)) == 0
    assert await inventory.release(GROUP, "alice", ()) == 0
    assert await states(inventory) == {1: HELD}


async def test_a_lapsed_hold_is_free_again(inventory: Inventory, redis: Redis) -> None:
    """LIVE-7."""
    lapsed, live = await take(inventory, "alice", 1, 2)
    await lapse(redis, lapsed)
    assert await inventory.held(GROUP, "alice") == (live,)
    assert await inventory.expire_due(GROUP) == 1
    assert await inventory.expire_due(GROUP) == 0
    assert await states(inventory) == {2: HELD}
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}


async def test_the_next_hold_takes_a_lapsed_seat_without_waiting_for_anybody(
    inventory: Inventory, redis: Redis
) -> None:
    await lapse(redis, *await take(inventory, "alice", 1))
    assert await take(inventory, "basile", 1)
    assert await inventory.held(GROUP, "alice") == ()
    assert await inventory.release(GROUP, "alice") == 0
    assert await states(inventory) == {1: HELD}


async def test_more_lapsed_holds_than_one_step_may_free_do_not_refuse_anybody(redis: Redis, plan: Plan) -> None:
    inventory = Inventory(redis)
    await inventory.load(GroupState(GROUP, (PerformanceState(FAIR, None),), (QuotaState(EVENT, 900, 0),)))
    held = await inventory.hold(request("school", Quantity(FAIR, 900, 1, (EVENT,))))
    assert isinstance(held, Held)
    await lapse(redis, *held.items)
    again = await inventory.hold(request("other school", Quantity(FAIR, 900, 1, (EVENT,))))
    assert isinstance(again, Held)


async def test_a_cart_is_given_more_time_but_never_less(inventory: Inventory) -> None:
    (item,) = await take(inventory, "alice", 1)
    assert await inventory.extend(GROUP, "alice", 60) == 0
    assert await inventory.extend(GROUP, "alice", 3600) == 1
    (longer,) = await inventory.held(GROUP, "alice")
    assert longer.expires_at_ms >= item.expires_at_ms + 2_600_000
    seen = await inventory.snapshot(GROUP, TONIGHT)
    assert seen.owners[1].expires_at_ms == longer.expires_at_ms


async def test_time_real_time_frees_a_hold(inventory: Inventory) -> None:
    await take(inventory, "alice", 1, ttl_s=1)
    while await inventory.expire_due(GROUP) == 0:
        await asyncio.sleep(0.05)
    assert await states(inventory) == {}


# Carts that change hands --------------------------------------------------------------------------------------------


async def test_a_counter_takes_over_an_online_cart_and_the_map_shows_it(inventory: Inventory) -> None:
    """LIVE-2, LIVE-7."""
    items = await have(inventory, "online", seats(1, 2), Quantity(FAIR, 2, 7, (EVENT,)), ttl_s=60)
    (own,) = await take(inventory, "counter", 5, owner=LEA)
    version = (await inventory.head(GROUP, TONIGHT) or ("", 0))[1]
    assert await inventory.move(GROUP, "online", "counter", LEA, 900) == 4
    moved = await inventory.held(GROUP, "counter")
    assert [item.id for item in moved] == [own.id, *(item.id for item in items)]
    assert all(item.expires_at_ms >= items[0].expires_at_ms + 800_000 for item in moved[1:])
    assert await inventory.held(GROUP, "online") == ()
    seen = await inventory.snapshot(GROUP, TONIGHT)
    assert {seen.owners[o].label for o in (1, 2, 5)} == {"Counter 2 · Léa"}
    assert {seen.owners[o].cart_ref for o in (1, 2, 5)} == {cart_ref("counter")}
    assert seen.version == version + 1
    assert await used(inventory) == {EVENT: 5, SEATED: 3, FULL: 3}
    assert await inventory.release(GROUP, "online") == 0
    assert await inventory.release(GROUP, "counter") == 5


async def test_a_move_shortens_no_hold_and_what_has_lapsed_does_not_come_along(
    inventory: Inventory, redis: Redis
) -> None:
    lapsed, live = await take(inventory, "online", 1, 2)
    await lapse(redis, lapsed)
    assert await inventory.move(GROUP, "online", "counter", LEA, 1) == 1
    assert [(i.id, i.expires_at_ms) for i in await inventory.held(GROUP, "counter")] == [(live.id, live.expires_at_ms)]
    assert await states(inventory) == {2: HELD}
    assert (await used(inventory))[EVENT] == 1


async def test_a_cart_that_holds_nothing_moves_nothing_nor_does_one_onto_itself(inventory: Inventory) -> None:
    assert await inventory.move(GROUP, "nobody", "counter", LEA, 900) == 0
    (item,) = await take(inventory, "counter", 1)
    assert await inventory.move(GROUP, "counter", "counter", LEA, 900) == 0
    assert await inventory.held(GROUP, "counter") == (item,)


async def test_a_moved_hold_lapses_in_its_new_cart(inventory: Inventory, redis: Redis) -> None:
    items = await take(inventory, "online", 1)
    await inventory.move(GROUP, "online", "counter", LEA, 900)
    await lapse(redis, *items)
    assert await inventory.expire_due(GROUP) == 1
    assert await states(inventory) == {}
    assert await redis.hkeys(f"{TAG}:carts") == [b""], "carts leave nothing behind"
