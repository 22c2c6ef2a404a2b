"""Calls of one tick travel together, and yet each keeps its own answer, error and cancellation."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import DataError, NoScriptError, ResponseError

from seating import pipeline
from seating.pipeline import ON_WIRE_MAX, STRIDE, Pipeliner, StoreUnavailable
from tests.seating.cluster import administer
from tests.seating.relay import Relay


async def stat(redis: Redis, name: str) -> int:
    return int((await redis.info("stats"))[name])


async def echoes(pipe: Pipeliner, count: int, *, retry: bool = True) -> list[Any]:
    """`count` calls in one tick, each of which would show a neighbour's answer; answers are 10 bytes on the wire."""
    calls = (pipe.call("ECHO", f"{number:04}", retry=retry) for number in range(count))
    return await asyncio.gather(*calls, return_exceptions=True)


def own(count: int) -> list[bytes]:
    return [f"{number:04}".encode() for number in range(count)]


async def nothing_borrowed(client: Redis) -> None:
    while client.connection_pool._in_use_connections:
        await asyncio.sleep(0.01)


def on_wire(client: Redis) -> int:
    """How many calls over this client are sent and not answered."""
    link = pipeline._server_of(client).lane(()).link
    return 0 if link is None else len(link.wire)


@pytest.fixture
async def relay(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Relay]:
    async with Relay(redis_url, tmp_path / "relay") as relay:
        yield relay


class TestTogether:
    async def test_calls_of_one_tick_are_one_write_and_each_gets_its_answer(self, redis: Redis, redis_url: str) -> None:
        """Redis counts what it has read: the calls together are one read, redis-py's own are one each."""
        client = Redis.from_url(redis_url)
        pipe = Pipeliner(client)
        await pipe.call("PING")
        before = await stat(redis, "total_reads_processed")
        assert await echoes(pipe, 20) == own(20)
        assert await stat(redis, "total_reads_processed") - before == 1 + 1, "one for the calls, one for our question"
        before = await stat(redis, "total_reads_processed")
        await asyncio.gather(*(client.echo(str(number)) for number in range(20)))
        assert await stat(redis, "total_reads_processed") - before > 20
        await client.aclose()

    async def test_all_pipeliners_of_a_client_share_a_connection(self, redis: Redis) -> None:
        before = await stat(redis, "total_connections_received")
        pipes = [Pipeliner(redis) for _ in range(150)]
        answers = await asyncio.gather(*(pipe.call("ECHO", str(n)) for n, pipe in enumerate(pipes)))
        assert answers == [str(n).encode() for n in range(150)]
        assert await stat(redis, "total_connections_received") - before <= 1

    async def test_a_crowd_is_sent_in_turns_and_nobody_is_forgotten(self, redis: Redis) -> None:
        pipe = Pipeliner(redis)
        count = ON_WIRE_MAX * 5 + STRIDE + 1
        answers = await asyncio.gather(*(pipe.call("INCR", "n") for _ in range(count)))
        assert answers == list(range(1, count + 1)), "in the order in which they were asked"

    async def test_those_who_give_up_while_others_are_on_the_wire_are_never_sent(self, relay: Relay) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.hold()
        sent = [asyncio.create_task(pipe.call("INCR", "sent")) for _ in range(ON_WIRE_MAX)]
        waiting = [asyncio.create_task(pipe.call("INCR", "waiting")) for _ in range(ON_WIRE_MAX * 2)]
        last = asyncio.create_task(pipe.call("ECHO", "last"))
        while relay.requests.count(b"\r\nsent\r\n") < ON_WIRE_MAX:
            await asyncio.sleep(0.01)
        for call in waiting:
            call.cancel()
        relay.let_go()
        assert await asyncio.gather(*sent) == list(range(1, ON_WIRE_MAX + 1))
        assert await last == b"last"
        assert b"waiting" not in relay.requests
        await client.aclose()

    async def test_a_call_does_not_inherit_the_context_of_whoever_came_first(
        self, redis: Redis, redis_url: str
    ) -> None:
        """The first caller may be inside a database transaction that lives in a context variable."""
        transaction: contextvars.ContextVar[str] = contextvars.ContextVar("transaction", default="none")
        seen: list[str] = []

        async def connect(connection: Any) -> None:
            seen.append(transaction.get())
            await connection.on_connect()

        client = Redis.from_url(redis_url, redis_connect_func=connect)
        transaction.set("open")
        await Pipeliner(client).call("PING")
        await client.echo("a caller's own connection")
        assert seen == ["none", "open"]
        await client.aclose()


