"""Redis restarts, fails over to a replica that lagged, or vanishes behind a dead network while maps are open: every
viewer ends equal to the store (LIVE-1, LIVE-10)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from app.demo.engines import Engine
from app.live import Live
from realtime import rooms
from realtime.client import Feed
from realtime.follower import Status
from realtime.sockets import uvicorn_options
from seating.store import FREE, GroupMissing, StoreUnavailable, channel
from tests.app.test_live import EVENING, GROUP, SETTINGS, House
from tests.faults.feed_network import Machine, Switch, machines, switch_to
from tests.realtime.server import serve
from tests.running import eventually

pytestmark = pytest.mark.fault

VIEWERS = 20
IMPATIENT = msgspec.structs.replace(SETTINGS, rooms=msgspec.structs.replace(SETTINGS.rooms, answer_s=0.5, check_s=0.2))


class Evening:
    """One web process over a Redis that lies behind `door`, and its viewers."""

    def __init__(self, house: House, door: Switch, viewers: list[Feed]) -> None:
        self.house = house
        self.door = door
        self.viewers = viewers

    async def all_equal_the_store(self) -> None:
        async def equal() -> bool:
            try:
                states = await self.house.states()
            except (GroupMissing, StoreUnavailable):  # not built again yet
                return False
            expected = bytes(int(state != FREE) for state in states)
            return all(feed.status is Status.LIVE and bytes(feed.codes) == expected for feed in self.viewers)

        await eventually(equal, "every viewer equals the store")

    async def all_see(self, *ordinals: int, taken: int = 1) -> None:
        for feed in self.viewers:
            await feed.until(lambda feed: all(feed.codes[each] == taken for each in ordinals), 60)


@contextlib.asynccontextmanager
async def evening_on(machine: Machine) -> AsyncIterator[Evening]:
    async with contextlib.AsyncExitStack() as stack:
        door = await stack.enter_async_context(switch_to(machine.port))
        redis = Redis(host="127.0.0.1", port=door.port, socket_timeout=2)
        stack.push_async_callback(redis.aclose)
        house = House(redis)
        house.live = Live(house.inventory, redis, house.wiring(), IMPATIENT)
        house.live._bus._ping_s = 0.5
        stack.push_async_callback(house.live.close)
        await house.rebuild(GROUP)
        app = Litestar([house.live.router()], logging_config=None)
        host = await stack.enter_async_context(serve(app, lifespan="off", **uvicorn_options(4096)))
        url = f"ws://{host}/live/performances/{EVENING}"
        viewers = [await stack.enter_async_context(Feed(url, dice=random.Random(n))) for n in range(VIEWERS)]
        evening = Evening(house, door, viewers)
        await evening.all_equal_the_store()
        yield evening


@pytest.mark.parametrize("keeps", ["nothing", "every step"])
async def test_redis_is_killed_and_starts_again(redis_engine: Engine, tmp_path: Path, keeps: str) -> None:
    """With its steps on disk it goes on where it was; without, the group is built again and everybody told."""
    options = ("--appendonly", "yes", "--appendfsync", "always") if keeps == "every step" else ()
    async with (
        machines(redis_engine.command[0], tmp_path, *options) as (machine,),
        evening_on(machine) as evening,
    ):
        await evening.house.hold("alice", 3, 4)
        await evening.all_see(3, 4)
        machine.kill()
        for feed in evening.viewers:
            await feed.until(lambda feed: feed.status is Status.STALE, 60)
        await machine.start()
        await evening.all_equal_the_store()
        assert evening.viewers[0].codes[3] == (keeps == "every step")
        await evening.house.hold("basile", 6)
        await evening.all_see(6)
        await evening.all_equal_the_store()
        assert {feed.reconnects for feed in evening.viewers} == {0}, "nobody's own connection was at fault"


@contextlib.asynccontextmanager
async def failed_over(engine: Engine, directory: Path, after: int) -> AsyncIterator[Evening]:
    """The master took two steps that its replica never saw; the replica took `after` others before anybody looked."""
    async with (
        machines(engine.command[0], directory, count=2) as (master, replica),
        switch_to(master.port) as wire,
        evening_on(master) as evening,
    ):
        await evening.house.hold("alice", 3)
        await replica.follow("127.0.0.1", wire.port)
        wire.freeze(dark=True)
        await evening.house.hold("basile", 5)
        await evening.house.hold("cecile", 6)
        await evening.all_see(3, 5, 6)
        await replica.say("REPLICAOF", "NO", "ONE")
        for n in range(after):
            await House(replica.client).hold(f"later {n}", 10 + n)
        evening.door.lead_to(replica.port)
        master.kill()
        evening.door.cut()
        yield evening


@pytest.mark.parametrize("after", [0, 1, 2, 5])
async def test_a_replica_that_lagged_becomes_master(redis_engine: Engine, tmp_path: Path, after: int) -> None:
    """Whether it is behind what viewers saw, exactly as far, or already beyond: its numbers may look like theirs."""
    async with failed_over(redis_engine, tmp_path, after) as evening:
        await evening.all_equal_the_store()
        await evening.all_see(5, 6, taken=0)
        await evening.all_see(3, *range(10, 10 + after))
        await evening.house.hold("didier", 5)
        await evening.all_see(5)
        await evening.all_equal_the_store()


async def test_the_test_notices_rooms_that_believe_in_numbers(
    redis_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a room that compares versions alone takes the new master's steps for the ones that follow."""
    monkeypatch.setattr(rooms, "COMPARED_STEPS", 0)
    async with failed_over(redis_engine, tmp_path, 5) as evening:
        await evening.all_see(14)
        states = await evening.house.states()
        assert (states[5], states[6]) == (FREE, FREE)
        assert all(feed.codes[5] and feed.codes[6] for feed in evening.viewers), "they show what was lost"


