"""A cluster that is rebuilt, and one that loses a machine, while everybody buys (LIVE-10, QUO-1).

A step reads and writes keys that only the script itself can name, so Redis cannot know whether it has them all. While a
slot is on its way it refuses a script that *names* a key it has not: every step therefore names one that never exists.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

import seating.store
from app.demo.engines import Engine
from seating.store import Held, HoldRequest, Inventory, NamedSeats, Owner, StoreUnavailable
from seating.wire import keys_of
from tests.seating.cluster import Cluster, Master, running_cluster, spread
from tests.seating.cluster_sale import QUOTA, SEATED, Process, Sale, Told, wrongs
from tests.seating.shop import Follower

GROUPS = [group for third in spread(each=2) for group in third]
ENOUGH = 8
"""Visits of buyers after which a sale has gone on."""
PATIENCE_S = 300
"""For all of a sale. Generous: nothing here is measured."""
SOON_DEAD_MS = 800


@pytest.fixture(scope="module")
def masters(redis_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Moved and killed by the tests here, which leave it as they found it."""
    with running_cluster(redis_engine.command[0], tmp_path_factory.mktemp("masters")) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _empty(masters: Cluster) -> None:
    for master in masters.masters:
        master.say("FLUSHALL")
    # Where a test has failed half-way.
    for group in GROUPS:
        masters.leave_slot(group)


class Selling:
    """A sale that goes on in this process and in another one, on the same groups; a map of each group is followed."""

    def __init__(self, sale: Sale, running: asyncio.Future[None], followers: list[Follower]) -> None:
        self.sale, self.running, self.followers = sale, running, followers
        self.told: list[Told] = []

    async def goes_on(self, groups: list[str]) -> None:
        """Returns when some more buyers have been to each of these groups, and got their answers."""
        before = self.sale.visits.copy()
        while any(self.sale.visits[group] < before[group] + ENOUGH for group in groups):
            await asyncio.sleep(0.01)
            if self.running.done():
                await self.running

    async def wrongs(self) -> list[str]:
        found = []
        for follower in self.followers:
            group = follower.group
            of_group = [each for each in self.told if each.group == group]
            found += [f"{group}: {each}" for each in await wrongs(self.sale.inventory, group, of_group)]
            seen = await self.sale.inventory.snapshot(group, SEATED)
            if (bytes(follower.states), follower.version, follower.resyncs) != (seen.states, seen.version, 1):
                found.append(f"{group}: the map that was followed is not the one that there is")
        return found


@asynccontextmanager
async def selling(cluster: Cluster) -> AsyncIterator[Selling]:
    client = cluster.client()
    sale = Sale(client, 1, GROUPS)
    await sale.open()
    followers = [Follower(sale.inventory, SEATED, group) for group in GROUPS]
    for follower in followers:
        await follower.catch_up()
    process = await Process.start(cluster.masters[1].port, 2, GROUPS)
    running = asyncio.ensure_future(sale.sell())

    async def follow() -> None:
        while not running.done():
            for follower in followers:
                await sale.until_answered("", follower.catch_up)
            await asyncio.sleep(0.02)

    following = asyncio.ensure_future(follow())
    here = Selling(sale, running, followers)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield here
            sale.closed.set()
            await asyncio.gather(running, following)
            here.told = [*sale.told, *await process.end()]
            for follower in followers:
                await follower.catch_up()
            assert await here.wrongs() == []
    finally:
        process.kill()
        running.cancel()
        following.cancel()
        await asyncio.gather(running, following, return_exceptions=True)
        await client.aclose()


async def move(cluster: Cluster, group: str, target: Master, *, at_once: bool, sale: Selling | None = None) -> None:
    """A group's slot to another master, while its buyers and everybody else's go on asking at every stage."""
    others = [each for each in GROUPS if each != group]
    source = await asyncio.to_thread(cluster.open_slot, group, target)
    if sale is not None:
        await sale.goes_on(others)
    while keys := await asyncio.to_thread(cluster.keys_at, source, group):
        random.Random(group).shuffle(keys)
        parts = [keys] if at_once else [[key] for key in keys]
        for number, part in enumerate(parts):
            await asyncio.to_thread(cluster.carry, source, target, part)
            if sale is not None and number in (0, len(parts) // 2):
                await sale.goes_on(others)
    await asyncio.to_thread(cluster.close_slot, group, target)


@pytest.mark.race
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "key by key"])
async def test_a_group_moves_to_another_machine_and_back_while_it_is_sold(masters: Cluster, at_once: bool) -> None:
    """Nobody is told anything wrong, nobody but its own buyers waits, and a map that is followed misses nothing."""
    group = GROUPS[0]
    home = masters.master_of(group)
    async with selling(masters) as sale:
        await sale.goes_on(GROUPS)
        for target in (masters.others(home)[0], home):
            await move(masters, group, target, at_once=at_once, sale=sale)
            await sale.goes_on(GROUPS)
            assert masters.master_of(group) is target


