"""From a cart to an order and back (LIVE-10)."""

from __future__ import annotations

import msgspec
import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    HELD,
    PENDING,
    SOLD,
    USED,
    Expired,
    Held,
    HeldItem,
    Inventory,
    OrderState,
    Quantity,
    cart_ref,
)
from tests.seating.shop import (
    ALL,
    EVENT,
    FAIR,
    FULL,
    GROUP,
    LEA,
    ONLINE,
    SEATED,
    TAG,
    TONIGHT,
    have,
    lapse,
    request,
    seats,
    state,
    states,
    take,
    used,
)


async def test_a_cart_becomes_pending_then_sold(inventory: Inventory, redis: Redis) -> None:
    items = await take(inventory, "alice", 1, 2)
    promised = await inventory.promise(GROUP, "alice", "C1")
    assert promised == tuple(msgspec.structs.replace(item, expires_at_ms=0) for item in items)
    assert await states(inventory) == {1: PENDING, 2: PENDING}
    assert await inventory.held(GROUP, "alice") == ()
    assert await redis.zrange(f"{TAG}:due", 0, -1) == [b""], "a pending order waits for its payment, not for a clock"
    assert await inventory.sell(GROUP, "C1")
    assert await states(inventory) == {1: SOLD, 2: SOLD}
    assert await used(inventory) == {EVENT: 2, SEATED: 2, FULL: 2}


async def test_the_same_order_of_the_same_cart_again_is_the_first_answer(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    first = await inventory.promise(GROUP, "alice", "C1")
    await take(inventory, "alice", 9)
    assert await inventory.promise(GROUP, "alice", "C1") == first
    assert await states(inventory) == {1: PENDING, 9: HELD}


async def test_an_order_that_is_sold_promises_nothing_more(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    await take(inventory, "alice", 9)
    assert await inventory.promise(GROUP, "alice", "C1") == Expired(())
    assert await states(inventory) == {1: SOLD, 9: HELD}


async def test_an_order_code_cannot_be_used_by_another_cart(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    await inventory.promise(GROUP, "alice", "C1")
    await take(inventory, "basile", 2)
    assert isinstance(await inventory.promise(GROUP, "basile", "C1"), Expired)
    assert await states(inventory) == {1: PENDING, 2: HELD}


async def test_whatever_is_live_is_promised_when_nothing_was_named(inventory: Inventory, redis: Redis) -> None:
    lapsed, live = await take(inventory, "alice", 1, 2)
    await lapse(redis, lapsed)
    promised = await inventory.promise(GROUP, "alice", "C1")
    assert isinstance(promised, tuple)
    assert [item.id for item in promised] == [live.id]
    assert await states(inventory) == {2: PENDING}
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}


@pytest.mark.parametrize("swept", [False, True], ids=["just lapsed", "swept long before and taken by another"])
async def test_one_lapsed_hold_of_those_named_promises_nothing_and_says_which(
    inventory: Inventory, redis: Redis, swept: bool
) -> None:
    lapsed, live = await take(inventory, "alice", 1, 2)
    await lapse(redis, lapsed)
    if swept:
        await inventory.expire_due(GROUP)
        await take(inventory, "basile", 1)
    named = (lapsed.id, live.id)
    assert await inventory.promise(GROUP, "alice", "C1", named) == Expired((lapsed.id,))
    assert await states(inventory) == ({1: HELD, 2: HELD} if swept else {2: HELD})
    promised = await inventory.promise(GROUP, "alice", "C1", (live.id,))
    assert isinstance(promised, tuple)
    assert [item.id for item in promised] == [live.id]


async def test_an_empty_cart_promises_nothing(inventory: Inventory) -> None:
    assert await inventory.promise(GROUP, "alice", "C1") == Expired(())
    assert await inventory.pending_orders(GROUP) == {}


async def test_only_what_the_buyer_saw_is_promised(inventory: Inventory) -> None:
    (first,) = await take(inventory, "alice", 1)
    await take(inventory, "alice", 2)
    assert isinstance(await inventory.promise(GROUP, "alice", "C1", (first.id,)), Expired)
    assert await states(inventory) == {1: HELD, 2: HELD}


async def test_a_failed_payment_gives_everything_back_once(inventory: Inventory) -> None:
    await take(inventory, "alice", 1, 2)
    await inventory.promise(GROUP, "alice", "C1")
    assert await inventory.give_back(GROUP, "C1") == 2
    assert await inventory.give_back(GROUP, "C1") == 0
    assert await states(inventory) == {}
    assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}


async def test_a_refund_of_one_ticket_frees_one_seat(inventory: Inventory) -> None:
    items = await take(inventory, "alice", 1, 2)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    assert await inventory.give_back(GROUP, "C1", items[:1]) == 1
    assert await inventory.give_back(GROUP, "C1", items[:1]) == 0
    assert await states(inventory) == {2: SOLD}
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}


async def test_a_seat_that_now_belongs_to_another_order_is_not_touched(inventory: Inventory) -> None:
    items = await take(inventory, "alice", 1)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.give_back(GROUP, "C1")
    await take(inventory, "basile", 1)
    await inventory.promise(GROUP, "basile", "C2")
    assert await inventory.give_back(GROUP, "C1", items) == 0
    assert not await inventory.sell(GROUP, "C1")
    assert await states(inventory) == {1: PENDING}
    assert await inventory.sell(GROUP, "C2")
    assert await inventory.sell(GROUP, "C2")
    assert await states(inventory) == {1: SOLD}


