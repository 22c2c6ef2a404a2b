"""Redis calls of one loop tick, written as one and answered over one connection.

redis-py connects, authenticates, checks the connection's health and gets it back; in between we write to its transport
and read from it ourselves, which costs a third of what its own pipelines cost. Answers come in the order of the calls,
so the calls on the wire are a queue, and one thing must never happen: an answer that reaches the wrong caller. Hence a
connection is either given back with nothing on the wire, or cut.

Written for redis-py 8: beside its public methods we use a connection's `_writer`, for the transport, and its parser,
for the names of Redis' errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import hiredis
from redis import exceptions as errors
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPoolInterface
from redis.connection import HiredisRespSerializer

# Calls beyond these wait for answers first: whoever gives up while waiting is then never sent.
ON_WIRE_MAX: Final = 256
# Answers settled before others get their turn. Redis answers a whole read at once; were it all settled at once, all
# would call again at once, and Redis and we would take turns instead of working at the same time.
STRIDE: Final = 16
# A connection that nobody used during one tick goes back to redis-py; so does one in use, after so many of them.
TICK_S: Final = 0.05
LEASE_TICKS: Final = 20
# How often a call follows a slot that moves between the nodes of a cluster, and how long it waits where it cannot.
MOVES_MAX: Final = 16
MOVE_PAUSE_S: Final = 0.05

# Where a command's first key stands; the others go the cluster client's own way.
_KEY_AT: Final = {"EVALSHA": 3, "EVAL": 3, "HMGET": 1, "SADD": 1, "SMEMBERS": 1}
_NOTHING: Final = object()
_ASKING: Final = hiredis.pack_command(("ASKING",))
_MOVING: Final = (errors.AskError, errors.TryAgainError, errors.ClusterDownError)
_AWAY: Final = (errors.ConnectionError, errors.TimeoutError, errors.ClusterError, errors.RedisClusterException, OSError)


class StoreUnavailable(ConnectionError):
    """Redis cannot be reached, or went away before it answered. The call may or may not have been carried out."""


class Pipeliner:
    """Batches calls over one redis-py client, with those of its other Pipeliners. Use it from one event loop, and for
    commands that neither block nor change the connection.

    It needs no closing: what it borrows goes back to the client within moments, and is closed with the client.
    """

    def __init__(self, redis: Redis | RedisCluster) -> None:
        self._redis = redis
        self._servers: _Server | _Cluster = _Cluster(redis) if isinstance(redis, RedisCluster) else _server_of(redis)
        self._callbacks = redis.response_callbacks

    async def call(self, *command: Any, retry: bool = True) -> Any:
        """The answer to one command.

        `retry`: the command may be sent once more when the connection broke, for those that may happen twice.
        Raises StoreUnavailable, or redis' own ResponseError for this command alone. A caller that is cancelled loses
        only its answer: the command may already be on its way, and its neighbours go on.
        """
        lane = self._servers.lane(command)
        if lane is None and isinstance(self._redis, RedisCluster):
            # Nobody has asked the cluster yet, or nobody has the slot now.
            await _apart(self._redis.initialize())
            lane = self._servers.lane(command)
        if lane is None:
            return await _apart(self._redis.execute_command(*command))
        call = _Call(command, lane.loop.create_future(), retry=retry)
        lane.enqueue(call)
        answer = await call.answer
        callback = self._callbacks.get(command[0])
        return answer if callback is None else callback(answer)


class _Call:
    __slots__ = ("answer", "asking", "command", "moves", "packed", "retry")

    def __init__(self, command: tuple[Any, ...], answer: asyncio.Future[Any], *, retry: bool) -> None:
        self.command = command
        self.packed = _pack(command)
        self.answer = answer
        self.retry = retry
        self.asking = False
        self.moves = 0

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _unavailable(error: Exception) -> StoreUnavailable:
    unavailable = StoreUnavailable(f"Redis is not available: {error}")
    unavailable.__cause__ = error
    return unavailable


def _pack(command: tuple[Any, ...]) -> bytes:
    try:
        if " " not in command[0]:
            return cast(bytes, hiredis.pack_command(command))
    except TypeError:
        pass
    # Rare: a name of two words, a name in bytes, a bytearray; DataError for what Redis has no words for.
    return b"".join(HiredisRespSerializer().pack(*command))


class _Link(asyncio.Protocol):
    """A borrowed connection, and the calls on it that Redis has yet to answer, oldest first.

    While it is ours its bytes come here instead of to redis-py's stream reader, which therefore holds none of them.
    """

    def __init__(self, connection: AbstractConnection, lane: _Lane) -> None:
        self.connection = connection
        self.lane = lane
        # None: an answer that nobody waits for.
        self.wire: deque[_Call | None] = deque()
        # No more calls: it goes back as soon as the wire is empty.
        self.leaving = False
        # Redis refused a call in a way that only a new connection mends.
        self.unfit = False
        self._parser: Any = connection._get_parser()
        encoder = connection.encoder
        decoding = {"encoding": encoder.encoding, "errors": encoder.encoding_errors} if encoder.decode_responses else {}
        protocol_error, reply_error = errors.InvalidResponse, self._parser.parse_error
        self._reader = hiredis.Reader(protocol_error, reply_error, notEnoughData=_NOTHING, **decoding)
        self._read_again = False
        self._used = True
        self._ticks = 0
        self._silent_ticks = 0
        timeout = connection.socket_timeout
        self._silent_ticks_max = math.inf if timeout is None else math.ceil(timeout / TICK_S)
        self.transport = cast(asyncio.StreamWriter, connection._writer).transport
        self._streams = self.transport.get_protocol()
        self.transport.set_protocol(self)
        self._timer = lane.loop.call_later(TICK_S, self._tick, context=lane.context)

    def send(self, calls: list[_Call]) -> None:
        if not self.wire:
            self._silent_ticks = 0
        parts = []
        for call in calls:
            if call.asking:
                call.asking = False
                self.wire.append(None)
                parts.append(_ASKING)
            self.wire.append(call)
            parts.append(call.packed)
        self._used = True
        self.transport.write(b"".join(parts))

    def data_received(self, data: bytes) -> None:
        self._silent_ticks = 0
        self._reader.feed(data)
        if not self._read_again:
            self._read()

    def _read(self) -> None:
        self._read_again = False
        if self.lane.link is not self:
            return
        gets, wire = self._reader.gets, self.wire
        for _ in range(STRIDE):
            try:
                answer = gets()
            except Exception as error:  # noqa: BLE001  # an answer is gone: all others would meet the wrong callers
                self.lane.lose(self, error)
                return
            if answer is _NOTHING:
                break
            if isinstance(answer, hiredis.PushNotification):
                self.lane.spawn(self._parser.handle_push_response(answer))
            elif not wire:
                self.lane.lose(self, errors.InvalidResponse("Redis answered what nobody asked"))
                return
            elif (call := wire.popleft()) is not None:
                if isinstance(answer, errors.RedisError):
                    self.lane.refused(self, call, answer)
                elif not call.answer.done():
                    call.answer.set_result(answer)
        else:
            self._read_again = True
            self.lane.loop.call_soon(self._read, context=self.lane.context)
        self.lane.answered(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._streams.connection_lost(error)
        self.lane.lose(self, error or errors.ConnectionError("Redis hung up"))

    def _tick(self) -> None:
        """The time is counted in ticks, so that a loop which stood still finds what came in the meantime."""
        self._ticks += 1
        self._silent_ticks += 1
        if self.wire and self._silent_ticks > self._silent_ticks_max:
            self.lane.lose(self, errors.TimeoutError("Redis did not answer in time"))
            return
        if self._ticks >= LEASE_TICKS or not (self.wire or self._used):
            self.leaving = True
        self._used = False
        if self.leaving and not self.wire:
            self.lane.renew()
        else:
            self._timer = self.lane.loop.call_later(TICK_S, self._tick, context=self.lane.context)

    def detach(self) -> None:
        """From now on nothing reaches the calls any more, and the connection is redis-py's."""
        self._timer.cancel()
        self.unfit = self.unfit or self._reader.has_data()
        if self.unfit:
            self.transport.abort()
        self.transport.set_protocol(self._streams)

    async def leave(self, lender: _Server | _Node) -> None:
        if self.unfit:
            with contextlib.suppress(errors.RedisError, OSError):
                await self.connection.disconnect(nowait=True)
        # redis-py counts from the last answer that it has read itself.
        self.connection.next_health_check = self.lane.loop.time() + self.connection.health_check_interval
        await lender.give_back(self.connection)


