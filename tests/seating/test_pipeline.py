"""Calls of one tick travel together, and yet each keeps its own answer, error and cancellation."""

from __future__ import annotations

import asyncio
import contextvars
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from seating.pipeline import BATCH_MAX, Pipeliner, StoreUnavailable


async def commands_run(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_commands_processed"])


class Counting(Redis):
    """Counts the pipelines it is asked for."""

    pipelines = 0

    def pipeline(self, *arguments: Any, **options: Any) -> Any:
        self.pipelines += 1
        return super().pipeline(*arguments, **options)


def counting(redis_url: str) -> Counting:
    client = Counting.from_url(redis_url, retry=Retry(NoBackoff(), 0))
    assert isinstance(client, Counting)
    return client


async def test_calls_of_one_tick_are_one_pipeline_and_each_gets_its_answer(redis: Redis, redis_url: str) -> None:
    client = counting(redis_url)
    pipe = Pipeliner(client)
    answers = await asyncio.gather(*(pipe.call("ECHO", str(n)) for n in range(20)))
    assert answers == [str(n).encode() for n in range(20)]
    assert client.pipelines == 1
    await client.aclose()


async def test_a_crowd_is_cut_into_batches_and_nobody_is_forgotten(redis: Redis, redis_url: str) -> None:
    client = counting(redis_url)
    pipe = Pipeliner(client)
    count = BATCH_MAX * 5 + 1
    answers = await asyncio.gather(*(pipe.call("INCR", "n") for _ in range(count)))
    assert sorted(answers) == list(range(1, count + 1))
    assert client.pipelines == 6
    await client.aclose()


async def test_an_error_reaches_its_own_caller_only(redis: Redis) -> None:
    await redis.set("word", "x")
    pipe = Pipeliner(redis)
    answers = await asyncio.gather(
        pipe.call("ECHO", "a"), pipe.call("INCR", "word"), pipe.call("ECHO", "b"), return_exceptions=True
    )
    assert answers[0] == b"a"
    assert isinstance(answers[1], ResponseError)
    assert answers[2] == b"b"


async def test_a_cancelled_caller_takes_nobody_with_it(redis: Redis) -> None:
    pipe = Pipeliner(redis)
    calls = [asyncio.create_task(pipe.call("ECHO", str(n))) for n in range(3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers[0] == b"0"
    assert isinstance(answers[1], asyncio.CancelledError)
    assert answers[2] == b"2"


async def test_a_caller_cancelled_before_the_tick_ends_sends_nothing(redis: Redis) -> None:
    pipe = Pipeliner(redis)
    call = asyncio.create_task(pipe.call("SET", "unwanted", "1"))
    asyncio.get_running_loop().call_soon(call.cancel)
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await pipe.call("EXISTS", "unwanted") == 0


async def test_a_batch_does_not_inherit_the_context_of_whoever_came_first(redis: Redis, redis_url: str) -> None:
    """The first caller may be inside a database transaction that lives in a context variable."""
    transaction: contextvars.ContextVar[str] = contextvars.ContextVar("transaction", default="none")
    seen: list[str] = []

    class Looking(Counting):
        def pipeline(self, *arguments: Any, **options: Any) -> Any:
            seen.append(transaction.get())
            return super().pipeline(*arguments, **options)

    client = Looking.from_url(redis_url)
    transaction.set("open")
    await Pipeliner(client).call("PING")
    assert seen == ["none"]
    await client.aclose()


async def test_without_a_server_every_caller_of_the_tick_hears_it(tmp_path: Path) -> None:
    client = Redis(unix_socket_path=str(tmp_path / "nobody"), retry=Retry(NoBackoff(), 0))
    pipe = Pipeliner(client)
    answers = await asyncio.gather(*(pipe.call("PING") for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
    await client.aclose()


class _Flaky:
    """A server in front of the real one that hangs up on its first `hang_ups` connections after the first bytes."""

    def __init__(self, redis_url: str, hang_ups: int) -> None:
        self.target = redis_url.removeprefix("unix://")
        self.hang_ups = hang_ups
        self.accepted = 0
        self.carrying: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.accepted <= self.hang_ups:
            await reader.read(1)
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(self.target)

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        self.carrying += [asyncio.create_task(carry(reader, up_writer)), asyncio.create_task(carry(up_reader, writer))]


@pytest.mark.parametrize(("hang_ups", "retry", "heard"), [(1, True, b"hello"), (1, False, None), (2, True, None)])
async def test_a_broken_connection_is_tried_once_more_by_those_that_may(
    redis: Redis, redis_url: str, tmp_path: Path, hang_ups: int, retry: bool, heard: bytes | None
) -> None:
    if not redis_url.startswith("unix://"):
        pytest.skip("the flaky server stands before a unix socket")
    flaky = _Flaky(redis_url, hang_ups)
    path = tmp_path / "flaky"
    server = await asyncio.start_unix_server(flaky.serve, str(path))
    client = Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0))
    pipe = Pipeliner(client)
    answers = await asyncio.gather(pipe.call("ECHO", "hello", retry=retry), return_exceptions=True)
    if heard is None:
        assert isinstance(answers[0], StoreUnavailable)
        assert await pipe.call("ECHO", "back") == b"back", "the next call finds a new connection by itself"
    else:
        assert list(answers) == [heard]
    await client.aclose()
    server.close()
    await asyncio.gather(*flaky.carrying, return_exceptions=True)
