"""Comparing the live inventory with the ledger, all the time, and mending what differs (LIVE-10).

The ledger is right. Differences are rare (a process that died between its commit and its next line, a commit that
failed after the seats were marked) and each is logged with what was done.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from app.core.clock import now
from app.core.db import connection
from app.sales.inventory import inventory, with_group

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
    for mended in done:
        log.warning("inventory_mended", group=group, order=mended.order, action=mended.action)
    return tuple(done)


async def _orders_of(group: str, codes: list[str]) -> dict[str, str]:
    if not codes:
        return {}
    async with connection() as reader:
        rows = await reader.fetch("SELECT code, status FROM sales.sale WHERE code = ANY($1::text[])", codes)
    return {row["code"]: row["status"] for row in rows}
