"""A group as the ledger knows it, laid out as the store keeps it: everything that can be worked out here is worked out
here, so that Redis only has to rename it into place while a sale goes on."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from seating.holds import (
    ALLOTMENT_FIRST,
    ALLOTMENTS_MAX,
    FREE,
    LINKED,
    PENDING,
    Allotment,
    GroupState,
    HeldItem,
    OrderState,
)
from seating.house import House, house_of, longest_runs
from seating.wire import encode, tag_of

# What an aborted load leaves behind is gone after this.
STAGED_MS: Final = 120_000
FIELDS_AT_ONCE: Final = 2_000


class Layout(Struct, frozen=True):
    """Commands that lay a group out beside the one in use, and the argument of the step that puts it in place."""

    commands: list[tuple[Any, ...]]
    argument: bytes


def lay_out(group: GroupState, *, force: bool, now_ms: int, run: str) -> Layout:
    """Raises ValueError for a state that contradicts itself: states that do not match their plan, links of different
    plans, more allotments than a performance can have."""
    houses = {p.id: house_of(p.plan) for p in group.performances if p.plan is not None}
    numbers = _allotment_bytes(group.allotments)
    states = _states(group, houses, numbers)
    strings: dict[str, bytes] = {}
    hashes: dict[str, dict[Any, Any]] = defaultdict(dict)
    parts: dict[str, None] = {}
    for id, house in houses.items():
        own = bytes(states[id])
        strings[f"p:{id}:states"] = own
        strings[f"p:{id}:i0"] = longest_runs(house, own, FREE)
        for name, part in house.parts.items():
            strings[f"plan:{house.digest}:{name}"] = part
            parts[f"{house.digest}:{name}={len(part)}"] = None
    for allotment in group.allotments:
        id, byte = allotment.performance, numbers.get(allotment.id, 0)
        if byte:
            strings[f"p:{id}:i{byte}"] = longest_runs(houses[id], bytes(states[id]), byte)
        hashes[f"p:{id}:keys"].update(allotment.seat_keys)
    orders = list(_orders_of(group))
    allotted = [(a.id, _allotment(a, numbers.get(a.id, 0), orders)) for a in group.allotments]
    hashes["quotas"] = _quota_fields(group, [record for _, record in allotted])
    sets: dict[tuple[str, ...], int] = {}
    for order in orders:
        if order.sold:
            hashes["sold"][order.order] = encode((now_ms // 1000, _sold_lines(order.items, sets)))
        else:
            hashes["pending"][order.order] = encode(("", now_ms, "", "", "", _whole_lines(order.items)))
    for quotas, number in sets.items():
        hashes["qsets"] |= {"=" + "\n".join(quotas): number, f"#{number}": "\n".join(quotas)}
    staging = f"new:{secrets.token_hex(6)}"
    names = [*strings, *(name for name, fields in hashes.items() if fields)]
    partners = _partners(group.links)
    performances = [
        (
            p.id,
            houses[p.id].seats_count if p.id in houses else 0,
            houses[p.id].digest if p.id in houses else "",
            ",".join(map(str, sorted(partners[p.id]))),
        )
        for p in group.performances
    ]
    argument = encode(
        (
            staging, names, secrets.token_hex(5), force, -1 if group.as_of_ms is None else group.as_of_ms,
            performances, list(parts), allotted, [order.order for order in orders], run,
        )
    )  # fmt: skip
    return Layout(list(_commands(f"{tag_of(group.group)}:{staging}:", strings, hashes)), argument)


def _commands(prefix: str, strings: dict[str, bytes], hashes: dict[str, dict[Any, Any]]) -> Iterator[tuple[Any, ...]]:
    for name, value in strings.items():
        yield "SET", prefix + name, value, "PX", STAGED_MS
    for name, fields in hashes.items():
        flat = [each for pair in fields.items() for each in pair]
        for first in range(0, len(flat), 2 * FIELDS_AT_ONCE):
            yield "HSET", prefix + name, *flat[first : first + 2 * FIELDS_AT_ONCE]
            yield "PEXPIRE", prefix + name, STAGED_MS


def _allotment_bytes(allotments: Iterable[Allotment]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    last: dict[int, int] = defaultdict(lambda: ALLOTMENT_FIRST - 1)
    for allotment in allotments:
        if allotment.id.startswith("!") or not allotment.id or allotment.id in numbers:
            raise ValueError(f"allotment {allotment.id!r}: ids are unique and begin with no “!”")
        if allotment.ordinals:
            last[allotment.performance] += 1
            numbers[allotment.id] = last[allotment.performance]
    for performance, byte in last.items():
        if byte >= ALLOTMENT_FIRST + ALLOTMENTS_MAX:
            raise ValueError(f"performance {performance}: at most {ALLOTMENTS_MAX} allotments of seats")
    return numbers


def _states(group: GroupState, houses: dict[int, House], numbers: dict[str, int]) -> dict[int, bytearray]:
    found: dict[int, bytearray] = {}
    for performance in group.performances:
        count = houses[performance.id].seats_count if performance.id in houses else 0
        if performance.states and len(performance.states) != count:
            raise ValueError(f"performance {performance.id}: {len(performance.states)} states for {count} seats")
        found[performance.id] = bytearray(performance.states or bytes(count))
    for allotment in group.allotments:
        states = found.get(allotment.performance)
        if states is None or any(not 0 <= o < len(states) for o in allotment.ordinals):
            raise ValueError(f"allotment {allotment.id}: performance {allotment.performance} has no such seats")
        for ordinal in allotment.ordinals:
            if states[ordinal] == FREE:
                states[ordinal] = numbers[allotment.id]
    own = {id: bytes(states) for id, states in found.items()}
    for one, other in group.links:
        if one not in houses or other not in houses or houses[one].digest != houses[other].digest:
            raise ValueError(f"performances {one} and {other} cannot be linked: they are not on the same plan")
        for here, there in ((one, other), (other, one)):
            for ordinal, state in enumerate(own[there]):
                if state not in (FREE, LINKED) and found[here][ordinal] == FREE:
                    found[here][ordinal] = LINKED
    return found


def _partners(links: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in links:
        found[one].add(other)
        found[other].add(one)
    return found


def _allotment(allotment: Allotment, byte: int, orders: Iterable[OrderState]) -> tuple[Any, ...]:
    """As scripts/core.lua has it: {label, release, perf, byte, left, quotas}."""
    drawn = sum(item.allotment == allotment.id for order in orders for item in order.items) if not byte else 0
    left = max(0, allotment.quantity - drawn) if not byte else 0
    release_ms = allotment.release_at_ms or 0
    return (allotment.label, release_ms, allotment.performance, byte, left, allotment.quotas if not byte else ())


def _quota_fields(group: GroupState, allotted: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for quota in group.quotas:
        fields["u" + quota.id] = quota.used
        if quota.limit is not None:
            fields["l" + quota.id] = quota.limit
        if quota.performances:
            fields["p" + quota.id] = ",".join(map(str, quota.performances))
    for *_, left, quotas in allotted:
        for id in quotas:
            fields["r" + id] = fields.get("r" + id, 0) + left
    return fields


def _sold_lines(items: Iterable[HeldItem], sets: dict[tuple[str, ...], int]) -> list[Any]:
    lines: dict[tuple[Any, ...], tuple[list[int], list[str]]] = {}
    for item in items:
        number = sets.setdefault(item.quotas, len(sets) + 1)
        ordinals, ids = lines.setdefault((item.performance, item.tariff, number, item.allotment), ([], []))
        if item.ordinal >= 0:
            ordinals.append(item.ordinal)
        else:
            ids.append(item.id)
    return [(*line, *places) for line, places in lines.items()]


def _whole_lines(items: Iterable[HeldItem]) -> list[Any]:
    lines: dict[tuple[Any, ...], list[Any]] = {}
    for item in items:
        line = (item.performance, item.tariff, item.quotas, 0, item.allotment, item.bundle, int(item.exceeded))
        lines.setdefault(line, []).extend((item.id, item.ordinal))
    return [(*line, places) for line, places in lines.items()]


def _orders_of(group: GroupState) -> Iterator[OrderState]:
    """The orders given, and one for each that is only known as the owner of seats."""
    yield from group.orders
    listed = {(item.performance, item.ordinal) for order in group.orders for item in order.items}
    owners: dict[str, list[HeldItem]] = defaultdict(list)
    sold: dict[str, bool] = {}
    for performance in group.performances:
        for ordinal, code in sorted(performance.owners.items()):
            if (performance.id, ordinal) not in listed:
                owners[code].append(HeldItem(f"{performance.id}.{ordinal}", performance.id, ordinal, 0, ()))
                sold[code] = performance.states[ordinal] != PENDING
    for code, items in owners.items():
        yield OrderState(code, sold[code], tuple(items))
