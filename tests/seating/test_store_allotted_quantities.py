"""Quantities kept back for whoever has the key; managers who take from it knowingly (AHEAD-2, QUO-5)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    ALLOTTED,
    HELD,
    SOLD,
    Allotment,
    BestSeats,
    Held,
    HeldItem,
    Inventory,
    OrderState,
    QuotaState,
)
from tests.seating.shop import (
    EVENT,
    FAIR,
    FULL,
    GROUP,
    KEYED,
    LEA,
    PRESS,
    SCHOOL,
    SEATED,
    TONIGHT,
    have,
    index_is_exact,
    lapse,
    places,
    press,
    refused,
    request,
    school,
    seats,
    shown,
    state,
    states,
    take,
    why_not,
)

# Quantities ---------------------------------------------------------------------------------------------------------


async def test_a_quantity_is_kept_back_of_its_quotas_and_counted_in_public(inventory: Inventory) -> None:
    """AHEAD-2: of 20 places 8 are the school's; the public sees 8 taken."""
    assert await inventory.allot(GROUP, school(8)) is None
    assert await shown(inventory) == (8, 20)
    assert await refused(inventory, "alice", places(13)) == [("quota_exhausted", -1, EVENT, 12)]
    await have(inventory, "alice", places(12))
    assert await shown(inventory) == (20, 20)
    items = await have(inventory, "teacher", places(3, allotment=SCHOOL), keys=(SCHOOL,))
    assert {item.allotment for item in items} == {SCHOOL}
    assert await shown(inventory) == (20, 20), "kept back before, used now"
    assert await refused(inventory, "basile", places(1)) == [("quota_exhausted", -1, EVENT, 0)]


async def test_a_quantity_needs_its_key_and_lasts_as_long_as_it_lasts(inventory: Inventory) -> None:
    await inventory.allot(GROUP, school(3))
    mine = places(2, allotment=SCHOOL)
    assert await refused(inventory, "alice", mine) == [("not_yours", -1, SCHOOL, 0)]
    await have(inventory, "teacher", mine, keys=(SCHOOL,))
    assert await refused(inventory, "teacher", mine, keys=(SCHOOL,)) == [("allotment_exhausted", -1, SCHOOL, 1)]
    two_lines = (places(1, allotment=SCHOOL), places(1, allotment=SCHOOL))
    assert await refused(inventory, "t", *two_lines, keys=(SCHOOL,)) == [("allotment_exhausted", -1, SCHOOL, 0)]
    assert await refused(inventory, "t", places(1, allotment="nobody"), keys=("nobody",)) == [
        ("unknown_allotment", -1, "nobody", 0)
    ]
    assert (await shown(inventory))[0] == 3


@pytest.mark.parametrize("way", ["given up", "lapsed", "sold and given back", "half of it"])
async def test_an_unused_place_returns_to_the_quantity(inventory: Inventory, redis: Redis, way: str) -> None:
    await inventory.allot(GROUP, school(3))
    items = await have(inventory, "teacher", places(2, allotment=SCHOOL), keys=(SCHOOL,))
    left = 3
    match way:
        case "given up":
            await inventory.release(GROUP, "teacher")
        case "lapsed":
            await lapse(redis, *items)
            await inventory.expire_due(GROUP)
        case "half of it":
            await inventory.release(GROUP, "teacher", (items[0].id,))
            left = 2
        case _:
            await inventory.promise(GROUP, "teacher", "C1")
            await inventory.sell(GROUP, "C1")
            assert await inventory.give_back(GROUP, "C1", items) == 2
    assert (await shown(inventory))[0] == 3
    more = places(left + 1, allotment=SCHOOL)
    assert await refused(inventory, "t", more, keys=(SCHOOL,)) == [("allotment_exhausted", -1, SCHOOL, left)]
    assert await have(inventory, "t", places(left, allotment=SCHOOL), keys=(SCHOOL,))


