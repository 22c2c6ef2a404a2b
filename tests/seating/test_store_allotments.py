"""Seats and quantities kept for whoever has the key, released by hand or at a date (AHEAD-2, SEA-8)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    SOLD,
    Allotment,
    BestSeats,
    GroupState,
    Held,
    HeldItem,
    Inventory,
    OrderState,
    PerformanceState,
    Quantity,
    QuotaState,
    Refusal,
    RowByRow,
)
from tests.seating.houses import labels, sketch
from tests.seating.shop import (
    ALL,
    EVENT,
    FAIR,
    FULL,
    GROUP,
    LEA,
    SEATED,
    TAG,
    TOMORROW,
    TONIGHT,
    have,
    index_is_exact,
    lapse,
    refused,
    request,
    seats,
    state,
    states,
    take,
    used,
)

PRESS, SCHOOL = "press", "school"
KEYED = {"keys": (PRESS,)}


def press(*ordinals: int, **more: Any) -> Allotment:
    return Allotment(PRESS, "Press", TONIGHT, ordinals, **more)


def school(quantity: int, **more: Any) -> Allotment:
    return Allotment(SCHOOL, "École Léo", FAIR, quantity=quantity, quotas=(EVENT,), **more)


def places(count: int, **more: Any) -> Quantity:
    return Quantity(FAIR, count, 5, (EVENT,), **more)


async def shown(inventory: Inventory) -> tuple[int, int | None]:
    """The public counter of the event."""
    return (await inventory.snapshot(GROUP, TONIGHT)).quotas[EVENT]


async def reasons(answer: Awaitable[Refusal | None]) -> list[tuple[str, int, str, int]]:
    refusal = await answer
    assert isinstance(refusal, Refusal)
    return [(each.code, each.ordinal, each.quota, each.left) for each in refusal.reasons]


# Seats --------------------------------------------------------------------------------------------------------------


async def test_an_allotted_seat_is_had_only_by_who_has_the_key(inventory: Inventory, redis: Redis, plan: Plan) -> None:
    """AHEAD-2: and the plan shows whose it is."""
    assert await inventory.allot(GROUP, press(3, 4)) is None
    seen = await inventory.snapshot(GROUP, TONIGHT)
    assert (seen.states[3], seen.owners[3].kind, seen.owners[3].label) == (ALLOTTED, "allotment", "Press")
    assert await refused(inventory, "alice", seats(3)) == [("not_yours", 3, "", 0)]
    assert await refused(inventory, "alice", seats(3), keys=(SCHOOL,)) == [("not_yours", 3, "", 0)]
    (item,) = await take(inventory, "reporter", 3, **KEYED)
    assert item.allotment == PRESS
    assert await states(inventory) == {3: HELD, 4: ALLOTTED}
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}
    assert await index_is_exact(redis, plan)


async def test_best_seats_leave_allotted_seats_alone_unless_they_are_asked_for(
    inventory: Inventory, plan: Plan
) -> None:
    """LIVE-8: the best three of the house are the press's."""
    await inventory.allot(GROUP, press(3, 4, 5))
    mine = BestSeats(TONIGHT, 3, 5, ALL)
    await have(inventory, "alice", mine)
    assert not {3, 4, 5} & set(await states(inventory)) - {3, 4, 5}
    assert {o for o, each in (await states(inventory)).items() if each == ALLOTTED} == {3, 4, 5}
    theirs = BestSeats(TONIGHT, 3, 5, ALL, allotment=PRESS)
    assert await refused(inventory, "basile", theirs) == [("not_yours", -1, PRESS, 0)]
    items = await have(inventory, "reporter", theirs, **KEYED)
    assert labels(plan, (item.ordinal for item in items)) == ["A4", "A5", "A6"]
    assert {item.allotment for item in items} == {PRESS}
    assert await refused(inventory, "late", theirs, **KEYED) == [("not_enough_seats", -1, "", 0)]
    unknown = BestSeats(TONIGHT, 1, 5, ALL, allotment="nobody")
    assert await refused(inventory, "late", unknown, keys=("nobody",)) == [("unknown_allotment", -1, "nobody", 0)]


