"""The inventory against a model in a dict, over any sequence of steps that Hypothesis can think of (LIVE-10, QUO-1)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from seating.store import (
    BLOCKED,
    FREE,
    HELD,
    PENDING,
    SOLD,
    USED,
    Expired,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    NamedSeats,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Reason,
    Refusal,
)
from tests.seating.houses import sketch

GROUP, SEATED, STANDING = "model", 1, 2
LIMITS = {"event": 9, "tariff:1": 5, "tariff:2": None}
PLAN = sketch("......", "......")
CARTS = ["alice", "basile", "chloé"]
BUYER = Owner("buyer", "online")


@dataclass
class Order:
    cart: str
    items: dict[str, HeldItem]
    sold: bool = False


@dataclass
class Model:
    """What must be true, as plainly as it can be said."""

    seats: list[int] = field(default_factory=lambda: [FREE] * len(PLAN.seats))
    carts: dict[str, dict[str, HeldItem]] = field(default_factory=lambda: {cart: {} for cart in CARTS})
    lapsed: dict[str, set[str]] = field(default_factory=lambda: {cart: set() for cart in CARTS})
    orders: dict[str, Order] = field(default_factory=dict)

    def used(self) -> dict[str, int]:
        items = [item for cart in self.carts.values() for item in cart.values()]
        items += [item for order in self.orders.values() for item in order.items.values()]
        return {quota: sum(quota in item.quotas for item in items) for quota in LIMITS}

    def free(self, item: HeldItem) -> None:
        if item.ordinal >= 0:
            self.seats[item.ordinal] = FREE


class InventoryMachine(RuleBasedStateMachine):
    redis_url = ""
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.count = 0

    @initialize()
    def load(self) -> None:
        async def prepare() -> None:
            self.redis = Redis.from_url(self.redis_url)
            await self.redis.flushdb()
            self.inventory = Inventory(self.redis)
            await self.inventory.load(self.as_loaded())

        self.runner.run(prepare())
        self.shown: list[int] = list(self.model.seats)
        self.epoch, self.version = self.runner.run(self.inventory.head(GROUP, SEATED)) or ("", 0)

    def as_loaded(self) -> GroupState:
        model = self.model
        return GroupState(
            GROUP,
            (PerformanceState(SEATED, PLAN, bytes(model.seats)), PerformanceState(STANDING, None)),
            tuple(QuotaState(name, limit, model.used()[name]) for name, limit in LIMITS.items()),
            tuple(OrderState(code, order.sold, tuple(order.items.values())) for code, order in model.orders.items()),
        )

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.runner.run(self.redis.aclose())
        self.runner.close()

    @rule(
        cart=st.sampled_from(CARTS),
        ordinals=st.lists(st.integers(-1, 12), max_size=4),
        places=st.integers(0, 3),
        tariff=st.sampled_from([1, 2]),
        again=st.booleans(),
    )
    def hold(self, cart: str, ordinals: list[int], places: int, tariff: int, again: bool) -> None:
        quotas = ("event", f"tariff:{tariff}")
        lines: list[NamedSeats | Quantity] = []
        if ordinals:
            lines.append(NamedSeats(SEATED, tuple(ordinals), tariff, quotas))
        if places:
            lines.append(Quantity(STANDING, places, tariff, quotas))
        if not lines:
            return
        self.count += 1
        request = HoldRequest(GROUP, cart, BUYER, tuple(lines), 900, f"r{self.count}")
        answer = self.runner.run(self.inventory.hold(request))
        if again:
            assert self.runner.run(self.inventory.hold(request)) == answer
        expected = self.reasons(ordinals, places, quotas)
        if expected:
            assert isinstance(answer, Refusal)
            assert {(r.code, r.ordinal, r.quota, r.left) for r in answer.reasons} == expected
            self.check_nearest(answer.reasons, ordinals)
            return
        assert isinstance(answer, Held), answer
        assert [i.ordinal for i in answer.items] == [*ordinals, *[-1] * places]
        for item in answer.items:
            self.model.carts[cart][item.id] = item
            if item.ordinal >= 0:
                self.model.seats[item.ordinal] = HELD

    def reasons(self, ordinals: list[int], places: int, quotas: tuple[str, ...]) -> set[tuple[str, int, str, int]]:
        found: set[tuple[str, int, str, int]] = set()
        for index, ordinal in enumerate(ordinals):
            if not 0 <= ordinal < len(PLAN.seats):
                found.add(("unknown_seat", ordinal, "", 0))
            elif self.model.seats[ordinal] != FREE or ordinal in ordinals[:index]:
                found.add(("seat_taken", ordinal, "", 0))
        for quota in quotas:
            limit, used = LIMITS[quota], self.model.used()[quota]
            if limit is not None and used + len(ordinals) + places > limit:
                found.add(("quota_exhausted", -1, quota, limit - used))
        return found

    def check_nearest(self, reasons: tuple[Reason, ...], asked: list[int]) -> None:
        for reason in reasons:
            assert all(self.model.seats[o] == FREE and o not in asked for o in reason.nearest)
            if reason.code == "seat_taken":
                others = [o for o, state in enumerate(self.model.seats) if state == FREE and o not in asked]
                assert bool(reason.nearest) == bool(others)

    @rule(cart=st.sampled_from(CARTS), some=st.sampled_from(["all", "first", "another's"]))
    def release(self, cart: str, some: str) -> None:
        mine = self.model.carts[cart]
        items: tuple[str, ...] | None = None
        if some == "first":
            items = tuple(mine)[:1]
        elif some == "another's":
            items = tuple(item for other in CARTS if other != cart for item in self.model.carts[other])
        freed = self.runner.run(self.inventory.release(GROUP, cart, items))
        gone = [item for item in mine if items is None or item in items]
        assert freed == len(gone)
        for item in gone:
            self.model.free(mine.pop(item))
        if items is None:
            self.model.lapsed[cart].clear()

    @rule(cart=st.sampled_from(CARTS), which=st.integers(0, 5), swept=st.booleans())
    def lapse(self, cart: str, which: int, swept: bool) -> None:
        mine = self.model.carts[cart]
        if not mine:
            return
        item = mine.pop(list(mine)[which % len(mine)])
        self.model.free(item)
        self.model.lapsed[cart].add(item.id)
        tag = f"{{g:{GROUP}}}"

        async def pass_time() -> None:
            raw = await self.redis.hget(f"{tag}:items", item.id)
            assert isinstance(raw, bytes)
            fields = msgspec.msgpack.decode(raw)
            fields[8] = 1
            await self.redis.hset(f"{tag}:items", item.id, msgspec.msgpack.encode(fields))
            await self.redis.zadd(f"{tag}:due", {item.id: 1})

        self.runner.run(pass_time())
        if swept:
            assert self.runner.run(self.inventory.expire_due(GROUP)) == 1

    @rule(cart=st.sampled_from(CARTS), tariff=st.sampled_from([1, 2]))
    def change_tariff(self, cart: str, tariff: int) -> None:
        mine = self.model.carts[cart]
        if not mine:
            return
        item = mine[next(iter(mine))]
        quotas = ("event", f"tariff:{tariff}")
        answer = self.runner.run(self.inventory.change_tariff(GROUP, cart, item.id, tariff, quotas))
        limit, used = LIMITS[quotas[1]], self.model.used()[quotas[1]]
        if quotas != item.quotas and limit is not None and used >= limit:
            assert isinstance(answer, Refusal)
        else:
            assert isinstance(answer, HeldItem)
            assert answer == msgspec.structs.replace(item, tariff=tariff, quotas=quotas)
            mine[item.id] = answer

    @rule(target=orders, cart=st.sampled_from(CARTS))
    def promise(self, cart: str) -> str:
        self.count += 1
        code = f"C{self.count}"
        answer = self.runner.run(self.inventory.promise(GROUP, cart, code))
        mine = self.model.carts[cart]
        if self.model.lapsed[cart] or not mine:
            assert isinstance(answer, Expired)
            assert set(answer.items) == self.model.lapsed[cart]
            self.model.lapsed[cart].clear()
            return code
        assert not isinstance(answer, Expired)
        assert [item.id for item in answer] == list(mine)
        self.model.orders[code] = Order(cart, dict(mine))
        for item in mine.values():
            if item.ordinal >= 0:
                self.model.seats[item.ordinal] = PENDING
        mine.clear()
        assert self.runner.run(self.inventory.promise(GROUP, cart, code)) == answer
        return code

    @rule(code=orders)
    def sell(self, code: str) -> None:
        order = self.model.orders.get(code)
        assert self.runner.run(self.inventory.sell(GROUP, code)) == (order is not None)
        if order and not order.sold:
            order.sold = True
            for item in order.items.values():
                if item.ordinal >= 0:
                    self.model.seats[item.ordinal] = SOLD

    @rule(code=orders, count=st.integers(0, 3), by_seat=st.booleans())
    def give_back(self, code: str, count: int, by_seat: bool) -> None:
        order = self.model.orders.get(code)
        some = None
        gone = list(order.items.values()) if order else []
        if count:
            gone = gone[:count]
            some = [msgspec.structs.replace(i, id="?") if by_seat and i.ordinal >= 0 else i for i in gone]
        assert self.runner.run(self.inventory.give_back(GROUP, code, some)) == len(gone)
        if order:
            for item in gone:
                self.model.free(order.items.pop(item.id))
            if not order.items:
                del self.model.orders[code]

    @rule(ordinal=st.integers(0, 11), used=st.booleans())
    def scan(self, ordinal: int, used: bool) -> None:
        before, after = (SOLD, USED) if used else (USED, SOLD)
        changed = self.runner.run(self.inventory.mark_used(GROUP, SEATED, ordinal, used=used))
        assert changed == (self.model.seats[ordinal] == before)
        if changed:
            self.model.seats[ordinal] = after

    @rule(ordinals=st.sets(st.integers(0, 11), max_size=3), blocked=st.booleans())
    def block(self, ordinals: set[int], blocked: bool) -> None:
        before, after = (FREE, BLOCKED) if blocked else (BLOCKED, FREE)
        done = self.runner.run(self.inventory.block(GROUP, SEATED, sorted(ordinals), blocked=blocked))
        assert set(done) == {o for o in ordinals if self.model.seats[o] == before}
        for ordinal in done:
            self.model.seats[ordinal] = after

    @rule()
    def lose_everything(self) -> None:
        """Redis is emptied; the ledger knows orders and blocked seats, carts are gone (LIVE-10)."""
        for cart in CARTS:
            for item in self.model.carts[cart].values():
                self.model.free(item)
            self.model.carts[cart] = {}
            self.model.lapsed[cart] = set()

        async def flush() -> None:
            await self.redis.flushdb()
            try:
                await self.inventory.held(GROUP, "alice")
            except GroupMissing:
                await self.inventory.load(self.as_loaded())

        self.runner.run(flush())

    @rule()
    def load_again_while_in_use(self) -> None:
        ledger = Model(list(self.model.seats), orders=self.model.orders)
        ledger.seats = [FREE if state == HELD else state for state in ledger.seats]
        mine, self.model = self.model, ledger
        state = self.as_loaded()
        self.model = mine
        self.runner.run(self.inventory.load(state, only_if_missing=False))

    @invariant()
    def the_snapshot_is_the_model(self) -> None:
        if not hasattr(self, "inventory"):
            return
        self.runner.run(self.inventory.expire_due(GROUP))
        seen = self.runner.run(self.inventory.snapshot(GROUP, SEATED))
        assert list(seen.states) == self.model.seats
        used = self.model.used()
        assert {name: value for name, (value, _) in seen.quotas.items()} == used
        assert all(limit is None or used[name] <= limit for name, limit in LIMITS.items())
        owned = [o for o, state in enumerate(self.model.seats) if state not in (FREE, BLOCKED)]
        assert sorted(seen.owners) == owned
        for cart in CARTS:
            assert self.runner.run(self.inventory.held(GROUP, cart)) == tuple(self.model.carts[cart].values())
        pending = {code for code, order in self.model.orders.items() if not order.sold}
        assert set(self.runner.run(self.inventory.pending_orders(GROUP))) == pending

    @invariant()
    def who_follows_the_log_sees_the_snapshot(self) -> None:
        """LIVE-1: a client that applies every change, or takes a new snapshot when told to, is never wrong."""
        if not hasattr(self, "inventory"):
            return
        changes = self.runner.run(self.inventory.changes_since(GROUP, SEATED, self.epoch, self.version))
        if changes is None:
            seen = self.runner.run(self.inventory.snapshot(GROUP, SEATED))
            self.shown, self.epoch, self.version = list(seen.states), seen.epoch, seen.version
        for raw in changes or ():
            change = json.loads(raw)
            assert (change["e"], change["v"]) == (self.epoch, self.version + 1)
            self.version += 1
            for ordinal, state, *_ in change["s"]:
                self.shown[ordinal] = state
        assert self.shown == self.model.seats


def test_no_sequence_of_steps_makes_the_inventory_differ_from_the_model(redis: Redis, redis_url: str) -> None:
    machine = type("Machine", (InventoryMachine,), {"redis_url": redis_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
