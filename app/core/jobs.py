"""Work that must follow a commit (mail, print, refund, expiry) is a job row written in the same transaction.

The queue is pgqueuer, on PostgreSQL. A domain declares its jobs in `jobs.py` with `@job("name")`; handlers are
idempotent, since a worker may die after the work and before the row is gone. A job that fails is tried again with
growing pauses, and its last failure stays in the queue's log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from app.core.db import require_transaction

Handler = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    handler: Handler
    attempts_max: int


JOBS: dict[str, Job] = {}


def job(name: str, *, attempts_max: int = 12) -> Callable[[Handler], Handler]:
    """Declare the handler of a job; its keyword arguments are the payload."""

    def register(handler: Handler) -> Handler:
        if name in JOBS and JOBS[name].handler is not handler:
            raise RuntimeError(f"Two handlers for the job {name!r}.")
        JOBS[name] = Job(name, handler, attempts_max)
        return handler

    return register


async def enqueue(name: str, *, after: timedelta | None = None, once: str | None = None, **payload: Any) -> None:
    """Write a job into the open transaction: it exists if and only if the transaction commits.

    `after` delays it; `once` is a key under which only one job waits at a time.
    """
    if name not in JOBS:
        raise RuntimeError(f"No job is called {name!r}.")
    queries = Queries(AsyncpgDriver(require_transaction()))
    await queries.enqueue(
        name,
        msgspec.json.encode(payload),
        execute_after=after,
        dedupe_key=once,
        on_conflict="skip" if once else "raise",
    )


async def install_queue(connection: asyncpg.Connection) -> None:
    """Create the queue's tables where they are missing."""
    queries = Queries(AsyncpgDriver(connection))
    if not await queries.has_table("pgqueuer"):
        await queries.install()
