"""What must happen with no traffic at all: lapsed holds go back on sale, the live inventory agrees with the ledger.

Runs in every web and worker process; each step is atomic and idempotent, so it does no harm that several do it, and
nothing stops when one dies.
"""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from app.sales.inventory import inventory
from app.sales.reconciliation import reconcile
from app.settings import Settings

log = structlog.get_logger()
EXPIRE_EVERY_S = 0.5


async def keep_inventory(settings: Settings) -> None:
    """Until cancelled. Engines that are away are waited for."""
    reconciled_at = time.monotonic() - settings.reconcile_every_s * random.random()  # noqa: S311 - spreads processes, guards nothing
    while True:
        try:
            groups = sorted(await inventory().groups())
            for group in groups:
                await inventory().expire_due(group)
            if time.monotonic() - reconciled_at >= settings.reconcile_every_s:
                reconciled_at = time.monotonic()
                for group in groups:
                    await reconcile(group)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - this loop must outlive every fault of the engines
            log.warning("upkeep_waits", error=repr(error))
            await asyncio.sleep(1)
        await asyncio.sleep(EXPIRE_EVERY_S * (0.75 + 0.5 * random.random()))  # noqa: S311 - as above
