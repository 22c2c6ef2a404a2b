"""Where the live inventory contradicts itself, and where it contradicts the ledger (LIVE-10, QUO-1).

Values in, differences out. What is inside one dump was true at one instant, so `contradictions` are faults at sight.
The ledger was read at another instant, so `differences` are faults only if they are still there when both are looked at
again: an order may be between its commit and its `sell`. `Difference.key` tells whether two looks saw the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from seating.dumps import Dump, Live, Order, Part
from seating.holds import (
    ALLOTMENT_FIRST,
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    LINKED,
    PENDING,
    SOLD,
    USED,
    GroupState,
    OrderState,
)
from seating.house import House, house_of, longest_runs
from seating.seats import Plan

# One sentence per code, English, with named places: the caller translates the sentence, then fills it.
SENTENCES: Final[dict[str, str]] = {
    "not_whole": "Something is lost: %(subject)s.",
    "group_unknown": "No performance belongs to this group any more.",
    "key_broken": "The key “%(subject)s” was lost or cannot be read.",
    "seats_cut": "Performance %(performance)s has %(here)s live seats instead of %(there)s.",
    "held_by_nobody": "Performance %(performance)s, seat %(subject)s: held, but by no cart.",
    "held_twice": "Performance %(performance)s, seat %(subject)s: held by two carts, %(here)s and %(there)s.",
    "cart_without_seat": "Performance %(performance)s, seat %(subject)s: cart %(there)s has it, but it is %(here)s.",
    "pending_without_order": "Performance %(performance)s, seat %(subject)s: being paid, but by no order.",
    "sold_without_order": "Performance %(performance)s, seat %(subject)s: sold, but by no order that is known here.",
    "ordered_twice": "Performance %(performance)s, seat %(subject)s: in two orders, %(here)s and %(there)s.",
    "order_without_seat": "Performance %(performance)s, seat %(subject)s: order %(there)s has it, but it is %(here)s.",
    "due_missing": "Cart or allotment %(subject)s would never lapse.",
    "due_wrong": "Cart or allotment %(subject)s is due at %(here)s instead of %(there)s.",
    "due_unknown": "%(subject)s is due, but there is no such cart or allotment.",
    "quota_use": "Quota %(subject)s: %(here)s counted, but carts and orders use %(there)s.",
    "quota_kept": "Quota %(subject)s: %(here)s kept back, but allotments keep %(there)s.",
    "quota_unknown": "Quota %(subject)s is counted against, but not known here.",
    "index_wrong": "Performance %(performance)s: the index of free seats is wrong for %(here)s of %(there)s rows.",
    "allotment_unknown": "Performance %(performance)s: %(here)s seats are kept for an allotment that nobody knows.",
    "allotment_lost": "Allotment %(subject)s keeps seats of performance %(performance)s not marked as its own.",
    "link_missing": "Performance %(performance)s, seat %(subject)s: on sale, but taken in performance %(there)s.",
    "link_without_reason": "Performance %(performance)s, seat %(subject)s: taken in no linked performance.",
    "performance_missing": "Performance %(subject)s is not known here.",
    "performance_unknown": "Performance %(subject)s is here, but not in the ledger.",
    "sold_there": "Performance %(performance)s, seat %(subject)s: %(there)s in the ledger, but %(here)s here.",
    "sold_here": "Performance %(performance)s, seat %(subject)s: %(here)s here, but no ticket is in the ledger.",
    "seat_status": "Performance %(performance)s, seat %(subject)s: %(here)s here, but %(there)s in the ledger.",
    "seat_blocked": "Performance %(performance)s, seat %(subject)s: %(here)s here, but %(there)s by the ledger.",
    "order_missing": "Order %(subject)s is not known here.",
    "order_unknown": "Order %(subject)s is here, but has no live ticket in the ledger.",
    "order_status": "Order %(subject)s is %(here)s here, but %(there)s in the ledger.",
    "order_places": "Order %(subject)s has other places here (%(here)s) than in the ledger (%(there)s).",
    "order_quotas": "Order %(subject)s counts against other quotas here (%(here)s) than in the ledger (%(there)s).",
    "quota_limit": "Quota %(subject)s: its limit is %(here)s here, but %(there)s in the ledger.",
    "quota_ledger": "Quota %(subject)s: %(here)s counted here, but %(there)s by the ledger and the carts.",
    "quota_missing": "Quota %(subject)s is not known here.",
    "quota_deleted": "Quota %(subject)s is here, but not in the ledger.",
    "allotment_missing": "Allotment %(subject)s is not known here.",
    "allotment_deleted": "Allotment %(subject)s is here, but not in the ledger.",
    "links_differ": "Performance %(performance)s is linked with %(here)s here, but with %(there)s in the ledger.",
}
# What a seat or an order can be called in `here` and `there`.
STATE_WORDS: Final[dict[int, str]] = {
    FREE: "on sale",
    HELD: "held by a cart",
    PENDING: "waiting for payment",
    SOLD: "paid for",
    BLOCKED: "off sale",
    USED: "used",
    ALLOTTED: "allotted",
    LINKED: "taken in a linked performance",
}
NONE_WORD: Final = "none"
WORDS: Final = frozenset((*STATE_WORDS.values(), NONE_WORD))

_ORDERED: Final = bytes((PENDING, SOLD, USED))
# Seats as the ledger sees them: what is held, allotted or linked is free to it.
_BY_LEDGER: Final = bytes(byte if byte in (PENDING, SOLD, USED, BLOCKED) else FREE for byte in range(256))


class Difference(Struct, frozen=True):
    """One thing that is not as it should be: what (a code of SENTENCES), where (`performance` 0: no single one), what
    of (a seat, a quota, an order, a cart's public name, a key), how it is here and how it should be. `ordinal`: the
    seat's, where there is one."""

    code: str
    performance: int = 0
    subject: str = ""
    here: str = ""
    there: str = ""
    ordinal: int = -1

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        """Equal for the same fault seen twice. A counter that is off by three may count something else meanwhile."""
        if self.code in ("quota_use", "quota_ledger", "quota_kept"):
            return self.code, self.performance, self.subject, str(int(self.here) - int(self.there)), ""
        return self.code, self.performance, self.subject, self.here, self.there

    def sentence(self, translate: Callable[[str], str] = str) -> str:
        here, there = (translate(each) if each in WORDS else each for each in (self.here, self.there))
        return translate(SENTENCES[self.code]) % {
            "performance": self.performance, "subject": self.subject, "here": here, "there": there,
        }  # fmt: skip


def contradictions(dump: Dump, plans: Mapping[int, Plan | None]) -> list[Difference]:
    """Where a group contradicts itself. A performance whose plan is not given is not asked for its index."""
    found = [Difference("key_broken", subject=name) for name in dump.broken]
    whole = {}
    for id, live in dump.performances.items():
        if len(live.states) == live.seats:
            whole[id] = live
        else:
            found.append(Difference("seats_cut", id, here=str(len(live.states)), there=str(live.seats)))
    names = _Names(plans)
    found += _holders(dump, whole, names)
    found += _due(dump)
    found += _counters(dump)
    found += _allotments(dump, whole)
    found += _links(whole, names)
    found += _indexes(whole, plans)
    return found


def differences(dump: Dump, ledger: GroupState, *, young_since_ms: int | None = None) -> list[Difference]:
    """Where a group contradicts its ledger. An order that was promised after `young_since_ms` may not have committed
    yet: that the ledger does not know it is no difference."""
    young = {
        code
        for code, order in dump.orders.items()
        if young_since_ms is not None and not order.sold and order.since_ms > young_since_ms
    }
    there = {order.order: order for order in ledger.orders}
    return [
        *seat_differences(dump, ledger, young),
        *_orders(dump, there, young),
        *limit_differences(dump, ledger),
        *_quotas(dump, ledger, there),
        *frame_differences(dump, ledger),
    ]


def state_word(byte: int) -> str:
    return STATE_WORDS.get(ALLOTTED if byte >= ALLOTMENT_FIRST else byte, str(byte))


class _Names:
    """What people call a seat: its label where there is a plan, else its ordinal."""

    def __init__(self, plans: Mapping[int, Plan | None]) -> None:
        self._plans = plans

    def of(self, performance: int, ordinal: int) -> str:
        plan = self._plans.get(performance)
        return plan.seats[ordinal].guid if plan is not None and 0 <= ordinal < len(plan.seats) else str(ordinal)


# Inside -------------------------------------------------------------------------------------------------------------


def _holders(dump: Dump, whole: Mapping[int, Live], names: _Names) -> Iterator[Difference]:
    """Every held seat in one cart, every seat being paid or sold in one order, and the other way round."""
    carts = [(cart.ref, cart.parts) for cart in dump.carts.values()]
    paying = [(code, order.parts) for code, order in dump.orders.items() if not order.sold]
    sold = [(code, order.parts) for code, order in dump.orders.items() if order.sold]
    for owners, states, codes in (
        (carts, (HELD,), ("held_by_nobody", "cart_without_seat", "held_twice")),
        (paying, (PENDING,), ("pending_without_order", "order_without_seat", "ordered_twice")),
        (sold, (SOLD, USED), ("sold_without_order", "order_without_seat", "ordered_twice")),
    ):
        had, complaints = _had(owners, whole, bytes(states), codes[1:], names)
        yield from complaints
        for performance, live in whole.items():
            mine = had.get(performance, {})
            if sum(map(live.states.count, states)) == len(mine):
                continue
            for state in states:
                for ordinal in _ordinals(live.states, state):
                    if ordinal not in mine:
                        yield Difference(codes[0], performance, names.of(performance, ordinal), ordinal=ordinal)


def _had(
    owners: Iterable[tuple[str, list[Part]]],
    whole: Mapping[int, Live],
    fitting: bytes,
    codes: tuple[str, str],
    names: _Names,
) -> tuple[dict[int, dict[int, str]], list[Difference]]:
    """Whose each seat is, by performance, and what is wrong with those who say that they have one."""
    found: dict[int, dict[int, str]] = {}
    complaints = []
    for owner, parts in owners:
        for part in parts:
            live = whole.get(part.performance)
            if live is None:
                continue
            mine, states = found.setdefault(part.performance, {}), live.states
            for ordinal in part.ordinals:
                state = states[ordinal] if ordinal < live.seats else FREE
                if ordinal not in mine and state in fitting:
                    mine[ordinal] = owner
                    continue
                twice = ordinal in mine
                code, here = (codes[1], mine[ordinal]) if twice else (codes[0], state_word(state))
                complaints.append(
                    Difference(code, part.performance, names.of(part.performance, ordinal), here, owner, ordinal)
                )
    return found, complaints


def _ordinals(states: bytes, byte: int) -> Iterator[int]:
    at = states.find(byte)
    while at >= 0:
        yield at
        at = states.find(byte, at + 1)


def _due(dump: Dump) -> Iterator[Difference]:
    # Nobody outside learns a cart's own name.
    expected: dict[str, tuple[str, float]] = {
        name: (cart.ref, min(part.expires_ms for part in cart.parts)) for name, cart in dump.carts.items() if cart.parts
    }
    for id, allotment in dump.allotments.items():
        if allotment.release_ms:
            expected["@" + id] = id, allotment.release_ms
    for name, (shown, when_ms) in expected.items():
        known = dump.due.get(name)
        if known is None:
            yield Difference("due_missing", subject=shown)
        elif known != when_ms:
            yield Difference("due_wrong", subject=shown, here=f"{known:.0f}", there=f"{when_ms:.0f}")
    for name in dump.due.keys() - expected.keys():
        yield Difference("due_unknown", subject=name)


def _counters(dump: Dump) -> Iterator[Difference]:
    counted = _in_carts(dump) + _in_orders(dump)
    for quota in sorted(counted.keys() - dump.used.keys()):
        yield Difference("quota_unknown", subject=quota)
    for quota, used in dump.used.items():
        if used != counted[quota]:
            yield Difference("quota_use", subject=quota, here=str(used), there=str(counted[quota]))
    kept: Counter[str] = Counter()
    for allotment in dump.allotments.values():
        if not allotment.byte:
            kept.update(dict.fromkeys(allotment.quotas, allotment.left))
    for quota in sorted(kept.keys() | dump.kept.keys()):
        if dump.kept.get(quota, 0) != kept[quota]:
            yield Difference("quota_kept", subject=quota, here=str(dump.kept.get(quota, 0)), there=str(kept[quota]))


def _in_carts(dump: Dump) -> Counter[str]:
    return _use_of(part for cart in dump.carts.values() for part in cart.parts)


def _in_orders(dump: Dump) -> Counter[str]:
    return _use_of(part for order in dump.orders.values() for part in order.parts)


def _use_of(parts: Iterable[Part]) -> Counter[str]:
    by_list: Counter[tuple[str, ...]] = Counter()
    for part in parts:
        by_list[part.quotas] += part.count
    found: Counter[str] = Counter()
    for quotas, count in by_list.items():
        for quota in quotas:
            found[quota] += count
    return found


def _allotments(dump: Dump, whole: Mapping[int, Live]) -> Iterator[Difference]:
    for id, live in whole.items():
        for byte in sorted(set(live.states)):
            if byte >= ALLOTMENT_FIRST and dump.bytes_of.get((id, byte)) not in dump.allotments:
                yield Difference("allotment_unknown", id, str(byte), str(live.states.count(byte)))
    for name, allotment in dump.allotments.items():
        if allotment.byte and dump.bytes_of.get((allotment.performance, allotment.byte)) != name:
            yield Difference("allotment_lost", allotment.performance, name)


def _links(whole: Mapping[int, Live], names: _Names) -> Iterator[Difference]:
    for id, live in whole.items():
        partners = [other for other in live.linked if other in whole]
        if not partners:
            continue
        for ordinal, state in enumerate(live.states):
            if state not in (FREE, LINKED):
                continue
            taken = [p for p in partners if ordinal < whole[p].seats and whole[p].states[ordinal] not in (FREE, LINKED)]
            if taken and state == FREE:
                yield Difference("link_missing", id, names.of(id, ordinal), there=str(taken[0]), ordinal=ordinal)
            elif not taken and state == LINKED:
                yield Difference("link_without_reason", id, names.of(id, ordinal), ordinal=ordinal)
    for id, live in whole.items():
        if not live.linked:
            yield from (
                Difference("link_without_reason", id, names.of(id, o), ordinal=o)
                for o in _ordinals(live.states, LINKED)
            )


def _indexes(whole: Mapping[int, Live], plans: Mapping[int, Plan | None]) -> Iterator[Difference]:
    houses: dict[int, House] = {}
    for performance, live in whole.items():
        plan = plans.get(performance)
        if plan is None or len(plan.seats) != live.seats:
            continue
        # Many performances are played on one plan, and to look one up is to hash all of its seats.
        if (house := houses.get(id(plan))) is None:
            house = houses[id(plan)] = house_of(plan)
        should = longest_runs(house, live.states, FREE)
        if live.index != should:
            wrong = sum(a != b for a, b in zip(live.index.ljust(len(should), b"\xff"), should, strict=False))
            yield Difference("index_wrong", performance, here=str(wrong), there=str(len(should)))


# Against the ledger ---------------------------------------------------------------------------------------------------


def seat_differences(dump: Dump, ledger: GroupState, apart: Iterable[str] = ()) -> Iterator[Difference]:
    """Seat by seat; those that the orders `apart` have are left to whoever looks at these orders."""
    names = _Names({each.id: each.plan for each in ledger.performances})
    theirs = {
        (part.performance, ordinal) for code in apart for part in dump.orders[code].parts for ordinal in part.ordinals
    }
    for each in ledger.performances:
        live = dump.performances.get(each.id)
        count = len(each.plan.seats) if each.plan is not None else 0
        if live is None:
            continue
        if live.seats != count or len(live.states) != count:
            yield Difference("seats_cut", each.id, here=str(len(live.states)), there=str(count))
            continue
        should = (each.states or bytes(count)).translate(_BY_LEDGER)
        if live.states.translate(_BY_LEDGER) == should:
            continue
        for ordinal, (here, there) in enumerate(zip(live.states, should, strict=True)):
            code = _seat_code(here, there)
            if code and (each.id, ordinal) not in theirs:
                yield Difference(
                    code, each.id, names.of(each.id, ordinal), state_word(here), state_word(there), ordinal
                )


def _seat_code(here: int, there: int) -> str:
    """What is wrong with a seat, if anything. A manager may hold a seat that is off sale."""
    seen = _BY_LEDGER[here]
    if seen == there or (there == BLOCKED and here == HELD):
        return ""
    if there in _ORDERED and seen not in _ORDERED:
        return "sold_there"
    if seen in _ORDERED and there not in _ORDERED:
        return "sold_here"
    return "seat_status" if seen in _ORDERED else "seat_blocked"


def limit_differences(dump: Dump, ledger: GroupState) -> Iterator[Difference]:
    """Which quotas there are, and how large they are."""
    for quota in ledger.quotas:
        if quota.id not in dump.used:
            yield Difference("quota_missing", subject=quota.id)
        elif (limit := dump.limits.get(quota.id)) != quota.limit:
            here, should = (NONE_WORD if each is None else str(each) for each in (limit, quota.limit))
            yield Difference("quota_limit", subject=quota.id, here=here, there=should)
    for id in sorted(dump.used.keys() - {quota.id for quota in ledger.quotas}):
        yield Difference("quota_deleted", subject=id)


def _orders(dump: Dump, ledger: Mapping[str, OrderState], young: set[str]) -> Iterator[Difference]:
    for code in sorted(ledger.keys() - dump.orders.keys()):
        yield Difference("order_missing", subject=code)
    for code, order in dump.orders.items():
        known = ledger.get(code)
        if known is None:
            if code not in young:
                yield Difference("order_unknown", subject=code)
            continue
        if order.sold != known.sold:
            here, there = (STATE_WORDS[SOLD if sold else PENDING] for sold in (order.sold, known.sold))
            yield Difference("order_status", subject=code, here=here, there=there)
        mine, theirs = _places_here(order), _places_there(known)
        if mine == theirs:
            continue
        # The same places, counted against what the catalogue no longer says.
        kind = "order_quotas" if _without_quotas(mine) == _without_quotas(theirs) else "order_places"
        yield Difference(kind, 0, code, _written(mine, theirs, kind), _written(theirs, mine, kind))


_Place = tuple[int, int, tuple[str, ...]]


def _places_here(order: Order) -> Counter[_Place]:
    found: Counter[_Place] = Counter()
    for part in order.parts:
        for ordinal in part.ordinals:
            found[part.performance, ordinal, part.quotas] += 1
        if part.unnumbered:
            found[part.performance, -1, part.quotas] += part.unnumbered
    return found


def _places_there(order: OrderState) -> Counter[_Place]:
    return Counter((item.performance, item.ordinal, item.quotas) for item in order.items)


def _without_quotas(places: Counter[_Place]) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for (performance, ordinal, _), count in places.items():
        found[performance, ordinal] += count
    return found


def _written(mine: Counter[_Place], other: Counter[_Place], kind: str) -> str:
    """What only one side has, in few words."""
    only = sorted((mine - other).elements())
    if kind == "order_quotas":
        return ", ".join(sorted({quota for *_, quotas in only for quota in quotas})) or NONE_WORD
    return ", ".join(f"{performance}:{ordinal}" for performance, ordinal, _ in only) or NONE_WORD


def _quotas(dump: Dump, ledger: GroupState, there: Mapping[str, OrderState]) -> Iterator[Difference]:
    """Orders that only one side knows are told of as such: here they count as they do in the store, so that a sale in
    passing makes no difference in a counter."""
    carts, orders = _in_carts(dump), _in_orders(dump)
    extra = _use_of(part for code, order in dump.orders.items() if code not in there for part in order.parts)
    lacking = Counter(
        quota
        for code, order in there.items()
        if code not in dump.orders
        for item in order.items
        for quota in item.quotas
    )
    for quota in ledger.quotas:
        used = dump.used.get(quota.id)
        if used is None:
            continue
        expected = quota.used + carts[quota.id] + extra[quota.id] - lacking[quota.id]
        # One that does not add up by itself is a contradiction already.
        if used != expected and used == carts[quota.id] + orders[quota.id]:
            yield Difference("quota_ledger", subject=quota.id, here=str(used), there=str(expected))


def frame_differences(dump: Dump, ledger: GroupState) -> Iterator[Difference]:
    """Performances, allotments and links."""
    known = {each.id for each in ledger.performances}
    yield from (
        Difference("performance_missing", subject=str(each)) for each in sorted(known - dump.performances.keys())
    )
    yield from (
        Difference("performance_unknown", subject=str(each)) for each in sorted(dump.performances.keys() - known)
    )
    kept = {each.id for each in ledger.allotments}
    yield from (Difference("allotment_missing", subject=each) for each in sorted(kept - dump.allotments.keys()))
    yield from (Difference("allotment_deleted", subject=each) for each in sorted(dump.allotments.keys() - kept))
    partners: dict[int, set[int]] = {}
    for one, other in ledger.links:
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    for id, live in dump.performances.items():
        should = partners.get(id, set())
        if id in known and set(live.linked) != should:
            here, there = (", ".join(map(str, sorted(each))) or NONE_WORD for each in (live.linked, should))
            yield Difference("links_differ", id, "", here, there)
