"""One connection from hello to goodbye, over any ASGI server's `receive` and an outlet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import messages
from realtime.protocol import Join, Limits, Refuse, Resume, Viewer
from realtime.sockets import Outlet

AsgiReceive = Callable[[], Awaitable[Any]]
Recheck = Callable[[], Awaitable[Refuse | None]]


async def converse(
    receive: AsgiReceive,
    outlet: Outlet,
    limits: Limits,
    *,
    join: Callable[[Resume | None], None],
    pong: Callable[[], None],
    recheck: Recheck | None = None,
    recheck_s: float = 30.0,
) -> None:
    """Until the client goes, is refused, or is closed by somebody else (the room, the server).

    `join` at each hello, `pong` at each ping. `recheck` is asked now and then whether this viewer may still look: a
    log-in may end while its page stays open (LIVE-2).
    """
    loop = asyncio.get_running_loop()
    viewer = Viewer(limits, loop.time())
    hello_by_s = loop.time() + limits.hello_timeout_s
    check_at_s = loop.time() + recheck_s if recheck else None
    while True:
        wake_at_s = hello_by_s if not viewer.greeted else check_at_s
        try:
            async with asyncio.timeout_at(wake_at_s):
                event = await receive()
        except TimeoutError:
            refusal = viewer.overdue(loop.time())
            if refusal is None and recheck is not None and viewer.greeted:
                refusal = await recheck()
                check_at_s = loop.time() + recheck_s
            if refusal is not None:
                refuse(outlet, refusal)
                return
            continue
        if event["type"] != "websocket.receive":
            return
        said = viewer.receive(_said(event), loop.time())
        if isinstance(said, Refuse):
            refuse(outlet, said)
            return
        if isinstance(said, Join):
            join(said.resume)
        else:
            pong()


def listen(
    outlet: Outlet,
    limits: Limits,
    *,
    join: Callable[[Resume | None], None],
    pong: Callable[[], None],
    gone: Callable[[], None],
) -> bool:
    """`converse` without a task, for those who need not be checked again: the handler returns at once, and `gone` is
    called once, when the connection has ended. False where the server cannot do that; nothing has happened then."""
    listener = _Listener(outlet, limits, join, pong, gone)
    if not outlet.listen(listener.hear):
        return False
    listener.wait_for_hello()
    return True


class _Listener:
    """What a conversation is between two frames."""

    __slots__ = ("_gone", "_join", "_limits", "_outlet", "_overdue", "_pong", "_viewer")

    def __init__(
        self,
        outlet: Outlet,
        limits: Limits,
        join: Callable[[Resume | None], None],
        pong: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._outlet = outlet
        self._join = join
        self._pong = pong
        self._gone: Callable[[], None] | None = gone
        self._viewer: Viewer | None = Viewer(limits, asyncio.get_running_loop().time())
        self._overdue: asyncio.TimerHandle | None = None

    def wait_for_hello(self) -> None:
        """To be called once the connection is listened to; it may have come with its first frames already."""
        if self._viewer is not None and not self._viewer.greeted:
            loop = asyncio.get_running_loop()
            self._overdue = loop.call_later(self._limits.hello_timeout_s, self._check_hello)

    def hear(self, event: Any) -> None:
        if event["type"] != "websocket.receive":
            self._end()
        elif self._viewer is not None:
            said = self._viewer.receive(_said(event), asyncio.get_running_loop().time())
            if isinstance(said, Refuse):
                self._refuse(said)
            elif isinstance(said, Join):
                self._stop_waiting()
                self._join(said.resume)
            else:
                self._pong()

    def _check_hello(self) -> None:
        self._overdue = None
        if self._viewer is not None and (refusal := self._viewer.overdue(asyncio.get_running_loop().time())):
            self._refuse(refusal)

    def _refuse(self, refusal: Refuse) -> None:
        self._viewer = None  # what it still says is not heard
        self._stop_waiting()
        refuse(self._outlet, refusal)

    def _end(self) -> None:
        self._viewer = None
        self._stop_waiting()
        if self._gone is not None:
            gone, self._gone = self._gone, None
            gone()

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None


def _said(event: Any) -> str | bytes:
    text = event.get("text")
    return text if text is not None else event.get("bytes") or b""


def refuse(outlet: Outlet, refusal: Refuse) -> None:
    """Say why, then close."""
    outlet.send(messages.error(refusal.code, refusal.message))
    outlet.close(refusal.close, refusal.code)