async def test_stock_is_printed_from_an_allotment_row_by_row(inventory: Inventory) -> None:
    """SEA-10."""
    await inventory.allot(GROUP, press(0, 1, 2, 10, 11))
    items = await have(inventory, "desk", RowByRow(TONIGHT, 4, 5, ALL, allotment=PRESS), **KEYED)
    assert len(items) == 4
    assert {item.ordinal for item in items} < {0, 1, 2, 10, 11}
    await inventory.release(GROUP, "desk")
    assert await states(inventory) == dict.fromkeys((0, 1, 2, 10, 11), ALLOTTED)


@pytest.mark.parametrize("way", ["given up", "lapsed", "order given back", "sold and given back", "moved and given up"])
async def test_what_is_not_bought_returns_to_its_allotment(
    inventory: Inventory, redis: Redis, plan: Plan, way: str
) -> None:
    await inventory.allot(GROUP, press(3, 4))
    items = await take(inventory, "reporter", 3, **KEYED)
    match way:
        case "given up":
            await inventory.release(GROUP, "reporter")
        case "lapsed":
            await lapse(redis, *items)
            await inventory.expire_due(GROUP)
        case "moved and given up":
            await inventory.move(GROUP, "reporter", "counter", LEA, 900)
            await inventory.release(GROUP, "counter")
        case _:
            await inventory.promise(GROUP, "reporter", "C1")
            if way.startswith("sold"):
                await inventory.sell(GROUP, "C1")
            await inventory.give_back(GROUP, "C1")
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED}
    assert await index_is_exact(redis, plan)
    assert await take(inventory, "another reporter", 3, **KEYED)


async def test_a_seat_with_a_key_of_its_own_opens_by_that_key_only(inventory: Inventory) -> None:
    """SEA-8: last year's subscriber is offered last year's seat, and nobody else is."""
    renewals = Allotment("renewals", "Subscribers", TONIGHT, (3, 4, 5), {3: "léo's", 4: "mia's"})
    await inventory.allot(GROUP, renewals)
    assert await refused(inventory, "mia", seats(3), keys=("mia's",)) == [("not_yours", 3, "", 0)]
    assert await refused(inventory, "desk", seats(3), keys=("renewals",)) == [("not_yours", 3, "", 0)]
    assert await take(inventory, "léo", 3, keys=("léo's",))
    assert await take(inventory, "mia", 4, keys=("mia's",))
    assert await take(inventory, "desk", 5, keys=("renewals",))
    await inventory.release(GROUP, "léo")
    assert await refused(inventory, "desk", seats(3), keys=("renewals",)) == [("not_yours", 3, "", 0)]
    assert await take(inventory, "léo", 3, keys=("léo's",))


async def test_a_released_seats_key_opens_nothing_in_its_next_allotment(inventory: Inventory) -> None:
    await inventory.allot(GROUP, Allotment("renewals", "Subscribers", TONIGHT, (3,), {3: "léo's"}))
    await inventory.release_allotment(GROUP, "renewals")
    await inventory.allot(GROUP, press(3))
    assert await refused(inventory, "léo", seats(3), keys=("léo's",)) == [("not_yours", 3, "", 0)]
    assert await take(inventory, "reporter", 3, **KEYED)
    await inventory.pulse(GROUP)


async def test_all_seats_are_allotted_or_none(inventory: Inventory) -> None:
    await take(inventory, "alice", 4)
    await inventory.block(GROUP, TONIGHT, (5,))
    before = await inventory.head(GROUP, TONIGHT)
    assert await reasons(inventory.allot(GROUP, press(3, 4, 5, 30))) == [
        ("seat_taken", 4, "", 0),
        ("seat_taken", 5, "", 0),
        ("unknown_seat", 30, "", 0),
    ]
    assert await reasons(inventory.allot(GROUP, press(3, 3))) == [("seat_taken", 3, "", 0)]
    assert await states(inventory) == {4: HELD, 5: BLOCKED}
    assert await inventory.head(GROUP, TONIGHT) == before
    elsewhere = Allotment(PRESS, "Press", 99, (3,))
    assert await reasons(inventory.allot(GROUP, elsewhere)) == [("unknown_performance", -1, "", 0)]


