"""Coming to a feed: what the picture of a large house costs, and what happens when everybody comes back at once."""

from __future__ import annotations

import json
import statistics
import time
import zlib

from websockets.asyncio.client import connect

from benchmarks.feed_fanout import lay
from benchmarks.feed_processes import Server, changes, crowd, our_server
from benchmarks.feed_server import PERFORMANCE
from benchmarks.frame import Context, Result, benchmark
from realtime.messages import text_frame, unpack

SEATS = 60_000


@benchmark("feed.snapshot_60k", unit="bytes", better="lower")
async def snapshot_60k(ctx: Context) -> Result:
    """The first frame of a half-sold house of 60,000 seats. Limit: a bit a seat, which is all that chance leaves to
    compress; peer: the same states as an API would list them, [0,1,…], deflated."""
    await lay(ctx.redis_url, large=True)
    async with our_server(ctx.redis_url) as server:
        payload, states, _ = await _first_paint(server)
        paints = [(await _first_paint(server))[2] for _ in range(3 if ctx.smoke else 30)]
    listed = zlib.compress(json.dumps(list(states), separators=(",", ":")).encode(), 6)
    share = sum(states) / len(states)
    return Result(
        len(text_frame(payload)),
        limit=SEATS / 8,
        peer=len(listed),
        note=f"{len(states)} seats, {share:.0%} taken; peer: a JSON list, deflated; from connecting to unpacked "
        f"states p50 {statistics.median(paints) * 1000:.1f} ms (see feed.first_paint_60k)",
    )


@benchmark("feed.first_paint_60k", unit="ms", better="lower")
async def first_paint_60k(ctx: Context) -> Result:
    """From connecting to having each seat's state, in Python. Limit: a bare websocket of the same stack that gets as
    many bytes."""
    await lay(ctx.redis_url, large=True)
    ours, bare = [], []
    async with our_server(ctx.redis_url) as server:
        await _first_paint(server)  # opens the room; that is the first viewer's, not everybody's
        for _ in range(3 if ctx.smoke else 100):
            ours.append((await _first_paint(server))[2])
            bare.append(await _bare_paint(server))
    return Result(
        statistics.median(ours) * 1000,
        limit=statistics.median(bare) * 1000,
        note=f"p50 of {len(ours)}; slowest {max(ours) * 1000:.1f} ms beside {max(bare) * 1000:.1f} ms",
    )


async def _first_paint(server: Server) -> tuple[bytes, bytes, float]:
    """The frame's payload, a code for each seat, and after how many seconds they were there."""
    began = time.perf_counter()
    url = f"ws://127.0.0.1:{server.port}/live/performances/{PERFORMANCE}"
    async with connect(url, compression=None, proxy=None) as socket:
        await socket.send('{"t":"hello","v":1}')
        while (said := json.loads(payload := await socket.recv(decode=False)))["t"] != "snapshot":
            pass  # to the very first, its cart may come sooner
        states = unpack(said["states"], said["bits"], said["n"])
        took = time.perf_counter() - began
    if len(states) != SEATS:
        raise RuntimeError(f"a picture of {len(states)} seats, not of {SEATS}")
    return payload, states, took


async def _bare_paint(server: Server) -> float:
    began = time.perf_counter()
    async with connect(f"ws://127.0.0.1:{server.port}/bare", compression=None, proxy=None) as socket:
        json.loads(await socket.recv())
        return time.perf_counter() - began


@benchmark("feed.storm_5000", unit="s", better="lower")
async def storm_5000(ctx: Context) -> Result:
    """Everybody is cut off and comes back at once, every second one to resume: until all are current again. Limit: as
    many bare websockets of the same stack, which get one frame as large as a picture."""
    viewers = 200 if ctx.smoke else 5_000
    await lay(ctx.redis_url, large=not ctx.smoke)
    async with our_server(ctx.redis_url) as server:
        async with crowd(server) as everybody, changes(ctx.redis_url) as others:
            await everybody.open(viewers, 2)
            await others.emit(50, 0.2 if ctx.smoke else 1.0, "-")  # those who resume have missed something
            asked, spent = await server.ask("commands"), server.cpu_s
            ours = await everybody.reopen(2)
            spent = server.cpu_s - spent
            asked = {name: count - asked[name] for name, count in (await server.ask("commands")).items()}
        async with crowd(server, "/bare") as bare:
            await bare.open(viewers, 1)
            bare_cpu_s = server.cpu_s
            limit = await bare.reopen(1)
            bare_cpu_s = server.cpu_s - bare_cpu_s
    return Result(
        ours,
        limit=limit,
        note=f"{viewers} viewers; Redis was asked for {asked['snapshots']} snapshots, {asked['resumes']} resumes; "
        f"CPU ms each {1000 * spent / viewers:.2f} beside {1000 * bare_cpu_s / viewers:.2f}",
    )
