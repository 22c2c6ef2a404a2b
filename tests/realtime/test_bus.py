"""The pub/sub connection, against a real Redis: what is published arrives, what may have been missed is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from realtime.bus import RedisBus


class Ear:
    """Keeps what it hears; None: some may have been missed."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    def __call__(self, message: bytes | None) -> None:
        self.heard.put_nowait(message)

    async def next(self) -> bytes | None:
        return await asyncio.wait_for(self.heard.get(), 60)

    async def hears(self, word: bytes, say: Callable[[], Awaitable[object]]) -> list[bytes | None]:
        """All until `word`, which is said until it is heard: what is published while a connection is made anew, or
        while the nodes of a cluster are, is lost. That is allowed (realtime.bus), and on a busy machine it happens."""
        heard: list[bytes | None] = []
        async with asyncio.timeout(60):
            while word not in heard:
                await say()
                with contextlib.suppress(TimeoutError):
                    heard.append(await asyncio.wait_for(self.heard.get(), 0.5))
        return heard


@pytest.fixture
async def bus(redis: Redis) -> AsyncIterator[RedisBus]:
    one = RedisBus(redis)
    yield one
    await one.close()


async def listeners(redis: Redis, channel: str) -> int:
    ((_, count),) = await redis.pubsub_numsub(channel)
    return int(count)


async def test_a_subscription_says_from_when_on_it_hears(redis: Redis, bus: RedisBus) -> None:
    ear = Ear()
    await bus.subscribe("feed:1", ear)
    assert await ear.next() is None
    await redis.publish("feed:1", b"one")
    await redis.publish("feed:2", b"not ours")
    await redis.publish("feed:1", b"two")
    assert [await ear.next(), await ear.next()] == [b"one", b"two"]


async def test_one_subscription_serves_many_and_ends_with_the_last(redis: Redis, bus: RedisBus) -> None:
    first, second = Ear(), Ear()
    leave_first = await bus.subscribe("feed:1", first)
    await first.next()
    leave_second = await bus.subscribe("feed:1", second)
    await second.next()
    assert await listeners(redis, "feed:1") == 1
    await leave_first()
    await redis.publish("feed:1", b"one")
    assert await second.next() == b"one"
    assert first.heard.empty()
    await leave_second()
    while await listeners(redis, "feed:1"):
        await asyncio.sleep(0.01)


async def test_a_cut_connection_comes_back_to_all_its_channels_and_says_so(redis: Redis, bus: RedisBus) -> None:
    ears = {channel: Ear() for channel in ("feed:1", "feed:2")}
    for channel, ear in ears.items():
        await bus.subscribe(channel, ear)
        await ear.next()
    await redis.client_kill_filter(_type="pubsub")
    for channel, ear in ears.items():
        assert await ear.next() is None
        await redis.publish(channel, b"after")
        assert await ear.next() == b"after"


async def test_a_connection_that_died_without_a_word_is_replaced(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """A half-open connection: what is written is taken, nothing ever comes back."""
    async with frozen_proxy(redis_url, tmp_path / "p") as (url, freeze):
        through = Redis.from_url(url)
        bus, ear = RedisBus(through, ping_s=0.1), Ear()
        try:
            await bus.subscribe("feed:1", ear)
            assert await ear.next() is None
            freeze.set()
            await redis.publish("feed:1", b"lost")
            heard = await ear.hears(b"heard", lambda: redis.publish("feed:1", b"heard"))
            assert heard[0] is None, "a new connection was made, and said so"
            assert b"lost" not in heard
        finally:
            await bus.close()
            await through.aclose()


@contextlib.asynccontextmanager
async def frozen_proxy(redis_url: str, path: Path) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A socket to the same Redis whose present connections stop passing anything once `freeze` is set."""
    freeze = asyncio.Event()
    target = redis_url.removeprefix("unix://")
    pumps: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, born_frozen: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if freeze.is_set() and not born_frozen:
                    continue
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(target)
        for source, sink in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.create_task(pump(source, sink, freeze.is_set()))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_unix_server(accept, path)
    try:
        yield f"unix://{path}", freeze
    finally:
        server.close()
        for task in list(pumps):
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