async def test_an_allotment_is_enlarged_by_allotting_again(inventory: Inventory, redis: Redis) -> None:
    await inventory.allot(GROUP, press(3))
    assert await inventory.allot(GROUP, press(4)) is None
    assert await redis.hget(f"{TAG}:meta", f"a{TONIGHT}:{PRESS}") == b"16"
    assert await take(inventory, "reporter", 3, 4, **KEYED)
    tomorrow = Allotment(PRESS, "Press", TOMORROW, (4,))
    assert await reasons(inventory.allot(GROUP, tomorrow)) == [("unknown_allotment", -1, PRESS, 0)]
    mixed = Allotment(PRESS, "Press", TONIGHT, quantity=3, quotas=(EVENT,))
    assert await reasons(inventory.allot(GROUP, mixed)) == [("unknown_allotment", -1, PRESS, 0)]


async def test_many_allotments_of_one_evening_are_told_apart(inventory: Inventory, redis: Redis, plan: Plan) -> None:
    """Their bytes include those that patterns treat as signs: a hyphen, a caret, a percent sign, brackets."""
    wide = sketch(*["." * 50] * 2)
    await inventory.load(state(wide), only_if_missing=False)
    for number in range(90):
        assert await inventory.allot(GROUP, Allotment(f"a{number}", "One", TONIGHT, (number,))) is None
    assert await index_is_exact(redis, wide)
    for number in range(0, 90, 7):
        line = BestSeats(TONIGHT, 1, 5, (EVENT,), allotment=f"a{number}")
        (item,) = await have(inventory, f"c{number}", line, keys=(f"a{number}",))
        assert item.ordinal == number
    assert await index_is_exact(redis, wide)


async def test_there_are_as_many_allotments_of_seats_as_bytes_and_a_byte_is_used_again(
    inventory: Inventory, redis: Redis
) -> None:
    wide = sketch(*["." * 50] * 5)
    await inventory.load(state(wide), only_if_missing=False)
    for number in range(240):
        assert await inventory.allot(GROUP, Allotment(f"a{number}", "One", TONIGHT, (number,))) is None
    one_more = Allotment("more", "One", TONIGHT, (241,))
    assert await reasons(inventory.allot(GROUP, one_more)) == [("allotment_exhausted", -1, "more", 0)]
    await have(inventory, "held on", seats(100), keys=("a100",))
    await inventory.release_allotment(GROUP, "a100")
    assert await inventory.allot(GROUP, one_more) is None
    await inventory.release(GROUP, "held on")
    assert (await states(inventory)).get(100, FREE) == FREE, "not into whoever has the byte now"
    assert await index_is_exact(redis, wide)


# Release ------------------------------------------------------------------------------------------------------------


