"""The inventory against a real Redis: holds, orders, quotas, the log (LIVE-1, LIVE-7, LIVE-10, QUO-1, QUO-2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    BLOCKED,
    FREE,
    HELD,
    PENDING,
    SOLD,
    USED,
    BestSeats,
    Expired,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    Line,
    NamedSeats,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Refusal,
    cart_ref,
    channel,
)
from tests.seating.houses import labels, sketch

GROUP = "e12"
TONIGHT, TOMORROW, FAIR = 34, 35, 36
EVENT, SEATED, FULL = "event:12", "performance:34", "tariff:5"
ALL = (EVENT, SEATED, FULL)
ONLINE, LEA = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")


@pytest.fixture
def plan() -> Plan:
    return sketch("..........", "..........", "ssssssssss")


def state(plan: Plan, *, states: bytes = b"", **more: Any) -> GroupState:
    return GroupState(
        GROUP,
        (
            PerformanceState(TONIGHT, plan, states, more.pop("owners", {})),
            PerformanceState(TOMORROW, plan),
            PerformanceState(FAIR, None),
        ),
        more.pop("quotas", (QuotaState(EVENT, 20, 0), QuotaState(SEATED, 12, 0), QuotaState(FULL, None, 0))),
        **more,
    )


@pytest.fixture
async def inventory(redis: Redis, plan: Plan) -> Inventory:
    inventory = Inventory(redis)
    await inventory.load(state(plan))
    return inventory


def request(cart: str, *lines: Line, owner: Owner = ONLINE, ttl_s: int = 900, id: str = "") -> HoldRequest:
    return HoldRequest(GROUP, cart, owner, lines, ttl_s, id)


def seats(*ordinals: int, quotas: tuple[str, ...] = ALL, performance: int = TONIGHT) -> NamedSeats:
    return NamedSeats(performance, ordinals, 5, quotas)


async def take(inventory: Inventory, cart: str, *ordinals: int, **options: Any) -> tuple[HeldItem, ...]:
    held = await inventory.hold(request(cart, seats(*ordinals), **options))
    assert isinstance(held, Held)
    return held.items


async def states(inventory: Inventory, performance: int = TONIGHT) -> dict[int, int]:
    """What is not free."""
    seen = await inventory.snapshot(GROUP, performance)
    return {ordinal: each for ordinal, each in enumerate(seen.states) if each != FREE}


async def used(inventory: Inventory) -> dict[str, int]:
    return {name: each[0] for name, each in (await inventory.snapshot(GROUP, TONIGHT)).quotas.items()}


async def lapse(redis: Redis, *items: HeldItem) -> None:
    """As if the time of these holds had passed: nobody waits a quarter of an hour in a test."""
    tag = f"{{g:{GROUP}}}"
    for item in items:
        raw = await redis.hget(f"{tag}:items", item.id)
        assert isinstance(raw, bytes)
        fields = msgspec.msgpack.decode(raw)
        fields[8] = 1
        await redis.hset(f"{tag}:items", item.id, msgspec.msgpack.encode(fields))
        await redis.zadd(f"{tag}:due", {item.id: 1})


class TestHolding:
    async def test_named_seats_are_held_with_their_quotas_until_a_time(self, inventory: Inventory) -> None:
        before = await inventory.now_ms()
        held = await inventory.hold(request("alice", seats(3, 4)))
        assert isinstance(held, Held)
        assert [(i.performance, i.ordinal, i.tariff, i.quotas) for i in held.items] == [
            (TONIGHT, 3, 5, ALL),
            (TONIGHT, 4, 5, ALL),
        ]
        assert before + 900_000 <= held.expires_at_ms <= await inventory.now_ms() + 900_000
        assert await states(inventory) == {3: HELD, 4: HELD}
        assert await used(inventory) == {EVENT: 2, SEATED: 2, FULL: 2}
        assert await inventory.held(GROUP, "alice") == held.items

    async def test_a_mixture_of_lines_is_held_at_once(self, inventory: Inventory, plan: Plan) -> None:
        lines = (seats(3), BestSeats(TONIGHT, 3, 6, (EVENT,)), Quantity(FAIR, 2, 7, (EVENT,)))
        held = await inventory.hold(request("alice", *lines))
        assert isinstance(held, Held)
        assert [i.performance for i in held.items] == [TONIGHT] * 4 + [FAIR] * 2
        assert labels(plan, (i.ordinal for i in held.items[1:4])) == ["A5", "A6", "A7"]
        assert [i.ordinal for i in held.items[4:]] == [-1, -1]
        assert len({i.id for i in held.items}) == 6
        assert (await used(inventory))[EVENT] == 6

    async def test_one_taken_seat_refuses_everything(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 4)
        refusal = await inventory.hold(request("basile", seats(3, 4, 5), Quantity(FAIR, 1, 7, (EVENT,))))
        assert isinstance(refusal, Refusal)
        assert [(r.code, r.performance, r.ordinal) for r in refusal.reasons] == [("seat_taken", TONIGHT, 4)]
        assert await states(inventory) == {4: HELD}
        assert await inventory.held(GROUP, "basile") == ()
        assert (await used(inventory))[EVENT] == 1

    async def test_a_refusal_names_the_nearest_free_seats_of_the_same_category(
        self, inventory: Inventory, plan: Plan
    ) -> None:
        await take(inventory, "alice", 14)
        refusal = await inventory.hold(request("basile", seats(14)))
        assert isinstance(refusal, Refusal)
        # Beside it first, then in front; behind it the seats are silver.
        assert labels(plan, refusal.reasons[0].nearest) == ["B4", "B6", "A5"]

    async def test_the_alternatives_leave_out_what_the_same_request_asks_for(
        self, inventory: Inventory, plan: Plan
    ) -> None:
        await take(inventory, "alice", 4)
        refusal = await inventory.hold(request("basile", seats(3, 4, 5)))
        assert isinstance(refusal, Refusal)
        assert not {3, 4, 5} & set(refusal.reasons[0].nearest)

    @pytest.mark.parametrize("ordinal", [-1, 30, 10**6])
    async def test_a_seat_that_does_not_exist_is_unknown(self, inventory: Inventory, ordinal: int) -> None:
        refusal = await inventory.hold(request("alice", seats(0, ordinal)))
        assert isinstance(refusal, Refusal)
        assert [(r.code, r.ordinal) for r in refusal.reasons] == [("unknown_seat", ordinal)]
        assert await states(inventory) == {}

    async def test_a_performance_of_another_group_is_unknown(self, inventory: Inventory) -> None:
        refusal = await inventory.hold(request("alice", seats(0, performance=99)))
        assert isinstance(refusal, Refusal)
        assert [r.code for r in refusal.reasons] == ["unknown_performance"]

    async def test_an_unnumbered_performance_has_no_seats_to_name(self, inventory: Inventory) -> None:
        refusal = await inventory.hold(request("alice", seats(0, performance=FAIR)))
        assert isinstance(refusal, Refusal)
        assert [r.code for r in refusal.reasons] == ["unknown_seat"]

    async def test_a_seat_named_twice_in_one_request_is_held_by_nobody(self, inventory: Inventory) -> None:
        refusal = await inventory.hold(request("alice", seats(3, 3)))
        assert isinstance(refusal, Refusal)
        assert [(r.code, r.ordinal) for r in refusal.reasons] == [("seat_taken", 3)]
        assert await states(inventory) == {}

    async def test_a_blocked_seat_is_taken(self, inventory: Inventory) -> None:
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
    async def test_a_request_that_makes_no_sense_is_the_callers_fault(
        self, inventory: Inventory, bad: HoldRequest
    ) -> None:
        with pytest.raises(ValueError, match=r"^a (line|request|hold)"):
            await inventory.hold(bad)

    @pytest.mark.parametrize("group", ["", "e}1", "e{1", "é", "a b", "x" * 65])
    async def test_a_group_id_that_would_leave_its_hash_slot_is_refused(self, inventory: Inventory, group: str) -> None:
        with pytest.raises(ValueError, match="inventory group"):
            await inventory.held(group, "alice")

    async def test_carts_may_be_called_anything(self, inventory: Inventory) -> None:
        odd = 'é"\\}{g:e13}:cart:x\n'
        await take(inventory, odd, 1)
        assert len(await inventory.held(GROUP, odd)) == 1
        assert await inventory.release(GROUP, odd) == 1

    async def test_hundreds_of_places_in_one_step(self, inventory: Inventory) -> None:
        held = await inventory.hold(request("school", Quantity(FAIR, 1500, 7, ())))
        assert isinstance(held, Held)
        assert len(await inventory.held(GROUP, "school")) == 1500
        assert await inventory.release(GROUP, "school") == 1500


class TestQuotas:
    async def test_every_quota_must_have_room(self, inventory: Inventory) -> None:
        """QUO-1: 12 places for the performance, 20 for the event."""
        await take(inventory, "alice", *range(10))
        refusal = await inventory.hold(request("basile", seats(10, 11, 12)))
        assert isinstance(refusal, Refusal)
        assert [(r.code, r.quota, r.left) for r in refusal.reasons] == [("quota_exhausted", SEATED, 2)]
        assert await used(inventory) == {EVENT: 10, SEATED: 10, FULL: 10}

    async def test_lines_of_one_request_count_together(self, inventory: Inventory) -> None:
        lines = (Quantity(FAIR, 12, 7, (EVENT,)), seats(*range(9), quotas=(EVENT,)))
        refusal = await inventory.hold(request("alice", *lines))
        assert isinstance(refusal, Refusal)
        assert [(r.quota, r.left) for r in refusal.reasons] == [(EVENT, 20)]

    async def test_a_quota_the_group_was_not_loaded_with_is_counted_without_a_limit(self, inventory: Inventory) -> None:
        await inventory.hold(request("alice", seats(1, quotas=("category:9",))))
        assert (await used(inventory))["category:9"] == 1
        await inventory.release(GROUP, "alice")
        assert (await used(inventory))["category:9"] == 0

    async def test_limits_change_at_any_time_and_take_nothing_away(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 0, 1, 2)
        await inventory.set_limits(GROUP, {EVENT: 2, FULL: 3, SEATED: None})
        assert (await inventory.snapshot(GROUP, TONIGHT)).quotas == {EVENT: (3, 2), SEATED: (3, None), FULL: (3, 3)}
        refusal = await inventory.hold(request("basile", seats(5)))
        assert isinstance(refusal, Refusal)
        assert sorted((r.quota, r.left) for r in refusal.reasons) == [(EVENT, 0), (FULL, 0)]
        await inventory.set_limits(GROUP, {EVENT: 4, FULL: None})
        assert isinstance(await inventory.hold(request("basile", seats(5))), Held)

    async def test_a_change_of_tariff_moves_the_quotas(self, inventory: Inventory) -> None:
        (item,) = await take(inventory, "alice", 3)
        await inventory.set_limits(GROUP, {"tariff:6": 1})
        changed = await inventory.change_tariff(GROUP, "alice", item.id, 6, (EVENT, SEATED, "tariff:6"))
        assert isinstance(changed, HeldItem)
        assert (changed.tariff, changed.id, changed.expires_at_ms) == (6, item.id, item.expires_at_ms)
        assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 0, "tariff:6": 1}
        (other,) = await take(inventory, "basile", 4)
        refusal = await inventory.change_tariff(GROUP, "basile", other.id, 6, (EVENT, SEATED, "tariff:6"))
        assert isinstance(refusal, Refusal)
        assert [(r.code, r.quota, r.left) for r in refusal.reasons] == [("quota_exhausted", "tariff:6", 0)]
        assert (await inventory.held(GROUP, "basile"))[0] == other

    async def test_nobody_changes_the_tariff_of_anothers_item(self, inventory: Inventory) -> None:
        (item,) = await take(inventory, "alice", 3)
        refusal = await inventory.change_tariff(GROUP, "stranger", item.id, 6, ())
        assert isinstance(refusal, Refusal)
        assert [r.code for r in refusal.reasons] == ["unknown_item"]
        assert await inventory.held(GROUP, "alice") == (item,)

    async def test_other_performances_hear_of_a_shared_quota_at_the_next_expiry(self, inventory: Inventory) -> None:
        """LIVE-3. At once would cost every hold as much as the group has performances."""
        await take(inventory, "alice", 3)
        head = await inventory.head(GROUP, TOMORROW)
        assert head is not None
        assert head[1] == 0
        await inventory.expire_due(GROUP)
        changes = await inventory.changes_since(GROUP, TOMORROW, head[0], 0)
        assert [json.loads(change)["q"] for change in changes or ()] == [{EVENT: [1, 20], FULL: [1, -1]}]
        await inventory.expire_due(GROUP)
        assert await inventory.head(GROUP, TOMORROW) == (head[0], 1)


class TestRetries:
    async def test_the_same_request_again_gets_the_first_answer_and_holds_nothing_more(
        self, inventory: Inventory
    ) -> None:
        """A reply may be lost after the step was done."""
        first = await inventory.hold(request("alice", BestSeats(TONIGHT, 2, 5, ALL), id="r1"))
        again = await inventory.hold(request("alice", BestSeats(TONIGHT, 2, 5, ALL), id="r1"))
        assert first == again
        assert (await used(inventory))[EVENT] == 2
        assert len(await inventory.held(GROUP, "alice")) == 2

    async def test_a_refusal_is_remembered_too(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 3)
        first = await inventory.hold(request("basile", seats(3), id="r2"))
        await inventory.release(GROUP, "alice")
        assert await inventory.hold(request("basile", seats(3), id="r2")) == first
        assert isinstance(await inventory.hold(request("basile", seats(3), id="r3")), Held)

    async def test_many_copies_of_one_request_at_the_same_time_hold_once(self, inventory: Inventory) -> None:
        answers = await asyncio.gather(*(inventory.hold(request("alice", seats(1, 2), id="r")) for _ in range(20)))
        assert all(answer == answers[0] for answer in answers)
        assert (await used(inventory))[EVENT] == 2

    async def test_a_server_that_has_forgotten_the_scripts_learns_them_again(
        self, inventory: Inventory, redis: Redis
    ) -> None:
        await redis.script_flush()
        answers = await asyncio.gather(*(inventory.hold(request(f"c{n}", seats(n))) for n in range(5)))
        assert all(isinstance(answer, Held) for answer in answers)
        assert await states(inventory) == dict.fromkeys(range(5), HELD)


class TestGivingUp:
    async def test_an_emptied_cart_frees_everything(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 1, 2)
        await take(inventory, "alice", 3)
        assert await inventory.release(GROUP, "alice") == 3
        assert await inventory.release(GROUP, "alice") == 0
        assert await states(inventory) == {}
        assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}

    async def test_one_item_is_given_up_the_others_stay(self, inventory: Inventory) -> None:
        first, second = await take(inventory, "alice", 1, 2)
        assert await inventory.release(GROUP, "alice", (first.id,)) == 1
        assert await inventory.release(GROUP, "alice", (first.id,)) == 0
        assert await inventory.held(GROUP, "alice") == (second,)
        assert await states(inventory) == {2: HELD}

    async def test_nobody_frees_anothers_seat(self, inventory: Inventory) -> None:
        (item,) = await take(inventory, "alice", 1)
        assert await inventory.release(GROUP, "stranger", (item.id,)) == 0
        assert await inventory.release(GROUP, "alice", ()) == 0
        assert await states(inventory) == {1: HELD}

    async def test_a_lapsed_hold_is_free_again(self, inventory: Inventory, redis: Redis) -> None:
        """LIVE-7."""
        lapsed, live = await take(inventory, "alice", 1, 2)
        await lapse(redis, lapsed)
        assert await inventory.held(GROUP, "alice") == (live,)
        assert await inventory.expire_due(GROUP) == 1
        assert await inventory.expire_due(GROUP) == 0
        assert await states(inventory) == {2: HELD}
        assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}

    async def test_the_next_hold_takes_a_lapsed_seat_without_waiting_for_anybody(
        self, inventory: Inventory, redis: Redis
    ) -> None:
        await lapse(redis, *await take(inventory, "alice", 1))
        assert await take(inventory, "basile", 1)
        assert await inventory.held(GROUP, "alice") == ()
        assert await inventory.release(GROUP, "alice") == 0
        assert await states(inventory) == {1: HELD}

    async def test_more_lapsed_holds_than_one_step_may_free_do_not_refuse_anybody(
        self, redis: Redis, plan: Plan
    ) -> None:
        inventory = Inventory(redis)
        await inventory.load(GroupState(GROUP, (PerformanceState(FAIR, None),), (QuotaState(EVENT, 900, 0),)))
        held = await inventory.hold(request("school", Quantity(FAIR, 900, 1, (EVENT,))))
        assert isinstance(held, Held)
        await lapse(redis, *held.items)
        again = await inventory.hold(request("other school", Quantity(FAIR, 900, 1, (EVENT,))))
        assert isinstance(again, Held)

    async def test_a_cart_is_given_more_time_but_never_less(self, inventory: Inventory) -> None:
        (item,) = await take(inventory, "alice", 1)
        assert await inventory.extend(GROUP, "alice", 60) == 0
        assert await inventory.extend(GROUP, "alice", 3600) == 1
        (longer,) = await inventory.held(GROUP, "alice")
        assert longer.expires_at_ms >= item.expires_at_ms + 2_600_000
        seen = await inventory.snapshot(GROUP, TONIGHT)
        assert seen.owners[1].expires_at_ms == longer.expires_at_ms

    async def test_time_real_time_frees_a_hold(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 1, ttl_s=1)
        while await inventory.expire_due(GROUP) == 0:
            await asyncio.sleep(0.05)
        assert await states(inventory) == {}


class TestOrders:
    async def test_a_cart_becomes_pending_then_sold(self, inventory: Inventory, redis: Redis) -> None:
        items = await take(inventory, "alice", 1, 2)
        promised = await inventory.promise(GROUP, "alice", "C1")
        assert promised == tuple(msgspec.structs.replace(item, expires_at_ms=0) for item in items)
        assert await states(inventory) == {1: PENDING, 2: PENDING}
        assert await inventory.held(GROUP, "alice") == ()
        assert await redis.zcard(f"{{g:{GROUP}}}:due") == 0, "a pending order waits for its payment, not for a clock"
        assert await inventory.sell(GROUP, "C1")
        assert await states(inventory) == {1: SOLD, 2: SOLD}
        assert await used(inventory) == {EVENT: 2, SEATED: 2, FULL: 2}

    async def test_the_same_order_of_the_same_cart_again_is_the_first_answer(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 1)
        first = await inventory.promise(GROUP, "alice", "C1")
        await take(inventory, "alice", 9)
        assert await inventory.promise(GROUP, "alice", "C1") == first
        assert await states(inventory) == {1: PENDING, 9: HELD}
        await inventory.sell(GROUP, "C1")
        assert await inventory.promise(GROUP, "alice", "C1") == first

    async def test_an_order_code_cannot_be_used_by_another_cart(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 1)
        await inventory.promise(GROUP, "alice", "C1")
        await take(inventory, "basile", 2)
        assert isinstance(await inventory.promise(GROUP, "basile", "C1"), Expired)
        assert await states(inventory) == {1: PENDING, 2: HELD}

    async def test_one_lapsed_hold_promises_nothing_and_says_which_then_the_rest_can_be_ordered(
        self, inventory: Inventory, redis: Redis
    ) -> None:
        lapsed, live = await take(inventory, "alice", 1, 2)
        await lapse(redis, lapsed)
        assert await inventory.promise(GROUP, "alice", "C1") == Expired((lapsed.id,))
        assert await states(inventory) == {2: HELD}
        promised = await inventory.promise(GROUP, "alice", "C1")
        assert not isinstance(promised, Expired)
        assert [item.id for item in promised] == [live.id]

    async def test_a_hold_that_lapsed_and_was_swept_long_before_is_still_missed(
        self, inventory: Inventory, redis: Redis
    ) -> None:
        lapsed, _ = await take(inventory, "alice", 1, 2)
        await lapse(redis, lapsed)
        await inventory.expire_due(GROUP)
        await take(inventory, "basile", 1)
        assert await inventory.promise(GROUP, "alice", "C1") == Expired((lapsed.id,))
        assert await states(inventory) == {1: HELD, 2: HELD}

    async def test_an_empty_cart_promises_nothing(self, inventory: Inventory) -> None:
        assert await inventory.promise(GROUP, "alice", "C1") == Expired(())
        assert await inventory.pending_orders(GROUP) == {}

    async def test_only_what_the_buyer_saw_is_promised(self, inventory: Inventory) -> None:
        (first,) = await take(inventory, "alice", 1)
        await take(inventory, "alice", 2)
        assert isinstance(await inventory.promise(GROUP, "alice", "C1", (first.id,)), Expired)
        assert await states(inventory) == {1: HELD, 2: HELD}

    async def test_a_failed_payment_gives_everything_back_once(self, inventory: Inventory) -> None:
        await take(inventory, "alice", 1, 2)
        await inventory.promise(GROUP, "alice", "C1")
        assert await inventory.give_back(GROUP, "C1") == 2
        assert await inventory.give_back(GROUP, "C1") == 0
        assert await states(inventory) == {}
        assert await used(inventory) == {EVENT: 0, SEATED: 0, FULL: 0}

    async def test_a_refund_of_one_ticket_frees_one_seat(self, inventory: Inventory) -> None:
        items = await take(inventory, "alice", 1, 2)
        await inventory.promise(GROUP, "alice", "C1")
        await inventory.sell(GROUP, "C1")
        assert await inventory.give_back(GROUP, "C1", items[:1]) == 1
        assert await inventory.give_back(GROUP, "C1", items[:1]) == 0
        assert await states(inventory) == {2: SOLD}
        assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 1}

    async def test_a_seat_that_now_belongs_to_another_order_is_not_touched(self, inventory: Inventory) -> None:
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

    async def test_a_scanned_ticket_shows_as_used_and_can_be_undone(self, inventory: Inventory) -> None:
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

    async def test_pending_orders_can_be_compared_with_the_ledger(self, inventory: Inventory) -> None:
        items = await take(inventory, "alice", 1)
        before = await inventory.now_ms()
        await inventory.promise(GROUP, "alice", "C1")
        (order,) = (await inventory.pending_orders(GROUP)).values()
        assert (order.order, order.cart_ref) == ("C1", cart_ref("alice"))
        assert [item.id for item in order.items] == [item.id for item in items]
        assert before <= order.since_ms <= await inventory.now_ms()
        await inventory.sell(GROUP, "C1")
        assert await inventory.pending_orders(GROUP) == {}

    async def test_unnumbered_places_are_ordered_and_given_back(self, inventory: Inventory) -> None:
        held = await inventory.hold(request("alice", Quantity(FAIR, 3, 7, (EVENT,))))
        assert isinstance(held, Held)
        await inventory.promise(GROUP, "alice", "C1")
        await inventory.sell(GROUP, "C1")
        assert await inventory.give_back(GROUP, "C1", held.items[:2]) == 2
        assert await inventory.give_back(GROUP, "C1", held.items[:2]) == 0
        assert (await used(inventory))[EVENT] == 1


class TestWatching:
    async def test_a_snapshot_says_who_has_what(self, inventory: Inventory) -> None:
        """LIVE-2: the cart's name is on it, never its id."""
        await take(inventory, "alice", 1)
        (held,) = await take(inventory, "at the counter", 2, owner=LEA)
        await take(inventory, "basile", 3)
        await inventory.promise(GROUP, "basile", "C1")
        seen = await inventory.snapshot(GROUP, TONIGHT)
        assert sorted(seen.owners) == [1, 2, 3]
        counter = seen.owners[2]
        assert (counter.kind, counter.label) == ("counter", "Counter 2 · Léa")
        assert (counter.cart_ref, counter.expires_at_ms) == (cart_ref("at the counter"), held.expires_at_ms)
        assert (seen.owners[3].order, seen.owners[3].expires_at_ms) == ("C1", 0)
        assert (await inventory.snapshot(GROUP, TONIGHT, owners=False)).owners == {}

    async def test_a_snapshot_shows_the_quotas_of_its_performance_only(self, redis: Redis, plan: Plan) -> None:
        inventory = Inventory(redis)
        quotas = (
            QuotaState("event:1", 5, 0),
            QuotaState("performance:34", 5, 0),
            QuotaState("performance:35", 5, 0),
            QuotaState("tariff:9", 5, 0, performances=(35,)),
        )
        await inventory.load(state(plan, quotas=quotas))
        assert set((await inventory.snapshot(GROUP, TONIGHT)).quotas) == {"event:1", "performance:34"}
        assert set((await inventory.snapshot(GROUP, TOMORROW)).quotas) == {"event:1", "performance:35", "tariff:9"}

    async def test_every_change_is_one_version_published_in_order(self, inventory: Inventory, redis: Redis) -> None:
        """LIVE-1."""
        ear = redis.pubsub()
        await ear.subscribe(channel(GROUP, TONIGHT))
        assert (await ear.get_message(timeout=5) or {})["type"] == "subscribe"
        (item,) = await take(inventory, "alice", 3)
        await inventory.promise(GROUP, "alice", "C1")
        await inventory.sell(GROUP, "C1")
        await inventory.give_back(GROUP, "C1")
        heard = [json.loads((await ear.get_message(timeout=5) or {})["data"]) for _ in range(4)]
        head = await inventory.head(GROUP, TONIGHT)
        assert head is not None
        assert [(each["e"], each["v"]) for each in heard] == [(head[0], version) for version in (1, 2, 3, 4)]
        mine = cart_ref("alice")
        assert [each["s"] for each in heard] == [
            [[3, HELD, "buyer", "online", mine, item.expires_at_ms]],
            [[3, PENDING, "buyer", "online", mine, 0]],
            [[3, SOLD, "", "", "", 0]],
            [[3, FREE, "", "", "", 0]],
        ]
        assert [each["q"] for each in heard] == [
            {EVENT: [1, 20], SEATED: [1, 12], FULL: [1, -1]}, {}, {}, {EVENT: [0, 20], SEATED: [0, 12], FULL: [0, -1]},
        ]  # fmt: skip
        await ear.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    async def test_what_changes_nothing_has_no_version(self, inventory: Inventory) -> None:
        head = await inventory.head(GROUP, TONIGHT)
        await inventory.hold(request("alice", seats(99)))
        await inventory.release(GROUP, "alice")
        await inventory.give_back(GROUP, "C9")
        await inventory.expire_due(GROUP)
        assert await inventory.head(GROUP, TONIGHT) == head

    async def test_a_gap_is_given_whole_or_not_at_all(self, inventory: Inventory, redis: Redis) -> None:
        for ordinal in range(5):
            await take(inventory, "alice", ordinal)
        epoch, version = await inventory.head(GROUP, TONIGHT) or ("", 0)
        assert version == 5
        changes = await inventory.changes_since(GROUP, TONIGHT, epoch, 2)
        assert [json.loads(each)["v"] for each in changes or ()] == [3, 4, 5]
        assert await inventory.changes_since(GROUP, TONIGHT, epoch, 5) == []
        assert await inventory.changes_since(GROUP, TONIGHT, epoch, 6) is None
        assert await inventory.changes_since(GROUP, TONIGHT, "another", 2) is None
        assert await inventory.changes_since(GROUP, 99, epoch, 0) is None
        await redis.ltrim(f"{{g:{GROUP}}}:p:{TONIGHT}:log", -2, -1)
        assert await inventory.changes_since(GROUP, TONIGHT, epoch, 2) is None
        assert len(await inventory.changes_since(GROUP, TONIGHT, epoch, 3) or ()) == 2

    async def test_a_lapsed_seat_taken_in_the_same_step_is_told_once(self, inventory: Inventory, redis: Redis) -> None:
        await lapse(redis, *await take(inventory, "alice", 1))
        epoch, version = await inventory.head(GROUP, TONIGHT) or ("", 0)
        await take(inventory, "basile", 1)
        changes = await inventory.changes_since(GROUP, TONIGHT, epoch, version)
        assert [[seat[:2] for seat in json.loads(change)["s"]] for change in changes or ()] == [[[1, HELD]]]