class TestAnswers:
    async def test_an_error_reaches_its_own_caller_only(self, redis: Redis) -> None:
        await redis.set("word", "x")
        pipe = Pipeliner(redis)
        answers = await asyncio.gather(
            pipe.call("ECHO", "a"),
            pipe.call("INCR", "word"),
            pipe.call("EVALSHA", "0" * 40, 1, "word"),
            pipe.call("ECHO", None),
            pipe.call("ECHO", "b"),
            return_exceptions=True,
        )
        assert answers[0] == b"a"
        assert isinstance(answers[1], ResponseError)
        assert isinstance(answers[2], NoScriptError)
        assert isinstance(answers[3], DataError)
        assert answers[4] == b"b"

    @pytest.mark.parametrize("protocol", [2, 3])
    async def test_answers_have_the_shapes_that_redis_py_gives_them(
        self, redis: Redis, redis_url: str, protocol: int
    ) -> None:
        client = Redis.from_url(redis_url, protocol=protocol, decode_responses=True, db=3)
        pipe = Pipeliner(client)
        assert await pipe.call("PING") is True
        assert isinstance((await pipe.call("TIME"))[0], int)
        assert await pipe.call("SADD", b"set", "é", 1, 2.5) == 3
        assert await pipe.call("SMEMBERS", "set") == {"é", "1", "2.5"} == await client.smembers("set")
        assert await pipe.call("CONFIG GET", "databases") == await client.config_get("databases")
        assert not await redis.exists("set"), "it was in database 3"
        await client.aclose()

    async def test_what_redis_says_unasked_is_nobodys_answer(self, redis: Redis, redis_url: str) -> None:
        client = Redis.from_url(redis_url, protocol=3)
        pipe = Pipeliner(client)
        await pipe.call("CLIENT", "TRACKING", "ON", "BCAST")
        calls = asyncio.create_task(echoes(pipe, 100))
        await asyncio.gather(*(redis.set(f"key{n}", n) for n in range(50)))
        assert await calls == own(100)
        assert await echoes(pipe, 100) == own(100)
        await client.aclose()

    async def test_an_answer_too_many_cuts_the_connection_instead_of_moving_all_others(self, relay: Relay) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        assert await echoes(pipe, 20) == own(20)
        for connections, unasked in enumerate((b"$4\r\n9999\r\n", b"$4\r\n99"), start=2):
            relay.add(unasked)
            await nothing_borrowed(client)
            assert await echoes(pipe, 20) == own(20)
            assert relay.accepted == connections
        await nothing_borrowed(client)
        relay.add(b"$4\r\n9999\r\n")
        await asyncio.sleep(0.01)
        assert await echoes(pipe, 20) == own(20), "nor does one that came while nobody had borrowed it"
        await client.aclose()


class TestGivingUp:
    async def test_a_cancelled_caller_takes_nobody_with_it(self, relay: Relay) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.hold()
        calls = [asyncio.create_task(pipe.call("ECHO", str(n))) for n in range(3)]
        while b"\r\n2\r\n" not in relay.requests:
            await asyncio.sleep(0.01)
        calls[1].cancel()
        await asyncio.sleep(0)
        relay.let_go()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[0] == b"0"
        assert isinstance(answers[1], asyncio.CancelledError)
        assert answers[2] == b"2"
        assert await echoes(pipe, 20) == own(20)
        await client.aclose()

    async def test_a_caller_cancelled_before_the_tick_ends_sends_nothing(self, redis: Redis) -> None:
        pipe = Pipeliner(redis)
        call = asyncio.create_task(pipe.call("SET", "unwanted", "1"))
        asyncio.get_running_loop().call_soon(call.cancel)
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await pipe.call("EXISTS", "unwanted") == 0


