"""What must be true of an inventory, as plainly as it can be said: dictionaries, and everything else counted anew.

A seat has a home (on sale "", off sale "!", or an allotment) and maybe somebody who has it. Whether it is taken in a
linked performance, how much of a quota is used and whose it is follow from that, and are never written down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from seating.store import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    LINKED,
    Allotment,
    GroupState,
    HeldItem,
    NamedSeats,
    OrderRule,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Reason,
    SeatOwner,
    cart_ref,
)
from tests.seating.houses import sketch

GROUP = "model"
TAG = f"{{g:{GROUP}}}"
PASS, HOME, AWAY, STANDS = 1, 2, 3, 4
SEATED = (PASS, HOME, AWAY)
LINKS = ((PASS, HOME), (PASS, AWAY))
PLAN = sketch("......", "..ssss")
SEATS = len(PLAN.seats)
LIMITS: dict[str, int | None] = {"event": 14, "performance:2": 6, "tariff:1": 8, "tariff:2": None}
CARTS = {
    "alice": Owner("buyer", "online"),
    "basile": Owner("buyer", "online"),
    "counter": Owner("counter", "Counter 2 · Léa"),
}
SCHOOL = "school"
Why = tuple[str, int, str, int]
"""Code, ordinal, quota, left."""


def quotas_of(performance: int, tariff: int) -> tuple[str, ...]:
    return ("event", f"tariff:{tariff}", *(("performance:2",) if performance == HOME else ()))


@dataclass
class Kept:
    """An allotment: of seats, or (`left`) of so many places."""

    label: str
    performance: int
    left: int | None = None


@dataclass
class Order:
    cart: str
    items: list[HeldItem]
    sold: bool = False


@dataclass
class Answer:
    """To a hold: refused for these reasons, or made of these items (without ids) with this exceeded."""

    reasons: list[Why] = field(default_factory=list)
    exceeded: list[Why] = field(default_factory=list)
    items: list[HeldItem] = field(default_factory=list)


def partners(performance: int) -> Iterator[int]:
    for one, other in LINKS:
        if performance in (one, other):
            yield other if performance == one else one


@dataclass
class Model:
    homes: dict[int, list[str]] = field(default_factory=lambda: {p: [""] * SEATS for p in SEATED})
    has: dict[int, list[int]] = field(default_factory=lambda: {p: [FREE] * SEATS for p in SEATED})
    carts: dict[str, list[HeldItem]] = field(default_factory=lambda: {cart: [] for cart in CARTS})
    orders: dict[str, Order] = field(default_factory=dict)
    allotments: dict[str, Kept] = field(default_factory=dict)
    keys: dict[tuple[int, int], str] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=lambda: dict(LIMITS))

    # Seats

    def own(self, performance: int, ordinal: int) -> int:
        """A seat's state as far as its own performance goes."""
        home = self.homes[performance][ordinal]
        return self.has[performance][ordinal] or (BLOCKED if home == "!" else ALLOTTED if home else FREE)

    def seen(self, performance: int, ordinal: int) -> int:
        taken = any(self.own(other, ordinal) for other in partners(performance))
        return self.own(performance, ordinal) or (LINKED if taken else FREE)

    def states(self, performance: int) -> list[int]:
        return [self.seen(performance, ordinal) for ordinal in range(SEATS)] if performance in SEATED else []

    def takeable(self, performance: int, allotment: str) -> list[bool]:
        wanted = ALLOTTED if allotment else FREE
        homes = self.homes[performance]
        return [each == wanted and homes[o] == allotment for o, each in enumerate(self.states(performance))]

    def give(self, items: Iterable[HeldItem], state: int) -> None:
        for item in items:
            if item.ordinal >= 0:
                self.has[item.performance][item.ordinal] = state
                self.homes[item.performance][item.ordinal] = ""

    def free(self, items: Iterable[HeldItem]) -> None:
        """Back to where they came from, if that is still there."""
        for item in items:
            if item.ordinal >= 0:
                there = item.allotment if item.allotment == "!" or item.allotment in self.allotments else ""
                self.has[item.performance][item.ordinal] = FREE
                self.homes[item.performance][item.ordinal] = there
            else:
                self.draw(item.allotment, -1)

    def draw(self, allotment: str, count: int) -> None:
        kept = self.allotments.get(allotment)
        if kept is not None and kept.left is not None:
            kept.left -= count

    # Quotas

    def items(self) -> list[HeldItem]:
        return [
            *(item for cart in self.carts.values() for item in cart),
            *(item for order in self.orders.values() for item in order.items),
        ]

    def used(self) -> dict[str, int]:
        count = Counter(quota for item in self.items() for quota in item.quotas)
        return {quota: count[quota] for quota in self.limits}

    def kept(self, quota: str) -> int:
        """All that is kept back in quantities counts against the event."""
        return sum(max(0, each.left or 0) for each in self.allotments.values()) if quota == "event" else 0

    def left(self, quota: str, *, with_kept: bool = False) -> float:
        limit = self.limits[quota]
        if limit is None:
            return float("inf")
        return limit - self.used()[quota] - (0 if with_kept else self.kept(quota))

    # Steps

    def hold(
        self,
        cart: str,
        lines: Iterable[NamedSeats | Quantity],
        keys: Iterable[str] = (),
        rules: Iterable[OrderRule] = (),
        exceed: Iterable[str] = (),
    ) -> Answer:
        """Changes this model whatever the answer is: ask a copy."""
        answer, before, wanted, own = Answer(), list(self.carts[cart]), Counter[str](), Counter[str]()

        def unless(what: str, *why: str | int) -> bool:
            reason = (str(why[0]), int(why[1]), str(why[2]), int(why[3]))
            (answer.exceeded if what in exceed else answer.reasons).append(reason)
            return what in exceed

        for line in lines:
            if isinstance(line, Quantity):
                wanted.update(dict.fromkeys(line.quotas, line.count))
                self._hold_quantity(line, answer, unless, own, keys)
            else:
                wanted.update(dict.fromkeys(line.quotas, len(line.ordinals)))
                self._hold_seats(line, answer, unless, keys)
        for quota, count in wanted.items():
            entitled = "allotments" in exceed or count <= own[quota]
            left = self.left(quota, with_kept=entitled)
            if left < count:
                unless("quotas", "quota_exhausted", -1, quota, int(max(0, left)))
            elif "allotments" in exceed and count > own[quota] and self.left(quota) < count:
                unless("allotments", "quota_exhausted", -1, quota, int(max(0, self.left(quota))))
        for rule in rules:
            had, more = (sum(_counts(rule, item) for item in some) for some in (before, answer.items))
            if rule.at_most is not None and more and had + more > rule.at_most:
                unless("order_limits", "order_limit", -1, rule.id, max(0, rule.at_most - had))
        answer.items = [msgspec.structs.replace(i, exceeded=bool(answer.exceeded)) for i in answer.items]
        return answer

    def _hold_seats(self, line: NamedSeats, answer: Answer, unless, keys: Iterable[str]) -> None:  # type: ignore[no-untyped-def]
        found: list[HeldItem] = []
        for ordinal in line.ordinals:
            if not 0 <= ordinal < SEATS:
                answer.reasons.append(("unknown_seat", ordinal, "", 0))
                continue
            state, home = self.seen(line.performance, ordinal), self.homes[line.performance][ordinal]
            opens = self.keys.get((line.performance, ordinal), home) in keys
            if (
                state == FREE
                or (state == ALLOTTED and (opens or unless("allotments", "not_yours", ordinal, "", 0)))
                or (state == BLOCKED and unless("blocked", "seat_taken", ordinal, "", 0))
            ):
                item = HeldItem(
                    "", line.performance, ordinal, line.tariff, line.quotas, allotment=home, bundle=line.bundle
                )
                found.append(item)
                self.give([item], HELD)
            elif state not in (ALLOTTED, BLOCKED):
                answer.reasons.append(("seat_taken", ordinal, "", 0))
        # Seats that came from the same place stay together.
        origins = list(dict.fromkeys(item.allotment for item in found))
        answer.items += sorted(found, key=lambda item: origins.index(item.allotment))

    def _hold_quantity(self, line: Quantity, answer: Answer, unless, own: Counter[str], keys: Iterable[str]) -> None:  # type: ignore[no-untyped-def]
        if line.allotment:
            kept = self.allotments.get(line.allotment)
            if kept is None or kept.left is None:
                answer.reasons.append(("unknown_allotment", -1, line.allotment, 0))
            elif kept.left < line.count:
                answer.reasons.append(("allotment_exhausted", -1, line.allotment, kept.left))
            elif line.allotment in keys or unless("allotments", "not_yours", -1, line.allotment, 0):
                self.draw(line.allotment, line.count)
                own["event"] += line.count
        item = HeldItem(
            "", line.performance, -1, line.tariff, line.quotas, allotment=line.allotment, bundle=line.bundle
        )
        answer.items += [item] * line.count

    def broken(self, cart: str, rules: Iterable[OrderRule]) -> list[Why]:
        """Why a cart cannot be ordered."""
        mine, found = self.carts[cart], list[Why]()
        for rule in rules:
            count = sum(_counts(rule, item) for item in mine)
            if rule.at_most is not None and count > rule.at_most:
                if not any(item.exceeded for item in mine):
                    found.append(("order_limit", -1, rule.id, rule.at_most))
            elif count < rule.at_least and (count or rule.mandatory):
                found.append(("order_minimum", -1, rule.id, rule.at_least - count))
            elif count and rule.needs and not any(item.tariff in rule.needs for item in mine):
                found.append(("order_needs", -1, rule.id, 0))
        return found

    def lacking(self, before: Iterable[str], after: Iterable[str]) -> dict[str, int]:
        """Quotas that have no room for a place that counted against others until now, and what is left of them."""
        change = Counter(after)
        change.subtract(before)
        return {q: int(max(0, self.left(q))) for q, count in change.items() if count > 0 and self.left(q) < count}

    def end(self, allotment: str) -> int:
        kept = self.allotments.pop(allotment, None)
        if kept is None:
            return 0
        if kept.left is not None:
            return max(0, kept.left)
        homes, freed = self.homes[kept.performance], 0
        for ordinal, home in enumerate(homes):
            if home == allotment:
                homes[ordinal], freed = "", freed + 1
        return freed

    def lose_carts(self) -> None:
        for cart in self.carts.values():
            self.free(cart)
            cart.clear()

    # As others see it

    def owners(self, performance: int) -> dict[int, SeatOwner]:
        """Without the instant at which a hold lapses."""
        found = {}
        for cart, items in self.carts.items():
            for item in items:
                owner = CARTS[cart]
                found[item.performance, item.ordinal] = SeatOwner(
                    owner.kind, owner.label, cart_ref(cart), 0, item=item.id
                )
        for code, order in self.orders.items():
            for item in order.items if not order.sold else ():
                owner = CARTS[order.cart] if order.cart else Owner("", "")  # type: ignore[arg-type]  # after a load
                found[item.performance, item.ordinal] = SeatOwner(
                    owner.kind, owner.label, cart_ref(order.cart) if order.cart else "", 0, order=code
                )
        for ordinal, home in enumerate(self.homes.get(performance, [])):
            if home in self.allotments:
                found[performance, ordinal] = SeatOwner("allotment", self.allotments[home].label, "", 0)
        return {ordinal: owner for (of, ordinal), owner in found.items() if of == performance and ordinal >= 0}

    def ledger(self, *, without: str = "", as_of_ms: int | None = None) -> GroupState:
        """What PostgreSQL would say: orders, seats off sale and allotments; carts are unknown to it, and so is the
        order that is made just now."""
        known = {code: order for code, order in self.orders.items() if code != without}
        ordered = [item for order in known.values() for item in order.items]
        out = [item for item in self.items() if item.allotment]
        states = {}
        for performance in SEATED:
            states[performance] = [BLOCKED if home == "!" else FREE for home in self.homes[performance]]
        for item in out:
            if item.allotment == "!" and item.ordinal >= 0:
                states[item.performance][item.ordinal] = BLOCKED
        for item in ordered:
            if item.ordinal >= 0:
                states[item.performance][item.ordinal] = self.has[item.performance][item.ordinal]
        allotments = []
        for id, kept in self.allotments.items():
            if kept.left is None:
                own = {o for o, home in enumerate(self.homes[kept.performance]) if home == id}
                own |= {item.ordinal for item in out if item.allotment == id}
                keys = {o: self.keys[kept.performance, o] for o in own if (kept.performance, o) in self.keys}
                allotments.append(Allotment(id, kept.label, kept.performance, tuple(sorted(own)), keys))
            else:
                quantity = kept.left + sum(item.allotment == id for item in out)
                allotments.append(Allotment(id, kept.label, kept.performance, quantity=quantity, quotas=("event",)))
        used = Counter(quota for item in ordered for quota in item.quotas)
        return GroupState(
            GROUP,
            (
                *(PerformanceState(p, PLAN, bytes(states[p])) for p in SEATED),
                PerformanceState(STANDS, None),
            ),
            tuple(QuotaState(quota, limit, used[quota]) for quota, limit in self.limits.items()),
            tuple(OrderState(code, order.sold, tuple(order.items)) for code, order in known.items()),
            as_of_ms,
            tuple(allotments),
            LINKS,
        )

    def loaded(self, *, without: str = "") -> None:
        """The ledger knows neither whose cart an order came from, nor keys of seats that are in no allotment."""
        for code, order in self.orders.items():
            if code != without:
                order.cart = ""
        kept = {(each.performance, o) for each in self.ledger().allotments for o in each.ordinals}
        self.keys = {seat: key for seat, key in self.keys.items() if seat in kept}


def _counts(rule: OrderRule, item: HeldItem) -> bool:
    return not rule.tariffs or item.tariff in rule.tariffs


def opening() -> Model:
    """Some seats are the press's, one of them with a key of its own, and four places are the school's."""
    model = Model()
    model.allotments = {"press": Kept("Press", HOME), SCHOOL: Kept("École", STANDS, 4)}
    for ordinal in (2, 3, 8):
        model.homes[HOME][ordinal] = "press"
    model.keys[HOME, 2] = "own"
    return model


# For comparing


def whys(reasons: tuple[Reason, ...]) -> list[Why]:
    return sorted((each.code, each.ordinal, each.quota, each.left) for each in reasons)


def timeless(items: Any) -> list[HeldItem]:
    return [msgspec.structs.replace(item, expires_at_ms=0) for item in items]


def places(items: Any) -> list[tuple[Any, ...]]:
    return sorted((i.performance, i.ordinal, i.tariff, i.quotas, i.allotment) for i in items)