@pytest.mark.parametrize("dated", [False, True])
async def test_a_released_quantity_is_on_sale_again(inventory: Inventory, dated: bool) -> None:
    await inventory.allot(GROUP, school(8, release_at_ms=await inventory.now_ms(GROUP) - 1 if dated else None))
    if not dated:
        await have(inventory, "teacher", places(3, allotment=SCHOOL), keys=(SCHOOL,))
        assert await inventory.release_allotment(GROUP, SCHOOL) == 5
        await inventory.release(GROUP, "teacher")
    else:
        assert await inventory.expire_due(GROUP) == 8
    assert await shown(inventory) == (0, 20)
    assert await have(inventory, "alice", places(20))


async def test_no_more_is_kept_back_than_there_is(inventory: Inventory) -> None:
    await have(inventory, "alice", places(15))
    assert await why_not(inventory.allot(GROUP, school(6))) == [("quota_exhausted", -1, EVENT, 5)]
    assert await inventory.allot(GROUP, school(3)) is None
    assert await why_not(inventory.allot(GROUP, school(3))) == [("quota_exhausted", -1, EVENT, 2)]
    assert await inventory.allot(GROUP, school(2)) is None
    assert await shown(inventory) == (20, 20)


async def test_an_allotment_counts_against_the_same_quotas_throughout(inventory: Inventory) -> None:
    await inventory.allot(GROUP, school(3))
    other = Allotment(SCHOOL, "École Léo", FAIR, quantity=2, quotas=(FULL,))
    assert await why_not(inventory.allot(GROUP, other)) == [("unknown_allotment", -1, SCHOOL, 0)]
    seats_too = Allotment("both", "Both", TONIGHT, (3,), quantity=2, quotas=(EVENT,))
    assert await why_not(inventory.allot(GROUP, seats_too)) == [("unknown_allotment", -1, "both", 0)]
    assert await states(inventory) == {}
    assert (await shown(inventory))[0] == 3


# Overrides and loads ------------------------------------------------------------------------------------------------


async def test_a_manager_takes_an_allotted_seat_knowingly(inventory: Inventory) -> None:
    """QUO-5: and it returns to the allotment."""
    await inventory.allot(GROUP, press(3))
    held = await inventory.hold(request("boss", seats(3), owner=LEA, exceed=("allotments",)))
    assert isinstance(held, Held)
    assert [(each.code, each.ordinal) for each in held.exceeded] == [("not_yours", 3)]
    assert held.items[0].exceeded
    await inventory.release(GROUP, "boss")
    assert await states(inventory) == {3: ALLOTTED}


async def test_a_manager_sells_what_is_kept_back_knowingly(inventory: Inventory) -> None:
    """QUO-5: not more than there is, though."""
    await inventory.allot(GROUP, school(8))
    await have(inventory, "alice", places(10))
    held = await inventory.hold(request("boss", places(4), owner=LEA, exceed=("allotments",)))
    assert isinstance(held, Held)
    assert [(each.code, each.quota, each.left) for each in held.exceeded] == [("quota_exhausted", EVENT, 2)]
    assert await refused(inventory, "boss", places(7), exceed=("allotments",)) == [("quota_exhausted", -1, EVENT, 6)]
    # What is used and kept is more than there is now; of the school's eight, six can still be had.
    within = await inventory.hold(request("other boss", places(1, allotment=SCHOOL), exceed=("allotments",)))
    assert isinstance(within, Held)
    assert [(each.code, each.quota) for each in within.exceeded] == [("not_yours", SCHOOL)]
    await have(inventory, "teacher", places(5, allotment=SCHOOL), keys=(SCHOOL,))
    last = places(1, allotment=SCHOOL)
    assert await refused(inventory, "teacher", last, keys=(SCHOOL,)) == [("quota_exhausted", -1, EVENT, 0)]


