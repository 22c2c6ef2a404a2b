"""A cart over several groups: all or nothing, and what is left when it cannot be (ORD-1, LIVE-7)."""

from __future__ import annotations

import asyncio

import pytest

from seating.baskets import (
    BasketHeld,
    BasketRefusal,
    Baskets,
    BasketUnavailable,
    GroupOrder,
    in_order,
    orders_in_order,
    to_recall,
)
from seating.store import (
    HELD,
    PENDING,
    BestSeats,
    Expired,
    GroupMissing,
    Held,
    HeldItem,
    HoldRequest,
    OrderRule,
    Quantity,
    Refusal,
)
from tests.seating.booth import (
    BUYER,
    FAIR,
    LEA,
    QUOTA,
    SEATED,
    Booth,
    Fault,
    Faulty,
    orders,
    seats,
    wish,
)
from tests.seating.cluster import Stores
from tests.seating.shop import lapse


@pytest.fixture
async def booth(stores: Stores) -> Booth:
    """Three groups, on one Redis and on three masters of a cluster."""
    booth = Booth(stores.client, stores.groups)
    await booth.load()
    return booth


# Planning -----------------------------------------------------------------------------------------------------------


def test_every_basket_is_taken_in_the_same_order_and_can_be_asked_again() -> None:
    """Two that cross each other meet in the same group first."""
    one, two = in_order([wish("b", seats(1)), wish("a", seats(1), id="mine")])
    assert (one.group, two.group) == ("a", "b")
    assert one.request_id == "mine"
    assert two.request_id
    assert [each.group for each in orders_in_order(orders(("c", "a", "b")))] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [wish("a", seats(1)), wish("a", seats(2))],
        [wish("a", seats(1)), wish("b", seats(1), cart="basile")],
        [wish("a", seats(1)), wish("b")],
        [wish("a", seats(1)), wish("b", seats(1), ttl_s=0)],
    ],
)
def test_what_is_no_basket_is_the_callers_fault(requests: list[HoldRequest]) -> None:
    with pytest.raises(ValueError, match=r"^a (basket|request|hold)"):
        in_order(requests)


def test_only_what_this_call_promised_is_recalled() -> None:
    """An order that was there may have been paid meanwhile."""
    item, other = (HeldItem(id, SEATED, 1, 1, ()) for id in ("1", "2"))
    wanted = orders_in_order(orders("abcd"))
    before = {"a": (item,), "b": (other,), "c": (item,), "d": ()}
    promised = {"a": (item,), "b": (item,)}
    assert to_recall(wanted, before, promised, None) == ((wanted[0],), ("b",))
    assert to_recall(wanted, before, promised, wanted[2]) == ((wanted[0], wanted[2]), ("b",))
    assert to_recall(wanted, before, promised, wanted[3]) == ((wanted[0],), ("b",))


# Holding ------------------------------------------------------------------------------------------------------------


async def test_a_basket_is_held_in_all_its_groups(booth: Booth) -> None:
    a, b, c = booth.groups
    held = await booth.baskets.hold(
        [wish(c, seats(0)), wish(a, seats(1, 2)), wish(b, BestSeats(SEATED, 2, 1, (QUOTA,)))]
    )
    assert isinstance(held, BasketHeld)
    assert list(held.groups) == [a, b, c]
    assert held.expires_at_ms == min(each.expires_at_ms for each in held.groups.values())
    assert await booth.baskets.held("alice", booth.groups) == {group: held.groups[group].items for group in (a, b, c)}
    assert await booth.used() == [2, 2, 1]


async def test_a_refusal_names_its_group_and_gives_back_exactly_what_this_call_took(booth: Booth) -> None:
    a, b, c = booth.groups
    before = await booth.take("alice", a, 0)
    await booth.take("basile", c, 3)
    answer = await booth.baskets.hold([wish(group, seats(3)) for group in (a, b, c)])
    assert isinstance(answer, BasketRefusal)
    assert (answer.group, answer.left) == (c, ())
    assert isinstance(answer.why, Refusal)
    assert [(why.code, why.ordinal) for why in answer.why.reasons] == [("seat_taken", 3)]
    assert await booth.baskets.held("alice", booth.groups) == {a: before, b: (), c: ()}
    assert await booth.states() == [{0: HELD}, {}, {3: HELD}]
    assert await booth.faults() == []


