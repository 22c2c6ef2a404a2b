"""The feed on a real Redis Cluster of three masters: whichever holds a performance, and whichever node is listened at
(LIVE-1, LIVE-10)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from litestar import Litestar
from redis.asyncio import Redis

from app.demo.engines import Engine
from realtime.bus import RedisBus
from realtime.client import Feed
from realtime.follower import Status
from realtime.sockets import uvicorn_options
from tests.app.test_live import EVENING, GROUP, House
from tests.realtime.server import serve
from tests.realtime.test_bus import Ear
from tests.seating.cluster import Cluster, running_cluster


@pytest.fixture
async def client(redis_cluster: Cluster) -> AsyncIterator[Redis]:
    either = redis_cluster.client()
    await either.flushall(target_nodes="primaries")
    yield cast(Redis, either)  # redis-py's two clients share their commands, not a type
    await either.aclose()


async def test_what_one_node_publishes_is_heard_at_any(client: Redis, redis_cluster: Cluster) -> None:
    for master in redis_cluster.masters:
        bus, ear = RedisBus(client), Ear()
        try:
            await bus.subscribe("feed:1", ear)
            assert await ear.next() is None
            await ear.hears(b"one", partial(asyncio.to_thread, master.say, "PUBLISH", "feed:1", "one"))
        finally:
            await bus.close()


async def test_maps_on_a_cluster_follow_every_change(client: Redis) -> None:
    house = House(client)
    await house.rebuild(GROUP)
    app = Litestar([house.live.router()], logging_config=None)
    async with serve(app, lifespan="off", **uvicorn_options(4096)) as host:
        url = f"ws://{host}/live/performances/{EVENING}"
        async with Feed(url) as one, Feed(url) as two:
            await one.until(lambda feed: feed.status is Status.LIVE)
            for seat in range(10):
                await house.hold(f"cart {seat}", seat)
                await house.inventory.release(GROUP, f"cart {seat - 1}")
            await house.shown_by(one)
            await house.shown_by(two)
            assert one.codes[9] == 1
    await house.live.close()


class FirstTo(random.Random):
    """Chooses one node first, and by chance after that."""

    def __init__(self, port: int) -> None:
        super().__init__(1673)
        self._port: int | None = port

    def choice(self, nodes: Any) -> Any:
        port, self._port = self._port, None
        return super().choice(nodes) if port is None else next(node for node in nodes if node.port == port)


async def test_a_node_that_dies_is_left_for_another(redis_engine: Engine, tmp_path: Path) -> None:
    """The one that is listened at, while the performance lies on another."""
    with running_cluster(redis_engine.command[0], tmp_path) as cluster:
        client = cluster.client()
        owner = cluster.master_of(GROUP)
        victim, _ = cluster.others(owner)
        bus, ear = RedisBus(client, dice=FirstTo(victim.port)), Ear()
        try:
            await bus.subscribe("feed:1", ear)
            assert await ear.next() is None
            assert victim.say("PUBSUB", "CHANNELS") == ["feed:1"]
            victim.kill()
            assert await ear.next() is None
            await ear.hears(b"after", partial(asyncio.to_thread, owner.say, "PUBLISH", "feed:1", "after"))
        finally:
            await bus.close()
            await client.aclose()
