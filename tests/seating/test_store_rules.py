"""What an order must look like (TAR-1, TAR-5), what a manager may pass over (QUO-5), and passes of several places."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from seating.store import (
    ALLOTTED,
    BLOCKED,
    HELD,
    Allotment,
    BestSeats,
    Expired,
    Held,
    Inventory,
    OrderRule,
    Quantity,
    Refusal,
    RowByRow,
)
from tests.seating.shop import (
    ALL,
    EVENT,
    FAIR,
    GROUP,
    SEATED,
    TOMORROW,
    TONIGHT,
    have,
    lapse,
    refused,
    request,
    seats,
    states,
    take,
    used,
)

CHILD, ADULT, BOOKLET = 1, 2, 3
FAMILY = OrderRule("family", (CHILD,), at_most=3, needs=(ADULT,))
GROUPS = OrderRule("groups", (ADULT,), at_least=2)
FEE = OrderRule("booklet", (BOOKLET,), at_least=1, mandatory=True)
WHOLE = OrderRule("order", at_most=4)


def tickets(tariff: int, count: int, **more: Any) -> Quantity:
    return Quantity(FAIR, count, tariff, (EVENT,), **more)


async def broken(inventory: Inventory, cart: str, *rules: OrderRule) -> list[tuple[str, str, int]]:
    refusal = await inventory.promise(GROUP, cart, f"C-{cart}", rules=rules)
    assert isinstance(refusal, Refusal), refusal
    return [(each.code, each.quota, each.left) for each in refusal.reasons]


async def test_an_order_has_at_most_so_many_places_over_all_its_requests(inventory: Inventory) -> None:
    """TAR-1: each hold is told what is left."""
    await have(inventory, "alice", tickets(CHILD, 2), rules=(FAMILY, WHOLE))
    assert await refused(inventory, "alice", tickets(CHILD, 2), rules=(FAMILY, WHOLE)) == [
        ("order_limit", -1, "family", 1)
    ]
    assert await refused(inventory, "alice", tickets(ADULT, 3), rules=(FAMILY, WHOLE)) == [
        ("order_limit", -1, "order", 2)
    ]
    await have(inventory, "alice", seats(3, tariff=ADULT), rules=(FAMILY, WHOLE))
    best = BestSeats(TONIGHT, 2, CHILD, ALL)
    assert await refused(inventory, "alice", best, rules=(FAMILY, WHOLE)) == [
        ("order_limit", -1, "family", 1), ("order_limit", -1, "order", 1),
    ]  # fmt: skip
    assert await states(inventory) == {3: HELD}
    await have(inventory, "basile", tickets(CHILD, 3), rules=(FAMILY, WHOLE))


async def test_what_was_given_up_or_has_lapsed_no_longer_counts_against_the_limit(
    inventory: Inventory, redis: Redis
) -> None:
    first, second = await have(inventory, "alice", tickets(CHILD, 2), rules=(FAMILY,))
    await inventory.release(GROUP, "alice", (first.id,))
    await lapse(redis, second)
    await have(inventory, "alice", tickets(CHILD, 3), rules=(FAMILY,))


async def test_a_limit_of_zero_allows_none_and_other_tariffs_do_not_count(inventory: Inventory) -> None:
    none = OrderRule("none", (CHILD,), at_most=0)
    assert await refused(inventory, "alice", tickets(CHILD, 1), rules=(none,)) == [("order_limit", -1, "none", 0)]
    await have(inventory, "alice", tickets(ADULT, 5), rules=(none,))


async def test_minimum_mandatory_and_needed_tariffs_are_asked_of_the_whole_order(inventory: Inventory) -> None:
    """TAR-1, TAR-5: a cart may be filled in any order."""
    rules = (FAMILY, GROUPS, FEE)
    await have(inventory, "alice", tickets(CHILD, 1), rules=rules)
    assert await broken(inventory, "alice", *rules) == [("order_needs", "family", 0), ("order_minimum", "booklet", 1)]
    await have(inventory, "alice", tickets(ADULT, 1), rules=rules)
    assert await broken(inventory, "alice", *rules) == [("order_minimum", "groups", 1), ("order_minimum", "booklet", 1)]
    await have(inventory, "alice", tickets(BOOKLET, 1), tickets(ADULT, 1), rules=rules)
    assert len(await inventory.held(GROUP, "alice")) == 4, "a refused promise leaves the cart as it is"
    promised = await inventory.promise(GROUP, "alice", "C1", rules=rules)
    assert isinstance(promised, tuple)
    assert sorted(item.tariff for item in promised) == [CHILD, ADULT, ADULT, BOOKLET]


async def test_a_limit_lowered_after_the_hold_is_kept_by_the_order(inventory: Inventory) -> None:
    await have(inventory, "alice", tickets(CHILD, 3), tickets(ADULT, 1))
    lowered = OrderRule("family", (CHILD,), at_most=2)
    assert await broken(inventory, "alice", lowered) == [("order_limit", "family", 2)]


async def test_an_empty_cart_is_expired_rather_than_against_the_rules(inventory: Inventory) -> None:
    assert await inventory.promise(GROUP, "alice", "C1", rules=(FEE,)) == Expired(())


async def test_a_manager_passes_over_an_orders_limit_knowingly_and_the_order_keeps_it(inventory: Inventory) -> None:
    """QUO-5."""
    held = await inventory.hold(
        request("boss", tickets(CHILD, 5), tickets(ADULT, 1), rules=(FAMILY,), exceed=("order_limits",))
    )
    assert isinstance(held, Held)
    assert [(each.code, each.quota, each.left) for each in held.exceeded] == [("order_limit", "family", 3)]
    assert isinstance(await inventory.promise(GROUP, "boss", "C1", rules=(FAMILY,)), tuple)


async def test_an_override_of_one_thing_is_none_of_another(inventory: Inventory) -> None:
    """QUO-5: knowingly means by name."""
    await inventory.set_limits(GROUP, {EVENT: 2})
    await inventory.block(GROUP, TONIGHT, (3,))
    await inventory.allot(GROUP, Allotment("press", "Press", TONIGHT, (4,)))
    lines = (tickets(CHILD, 4), seats(3, 4, quotas=()))
    everything = {"order_limits": ("order_limit", -1, "family", 3), "quotas": ("quota_exhausted", -1, EVENT, 2),
                  "blocked": ("seat_taken", 3, "", 0), "allotments": ("not_yours", 4, "", 0)}  # fmt: skip
    for left_out in everything:
        exceed = tuple(each for each in everything if each != left_out)
        assert await refused(inventory, "boss", *lines, rules=(FAMILY,), exceed=exceed) == [everything[left_out]]
        assert await states(inventory) == {3: BLOCKED, 4: ALLOTTED}
    held = await inventory.hold(request("boss", *lines, rules=(FAMILY,), exceed=tuple(everything)))
    assert isinstance(held, Held)
    told = {(each.code, each.ordinal, each.quota, each.left) for each in held.exceeded}
    assert told == set(everything.values())
    assert all(item.exceeded for item in held.items)


async def test_a_blocked_seat_taken_knowingly_is_off_sale_again_when_it_is_given_back(inventory: Inventory) -> None:
    await inventory.block(GROUP, TONIGHT, (3, 4))
    for way in ("released", "sold and given back"):
        held = await inventory.hold(request("boss", seats(3, 4), exceed=("blocked",)))
        assert isinstance(held, Held)
        assert await states(inventory) == {3: HELD, 4: HELD}
        if way == "released":
            await inventory.release(GROUP, "boss")
        else:
            await inventory.promise(GROUP, "boss", "C1")
            await inventory.sell(GROUP, "C1")
            await inventory.give_back(GROUP, "C1")
        assert await states(inventory) == {3: BLOCKED, 4: BLOCKED}


@pytest.mark.parametrize("kind", [BestSeats, RowByRow])
async def test_every_quota_that_best_seats_pass_over_is_told(
    inventory: Inventory, kind: type[BestSeats] | type[RowByRow]
) -> None:
    """QUO-5: the journal keeps them all, whoever chose the seats."""
    await inventory.set_limits(GROUP, {EVENT: 1, SEATED: 0})
    held = await inventory.hold(request("boss", kind(TONIGHT, 2, 5, ALL), exceed=("quotas",)))
    assert isinstance(held, Held)
    told = sorted((each.code, each.quota, each.left) for each in held.exceeded)
    assert told == [("quota_exhausted", EVENT, 1), ("quota_exhausted", SEATED, 0)]


async def test_a_sold_seat_is_nobodys_to_override(inventory: Inventory) -> None:
    """LIVE-10: managers may pass over a quota, never over a sale or a hold."""
    await take(inventory, "alice", 3)
    await take(inventory, "basile", 4)
    await inventory.promise(GROUP, "basile", "C1")
    everything = ("quotas", "order_limits", "allotments", "blocked")
    for ordinal in (3, 4):
        assert await refused(inventory, "boss", seats(ordinal), exceed=everything) == [("seat_taken", ordinal, "", 0)]


# Passes of several places -------------------------------------------------------------------------------------------


async def test_the_parts_of_a_pass_are_given_up_together(inventory: Inventory) -> None:
    pass_of = (seats(3, bundle="p1"), seats(3, performance=TOMORROW, quotas=(EVENT,), bundle="p1"),
               tickets(ADULT, 1, bundle="p1"))  # fmt: skip
    items = await have(inventory, "alice", *pass_of, seats(4, bundle="p2"), seats(5))
    assert [item.bundle for item in items] == ["p1", "p1", "p1", "p2", ""]
    assert await inventory.release(GROUP, "alice", (items[1].id,)) == 3
    assert await states(inventory) == {4: HELD, 5: HELD}
    assert await states(inventory, TOMORROW) == {}
    assert (await used(inventory))[EVENT] == 2
    assert await inventory.release(GROUP, "alice", (items[4].id,)) == 1
    assert [item.bundle for item in await inventory.held(GROUP, "alice")] == ["p2"]


async def test_places_of_no_pass_are_no_pass(inventory: Inventory) -> None:
    first, _ = await have(inventory, "alice", seats(3), seats(4))
    assert await inventory.release(GROUP, "alice", (first.id,)) == 1


async def test_two_seats_of_a_bundle_in_one_line_go_together_and_anothers_do_not(inventory: Inventory) -> None:
    first, *_ = await have(inventory, "alice", seats(3, 4, bundle="p1"))
    await have(inventory, "basile", seats(5, bundle="p1"))
    assert await inventory.release(GROUP, "alice", (first.id,)) == 2
    assert await states(inventory) == {5: HELD}