class TestLoading:
    async def test_a_group_that_is_not_there_says_so_and_works_once_loaded(self, redis: Redis, plan: Plan) -> None:
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

    async def test_after_a_flush_sold_seats_are_sold_again_from_the_ledger(self, redis: Redis, plan: Plan) -> None:
        """LIVE-10: losing Redis costs unpaid carts, never a sold seat."""
        inventory = Inventory(redis)
        await inventory.load(state(plan))
        await take(inventory, "alice", 1)
        await redis.flushall()
        with pytest.raises(GroupMissing):
            await inventory.held(GROUP, "alice")
        known = bytearray(30)
        known[4], known[5] = SOLD, PENDING
        quotas = (QuotaState(EVENT, 20, 2),)
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
        assert await used(inventory) == {EVENT: 1}

    async def test_orders_given_in_full_return_their_own_quotas(self, redis: Redis, plan: Plan) -> None:
        inventory = Inventory(redis)
        places = tuple(HeldItem(f"T{n}", FAIR, -1, 7, (EVENT,)) for n in range(3))
        orders = (OrderState("C1", sold=True, items=places),)
        await inventory.load(state(plan, quotas=(QuotaState(EVENT, 20, 3),), orders=orders))
        assert await inventory.give_back(GROUP, "C1", places[:1]) == 1
        assert await inventory.give_back(GROUP, "C1") == 2
        assert await used(inventory) == {EVENT: 0}

    async def test_loading_what_is_there_changes_nothing(self, inventory: Inventory, plan: Plan) -> None:
        await take(inventory, "alice", 1)
        head = await inventory.head(GROUP, TONIGHT)
        await inventory.load(state(plan))
        assert await inventory.head(GROUP, TONIGHT) == head
        assert await states(inventory) == {1: HELD}

    async def test_many_processes_that_all_find_it_missing_load_it_once(self, redis: Redis, plan: Plan) -> None:
        several = [Inventory(redis) for _ in range(5)]
        await asyncio.gather(*(each.load(state(plan)) for each in several))
        await take(several[0], "alice", 1)
        assert await states(several[1]) == {1: HELD}

    async def test_a_forced_load_is_a_new_epoch_that_everybody_hears_of(
        self, inventory: Inventory, redis: Redis, plan: Plan
    ) -> None:
        epoch, _ = await inventory.head(GROUP, TONIGHT) or ("", 0)
        ear = redis.pubsub()
        await ear.subscribe(channel(GROUP, TONIGHT))
        assert await ear.get_message(timeout=5)
        await inventory.load(state(plan), only_if_missing=False)
        heard = json.loads((await ear.get_message(timeout=5) or {})["data"])
        assert heard["e"] != epoch
        assert (heard["e"], heard["v"]) == await inventory.head(GROUP, TONIGHT)
        assert await inventory.changes_since(GROUP, TONIGHT, epoch, 0) is None
        await ear.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    async def test_a_forced_load_keeps_shopping_carts_where_their_seats_are_still_free(
        self, inventory: Inventory, plan: Plan
    ) -> None:
        kept, lost = await take(inventory, "alice", 1, 2)
        sold = bytearray(30)
        sold[2] = SOLD
        quotas = (QuotaState(EVENT, 20, 1),)
        await inventory.load(state(plan, states=bytes(sold), owners={2: "C9"}, quotas=quotas), only_if_missing=False)
        assert await inventory.held(GROUP, "alice") == (kept,)
        assert await states(inventory) == {1: HELD, 2: SOLD}
        assert (await used(inventory))[EVENT] == 2
        assert await inventory.promise(GROUP, "alice", "C1") == Expired((lost.id,))

    async def test_a_forced_load_keeps_orders_promised_while_the_ledger_was_read(
        self, inventory: Inventory, plan: Plan
    ) -> None:
        await take(inventory, "early", 1)
        await inventory.promise(GROUP, "early", "C1")
        await asyncio.sleep(0.005)
        as_of = await inventory.now_ms()
        await take(inventory, "late", 2)
        await inventory.promise(GROUP, "late", "C2")
        await inventory.load(state(plan, as_of_ms=as_of), only_if_missing=False)
        assert await states(inventory) == {2: PENDING}, "C1 was not in the ledger that was read after it"
        assert await inventory.sell(GROUP, "C2")

    async def test_states_that_do_not_match_their_plan_are_the_callers_fault(self, redis: Redis, plan: Plan) -> None:
        with pytest.raises(ValueError, match="3 states for 30 seats"):
            await Inventory(redis).load(state(plan, states=bytes(3)))

    async def test_a_free_seat_costs_its_byte(self, inventory: Inventory, redis: Redis, plan: Plan) -> None:
        """The geometry is kept once per plan, whatever the number of performances."""
        keys = [key.decode() async for key in redis.scan_iter(f"{{g:{GROUP}}}*")]
        about_seats = sorted(key.partition(":p:")[2] for key in keys if ":p:" in key)
        assert about_seats == [f"{TONIGHT}:states", f"{TOMORROW}:states"]
        assert len([key for key in keys if ":plan:" in key]) == 4
        assert await redis.strlen(f"{{g:{GROUP}}}:p:{TONIGHT}:states") == 30
