"""The web process that is measured, and changes for it to tell: the box office's own route, door, rooms and outlets.

`python -m benchmarks.feed_server REDIS_URL` serves the feed of performance 1 as `placeur web` does, without the rest of
the box office, and `/bare`: the same stack without the feed. It answers `commands` with the number of commands that its
Redis connections have sent for snapshots, resumes and heads so far.

`python -m benchmarks.feed_server REDIS_URL changes` changes seats of performance 1 when told `EMIT rate seconds -`.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import random
import socket
import sys
from collections import Counter
from typing import Any

import uvicorn
import uvloop
from litestar import Litestar, WebSocket, websocket
from redis.asyncio import Redis

from app.live import Live, LiveSettings, LiveWiring
from benchmarks.peers._driving import many_files
from realtime.messages import Message
from realtime.protocol import Limits
from realtime.sockets import open_outlet, uvicorn_options
from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import Plan, PlanCategory
from seating.store import GroupState, Held, HoldRequest, Inventory, NamedSeats, Owner, PerformanceState
from seating.theatre import italian_theatre

GROUP, PERFORMANCE = "bench-feed", 1
BUYER = Owner("buyer", "online")
PROBED, CHANGED = range(100), range(100, 1_100)
"""Ordinals: seats that a figure changes itself, and seats that others change beside it."""


class CountingInventory(Inventory):
    """Counts what its rooms ask of Redis."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.asked: Counter[str] = Counter()

    async def snapshot(self, group: str, performance: int, *, owners: bool = True) -> Any:
        self.asked["snapshots"] += 1
        return await super().snapshot(group, performance, owners=owners)

    async def changes_since(self, group: str, performance: int, epoch: str, version: int) -> list[bytes] | None:
        self.asked["resumes"] += 1
        return await super().changes_since(group, performance, epoch, version)


@functools.cache
def stadium() -> Plan:
    """60,000 seats. Only their number matters to the feed; benchmarks of best seats have a house worth choosing in."""
    rows = [
        DrawnRow("Tribune", str(row), tuple(DrawnSeat(str(seat), "A", seat * 20.0, row * 25.0) for seat in range(200)))
        for row in range(300)
    ]
    return assemble("Stadium", (PlanCategory("A", "#0072B2"),), rows, focal=(2000.0, -100.0))


async def lay_group(inventory: Inventory, *, large: bool = False) -> None:
    """The theatre, all free, or the stadium, half sold at random."""
    plan = stadium() if large else italian_theatre()
    dice = random.Random(7)
    sold = {seat for seat in range(CHANGED.stop, len(plan.seats)) if large and dice.random() < 0.5}
    states = bytes(3 if seat in sold else 0 for seat in range(len(plan.seats)))
    performance = PerformanceState(PERFORMANCE, plan, states)
    await inventory.load(GroupState(GROUP, (performance,), ()), only_if_missing=False)


def wiring(inventory: Inventory) -> LiveWiring:
    """A box office with one public performance, visitors without carts, and nobody who signs in."""

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

    return LiveWiring(
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


@websocket("/bare")
async def bare(socket: WebSocket[Any, Any, Any]) -> None:
    """What a websocket costs on this stack before anything of the feed: accepted, answered once as the feed writes."""
    await socket.accept()
    outlet = open_outlet(socket.scope["state"], socket.send, lambda: None)
    outlet.send(_BARE)
    while (await socket.receive())["type"] == "websocket.receive":
        pass


_BARE = Message(b'{"t":"bare","states":"%b"}' % (b"A" * 10_000))


async def serve(redis_url: str) -> None:
    many_files()
    inventory = CountingInventory(Redis.from_url(redis_url))
    settings = LiveSettings(connections_max=100_000, connections_per_address_max=100_000)
    live = Live(inventory, Redis.from_url(redis_url), wiring(inventory), settings)
    app = Litestar([live.router(), bare], logging_config=None)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        options = uvicorn_options(Limits().frame_bytes_max)
        config = uvicorn.Config(app, lifespan="off", log_level="warning", http="httptools", **options)
        serving = asyncio.create_task(uvicorn.Server(config).serve([listener]))
        print(listener.getsockname()[1], flush=True)  # it listens from now on; who connects early waits
        async for _ in commands():
            print(json.dumps(inventory.asked), flush=True)
        serving.cancel()


async def change(redis_url: str) -> None:
    """One change after the other: a hold, its end, a hold elsewhere."""
    inventory = Inventory(Redis.from_url(redis_url))
    turns = itertools.count()
    print(0, flush=True)
    async for command in commands():
        _, rate, seconds, _ = command.split()
        print("DONE", await _change(inventory, turns, float(rate), float(seconds)), flush=True)


async def _change(inventory: Inventory, turns: itertools.count[int], rate: float, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    due_s = began_s = loop.time()
    changes = 0
    while due_s < began_s + seconds and loop.time() < began_s + seconds:
        turn = next(turns)
        if turn % 2:
            await inventory.release(GROUP, "others")
        else:
            line = NamedSeats(PERFORMANCE, (CHANGED[turn // 2 % len(CHANGED)],), 1)
            held = await inventory.hold(HoldRequest(GROUP, "others", BUYER, (line,), 900))
            assert isinstance(held, Held)
        changes += 1
        due_s += 1 / rate
        await asyncio.sleep(max(0.0, due_s - loop.time()))
    return changes


async def commands() -> Any:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode()


if __name__ == "__main__":
    uvloop.run(change(sys.argv[1]) if sys.argv[2:] == ["changes"] else serve(sys.argv[1]))
