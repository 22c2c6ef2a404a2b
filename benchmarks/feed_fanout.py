"""What one server process spends on telling thousands of viewers of one performance: CPU for each, memory for each.

Beside ours: the practical limit (one ready-made frame written to bare transports), Litestar's own channels, Node's
`ws`; each a process of its own, with the same crowd, the same rate and the same bytes. Ours is the whole way: real
changes of a real inventory, published by Redis, through the room, to viewers that the box office's own route let in.

The figure is deliveries per second of the server's CPU, because the wall clock is shared with the crowd that reads, and
because ours spends at most half of its time on writing (see realtime/rooms.py) and so would be called slow for leaving
the other half to everybody else. A delivery's cost in µs is one million divided by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis

from benchmarks.feed_processes import (
    Crowd,
    Server,
    bare_frames,
    changes,
    crowd,
    litestar_channels,
    node_ws,
    our_server,
)
from benchmarks.feed_server import lay_group
from benchmarks.frame import Context, Result, benchmark
from seating.store import Inventory

DELTA = '{"t":"delta","epoch":"k3f09a1b2c","from":1041,"version":1042,"seats":[[731,1]],"quotas":{}}'
"""As many bytes as one seat's change has for a buyer."""
T = TypeVar("T")
Start = Callable[[], AbstractAsyncContextManager[Server]]
PEERS: dict[str, Start] = {"Litestar channels": litestar_channels, "Node ws": node_ws}
QUICK: dict[str, Start] = {"Node ws": node_ws}
"""For smoke runs, of which one alone starts every peer."""


@dataclass(frozen=True, slots=True)
class Load:
    viewers: int
    rate: float
    """Rounds a second: below what any of them can do, so that all do the same work."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a number of deliveries, to one server process."""

    deliveries: int
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return self.deliveries / self.cpu_s

    @property
    def us(self) -> float:
        return 1e6 * self.cpu_s / self.deliveries


@benchmark("feed.fanout_1000", unit="deliveries/CPU s", better="higher")
async def fanout_1000(ctx: Context) -> Result:
    return await _fan_out(ctx, Load(200, 20, 0.5) if ctx.smoke else Load(1_000, 16, 4), PEERS)


@benchmark("feed.fanout_5000", unit="deliveries/CPU s", better="higher")
async def fanout_5000(ctx: Context) -> Result:
    return await _fan_out(ctx, Load(400, 10, 0.5) if ctx.smoke else Load(5_000, 3, 5), QUICK if ctx.smoke else PEERS)


async def _fan_out(ctx: Context, load: Load, peers: dict[str, Start]) -> Result:
    ways = [_our_cost(ctx.redis_url, load), *(_peer_cost(start, load) for start in (bare_frames, *peers.values()))]
    ours, limit, *costs = await _each(ways, together=ctx.smoke)
    others = dict(zip(peers, costs, strict=True))
    best = max(others.values(), key=lambda cost: cost.per_cpu_s)
    told = ", ".join(f"{name} {cost.us:.1f}" for name, cost in others.items())
    return Result(
        ours.per_cpu_s,
        limit=limit.per_cpu_s,
        peer=best.per_cpu_s,
        note=f"{load.viewers} viewers, {load.rate:g} rounds/s; CPU µs per delivery: ours {ours.us:.1f}, "
        f"bare frames {limit.us:.1f}, {told}; peer: the best of them",
    )


async def _each(ways: Sequence[Coroutine[Any, Any, T]], *, together: bool) -> list[T]:
    """One after the other, for a figure; together where only their working is looked at."""
    if together:
        return await asyncio.gather(*ways)
    return [await way for way in ways]


async def _our_cost(redis_url: str, load: Load) -> Cost:
    await lay(redis_url)
    async with our_server(redis_url) as server, crowd(server) as viewers, changes(redis_url) as others:
        await viewers.open(load.viewers, 2)  # the picture, and that there is no cart
        return await _cost(server, viewers, load, others)


async def _peer_cost(start: Start, load: Load) -> Cost:
    async with start() as server, crowd(server) as viewers:
        await viewers.open(load.viewers, 1)
        return await _cost(server, viewers, load, server)


async def _cost(server: Server, viewers: Crowd, load: Load, source: Server) -> Cost:
    """Raises RuntimeError when a viewer missed what others got."""
    await source.emit(load.rate, 0.2, DELTA)  # the first rounds warm caches on both sides
    await _until_quiet(viewers, load)
    began = server.cpu_s
    await source.emit(load.rate, load.seconds, DELTA)
    deliveries = await _until_quiet(viewers, load)
    spent = server.cpu_s - began
    if not deliveries or deliveries % load.viewers:
        raise RuntimeError(f"{deliveries} deliveries to {load.viewers} viewers: not the same to all")
    return Cost(deliveries, spent)


async def _until_quiet(viewers: Crowd, load: Load) -> int:
    """How many frames came until a while went by without any."""
    total = 0
    while True:
        await asyncio.sleep(load.seconds / 4)
        if not (counted := await viewers.count()):
            return total
        total += counted


@benchmark("feed.bytes_per_viewer", unit="bytes", better="lower")
async def bytes_per_viewer(ctx: Context) -> Result:
    """What a process has more in memory with viewers than with the first ones, over their number. The first fill what
    its start left free, which would else hide the cost of hundreds. They come 20 at a time: of a thousand handshakes at
    once every process keeps the room, however little each viewer needs afterwards."""
    viewers = 300 if ctx.smoke else 2_000
    await lay(ctx.redis_url)
    peers = QUICK if ctx.smoke else PEERS
    ways = [_memory(lambda: our_server(ctx.redis_url), viewers, 2)]
    ways += [_memory(start, viewers, 1) for start in (bare_frames, *peers.values())]
    ours, limit, *kept = await _each(ways, together=ctx.smoke)
    others = dict(zip(peers, kept, strict=True))
    told = ", ".join(f"{name} {cost:,.0f}" for name, cost in others.items())
    return Result(
        ours,
        limit=limit,
        peer=min(others.values()),
        note=f"{viewers} viewers who said hello; bare transports {limit:,.0f}, {told}; peer: the best of them",
    )


async def _memory(start: Callable[[], AbstractAsyncContextManager[Server]], viewers: int, first: int) -> float:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(start())
        visitors = await stack.enter_async_context(crowd(server))
        await visitors.open(max(100, viewers // 2), first, at_once=20)
        before = server.resident_bytes
        await visitors.open(viewers, first, at_once=20)
        await asyncio.sleep(
            0.1 if viewers < 1_000 else 1.0
        )  # what was needed for the handshakes alone is given up by then
        return (server.resident_bytes - before) / viewers


async def lay(redis_url: str, *, large: bool = False) -> None:
    redis = Redis.from_url(redis_url)
    try:
        await lay_group(Inventory(redis), large=large)
    finally:
        await redis.aclose()
