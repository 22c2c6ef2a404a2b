"""Comparing the live inventory with the ledger, all the time, and mending what differs (LIVE-10).

The ledger is right. Differences are rare (a process that died between its commit and its next line, a commit that
failed after the seats were marked) and each is logged with what was done.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from app.catalog.queries import offers_of_group
from app.core.clock import now
from app.core.db import connection
from app.sales.inventory import inventory, rebuild, with_group
from seating.store import PENDING, SOLD, USED

log = structlog.get_logger()

GRACE = timedelta(seconds=30)
"""Longer than any of our transactions may take: an order may have marked its seats and not yet committed."""


class Mended(Struct, frozen=True):
    """An order whose seats were put right, and how."""

    order: str
    action: str


async def reconcile(group: str, *, at: datetime | None = None) -> tuple[Mended, ...]:
    """Mend every order of a group on which the two disagree; returns what was done."""
    at = at or now()
    marked = await with_group(group, lambda: inventory().pending_orders(group))
    ledger = await _orders_of(group, sorted(marked))
    done = []
    for code, mark in sorted(marked.items()):
        status = ledger.get(code)
        if status == "paid":
            await inventory().sell(group, code)
            done.append(Mended(code, "sold"))
        elif status in ("expired", "cancelled"):
            await inventory().give_back(group, code)
            done.append(Mended(code, "given back"))
        elif status is None and at.timestamp() * 1000 - mark.since_ms > GRACE.total_seconds() * 1000:
            # Its transaction never committed.
            await inventory().give_back(group, code)
            done.append(Mended(code, "given back: no such order"))
    if await _differs(group):
        # Holds that still fit stay; open maps take a new snapshot.
        await rebuild(group, only_if_missing=False)
        done.append(Mended("", "group rebuilt"))
    for mended in done:
        log.warning("inventory_mended", group=group, order=mended.order, action=mended.action)
    return tuple(done)


LIVE_SEATS = """
SELECT performance, array_agg(ordinal) AS ordinals FROM sales.ticket
WHERE performance = ANY($1::bigint[]) AND status IN ('pending', 'sold') AND ordinal >= 0 GROUP BY performance
"""


async def _differs(group: str) -> bool:
    """Whether a seat with a live ticket is on offer, or a sold one has none. Looked at twice around the ledger: what
    somebody is just ordering or giving back is no difference."""
    seated = [o for o in await offers_of_group(group) if o.plan is not None]
    before = {o.id: await _states(group, o.id) for o in seated}
    async with connection() as reader:
        rows = await reader.fetch(LIVE_SEATS, list(before))
    ledger: dict[int, frozenset[int]] = {row["performance"]: frozenset(row["ordinals"]) for row in rows}
    for id, states in before.items():
        live = ledger.get(id, frozenset())
        odd = _odd(states, live)
        if odd and odd & _odd(await _states(group, id), live):
            return True
    return False


async def _states(group: str, performance: int) -> bytes:
    seen = await with_group(group, lambda: inventory().snapshot(group, performance, owners=False))
    return seen.states


def _odd(states: bytes, live: frozenset[int]) -> set[int]:
    """Pending seats without a ticket are left to the orders' own check above: their commit may be on its way."""
    sold = {ordinal for ordinal, state in enumerate(states) if state in (SOLD, USED)}
    return (sold - live) | {o for o in live if o < len(states) and states[o] not in (PENDING, SOLD, USED)}


async def _orders_of(group: str, codes: list[str]) -> dict[str, str]:
    if not codes:
        return {}
    async with connection() as reader:
        rows = await reader.fetch("SELECT code, status FROM sales.sale WHERE code = ANY($1::text[])", codes)
    return {row["code"]: row["status"] for row in rows}
