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
        text = event.get("text")
        said = viewer.receive(text if text is not None else event.get("bytes") or b"", loop.time())
        if isinstance(said, Refuse):
            refuse(outlet, said)
            return
        if isinstance(said, Join):
            join(said.resume)
        else:
            pong()


def refuse(outlet: Outlet, refusal: Refuse) -> None:
    """Say why, then close."""
    outlet.send(messages.error(refusal.code, refusal.message))
    outlet.close(refusal.close, refusal.code)