async def test_a_connection_that_dies_without_a_word_is_noticed(redis_engine: Engine, tmp_path: Path) -> None:
    """Commands and publications alike: nothing closes, nothing comes. Later the network carries new connections."""
    async with machines(redis_engine.command[0], tmp_path) as (machine,), evening_on(machine) as evening:
        await evening.house.hold("alice", 3)
        await evening.all_see(3)
        evening.door.freeze(dark=True)
        direct = House(machine.client)
        await direct.hold("basile", 5)
        for feed in evening.viewers:
            await feed.until(lambda feed: feed.status is Status.STALE, 60)
            assert feed.codes[5] == 0, "nothing came through, or this tests nothing"
        evening.door.light()
        await evening.all_see(3, 5)
        await evening.all_equal_the_store()
        await direct.hold("cecile", 6)
        await evening.all_see(6)


async def test_publications_alone_are_lost_and_nobody_stays_behind(redis_engine: Engine, tmp_path: Path) -> None:
    """The subscription hangs while commands pass: changes come by the look at the head, then by publication again."""
    async with machines(redis_engine.command[0], tmp_path) as (machine,), evening_on(machine) as evening:
        evening.door.freeze()
        for n in range(5):
            await House(machine.client).hold(f"buyer {n}", 3 + n)
            await evening.all_see(3 + n)
        await evening.all_equal_the_store()

        async def listens_anew() -> bool:
            # The frozen connection's half at Redis still counts; the new one is the second.
            return any(count > 1 for _, count in await machine.client.pubsub_numsub(channel(GROUP, EVENING)))

        await eventually(listens_anew, "the bus listens by a new connection")
        await evening.house.hold("late", 20)
        await evening.all_see(20)


async def test_the_connection_is_cut_again_and_again_under_a_storm(redis_engine: Engine, tmp_path: Path) -> None:
    async with machines(redis_engine.command[0], tmp_path) as (machine,), evening_on(machine) as evening:
        direct, dice = House(machine.client), random.Random(1673)
        for n in range(60):
            await direct.inventory.release(GROUP, f"cart {n - 20}")
            await direct.hold(f"cart {n}", n % 25)
            if n % 3:
                await direct.inventory.release(GROUP, f"cart {n}")
            if n % 7 == 0:
                evening.door.cut()
            await asyncio.sleep(dice.random() / 50)
        await evening.all_equal_the_store()