async def test_a_scanned_ticket_shows_as_used_and_can_be_undone(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    assert not await inventory.mark_used(GROUP, TONIGHT, 1), "a seat that is only held cannot be used"
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    assert await inventory.mark_used(GROUP, TONIGHT, 1)
    assert not await inventory.mark_used(GROUP, TONIGHT, 1)
    assert await states(inventory) == {1: USED}
    assert await inventory.mark_used(GROUP, TONIGHT, 1, used=False)
    assert await states(inventory) == {1: SOLD}
    assert not await inventory.mark_used(GROUP, TONIGHT, -1)
    assert not await inventory.mark_used(GROUP, TONIGHT, 5000)


async def test_pending_orders_can_be_compared_with_the_ledger(inventory: Inventory) -> None:
    items = await take(inventory, "alice", 1)
    before = await inventory.now_ms(GROUP)
    await inventory.promise(GROUP, "alice", "C1")
    (order,) = (await inventory.pending_orders(GROUP)).values()
    assert (order.order, order.cart_ref) == ("C1", cart_ref("alice"))
    assert [item.id for item in order.items] == [item.id for item in items]
    assert before <= order.since_ms <= await inventory.now_ms(GROUP)
    await inventory.sell(GROUP, "C1")
    assert await inventory.pending_orders(GROUP) == {}


async def test_unnumbered_places_are_ordered_and_given_back(inventory: Inventory) -> None:
    held = await inventory.hold(request("alice", Quantity(FAIR, 3, 7, (EVENT,))))
    assert isinstance(held, Held)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    assert await inventory.give_back(GROUP, "C1", held.items[:2]) == 2
    assert await inventory.give_back(GROUP, "C1", held.items[:2]) == 0
    assert (await used(inventory))[EVENT] == 1


# Recall -------------------------------------------------------------------------------------------------------------


async def test_an_order_that_was_not_made_after_all_is_a_cart_again(inventory: Inventory, redis: Redis) -> None:
    items = await have(inventory, "alice", seats(1), Quantity(FAIR, 2, 7, (EVENT,)))
    await inventory.promise(GROUP, "alice", "C1")
    assert await inventory.recall(GROUP, "C1", "alice", ONLINE, 900) == 3
    again = await inventory.held(GROUP, "alice")
    assert [(i.id, i.performance, i.ordinal) for i in again] == [(i.id, i.performance, i.ordinal) for i in items]
    assert all(item.expires_at_ms >= items[0].expires_at_ms for item in again)
    assert await states(inventory) == {1: HELD}
    assert await inventory.pending_orders(GROUP) == {}
    assert await inventory.recall(GROUP, "C1", "alice", ONLINE, 900) == 0
    await lapse(redis, *again)
    assert await inventory.expire_due(GROUP) == 3
    assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}


async def test_a_recalled_order_may_go_into_another_cart_which_has_something_already(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    await inventory.promise(GROUP, "alice", "C1")
    await take(inventory, "counter", 2, owner=LEA)
    assert await inventory.recall(GROUP, "C1", "counter", LEA, 900) == 1
    assert [item.ordinal for item in await inventory.held(GROUP, "counter")] == [2, 1]
    assert (await inventory.snapshot(GROUP, TONIGHT)).owners[1].label == LEA.label
    assert isinstance(await inventory.promise(GROUP, "counter", "C2"), tuple)


async def test_sold_orders_and_unknown_ones_are_not_recalled(inventory: Inventory) -> None:
    await take(inventory, "alice", 1)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    for order in ("C1", "C9"):
        assert await inventory.recall(GROUP, order, "alice", ONLINE, 900) == 0
    assert await states(inventory) == {1: SOLD}


async def test_a_recalled_order_from_the_ledger_gets_ids_that_carts_can_name(redis: Redis, plan: Plan) -> None:
    pending = bytearray(30)
    pending[1] = PENDING
    orders = (OrderState("C1", sold=False, items=(HeldItem("T-77", TONIGHT, 1, 5, ALL),)),)
    inventory = Inventory(redis)
    await inventory.load(state(plan, states=bytes(pending), orders=orders))
    assert await inventory.recall(GROUP, "C1", "alice", ONLINE, 900) == 1
    (item,) = await inventory.held(GROUP, "alice")
    assert item.id.isdecimal()
    assert await inventory.release(GROUP, "alice", (item.id,)) == 1


async def test_sold_seats_have_no_owner_in_a_snapshot_the_ledger_names_them(inventory: Inventory) -> None:
    """LIVE-2: which is why a snapshot of a sold-out house costs no more than one of an empty house."""
    await take(inventory, "alice", 1, 2)
    await inventory.promise(GROUP, "alice", "C1")
    assert sorted((await inventory.snapshot(GROUP, TONIGHT)).owners) == [1, 2]
    await inventory.sell(GROUP, "C1")
    seen = await inventory.snapshot(GROUP, TONIGHT)
    assert (seen.owners, seen.states[1], seen.states[2]) == ({}, SOLD, SOLD)
