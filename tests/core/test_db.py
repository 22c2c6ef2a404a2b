"""One transaction at a time, and jobs that exist if and only if it commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest
from piccolo.engine.exceptions import TransactionError

from app.core import jobs
from app.core.db import UniqueViolationError, connection, engine, require_transaction, spawn, transaction
from app.core.tables import IdempotencyKey
from tests.work import waiting

INSERT = "INSERT INTO core.idempotency_key (scope, key, request_digest, created_at) VALUES ('s', $1, 'd', now())"


async def kept() -> int:
    return int(await IdempotencyKey.count())


async def test_a_transaction_refuses_another_one_inside(ledger: str) -> None:
    async with transaction() as outer:
        await outer.execute(INSERT, "outer")
        with pytest.raises(TransactionError):
            async with transaction():
                pytest.fail("a nested transaction would join silently")
    assert await kept() == 1


async def test_what_fails_leaves_nothing_behind(ledger: str) -> None:
    async def fail_half_way() -> None:
        async with transaction() as opened:
            await opened.execute(INSERT, "a")
            await jobs.enqueue("send_confirmation", order=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    assert (await kept(), await waiting("send_confirmation")) == (0, [])


async def test_a_unique_constraint_is_told_as_one(ledger: str) -> None:
    async with transaction() as opened:
        await opened.execute(INSERT, "a")
    with pytest.raises(UniqueViolationError):
        async with transaction() as opened:
            await opened.execute(INSERT, "a")
    assert await kept() == 1


async def test_a_transaction_whose_connection_dies_is_over(ledger: str) -> None:
    """LIVE-10: the loops that keep the inventory are one task each, and outlive every restart of PostgreSQL."""
    for _ in range(3):
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            async with transaction() as opened:
                await opened.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    async with connection() as reader:
        assert await reader.fetchval("SELECT 1") == 1
    async with transaction() as opened:
        await opened.execute(INSERT, "after")
    assert await kept() == 1


async def test_piccolo_s_own_transaction_would_not_be(ledger: str) -> None:
    """The negative control, and the day on which it fails `_let_go` can go."""
    with pytest.raises(asyncpg.InterfaceError):
        async with engine().transaction() as opened:
            await opened.connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(TransactionError):
        async with transaction():
            pytest.fail("there is none open")


async def test_a_transaction_that_is_given_up_at_its_begin_takes_no_connection_along(
    ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are: the pool has few."""

    begun = asyncio.Event()

    async def never(self: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def begins() -> None:
        async with transaction():
            pytest.fail("it does not begin")

    with monkeypatch.context() as patch:
        patch.setattr("piccolo.engine.postgres.PostgresTransaction.begin", never)
        for _ in range(20):
            begun.clear()
            task = asyncio.create_task(begins())
            await asyncio.wait_for(begun.wait(), 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    async with transaction() as opened:
        assert await opened.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("door", [connection, transaction])
async def test_a_server_that_said_goodbye_is_away_whatever_asyncpg_makes_of_it(
    ledger: str, door: Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
) -> None:
    with pytest.raises(asyncpg.PostgresConnectionError):
        async with door():
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")


async def test_a_step_that_belongs_inside_says_so_outside(ledger: str) -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        require_transaction()
    with pytest.raises(RuntimeError, match="inside a transaction"):
        await jobs.enqueue("send_confirmation", order=1)
    async with transaction():
        with pytest.raises(RuntimeError, match="No job is called"):
            await jobs.enqueue("a job that nobody declared")


async def test_a_read_inside_sees_what_was_written_and_one_outside_does_not(ledger: str) -> None:
    async with transaction() as opened:
        await opened.execute(INSERT, "a")
        async with connection() as inside:
            assert inside is opened
            assert await inside.fetchval("SELECT count(*) FROM core.idempotency_key") == 1
        stranger = await asyncpg.connect(ledger)
        assert await stranger.fetchval("SELECT count(*) FROM core.idempotency_key") == 0
        await stranger.close()


async def test_a_background_task_has_no_part_in_the_transaction_it_was_started_in(ledger: str) -> None:
    async def own() -> None:
        async with transaction() as opened:
            await opened.execute(INSERT, "background")

    async def fail_after_starting_it() -> None:
        async with transaction() as opened:
            await opened.execute(INSERT, "a")
            await asyncio.wait([spawn(own(), name="own")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_starting_it()
    assert await kept() == 1


async def test_a_job_that_may_wait_once_only_waits_once(ledger: str) -> None:
    for _ in range(2):
        async with transaction():
            await jobs.enqueue("look_up_payment", once="look-up:7", payment=7)
    assert await waiting("look_up_payment") == [{"payment": 7}]


def test_a_job_has_one_handler() -> None:
    async def another() -> None:
        return None

    with pytest.raises(RuntimeError, match="Two handlers"):
        jobs.job("send_confirmation")(another)
