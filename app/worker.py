"""The worker: runs the jobs that must follow a commit, and keeps the inventory in order."""

from __future__ import annotations

import asyncio
import functools
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job as QueuedJob

from app.audience.entries import forget_past_entries
from app.core import db
from app.core.clock import now
from app.core.idempotency import forget_old_keys
from app.core.jobs import JOBS, Job
from app.core.logs import configure_logs
from app.core.redis import close_redis
from app.sales import jobs as _sales_jobs
from app.sales.methods._stripe import close_connections as close_provider_connections
from app.sales.upkeep import keep_inventory
from app.sales.waitlist_watch import watch_waitlists
from app.settings import Settings

log = structlog.get_logger()
TIDY_EVERY_S = 3_600
assert _sales_jobs  # imported for its handlers


async def run(settings: Settings) -> None:
    """Until cancelled; an engine that goes away is waited for."""
    configure_logs(settings.log_format, settings.log_level)
    keeper = watcher = None
    db.spawn(_keep_tidy(), name="keep tidy")
    try:
        while True:
            try:
                await db.start_pool(settings.database_pool)
                keeper = keeper or db.spawn(keep_inventory(settings), name="keep inventory")
                watcher = watcher or db.spawn(watch_waitlists(), name="watch waitlists")
                await _run_jobs(settings)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("worker_waits", error=repr(error))
                await asyncio.sleep(1)
    finally:
        await db.end_background()
        await db.stop_pool()
        await close_redis()
        await close_provider_connections()


async def _keep_tidy() -> None:
    """Once an hour, what the ledger need not keep goes. Until cancelled."""
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        try:
            log.info("idempotency_keys_forgotten", count=await forget_old_keys())
            log.info("waitlist_entries_forgotten", count=await forget_past_entries(now()))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError) as error:
            log.warning("tidying_waits", error=repr(error))


async def _run_jobs(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        queue = PgQueuer(AsyncpgDriver(connection))
        for job in JOBS.values():
            _serve(queue, job)
        work = asyncio.get_running_loop().create_task(
            queue.run(dequeue_timeout=timedelta(seconds=1), batch_size=10, shutdown_on_listener_failure=True)
        )
        try:
            await work
        except asyncio.CancelledError:
            queue.shutdown.set()
            await asyncio.wait([work], timeout=5)
            raise
    finally:
        await connection.close()


def _serve(queue: PgQueuer, job: Job) -> None:
    @queue.entrypoint(
        job.name,
        executor_factory=functools.partial(DatabaseRetryEntrypointExecutor, max_attempts=job.attempts_max),
    )
    async def handle(queued: QueuedJob) -> None:
        payload: dict[str, Any] = msgspec.json.decode(queued.payload or b"{}")
        structlog.contextvars.bind_contextvars(job=job.name, job_id=queued.id)
        try:
            await job.handler(**payload)
        except Exception as error:
            log.warning("job_failed", attempt=queued.attempts, error=repr(error))
            raise
        # Not as keywords: a job may call one of its arguments what the log calls its own.
        log.info("job_done", payload=payload)
