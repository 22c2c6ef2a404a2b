"""Another seat for one that an order has (SEA-9), in one step with its quotas."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    ALLOTTED,
    FREE,
    PENDING,
    SOLD,
    USED,
    Allotment,
    HeldItem,
    Inventory,
    OrderState,
    QuotaState,
    Refusal,
)
from tests.seating.shop import (
    ALL,
    EVENT,
    FAIR,
    FULL,
    GROUP,
    SEATED,
    TOMORROW,
    TONIGHT,
    index_is_exact,
    state,
    states,
    take,
    used,
)

CHEAP = (EVENT, SEATED)


async def order(inventory: Inventory, status: str, *ordinals: int) -> None:
    await take(inventory, "alice", *ordinals)
    await inventory.promise(GROUP, "alice", "C1")
    if status != "pending":
        await inventory.sell(GROUP, "C1")
    if status == "used":
        assert await inventory.mark_used(GROUP, TONIGHT, ordinals[0])


def exchange(inventory: Inventory, seat: int, to: int, **more: Any) -> Awaitable[HeldItem | Refusal]:
    wish: dict[str, Any] = {"tariff": 5, "quotas": ALL, **more}
    return inventory.exchange(GROUP, wish.pop("order", "C1"), wish.pop("performance", TONIGHT), seat, to, **wish)


STATUSES = {"pending": PENDING, "sold": SOLD, "used": USED}


@pytest.mark.parametrize("status", STATUSES)
async def test_the_new_seat_is_as_the_old_one_was_and_the_old_one_is_free(
    inventory: Inventory, redis: Redis, plan: Plan, status: str
) -> None:
    await order(inventory, status, 1, 2)
    changed = await exchange(inventory, 1, 15, tariff=6, quotas=CHEAP)
    assert isinstance(changed, HeldItem)
    assert (changed.performance, changed.ordinal, changed.tariff, changed.quotas) == (TONIGHT, 15, 6, CHEAP)
    other = PENDING if status == "pending" else SOLD
    assert await states(inventory) == {15: STATUSES[status], 2: other}
    assert await used(inventory) == {EVENT: 2, SEATED: 2, FULL: 1}, "its quotas moved with it"
    assert await index_is_exact(redis, plan)
    if status == "pending":
        assert (await inventory.snapshot(GROUP, TONIGHT)).owners[15].order == "C1"
        assert await inventory.sell(GROUP, "C1")
    assert await inventory.give_back(GROUP, "C1") == 2
    assert await states(inventory) == {}
    assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}


@pytest.mark.parametrize("status", STATUSES)
async def test_an_exchange_is_refused_where_a_hold_would_be(inventory: Inventory, status: str) -> None:
    await order(inventory, status, 1)
    await take(inventory, "basile", 2)
    await inventory.block(GROUP, TONIGHT, (3,))
    await inventory.set_limits(GROUP, {"tariff:6": 0})
    before, head = await states(inventory), await inventory.head(GROUP, TONIGHT)
    why = []
    for answer in (
        await exchange(inventory, 1, 2),
        await exchange(inventory, 1, 3),
        await exchange(inventory, 1, 1),
        await exchange(inventory, 1, 30),
        await exchange(inventory, 1, -1),
        await exchange(inventory, 9, 10),
        await exchange(inventory, 1, 10, order="C9"),
        await exchange(inventory, 1, 10, performance=99),
        await exchange(inventory, 1, 10, performance=TOMORROW),
        await exchange(inventory, 1, 10, quotas=(EVENT, SEATED, "tariff:6")),
    ):
        assert isinstance(answer, Refusal)
        why += [(each.code, each.ordinal, each.quota) for each in answer.reasons]
    assert why == [
        ("seat_taken", 2, ""), ("seat_taken", 3, ""), ("seat_taken", 1, ""), ("unknown_seat", 30, ""),
        ("unknown_seat", -1, ""), ("unknown_item", 9, ""), ("unknown_item", 1, ""), ("unknown_performance", 1, ""),
        ("unknown_item", 1, ""), ("quota_exhausted", 10, "tariff:6"),
    ]  # fmt: skip
    assert (await states(inventory), await inventory.head(GROUP, TONIGHT)) == (before, head)
    assert (await used(inventory))[EVENT] == 2


async def test_a_full_quota_that_both_seats_count_against_is_no_obstacle(inventory: Inventory) -> None:
    await order(inventory, "sold", 1)
    await inventory.set_limits(GROUP, {EVENT: 1, SEATED: 1})
    assert isinstance(await exchange(inventory, 1, 2), HeldItem)
    assert (await used(inventory))[EVENT] == 1


async def test_an_allotted_seat_needs_its_key_and_each_seat_returns_to_where_it_came_from(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    """AHEAD-2, SEA-8."""
    await inventory.allot(GROUP, Allotment("press", "Press", TONIGHT, (3, 4), {4: "own"}))
    await order(inventory, "sold", 1)
    for to, keys in ((3, ()), (3, ("own",)), (4, ("press",))):
        answer = await exchange(inventory, 1, to, keys=keys)
        assert isinstance(answer, Refusal)
        assert answer.reasons[0].code == "not_yours"
    changed = await exchange(inventory, 1, 3, keys=("press",))
    assert isinstance(changed, HeldItem)
    assert changed.allotment == "press"
    assert await states(inventory) == {3: SOLD, 4: ALLOTTED}
    assert isinstance(await exchange(inventory, 3, 4, keys=("own",)), HeldItem)
    assert await states(inventory) == {3: ALLOTTED, 4: SOLD}
    assert isinstance(await exchange(inventory, 4, 5), HeldItem)
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED, 5: SOLD}
    assert await index_is_exact(redis, plan)


async def test_an_exchanged_order_that_came_from_the_ledger_keeps_its_other_places(redis: Redis, plan: Plan) -> None:
    sold = bytearray(30)
    sold[1] = sold[2] = SOLD
    items = (
        HeldItem("T1", TONIGHT, 1, 5, ALL),
        HeldItem("T2", TONIGHT, 2, 5, ALL),
        HeldItem("T3", FAIR, -1, 7, (EVENT,)),
    )
    quotas = (QuotaState(EVENT, 20, 3), QuotaState(SEATED, 12, 2), QuotaState(FULL, None, 2))
    inventory = Inventory(redis)
    orders = (OrderState("C1", sold=True, items=items),)
    await inventory.load(state(plan, states=bytes(sold), quotas=quotas, orders=orders))
    assert isinstance(await exchange(inventory, 1, 9), HeldItem)
    assert await states(inventory) == {2: SOLD, 9: SOLD}
    assert await inventory.give_back(GROUP, "C1", items[2:]) == 1
    assert await inventory.give_back(GROUP, "C1", items[:1]) == 0, "seat 1 is not its own any more"
    assert await inventory.give_back(GROUP, "C1") == 2
    assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}


async def test_who_follows_hears_of_both_seats_in_one_version(inventory: Inventory) -> None:
    """LIVE-1."""
    await order(inventory, "sold", 1)
    epoch, version = await inventory.head(GROUP, TONIGHT) or ("", 0)
    await exchange(inventory, 1, 9)
    changes = await inventory.changes_since(GROUP, TONIGHT, epoch, version)
    assert [sorted(seat[:2] for seat in json.loads(each)["s"]) for each in changes or ()] == [[[1, FREE], [9, SOLD]]]
