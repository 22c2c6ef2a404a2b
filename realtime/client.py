"""A client of the feed in Python: for tests, agents and measurements. docs/feed.md describes what it speaks.

async with Feed("ws://box.office/live/performances/7") as feed:
    await feed.until(lambda feed: feed.codes[12] == 1)
    async for event in feed.events(): ...
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from realtime.follower import Event, Follower, OwnEntry, Reaction, Status
from realtime.messages import Quota

SNAPSHOT_BYTES_MAX = 4 * 1024 * 1024


class FeedEnded(Exception):
    """The server does not want us back; `code` is its close code (or HTTP status of a refused handshake)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the feed was closed for good: {code}")
        self.code = code


class Feed:
    """Follows one feed until left, through cuts and restarts. What it knows is in its attributes; `events()` tells
    what happens, `until()` waits for something."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, dice: random.Random | None = None
    ) -> None:
        self.url = url
        self.follower = Follower()
        self.reconnects = 0
        self._rejoining = False
        self._headers = dict(headers or {})
        self._dice = dice or random.Random()  # noqa: S311  jitter, not a secret
        self._task: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._stirred = asyncio.Event()
        self.ended: FeedEnded | None = None

    async def __aenter__(self) -> Feed:
        self._task = asyncio.create_task(self._run(), name=f"feed {self.url}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        self._end()

    @property
    def codes(self) -> bytearray:
        return self.follower.codes

    @property
    def version(self) -> int:
        return self.follower.version

    @property
    def quotas(self) -> dict[str, Quota]:
        return self.follower.quotas

    @property
    def cart(self) -> dict[str, Any] | None:
        return self.follower.cart

    @property
    def kept(self) -> tuple[int, ...]:
        """The seats kept for this visitor that can be had now."""
        return self.follower.kept

    @property
    def waitlist(self) -> tuple[OwnEntry, ...]:
        """This visitor's own places on waitlists."""
        return self.follower.waitlist

    @property
    def seat_view(self) -> str:
        """The version of the photos that show the views from the seats; "" when there are none."""
        return self.follower.seat_view

    @property
    def status(self) -> Status:
        return self.follower.status

    async def until(self, true: Callable[[Feed], bool], timeout_s: float = 30.0) -> None:
        """Wait until `true(feed)`. Raises TimeoutError, and FeedEnded when it can no longer become true."""
        async with asyncio.timeout(timeout_s):
            while not true(self):
                if self.ended is not None:
                    raise self.ended
                self._stirred.clear()
                await self._stirred.wait()

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happens from now on, until the feed ends."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while self.ended is None and (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    async def cut(self) -> None:
        """Drop the connection as a dead network would, to see it resume."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def rejoin(self) -> None:
        """Connect anew at once, with the same place: after the cookies changed (a first cart, a log-in)."""
        if self._socket is not None:
            self._rejoining = True
            await self._socket.close()

    async def _run(self) -> None:
        while True:
            code = await self._connect_once()
            pause_s, reaction = self.follower.closed(code, self._dice)
            await self._react(reaction)
            if pause_s is None:
                self.ended = FeedEnded(code)
                self._end()
                return
            if not self._rejoining:
                await asyncio.sleep(pause_s)
            self._rejoining = False
            self.reconnects += 1

    async def _connect_once(self) -> int:
        """One connection from start to end; its close code."""
        try:
            socket = await connect(
                self.url, additional_headers=self._headers, compression=None, max_size=SNAPSHOT_BYTES_MAX, proxy=None
            )
        except InvalidHandshake as problem:
            status = getattr(getattr(problem, "response", None), "status_code", 0)
            return 4000 + status if status in (401, 403, 404) else 1006
        except (OSError, TimeoutError):
            return 1006
        self._socket = socket
        ticker = asyncio.create_task(self._tick(socket))
        try:
            await self._react(self.follower.opened(time.time()))
            while True:
                await self._react(self.follower.receive(str(await socket.recv()), time.time()))
        except ConnectionClosed:
            return socket.close_code or 1006
        finally:
            ticker.cancel()
            self._socket = None
            socket.transport.abort()

    async def _tick(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self._react(self.follower.tick(time.time()))

    async def _react(self, reaction: Reaction) -> None:
        socket = self._socket
        if socket is not None:
            with contextlib.suppress(ConnectionClosed):  # the reader sees it too, and knows what to do
                for frame in reaction.send:
                    await socket.send(frame)
            if reaction.drop:
                socket.transport.abort()
        if reaction.events:
            for queue in self._listeners:
                for event in reaction.events:
                    queue.put_nowait(event)
            self._stirred.set()

    def _end(self) -> None:
        for queue in self._listeners:
            queue.put_nowait(None)
        self._stirred.set()
