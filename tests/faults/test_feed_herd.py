"""A web process is killed -9 with all its viewers, who come back to another as a trickle and cost its engines nothing
(LIVE-1, LIVE-10).

`HERD=10000 .venv/bin/python -m pytest tests/faults/test_feed_herd.py` for a full house; it takes some minutes and
2 × HERD open files (`ulimit -n`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from redis.asyncio import Redis

from app.core.process import PARENT_VARIABLE
from app.sales.inventory import inventory, with_group
from realtime.client import Feed
from realtime.follower import Follower, Reaction, Status
from seating.store import FREE, Held, HoldRequest, NamedSeats, Owner
from tests.cast import Theatre
from tests.faults.feed_network import Switch, switch_to
from tests.ports import free_port
from tests.running import eventually

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]
HERD = int(os.environ.get("HERD", "1000"))
FEW = 200
"""Enough to see what a thousand would do, where nothing is shared."""
PATIENCE_S = 300.0


class Noted(Follower):
    """Notes how long each of its viewer's first absences was to be, in seconds."""

    def __init__(self, pauses: list[float]) -> None:
        super().__init__()
        self._pauses: list[float] | None = pauses

    def closed(self, code: int, dice: random.Random) -> tuple[float | None, Reaction]:
        pause_s, reaction = super().closed(code, dice)
        if self._pauses is not None and pause_s is not None:
            self._pauses.append(pause_s)
            self._pauses = None
        return pause_s, reaction


class NoDice(random.Random):
    """Everybody waits equally long."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class Cost:
    """What the viewers' return cost the engines: commands in Redis, words said to PostgreSQL."""

    def __init__(self, redis: Redis, ledger: Switch) -> None:
        self._redis = redis
        self._ledger = ledger
        self._before = (0, 0)

    async def begin(self) -> None:
        self._before = (await self._commands(), self._ledger.asked)

    async def so_far(self) -> tuple[int, int]:
        return await self._commands() - self._before[0], self._ledger.asked - self._before[1]

    async def _commands(self) -> int:
        stats: dict[str, dict[str, int]] = await self._redis.info("commandstats")
        return sum(each["calls"] for each in stats.values())


class Herd:
    def __init__(self, feeds: list[Feed], pauses: list[float]) -> None:
        self.feeds = feeds
        self.pauses = pauses

    def crowded(self) -> float:
        """The share of viewers that would come in the fullest tenth of the first second."""
        tenths = Counter(int(pause_s * 10) for pause_s in self.pauses)
        return max(tenths.values()) / len(self.pauses)

    async def all_current(self, expected: bytes) -> None:
        async def current() -> bool:
            return all(feed.status is Status.LIVE and bytes(feed.codes) == expected for feed in self.feeds)

        await eventually(current, "every viewer is current", PATIENCE_S)


class Web:
    """A web process, real in all but what `words` say (see feed_web)."""

    def __init__(self, ledger: Switch, *words: str, **settings: str) -> None:
        self.port = free_port()
        database = urlsplit(os.environ["DATABASE_URL"]).path
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.feed_web", str(self.port), *words],
            cwd=ROOT,
            env={
                **os.environ,
                PARENT_VARIABLE: str(os.getpid()),
                "DATABASE_URL": f"postgresql://placeur@127.0.0.1:{ledger.port}{database}?sslmode=disable",
                "PLACEUR_RECONCILE_EVERY_S": "3600",
                "PLACEUR_LOG_LEVEL": "warning",
                "PLACEUR_LIVE_CONNECTIONS_PER_ADDRESS_MAX": "20000",
                **settings,
            },
        )

    async def is_open(self) -> bool:
        assert self.process.poll() is None, "the web process ended"
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(f"http://127.0.0.1:{self.port}/health/ready")
                return answer.is_success
        return False

    def url_of(self, performance: int) -> str:
        return f"ws://127.0.0.1:{self.port}/live/performances/{performance}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextlib.asynccontextmanager
