"""One Redis pub/sub connection for the whole process, however many rooms listen.

redis-py's own PubSub reconnects inside a read and says nothing; whoever missed messages must be told here, so this is a
bare connection of the client's pool settings with our own loop around it: connect, subscribe to all that is wanted,
read. Every confirmed subscription is announced with None ("from now on; what was before, look for yourself").
Publications are a matter of speed only: rooms find by themselves what was lost.

In a cluster any node will do: what is published at one is passed on to all. The next connection goes to another, so a
node that is away is left behind. (Sharded channels would spare the other nodes the passing on, at the price of a
connection to each shard that has a performance; a change is a few dozen bytes.)
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisClusterException, RedisError

log = logging.getLogger("placeur.feed")

PING_S = 5.0
RETRY_MAX_S = 2.0

Hear = Callable[[bytes | None], None]


class RedisBus:
    """Subscriptions of one process. `subscribe` never waits for Redis and never fails."""

    def __init__(
        self, redis: Redis | RedisCluster, *, ping_s: float = PING_S, dice: random.Random | None = None
    ) -> None:
        self._redis = redis
        self._ping_s = ping_s
        self._dice = dice or random.Random()  # noqa: S311  jitter, not a secret
        self._listeners: dict[bytes, list[Hear]] = {}
        self._connection: AbstractConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard = False

    async def subscribe(self, channel: str, hear: Hear) -> Callable[[], Awaitable[None]]:
        """`hear` gets each message's bytes, and None whenever earlier ones may have been missed."""
        key = channel.encode()
        listeners = self._listeners.setdefault(key, [])
        listeners.append(hear)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="feed bus")
        elif len(listeners) == 1:
            await self._say(b"SUBSCRIBE", key)
        else:
            hear(None)

        async def unsubscribe() -> None:
            listeners = self._listeners.get(key, [])
            if hear in listeners:
                listeners.remove(hear)
            if not listeners and self._listeners.pop(key, None) is not None:
                await self._say(b"UNSUBSCRIBE", key)

        return unsubscribe

    async def close(self) -> None:
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _run(self) -> None:
        pause_s = 0.05
        while True:
            try:
                connection = await self._new_connection()
                try:
                    await connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it bare
                    pause_s = 0.05
                    await self._listen(connection)
                finally:
                    self._connection = None
                    await connection.disconnect(nowait=True)
            except (RedisError, RedisClusterException, OSError) as problem:
                log.info("feed bus: %s; connecting again", problem)
            await asyncio.sleep(pause_s * self._dice.uniform(0.5, 1.5))
            pause_s = min(pause_s * 2, RETRY_MAX_S)

    async def _new_connection(self) -> AbstractConnection:
        whence: Any = self._redis
        if isinstance(self._redis, RedisCluster):
            await self._redis.initialize()
            whence = self._dice.choice(self._redis.get_primaries())
        else:
            whence = self._redis.connection_pool
        made: AbstractConnection = whence.connection_class(**{**whence.connection_kwargs, "protocol": 2})
        return made

    async def _listen(self, connection: AbstractConnection) -> None:
        self._connection = connection
        if self._listeners:
            await connection.send_command(b"SUBSCRIBE", *self._listeners, check_health=False)
        pinger = asyncio.create_task(self._ping(connection), name="feed bus ping")
        try:
            while True:
                self._hear(await connection.read_response(timeout=math.inf, disconnect_on_error=False))
        finally:
            pinger.cancel()

    def _hear(self, response: Any) -> None:
        self._heard = True
        if not isinstance(response, list) or len(response) != 3:
            return
        kind, channel, data = response
        if kind == b"message":
            for hear in tuple(self._listeners.get(channel, ())):
                hear(data)
        elif kind == b"subscribe":
            for hear in tuple(self._listeners.get(channel, ())):
                hear(None)

    async def _ping(self, connection: AbstractConnection) -> None:
        """A half-open connection takes what is written and says nothing: only silence after a ping betrays it."""
        while True:
            self._heard = False
            try:
                await connection.send_command(b"PING", check_health=False)
            except (RedisError, OSError):
                return  # the reader notices too
            await asyncio.sleep(self._ping_s)
            if not self._heard:
                log.warning("feed bus: Redis has not answered for %.0f s; connecting again", self._ping_s)
                await connection.disconnect(nowait=True)
                return

    async def _say(self, *command: bytes) -> None:
        """Best effort: a connection that fails here is replaced, and the next subscribes to all that is wanted."""
        if self._connection is not None:
            try:
                await self._connection.send_command(*command, check_health=False)
            except (RedisError, OSError) as problem:
                log.info("feed bus: %s", problem)
