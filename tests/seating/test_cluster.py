"""The inventory's behaviours on one Redis and on a Redis Cluster of three masters: the same sentences hold on both.

Each is asked of three groups at the same time, which on the cluster lie on three machines; what a group is at the end
is compared with itself (seating.audit). The finer points of each behaviour have their own tests, on one Redis.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from seating.audit import contradictions
from seating.dumps import read_dump
from seating.store import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    LINKED,
    PENDING,
    SOLD,
    USED,
    Allotment,
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
    OrderRule,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Reason,
    Refusal,
    channel,
)
from tests.seating.cluster import Cluster, Stores, administer, cluster, slot_of
from tests.seating.houses import labels, sketch
from tests.seating.shop import Follower, lapse

__all__ = ["administer", "cluster"]

SEATED, MATINEE, PASS, FAIR = 1, 2, 3, 4
EVENT = "event"
PLAN = sketch("..........", "..........", "ssssssssss")
PLANS = {SEATED: PLAN, MATINEE: PLAN, PASS: PLAN, FAIR: None}
BUYER, LEA = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")


class Shop:
    """One of the three groups, in short words."""

    def __init__(self, stores: Stores, group: str) -> None:
        self.stores, self.inventory, self.group = stores, stores.inventory, group

    def ledger(self, **more: Any) -> GroupState:
        """An evening, a matinee that is part of a season pass, and a fair without seats: twelve places in all."""
        sold: dict[int, str] = more.pop("sold", {})
        states = bytes(SOLD if ordinal in sold else FREE for ordinal in range(len(PLAN.seats)))
        performances = (
            PerformanceState(SEATED, PLAN, states),
            *(PerformanceState(id, PLANS[id]) for id in (MATINEE, PASS, FAIR)),
        )
        orders = tuple(
            OrderState(code, sold=True, items=(HeldItem(f"T{ordinal}", SEATED, ordinal, 5, (EVENT,)),))
            for ordinal, code in sold.items()
        )
        quotas = (QuotaState(EVENT, 12, len(sold)),)
        return GroupState(self.group, performances, quotas, orders, links=((PASS, MATINEE),), **more)

    async def ask(self, cart: str, *lines: Line, **more: Any) -> Held | Refusal:
        return await self.inventory.hold(HoldRequest(self.group, cart, BUYER, lines, more.pop("ttl_s", 900), **more))

    async def take(self, cart: str, *ordinals: int, **more: Any) -> tuple[HeldItem, ...]:
        held = await self.ask(cart, seats(*ordinals, performance=more.pop("performance", SEATED)), **more)
        assert isinstance(held, Held), held
        return held.items

    async def refused(self, cart: str, *lines: Line, **more: Any) -> tuple[Reason, ...]:
        refusal = await self.ask(cart, *lines, **more)
        assert isinstance(refusal, Refusal), refusal
        return refusal.reasons

    async def states(self, performance: int = SEATED) -> dict[int, int]:
        seen = await self.inventory.snapshot(self.group, performance)
        return {ordinal: each for ordinal, each in enumerate(seen.states) if each != FREE}

    async def used(self) -> int:
        return (await self.inventory.snapshot(self.group, SEATED, owners=False)).quotas[EVENT][0]

    async def lapse(self, *items: HeldItem) -> None:
        await lapse(self.stores.client, *items, tag=f"{{g:{self.group}}}")

    async def faults(self) -> list[str]:
        await self.inventory.pulse(self.group)
        dump = read_dump(await self.inventory.dump(self.group))
        return [each.sentence() for each in contradictions(dump, PLANS)]


async def on_each(stores: Stores, behaviour: Callable[[Shop], Awaitable[None]]) -> None:
    """The same of three groups at once; none may see anything of the others."""

    async def alone(group: str) -> None:
        shop = Shop(stores, group)
        await stores.inventory.load(shop.ledger())
        await behaviour(shop)
        assert await shop.faults() == []

    await asyncio.gather(*(alone(group) for group in stores.groups))


def seats(*ordinals: int, performance: int = SEATED, quotas: tuple[str, ...] = (EVENT,)) -> NamedSeats:
    return NamedSeats(performance, ordinals, 5, quotas)


def best(count: int, **more: Any) -> BestSeats:
    return BestSeats(SEATED, count, 5, (EVENT,), **more)


def places(count: int, **more: Any) -> Quantity:
    return Quantity(FAIR, count, 5, (EVENT,), **more)


async def test_the_three_groups_lie_on_three_masters(redis_cluster: Cluster, stores: Stores) -> None:
    """Otherwise nothing here would prove anything."""
    masters = {redis_cluster.master_of(group).port for group in stores.groups}
    assert len(masters) == len({slot_of(group) for group in stores.groups}) == 3


async def test_a_hold_takes_all_lines_and_a_refusal_none(stores: Stores) -> None:
    """LIVE-7, LIVE-10, QUO-2."""

    async def behaviour(shop: Shop) -> None:
        held = await shop.ask("alice", seats(3, 4), best(2), places(2))
        assert isinstance(held, Held)
        assert [item.performance for item in held.items] == [SEATED] * 4 + [FAIR] * 2
        assert await shop.inventory.held(shop.group, "alice") == held.items
        before = await shop.states()
        (taken,) = await shop.refused("basile", seats(4, 9), places(1))
        assert (taken.code, taken.ordinal) == ("seat_taken", 4)
        assert taken.nearest
        assert not set(taken.nearest) & set(before)
        assert await shop.states() == before
        assert await shop.used() == 6

    await on_each(stores, behaviour)


async def test_the_last_places_of_a_quota_go_to_exactly_as_many(stores: Stores) -> None:
    """QUO-1: of twenty who want one of twelve places, twelve get it."""

    async def behaviour(shop: Shop) -> None:
        answers = await asyncio.gather(*(shop.ask(f"cart {number}", places(1)) for number in range(20)))
        assert sum(isinstance(answer, Held) for answer in answers) == 12
        codes = {answer.reasons[0].code for answer in answers if isinstance(answer, Refusal)}
        assert codes == {"quota_exhausted"}
        assert await shop.used() == 12

    await on_each(stores, behaviour)


async def test_a_seat_that_everybody_wants_goes_to_one(stores: Stores) -> None:
    """LIVE-10."""

    async def behaviour(shop: Shop) -> None:
        answers = await asyncio.gather(*(shop.ask(f"cart {number}", seats(7)) for number in range(20)))
        assert sum(isinstance(answer, Held) for answer in answers) == 1
        assert await shop.states() == {7: HELD}

    await on_each(stores, behaviour)


async def test_the_same_request_asked_again_holds_once(stores: Stores) -> None:
    async def behaviour(shop: Shop) -> None:
        answers = await asyncio.gather(*(shop.ask("alice", best(2), request_id="r") for _ in range(10)))
        assert all(answer == answers[0] for answer in answers)
        assert await shop.used() == 2

    await on_each(stores, behaviour)


async def test_best_seats_are_the_same_wherever_the_group_lies(stores: Stores) -> None:
    """LIVE-8."""

    async def behaviour(shop: Shop) -> None:
        held = await shop.ask("alice", best(4))
        assert isinstance(held, Held)
        assert labels(PLAN, (item.ordinal for item in held.items)) == ["A4", "A5", "A6", "A7"]
        (why,) = await shop.refused("basile", best(9, rows_max=1, categories=("Gold", "Silver")))
        assert why.code == "quota_exhausted"
        assert isinstance(await shop.ask("basile", best(8, categories=("Silver",))), Held)

    await on_each(stores, behaviour)


async def test_a_cart_becomes_an_order_is_sold_used_and_given_back(stores: Stores) -> None:
    """LIVE-10, ORD-1."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        items = await shop.take("alice", 1, 2)
        promised = await inventory.promise(group, "alice", "C1", [item.id for item in items])
        assert promised == tuple(msgspec.structs.replace(item, expires_at_ms=0) for item in items)
        assert await inventory.promise(group, "alice", "C1") == promised
        assert await shop.states() == {1: PENDING, 2: PENDING}
        assert set(await inventory.pending_orders(group)) == {"C1"}
        assert await inventory.sell(group, "C1")
        assert await inventory.mark_used(group, SEATED, 1)
        assert await shop.states() == {1: USED, 2: SOLD}
        assert await inventory.give_back(group, "C1", items[:1]) == 1
        assert await inventory.give_back(group, "C1") == 1
        assert (await shop.states(), await shop.used()) == ({}, 0)
        assert not await inventory.sell(group, "C1")

    await on_each(stores, behaviour)


