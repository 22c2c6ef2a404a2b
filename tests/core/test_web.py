"""What went wrong inside becomes something that a person can act on (SHO-1, API-1)."""

from __future__ import annotations

from typing import Any, cast

import asyncpg
import pytest
from litestar import Request
from redis.exceptions import BusyLoadingError

from app.core.db import connection, transaction
from app.core.web import problem_of

UNASKED = cast("Request[Any, Any, Any]", None)
"""The request is looked at only where nothing else is known."""


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CrashShutdownError("another server process has crashed"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.InterfaceError("connection is closed"),
        BusyLoadingError("Redis is loading the dataset in memory"),
        ConnectionRefusedError(111, "Connection refused"),
        FileNotFoundError(2, "No such file or directory"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_engine_that_is_away_is_a_moment_s_patience(error: Exception) -> None:
    assert problem_of(UNASKED, error).code == "store_unavailable"


async def test_a_postgresql_that_ends_our_connection_amid_a_question_is_one_too(ledger: str) -> None:
    """As when it is stopped: each connection is told so in the middle of what it does."""
    for opened in (connection, transaction):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as raised:
            async with opened() as ledger_connection:
                await ledger_connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        assert problem_of(UNASKED, raised.value).code == "store_unavailable"
        async with connection() as next_one:
            assert await next_one.fetchval("SELECT 1") == 1