class TestBreaking:
    async def test_without_a_server_every_caller_of_the_tick_hears_it(self, tmp_path: Path) -> None:
        client = Redis(unix_socket_path=str(tmp_path / "nobody"), retry=Retry(NoBackoff(), 0))
        answers = await echoes(Pipeliner(client), 5)
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
        await client.aclose()

    @pytest.mark.parametrize(("hang_ups", "retry", "heard"), [(1, True, True), (1, False, False), (2, True, False)])
    async def test_a_broken_connection_is_tried_once_more_by_those_that_may(
        self, relay: Relay, hang_ups: int, retry: bool, heard: bool
    ) -> None:
        relay.hang_ups = hang_ups
        client = relay.client()
        pipe = Pipeliner(client)
        answers = await echoes(pipe, 1, retry=retry)
        if heard:
            assert answers == own(1)
        else:
            assert isinstance(answers[0], StoreUnavailable)
            assert await pipe.call("ECHO", "back") == b"back", "the next call finds a new connection by itself"
        await client.aclose()

    @pytest.mark.parametrize("through", [1, 9, 10, 11, 155, 160, 163, 395, 399])
    async def test_a_connection_cut_in_the_middle_of_a_batch_answers_those_it_had_answered(
        self, relay: Relay, through: int
    ) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.left = through
        answers = await echoes(pipe, 40, retry=False)
        done = through // 10
        assert answers[:done] == own(40)[:done]
        assert [type(answer) for answer in answers[done:]] == [StoreUnavailable] * (40 - done)
        assert await echoes(pipe, 100) == own(100), "none of the lost answers turns up later"
        relay.left = through
        assert await echoes(pipe, 40) == own(40), "those that may are sent once more"
        await client.aclose()

    async def test_what_is_sent_once_more_is_sent_in_the_same_order(self, redis: Redis, relay: Relay) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.left = 1
        await asyncio.gather(*(pipe.call("RPUSH", "list", number) for number in range(40)))
        assert await redis.lrange("list", 0, -1) == [b"%d" % number for number in range(40)] * 2
        await client.aclose()

    async def test_a_redis_that_answers_half_a_batch_and_dies_leaves_nobody_waiting(self, relay: Relay) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.left, relay.dies = 200, True
        answers = await echoes(pipe, 40)
        assert answers[:20] == own(20)
        assert [type(answer) for answer in answers[20:]] == [StoreUnavailable] * 20
        assert [type(answer) for answer in await echoes(pipe, 3)] == [StoreUnavailable] * 3
        await client.aclose()

    @pytest.mark.parametrize("seed", range(4))
    async def test_in_a_storm_of_cuts_and_cancellations_nobody_gets_a_strangers_answer(
        self, relay: Relay, seed: int
    ) -> None:
        client = relay.client()
        pipe = Pipeliner(client)
        outcomes: list[type] = []

        def has_been_a_storm() -> bool:
            """One without cuts and cancellations proves nothing."""
            return {bytes, StoreUnavailable, asyncio.CancelledError} <= set(outcomes) and relay.accepted > 3

        async def caller(number: int) -> None:
            dice, turn = random.Random(f"{seed} {number}"), 0
            while turn < 40 or not has_been_a_storm():
                turn += 1
                mine = f"{number}/{turn}/" + "x" * dice.choice((0, 10, 40_000))
                call = asyncio.create_task(pipe.call("ECHO", mine, retry=dice.random() < 0.5))
                if dice.random() < 0.2:
                    await asyncio.sleep(dice.choice((0, dice.random() * 0.002)))
                    call.cancel()
                answer: Any = (await asyncio.gather(call, return_exceptions=True))[0]
                outcomes.append(type(answer))
                if not isinstance(answer, (StoreUnavailable, asyncio.CancelledError)):
                    assert answer == mine.encode()
                if dice.random() < 0.02 and relay.left is None:
                    relay.left = dice.randrange(1, 60_000)

        async with asyncio.timeout(300):
            await asyncio.gather(*(caller(number) for number in range(30)))
        await client.aclose()

    async def test_a_silent_redis_is_given_up_after_the_clients_timeout(self, relay: Relay) -> None:
        client = relay.client(socket_timeout=60)
        pipe = Pipeliner(client)
        await pipe.call("PING")
        await nothing_borrowed(client)
        # Until all is sent: the second connection, which is answered, may take its time.
        (connection,) = client.connection_pool._available_connections
        connection.socket_timeout = 0.2
        relay.hold()
        calls = [
            asyncio.create_task(pipe.call("ECHO", "once", retry=False)),
            asyncio.create_task(pipe.call("ECHO", "twice")),
        ]
        while on_wire(client) < 2:
            await asyncio.sleep(0.01)
        connection.socket_timeout = 60
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(answers[0], StoreUnavailable)
        assert answers[1] == b"twice", "the second connection was answered"
        relay.let_go()
        assert await echoes(pipe, 40) == own(40), "the late answers meet nobody"
        await client.aclose()

    async def test_a_client_without_a_timeout_waits(self, relay: Relay) -> None:
        client = relay.client(socket_timeout=None)
        pipe = Pipeliner(client)
        await pipe.call("PING")
        relay.hold()
        call = asyncio.create_task(pipe.call("ECHO", "patience", retry=False))
        await asyncio.sleep(0.3)
        relay.let_go()
        assert await call == b"patience"
        await client.aclose()

    async def test_a_server_that_is_no_master_any_more_is_left_for_a_new_connection(self, redis: Redis) -> None:
        pipe = Pipeliner(redis)
        await pipe.call("SET", "a", 1)
        before = await stat(redis, "total_connections_received")
        await administer(redis, "REPLICAOF", "127.0.0.1", "1")
        try:
            answers = await asyncio.gather(pipe.call("SET", "a", 2), pipe.call("GET", "a"), return_exceptions=True)
        finally:
            await administer(redis, "REPLICAOF", "NO", "ONE")
        assert isinstance(answers[0], StoreUnavailable)
        assert answers[1] == b"1"
        assert await stat(redis, "total_connections_received") > before
        assert await pipe.call("SET", "a", 3) is True


