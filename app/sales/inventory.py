"""The live inventory in Redis, and how it is rebuilt from the ledger (LIVE-10, "two truths").

PostgreSQL sells, Redis holds. Whatever Redis lost or got wrong is made again from live tickets here: when a group is
missing (a flush, a new event, a further performance of one), and by a reconciliation that runs all the time and
compares the two.

The trust window: an order marks its seats pending in Redis *inside* its transaction, just before the commit. A rebuild
takes the group's lock exclusively while orders take it shared, so a rebuild never reads between an order's insert and
its commit. An order whose commit failed leaves a pending mark that no ticket backs; reconciliation gives it back once
the mark is older than any transaction can be.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog

from app.catalog.queries import offers_of_group, plan_of
from app.catalog.rules.selling import quotas_for
from app.core.clock import now
from app.core.db import transaction
from app.core.errors import Problem
from app.core.redis import redis
from app.sales.kept import allotments_in_force, name_of
from seating.store import (
    PENDING,
    SOLD,
    USED,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    OrderState,
    PerformanceState,
    QuotaState,
    Refusal,
)

log = structlog.get_logger()
T = TypeVar("T")


@functools.cache
def inventory() -> Inventory:
    return Inventory(redis())


async def with_group(group: str, step: Callable[[], Awaitable[T]]) -> T:
    """Run an inventory step; when Redis does not know the group or has lost a part of it, rebuild it and run the step
    again."""
    try:
        return await step()
    except GroupMissing as missing:
        await mend(missing)
        return await step()


async def hold(request: HoldRequest) -> Held | Refusal:
    """As the store's own, of a group that is loaded with all of its performances."""

    async def step() -> Held | Refusal:
        answer = await inventory().hold(request)
        for reason in answer.reasons if isinstance(answer, Refusal) else ():
            if reason.code == "unknown_performance":
                raise GroupMissing(request.group, damaged=f"performance {reason.performance}")
        return answer

    return await with_group(request.group, step)


async def mend(missing: GroupMissing) -> None:
    """Make whole what a step found missing or damaged. Of many that meet the same damage one rebuilds, the others wait
    and find it done."""
    if not missing.damaged:
        await rebuild(missing.group)
        return
    async with transaction() as ledger:
        await lock_group(ledger, missing.group, shared=False)
        if await _is_whole(missing):
            return
        state = await read_group(ledger, missing.group)
        known = {each.id for each in state.performances}
        if not known or missing.performance not in known | {None}:
            raise GroupGone(missing.group)
        await inventory().load(state, only_if_missing=False)
    log.warning("inventory_mended", group=missing.group, damaged=missing.damaged)


async def _is_whole(missing: GroupMissing) -> bool:
    # A quota that the store was never told of leaves every key in its place.
    if missing.damaged.startswith("quota "):
        return False
    new = () if missing.performance is None else (missing.performance,)
    try:
        await inventory().pulse(missing.group, *new)
    except GroupMissing:
        return False
    return True


class GroupGone(Problem):
    """No performance belongs to this group any more: its events were joined with others, or parted. Whoever asks again
    in a moment asks in the right one."""

    def __init__(self, group: str) -> None:
        super().__init__("store_unavailable")
        self.group = group


async def rebuild(group: str, *, only_if_missing: bool = True) -> None:
    """Load a group from the ledger; a new epoch makes every open map take a new snapshot. Raises GroupGone."""
    async with transaction() as ledger:
        await lock_group(ledger, group, shared=False)
        state = await read_group(ledger, group)
        if not state.performances:
            raise GroupGone(group)
        await inventory().load(state, only_if_missing=only_if_missing)
    log.info("inventory_rebuilt", group=group, performances=len(state.performances))


async def lock_group(ledger: asyncpg.Connection, group: str, *, shared: bool) -> None:
    """Orders take it shared, rebuilds exclusively; held until the transaction ends."""
    mode = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await ledger.execute(f"SELECT {mode}(hashtextextended($1, 11))", f"group:{group}")


LIVE_TICKETS = """
SELECT t.number, t.performance, t.ordinal, t.tariff, t.category, t.status, t.used_at IS NOT NULL AS used, t.allotment,
       o.code, o.status AS order_status
FROM sales.ticket t JOIN sales.sale o ON o.id = t."order"
WHERE t.performance = ANY($1::bigint[]) AND t.status IN ('pending', 'sold') ORDER BY t.id
"""


LINKS = """
SELECT one, other FROM catalog.plan_conflict
WHERE one = ANY($1::bigint[]) AND other = ANY($1::bigint[]) AND one < other ORDER BY 1, 2
"""


async def read_group(ledger: asyncpg.Connection, group: str) -> GroupState:
    """What the ledger says of a group: each seat's state, each order's places, each quota's size and use, what is kept
    for whoever has the key."""
    as_of_ms = await inventory().now_ms(group)
    offers = {o.id: o for o in await offers_of_group(group)}
    plans = {id: await plan_of(o) for id, o in offers.items()}
    states = {id: bytearray(len(plan.seats) if plan else 0) for id, plan in plans.items()}
    orders: dict[str, tuple[bool, list[HeldItem]]] = {}
    used: dict[str, int] = {}
    for row in await ledger.fetch(LIVE_TICKETS, list(offers)):
        performance, ordinal = row["performance"], row["ordinal"]
        quotas = quotas_for(offers[performance], row["tariff"], row["category"])
        if ordinal >= 0:
            states[performance][ordinal] = _state(row["status"], used=row["used"])
        _, items = orders.setdefault(row["code"], (row["order_status"] == "paid", []))
        allotment = name_of(row["allotment"]) if row["allotment"] is not None else ""
        items.append(HeldItem(row["number"], performance, ordinal, row["tariff"], quotas, allotment=allotment))
        for quota in quotas:
            used[quota] = used.get(quota, 0) + 1
    sizes = {q.key: q for o in offers.values() for q in o.quotas}
    shown = {key: tuple(id for id, o in offers.items() if quota in o.quotas) for key, quota in sizes.items()}
    return GroupState(
        group=group,
        performances=tuple(PerformanceState(id=id, plan=plans[id], states=bytes(states[id])) for id in offers),
        quotas=tuple(
            QuotaState(key, q.size, used.get(key, 0), (q.performance,) if q.performance else shown[key])
            for key, q in sorted(sizes.items())
        ),
        orders=tuple(OrderState(code, sold, tuple(items)) for code, (sold, items) in orders.items()),
        as_of_ms=as_of_ms,
        allotments=await allotments_in_force(ledger, offers, now()),
        links=tuple((row["one"], row["other"]) for row in await ledger.fetch(LINKS, list(offers))),
    )


def _state(status: str, *, used: bool) -> int:
    if status == "pending":
        return PENDING
    return USED if used else SOLD
