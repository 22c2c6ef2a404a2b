"""Holding against a real Redis: all of a request or nothing, once, whatever is asked again (LIVE-7, LIVE-10)."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    BLOCKED,
    HELD,
    BestSeats,
    Held,
    HoldRequest,
    Inventory,
    Quantity,
    Refusal,
)
from tests.seating.houses import labels
from tests.seating.shop import (
    ALL,
    EVENT,
    FAIR,
    FULL,
    GROUP,
    LEA,
    SEATED,
    TONIGHT,
    lapse,
    refused,
    request,
    seats,
    states,
    take,
    used,
)


async def test_named_seats_are_held_with_their_quotas_until_a_time(inventory: Inventory) -> None:
    before = await inventory.now_ms(GROUP)
    held = await inventory.hold(request("alice", seats(3, 4)))
    assert isinstance(held, Held)
    assert [(i.performance, i.ordinal, i.tariff, i.quotas) for i in held.items] == [
        (TONIGHT, 3, 5, ALL),
        (TONIGHT, 4, 5, ALL),
    ]
    assert before + 900_000 <= held.expires_at_ms <= await inventory.now_ms(GROUP) + 900_000
    assert await states(inventory) == {3: HELD, 4: HELD}
    assert await used(inventory) == {EVENT: 2, SEATED: 2, FULL: 2}
    assert await inventory.held(GROUP, "alice") == held.items


async def test_a_mixture_of_lines_is_held_at_once(inventory: Inventory, plan: Plan) -> None:
    lines = (seats(3), BestSeats(TONIGHT, 3, 6, (EVENT,)), Quantity(FAIR, 2, 7, (EVENT,)))
    held = await inventory.hold(request("alice", *lines))
    assert isinstance(held, Held)
    assert [i.performance for i in held.items] == [TONIGHT] * 4 + [FAIR] * 2
    assert labels(plan, (i.ordinal for i in held.items[1:4])) == ["A5", "A6", "A7"]
    assert [i.ordinal for i in held.items[4:]] == [-1, -1]
    assert len({i.id for i in held.items}) == 6
    assert (await used(inventory))[EVENT] == 6


async def test_one_taken_seat_refuses_everything(inventory: Inventory) -> None:
    await take(inventory, "alice", 4)
    refusal = await inventory.hold(request("basile", seats(3, 4, 5), Quantity(FAIR, 1, 7, (EVENT,))))
    assert isinstance(refusal, Refusal)
    assert [(r.code, r.performance, r.ordinal) for r in refusal.reasons] == [("seat_taken", TONIGHT, 4)]
    assert await states(inventory) == {4: HELD}
    assert await inventory.held(GROUP, "basile") == ()
    assert (await used(inventory))[EVENT] == 1


async def test_a_refusal_names_the_nearest_free_seats_of_the_same_category(inventory: Inventory, plan: Plan) -> None:
    await take(inventory, "alice", 14)
    refusal = await inventory.hold(request("basile", seats(14)))
    assert isinstance(refusal, Refusal)
    # Beside it first, then in front; behind it the seats are silver.
    assert labels(plan, refusal.reasons[0].nearest) == ["B4", "B6", "A5"]


async def test_the_alternatives_leave_out_what_the_same_request_asks_for(inventory: Inventory, plan: Plan) -> None:
    await take(inventory, "alice", 4)
    refusal = await inventory.hold(request("basile", seats(3, 4, 5)))
    assert isinstance(refusal, Refusal)
    assert not {3, 4, 5} & set(refusal.reasons[0].nearest)


@pytest.mark.parametrize("ordinal", [-1, 30, 10**6])
async def test_a_seat_that_does_not_exist_is_unknown(inventory: Inventory, ordinal: int) -> None:
    refusal = await inventory.hold(request("alice", seats(0, ordinal)))
    assert isinstance(refusal, Refusal)
    assert [(r.code, r.ordinal) for r in refusal.reasons] == [("unknown_seat", ordinal)]
    assert await states(inventory) == {}


async def test_a_seat_that_does_not_exist_beside_a_taken_one_is_no_damage(inventory: Inventory) -> None:
    """Not even where the next best seat is looked for in the whole house: a stranger's request must not reload it."""
    await inventory.block(GROUP, TONIGHT, range(20))
    assert await refused(inventory, "alice", seats(0, 30, -1, 10**6)) == [
        ("seat_taken", 0, "", 0), ("unknown_seat", 30, "", 0), ("unknown_seat", -1, "", 0),
        ("unknown_seat", 10**6, "", 0),
    ]  # fmt: skip


async def test_a_performance_of_another_group_is_unknown(inventory: Inventory) -> None:
    refusal = await inventory.hold(request("alice", seats(0, performance=99)))
    assert isinstance(refusal, Refusal)
    assert [r.code for r in refusal.reasons] == ["unknown_performance"]


async def test_an_unnumbered_performance_has_no_seats_to_name(inventory: Inventory) -> None:
    refusal = await inventory.hold(request("alice", seats(0, performance=FAIR)))
    assert isinstance(refusal, Refusal)
    assert [r.code for r in refusal.reasons] == ["unknown_seat"]


async def test_a_seat_named_twice_in_one_request_is_held_by_nobody(inventory: Inventory) -> None:
    refusal = await inventory.hold(request("alice", seats(3, 3)))
    assert isinstance(refusal, Refusal)
    assert [(r.code, r.ordinal) for r in refusal.reasons] == [("seat_taken", 3)]
    assert await states(inventory) == {}