async def test_a_group_that_is_not_loaded_is_named_and_the_others_are_given_back(booth: Booth) -> None:
    a, b, _ = booth.groups
    with pytest.raises(GroupMissing, match="zz"):
        await booth.baskets.hold([wish(a, seats(1)), wish(b, seats(1)), wish("zz", seats(1))])
    assert await booth.states() == [{}, {}, {}]


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_server_that_goes_away_in_the_middle_costs_nothing_once_it_is_back(booth: Booth, fault: Fault) -> None:
    """Whether its step was done or not, which nobody knows."""
    a, b, _ = booth.groups
    booth.inventory.faults = iter(("", fault))
    with pytest.raises(BasketUnavailable) as unavailable:
        await booth.baskets.hold([wish(group, seats(3)) for group in (a, b)])
    assert (unavailable.value.group, unavailable.value.left) == (b, ())
    assert await booth.states() == [{}, {}, {}]
    assert await booth.faults() == []


async def test_what_cannot_be_given_back_is_named_and_found_again_by_the_same_requests(booth: Booth) -> None:
    """The process that died between two groups leaves the same."""
    a, b, _ = booth.groups
    basket = [wish(group, seats(3), id=f"r-{group}") for group in (a, b)]
    booth.inventory.faults = iter(("", "after", "before", "before"))
    with pytest.raises(BasketUnavailable) as unavailable:
        await booth.baskets.hold(basket)
    assert unavailable.value.left == (a, b)
    left = await booth.baskets.held("alice", (a, b))
    assert [len(items) for items in left.values()] == [1, 1]
    held = await booth.baskets.hold(basket)
    assert isinstance(held, BasketHeld)
    assert {group: each.items for group, each in held.groups.items()} == left
    assert await booth.used() == [1, 1, 0]


async def test_what_nobody_came_back_for_lapses(booth: Booth) -> None:
    """LIVE-7."""
    a, b, _ = booth.groups
    booth.inventory.faults = iter(("", "before", "before", "before"))
    with pytest.raises(BasketUnavailable):
        await booth.baskets.hold([wish(group, seats(3), ttl_s=1) for group in (a, b)])
    async with asyncio.timeout(60):
        while await booth.inventory.expire_due(a) == 0:
            await asyncio.sleep(0.05)
    assert await booth.states() == [{}, {}, {}]
    assert await booth.used() == [0, 0, 0]


async def test_whoever_is_cancelled_in_the_middle_holds_nothing(booth: Booth) -> None:
    a, b, _ = booth.groups
    asked = asyncio.Event()

    class Slow(Faulty):
        async def hold(self, request: HoldRequest) -> Held | Refusal:
            answer = await super().hold(request)
            if request.group == b and not asked.is_set():
                asked.set()
                await asyncio.Event().wait()
            return answer

    basket = asyncio.create_task(Baskets(Slow(booth.client)).hold([wish(group, seats(3)) for group in (a, b)]))
    await asked.wait()
    assert await booth.states() == [{3: HELD}, {3: HELD}, {}]
    basket.cancel()
    with pytest.raises(asyncio.CancelledError):
        await basket
    assert await booth.states() == [{}, {}, {}]


# Ordering -----------------------------------------------------------------------------------------------------------


async def test_a_basket_becomes_an_order_in_each_group(booth: Booth) -> None:
    """ORD-1."""
    for group in booth.groups:
        await booth.take("alice", group, 1)
    promised = await booth.baskets.promise("alice", BUYER, orders(booth.groups))
    assert isinstance(promised, dict)
    assert {group: [item.ordinal for item in items] for group, items in promised.items()} == {
        group: [1] for group in booth.groups
    }
    assert await booth.baskets.promise("alice", BUYER, orders(booth.groups)) == promised, "again, the first answer"
    assert await booth.states() == [{1: PENDING}] * 3


