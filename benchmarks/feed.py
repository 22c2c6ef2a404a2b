"""How long a hold takes to show on somebody else's map, beside one publication through the same Redis.

The web process is another process, as in life; the one who holds and the one who watches are here. Run as a program
(`python -m benchmarks.feed REDIS_URL`) this file is that web process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator

import uvicorn
import uvloop
from litestar import Litestar
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from app.live import Live, LiveWiring
from benchmarks.frame import Context, Result, benchmark
from realtime.bus import RedisBus
from realtime.protocol import Limits
from realtime.sockets import uvicorn_options
from seating.store import GroupState, Held, HoldRequest, Inventory, NamedSeats, Owner, PerformanceState
from seating.theatre import italian_theatre

GROUP, PERFORMANCE = "bench-feed", 1
PAUSE_S = 0.03
"""Longer than the tick within which changes travel together: each hold is measured alone."""


@benchmark("feed.hold_to_delta", unit="ms", better="lower")
async def hold_to_delta(ctx: Context) -> Result:
    """From one client's hold to another's delta over a real websocket; limit: one publication to one subscriber."""
    redis = Redis.from_url(ctx.redis_url)
    inventory = Inventory(redis)
    await lay_group(inventory)
    holds: list[float] = []
    publications: list[float] = []
    async with (
        web_process(ctx.redis_url) as host,
        connect(f"ws://{host}/live/performances/{PERFORMANCE}", compression=None, proxy=None) as watcher,
        publication(redis) as publish,
    ):
        await watcher.send('{"t":"hello","v":1}')
        await next_delta(watcher, kind="snapshot")
        for turn in range(20 if ctx.smoke else 300):
            holds.append(await time_hold(inventory, watcher, turn))
            publications.append(await publish())
    await redis.aclose()
    ours, limit = statistics.median(holds), statistics.median(publications)
    return Result(
        ours=ours * 1000,
        limit=limit * 1000,
        note=f"p50; p99 {percentile(holds, 99) * 1000:.2f} ms beside {percentile(publications, 99) * 1000:.2f} ms",
    )


async def time_hold(inventory: Inventory, watcher: ClientConnection, turn: int) -> float:
    """Seconds from asking for a seat until the other's socket has it; the seat is given back afterwards."""
    line = NamedSeats(PERFORMANCE, (turn,), 1)
    request = HoldRequest(GROUP, "bench", Owner("buyer", "online"), (line,), 900, secrets.token_hex(8))
    began = time.perf_counter()
    holding = asyncio.create_task(inventory.hold(request))
    await next_delta(watcher)
    took = time.perf_counter() - began
    assert isinstance(await holding, Held)
    await asyncio.sleep(PAUSE_S)
    await inventory.release(GROUP, "bench")
    await next_delta(watcher)
    await asyncio.sleep(PAUSE_S)
    return took


async def next_delta(watcher: ClientConnection, kind: str = "delta") -> None:
    while json.loads(await watcher.recv())["t"] != kind:
        pass


@contextlib.asynccontextmanager
async def publication(redis: Redis) -> AsyncIterator[Publish]:
    bus = RedisBus(redis)
    publish = Publish(redis)
    await bus.subscribe(publish.channel, publish.hear)
    await publish.subscribed.wait()
    yield publish
    await bus.close()


class Publish:
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


async def lay_group(inventory: Inventory) -> None:
    plan = italian_theatre()
    state = PerformanceState(PERFORMANCE, plan, bytes(len(plan.seats)), {})
    await inventory.load(GroupState(GROUP, (state,), ()), only_if_missing=False)


@contextlib.asynccontextmanager
async def web_process(redis_url: str) -> AsyncIterator[str]:
    """`host:port` of a web process that serves the feed and nothing else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.feed", redis_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())  # it listens from then on; who connects early waits
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def serve(redis_url: str) -> None:
    """The web process."""
    redis = Redis.from_url(redis_url)
    inventory = Inventory(redis)

    async def group_of(performance: int) -> str | None:
        return GROUP

    async def rebuild(group: str) -> None:
        await lay_group(inventory)

    async def nobody(*_: object) -> None:
        return None

    async def nothing(performance: int) -> frozenset[str]:
        return frozenset()

    async def never(*_: object) -> bool:
        return False

    async def no_view(cart: str, locale: str) -> dict[str, object]:
        return {}

    wiring = LiveWiring(
        group_of=group_of,
        rebuild=rebuild,
        public_quotas=nothing,
        cart_of=nobody,
        cart_view=no_view,
        locale_of=lambda connection: "en",
        operator_of=nobody,
        may_follow=never,
        figures=nobody,
    )
    app = Litestar([Live(inventory, redis, wiring).router()], logging_config=None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        options = uvicorn_options(Limits().frame_bytes_max)
        await uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", **options)).serve([listener])


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
