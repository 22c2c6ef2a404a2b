"""Seats kept for whoever has the key, released by hand or at a date (AHEAD-2, SEA-8)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    Allotment,
    BestSeats,
    GroupState,
    Inventory,
    PerformanceState,
    RowByRow,
)
from tests.seating.houses import labels, sketch
from tests.seating.shop import (
    ALL,
    EVENT,
    FULL,
    GROUP,
    KEYED,
    LEA,
    PRESS,
    SCHOOL,
    SEATED,
    TAG,
    TOMORROW,
    TONIGHT,
    have,
    index_is_exact,
    lapse,
    press,
    refused,
    seats,
    state,
    states,
    take,
    used,
    why_not,
)

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


async def test_best_seats_are_not_chosen_past_a_seats_own_key(inventory: Inventory) -> None:
    """SEA-8: whoever has the allotment's key and asks for its best seats gets nobody's own."""
    await inventory.allot(GROUP, Allotment("renewals", "Subscribers", TONIGHT, (3, 4), {3: "léo's"}))
    best = BestSeats(TONIGHT, 2, 1, ALL, allotment="renewals")
    assert await refused(inventory, "desk", best, keys=("renewals",)) == [("not_yours", 3, "", 0)]
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED}
    assert await have(inventory, "léo and mia", best, keys=("renewals", "léo's"))


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
    assert await why_not(inventory.allot(GROUP, press(3, 4, 5, 30))) == [
        ("seat_taken", 4, "", 0),
        ("seat_taken", 5, "", 0),
        ("unknown_seat", 30, "", 0),
    ]
    assert await why_not(inventory.allot(GROUP, press(3, 3))) == [("seat_taken", 3, "", 0)]
    assert await states(inventory) == {4: HELD, 5: BLOCKED}
    assert await inventory.head(GROUP, TONIGHT) == before
    elsewhere = Allotment(PRESS, "Press", 99, (3,))
    assert await why_not(inventory.allot(GROUP, elsewhere)) == [("unknown_performance", -1, "", 0)]


async def test_an_allotment_is_enlarged_by_allotting_again(inventory: Inventory, redis: Redis) -> None:
    await inventory.allot(GROUP, press(3))
    assert await inventory.allot(GROUP, press(4)) is None
    assert await redis.hget(f"{TAG}:meta", f"a{TONIGHT}:{PRESS}") == b"16"
    assert await take(inventory, "reporter", 3, 4, **KEYED)
    tomorrow = Allotment(PRESS, "Press", TOMORROW, (4,))
    assert await why_not(inventory.allot(GROUP, tomorrow)) == [("unknown_allotment", -1, PRESS, 0)]
    mixed = Allotment(PRESS, "Press", TONIGHT, quantity=3, quotas=(EVENT,))
    assert await why_not(inventory.allot(GROUP, mixed)) == [("unknown_allotment", -1, PRESS, 0)]


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
    assert await why_not(inventory.allot(GROUP, one_more)) == [("allotment_exhausted", -1, "more", 0)]
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
    now = await inventory.now_ms(GROUP)
    await inventory.allot(GROUP, press(3, 4, release_at_ms=now + 3_600_000))
    assert await inventory.expire_due(GROUP) == 0
    await inventory.allot(GROUP, press(5, release_at_ms=now - 1))
    assert await inventory.expire_due(GROUP) == 3
    assert await inventory.expire_due(GROUP) == 0
    assert await states(inventory) == {}
    assert await index_is_exact(redis, plan)
    assert await redis.zrange(f"{TAG}:due", 0, -1) == [b""]


async def test_an_allotment_whose_date_is_taken_away_stays(inventory: Inventory, redis: Redis) -> None:
    await inventory.allot(GROUP, press(3, release_at_ms=await inventory.now_ms(GROUP) + 60_000))
    await inventory.allot(GROUP, press(4, release_at_ms=None))
    assert await redis.zrange(f"{TAG}:due", 0, -1) == [b""]
    assert await inventory.expire_due(GROUP) == 0
    assert await states(inventory) == {3: ALLOTTED, 4: ALLOTTED}


async def test_a_hold_that_lapses_in_the_step_that_ends_its_allotment_goes_on_sale(
    inventory: Inventory, redis: Redis, plan: Plan
) -> None:
    await inventory.allot(GROUP, press(3, 4, release_at_ms=await inventory.now_ms(GROUP) + 60_000))
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
        allotments=(press(*range(1200), release_at_ms=await inventory.now_ms(GROUP) - 1),),
    )
    await inventory.load(group)
    before = await inventory.head(GROUP, TONIGHT) or ("", 0)
    assert await inventory.expire_due(GROUP) == 1200
    assert (await inventory.head(GROUP, TONIGHT) or ("", 0))[1] == before[1] + 3, "at most 500 a step"
    assert await states(inventory) == {}
    await inventory.load(group, only_if_missing=False)
    assert await inventory.release_allotment(GROUP, PRESS) == 1200
    assert await index_is_exact(redis, large)