class _Lane:
    """The calls to one server: those that wait, and the link that carries the others."""

    def __init__(self, lender: _Server | _Node, cluster: _Cluster | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        # An own context: the caller whose tick this happens to be may have a database transaction open in its.
        self.context = contextvars.Context()
        self.link: _Link | None = None
        self._lender = lender
        self._cluster = cluster
        self._waiting: deque[_Call] = deque()
        self._due = False
        self._renewing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def enqueue(self, call: _Call) -> None:
        self._waiting.append(call)
        if not self._due:
            self._flush_soon()

    def _flush_soon(self) -> None:
        self._due = True
        self.loop.call_soon(self._flush, context=self.context)

    def _flush(self) -> None:
        self._due = False
        link = self.link
        if link is None:
            self.renew()
        elif link.transport.is_closing():
            self.lose(link, errors.ConnectionError("The connection was closed"))
        elif not link.leaving and (calls := self._next_calls(ON_WIRE_MAX - len(link.wire))):
            link.send(calls)

    def _next_calls(self, room: int) -> list[_Call]:
        calls: list[_Call] = []
        while self._waiting and len(calls) < room:
            call = self._waiting.popleft()
            # Those cancelled before they were sent need not be sent at all.
            if not call.answer.done():
                calls.append(call)
        return calls

    def answered(self, link: _Link) -> None:
        if link.leaving and not link.wire:
            self.renew()
        elif self._waiting and not self._due:
            self._flush_soon()

    def refused(self, link: _Link, call: _Call, error: errors.RedisError) -> None:
        if isinstance(error, (errors.ConnectionError, errors.ReadOnlyError)):
            # Still loading, no longer the master, no longer who we said we were.
            link.leaving = link.unfit = True
            self._fail([call], error)
        elif self._cluster is not None and isinstance(error, _MOVING):
            self.spawn(self._cluster.follow(call, error))
        else:
            call.fail(error)

    def lose(self, link: _Link, error: Exception) -> None:
        """The connection is no good any more, and what was on it is not known to have been done."""
        if link is not self.link:
            return
        calls = [call for call in link.wire if call is not None]
        link.wire.clear()
        link.unfit = True
        self._fail(calls, error)
        self.renew()

    def _fail(self, calls: list[_Call], error: Exception) -> None:
        again = []
        for call in calls:
            if call.answer.done():
                continue
            if call.retry:
                call.retry = False
                again.append(call)
            else:
                call.fail(_unavailable(error))
        if self._cluster is None:
            self._waiting.extendleft(reversed(again))
        else:
            # Perhaps another node is the master by now.
            for call in again:
                self.spawn(self._cluster.follow(call, error))

    def renew(self) -> None:
        """Give the link back, if there is one, and borrow another if anybody waits for it."""
        link, self.link = self.link, None
        if link is not None:
            link.detach()
        if not self._renewing:
            self._renewing = True
            self.spawn(self._renew(link))

    async def _renew(self, link: _Link | None) -> None:
        try:
            if link is not None:
                await link.leave(self._lender)
            while self._waiting and self.link is None:
                try:
                    connection = await self._lender.borrow()
                except (errors.RedisError, *_AWAY) as error:
                    self._fail(self._next_calls(len(self._waiting)), error)
                else:
                    self.link = _Link(connection, self)
        except asyncio.CancelledError:
            # Only when the loop is being shut down.
            for call in self._waiting:
                call.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # a fault of ours or redis-py's: nobody may wait for ever for it
            for call in self._next_calls(len(self._waiting)):
                call.fail(error)
        finally:
            self._renewing = False
        if self.link is not None:
            self._flush()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work, context=self.context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _apart(work: Coroutine[Any, Any, Any]) -> Any:
    """redis-py's own work, in a context of its own. Raises StoreUnavailable or ResponseError."""
    try:
        return await asyncio.get_running_loop().create_task(work, context=contextvars.Context())
    except _AWAY as error:
        raise _unavailable(error) from error


async def _ready(connection: Any) -> None:
    """Connected, healthy and silent."""
    await connection.connect()
    await connection.check_health()
    if await connection.can_read():
        # Hung up on, or with an answer on it that somebody else left.
        await connection.disconnect()
        await connection.connect()


class _Server:
    """A Redis client: its pool lends to its one lane."""

    def __init__(self, redis: Redis) -> None:
        self._pool: ConnectionPoolInterface = redis.connection_pool
        self._lane: _Lane | None = None

    def lane(self, command: tuple[Any, ...]) -> _Lane:
        if self._lane is None or self._lane.loop is not asyncio.get_running_loop():
            self._lane = _Lane(self)
        return self._lane

    async def borrow(self) -> AbstractConnection:
        connection = await self._pool.get_connection()
        try:
            await _ready(connection)
        except BaseException:
            await self._pool.release(connection)
            raise
        return connection

    async def give_back(self, connection: Any) -> None:
        await self._pool.release(connection)


_servers: WeakKeyDictionary[Redis, _Server] = WeakKeyDictionary()


def _server_of(redis: Redis) -> _Server:
    """One for all Pipeliners of a client, or as many would keep a connection each for a moment."""
    return _servers.get(redis) or _servers.setdefault(redis, _Server(redis))


class _Node:
    """A node of a cluster: lends to its lane."""

    def __init__(self, cluster: _Cluster, node: ClusterNode) -> None:
        self.node = node
        self._cluster = cluster

    async def borrow(self) -> AbstractConnection:
        connection = self.node.acquire_connection()
        try:
            await self.node.disconnect_if_needed(connection)
            await _ready(connection)
        except BaseException as error:
            self.node.release(connection)
            if isinstance(error, _AWAY):
                # The next call is for whoever has its slots now.
                with contextlib.suppress(errors.RedisError, *_AWAY):
                    await self._cluster.learn()
            raise
        return connection

    async def give_back(self, connection: Any) -> None:
        self.node.release(connection)


class _Cluster:
    """A cluster client: a lane for every master. It connects, and knows or learns who has which slots; following them
    is ours, because its own way disconnects everybody after a few moves, and sends ASKING and the command after it over
    different connections."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster = cluster
        self._lanes: dict[str, tuple[_Lane, ClusterNode]] = {}
        self._learning: asyncio.Task[None] | None = None

    def lane(self, command: tuple[Any, ...]) -> _Lane | None:
        """That of the master which has the first key; None when the client must find out, or there is no key."""
        at = _KEY_AT.get(command[0])
        if at is None or len(command) <= at:
            return None
        try:
            node = self._cluster.nodes_manager.get_node_from_slot(self._cluster.keyslot(command[at]))
        except (KeyError, errors.RedisClusterException):
            return None
        return self._lane_of(node)

    def _lane_of(self, node: ClusterNode) -> _Lane:
        lane, known = self._lanes.get(node.name, (None, None))
        if lane is None or known is not node or lane.loop is not asyncio.get_running_loop():
            lane = _Lane(_Node(self, node), self)
            self._lanes[node.name] = lane, node
        return lane

    async def learn(self) -> None:
        """Who has which slots now. All who wonder at a time share the question."""
        if self._learning is None or self._learning.done():
            work = self._cluster.nodes_manager.initialize()
            self._learning = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        await asyncio.shield(self._learning)

    async def follow(self, call: _Call, error: Exception) -> None:
        """The call was refused unseen, or may be sent once more: to whoever has its slot now."""
        call.moves += 1
        try:
            if call.moves > MOVES_MAX:
                raise error
            lane = await self._whither(call, error)
            if lane is None:
                raise error
        except Exception as problem:  # noqa: BLE001  # whatever it is, the caller waits for it
            call.fail(_unavailable(problem))
        else:
            lane.enqueue(call)

    async def _whither(self, call: _Call, error: Exception) -> _Lane | None:
        cluster = self._cluster
        if isinstance(error, errors.MovedError):
            await cluster.nodes_manager.move_slot(error)
        elif isinstance(error, errors.AskError) and (node := cluster.get_node(error.host, error.port)) is not None:
            call.asking = True
            return self._lane_of(node)
        elif isinstance(error, _MOVING):
            # Some of its keys here and some there, a node that has no slot of its own yet, or no master for now.
            await asyncio.sleep(MOVE_PAUSE_S)
        if not isinstance(error, (errors.AskError, errors.TryAgainError)):
            await self.learn()
        return self.lane(call.command)
