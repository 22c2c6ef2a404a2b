"""The same on a real cluster: scripts go straight to the master that has their keys, also while slots move."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from seating import pipeline
from seating.pipeline import Pipeliner, StoreUnavailable
from tests.seating.cluster import Cluster, administer, cluster
from tests.seating.test_pipeline import stat

assert cluster  # the fixture: a real cluster of three masters

OWN_ARGUMENT = "redis.call('INCR', KEYS[1]) return ARGV[1]"


async def errors(node: Redis, name: str) -> int:
    """How often a master has answered with this error."""
    return int((await node.info("errorstats")).get(f"errorstat_{name}", {"count": 0})["count"])


class TestCluster:
    """A slot on its way from one master to another refuses calls in three ways; none may reach the callers."""

    TAGS = tuple(f"{{{letter}}}" for letter in "abcdefgh")

    async def asked(self, pipe: Pipeliner, *, keys: tuple[str, ...] = ("one",)) -> None:
        """Forty calls on eight slots, answered right."""
        calls = [
            pipe.call("EVAL", OWN_ARGUMENT, len(keys), *(tag + key for key in keys), f"{tag} {number}")
            for number in range(5)
            for tag in self.TAGS
        ]
        expected = [f"{tag} {number}".encode() for number in range(5) for tag in self.TAGS]
        assert await asyncio.gather(*calls) == expected

    async def test_scripts_of_one_tick_are_one_write_for_each_master(self, redis_cluster: Cluster) -> None:
        cluster = redis_cluster.client()
        pipe = Pipeliner(cluster)
        await self.asked(pipe)
        nodes = [Redis(host=node.host, port=int(node.port)) for node in cluster.get_primaries()]
        assert len({cluster.keyslot(tag) * 3 // 16384 for tag in self.TAGS}) == 3
        await self.asked(pipe)

        async def reads() -> list[int]:
            """Of each master while all is asked once. One is our question."""
            before = [await stat(node, "total_reads_processed") for node in nodes]
            await self.asked(pipe)
            after = [await stat(node, "total_reads_processed") for node in nodes]
            return [now - then for now, then in zip(after, before, strict=True)]

        # Now and then one is of what the masters tell each other: several, if something kept us from asking on. A call
        # for itself would be a read for itself every time: ten or more for each master.
        some = [await reads() for _ in range(10)]
        assert any(all(1 < count < 6 for count in each) for each in some), some
        assert await pipe.call("SMEMBERS", "nobody") == set()
        for node in nodes:
            await node.aclose()
        await cluster.aclose()

    async def test_a_slot_that_moves_is_followed_at_every_stage(
        self, cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # How long the operator takes is no part of this.
        monkeypatch.setattr(pipeline, "MOVES_MAX", 1_000_000)
        pipe = Pipeliner(cluster)
        await self.asked(pipe)
        # Several free connections to every node: ASKING must not take another one than its command.
        await asyncio.gather(*(cluster.get(tag + "one") for tag in self.TAGS * 4))
        slot = cluster.keyslot("{a}")
        source = cluster.nodes_manager.get_node_from_slot(slot)
        target = next(node for node in cluster.get_primaries() if node.name != source.name)
        at_source, at_target = (Redis(host=node.host, port=int(node.port)) for node in (source, target))
        names = [await administer(client, "CLUSTER MYID") for client in (at_source, at_target)]
        source_id, target_id = (name.decode() if isinstance(name, bytes) else name for name in names)
        await administer(at_target, "CLUSTER SETSLOT", slot, "IMPORTING", source_id)
        await administer(at_source, "CLUSTER SETSLOT", slot, "MIGRATING", target_id)

        async def move(key: str) -> None:
            await administer(at_source, "MIGRATE", target.host, target.port, key, 0, 60_000)

        await move("{a}one")
        assert await at_source.dbsize() < 8, "it is gone from the source, which answers ASK"
        await asyncio.gather(*(self.asked(pipe) for _ in range(5)))

        # One of two keys here, one there: TRYAGAIN, until the other one has followed.
        await administer(at_source, "EVAL", "return 1", 0)
        before = await errors(at_source, "TRYAGAIN") + await errors(at_target, "TRYAGAIN")
        both = asyncio.create_task(self.asked(pipe, keys=("one", "two")))
        while await errors(at_source, "TRYAGAIN") + await errors(at_target, "TRYAGAIN") < before + 10:
            assert not both.done()
            await asyncio.sleep(0.01)
        assert not both.done()
        for node in (at_target, at_source):
            await administer(node, "CLUSTER SETSLOT", slot, "NODE", target_id)
        await both
        # The source says MOVED from now on; after that the target is asked at once.
        await self.asked(pipe, keys=("one", "two"))
        before = await errors(at_source, "MOVED")
        await self.asked(pipe)
        assert await errors(at_source, "MOVED") == before
        for client in (at_source, at_target):
            await client.aclose()

    async def test_the_scripts_of_a_dead_master_are_unavailable_and_the_others_work(
        self, cluster: RedisCluster
    ) -> None:
        pipe = Pipeliner(cluster)
        await self.asked(pipe)
        dead = cluster.nodes_manager.get_node_from_slot(cluster.keyslot("{a}"))
        client = Redis(host=dead.host, port=int(dead.port), retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(RedisConnectionError):
            await administer(client, "SHUTDOWN", "NOSAVE", "FORCE")
        for retry in (False, True):
            with pytest.raises(StoreUnavailable):
                await pipe.call("EVAL", OWN_ARGUMENT, 1, "{a}", "x", retry=retry)
        living = next(
            tag for tag in self.TAGS if cluster.nodes_manager.get_node_from_slot(cluster.keyslot(tag)) != dead
        )
        assert await pipe.call("EVAL", OWN_ARGUMENT, 1, living, "x") == b"x"
        await client.aclose()
