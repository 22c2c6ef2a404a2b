"""One transaction at a time, and jobs that exist if and only if it commits."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from piccolo.engine.exceptions import TransactionError

from app.core import jobs
from app.core.db import UniqueViolationError, connection, require_transaction, spawn, transaction
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