async def test_when_one_group_has_lapsed_the_others_are_held_again_for_no_longer_than_before(booth: Booth) -> None:
    a, b, c = booth.groups
    kept = await booth.take("alice", a, 1, 2)
    await booth.take("alice", b, 1)
    await booth.inventory.hold(wish(a, Quantity(FAIR, 1, 1, (QUOTA,)), ttl_s=300))
    before = await booth.baskets.held("alice", (a, b))
    await lapse(booth.client, *await booth.take("alice", c, 1), tag=f"{{g:{c}}}")
    began_s = asyncio.get_running_loop().time()
    answer = await booth.baskets.promise("alice", BUYER, orders(booth.groups))
    took_ms = (asyncio.get_running_loop().time() - began_s) * 1000
    assert answer == BasketRefusal(c, Expired(()))
    after = await booth.baskets.held("alice", (a, b))
    assert [[item.id for item in items] for items in after.values()] == [
        [item.id for item in items] for items in before.values()
    ]
    assert kept[0].id in {item.id for item in after[a]}
    for group in (a, b):
        earliest = min(item.expires_at_ms for item in before[group])
        # In whole seconds, rounded down. Only a machine that stood still amid the call may have made it more.
        assert all(earliest - 60_000 < item.expires_at_ms <= earliest + took_ms for item in after[group])
    assert [await booth.inventory.pending_orders(group) for group in booth.groups] == [{}, {}, {}]
    assert isinstance(await booth.baskets.promise("alice", BUYER, orders((a, b))), dict)


async def test_a_broken_rule_in_one_group_promises_nothing_in_any(booth: Booth) -> None:
    """TAR-5."""
    a, b, _ = booth.groups
    items = [*await booth.take("alice", a, 1), *await booth.take("alice", b, 1)]
    rule = OrderRule("at least two", at_least=2)
    wanted = [GroupOrder(a, "A", (items[0].id,)), GroupOrder(b, "B", (items[1].id,), (rule,))]
    answer = await booth.baskets.promise("alice", BUYER, wanted)
    assert isinstance(answer, BasketRefusal)
    assert (answer.group, answer.left) == (b, ())
    assert isinstance(answer.why, Refusal)
    assert await booth.states() == [{1: HELD}, {1: HELD}, {}]


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_promise_that_may_have_been_made_is_taken_back(booth: Booth, fault: Fault) -> None:
    a, b, _ = booth.groups
    for group in (a, b):
        await booth.take("alice", group, 1)
    before = await booth.everything()
    booth.inventory.faults = iter(("", fault))
    with pytest.raises(BasketUnavailable) as unavailable:
        await booth.baskets.promise("alice", BUYER, orders((a, b)))
    assert (unavailable.value.group, unavailable.value.left) == (b, ())
    assert await booth.everything() == before


async def test_an_order_that_was_promised_before_is_left_to_those_who_know_whether_it_is_paid(booth: Booth) -> None:
    """A process died after the first group; its successor makes the same call."""
    a, b, _ = booth.groups
    await booth.take("alice", a, 1)
    await booth.inventory.promise(a, "alice", f"C-{a}")
    answer = await booth.baskets.promise("alice", BUYER, orders((a, b)))
    assert answer == BasketRefusal(b, Expired(()), (a,))
    assert await booth.states() == [{1: PENDING}, {}, {}]
    await booth.take("alice", b, 1)
    assert isinstance(await booth.baskets.promise("alice", BUYER, orders((a, b))), dict)
    assert await booth.states() == [{1: PENDING}, {1: PENDING}, {}]


# All of it ----------------------------------------------------------------------------------------------------------


async def test_a_basket_is_prolonged_moved_and_given_up_as_a_whole(booth: Booth) -> None:
    a, b, c = booth.groups
    for group in (a, b):
        await booth.take("alice", group, 1)
    assert await booth.baskets.extend("alice", booth.groups, 3600) == {a: 1, b: 1, c: 0}
    assert await booth.baskets.move("alice", "till", booth.groups, LEA, 900) == {a: 1, b: 1, c: 0}
    assert await booth.everything(carts=("alice",)) == {}
    assert set(await booth.everything(carts=("till",))) == {f"{a} till", f"{b} till"}
    assert await booth.baskets.release("till", booth.groups) == {a: 1, b: 1, c: 0}
    assert await booth.states() == [{}, {}, {}]


async def test_a_group_that_cannot_be_reached_stops_no_other_and_the_next_call_does_the_rest(booth: Booth) -> None:
    for group in booth.groups:
        await booth.take("alice", group, 1)
    booth.inventory.faults = iter(("", "before", ""))
    with pytest.raises(BasketUnavailable) as unavailable:
        await booth.baskets.release("alice", booth.groups)
    assert unavailable.value.group == booth.groups[1]
    assert await booth.states() == [{}, {1: HELD}, {}]
    assert await booth.baskets.release("alice", booth.groups) == dict(zip(booth.groups, (0, 1, 0), strict=True))
    with pytest.raises(GroupMissing, match="zz"):
        await booth.baskets.held("alice", [*booth.groups, "zz"])
