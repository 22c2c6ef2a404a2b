"""Transactions on PostgreSQL through Piccolo.

Piccolo keeps the transaction in a context variable: a nested block joins silently, so that an inner failure that
somebody swallows would still commit. Hence one `transaction()` that refuses nesting, and `require_transaction()` for
the steps that only make sense inside one.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, cast

import asyncpg
from asyncpg.exceptions import UniqueViolationError
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

__all__ = [
    "UniqueViolationError", "connection", "end_background", "engine", "require_transaction", "spawn", "transaction",
]  # fmt: skip


RELEASE_S_MAX = 5.0


def engine() -> PostgresEngine:
    found = engine_finder()
    assert isinstance(found, PostgresEngine)
    return found


@contextlib.asynccontextmanager
async def transaction() -> AsyncIterator[asyncpg.Connection]:
    """Open the one transaction of a workflow; yields its connection. Commits on leaving, rolls back on any error.

    Raises piccolo's TransactionError when one is open already.
    """
    opened = engine().transaction(allow_nested=False)
    try:
        with _lost_connections_named():
            async with opened:
                yield cast("asyncpg.Connection", opened.connection)
    finally:
        await _let_go(opened)


async def _let_go(opened: PostgresTransaction) -> None:
    """Piccolo does this only behind a COMMIT or ROLLBACK that succeeded. A connection that died first would leave its
    task with a transaction for ever, in which every later one is refused as nested; a task that was cancelled at its
    BEGIN would keep its connection from all others."""
    if engine().current_transaction.get() is opened:
        engine().current_transaction.set(None)
    held = getattr(opened, "connection", None)
    if held is not None and (pool := engine().pool) is not None:
        await pool.release(held)  # nothing where it has gone back already


@contextlib.contextmanager
def _lost_connections_named() -> Iterator[None]:
    """asyncpg takes a query on a connection whose server has just said goodbye for a defect of its own."""
    try:
        yield
    except asyncpg.InternalClientError as error:
        raise asyncpg.ConnectionDoesNotExistError(str(error)) from error


def require_transaction() -> asyncpg.Connection:
    """The connection of the open transaction. Raises RuntimeError when there is none."""
    opened = engine().current_transaction.get()
    if opened is None:
        raise RuntimeError("This step belongs inside a transaction that its workflow opens.")
    return cast("asyncpg.Connection", cast("Any", opened).connection)


@contextlib.asynccontextmanager
async def connection() -> AsyncIterator[asyncpg.Connection]:
    """A connection for hand-written reads: that of the open transaction, else one of the pool.

    A step inside a transaction that took a second connection would wait for ever once every transaction holds one and
    wants another.
    """
    if engine().current_transaction.get() is not None:
        yield require_transaction()
        return
    pool = engine().pool
    if pool is None:
        raise RuntimeError("The connection pool is not started.")
    with _lost_connections_named():
        acquired = await pool.acquire()
        try:
            yield cast("asyncpg.Connection", acquired)
        finally:
            # Over a network that died without a word a cancelled query never ends, nor would this.
            await pool.release(acquired, timeout=RELEASE_S_MAX)


_background: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start a background task that does not inherit an open transaction (it would outlive it)."""
    task = asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())
    _background.add(task)
    task.add_done_callback(_background.discard)
    return task


async def end_background() -> None:
    """End what `spawn` has left at work; call it when the process stops, before its pool is closed. A task that slept
    through that would open Redis anew behind the end."""
    left = [task for task in _background if task.get_loop() is asyncio.get_running_loop()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def start_pool(size: int) -> None:
    await engine().start_connection_pool(min_size=min(2, size), max_size=size)


async def stop_pool() -> None:
    if engine().pool is not None:
        await engine().close_connection_pool()