def hold(group: str, ordinal: int) -> HoldRequest:
    seat = NamedSeats(SEATED, (ordinal,), 1, (QUOTA,))
    return HoldRequest(group, f"cart {ordinal}", Owner("buyer", "x"), (seat,), 900)


async def test_a_step_on_a_slot_that_is_on_its_way_is_not_begun(masters: Cluster) -> None:
    """Not even where every key that it needs is still there, or is there already."""
    group = GROUPS[0]
    home = masters.master_of(group)
    target = masters.others(home)[0]
    client = masters.client()
    sale = Sale(client, 1, [group])
    await sale.open()
    masters.open_slot(group, target)
    with pytest.raises(StoreUnavailable):
        await sale.inventory.hold(hold(group, 0))
    masters.carry(home, target, masters.keys_at(home, group))
    with pytest.raises(StoreUnavailable):
        await sale.inventory.hold(hold(group, 1))
    masters.close_slot(group, target)
    assert await wrongs(sale.inventory, group, []) == []
    assert isinstance(await sale.inventory.hold(hold(group, 2)), Held)
    await move(masters, group, home, at_once=True)
    await client.aclose()


async def test_without_the_key_that_never_exists_a_step_is_done_by_half(
    masters: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the seat is held, and no map ever hears of it."""
    monkeypatch.setattr(seating.store, "keys_of", lambda group: keys_of(group)[:6])
    group = GROUPS[0]
    client = masters.client()
    sale = Sale(client, 1, [group])
    await sale.open()
    follower = Follower(sale.inventory, SEATED, group)
    await follower.catch_up()
    masters.open_slot(group, masters.others(masters.master_of(group))[0])
    with pytest.raises(ResponseError, match=r"non local key|undeclared keys"):
        await sale.inventory.hold(hold(group, 0))
    masters.leave_slot(group)
    await follower.catch_up()
    seen = await sale.inventory.snapshot(group, SEATED)
    assert bytes(follower.states) != seen.states
    assert await wrongs(sale.inventory, group, []) != []
    await client.aclose()


@pytest.mark.race
async def test_a_machine_that_dies_takes_only_its_own_groups_and_they_are_rebuilt_from_the_ledger(
    masters: Cluster,
) -> None:
    """LIVE-10: kill -9, no replica. Unpaid carts of its groups are gone; what was ordered is not, nor sold again."""
    client = masters.client()
    mine, others = GROUPS[::2], GROUPS[1::2]
    victim = masters.master_of(mine[0])
    lost = {group for group in GROUPS if masters.master_of(group) is victim}
    living = [group for group in mine if group not in lost]
    sale = Sale(client, 1, mine, lossy=True)
    await sale.open()
    process = await Process.start(masters.others(victim)[0].port, 2, others, lossy=True)
    running = asyncio.ensure_future(sale.sell())
    here = Selling(sale, running, [])
    try:
        async with asyncio.timeout(PATIENCE_S):
            await here.goes_on(mine)
            await asyncio.to_thread(victim.kill)
            for _ in range(3):
                await here.goes_on(living)
            before = sale.unavailable.copy()
            while sale.unavailable[mine[0]] == before[mine[0]]:
                await here.goes_on(living)
            victim.start()
            await here.goes_on(mine)
            sale.closed.set()
            await running
            told = [*sale.told, *await process.end()]
    finally:
        process.kill()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(masters.agreed)
    assert sale.reloads[mine[0]] > 0
    assert not sale.reloads.keys() & set(living)
    for group in GROUPS:
        of_group = [each for each in told if each.group == group]
        assert await wrongs(sale.inventory, group, of_group, lost=group in lost) == []
    await client.aclose()


async def test_with_redis_own_default_one_dead_machine_stops_every_sale(masters: Cluster) -> None:
    """The negative control, and why docs/operations.md turns `cluster-require-full-coverage` off."""
    client = masters.client()
    inventory = Inventory(cast(Redis, client))
    victim = masters.masters[2]
    group = next(group for group in GROUPS if masters.master_of(group) is masters.masters[0])
    await Sale(client, 1, [group]).open()
    await coverage(masters, "yes")
    masters.mourn_after(SOON_DEAD_MS)
    victim.kill()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await until(inventory, group, answers=False)
            await coverage(masters, "no", but=victim)
            await until(inventory, group, answers=True)
    finally:
        victim.start()
    await coverage(masters, "no")
    await asyncio.to_thread(masters.agreed)
    masters.mourn_after()
    await client.aclose()


async def until(inventory: Inventory, group: str, *, answers: bool) -> None:
    while True:
        try:
            await inventory.pulse(group)
        except StoreUnavailable:
            if not answers:
                return
        else:
            if answers:
                return
        await asyncio.sleep(0.05)


async def coverage(cluster: Cluster, wanted: str, *, but: Master | None = None) -> Any:
    for master in cluster.masters:
        if master is not but:
            await asyncio.to_thread(master.say, "CONFIG", "SET", "cluster-require-full-coverage", wanted)