class TestBorrowing:
    async def test_a_connection_that_nobody_uses_goes_back(
        self, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pipeline, "LEASE_TICKS", 10**9)
        client = Redis.from_url(redis_url)
        pipe = Pipeliner(client)
        asleep = asyncio.create_task(pipe.call("BLPOP", "bed", 0, retry=False))
        while not client.connection_pool._in_use_connections:
            await asyncio.sleep(0.01)
        await redis.rpush("bed", "awake")
        assert await asleep
        await nothing_borrowed(client)
        assert len(client.connection_pool._available_connections) == 1
        await client.aclose()

    async def test_a_connection_in_use_is_renewed_under_way_and_no_answer_is_lost(
        self, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """redis-py does its upkeep on what comes back: new credentials, health, moved servers."""
        monkeypatch.setattr(pipeline, "TICK_S", 0.001)
        monkeypatch.setattr(pipeline, "LEASE_TICKS", 1)
        borrowed = 0
        get_connection: Any = redis.connection_pool.get_connection

        async def counting() -> Any:
            nonlocal borrowed
            borrowed += 1
            return await get_connection()

        monkeypatch.setattr(redis.connection_pool, "get_connection", counting)
        pipe = Pipeliner(redis)

        async def caller(number: int) -> None:
            turn = 0
            while turn < 100 or borrowed < 4:
                turn += 1
                assert await pipe.call("ECHO", f"{number}/{turn}") == f"{number}/{turn}".encode()

        async with asyncio.timeout(60):
            await asyncio.gather(*(caller(number) for number in range(50)))

    async def test_health_is_checked_by_redis_py_before_a_connection_is_used_again(
        self, redis: Redis, redis_url: str
    ) -> None:
        client = Redis.from_url(redis_url, health_check_interval=0.01)
        pipe = Pipeliner(client)
        await echoes(pipe, 3)
        await nothing_borrowed(client)
        await redis.config_resetstat()
        (connection,) = client.connection_pool._available_connections
        while asyncio.get_running_loop().time() <= connection.next_health_check:
            await asyncio.sleep(0.005)
        assert await echoes(pipe, 3) == own(3)
        assert (await redis.info("commandstats"))["cmdstat_ping"]["calls"] == 1
        await client.aclose()

    @pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
    @pytest.mark.parametrize("end", ["idle", "calls on the wire", "callers cancelled", "never closed"])
    def test_at_the_end_nothing_is_left_open(
        self,
        redis_url: str,
        caplog: pytest.LogCaptureFixture,
        recwarn: pytest.WarningsRecorder,
        run: Callable[[Coroutine[Any, Any, None]], None],
        end: str,
    ) -> None:
        async def live() -> None:
            client = Redis.from_url(redis_url)
            pipes = [Pipeliner(client) for _ in range(3)]
            assert [await echoes(pipe, 3) for pipe in pipes] == [own(3)] * 3
            if end != "idle":
                asleep = [asyncio.create_task(pipe.call("BLPOP", "nothing", 0, retry=False)) for pipe in pipes]
                while on_wire(client) < 3:
                    await asyncio.sleep(0.01)
            if end == "never closed":
                return
            if end == "callers cancelled":
                for call in asleep:
                    call.cancel()
            await client.aclose()
            if end == "calls on the wire":
                answers = await asyncio.gather(*asleep, return_exceptions=True)
                assert [type(answer) for answer in answers] == [StoreUnavailable] * 3

        # What tests before this one have left behind is theirs.
        gc.collect()
        recwarn.clear()
        caplog.clear()
        run(live())
        gc.collect()
        unclosed = [str(warning.message) for warning in recwarn if "nclosed" in str(warning.message)]
        # redis-py itself complains of a client that was never closed.
        assert not unclosed or end == "never closed"
        assert not [record.message for record in caplog.records if record.name == "asyncio"]

    def test_a_pipeliner_lives_on_in_the_next_loop(self, redis_url: str) -> None:
        client = Redis.from_url(redis_url)
        pipe = Pipeliner(client)

        async def live() -> None:
            assert await echoes(pipe, 20) == own(20)
            await client.aclose()

        asyncio.run(live())
        asyncio.run(live())
