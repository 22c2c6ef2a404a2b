"""One question at a time, however many ask it (LIVE-1)."""

from __future__ import annotations

import asyncio

import pytest

from realtime import shared
from realtime.shared import Shared


class Oracle:
    """Answers when it is let, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may = asyncio.Event()
        self.problem: Exception | None = None

    async def answer(self, key: int) -> int:
        self.asked.append(key)
        await self.may.wait()
        if self.problem is not None:
            raise self.problem
        return key * 10


async def test_a_thousand_who_ask_at_once_ask_once() -> None:
    oracle = Oracle()
    question = Shared(oracle.answer, 60.0)
    crowd = [asyncio.create_task(question(n % 2)) for n in range(1000)]
    await asyncio.sleep(0)
    oracle.may.set()
    assert await asyncio.gather(*crowd) == [0, 10] * 500
    assert await question(1) == 10
    assert oracle.asked == [0, 1]


async def test_an_answer_grows_old() -> None:
    oracle = Oracle()
    oracle.may.set()
    question = Shared(oracle.answer, 0.0)
    assert [await question(1), await question(1)] == [10, 10]
    assert oracle.asked == [1, 1]


async def test_a_failure_is_told_to_all_who_waited_and_not_kept() -> None:
    oracle = Oracle()
    oracle.problem = OSError("away")
    question = Shared(oracle.answer, 60.0)
    crowd = [asyncio.create_task(question(1)) for _ in range(3)]
    await asyncio.sleep(0)
    oracle.may.set()
    assert [type(each) for each in await asyncio.gather(*crowd, return_exceptions=True)] == [OSError] * 3
    oracle.problem = None
    assert await question(1) == 10
    assert oracle.asked == [1, 1]


async def test_whoever_asked_first_may_leave() -> None:
    oracle = Oracle()
    question = Shared(oracle.answer, 60.0)
    first, second = (asyncio.create_task(question(1)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    oracle.may.set()
    assert await second == 10
    assert oracle.asked == [1]


async def test_strangers_questions_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "KEPT_MAX", 5)
    oracle = Oracle()
    oracle.may.set()
    question = Shared(oracle.answer, 60.0)
    for key in range(100):
        await question(key)
    assert len(question._kept) <= 5
