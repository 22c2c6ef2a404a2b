"""Words for one visitor alone: kept for a while, published on a channel of the visitor's own.

Kept, for who is between two connections or two pages; published, for who is here. A notice may therefore come twice,
and carries an id by which clients drop the second. Nobody subscribes for a visitor who is not connected.

On the same channel a visitor hears of the own places on waitlists. These are facts, not words: only the last counts, so
none is kept here; whoever has just begun to listen asks for them where they are known.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisClusterException, RedisError

from realtime import messages
from realtime.bus import RedisBus
from realtime.messages import Message
from realtime.rooms import SourceUnavailable

log = logging.getLogger("placeur.feed")

KEPT_MAX = 20
KEPT_S = 3_600
PLACE = b'{"t":"waitlist"'
# One step, so that whoever reads the list after subscribing has missed nothing. A visitor has one key: a cluster may.
KEEP_AND_TELL = """
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('PUBLISH', KEYS[1], ARGV[1])
"""


class Notice(msgspec.Struct, frozen=True):
    """`kind` is stable, for programs; `text` is in the visitor's language; `href` a page of this site, or empty."""

    kind: str
    text: str
    href: str = ""


async def send(redis: Redis, visitor: str, notice: Notice) -> str:
    """Keep it and tell it to wherever `visitor` is connected; its id. Raises RedisError."""
    id = secrets.token_hex(8)
    frame = msgspec.json.encode({"t": "notice", "id": id, **msgspec.to_builtins(notice)})
    await redis.eval(KEEP_AND_TELL, 1, key_of(visitor), frame, KEPT_MAX, KEPT_S)
    return id


async def tell_waitlist(redis: Redis, entries: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Where each of these visitors stands from now on, to those who are here. Raises RedisError."""
    async with redis.pipeline(transaction=False) as pipe:
        for visitor, own in entries.items():
            pipe.publish(key_of(visitor), messages.waitlist(own))
        await pipe.execute()


STIR = b"stir "


async def stir(redis: Redis, visitor: str, performance: int = 0) -> None:
    """The cart of this visitor is not what it was, in a way that shows on no map but, maybe, on that of `performance`.
    Never told to the visitor: their connections look at the cart. Raises RedisError."""
    await redis.publish(key_of(visitor), STIR + str(performance).encode())


def key_of(visitor: str) -> str:
    """Of the list and of the channel. `visitor` is a name that nobody else can have or guess."""
    return f"placeur:notices:{visitor}"


class NoticeTeller:
    """Tells one connection the notices of its visitor, once it is known who that is. An idle one has no task.

    `waitlist_of` answers where a visitor stands on waitlists; it raises SourceUnavailable. `stirred` is called with the
    performance of `stir`."""

    __slots__ = (
        "_again", "_bus", "_followed", "_pause_s", "_places", "_redis", "_stirred", "_task", "_tell", "_told",
        "_unsubscribe", "_visitor", "_waitlist_of",
    )  # fmt: skip

    def __init__(
        self,
        redis: Redis,
        bus: RedisBus,
        tell: Callable[[Message], bool],
        *,
        pause_s: float,
        waitlist_of: Callable[[str], Awaitable[Sequence[dict[str, Any]]]] | None = None,
        stirred: Callable[[int], None] = lambda performance: None,
    ) -> None:
        self._redis = redis
        self._stirred = stirred
        self._waitlist_of = waitlist_of
        self._bus = bus
        self._tell = tell
        self._pause_s = pause_s
        self._visitor: str | None = None
        self._followed: str | None = None
        self._unsubscribe: Callable[[], Awaitable[None]] | None = None
        self._told: list[bytes] = []
        self._places = 0
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def follow(self, visitor: str | None) -> None:
        """None: nobody, or the connection has ended."""
        if visitor != self._visitor:
            self._visitor = visitor
            self._look()

    def _look(self) -> None:
        self._again = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="notices")
            self._task.add_done_callback(self._ended)

    async def _work(self) -> None:
        while self._again:
            self._again = False
            await self._listen()
            if self._visitor is None:
                continue
            try:
                for frame in await cast(Awaitable[list[bytes]], self._redis.lrange(key_of(self._visitor), 0, -1)):
                    self._pass_on(frame)
                await self._place()
            except (SourceUnavailable, RedisError, RedisClusterException, OSError):
                self._again = True
            await asyncio.sleep(self._pause_s)

    async def _place(self) -> None:
        if self._waitlist_of is None or self._visitor is None:
            return
        heard = self._places
        entries = await self._waitlist_of(self._visitor)
        # What was published while we asked is newer than the answer. Nothing is an answer too: a page that was cut off
        # may still show what has been left.
        if heard == self._places:
            self._pass_on(messages.waitlist(entries))

    async def _listen(self) -> None:
        """To the visitor who is wanted now, and nobody else. Never cancelled: a subscription would be left behind."""
        if self._followed == self._visitor:
            return
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        self._followed = self._visitor
        if self._followed is not None:
            self._unsubscribe = await self._bus.subscribe(key_of(self._followed), self._hear)

    def _hear(self, frame: bytes | None) -> None:
        if frame is None:
            self._look()
        elif frame.startswith(STIR):
            self._stirred(int(frame.removeprefix(STIR)))
        else:
            self._pass_on(frame)

    def _pass_on(self, frame: bytes) -> None:
        if self._visitor is None:
            return
        if frame.startswith(PLACE):
            self._places += 1
            self._tell(Message(frame))  # a place that comes back is news again
        elif frame not in self._told and self._tell(Message(frame)):
            self._told.append(frame)
            del self._told[: -2 * KEPT_MAX]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a visitor's notices could not be told", exc_info=problem)
        elif self._again and not task.cancelled():
            self._look()
