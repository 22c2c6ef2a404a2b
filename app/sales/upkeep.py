"""What must happen with no traffic at all: lapsed holds go back on sale, the live inventory agrees with the ledger.

Runs in every web and worker process; each step is atomic and idempotent, so it does no harm that several do it, and
nothing stops when one dies.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from app.core.db import connection
from app.core.redis import redis
from app.sales.inventory import inventory, with_group
from app.sales.reconciliation import reconcile
from app.settings import Settings
from seating.store import GROUPS, StoreUnavailable

log = structlog.get_logger()
EXPIRE_EVERY_S = 0.5
RECONCILED = "placeur:reconciled"
"""Group -> when somebody last began to compare it, in ms by Redis' clock."""


async def keep_inventory(settings: Settings) -> None:
    """Until cancelled. Engines that are away are waited for, and a group that is in trouble holds up no other."""
    reconciled_at = time.monotonic() - settings.reconcile_every_s * random.random()  # noqa: S311 - spreads processes, guards nothing
    while True:
        try:
            for group in sorted(await inventory().groups()):
                await _keep(group, partial(inventory().expire_due, group))
            if time.monotonic() - reconciled_at >= settings.reconcile_every_s:
                reconciled_at = time.monotonic()
                for group in sorted(await all_groups()):
                    if await is_our_turn(group, settings.reconcile_every_s):
                        await _keep(group, partial(reconcile, group))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - this loop must outlive every fault of the engines
            log.warning("upkeep_waits", error=repr(error))
            await asyncio.sleep(1)
        await asyncio.sleep(EXPIRE_EVERY_S * (0.75 + 0.5 * random.random()))  # noqa: S311 - as above


async def _keep(group: str, step: Callable[[], Awaitable[object]]) -> None:
    """One step on one group, which is laid down anew when Redis has lost a part of it."""
    try:
        await with_group(group, step)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the next group may be well
        log.warning("upkeep_waits", group=group, error=repr(error))


PLAYED = """
SELECT DISTINCT ON (1) coalesce(e.inventory, 'e' || e.id) AS inventory, p.id FROM catalog.performance p
JOIN catalog.event e ON e.id = p.event WHERE p.starts_at > now() - interval '1 day' ORDER BY 1, 2
"""


async def all_groups() -> set[str]:
    """Every group that is loaded. Also those that Redis' list of them has lost, which go back onto it: they would keep
    their lapsed holds."""
    known = await inventory().groups()
    async with connection() as reader:
        played = {row["inventory"]: row["id"] for row in await reader.fetch(PLAYED)}
    for group, performance in played.items():
        if group not in known and await inventory().head(group, performance) is not None:
            log.warning("group_forgotten", group=group)
            await redis().sadd(GROUPS, group)
            known.add(group)
    return known


async def is_our_turn(group: str, every_s: int) -> bool:
    """Whether nobody has compared this group for half a period: however many processes there are, Redis is asked for
    all that it has once or twice a period. Two that ask at the same moment may both be told yes, which harms nothing;
    and no clock that is set back stops it, as an expiry in Redis would."""
    now_ms = await inventory().now_ms(group)
    raw = await redis().hget(RECONCILED, group)
    since_ms = now_ms - int(raw or 0)
    if 0 <= since_ms < every_s * 500:
        return False
    await redis().hset(RECONCILED, group, str(now_ms))
    return True
