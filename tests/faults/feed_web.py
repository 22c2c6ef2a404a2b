"""`python -m tests.faults.feed_web PORT [alone] [strict]`: the real web process, on the engines that the environment
names.

With `alone` nothing is shared between viewers, neither rooms nor answers: the control of what sharing is worth.
`strict` is for those who read nothing: the kernel keeps next to nothing for them, which would be megabytes otherwise,
as many as it likes; and no ping ends them before what is tested does, however slow the machine is.
"""

from __future__ import annotations

import os
import socket
import sys
from asyncio import BaseTransport
from collections.abc import Callable
from typing import Any

from app import feed
from app.catalog import queries
from app.cli import main
from realtime.protocol import Resume
from realtime.room import Member, Room
from realtime.rooms import Rooms, _Live
from realtime.shared import Shared
from realtime.sockets import FeedWebSocket


def join_alone(self: Rooms, topic: str, member: Member, resume: Resume | None) -> Room:
    live = _Live(Room(topic, self._clock_ms), self._source, self._settings, self._dice, self._forget)
    self._live[f"{topic} of {id(member)}"] = live
    live.start()
    live.room.join(member, resume)
    live.attend()
    return live.room


def no_end(self: FeedWebSocket) -> None:
    """What becomes of a connection whose pings stay unanswered."""


Made = Callable[[Any, BaseTransport], None]


def small(made: Made) -> Made:
    def connection_made(self: FeedWebSocket, transport: BaseTransport) -> None:
        # uvloop's own idea of a socket cannot be set.
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        made(self, transport)

    return connection_made


if __name__ == "__main__":
    if "strict" in sys.argv[2:]:
        FeedWebSocket.keepalive_timeout = no_end  # type: ignore[method-assign]  # see the module
        # As above; and a function is no method.
        FeedWebSocket.connection_made = small(FeedWebSocket.connection_made)  # type: ignore[method-assign, assignment]
    if "alone" in sys.argv[2:]:
        Rooms.join = join_alone  # type: ignore[method-assign]  # the control's purpose
        queries.KEPT_S = feed.GROUP_KEPT_S = 0.0
        Shared.__call__ = Shared._fetch  # type: ignore[method-assign]  # as above
    sys.exit(main(["web", f"--port={sys.argv[1]}"]))
