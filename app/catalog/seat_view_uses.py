"""Where SeatView models are used: by which events, on which plans. For managers."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from app.catalog.queries import offer_of, plan_of
from app.core.db import connection
from app.core.i18n import translated

# The next performance, else the last one: where photos are taken in the shop's own map.
USES = """
SELECT e.id, e.title,
       (SELECT p.id FROM catalog.performance p WHERE p.event = e.id AND p.plan IS NOT NULL AND p.cancelled_at IS NULL
        ORDER BY p.starts_at < now(), abs(extract(epoch FROM p.starts_at - now())), p.id LIMIT 1) AS performance
FROM catalog.event e JOIN catalog.box_office b ON b.id = e.box_office
WHERE b.organizer = $1 ORDER BY e.position, e.id
"""
PLANS = """
SELECT DISTINCT ON (p.plan) p.plan, v.name, p.id AS performance
FROM catalog.performance p JOIN catalog.event e ON e.id = p.event JOIN catalog.plan_version v ON v.id = p.plan
WHERE e.seat_view = $1 ORDER BY p.plan, p.starts_at < now(), p.starts_at, p.id
"""


class EventUse(Struct, frozen=True):
    """`performance`: where its photos can be taken in the shop's map; None: it has no numbered performance."""

    id: int
    title: str
    performance: int | None


class PlanUse(Struct, frozen=True):
    """`performance`: one on this version of the plan, to ask for it."""

    id: int
    name: str
    performance: int


async def uses_of(organizer: int) -> dict[int, EventUse]:
    """Every event of an organiser, whether it uses a model or not."""
    async with connection() as reader:
        rows = await reader.fetch(USES, organizer)
    return {
        row["id"]: EventUse(
            row["id"], translated(msgspec.json.decode(row["title"], type=dict[str, str])), row["performance"]
        )
        for row in rows
    }


async def plans_shown(model: int) -> list[tuple[PlanUse, frozenset[str]]]:
    """The plans of all events that use a model, with the label paths of their seats."""
    async with connection() as reader:
        rows = await reader.fetch(PLANS, model)
    found = []
    for row in rows:
        plan = await plan_of(await offer_of(row["performance"]))
        if plan is not None:
            found.append((PlanUse(row["plan"], row["name"], row["performance"]), frozenset(s.guid for s in plan.seats)))
    return found