async def test_what_is_left_goes_on_sale_when_an_allotment_is_released_by_hand(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    await inventory.allot(GROUP, press(3, 4, 5))
    await take(inventory, "reporter", 3, **KEYED)
    assert await inventory.release_allotment(GROUP, PRESS) == 2
    assert await inventory.release_allotment(GROUP, PRESS) == 0
    assert await states(inventory) == {3: HELD}
    assert await take(inventory, "alice", 4)
    await inventory.release(GROUP, "reporter")
    assert await states(inventory) == {4: HELD}, "its allotment has ended: it returns to sale"
    assert await index_is_exact(redis, plan)
    await inventory.pulse(GROUP)


async def test_a_part_of_an_allotment_is_released_and_it_stays(inventory: Inventory) -> None:
    await inventory.allot(GROUP, press(3, 4, 5))
    assert await inventory.release_allotment(GROUP, PRESS, (4, 9, 30, -1)) == 1
    assert await states(inventory) == {3: ALLOTTED, 5: ALLOTTED}
    assert await inventory.release_allotment(GROUP, "nobody", (3,)) == 0
    assert await take(inventory, "reporter", 3, **KEYED)


async def test_at_its_date_an_allotment_goes_on_sale_by_itself(inventory: Inventory, redis: Redis, plan: Plan) -> None:
    """AHEAD-2: "released at a date"."""
    now = await inventory.now_ms()
    await inventory.allot(GROUP, press(3, 4, release_at_ms=now + 3_600_000))
    assert await inventory.expire_due(GROUP) == 0
    await inventory.allot(GROUP, press(5, release_at_ms=now - 1))
    assert await inventory.expire_due(GROUP) == 3
    assert await inventory.expire_due(GROUP) == 0
    assert await states(inventory) == {}
    assert await index_is_exact(redis, plan)
    assert await redis.zrange(f"{TAG}:due", 0, -1) == [b""]


async def test_an_allotment_whose_date_is_taken_away_stays(inventory: Inventory, redis: Redis) -> None:
    await inventory.allot(GROUP, press(3, release_at_ms=await inventory.now_ms() + 60_000))
    await inventory.allot(GROUP, press(4, release_at_ms=None))
    assert await redis.zrange(f"{TAG}:due", 0, -1) == [b""]
    assert await inventory.expire_due(GROUP) == 0
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED}


async def test_a_hold_that_lapses_in_the_step_that_ends_its_allotment_goes_on_sale(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    await inventory.allot(GROUP, press(3, 4, release_at_ms=await inventory.now_ms() + 60_000))
    await lapse(redis, *await take(inventory, "reporter", 3, **KEYED))
    await redis.zadd(f"{TAG}:due", {f"@{PRESS}": 2})  # a moment after the hold
    assert await inventory.expire_due(GROUP) == 3, "a seat is freed by its cart, then by its allotment"
    assert await states(inventory) == {}
    assert await take(inventory, "alice", 3, 4)
    assert await index_is_exact(redis, plan)


async def test_a_large_allotment_is_released_step_by_step(redis: Redis) -> None:
    inventory = Inventory(redis)
    large = sketch(*["." * 50] * 24)
    group = GroupState(
        GROUP,
        (PerformanceState(TONIGHT, large),),
        allotments=(press(*range(1200), release_at_ms=await inventory.now_ms() - 1),),
    )
    await inventory.load(group)
    before = await inventory.head(GROUP, TONIGHT) or ("", 0)
    assert await inventory.expire_due(GROUP) == 1200
    assert (await inventory.head(GROUP, TONIGHT) or ("", 0))[1] == before[1] + 3, "at most 500 a step"
    assert await states(inventory) == {}
    await inventory.load(group, only_if_missing=False)
    assert await inventory.release_allotment(GROUP, PRESS) == 1200
    assert await index_is_exact(redis, large)


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
    await inventory.allot(GROUP, school(8, release_at_ms=await inventory.now_ms() - 1 if dated else None))
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
    assert await reasons(inventory.allot(GROUP, school(6))) == [("quota_exhausted", -1, EVENT, 5)]
    assert await inventory.allot(GROUP, school(3)) is None
    assert await reasons(inventory.allot(GROUP, school(3))) == [("quota_exhausted", -1, EVENT, 2)]
    assert await inventory.allot(GROUP, school(2)) is None
    assert await shown(inventory) == (20, 20)


async def test_an_allotment_counts_against_the_same_quotas_throughout(inventory: Inventory) -> None:
    await inventory.allot(GROUP, school(3))
    other = Allotment(SCHOOL, "École Léo", FAIR, quantity=2, quotas=(FULL,))
    assert await reasons(inventory.allot(GROUP, other)) == [("unknown_allotment", -1, SCHOOL, 0)]
    seats_too = Allotment("both", "Both", TONIGHT, (3,), quantity=2, quotas=(EVENT,))
    assert await reasons(inventory.allot(GROUP, seats_too)) == [("unknown_allotment", -1, "both", 0)]
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
