"""Holding seats: what the Python store reaches, beside what the same scripts do without it.

The load is what a sale does all day: 64 buyers at a time, each holding two named seats that count against three quotas
and giving them up again. Every hold writes two states, two owners, two items, their expiry, three quotas and one line
of the log, and publishes it.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque
from typing import Any, cast
from urllib.parse import urlsplit

import hiredis
import msgspec
from redis.asyncio import Redis

from benchmarks.frame import Context, Result, benchmark
from seating.scripts import script
from seating.store import (
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    QuotaState,
    cart_ref,
)
from seating.theatre import italian_theatre

GROUP, PERFORMANCE = "bench", 1
QUOTAS = ("event:1", "performance:1", "tariff:1")
CONCURRENCY = 64
BUYER = Owner("buyer", "online")
TAG = f"{{g:{GROUP}}}"
KEYS = tuple(f"{TAG}:{name}" for name in ("meta", "quotas", "items", "due", "pending", "sold"))


@benchmark("seating.hold_release", unit="holds/s", better="higher")
async def hold_release(ctx: Context) -> Result:
    seconds = 0.5 if ctx.smoke else 4.0
    redis = Redis.from_url(ctx.redis_url)
    try:
        ours = await _through_the_store(redis, seconds)
        raw = await _raw(redis, ctx.redis_url, seconds)
        tool = await _redis_benchmark(redis, ctx.redis_url, 5_000 if ctx.smoke else 60_000)
    finally:
        await _empty(redis)
        await redis.aclose()
    note = f"{CONCURRENCY} at a time; limit: the same scripts from pre-encoded bytes, one pipelined socket: {raw:,.0f}"
    note += f", redis-benchmark (both in one call): {tool:,.0f}" if tool else ", redis-benchmark: not installed"
    return Result(ours, limit=max(raw, tool or 0.0), note=note)


async def _through_the_store(redis: Redis, seconds: float) -> float:
    inventory = await _opened(redis)
    deadline = time.perf_counter() + seconds

    async def buyer(number: int) -> int:
        cart, held = f"cart {number}", 0
        line = NamedSeats(PERFORMANCE, (2 * number, 2 * number + 1), 1, QUOTAS)
        while time.perf_counter() < deadline:
            answer = await inventory.hold(HoldRequest(GROUP, cart, BUYER, (line,), 900))
            if not isinstance(answer, Held):
                raise AssertionError(f"{cart} was refused its own seats: {answer}")
            await inventory.release(GROUP, cart)
            held += 1
        return held

    began = time.perf_counter()
    holds = sum(await asyncio.gather(*(buyer(number) for number in range(CONCURRENCY))))
    return holds / (time.perf_counter() - began)


async def _raw(redis: Redis, url: str, seconds: float) -> float:
    """The same commands in the same number at a time, from bytes made beforehand, answers counted and not read."""
    await _opened(redis)
    per_buyer = int(seconds * 600)
    commands = [deque(_commands_of(number, per_buyer)) for number in range(CONCURRENCY)]
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[float] = loop.create_future()
    client = _RawClient(commands, finished)
    where = urlsplit(url)
    if where.scheme == "unix":
        transport, _ = await loop.create_unix_connection(lambda: client, where.path)
    else:
        transport, _ = await loop.create_connection(lambda: client, where.hostname or "localhost", where.port or 6379)
    try:
        return CONCURRENCY * per_buyer / await finished
    finally:
        transport.close()


class _RawClient(asyncio.Protocol):
    """One socket, a buyer's next command as soon as its last is answered, one write per read."""

    def __init__(self, commands: list[deque[bytes]], finished: asyncio.Future[float]) -> None:
        self.commands = commands
        self.finished = finished
        self.reader = hiredis.Reader()
        self.in_turn: deque[int] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self.began = time.perf_counter()
        self._send(range(CONCURRENCY))

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

    def _send(self, buyers: Any) -> None:
        batch = []
        for buyer in buyers:
            if self.commands[buyer]:
                batch.append(self.commands[buyer].popleft())
                self.in_turn.append(buyer)
        if batch:
            self.transport.write(b"".join(batch))
        elif not self.in_turn and not self.finished.done():
            self.finished.set_result(time.perf_counter() - self.began)


def _commands_of(number: int, count: int) -> list[bytes]:
    cart = f"cart {number}"
    arguments = _hold_arguments(cart, (2 * number, 2 * number + 1), 900_000)
    release = hiredis.pack_command(
        ("EVALSHA", script("release").sha, "7", *KEYS, f"{TAG}:cart:{cart}", cart)  # type: ignore[arg-type]  # str is taken
    )
    commands: list[bytes] = []
    for turn in range(count):
        keys = (*KEYS, f"{TAG}:cart:{cart}", f"{TAG}:req:raw {number} {turn}")
        hold = ("EVALSHA", script("hold").sha, "8", *keys, arguments)
        commands += [hiredis.pack_command(hold), release]  # type: ignore[arg-type]  # str is taken
    return commands


def _hold_arguments(cart: str, ordinals: tuple[int, int], ttl_ms: int) -> bytes:
    line = ("n", PERFORMANCE, 1, QUOTAS, ordinals)
    return msgspec.msgpack.encode((cart, cart_ref(cart), "buyer", "online", ttl_ms, 60_000, (line,)))


async def _redis_benchmark(redis: Redis, url: str, requests: int) -> float | None:
    """The hold script by redis-benchmark. It can only repeat one command, so these holds last no time: each call first
    frees what the call before it held, by the same code that frees any lapsed hold. Everything is in one call here,
    where a buyer makes two. None where the tool is not installed."""
    tool = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if tool is None:
        return None
    await _opened(redis)
    where = urlsplit(url)
    server = ["-s", where.path] if where.scheme == "unix" else ["-u", url]
    keys = (*KEYS, f"{TAG}:cart:__rand_int__", f"{TAG}:req:__rand_int__")
    process = await asyncio.create_subprocess_exec(
        tool, *server, "-c", str(CONCURRENCY), "-n", str(requests), "-r", "100000000000", "--csv", "-x",
        "EVALSHA", script("hold").sha, "8", *keys,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    # It reads its input up to the first zero byte, of which these numbers have none.
    output, _ = await process.communicate(_hold_arguments("a cart", (2, 3), -1))
    return float(output.decode().strip().splitlines()[-1].split('","')[1].strip('"'))


async def _opened(redis: Redis) -> Inventory:
    """An empty house with its scripts known to the server."""
    await _empty(redis)
    inventory = Inventory(redis)
    quotas = tuple(QuotaState(name, 1_000_000, 0) for name in QUOTAS)
    await inventory.load(GroupState(GROUP, (PerformanceState(PERFORMANCE, italian_theatre()),), quotas))
    line = NamedSeats(PERFORMANCE, (0, 1), 1, QUOTAS)
    answer = await inventory.hold(HoldRequest(GROUP, "first", BUYER, (line,), 900))
    assert isinstance(answer, Held)
    await inventory.release(GROUP, "first")
    return inventory


async def _empty(redis: Redis) -> None:
    keys = [key async for key in redis.scan_iter(f"{TAG}:*", count=1000)]
    for first in range(0, len(keys), 1000):
        await redis.unlink(*keys[first : first + 1000])
