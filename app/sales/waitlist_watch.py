"""Looking at the waitlists all the time (WTL-2): for places that no workflow announces (a basket that lapses, a seat
that is unblocked), for offers whose time is up, for purchases.

In every worker: a look takes its list's lock, and finds nothing to do when another has just looked.
"""

from __future__ import annotations

import asyncio
import random

import structlog

from app.core.clock import now
from app.sales.inventory import mend
from app.sales.waitlist import look, waited_for
from seating.store import GroupMissing

log = structlog.get_logger()
LOOK_EVERY_S = 10.0


async def watch_waitlists() -> None:
    """Until cancelled. Costs one query while nobody waits for anything."""
    while True:
        try:
            for event in await waited_for(at=now()):
                await _look(event)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - this loop must outlive every fault of the engines
            log.warning("waitlists_wait", error=repr(error))
        await asyncio.sleep(LOOK_EVERY_S * (0.75 + 0.5 * random.random()))  # noqa: S311 - spreads workers, guards nothing


async def _look(event: int) -> None:
    try:
        wave = await look(event, at=now())
    except GroupMissing as missing:
        await mend(missing)
        return
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the next event may be well
        log.warning("waitlist_waits", event_id=event, error=repr(error))
        return
    if wave.offered:
        log.info("waitlist_wave", event_id=event, told=len(wave.offered))
