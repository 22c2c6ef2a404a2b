"""Two ways to write to a websocket from a room: straight to uvicorn's transport, or through any ASGI server.

Through ASGI, a frame costs a coroutine, an event dictionary and an encoding per viewer: four to seven times what the
kernel's send costs. So the web server's websocket class shows itself to the application (`FeedWebSocket`, give it to
uvicorn as `ws=`), Litestar remains the door (routing, log-in, permission, handshake), and the room then writes one
ready-made frame to every transport. That is sound beside the server's own frames: each write is one whole frame, and
sending data leaves no state in the protocol object (with compression negotiated too: a frame without RSV1 is plain).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from realtime.messages import Message

UNREAD_BYTES_MAX = 256 * 1024
CLOSE_PATIENCE_S = 5.0
_STATE_KEY = "placeur.websocket"

AsgiSend = Callable[[Any], Awaitable[None]]


class FeedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket class, which the application finds in its connection's state."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, _STATE_KEY: self}, _loop)

    def __deepcopy__(self, memo: dict[int, Any]) -> FeedWebSocket:
        return self  # Litestar copies a connection's state whenever a handler reads it


def uvicorn_options(frame_bytes_max: int) -> dict[str, Any]:
    """How uvicorn must be configured for the feed. No compression: one zlib context per viewer costs more memory than
    the viewer, and deltas are small; pictures are packed to bits already."""
    return {
        "ws": FeedWebSocket,
        "ws_max_size": frame_bytes_max * 4,  # between the two, a client gets our own words instead of a bare 1009
        "ws_per_message_deflate": False,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
    }


class Outlet(ABC):
    """A room's `Socket` (see realtime.room) over an accepted ASGI connection."""

    def __init__(self, send: AsgiSend, unread_bytes_max: int) -> None:
        self._asgi_send = send
        self._unread_bytes_max = unread_bytes_max
        self._closing: asyncio.Task[None] | None = None

    @abstractmethod
    def send(self, message: Message) -> bool:
        """See `realtime.room.Socket`."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the connection at once."""

    def close(self, code: int, reason: str) -> None:
        """Polite for a while, then final: whoever does not read does not read the close frame either."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(code, reason))

    async def closed(self) -> None:
        """Wait for a close under way."""
        if self._closing is not None:
            await self._closing

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})
        except TimeoutError:
            self.abort()
        except (OSError, RuntimeError):
            return  # it had gone, or was closing by itself


class TransportOutlet(Outlet):
    """Writes ready-made frames to the transport under a FeedWebSocket whose handshake is complete."""

    def __init__(self, websocket: FeedWebSocket, send: AsgiSend, unread_bytes_max: int) -> None:
        super().__init__(send, unread_bytes_max)
        self._websocket = websocket
        self._transport = websocket.transport

    def send(self, message: Message) -> bool:
        transport = self._transport
        if self._closing is not None or self._websocket.close_sent or transport.is_closing():
            return True  # nobody is there to be slow; its handler is about to leave the room
        if transport.get_write_buffer_size() > self._unread_bytes_max:
            return False
        transport.write(message.frame)
        return True

    def abort(self) -> None:
        self._transport.abort()


class QueueOutlet(Outlet):
    """For any other ASGI server: a bounded queue and a task that empties it."""

    def __init__(self, send: AsgiSend, unread_bytes_max: int, abort: Callable[[], None]) -> None:
        super().__init__(send, unread_bytes_max)
        self._abort = abort
        self._queue: deque[Message] = deque()
        self._unread_bytes = 0
        self._writer: asyncio.Task[None] | None = None

    def send(self, message: Message) -> bool:
        if self._closing is not None:
            return True
        if self._unread_bytes > self._unread_bytes_max:
            return False
        self._queue.append(message)
        self._unread_bytes += len(message.payload)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())
        return True

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        self._abort()

    async def _write(self) -> None:
        try:
            while self._queue:
                message = self._queue.popleft()
                await self._asgi_send({"type": "websocket.send", "text": message.text})
                self._unread_bytes -= len(message.payload)
        except (OSError, RuntimeError):
            self._queue.clear()  # gone; its handler is about to leave the room
        finally:
            self._writer = None

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                while (writer := self._writer) is not None:
                    await asyncio.wait([writer])
        except TimeoutError:
            self.abort()
            return
        await super()._close(code, reason)


def open_outlet(
    state: Mapping[str, Any],
    send: AsgiSend,
    abort: Callable[[], None],
    unread_bytes_max: int = UNREAD_BYTES_MAX,
) -> Outlet:
    """The fastest outlet for an accepted connection. `state` is its ASGI scope's; `abort` ends its handler."""
    websocket = state.get(_STATE_KEY)
    if isinstance(websocket, FeedWebSocket):
        return TransportOutlet(websocket, send, unread_bytes_max)
    return QueueOutlet(send, unread_bytes_max, abort)
