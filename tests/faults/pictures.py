"""All that matters of a group, so that two of them can be compared: who has which seat, and what is counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from seating.audit import Difference, contradictions
from seating.dumps import Dump, Part, read_dump
from seating.plan import Plan
from seating.store import Inventory


async def look(inventory: Inventory, group: str) -> Dump:
    return read_dump(await inventory.dump(group))


async def contradictions_of(inventory: Inventory, group: str, plans: dict[int, Plan | None]) -> list[Difference]:
    return contradictions(await look(inventory, group), plans)


async def picture(inventory: Inventory, group: str) -> dict[str, Any]:
    """Without what differs between two groups that were treated alike: ids, times, epochs."""
    dump = await look(inventory, group)
    return {
        "states": {id: live.states for id, live in dump.performances.items()},
        "index": {id: live.index for id, live in dump.performances.items()},
        "used": dump.used,
        "limits": dump.limits,
        "kept": {quota: count for quota, count in dump.kept.items() if count},
        "carts": {name: _parts(cart.parts) for name, cart in dump.carts.items()},
        "due": set(dump.due),
        "orders": {code: (order.sold, _parts(order.parts)) for code, order in dump.orders.items()},
        "allotments": {id: (each.performance, each.byte, each.left) for id, each in dump.allotments.items()},
        "broken": dump.broken,
    }


def _parts(parts: list[Part]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for part in parts:
        for ordinal in part.ordinals:
            found[part.performance, ordinal, part.quotas, part.allotment] += 1
        found[part.performance, -1, part.quotas, part.allotment] += part.unnumbered
    return found