async def test_what_lapsed_or_breaks_a_rule_is_not_promised(stores: Stores) -> None:
    """LIVE-7, TAR-1."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        live, lapsed = await shop.take("alice", 1, 2)
        rule = OrderRule("couples", at_least=3)
        refusal = await inventory.promise(group, "alice", "C1", rules=(rule,))
        assert isinstance(refusal, Refusal)
        assert refusal.reasons[0].code == "order_minimum"
        await shop.lapse(lapsed)
        assert await inventory.promise(group, "alice", "C1", (live.id, lapsed.id)) == Expired((lapsed.id,))
        assert await shop.states() == {1: HELD}

    await on_each(stores, behaviour)


async def test_an_order_that_is_not_made_goes_back_into_its_cart(stores: Stores) -> None:
    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        items = await shop.take("alice", 1, 2)
        await inventory.promise(group, "alice", "C1")
        assert await inventory.recall(group, "C1", "alice", BUYER, 900) == 2
        assert await inventory.recall(group, "C1", "alice", BUYER, 900) == 0
        assert [item.id for item in await inventory.held(group, "alice")] == [item.id for item in items]
        assert await shop.states() == {1: HELD, 2: HELD}
        assert await shop.used() == 2

    await on_each(stores, behaviour)


async def test_a_cart_is_prolonged_moved_and_given_up(stores: Stores) -> None:
    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        (item,) = await shop.take("alice", 1)
        assert await inventory.extend(group, "alice", 3600) == 1
        assert await inventory.move(group, "alice", "till", LEA, 900) == 1
        (moved,) = await inventory.held(group, "till")
        assert (moved.id, moved.ordinal) == (item.id, 1)
        assert moved.expires_at_ms > item.expires_at_ms + 2_600_000
        assert (await inventory.snapshot(group, SEATED)).owners[1].label == LEA.label
        assert await inventory.release(group, "alice") == 0
        assert await inventory.release(group, "till", (item.id,)) == 1
        assert (await shop.states(), await shop.used()) == ({}, 0)

    await on_each(stores, behaviour)


async def test_a_tariff_and_a_seat_are_exchanged(stores: Stores) -> None:
    """SEA-9, QUO-1."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        await inventory.set_limits(group, {"reduced": 1})
        (item,) = await shop.take("alice", 1)
        changed = await inventory.change_tariff(group, "alice", item.id, 6, (EVENT, "reduced"))
        assert isinstance(changed, HeldItem)
        await inventory.promise(group, "alice", "C1")
        await inventory.sell(group, "C1")
        other = await inventory.exchange(group, "C1", SEATED, 1, 12, tariff=5, quotas=(EVENT,))
        assert isinstance(other, HeldItem)
        assert await shop.states() == {12: SOLD}
        assert (await inventory.snapshot(group, SEATED)).quotas["reduced"] == (0, 1)
        await shop.take("basile", 3)
        refusal = await inventory.exchange(group, "C1", SEATED, 12, 3, tariff=5, quotas=(EVENT,))
        assert isinstance(refusal, Refusal)

    await on_each(stores, behaviour)


