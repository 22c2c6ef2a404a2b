"""The inventory is rebuilt from the ledger, empty or in use (LIVE-10)."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from redis.asyncio import Redis

from seating.house import house_of
from seating.plan import Plan
from seating.store import (
    HELD,
    PENDING,
    SOLD,
    Expired,
    GroupMissing,
    HeldItem,
    Inventory,
    OrderState,
    QuotaState,
    Refusal,
    channel,
)
from tests.seating.shop import (
    EVENT,
    FAIR,
    FULL,
    GROUP,
    SEATED,
    TAG,
    TOMORROW,
    TONIGHT,
    request,
    seats,
    state,
    states,
    take,
    used,
)


async def test_a_group_that_is_not_there_says_so_and_works_once_loaded(redis: Redis, plan: Plan) -> None:
    inventory = Inventory(redis)
    for step in (
        inventory.hold(request("alice", seats(1))),
        inventory.held(GROUP, "alice"),
        inventory.release(GROUP, "alice"),
        inventory.promise(GROUP, "alice", "C1"),
        inventory.sell(GROUP, "C1"),
        inventory.give_back(GROUP, "C1"),
        inventory.expire_due(GROUP),
        inventory.snapshot(GROUP, TONIGHT),
        inventory.changes_since(GROUP, TONIGHT, "e", 1),
        inventory.pending_orders(GROUP),
    ):
        with pytest.raises(GroupMissing, match=GROUP):
            await step
    assert await inventory.head(GROUP, TONIGHT) is None
    assert await inventory.groups() == set()
    await inventory.load(state(plan))
    assert await inventory.groups() == {GROUP}
    assert await take(inventory, "alice", 1)


async def test_after_a_flush_sold_seats_are_sold_again_from_the_ledger(redis: Redis, plan: Plan) -> None:
    """LIVE-10: losing Redis costs unpaid carts, never a sold seat."""
    inventory = Inventory(redis)
    await inventory.load(state(plan))
    await take(inventory, "alice", 1)
    await redis.flushall()
    with pytest.raises(GroupMissing):
        await inventory.held(GROUP, "alice")
    known = bytearray(30)
    known[4], known[5] = SOLD, PENDING
    quotas = (QuotaState(EVENT, 20, 2), QuotaState(SEATED, 12, 2), QuotaState(FULL, None, 2))
    await inventory.load(state(plan, states=bytes(known), owners={4: "C1", 5: "C2"}, quotas=quotas))
    assert await states(inventory) == {4: SOLD, 5: PENDING}
    assert await inventory.held(GROUP, "alice") == ()
    assert await inventory.promise(GROUP, "alice", "C3") == Expired(())
    assert isinstance(await inventory.hold(request("basile", seats(4))), Refusal)
    assert set(await inventory.pending_orders(GROUP)) == {"C2"}
    assert await inventory.sell(GROUP, "C2")
    lost = HeldItem("any", TONIGHT, 4, 0, (EVENT,))
    assert await inventory.give_back(GROUP, "C1", (lost,)) == 1
    assert await states(inventory) == {5: SOLD}
    assert await used(inventory) == {EVENT: 1, SEATED: 2, FULL: 2}, "only what whoever gives back knows of"


async def test_orders_given_in_full_return_their_own_quotas(redis: Redis, plan: Plan) -> None:
    inventory = Inventory(redis)
    places = tuple(HeldItem(f"T{n}", FAIR, -1, 7, (EVENT,)) for n in range(3))
    orders = (OrderState("C1", sold=True, items=places),)
    await inventory.load(state(plan, quotas=(QuotaState(EVENT, 20, 3),), orders=orders))
    assert await inventory.give_back(GROUP, "C1", places[:1]) == 1
    assert await inventory.give_back(GROUP, "C1") == 2
    assert await used(inventory) == {EVENT: 0}


async def test_loading_what_is_there_changes_nothing(inventory: Inventory, plan: Plan) -> None:
    await take(inventory, "alice", 1)
    head = await inventory.head(GROUP, TONIGHT)
    await inventory.load(state(plan))
    assert await inventory.head(GROUP, TONIGHT) == head
    assert await states(inventory) == {1: HELD}


async def test_many_processes_that_all_find_it_missing_load_it_once(redis: Redis, plan: Plan) -> None:
    several = [Inventory(redis) for _ in range(5)]
    await asyncio.gather(*(each.load(state(plan)) for each in several))
    await take(several[0], "alice", 1)
    assert await states(several[1]) == {1: HELD}


async def test_a_forced_load_is_a_new_epoch_that_everybody_hears_of(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    epoch, _ = await inventory.head(GROUP, TONIGHT) or ("", 0)
    ear = redis.pubsub()
    await ear.subscribe(channel(GROUP, TONIGHT))
    assert await ear.get_message(timeout=60)
    await inventory.load(state(plan), only_if_missing=False)
    heard = json.loads((await ear.get_message(timeout=60) or {})["data"])
    assert heard["e"] != epoch
    assert (heard["e"], heard["v"]) == await inventory.head(GROUP, TONIGHT)
    assert await inventory.changes_since(GROUP, TONIGHT, epoch, 0) is None
    await ear.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


async def test_a_forced_load_keeps_shopping_carts_where_their_seats_are_still_free(
    inventory: Inventory, plan: Plan
) -> None:
    kept, lost = await take(inventory, "alice", 1, 2)
    sold = bytearray(30)
    sold[2] = SOLD
    quotas = (QuotaState(EVENT, 20, 1), QuotaState(SEATED, 12, 1))
    await inventory.load(state(plan, states=bytes(sold), owners={2: "C9"}, quotas=quotas), only_if_missing=False)
    # A quota that the ledger no longer knows of no longer counts.
    kept = msgspec.structs.replace(kept, quotas=(EVENT, SEATED))
    assert await inventory.held(GROUP, "alice") == (kept,)
    assert await states(inventory) == {1: HELD, 2: SOLD}
    assert (await used(inventory))[EVENT] == 2
    assert await inventory.promise(GROUP, "alice", "C1", (kept.id, lost.id)) == Expired((lost.id,))
    assert isinstance(await inventory.promise(GROUP, "alice", "C1"), tuple)


async def test_a_forced_load_keeps_orders_promised_while_the_ledger_was_read(inventory: Inventory, plan: Plan) -> None:
    await take(inventory, "early", 1)
    await inventory.promise(GROUP, "early", "C1")
    early = (await inventory.pending_orders(GROUP))["C1"].since_ms
    while (as_of := await inventory.now_ms(GROUP)) <= early:
        await asyncio.sleep(0.001)
    await take(inventory, "late", 2)
    await inventory.promise(GROUP, "late", "C2")
    await inventory.load(state(plan, as_of_ms=as_of), only_if_missing=False)
    assert await states(inventory) == {2: PENDING}, "C1 was not in the ledger that was read after it"
    assert await inventory.sell(GROUP, "C2")


async def test_states_that_do_not_match_their_plan_are_the_callers_fault(redis: Redis, plan: Plan) -> None:
    with pytest.raises(ValueError, match="3 states for 30 seats"):
        await Inventory(redis).load(state(plan, states=bytes(3)))


async def test_a_free_seat_costs_its_byte(inventory: Inventory, redis: Redis, plan: Plan) -> None:
    """The geometry is kept once per plan, whatever the number of performances."""
    keys = [key.decode() async for key in redis.scan_iter(f"{{g:{GROUP}}}*")]
    about_seats = sorted(key.partition(":p:")[2] for key in keys if ":p:" in key)
    assert about_seats == [f"{each}:{part}" for each in (TONIGHT, TOMORROW) for part in ("i0", "states")]
    assert len([key for key in keys if ":plan:" in key]) == len(house_of(plan).parts)
    assert await redis.strlen(f"{TAG}:p:{TONIGHT}:states") == 30
    assert await redis.strlen(f"{TAG}:p:{TONIGHT}:i0") == 3, "a byte for each piece of a row"
