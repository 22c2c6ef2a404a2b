"""How long a hold takes to show on somebody else's map, beside one publication through the same Redis: alone, and among
1,000 and 5,000 viewers of a performance that changes 500 times a second.

The web process, the crowd and the others who hold are processes of their own, as in life; the one who holds and the one
who watches are here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.feed_processes import changes, crowd, our_server
from benchmarks.feed_server import BUYER, GROUP, PERFORMANCE, PROBED, lay_group
from benchmarks.frame import Context, Result, benchmark
from realtime.bus import RedisBus
from seating.store import Held, HoldRequest, Inventory, NamedSeats

PAUSE_S = 0.03
"""Longer than the tick within which changes travel together: each hold is measured alone."""
OTHERS_PER_S = 500


@dataclass(frozen=True, slots=True)
class Latencies:
    """In seconds, one of each a turn."""

    holds: list[float] = field(default_factory=list)
    publications: list[float] = field(default_factory=list)

    def result(self, what: str) -> Result:
        late, late_alone = percentile(self.holds, 99) * 1000, percentile(self.publications, 99) * 1000
        return Result(
            ours=statistics.median(self.holds) * 1000,
            limit=statistics.median(self.publications) * 1000,
            note=f"p50; p99 {late:.2f} ms beside {late_alone:.2f} ms{what}",
        )


@benchmark("feed.hold_to_delta", unit="ms", better="lower")
async def hold_to_delta(ctx: Context) -> Result:
    """From one client's hold to another's delta over a real websocket; limit: one publication to one subscriber."""
    return (await _alone(ctx, 20 if ctx.smoke else 300)).result("")


async def _alone(ctx: Context, turns: int) -> Latencies:
    async with our_server(ctx.redis_url) as server, looking_on(ctx.redis_url, server.port) as onlooker:
        return await onlooker.measure(turns)


@benchmark("feed.hold_to_delta_1000", unit="ms", better="lower")
async def hold_to_delta_1000(ctx: Context) -> Result:
    return await _among(ctx, 100 if ctx.smoke else 1_000)


@benchmark("feed.hold_to_delta_5000", unit="ms", better="lower")
async def hold_to_delta_5000(ctx: Context) -> Result:
    return await _among(ctx, 200 if ctx.smoke else 5_000)


async def _among(ctx: Context, viewers: int) -> Result:
    """Limit: the publication at the same time, on the same busy machine."""
    async with (
        our_server(ctx.redis_url) as server,
        looking_on(ctx.redis_url, server.port) as onlooker,
        crowd(server) as others,
        changes(ctx.redis_url) as busy,
    ):
        await others.open(viewers, 2)
        await others.count()
        seconds = 1.0 if ctx.smoke else 15.0
        changing = asyncio.create_task(busy.emit(OTHERS_PER_S, seconds, "-"))
        latencies = Latencies()
        while not changing.done():
            await onlooker.turn(latencies)
        told, changed = await others.count(), await changing
    rates = f"; {viewers} viewers, {changed / seconds:.0f} changes/s, {told / seconds:,.0f} deliveries/s"
    return latencies.result(f"{rates}, {len(latencies.holds)} holds")


class Onlooker:
    """Somebody who holds, and somebody else who watches."""

    def __init__(self, inventory: Inventory, watcher: ClientConnection, publication: Publication) -> None:
        self._inventory = inventory
        self._watcher = watcher
        self._publication = publication
        self._turns = 0

    async def measure(self, turns: int) -> Latencies:
        latencies = Latencies()
        for _ in range(turns):
            await self.turn(latencies)
        return latencies

    async def turn(self, latencies: Latencies) -> None:
        latencies.holds.append(await self._time_hold())
        latencies.publications.append(await self._publication())

    async def _time_hold(self) -> float:
        """Seconds from asking for a seat until the other's socket has it; the seat is given back afterwards."""
        self._turns += 1
        seat = PROBED[self._turns % len(PROBED)]
        line = NamedSeats(PERFORMANCE, (seat,), 1)
        began = time.perf_counter()
        holding = asyncio.create_task(self._inventory.hold(HoldRequest(GROUP, "bench", BUYER, (line,), 900)))
        await self._sees([seat, 1])
        took = time.perf_counter() - began
        assert isinstance(await holding, Held)
        await asyncio.sleep(PAUSE_S)
        await self._inventory.release(GROUP, "bench")
        await self._sees([seat, 0])
        await asyncio.sleep(PAUSE_S)
        return took

    async def _sees(self, seat: list[int]) -> None:
        while (said := json.loads(await self._watcher.recv()))["t"] != "delta" or seat not in said["seats"]:
            pass


@contextlib.asynccontextmanager
async def looking_on(redis_url: str, port: int) -> AsyncIterator[Onlooker]:
    """Lays the house down anew."""
    redis = Redis.from_url(redis_url)
    inventory = Inventory(redis)
    await lay_group(inventory)
    url = f"ws://127.0.0.1:{port}/live/performances/{PERFORMANCE}"
    async with connect(url, compression=None, proxy=None) as watcher, publication(redis) as published:
        await watcher.send('{"t":"hello","v":1}')
        while json.loads(await watcher.recv())["t"] != "snapshot":
            pass
        yield Onlooker(inventory, watcher, published)
    await redis.aclose()


@contextlib.asynccontextmanager
async def publication(redis: Redis) -> AsyncIterator[Publication]:
    bus = RedisBus(redis)
    published = Publication(redis)
    await bus.subscribe(published.channel, published.hear)
    await published.subscribed.wait()
    yield published
    await bus.close()


class Publication:
    """Publishes once and says how many seconds later it was heard."""

    channel = "bench:feed"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._heard: asyncio.Future[None] | None = None
        self.subscribed = asyncio.Event()

    def hear(self, message: bytes | None) -> None:
        self.subscribed.set()
        if message is not None and self._heard is not None and not self._heard.done():
            self._heard.set_result(None)

    async def __call__(self) -> float:
        self._heard = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        publishing = asyncio.ensure_future(self._redis.publish(self.channel, b"x" * 64))
        await self._heard
        took = time.perf_counter() - began
        await publishing
        return took


def percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