async def test_a_blocked_seat_is_taken(inventory: Inventory) -> None:
    assert await inventory.block(GROUP, TONIGHT, (3, 4)) == (3, 4)
    assert isinstance(await inventory.hold(request("alice", seats(3))), Refusal)
    assert await inventory.block(GROUP, TONIGHT, (3, 9), blocked=False) == (3,)
    assert isinstance(await inventory.hold(request("alice", seats(3))), Held)
    assert await states(inventory) == {3: HELD, 4: BLOCKED}


@pytest.mark.parametrize(
    "bad",
    [
        request("alice"),
        request("alice", seats()),
        request("alice", Quantity(FAIR, 0, 1)),
        request("alice", Quantity(FAIR, -3, 1)),
        request("alice", Quantity(FAIR, 5000, 1)),
        request("alice", seats(1), ttl_s=0),
        request("", seats(1)),
    ],
)
async def test_a_request_that_makes_no_sense_is_the_callers_fault(inventory: Inventory, bad: HoldRequest) -> None:
    with pytest.raises(ValueError, match=r"^a (line|request|hold)"):
        await inventory.hold(bad)


@pytest.mark.parametrize("group", ["", "e}1", "e{1", "é", "a b", "x" * 65])
async def test_a_group_id_that_would_leave_its_hash_slot_is_refused(inventory: Inventory, group: str) -> None:
    with pytest.raises(ValueError, match="inventory group"):
        await inventory.held(group, "alice")


async def test_carts_may_be_called_anything(inventory: Inventory) -> None:
    odd = 'é"\\}{g:e13}:cart:x\n'
    await take(inventory, odd, 1)
    assert len(await inventory.held(GROUP, odd)) == 1
    assert await inventory.release(GROUP, odd) == 1


async def test_hundreds_of_places_in_one_step(inventory: Inventory) -> None:
    held = await inventory.hold(request("school", Quantity(FAIR, 1500, 7, ())))
    assert isinstance(held, Held)
    assert len(await inventory.held(GROUP, "school")) == 1500
    assert await inventory.release(GROUP, "school") == 1500


async def test_the_same_request_again_gets_the_first_answer_and_holds_nothing_more(inventory: Inventory) -> None:
    """A reply may be lost after the step was done."""
    first = await inventory.hold(request("alice", BestSeats(TONIGHT, 2, 5, ALL), id="r1"))
    again = await inventory.hold(request("alice", BestSeats(TONIGHT, 2, 5, ALL), id="r1"))
    assert first == again
    assert (await used(inventory))[EVENT] == 2
    assert len(await inventory.held(GROUP, "alice")) == 2


async def test_a_refusal_is_not_remembered_what_is_free_by_now_is_held(inventory: Inventory) -> None:
    await take(inventory, "alice", 3)
    assert isinstance(await inventory.hold(request("basile", seats(3), id="r2")), Refusal)
    await inventory.release(GROUP, "alice")
    assert isinstance(await inventory.hold(request("basile", seats(3), id="r2")), Held)


async def test_a_retry_is_known_after_other_requests_of_the_cart_too(inventory: Inventory) -> None:
    first = await inventory.hold(request("alice", seats(1, 2), id="r1"))
    for number in range(3):
        await take(inventory, "alice", 3 + number, id=f"other {number}")
    assert await inventory.hold(request("alice", seats(1, 2), id="r1")) == first
    assert await states(inventory) == dict.fromkeys(range(1, 6), HELD)
    assert len(await inventory.held(GROUP, "alice")) == 5


async def test_a_retry_answers_with_what_is_left_of_the_first_request(inventory: Inventory) -> None:
    """Half of it was given up in another window before the answer was asked for again: it is not taken again."""
    first, second = await take(inventory, "alice", 1, 2, id="r1")
    await inventory.release(GROUP, "alice", (first.id,))
    assert await take(inventory, "alice", 1, 2, id="r1") == (second,)
    assert await states(inventory) == {2: HELD}


async def test_the_same_request_of_another_cart_is_another_request(inventory: Inventory) -> None:
    await take(inventory, "alice", 1, id="r1")
    assert await refused(inventory, "basile", seats(1), id="r1") == [("seat_taken", 1, "", 0)]
    await take(inventory, "basile", 2, id="r1")
    assert await states(inventory) == {1: HELD, 2: HELD}


async def test_a_retry_tells_again_what_was_knowingly_exceeded(inventory: Inventory) -> None:
    """QUO-5: the journal may have missed the first answer."""
    await inventory.set_limits(GROUP, {EVENT: 0})
    wish = request("boss", seats(1), owner=LEA, id="r1", exceed=("quotas",))
    first = await inventory.hold(wish)
    assert isinstance(first, Held)
    assert [(each.code, each.quota) for each in first.exceeded] == [("quota_exhausted", EVENT)]
    assert await inventory.hold(wish) == first


async def test_a_retry_after_the_holds_lapsed_takes_them_anew(inventory: Inventory, redis: Redis) -> None:
    first = await take(inventory, "alice", 1, id="r1")
    await lapse(redis, *first)
    (again,) = await take(inventory, "alice", 1, id="r1")
    assert again.expires_at_ms >= await inventory.now_ms(GROUP)
    assert again.id != first[0].id
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}


async def test_many_copies_of_one_request_at_the_same_time_hold_once(inventory: Inventory) -> None:
    answers = await asyncio.gather(*(inventory.hold(request("alice", seats(1, 2), id="r")) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert (await used(inventory))[EVENT] == 2


async def test_a_server_that_has_forgotten_the_scripts_learns_them_again(inventory: Inventory, redis: Redis) -> None:
    await redis.script_flush()
    answers = await asyncio.gather(*(inventory.hold(request(f"c{n}", seats(n))) for n in range(5)))
    assert all(isinstance(answer, Held) for answer in answers)
    assert await states(inventory) == dict.fromkeys(range(5), HELD)