async def test_who_has_a_key_gets_no_more_of_the_quota_along_with_it(inventory: Inventory) -> None:
    await inventory.allot(GROUP, school(8))
    lines = (places(2, allotment=SCHOOL), places(13))
    assert await refused(inventory, "teacher", *lines, keys=(SCHOOL,)) == [("quota_exhausted", -1, EVENT, 14)]
    best = BestSeats(TONIGHT, 3, 5, (EVENT,))
    lines = (places(2, allotment=SCHOOL), places(10))
    assert await refused(inventory, "teacher", *lines, best, keys=(SCHOOL,)) == [("quota_exhausted", -1, EVENT, 2)]
    await have(inventory, "teacher", places(8, allotment=SCHOOL), places(12), keys=(SCHOOL,))


async def test_what_was_not_exceeded_is_not_told(inventory: Inventory) -> None:
    await inventory.allot(GROUP, school(8))
    everything = ("quotas", "order_limits", "allotments", "blocked")
    held = await inventory.hold(request("boss", places(4), seats(3), owner=LEA, exceed=everything))
    assert isinstance(held, Held)
    assert held.exceeded == ()
    assert not any(item.exceeded for item in held.items)


async def test_allotments_come_back_from_the_ledger_with_what_has_been_taken_of_them(redis: Redis, plan: Plan) -> None:
    """LIVE-10: after a flush, and in use."""
    inventory = Inventory(redis)
    sold = bytearray(30)
    sold[3] = SOLD
    places_of = (
        HeldItem("T1", TONIGHT, 3, 5, (EVENT,), allotment=PRESS),
        HeldItem("T2", FAIR, -1, 5, (EVENT,), allotment=SCHOOL),
    )
    known = state(
        plan,
        states=bytes(sold),
        quotas=(QuotaState(EVENT, 20, 2), QuotaState(SEATED, 12, 0), QuotaState(FULL, None, 0)),
        orders=(OrderState("C1", sold=True, items=places_of),),
        allotments=(press(3, 4, 5, seat_keys={5: "own"}), school(8)),
    )
    await inventory.load(known)
    assert await states(inventory) == {3: SOLD, 4: ALLOTTED, 5: ALLOTTED}
    assert await shown(inventory) == (2 + 7, 20)
    await take(inventory, "reporter", 4, **KEYED)
    await have(inventory, "teacher", places(2, allotment=SCHOOL), keys=(SCHOOL,))
    await inventory.load(known, only_if_missing=False)
    assert await states(inventory) == {3: SOLD, 4: HELD, 5: ALLOTTED}
    assert await shown(inventory) == (2 + 7 + 1, 20)
    assert await refused(inventory, "reporter", seats(5), **KEYED) == [("not_yours", 5, "", 0)]
    assert await inventory.give_back(GROUP, "C1") == 2
    await inventory.release(GROUP, "reporter")
    await inventory.release(GROUP, "teacher")
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED, 5: ALLOTTED}
    assert await shown(inventory) == (8, 20)
    await inventory.pulse(GROUP)
    assert await index_is_exact(redis, plan)


async def test_a_quantity_made_smaller_than_what_is_out_keeps_nothing_back_until_enough_is_back(
    inventory: Inventory, plan: Plan
) -> None:
    await inventory.allot(GROUP, school(5))
    items = await have(inventory, "teacher", places(4, allotment=SCHOOL), keys=(SCHOOL,))
    await inventory.load(state(plan, allotments=(school(2),)), only_if_missing=False)
    assert await shown(inventory) == (4, 20)
    await inventory.release(GROUP, "teacher", (items[0].id,))
    assert await shown(inventory) == (3, 20)
    await inventory.release(GROUP, "teacher")
    assert await shown(inventory) == (2, 20)
    assert await inventory.release_allotment(GROUP, SCHOOL) == 2
    assert await shown(inventory) == (0, 20)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ((press(3), press(4)), "ids are unique"),
        ((Allotment("!", "Off", TONIGHT, (3,)),), "begin with no"),
        ((press(30),), "has no such seats"),
        ((Allotment(PRESS, "Press", 99, (3,)),), "has no such seats"),
    ],
)
async def test_allotments_that_contradict_themselves_are_the_callers_fault(
    redis: Redis, plan: Plan, bad: tuple[Allotment, ...], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        await Inventory(redis).load(state(plan, allotments=bad))
