"""Holding seats and giving them up: the Python store beside redis-benchmark running the same scripts.

The load is what a sale does all day: 64 buyers at a time, each holding two named seats that count against three quotas
and giving them up again. Every hold writes two states, their stretch in the index, the cart, its expiry, three quotas
and one line of the log, and publishes it; every release undoes that and publishes it as well.

The limit is redis-benchmark, also 64 at a time. It can only repeat one command, so it is given one script that holds
and then releases, composed from the very texts of the two steps and the store's own arguments: a whole pair in a single
call, where a buyer of ours makes two. No client that asks first and gives up later can be quicker than that; it is the
limit because nothing in it is slack. Two more references are in the note: the same two steps in turn, a call each,
which is the tool asking as often as we do; and the store's commands, byte for byte as it sends them, over one socket by
a client that only counts the answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import hiredis
from redis.asyncio import Redis

from benchmarks.frame import Context, Result, benchmark
from benchmarks.seating.ground import GROUP, hold, opened, size_of
from benchmarks.stadium import stadium
from seating.scripts import script
from seating.store import Inventory

CONCURRENCY = 64
Command = tuple[bytes, ...]


@benchmark("seating.hold_release", unit="holds/s", better="higher")
async def hold_release(ctx: Context) -> Result:
    # In turns: what else the machine does meanwhile (an append-only file being rewritten, say) meets all of them alike.
    rounds, seconds, requests = (1, 0.4, 2_000) if ctx.smoke else (5, 1.0, 6_000)
    found: dict[str, list[Rate]] = {}
    async with opened(ctx.redis_url, stadium(size_of(ctx))) as (redis, inventory):
        await pair(inventory, 0)  # Redis knows the scripts from now on
        pairs = [await overheard(ctx.redis_url, number) for number in range(CONCURRENCY)]
        tool = await Tool.found(redis, ctx.redis_url, pairs[0])
        for _ in range(rounds):
            found.setdefault("ours", []).append(await through_the_store(redis, inventory, seconds))
            found.setdefault("socket", []).append(
                await one_socket(redis, ctx.redis_url, pairs, requests // CONCURRENCY)
            )
            if tool:
                found.setdefault("one call", []).append(await tool.in_one_call(requests))
                found.setdefault("two calls", []).append(await tool.in_two_calls(requests))
    rates = {name: Rate.of(each) for name, each in found.items()}
    ours, socket = rates["ours"], rates["socket"]
    limit = rates.get("one call", socket)
    note = f"{CONCURRENCY} at a time, two calls a hold, {ours.redis_us:.0f} µs of Redis' CPU; limit: "
    if tool:
        note += f"redis-benchmark, both in one call ({limit.redis_us:.0f} µs); "
        note += f"the tool in two calls: {rates['two calls'].per_s:,.0f}; "
    else:
        note += "redis-benchmark is not installed, so our bytes; "
    return Result(ours.per_s, limit=limit.per_s, note=f"{note}our bytes over one socket: {socket.per_s:,.0f}")


@dataclass(frozen=True, slots=True)
class Rate:
    """Pairs of a hold and a release: how many, in how many seconds, and for how much of Redis' CPU."""

    pairs: int
    took_s: float
    redis_us_in_all: float

    @classmethod
    def of(cls, rounds: list[Rate]) -> Rate:
        took_s = sum(each.took_s for each in rounds)
        return cls(sum(each.pairs for each in rounds), took_s, sum(each.redis_us_in_all for each in rounds))

    @property
    def per_s(self) -> float:
        return self.pairs / self.took_s

    @property
    def redis_us(self) -> float:
        return self.redis_us_in_all / self.pairs


async def cpu_us(redis: Redis) -> float:
    """Of Redis' own CPU so far, microseconds. (The time that it says scripts took has other processes' in it.)"""
    spent = await redis.info("cpu")
    return 1e6 * float(spent["used_cpu_user_main_thread"] + spent["used_cpu_sys_main_thread"])


async def pair(inventory: Inventory, number: int) -> None:
    """One buyer's hold and release, of seats that are nobody else's."""
    await hold(inventory, f"cart {number}", (2 * number, 2 * number + 1))
    assert await inventory.release(GROUP, f"cart {number}") == 2


# Ours ------------------------------------------------------------------------------------------------------------


async def through_the_store(redis: Redis, inventory: Inventory, seconds: float) -> Rate:
    before = await cpu_us(redis)
    began = time.perf_counter()

    async def buyer(number: int) -> int:
        pairs = 0
        while time.perf_counter() < began + seconds:
            await pair(inventory, number)
            pairs += 1
        return pairs

    pairs = sum(await asyncio.gather(*(buyer(number) for number in range(CONCURRENCY))))
    took = time.perf_counter() - began
    return Rate(pairs, took, await cpu_us(redis) - before)


# One socket ------------------------------------------------------------------------------------------------------


async def overheard(url: str, number: int) -> list[Command]:
    """The script calls by which the store holds and releases for this buyer, as it puts them on the wire."""
    async with eavesdropper(url) as (address, commands):
        redis = Redis.from_url(address)
        await pair(Inventory(redis), number)
        await redis.aclose()
    return [command for command in commands if command[0] == b"EVALSHA"]