async def two_webs(ledger: Switch, *words: str) -> AsyncIterator[tuple[Web, Web]]:
    webs = (Web(ledger, *words), Web(ledger, *words))
    try:
        for web in webs:
            await eventually(web.is_open, "the web process is open")
        yield webs
    finally:
        for web in webs:
            web.kill()


@contextlib.asynccontextmanager
async def herd_at(url: str, count: int, dice: random.Random) -> AsyncIterator[Herd]:
    herd = Herd([Feed(url, dice=dice) for _ in range(count)], [])
    for feed in herd.feeds:
        feed.follower = Noted(herd.pauses)
    try:
        for start in range(0, count, 100):  # opened at the pace of a sale's beginning: this is not what is tested
            some = herd.feeds[start : start + 100]
            await asyncio.gather(*(feed.__aenter__() for feed in some))
            await asyncio.gather(*(feed.until(lambda feed: feed.status is Status.LIVE, PATIENCE_S) for feed in some))
        yield herd
    finally:
        await asyncio.gather(*(feed.__aexit__(None, None, None) for feed in herd.feeds))


async def take(theatre: Theatre, *seats: int) -> bytes:
    """Somebody takes seats; what every buyer must see then."""
    line = NamedSeats(theatre.performance, seats, theatre.full, ())
    request = HoldRequest(theatre.group, f"cart of {seats}", Owner("buyer", "online"), (line,), 900, f"{seats}")
    held = await with_group(theatre.group, lambda: inventory().hold(request))
    assert isinstance(held, Held)
    states = (await inventory().snapshot(theatre.group, theatre.performance)).states
    return bytes(int(state != FREE) for state in states)


async def killed_with_its_viewers(
    theatre: Theatre, redis: Redis, count: int, dice: random.Random, *words: str
) -> tuple[Herd, tuple[int, int]]:
    """Kill one of two web processes, sell on, and see its viewers come to the other. What it cost the engines."""
    address = urlsplit(os.environ["DATABASE_URL"])
    there = f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.5432"
    async with (
        switch_to(there) as ledger,
        two_webs(ledger, *words) as (dies, lives),
        herd_at(lives.url_of(theatre.performance), 5, random.Random(1)) as others,
        herd_at(dies.url_of(theatre.performance), count, dice) as herd,
    ):
        expected = await take(theatre, 3)
        await herd.all_current(expected)
        cost = Cost(redis, ledger)
        await cost.begin()
        for feed in herd.feeds:
            feed.url = lives.url_of(theatre.performance)  # what a balancer does
        dies.kill()
        expected = await take(theatre, 5, 6)
        await herd.all_current(expected)
        spent = await cost.so_far()
        assert all(feed.reconnects for feed in herd.feeds)
        expected = await take(theatre, 8)
        await herd.all_current(expected)
        await others.all_current(expected)
        assert not any(feed.reconnects for feed in others.feeds), "those of the other process were not disturbed"
        return herd, spent


async def test_the_viewers_of_a_dead_process_come_back_spread_and_cost_the_engines_nothing(
    theatre: Theatre, redis: Redis
) -> None:
    herd, (commands, words) = await killed_with_its_viewers(theatre, redis, HERD, random.Random(1673))
    print(f"{HERD} viewers came back: {commands} Redis commands, {words} words to PostgreSQL")
    assert herd.crowded() < 0.2
    assert commands < HERD / 2, "a room reads Redis, a viewer does not"
    assert words < HERD / 5, "nobody's return asks the ledger"


async def test_without_jitter_and_without_sharing_the_same_test_sees_the_herd(theatre: Theatre, redis: Redis) -> None:
    """The control."""
    herd, (commands, words) = await killed_with_its_viewers(theatre, redis, FEW, NoDice(), "alone")
    print(f"{FEW} viewers came back alone: {commands} Redis commands, {words} words to PostgreSQL")
    assert herd.crowded() == 1
    assert commands > 2 * FEW
    assert words > FEW
