"""The hub process of a venue: `hardware.hub` over the ledger, woken by the ledger's notifications (LIVE-9)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import asyncpg
import structlog

from app.access.admission import NOTIFY as SCANS
from app.access.keys import register_key
from app.core import db
from app.core.logs import configure_logs
from app.core.redis import close_redis
from app.counter.printing import NOTIFY as PRINT_JOBS
from app.counter.venue import VenueDesk, event_of_scan
from app.settings import Settings
from hardware.hub import Hub
from hardware.keys import load_or_make_pair

log = structlog.get_logger()
REVOKED_LOOK_S = 2.0


async def run(settings: Settings) -> None:
    """Until cancelled; a ledger that goes away is waited for."""
    configure_logs(settings.log_format, settings.log_level)
    await db.start_pool(settings.database_pool)
    await register_key()
    pair = load_or_make_pair(Path(settings.hub_key_file or Path(settings.data_dir) / "keys" / "hub.json"))
    desk = VenueDesk()
    hub = Hub(desk, pair, commands=settings.hub_url, events=settings.hub_events_url)
    await hub.start()
    log.info("hub_open", commands=hub.commands_endpoint, events=hub.events_endpoint)
    watch = asyncio.get_running_loop().create_task(_watch_revocations(hub, desk))
    try:
        while True:
            try:
                await _listen(settings, hub)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("hub_waits", error=repr(error))
                await asyncio.sleep(1)
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await hub.stop()
        await db.end_background()
        await db.stop_pool()
        await close_redis()


async def _listen(settings: Settings, hub: Hub) -> None:
    """Hear of new print jobs and scans as they are committed. Whatever is missed while away, devices catch up."""
    connection = await asyncpg.connect(settings.database_url)
    lost = asyncio.Event()
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(PRINT_JOBS, lambda *_: hub.wake())
        await connection.add_listener(SCANS, lambda _c, _p, _n, scan: db.spawn(_tell(hub, int(scan)), name="tell scan"))
        hub.wake()
        await lost.wait()
    finally:
        with contextlib.suppress(OSError, asyncpg.InterfaceError):
            await connection.close(timeout=2)


async def _tell(hub: Hub, scan: int) -> None:
    async with db.connection() as reader:
        row = await reader.fetchrow(
            "SELECT s.verdict, s.scanned_at, g.name AS gate, t.number FROM access.scan s"
            " JOIN access.gate g ON g.id = s.gate LEFT JOIN sales.ticket t ON t.id = s.ticket WHERE s.id = $1",
            scan,
        )
    if row is not None:
        hub.publish(event_of_scan(row))


async def _watch_revocations(hub: Hub, desk: VenueDesk) -> None:
    """A device that is revoked is cut off within seconds, even when it says nothing (DEV-1)."""
    while True:
        await asyncio.sleep(REVOKED_LOOK_S)
        try:
            for device in hub.online():
                if await desk.authorize(device.public_key) is None:
                    await hub.revoke(device.public_key)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("hub_waits", error=repr(error))
