"""Figures that are asked for while somebody watches, at most once a period, and sent only when they changed (LIVE-6).

Unlike a room's, these have no versions: each frame is complete, so a cut needs no resume. One computation serves all
who see the same (`key`); whoever sees something else has another key.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from realtime import messages
from realtime.messages import CLOSE_INTERNAL, CLOSE_RESTART, CLOSE_SLOW, CLOSE_UNKNOWN, Message
from realtime.room import Socket
from realtime.rooms import SourceUnavailable

log = logging.getLogger("placeur.feed")

Compute = Callable[[], Awaitable[dict[str, Any] | None]]


class FiguresFeed:
    """All figures watched in this process. Use from one event loop."""

    def __init__(self, *, period_s: float = 1.0, beat_s: float = 10.0) -> None:
        self._period_s = period_s
        self._beat_s = beat_s
        self._watches: dict[Hashable, _Watch] = {}

    def join(self, key: Hashable, socket: Socket, compute: Compute) -> None:
        """Also for a second hello: the last figures at once if there are any, then every change."""
        watch = self._watches.get(key)
        if watch is None:
            watch = _Watch(compute, self._period_s, self._beat_s, lambda: self._watches.pop(key, None))
            self._watches[key] = watch
        watch.add(socket)

    def leave(self, key: Hashable, socket: Socket) -> None:
        if (watch := self._watches.get(key)) is not None:
            watch.discard(socket)

    def watched(self) -> int:
        return len(self._watches)

    async def close(self) -> None:
        for watch in list(self._watches.values()):
            watch.close_all(CLOSE_RESTART, "restarting")
            watch.task.cancel()
            await asyncio.wait([watch.task])
        self._watches.clear()


class _Watch:
    def __init__(self, compute: Compute, period_s: float, beat_s: float, forget: Callable[[], object]) -> None:
        self._compute = compute
        self._period_s = period_s
        self._beat_s = beat_s
        self._forget = forget
        self._sockets: set[Socket] = set()
        self._last: Message | None = None
        self._doubted = False
        self.task = asyncio.get_running_loop().create_task(self._run(), name="figures")
        self.task.add_done_callback(self._ended)

    def add(self, socket: Socket) -> None:
        self._sockets.add(socket)
        if self._last is not None:
            self._send(socket, self._last)
            if self._doubted:
                self._send(socket, messages.resnapshot("source_unreachable"))

    def discard(self, socket: Socket) -> None:
        self._sockets.discard(socket)
        if not self._sockets:
            self._forget()
            self.task.cancel()

    def close_all(self, code: int, reason: str) -> None:
        sockets, self._sockets = self._sockets, set()
        for socket in sockets:
            socket.close(code, reason)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        beat_at_s = loop.time() + self._beat_s
        failures = 0
        while True:
            started_s = loop.time()
            try:
                body = await self._compute()
                failures = 0
            except SourceUnavailable as problem:
                failures += 1
                if failures == 3:
                    log.warning("figures are out of reach: %s", problem)
                    self._doubted = True
                    self._broadcast(messages.resnapshot("source_unreachable"))
            else:
                if body is None:
                    self.close_all(CLOSE_UNKNOWN, "no such feed")
                    return
                message = messages.figures(body)
                if self._last is None or self._doubted or message.payload != self._last.payload:
                    self._last, self._doubted = message, False
                    self._broadcast(message)
            if not failures and loop.time() >= beat_at_s:
                beat_at_s = loop.time() + self._beat_s
                self._broadcast(messages.beat("", 0, time.time_ns() // 1_000_000))
            await asyncio.sleep(max(0.0, started_s + self._period_s - loop.time()))

    def _broadcast(self, message: Message) -> None:
        for socket in list(self._sockets):
            self._send(socket, message)

    def _send(self, socket: Socket, message: Message) -> None:
        if not socket.send(message):
            self.discard(socket)
            socket.close(CLOSE_SLOW, "reads too slowly")

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._forget()
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("figures stopped on a defect; those who watch come back", exc_info=problem)
            self.close_all(CLOSE_INTERNAL, "internal error")
