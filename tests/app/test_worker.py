"""The worker at work on a real queue: what was committed is done, what fails is done again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from app import worker
from app.core import db, jobs
from app.core.db import transaction
from app.settings import get_settings
from tests.work import waiting


class Seen:
    """What the handlers of this test have done."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.tries = 0
        self.news = asyncio.Condition()

    async def note(self, number: int) -> None:
        async with self.news:
            self.done.append(number)
            self.news.notify_all()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60), self.news:
            await self.news.wait_for(lambda: len(self.done) >= count)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()
    monkeypatch.setattr(jobs, "JOBS", jobs.JOBS)

    async def plain(number: int) -> None:
        await seen.note(number)

    async def stubborn(number: int) -> None:
        seen.tries += 1
        if seen.tries < 2:
            raise ConnectionError("the mail server is away")
        await seen.note(number)

    async def about_an_event(event: int) -> None:
        await seen.note(event)

    monkeypatch.setitem(jobs.JOBS, "test_about_an_event", jobs.Job("test_about_an_event", about_an_event, 3))
    monkeypatch.setitem(jobs.JOBS, "test_plain", jobs.Job("test_plain", plain, 3))
    monkeypatch.setitem(jobs.JOBS, "test_stubborn", jobs.Job("test_stubborn", stubborn, 3))
    return seen


@pytest.fixture
async def at_work(ledger: str, seen: Seen) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(get_settings()))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await db.start_pool(2)  # the worker closed it; the fixture that made the ledger closes it once more


async def test_jobs_are_done_once_committed_and_a_failing_one_is_tried_again(
    ledger: str, seen: Seen, at_work: None
) -> None:
    async with transaction():
        await jobs.enqueue("test_stubborn", number=1)
        await jobs.enqueue("test_plain", number=2)
    with contextlib.suppress(ZeroDivisionError):
        async with transaction():
            await jobs.enqueue("test_plain", number=3)
            _ = 1 / 0
    await seen.until(2)
    assert sorted(seen.done) == [1, 2]
    assert seen.tries == 2
    async with asyncio.timeout(60):
        while await waiting("test_stubborn") or await waiting("test_plain"):
            await asyncio.sleep(0.05)
    assert sorted(seen.done) == [1, 2]


async def test_a_job_may_name_its_arguments_as_it_likes(ledger: str, seen: Seen, at_work: None) -> None:
    """One argument of the waitlist's jobs is called as the log calls its message: done once, not tried again."""
    async with transaction():
        await jobs.enqueue("test_about_an_event", event=7)
    async with asyncio.timeout(60):
        while not seen.done or await waiting("test_about_an_event"):
            await asyncio.sleep(0.05)
    assert seen.done == [7]