async def test_allotted_seats_and_quantities_are_kept_and_released(stores: Stores) -> None:
    """AHEAD-2."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        assert await inventory.allot(group, Allotment("press", "Press", SEATED, (3, 4))) is None
        assert await inventory.allot(group, Allotment("school", "School", FAIR, quantity=8, quotas=(EVENT,))) is None
        assert await shop.states() == {3: ALLOTTED, 4: ALLOTTED}
        assert [why.code for why in await shop.refused("alice", seats(3))] == ["not_yours"]
        assert [why.code for why in await shop.refused("alice", places(5))] == ["quota_exhausted"]
        taken = await shop.ask("paul", seats(3), keys=("press",))
        assert isinstance(taken, Held)
        assert taken.items[0].allotment == "press"
        class_trip = await shop.ask("school", places(6, allotment="school"), keys=("school",))
        assert isinstance(class_trip, Held)
        assert await inventory.release(group, "paul") == 1
        assert await shop.states() == {3: ALLOTTED, 4: ALLOTTED}
        assert await inventory.release_allotment(group, "press") == 2
        assert await inventory.release_allotment(group, "school") == 2
        assert (await shop.states(), await shop.used()) == ({}, 6)

    await on_each(stores, behaviour)


async def test_an_allotment_ends_by_itself_at_its_date(stores: Stores) -> None:
    async def behaviour(shop: Shop) -> None:
        soon = await shop.inventory.now_ms(shop.group) + 60
        allotment = Allotment("press", "Press", SEATED, (3, 4), release_at_ms=soon)
        assert await shop.inventory.allot(shop.group, allotment) is None
        while await shop.inventory.expire_due(shop.group) == 0:
            await asyncio.sleep(0.02)
        assert await shop.states() == {}

    await on_each(stores, behaviour)


async def test_a_seat_taken_by_a_pass_is_taken_in_its_matches(stores: Stores) -> None:
    """SEA-7."""

    async def behaviour(shop: Shop) -> None:
        await shop.take("alice", 5, performance=PASS)
        assert await shop.states(MATINEE) == {5: LINKED}
        assert [why.code for why in await shop.refused("basile", seats(5, performance=MATINEE))] == ["seat_taken"]
        await shop.take("basile", 6, performance=MATINEE)
        assert await shop.states(PASS) == {5: HELD, 6: LINKED}
        await shop.inventory.release(shop.group, "alice")
        assert (await shop.states(MATINEE), await shop.states(PASS)) == ({6: HELD}, {6: LINKED})

    await on_each(stores, behaviour)


async def test_blocked_seats_are_off_sale(stores: Stores) -> None:
    async def behaviour(shop: Shop) -> None:
        assert await shop.inventory.block(shop.group, SEATED, (3, 4)) == (3, 4)
        assert [why.code for why in await shop.refused("alice", seats(3))] == ["seat_taken"]
        assert await shop.inventory.block(shop.group, SEATED, (3,), blocked=False) == (3,)
        await shop.take("alice", 3)
        assert await shop.states() == {3: HELD, 4: BLOCKED}

    await on_each(stores, behaviour)


async def test_what_lapses_is_free_again(stores: Stores) -> None:
    """LIVE-7: by the expiry's own round, or by the next who wants it."""

    async def behaviour(shop: Shop) -> None:
        await shop.lapse(*await shop.take("alice", 1))
        assert await shop.inventory.held(shop.group, "alice") == ()
        assert await shop.inventory.expire_due(shop.group) == 1
        await shop.lapse(*await shop.take("alice", 2))
        await shop.take("basile", 2)
        assert (await shop.states(), await shop.used()) == ({2: HELD}, 1)

    await on_each(stores, behaviour)


