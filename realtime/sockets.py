"""Two ways to write to a websocket from a room: straight to uvicorn's transport, or through any ASGI server.

Through ASGI, a frame costs a coroutine, an event dictionary and an encoding per viewer: four to seven times what the
kernel's send costs. So the web server's websocket class shows itself to the application (`FeedWebSocket`, give it to
uvicorn as `ws=`), Litestar remains the door (routing, log-in, permission, handshake), and the room then writes one
ready-made frame to every transport. That is sound beside the server's own frames: each write is one whole frame, and
sending data leaves no state in the protocol object (with compression negotiated too: a frame without RSV1 is plain).
"""

from __future__ import annotations

import asyncio
import codecs
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from uvicorn._types import WebSocketScope
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from realtime.messages import CLOSE_RESTART, Message

UNREAD_BYTES_MAX = 256 * 1024
CLOSE_PATIENCE_S = 5.0
ENDING_S_MAX = 10.0
RESTART_S_MAX = 3.0
_PONG_UNREAD_BYTES_MAX = 4 * UNREAD_BYTES_MAX
"""Whoever pings and never reads would let the answers pile up; more than the feed itself may ever leave unread."""
_STATE_KEY = "placeur.websocket"

AsgiSend = Callable[[Any], Awaitable[None]]
Listener = Callable[[Any], None]
"""Called with each ASGI event of a connection."""

_UNREAD_HEADERS = frozenset(b"accept accept-encoding cache-control connection pragma upgrade user-agent".split())
"""And whatever begins with sec-websocket-: of the handshake or of the browser. Nobody behind it asks, and a connection
would keep them as long as it is open. (Sec-Fetch-Site stays: it is what cross-site requests are known by.)"""


class FeedProtocol(ServerProtocol):
    """websockets' reading of a client's frames, corrected where docs/conformance.md says so."""

    _text: codecs.IncrementalDecoder | None = None

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            # A control frame may come between the fragments of a message (RFC 6455 §5.4): a client that leaves amid its
            # own message has done nothing wrong, and gets its own code back instead of 1002.
            self.current_size = None
        super().recv_frame(frame)
        if frame.opcode is Opcode.CONT and not frame.fin and not frame.data:
            # A message's limit counts bytes; fragments without any would fill the memory below it for ever.
            self.current_size = (self.current_size or 0) + 1
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._check_text(frame)

    def _check_text(self, frame: Frame) -> None:
        """Raise UnicodeDecodeError (a close with 1007) at the fragment that can be no UTF-8 any more.

        uvicorn decodes whole messages, late: a close frame behind a bad one was answered by then, and its refusal fails
        on that; and each bad message costs a traceback in the log, which any stranger can send.
        """
        if frame.opcode is Opcode.TEXT:
            self._text = codecs.getincrementaldecoder("utf-8")()
        if self._text is not None:
            self._text.decode(bytes(frame.data), frame.fin)
        if frame.fin:
            self._text = None


class Gate:
    """What uvicorn needs of an asyncio.Event, in a tenth of its memory."""

    __slots__ = ("_open", "_waiting")

    def __init__(self) -> None:
        self._open = False
        self._waiting: list[asyncio.Future[None]] = []

    def set(self) -> None:
        self._open = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        self._open = False

    def is_set(self) -> bool:
        return self._open

    async def wait(self) -> None:
        while not self._open:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            finally:
                self._waiting.remove(future)


class Inbox:
    """What uvicorn needs of an asyncio.Queue, which has three deques of 64 places each. It stops reading at the first
    message that nobody has fetched, so there are never more than a few.

    Whoever listens gets each event at once instead, without a task that waits for it."""

    __slots__ = ("_arrived", "_events", "listener")

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self._arrived = Gate()
        self._events: list[Any] = []

    def put_nowait(self, event: Any) -> None:
        if self.listener is not None:
            self.listener(event)
            return
        self._events.append(event)
        self._arrived.set()

    def empty(self) -> bool:
        return not self._events

    def listen(self, listener: Listener) -> None:
        self.listener = listener
        while self._events:
            listener(self._events.pop(0))

    async def get(self) -> Any:
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.pop(0)


class FeedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket class, which the application finds in its connection's state, made lean, and whose end is
    certain.

    An open connection keeps no empty deques and no headers that nobody asks for (uvicorn, websockets and Litestar each
    have their own copy): in a browser's case that was half of its memory.

    uvicorn closes the transport right behind its close frame. If anything unread has come in by then, the kernel resets
    the connection, and the close frame may be lost with it. If the client does not read, the transport never gets rid
    of its bytes and never closes, while nothing counts that connection any more. So here only the sending side is shut,
    what still comes in is thrown away, and whoever has not gone after ENDING_S_MAX is cut off.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, _STATE_KEY: self}, _loop)
        self.close_timeout = ENDING_S_MAX
        self.conn = FeedProtocol(
            extensions=self.conn.available_extensions, max_size=config.ws_max_size, logger=self.conn.logger
        )
        self.queue = self.inbox = Inbox()  # type: ignore[assignment]  # all of the queue that uvicorn uses
        self.writable = Gate()  # type: ignore[assignment]  # likewise
        self.writable.set()
        self.outlet: TransportOutlet | None = None
        self.said_all = False
        """The sending side is shut, or about to be: a client's answer to our close frame needs none."""

    def __deepcopy__(self, memo: dict[int, Any]) -> FeedWebSocket:
        return self  # Litestar copies a connection's state whenever a handler reads it

    def data_received(self, data: bytes) -> None:
        if self.conn.parser_exc is None:  # else it was refused; what it still says is only taken off the wire
            super().data_received(data)

    def pause_writing(self) -> None:
        self._look_twice()
        super().pause_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_twice()
        super().connection_lost(exc)
        self.outlet = None
        self.inbox.listener = None  # it holds the outlet, which holds this: else only a garbage collection ends them
        self.app_state = {}

    def eof_received(self) -> None:
        self._cut_off_later()

    def listen(self, listener: Listener) -> None:
        """From now on each event goes to `listener`, and the application may return: the connection stays open without
        it. Its coroutines, Litestar's and the scope are more than half of what a connection costs: with a browser's
        headers 18 KB with them, 8 KB without (feed.bytes_per_viewer). A protocol class of our own beneath would save
        little more, and have every rule of docs/conformance.md to prove anew."""
        if self.close_timer is None:
            # uvicorn closes a connection that is left alone unless its end is awaited already.
            self.close_timer = self.loop.call_later(0, _nothing)
            self.close_timer.cancel()
        self.inbox.listen(listener)
        self._read_on()

    def send_receive_event_to_app(self) -> None:
        super().send_receive_event_to_app()
        if self.inbox.listener is not None:
            self._read_on()

    def _read_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > _PONG_UNREAD_BYTES_MAX and self.conn.state is State.OPEN:
            self.conn.data_to_send()  # not sent: only the latest ping is owed an answer (RFC 6455 §5.5.3)
        else:
            super().handle_ping()

    def handle_close(self, event: Frame) -> None:
        close = self.conn.close_rcvd
        assert close is not None
        if not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self._finish()

    def handle_parser_exception(self) -> None:
        close = self.conn.close_sent or Close(CloseCode.ABNORMAL_CLOSURE, "")  # it spoke before the handshake was over
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self._finish()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_off_later()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._forget_handshake()
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # else uvicorn calls each refusal an error of ours: strangers write our log
        if message["type"] == "websocket.close" and self.close_timer is not None:
            self._cut_off_later()  # in place of uvicorn's timer, after which it would still wait for a deaf client

    async def run_asgi(self) -> None:
        self.scope["headers"] = _read_headers(self.scope["headers"])
        await super().run_asgi()
        if self.inbox.listener is not None:
            self.scope = cast(WebSocketScope, {})  # and with it what Litestar knows of the connection
        if self.transport.is_closing() and not self.disconnected:
            self._cut_off_later()

    def shutdown(self) -> None:
        self.close_timeout = RESTART_S_MAX  # the process is about to end, and everybody has had its last word
        if not self.handshake_complete:
            super().shutdown()
        elif self.close_sent:
            self._cut_off_later()
        else:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": CLOSE_RESTART})
            self.conn.send_close(CLOSE_RESTART)
            self._finish()

    def _forget_handshake(self) -> None:
        """websockets' parser keeps the request as long as it runs; the scope has what the application may still ask."""
        self.request.headers.clear()
        self.response.headers.clear()
        self.__dict__ = dict(self.__dict__)  # one that grew key by key has twice the room it needs

    def _finish(self) -> None:
        """Send the close frame that the protocol has ready, if any, and then nothing any more."""
        if self.transport.is_closing() or self.said_all:
            return
        self.said_all = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.handshake_complete and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()  # TLS has no half-closed connections; a handshake under way must see that it is over
        self._read_on()
        self._cut_off_later()

    @property
    def flows(self) -> bool:
        """Nobody has begun to close, and not so much is unread that the transport asked for a pause."""
        return not self.close_sent and not self.transport.is_closing() and self.writable.is_set()

    def _look_twice(self) -> None:
        if self.outlet is not None:
            self.outlet.flowing = False

    def _cut_off_later(self) -> None:
        self._look_twice()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)


def _nothing() -> None:
    return


def _read_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [
        header for header in headers if header[0] not in _UNREAD_HEADERS and not header[0].startswith(b"sec-websocket-")
    ]


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

    def listen(self, listener: Listener) -> bool:
        """Have `listener` called with each event, the last of which is a `websocket.disconnect`; the connection's
        handler may return. False where the server cannot do that: then receive, as ASGI has it."""
        return False

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
    """Writes ready-made frames to the transport under a FeedWebSocket whose handshake is complete.

    To most viewers that is one look at `flowing` and the write: thousands of times for each change, whatever else is
    asked shows, and so does each object on the way, which is in no cache any more.
    """

    __slots__ = ("_write", "flowing")

    def __init__(self, websocket: FeedWebSocket, send: AsgiSend, unread_bytes_max: int) -> None:
        super().__init__(send, unread_bytes_max)
        self._websocket = websocket
        self._transport = websocket.transport
        self._write = self._transport.write
        self.flowing = websocket.flows
        """All that was written has gone so far, and nobody has begun to close: a frame may be written without a further
        look. Who once fell behind is looked at each time."""
        websocket.outlet = self

    def listen(self, listener: Listener) -> bool:
        self._asgi_send = self._websocket.send  # past Litestar's, which would keep all it knows of the connection
        self._websocket.listen(listener)
        return True

    def send(self, message: Message) -> bool:
        if self.flowing:
            self._write(message.frame)
            return True
        transport = self._transport
        if self._closing is not None or self._websocket.close_sent or transport.is_closing():
            return True  # nobody is there to be slow; its handler is about to leave the room
        if transport.get_write_buffer_size() > self._unread_bytes_max:
            return False
        transport.write(message.frame)
        return True

    def close(self, code: int, reason: str) -> None:
        self.flowing = False
        super().close(code, reason)

    def abort(self) -> None:
        self.flowing = False
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
