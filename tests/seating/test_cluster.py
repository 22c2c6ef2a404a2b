"""The same inventory on a real Redis Cluster of three masters: every key of a group lives in one slot."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError

from app.demo.engines import Engine
from seating.store import (
    BestSeats,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Refusal,
)
from tests.seating.houses import sketch

SLOTS = 16384
BUYER = Owner("buyer", "online")


def free_ports(count: int) -> list[int]:
    """Ports whose neighbour 10,000 above, which the nodes talk over, is free as well."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as above:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port > 55_000 or port in found:
                continue
            above.bind(("127.0.0.1", port + 10_000))
            found.append(port)
    return found


def start_node(binary: str, port: int, data: Path) -> subprocess.Popen[bytes]:
    directory = data / str(port)
    directory.mkdir()
    options = {"port": port, "bind": "127.0.0.1", "dir": directory, "save": "", "cluster-enabled": "yes"}
    command = [binary, *(str(each) for name, value in options.items() for each in (f"--{name}", value))]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


async def administer(client: Redis, *command: Any) -> Any:
    return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


async def answering(client: Redis) -> None:
    while True:
        try:
            await client.ping()
        except RedisConnectionError:
            await asyncio.sleep(0.02)
        else:
            return


async def agreed(client: Redis, nodes: int) -> None:
    while True:
        info = await administer(client, "CLUSTER INFO")
        if info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes:
            return
        await asyncio.sleep(0.05)


@pytest.fixture
async def cluster(redis_engine: Engine, tmp_path: Path) -> AsyncIterator[RedisCluster]:
    ports = free_ports(3)
    nodes: list[subprocess.Popen[bytes]] = []
    clients = [Redis(host="127.0.0.1", port=port) for port in ports]
    try:
        for port in ports:
            nodes.append(start_node(redis_engine.command[0], port, tmp_path))
        async with asyncio.timeout(60):
            for client in clients:
                await answering(client)
            share = SLOTS // 3 + 1
            for index, client in enumerate(clients):
                first, last = index * share, min((index + 1) * share, SLOTS) - 1
                await administer(client, "CLUSTER ADDSLOTSRANGE", first, last)
                await administer(client, "CLUSTER SET-CONFIG-EPOCH", index + 1)
            for port in ports[1:]:
                await administer(clients[0], "CLUSTER MEET", "127.0.0.1", port)
            for client in clients:
                await agreed(client, len(ports))
        cluster = RedisCluster(host="127.0.0.1", port=ports[0])
        yield cluster
        await cluster.aclose()
    finally:
        for client in clients:
            await client.aclose()
        for node in nodes:
            node.kill()
            node.wait()


async def test_groups_spread_over_the_masters_and_each_works_whole(cluster: RedisCluster) -> None:
    inventory = Inventory(cluster)  # type: ignore[arg-type]  # redis-py's two clients share their commands, not a type
    groups = [f"e{number}" for number in range(12)]
    performances = (PerformanceState(1, sketch("....", "....")), PerformanceState(2, None))
    for group in groups:
        await inventory.load(GroupState(group, performances, (QuotaState("event", 6, 0),)))
    assert await inventory.groups() == set(groups)
    slots = {cluster.keyslot(f"{{g:{group}}}:meta") * 3 // SLOTS for group in groups}
    assert len(slots) > 1, "twelve groups on one master would prove nothing"

    lines = (BestSeats(1, 3, 1, ("event",)), Quantity(2, 2, 1, ("event",)))
    answers = await asyncio.gather(
        *(inventory.hold(HoldRequest(group, "alice", BUYER, lines, 900)) for group in groups)
    )
    assert all(isinstance(answer, Held) for answer in answers)
    for group in groups:
        assert isinstance(await inventory.hold(HoldRequest(group, "basile", BUYER, lines, 900)), Refusal)
        assert isinstance(await inventory.promise(group, "alice", "C1"), tuple)
        assert await inventory.sell(group, "C1")
        assert (await inventory.snapshot(group, 1)).quotas == {"event": (5, 6)}
        assert await inventory.give_back(group, "C1") == 5
        assert await inventory.expire_due(group) == 0
        epoch, version = await inventory.head(group, 1) or ("", 0)
        assert len(await inventory.changes_since(group, 1, epoch, 0) or ()) == version > 0