async def test_who_follows_the_changes_sees_the_snapshot(stores: Stores) -> None:
    """LIVE-1, LIVE-3."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        follower = Follower(inventory, SEATED, group)
        await follower.catch_up()
        await shop.take("alice", 1, 2)
        await shop.ask("alice", places(2))
        await inventory.promise(group, "alice", "C1")
        await inventory.expire_due(group)
        await inventory.sell(group, "C1")
        await follower.catch_up()
        seen = await inventory.snapshot(group, SEATED)
        assert (bytes(follower.states), follower.version) == (seen.states, seen.version)
        assert follower.quotas == seen.quotas
        assert follower.resyncs == 1
        assert await inventory.head(group, SEATED) == (seen.epoch, seen.version)
        assert await inventory.changes_since(group, SEATED, seen.epoch, seen.version) == []
        assert await inventory.changes_since(group, SEATED, "another", 0) is None

    await on_each(stores, behaviour)


async def test_a_change_is_heard_on_every_machine(stores: Stores) -> None:
    """LIVE-1: a feed is connected to one of them, whichever."""
    machines = stores.machines()
    ears = [(group, machine.pubsub()) for group in stores.groups for machine in machines]
    for group, ear in ears:
        await stores.inventory.load(Shop(stores, group).ledger())
        await ear.subscribe(channel(group, SEATED))
        assert await ear.get_message(timeout=60)
    for group in stores.groups:
        await Shop(stores, group).take("alice", 3)
    for _, ear in ears:
        heard = json.loads((await ear.get_message(timeout=60) or {})["data"])
        assert (heard["v"], heard["s"][0][:2]) == (1, [3, HELD])
        await ear.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    for machine in machines:
        await machine.aclose()


async def test_a_forced_load_keeps_carts_and_what_the_ledger_could_not_know(stores: Stores) -> None:
    """LIVE-10."""

    async def behaviour(shop: Shop) -> None:
        inventory, group = shop.inventory, shop.group
        epoch, _ = await inventory.head(group, SEATED) or ("", 0)
        kept, lost = await shop.take("alice", 1, 2)
        as_of_ms = await inventory.now_ms(group)
        await shop.take("late", 3)
        await inventory.promise(group, "late", "C2")
        await inventory.load(shop.ledger(sold={2: "C9", 8: "C8"}, as_of_ms=as_of_ms), only_if_missing=False)
        assert await shop.states() == {1: HELD, 2: SOLD, 3: PENDING, 8: SOLD}
        assert await shop.used() == 4
        assert [item.ordinal for item in await inventory.held(group, "alice")] == [1]
        assert await inventory.promise(group, "alice", "C1", (kept.id, lost.id)) == Expired((lost.id,))
        assert await inventory.changes_since(group, SEATED, epoch, 0) is None
        assert await inventory.give_back(group, "C8") == 1

    await on_each(stores, behaviour)


async def test_a_group_that_is_not_there_says_so_until_it_is_loaded(stores: Stores) -> None:
    """LIVE-10."""
    inventory = stores.inventory
    for group in stores.groups:
        with pytest.raises(GroupMissing, match=group):
            await inventory.held(group, "alice")
        assert await inventory.head(group, SEATED) is None
    first, *others = (Shop(stores, group) for group in stores.groups)
    for shop in (first, *others):
        several = [Inventory(stores.client) for _ in range(3)]
        await asyncio.gather(*(each.load(shop.ledger()) for each in several))
        await shop.take("alice", 1)
    assert await inventory.groups() == set(stores.groups)
    await inventory.unload(first.group)
    with pytest.raises(GroupMissing, match=first.group):
        await inventory.held(first.group, "alice")
    assert [await shop.states() for shop in others] == [{1: HELD}] * 2
    assert await inventory.groups() == {shop.group for shop in others}
