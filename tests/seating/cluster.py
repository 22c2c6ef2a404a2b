"""A real Redis Cluster on loopback for tests: three masters, no replicas, and what an operator can do to them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import Struct
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.demo.engines import Engine
from seating.store import Inventory
from tests.ports import free_port

SLOTS = 16_384
SHARE = SLOTS // 3 + 1
STARTING_S = 60
# A master that is silent for so long is taken for dead by the others. Long, since three of them share a machine with
# whatever else runs there, and one that merely had to wait for its turn must not be; `mourn_after` makes it shorter.
NODE_TIMEOUT_MS = 30_000


class Master:
    """One node. `start()` again after `kill()` brings it back under its old name, with its slots and without a key."""

    def __init__(self, binary: str, directory: Path, *, coverage: bool) -> None:
        directory.mkdir()
        self.port, self.bus_port = free_port(), free_port()
        options: dict[str, Any] = {
            "port": self.port, "cluster-port": self.bus_port, "bind": "127.0.0.1", "dir": directory, "save": "",
            "cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT_MS,
            "cluster-require-full-coverage": "yes" if coverage else "no",
        }  # fmt: skip
        # Ended with us by the kernel, even if we are killed -9; with the thread that started it, to be exact.
        leash = [path, "--pdeathsig", "TERM"] if (path := shutil.which("setpriv")) else []
        self._command = [
            *leash,
            binary,
            *(str(each) for name, value in options.items() for each in (f"--{name}", value)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        process = self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers() -> bool:
            assert process.poll() is None, f"the master at port {self.port} ended"
            return bool(self.say("PING"))

        _until(answers)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def say(self, *command: Any) -> Any:
        """One command, by a connection of its own."""
        with BlockingRedis(host="127.0.0.1", port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)

    def id(self) -> str:
        return str(self.say("CLUSTER MYID"))


class Stores(Struct):
    """An empty store, and three groups, each of which lies on a machine of its own if there are several."""

    client: Redis
    inventory: Inventory
    groups: tuple[str, ...]

    def machines(self) -> list[Redis]:
        if not isinstance(self.client, RedisCluster):
            return [self.client]
        return [Redis(host=node.host, port=int(node.port)) for node in self.client.get_primaries()]


@asynccontextmanager
async def stores_on(client: Redis | RedisCluster) -> AsyncIterator[Stores]:
    # redis-py's two clients share their commands, not a type.
    either = cast(Redis, client)
    await (client.flushall(target_nodes="primaries") if isinstance(client, RedisCluster) else client.flushall())
    yield Stores(either, Inventory(either), tuple(some[0] for some in spread()))
    await client.aclose()


@pytest.fixture
async def cluster(redis_engine: Engine, tmp_path: Path) -> AsyncIterator[RedisCluster]:
    """A cluster that the test may ruin."""
    with running_cluster(redis_engine.command[0], tmp_path) as whole:
        client = whole.client()
        yield client
        await client.aclose()


async def administer(client: Redis, *command: Any) -> Any:
    return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


class Cluster:
    """Three masters, each with a third of the slots."""

    def __init__(self, masters: list[Master]) -> None:
        self.masters = masters

    def client(self) -> RedisCluster:
        return RedisCluster(host="127.0.0.1", port=self.masters[0].port)

    def agreed(self) -> None:
        """Returns when every master knows every other as well and alive."""
        for master in self.masters:
            _until(lambda master=master: _is_whole(master, len(self.masters)))  # type: ignore[misc]  # lambda's default

    def mourn_after(self, timeout_ms: int = NODE_TIMEOUT_MS, *, but: Master | None = None) -> None:
        """How long a master may be silent before the others take it for dead."""
        for master in self.masters:
            if master is not but:
                master.say("CONFIG SET", "cluster-node-timeout", timeout_ms)

    def master_of(self, group: str) -> Master:
        """As the masters themselves say it."""
        slot = slot_of(group)
        for first, last, (_, port, *_), *_ in cast(list[Any], self.masters[0].say("CLUSTER SLOTS")):
            if first <= slot <= last:
                return next(master for master in self.masters if master.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    def others(self, master: Master) -> list[Master]:
        return [other for other in self.masters if other is not master]

    def open_slot(self, group: str, target: Master) -> Master:
        """The group's slot is on its way to another master. The one that has it."""
        source, slot = self.master_of(group), slot_of(group)
        target.say("CLUSTER SETSLOT", slot, "IMPORTING", source.id())
        source.say("CLUSTER SETSLOT", slot, "MIGRATING", target.id())
        return source

    def keys_at(self, master: Master, group: str) -> list[str]:
        """All that lies in the group's slot there."""
        return sorted(cast(list[str], master.say("CLUSTER GETKEYSINSLOT", slot_of(group), 10_000)))

    def carry(self, source: Master, target: Master, keys: Sequence[str]) -> None:
        """These keys, in one step."""
        source.say("MIGRATE", "127.0.0.1", target.port, "", 0, 60_000, "KEYS", *keys)

    def close_slot(self, group: str, target: Master) -> None:
        """It has arrived. The new master first: it would otherwise send everybody back."""
        for master in (target, *self.others(target)):
            master.say("CLUSTER SETSLOT", slot_of(group), "NODE", target.id())

    def leave_slot(self, group: str) -> None:
        """It stays where it is after all."""
        for master in self.masters:
            master.say("CLUSTER SETSLOT", slot_of(group), "STABLE")


def slot_of(group: str) -> int:
    return key_slot(f"{{g:{group}}}".encode())


def spread(*, each: int = 1, word: str = "e") -> list[list[str]]:
    """Names of groups by the third of the slots they lie in, `each` of them, all in slots of their own."""
    found: list[list[str]] = [[] for _ in range(3)]
    number = 0
    while any(len(some) < each for some in found):
        number += 1
        found[slot_of(f"{word}{number}") // SHARE].append(f"{word}{number}")
    return [some[:each] for some in found]


@contextmanager
def running_cluster(binary: str, data: Path, *, coverage: bool = False) -> Iterator[Cluster]:
    """`coverage`: Redis' own default, by which no master answers while a slot of another one is not served."""
    masters: list[Master] = []
    try:
        for number in range(3):
            masters.append(Master(binary, data / f"master {number}", coverage=coverage))
            masters[-1].start()
        for index, master in enumerate(masters):
            first, last = index * SHARE, min((index + 1) * SHARE, SLOTS) - 1
            master.say("CLUSTER ADDSLOTSRANGE", first, last)
            master.say("CLUSTER SET-CONFIG-EPOCH", index + 1)
        for other in masters[1:]:
            masters[0].say("CLUSTER MEET", "127.0.0.1", other.port, other.bus_port)
        cluster = Cluster(masters)
        cluster.agreed()
        yield cluster
    finally:
        for master in masters:
            master.kill()


def _is_whole(master: Master, nodes: int) -> bool:
    said = dict(line.split(":", 1) for line in _lines(master.say("CLUSTER INFO")))
    links = [line for line in _lines(master.say("CLUSTER NODES")) if "fail" in line or "disconnected" in line]
    return said["cluster_state"] == "ok" and int(said["cluster_known_nodes"]) == nodes and not links


def _lines(said: Any) -> list[str]:
    # redis-py reads some answers itself.
    if isinstance(said, dict):
        return [f"{name}:{value}" for name, value in said.items()]
    return str(said).splitlines()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTING_S
    while True:
        try:
            if true():
                return
        except (RedisConnectionError, RedisError):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the cluster did not come together")
        time.sleep(0.02)
