"""Every step of the inventory, each compared with the model (see test_store_model.py)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from redis.asyncio import Redis

from seating.audit import contradictions
from seating.dumps import read_dump
from seating.store import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    PENDING,
    SOLD,
    USED,
    Allotment,
    BestSeats,
    Expired,
    GroupMissing,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    Reason,
    Refusal,
    RowByRow,
)
from tests.seating import best_reference, wishes
from tests.seating.model import (
    CARTS,
    GROUP,
    HOME,
    PLAN,
    SCHOOL,
    SEATED,
    SEATS,
    STANDS,
    TAG,
    Kept,
    Order,
    opening,
    places,
    quotas_of,
    timeless,
    whys,
)
from tests.seating.shop import Follower, index_is_exact, lapse
from tests.seating.wishes import ALLOTMENTS


class InventoryMachine(RuleBasedStateMachine):
    redis_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[str] = []
        self.runner = asyncio.Runner()
        self.model = opening()
        self.count = 0
        self.excused: set[str] = set()

    @initialize()
    def load(self) -> None:
        self.redis = Redis.from_url(self.redis_url)
        self.inventory = Inventory(self.redis)
        self.run(self.redis.flushdb())
        self.run(self.inventory.load(self.model.ledger()))
        self.followers = [Follower(self.inventory, each, GROUP) for each in (*SEATED, STANDS)]

    @rule(step=wishes.step())
    def do(self, step: tuple[str, dict[str, Any]]) -> None:
        name, wish = step
        getattr(self, name)(**wish)

    def run(self, step: Any) -> Any:
        return self.runner.run(step)

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.run(self.redis.aclose())
        self.runner.close()

    # Carts

    def ask(self, cart: str, *lines: Any, again: bool = False, **more: Any) -> Held | Refusal:
        self.count += 1
        request = HoldRequest(GROUP, cart, CARTS[cart], lines, 900, f"r{self.count}", **more)
        answer: Held | Refusal = self.run(self.inventory.hold(request))
        if again and isinstance(answer, Held):
            assert self.run(self.inventory.hold(request)) == answer
        return answer

    def note(self, cart: str, answer: Held) -> None:
        self.model.carts[cart] += timeless(answer.items)
        self.model.give(answer.items, HELD)
        self.excused |= {each.quota for each in answer.exceeded if each.code == "quota_exhausted"}

    def hold(self, cart: str, lines: list[Any], keys: Any, rules: Any, exceed: Any, again: bool) -> None:
        trial = copy.deepcopy(self.model)
        expected = trial.hold(cart, lines, keys, rules, exceed)
        answer = self.ask(cart, *lines, keys=keys, rules=rules, exceed=exceed, again=again)
        if expected.reasons:
            assert isinstance(answer, Refusal), answer
            assert whys(answer.reasons) == sorted(expected.reasons)
            self.check_nearest(answer.reasons, lines)
            return
        assert isinstance(answer, Held), answer
        assert whys(answer.exceeded) == sorted(expected.exceeded)
        assert [msgspec.structs.replace(i, id="") for i in timeless(answer.items)] == expected.items
        assert all(item.id.isdecimal() for item in answer.items)
        self.model = trial
        self.note(cart, answer)

    def check_nearest(self, reasons: tuple[Reason, ...], lines: list[Any]) -> None:
        for reason in reasons:
            asked = [o for each in lines if getattr(each, "performance", 0) == reason.performance
                     for o in getattr(each, "ordinals", ())]  # fmt: skip
            for ordinal in reason.nearest:
                assert self.model.seen(reason.performance, ordinal) == FREE
                assert ordinal not in asked
                assert PLAN.seats[ordinal].category == PLAN.seats[reason.ordinal].category

    def hold_best(
        self, cart: str, performance: int, count: int, tariff: int, keys: Any, rules: Any, category: str,
        allotment: str, row_by_row: bool, exceed: Any, again: bool,
    ) -> None:  # fmt: skip
        quotas, model = quotas_of(performance, tariff), self.model
        categories = (category,) if category else ()
        kind = RowByRow if row_by_row else BestSeats
        wish = kind(performance, count, tariff, quotas, categories=categories, allotment=allotment)
        answer = self.ask(cart, wish, keys=keys, rules=rules, exceed=exceed, again=again)
        takeable = [
            free and category in ("", PLAN.seats[o].category)
            for o, free in enumerate(model.takeable(performance, allotment))
        ]
        party = best_reference.Party(count, categories)
        best = best_reference.best(best_reference.House(PLAN, takeable), party)
        if isinstance(answer, Refusal):
            codes = {each.code for each in answer.reasons}
            kept = model.allotments.get(allotment)
            if allotment and (kept is None or kept.performance != performance):
                assert codes == {"unknown_allotment"}
            elif allotment and allotment not in keys and "allotments" not in exceed:
                assert codes == {"not_yours"}
            elif codes == {"not_yours"}:
                # SEA-8: among the best of the allotment is a seat with a key of its own.
                assert "allotments" not in exceed
                assert self.closed(performance, best.seats if best and not row_by_row else range(len(takeable)), keys)
            elif codes == {"quota_exhausted"}:
                assert "quotas" not in exceed
                entitled = "allotments" in exceed
                assert any(model.left(quota, with_kept=entitled) < count for quota in quotas)
            elif codes == {"order_limit"}:
                assert self.over_rules(cart, rules, tariff, count)
                assert "order_limits" not in exceed
            else:
                assert codes == {"not_enough_seats"} if row_by_row else codes <= {"not_enough_seats", "no_adjacent"}
                assert sum(takeable) < count if row_by_row else best is None
            return
        chosen = [item.ordinal for item in answer.items]
        assert len(set(chosen)) == count
        assert all(takeable[ordinal] for ordinal in chosen)
        if not row_by_row:
            assert best is not None
            assert sorted(chosen) == sorted(best.seats)
        exceeded = {each.code for each in answer.exceeded}
        closed = self.closed(performance, chosen, keys)
        assert ("not_yours" in exceeded) == bool(allotment and (allotment not in keys or closed))
        assert ("order_limit" in exceeded) == self.over_rules(cart, rules, tariff, count)
        told = {each.quota for each in answer.exceeded if each.code == "quota_exhausted"}
        assert told == {quota for quota in quotas if model.left(quota) < count}
        assert exceeded <= {"not_yours", "order_limit", "quota_exhausted"}
        expected = HeldItem("", performance, -1, tariff, quotas, allotment=allotment, exceeded=bool(answer.exceeded))
        assert {msgspec.structs.replace(i, id="", ordinal=-1) for i in timeless(answer.items)} == {expected}
        self.note(cart, answer)

    def closed(self, performance: int, ordinals: Iterable[int], keys: Any) -> bool:
        """Whether one of these seats has a key of its own that is not among `keys`."""
        return any(self.model.keys.get((performance, o), "") not in ("", *keys) for o in ordinals)

    def over_rules(self, cart: str, rules: Any, tariff: int, count: int) -> bool:
        mine = [item.tariff for item in self.model.carts[cart]] + [tariff] * count
        return any(
            each.at_most is not None
            and (not each.tariffs or tariff in each.tariffs)
            and sum(not each.tariffs or t in each.tariffs for t in mine) > each.at_most
            for each in rules
        )

    def release(self, cart: str, some: str) -> None:
        mine = self.model.carts[cart]
        items: tuple[str, ...] | None = None
        if some in ("first", "last"):
            items = tuple(item.id for item in (mine[:1] if some == "first" else mine[-1:]))
        elif some == "another's":
            items = tuple(item.id for other in CARTS if other != cart for item in self.model.carts[other])
        passes = {item.bundle for item in mine if item.bundle and items is not None and item.id in items}
        gone = [item for item in mine if items is None or item.id in items or item.bundle in passes]
        assert self.run(self.inventory.release(GROUP, cart, items)) == len(gone)
        self.drop(cart, gone)

    def drop(self, cart: str, gone: list[HeldItem]) -> None:
        self.model.carts[cart] = [item for item in self.model.carts[cart] if item not in gone]
        self.model.free(gone)

    def lapse(self, cart: str, which: set[int], then: Any, by: str) -> None:
        """Time passes for some holds. The next hold sweeps them on its way, or else the expiry does."""
        gone = [item for at, item in enumerate(self.model.carts[cart]) if at in which]
        if not gone:
            return
        self.run(lapse(self.redis, *gone, tag=TAG))
        self.drop(cart, gone)
        if len(which) % 2:
            assert self.run(self.inventory.expire_due(GROUP)) == len(gone)
        else:
            self.hold(by, [then], (), (), (), False)

    def change_tariff(self, cart: str, which: int, tariff: int) -> None:
        mine = self.model.carts[cart]
        if not mine:
            return
        at = which % len(mine)
        item = mine[at]
        quotas = quotas_of(item.performance, tariff)
        answer = self.run(self.inventory.change_tariff(GROUP, cart, item.id, tariff, quotas))
        if lacking := self.model.lacking(item.quotas, quotas):
            assert isinstance(answer, Refusal)
            assert {(each.quota, each.left) for each in answer.reasons} == set(lacking.items())
        else:
            assert isinstance(answer, HeldItem)
            mine[at] = msgspec.structs.replace(item, tariff=tariff, quotas=quotas)
            assert timeless([answer]) == [mine[at]]

    def extend(self, cart: str) -> None:
        assert self.run(self.inventory.extend(GROUP, cart, 60)) == 0
        assert self.run(self.inventory.extend(GROUP, cart, 4000)) <= len(self.model.carts[cart])
        held = self.run(self.inventory.held(GROUP, cart))
        assert all(item.expires_at_ms > self.run(self.inventory.now_ms(GROUP)) + 3_900_000 for item in held)

    def move(self, cart: str, to: str) -> None:
        mine = self.model.carts[cart]
        moved = 0 if cart == to else len(mine)
        assert self.run(self.inventory.move(GROUP, cart, to, CARTS[to], 900)) == moved
        if moved:
            self.model.carts[to] += mine
            self.model.carts[cart] = []

    # Orders

    def find(self, number: int) -> tuple[str, Order | None]:
        """One of the orders there are; now and then one that was never made or is no more."""
        live, codes = list(self.model.orders), self.codes or ["C0"]
        code = live[-1 - number % len(live)] if live and number < 5 else codes[-1]
        return code, self.model.orders.get(code)

    def promise(self, cart: str, rules: Any, named: str) -> None:
        self.count += 1
        if not self.model.carts[cart] and named != "one less":
            cart = max(CARTS, key=lambda each: len(self.model.carts[each]))
        code, mine = f"C{self.count}", self.model.carts[cart]
        self.codes.append(code)
        ids = [item.id for item in mine]
        expected = None if not named else ids[1:] if named == "one less" else ids
        if named == "one more":
            expected = [*ids, "12"]
        answer = self.run(self.inventory.promise(GROUP, cart, code, expected, rules))
        if not mine or (expected is not None and expected != ids):
            assert answer == Expired(("12",) if named == "one more" else ())
        elif broken := self.model.broken(cart, rules):
            assert isinstance(answer, Refusal)
            assert whys(answer.reasons) == sorted(broken)
        else:
            assert list(answer) == mine
            self.model.orders[code] = Order(cart, mine)
            self.model.carts[cart] = []
            self.model.give(mine, PENDING)
            assert self.run(self.inventory.promise(GROUP, cart, code, expected, rules)) == answer
            other = next(each for each in CARTS if each != cart)
            assert self.run(self.inventory.promise(GROUP, other, code)) == Expired(())

    def recall(self, order_number: int, cart: str) -> None:
        code, order = self.find(order_number)
        recalled = order.items if order and not order.sold else []
        assert self.run(self.inventory.recall(GROUP, code, cart, CARTS[cart], 900)) == len(recalled)
        if not recalled:
            return
        del self.model.orders[code]
        held = timeless(self.run(self.inventory.held(GROUP, cart)))
        before = self.model.carts[cart]
        assert held[: len(before)] == before
        # What came from the ledger had other ids there.
        assert places(held[len(before) :]) == places(recalled)
        self.model.carts[cart] = held
        self.model.give(recalled, HELD)

    def sell(self, order_number: int) -> None:
        code, order = self.find(order_number)
        assert self.run(self.inventory.sell(GROUP, code)) == (order is not None)
        if order and not order.sold:
            order.sold = True
            # The store forgets what it no longer needs.
            order.items = [msgspec.structs.replace(i, bundle="", exceeded=False) for i in order.items]
            self.model.give(order.items, SOLD)

    def give_back(self, order_number: int, count: int, by_seat: bool) -> None:
        code, order = self.find(order_number)
        gone = list(order.items) if order else []
        some = None
        if count:
            gone = gone[:count]
            some = [msgspec.structs.replace(i, id="?") if by_seat and i.ordinal >= 0 else i for i in gone]
        assert self.run(self.inventory.give_back(GROUP, code, some)) == len(gone)
        if order:
            order.items = [item for item in order.items if item not in gone]
            self.model.free(gone)
            if not order.items:
                del self.model.orders[code]

    def exchange(self, order_number: int, which: int, to: int, tariff: int, keys: Any) -> None:
        (code, order), model = self.find(order_number), self.model
        numbered = [item for item in (order.items if order else []) if item.ordinal >= 0]
        if not order or not numbered:
            return
        item = numbered[which % len(numbered)]
        quotas = quotas_of(item.performance, tariff)
        answer = self.run(
            self.inventory.exchange(
                GROUP, code, item.performance, item.ordinal, to, tariff=tariff, quotas=quotas, keys=keys
            )
        )
        if not 0 <= to < SEATS:
            why = "unknown_seat"
        else:
            state, home = model.seen(item.performance, to), model.homes[item.performance][to]
            opens = model.keys.get((item.performance, to), home) in keys
            why = "" if state == FREE or (state == ALLOTTED and opens) else "seat_taken"
            why = "not_yours" if state == ALLOTTED and not opens else why
        if why:
            assert isinstance(answer, Refusal)
            assert [(each.code, each.ordinal) for each in answer.reasons] == [(why, to)]
        elif lacking := model.lacking(item.quotas, quotas):
            assert isinstance(answer, Refusal)
            assert answer.reasons[0].quota in lacking
        else:
            changed = msgspec.structs.replace(item, ordinal=to, tariff=tariff, quotas=quotas, allotment=home)
            assert isinstance(answer, HeldItem)
            assert places([answer]) == places([changed])
            state = model.has[item.performance][item.ordinal]
            order.items = [*(each for each in order.items if each != item), changed]
            model.give([changed], state)
            model.free([item])

    # The house

    def scan(self, performance: int, ordinal: int, used: bool) -> None:
        before, after = (SOLD, USED) if used else (USED, SOLD)
        changed = self.run(self.inventory.mark_used(GROUP, performance, ordinal, used=used))
        assert changed == (self.model.seen(performance, ordinal) == before)
        if changed:
            self.model.has[performance][ordinal] = after

    def block(self, performance: int, some: set[int], blocked: bool) -> None:
        before, home = (FREE, "!") if blocked else (BLOCKED, "")
        done = self.run(self.inventory.block(GROUP, performance, sorted(some), blocked=blocked))
        assert set(done) == {o for o in some if self.model.seen(performance, o) == before}
        for ordinal in done:
            self.model.homes[performance][ordinal] = home

    def set_limit(self, quota: str, limit: int | None) -> None:
        self.run(self.inventory.set_limits(GROUP, {quota: limit}))
        self.model.limits[quota] = limit
        if limit is not None and self.model.used()[quota] > limit:
            self.excused.add(quota)

    def allot(self, id: str, some: set[int], keyed: bool) -> None:
        performance, model = ALLOTMENTS[id], self.model
        seat_keys = {min(some): "own"} if keyed else {}
        wish = Allotment(id, id.title(), performance, tuple(sorted(some)), seat_keys)
        answer = self.run(self.inventory.allot(GROUP, wish))
        if taken := sorted(o for o in some if model.seen(performance, o) != FREE):
            assert isinstance(answer, Refusal)
            assert [each.ordinal for each in answer.reasons] == taken
            return
        assert answer is None
        model.allotments.setdefault(id, Kept(id.title(), performance))
        for ordinal in some:
            model.homes[performance][ordinal] = id
            model.keys.pop((performance, ordinal), None)
        model.keys |= {(performance, ordinal): key for ordinal, key in seat_keys.items()}

    def keep_back(self, quantity: int) -> None:
        wish = Allotment(SCHOOL, "École", STANDS, quantity=quantity, quotas=("event",))
        answer = self.run(self.inventory.allot(GROUP, wish))
        left = self.model.left("event")
        if left < quantity:
            assert isinstance(answer, Refusal)
            assert whys(answer.reasons) == [("quota_exhausted", -1, "event", int(max(0, left)))]
            return
        assert answer is None
        kept = self.model.allotments.setdefault(SCHOOL, Kept("École", STANDS, 0))
        kept.left = (kept.left or 0) + quantity

    def end_allotment(self, id: str, how: str) -> None:
        if how == "by hand":
            freed = self.run(self.inventory.release_allotment(GROUP, id))
        elif id in self.model.allotments:
            self.run(self.redis.zadd(f"{TAG}:due", {f"@{id}": 1}))
            freed = self.run(self.inventory.expire_due(GROUP))
        else:
            return
        assert freed == self.model.end(id)

    def release_some(self, id: str, some: set[int]) -> None:
        homes = self.model.homes[ALLOTMENTS[id]]
        freed = [o for o in some if homes[o] == id]
        assert self.run(self.inventory.release_allotment(GROUP, id, sorted(some))) == len(freed)
        for ordinal in freed:
            homes[ordinal] = ""

    # Losses

    def lose_everything(self) -> None:
        """Redis is emptied; carts are gone, orders are not (LIVE-10)."""
        self.run(self.redis.flushdb())
        with pytest.raises(GroupMissing):
            self.run(self.inventory.held(GROUP, "alice"))
        self.model.lose_carts()
        self.run(self.inventory.load(self.model.ledger()))
        self.model.loaded()

    def lose_one_key(self, key: str) -> None:
        self.run(self.redis.delete(f"{TAG}:{key}"))
        with pytest.raises(GroupMissing):
            self.run(self.inventory.pulse(GROUP))
        if key in ("meta", "carts"):
            self.model.lose_carts()
        self.run(self.inventory.load(self.model.ledger(), only_if_missing=False))
        self.model.loaded()

    def load_again_while_in_use(self, missed: bool) -> None:
        """The ledger may have been read before the last order was committed."""
        pending = self.run(self.inventory.pending_orders(GROUP)) if missed else {}
        last = max(pending.values(), key=lambda order: order.since_ms, default=None)
        without, as_of_ms = (last.order, last.since_ms) if last else ("", None)
        ledger = self.model.ledger(without=without, as_of_ms=as_of_ms)
        self.run(self.inventory.load(ledger, only_if_missing=False))
        self.model.loaded(without=without)

    # What must be true after every step

    @precondition(lambda self: hasattr(self, "inventory"))
    @invariant()
    def the_inventory_is_the_model(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        model, inventory = self.model, self.inventory
        await inventory.expire_due(GROUP)
        await asyncio.gather(inventory.pulse(GROUP), *(self.compare_performance(each) for each in self.followers))
        assert contradictions(read_dump(await inventory.dump(GROUP)), dict.fromkeys(SEATED, PLAN)) == []
        held = await asyncio.gather(*(inventory.held(GROUP, cart) for cart in CARTS))
        pending = await inventory.pending_orders(GROUP)
        assert [timeless(items) for items in held] == list(model.carts.values())
        assert {code: places(each.items) for code, each in pending.items()} == {
            code: places(order.items) for code, order in model.orders.items() if not order.sold
        }
        used = model.used()
        for quota, limit in model.limits.items():
            assert limit is None or used[quota] <= limit or quota in self.excused, "oversold, and nobody wanted it"

    async def compare_performance(self, follower: Follower) -> None:
        model, performance = self.model, follower.performance
        # LIVE-1: a client that applies every change is never wrong.
        seen, _ = await asyncio.gather(self.inventory.snapshot(GROUP, performance), follower.catch_up())
        assert (follower.version, follower.states) == (seen.version, list(seen.states))
        assert follower.quotas == seen.quotas
        assert list(seen.states) == model.states(performance)
        owners = {o: msgspec.structs.replace(each, expires_at_ms=0) for o, each in seen.owners.items()}
        assert owners == model.owners(performance)
        used = model.used()
        shown = {q: (used[q] + model.kept(q), limit) for q, limit in model.limits.items()}
        if performance != HOME:
            del shown["performance:2"]
        assert seen.quotas == shown
        if performance in SEATED:
            assert await index_is_exact(self.redis, PLAN, performance, TAG)