@contextlib.asynccontextmanager
async def eavesdropper(url: str) -> AsyncIterator[tuple[str, list[Command]]]:
    """The address of a door to Redis, and all commands that have gone through it: whatever client the store may use."""
    commands: list[Command] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await connect(url)
        parser = hiredis.Reader()

        async def inwards() -> None:
            while data := await reader.read(65_536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    commands.append(tuple(command))
                inner_writer.write(data)
            inner_writer.close()

        asking = asyncio.create_task(inwards())
        while data := await inner_reader.read(65_536):
            writer.write(data)
        await asking
        writer.close()

    door = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with door:
        yield f"redis://127.0.0.1:{door.sockets[0].getsockname()[1]}", commands


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(url)
    if where.scheme == "unix":
        return await asyncio.open_unix_connection(where.path)
    return await asyncio.open_connection(where.hostname or "localhost", where.port or 6379)


async def one_socket(redis: Redis, url: str, pairs: Iterable[list[Command]], turns: int) -> Rate:
    """Every buyer's next command as soon as its last is answered, one write per read."""
    packed = [[hiredis.pack_command(command) for command in each] for each in pairs]  # type: ignore[arg-type]  # takes bytes
    commands = [deque(each * turns) for each in packed]
    _, writer = await connect(url)
    finished: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    transport = cast(asyncio.Transport, writer.transport)  # uvloop's is one in all but name
    client = _Socket(transport, commands, finished)
    transport.set_protocol(client)
    before = await cpu_us(redis)
    client.begin()
    try:
        took = await finished
        return Rate(len(commands) * turns, took, await cpu_us(redis) - before)
    finally:
        transport.close()


class _Socket(asyncio.Protocol):
    def __init__(
        self, transport: asyncio.Transport, commands: list[deque[bytes]], finished: asyncio.Future[float]
    ) -> None:
        self.transport = transport
        self.commands = commands
        self.finished = finished
        self.reader = hiredis.Reader()
        self.in_turn: deque[int] = deque()

    def begin(self) -> None:
        self.began = time.perf_counter()
        self._send(range(len(self.commands)))

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        answered = []
        while (reply := self.reader.gets()) is not False:
            if isinstance(reply, Exception):
                self.finished.set_exception(reply)
                self.transport.close()
                return
            answered.append(self.in_turn.popleft())
        self._send(answered)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("Redis hung up"))

    def _send(self, buyers: Iterable[int]) -> None:
        batch = []
        for buyer in buyers:
            if self.commands[buyer]:
                batch.append(self.commands[buyer].popleft())
                self.in_turn.append(buyer)
        if batch:
            self.transport.write(b"".join(batch))
        elif not self.in_turn and not self.finished.done():
            self.finished.set_result(time.perf_counter() - self.began)


# redis-benchmark -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool at work on one buyer's commands."""

    program: str
    redis: Redis
    url: str
    keys: tuple[str, ...]
    together: str
    in_turn: str
    """The scripts of `composed`, as Redis knows them."""

    @classmethod
    async def found(cls, redis: Redis, url: str, commands: list[Command]) -> Tool | None:
        """None where it is not installed."""
        program = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
        if program is None:
            return None
        keys = tuple(key.decode() for key in commands[0][3 : 3 + int(commands[0][2])])
        together, in_turn = [str(await redis.script_load(text)) for text in composed(commands)]
        return cls(program, redis, url, keys, together, in_turn)

    async def in_one_call(self, pairs: int) -> Rate:
        return await self._run(pairs, 1, self.together, self.keys)

    async def in_two_calls(self, pairs: int) -> Rate:
        return await self._run(pairs, 2, self.in_turn, (*self.keys, f"{{g:{GROUP}}}:turn"))

    async def _run(self, pairs: int, calls: int, sha: str, keys: tuple[str, ...]) -> Rate:
        where = urlsplit(self.url)
        server = ["-s", where.path] if where.scheme == "unix" else ["-u", self.url]
        before = await cpu_us(self.redis)
        process = await asyncio.create_subprocess_exec(
            self.program, *server, "-c", str(CONCURRENCY), "-n", str(pairs * calls), "--csv",
            "EVALSHA", sha, str(len(keys)), *keys,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        said = output.decode().strip().splitlines()[-1]
        try:
            calls_per_s = float(said.split('","')[1].strip('"'))
        except (IndexError, ValueError):
            raise AssertionError(f"{self.program} says: {said}") from None
        return Rate(pairs, pairs * calls / calls_per_s, await cpu_us(self.redis) - before)


def composed(commands: list[Command]) -> tuple[str, str]:
    """Two scripts of the store's hold and release: both at each call, and either at every other call.

    Their arguments stand in the text: the tool cannot send zero bytes. The second takes a key more, its counter.
    """
    steps = {script(name).sha.encode(): script(name).text for name in ("hold", "release")}
    held, released = commands
    both = "".join(
        f"local function {name}(KEYS, ARGV)\n{steps[command[1]]}\nend\n"
        for name, command in (("hold", held), ("release", released))
    )
    call_held, call_released = (
        f"{name}(KEYS, {{{', '.join(map(_lua, command[3 + int(command[2]) :]))}}})"
        for name, command in (("hold", held), ("release", released))
    )
    together = f"{both}local held = {call_held}\n{call_released}\nreturn held\n"
    in_turn = f"{both}if redis.call('INCR', KEYS[#KEYS]) % 2 == 1 then return {call_held} end\nreturn {call_released}\n"
    return together, in_turn


def _lua(argument: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in argument) + '"'
