"""The only module that speaks to ZeroMQ: encrypted sockets over aiozmq, and the door-keeper (ZAP).

aiozmq receives 1.7 times as fast as pyzmq's own asyncio layer, but imports a name that Python 3.14 drops. Should it
ever have to go, it is replaced here. Two traps live here as well:

- aiozmq hands over bytes and drops libzmq's message properties, and with them the sender's authenticated key. The
  routing id is no substitute: a client may choose it. So the ROUTER's socket puts the key in front of every message.
- A client that was turned away does not always knock again, in spite of libzmq's reconnecting. Whoever uses a client
  socket closes it and opens another when it hears nothing (`hardware/link.py` does).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiozmq
import structlog
import zmq
import zmq.utils.z85

from hardware.keys import KeyPair

_log = structlog.get_logger("hardware.sockets")

_ZAP_DOMAIN: Final = b"placeur"
_HEARTBEAT_MS: Final = 2_000
_REBIND_TRIES: Final = 100

OnMessage = Callable[[list[bytes]], None]
OnDeviceMessage = Callable[[str, bytes, list[bytes]], None]
"""(public key of the sender, route to answer by, frames)."""


class Line:
    """An open socket. Sending never waits and never fails; what cannot be delivered is lost, as on any wire."""

    def __init__(self, transport: Any, endpoint: str) -> None:
        self._transport = transport
        self.endpoint = endpoint

    def send(self, frames: list[bytes]) -> None:
        # aiozmq buffers without bound behind a full socket; everything we say is said again or asked for.
        if self._transport.get_write_buffer_size() < 4 * 1024 * 1024:
            self._transport.write(frames)

    async def close(self) -> None:
        """Returns once the socket has let go of its port."""
        self._transport.abort()
        # connection_lost, which closes the socket, is called in the next turn of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class _Receiver(aiozmq.ZmqProtocol):  # type: ignore[misc]  # aiozmq has no type information
    def __init__(self, on_message: OnMessage) -> None:
        self._on_message = on_message

    def msg_received(self, data: list[bytes]) -> None:
        self._on_message(data)


class _NamingSocket(zmq.Socket[bytes]):
    """Puts the sender's authenticated key in front of each message it receives."""

    def recv_multipart(self, flags: int = 0, *_: Any, **__: Any) -> Any:
        frames = super().recv_multipart(flags, copy=False)
        return [str(frames[-1].get("User-Id")).encode("ascii"), *(frame.bytes for frame in frames)]


class Doorkeeper:
    """Lets in the devices that `allows` knows (ZAP, ZeroMQ's RFC 27); one per context, open before any other socket.

    pyzmq has one too. It asks for one device at a time, dies with the first exception of its callback and then lets
    nobody in, and when stopped leaves a watch on a file descriptor that the next hub's socket may get.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], allows: Callable[[str], Awaitable[bool]]) -> None:
        self._context = context
        self._allows = allows
        self._asked: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        transport, _ = await aiozmq.create_zmq_connection(
            lambda: _Receiver(self._knocked), zmq.ROUTER, zmq_sock=socket, bind="inproc://zeromq.zap.01"
        )
        self._line = Line(transport, "")

    async def stop(self) -> None:
        for task in list(self._asked):
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        await self._line.close()

    def _knocked(self, frames: list[bytes]) -> None:
        task = asyncio.create_task(self._open_or_not(frames))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _open_or_not(self, frames: list[bytes]) -> None:
        route, delimiter, version, request, domain, _address, _routing_id, mechanism, *credentials = frames
        key = zmq.utils.z85.encode(credentials[0]).decode("ascii") if mechanism == b"CURVE" else ""
        allowed = False
        if key and domain == _ZAP_DOMAIN:
            try:
                allowed = await self._allows(key)
            except Exception:  # noqa: BLE001 - failing to find out, however it fails, keeps the door shut
                _log.exception("device could not be authorised", key=key)
        if not allowed:
            _log.warning("a device was turned away", key=key)
        code, text = (b"200", b"OK") if allowed else (b"400", b"not registered")
        # The key becomes the property User-Id of every message of this connection.
        user = key.encode("ascii") if allowed else b""
        self._line.send([route, delimiter, version, request, code, text, user, b""])


def make_context() -> zmq.Context[zmq.Socket[bytes]]:
    """A context of one's own: ZAP has one door-keeper per context."""
    return zmq.Context()


def close_context(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """Closes what is still open in it, too: ending a context waits for its sockets, and this is the event loop."""
    context.destroy(linger=0)


async def open_router(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, pair: KeyPair, max_bytes: int, receive: OnDeviceMessage
) -> Line:
    """Binds the hub's command socket. OSError when the port is taken."""
    socket = context.socket(zmq.ROUTER, socket_class=_NamingSocket)
    socket.setsockopt(zmq.MAXMSGSIZE, max_bytes)

    def on_message(frames: list[bytes]) -> None:
        receive(frames[0].decode("ascii"), frames[1], frames[2:])

    return await _bind(socket, zmq.ROUTER, endpoint, pair, on_message)


async def open_publisher(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, pair: KeyPair) -> Line:
    """Binds the hub's event stream. OSError when the port is taken."""
    socket = context.socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, 10_000)
    return await _bind(socket, zmq.PUB, endpoint, pair, lambda _: None)


async def open_dealer(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, pair: KeyPair, server: str, on_message: OnMessage
) -> Line:
    return await _connect(context.socket(zmq.DEALER), zmq.DEALER, endpoint, pair, server, on_message)


async def open_subscriber(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, pair: KeyPair, server: str, on_message: OnMessage
) -> Line:
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    return await _connect(socket, zmq.SUB, endpoint, pair, server, on_message)


def _prepare(socket: zmq.Socket[bytes], pair: KeyPair) -> None:
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * _HEARTBEAT_MS)
    socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret.encode("ascii"))
    socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode("ascii"))


async def _bind(socket: zmq.Socket[bytes], kind: int, endpoint: str, pair: KeyPair, on_message: OnMessage) -> Line:
    _prepare(socket, pair)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.ZAP_DOMAIN, _ZAP_DOMAIN)
    transport, _ = await aiozmq.create_zmq_connection(lambda: _Receiver(on_message), kind, zmq_sock=socket)
    for tries in range(_REBIND_TRIES):
        try:
            return Line(transport, await transport.bind(endpoint))
        except OSError as error:
            # libzmq closes a listener in its own thread: right after a close the port may still be ours.
            if error.errno != errno.EADDRINUSE or tries == _REBIND_TRIES - 1:
                transport.abort()
                await asyncio.sleep(0)
                raise
            await asyncio.sleep(0.02)
    raise AssertionError("the loop above returns or raises")


async def _connect(
    socket: zmq.Socket[bytes], kind: int, endpoint: str, pair: KeyPair, server: str, on_message: OnMessage
) -> Line:
    _prepare(socket, pair)
    socket.setsockopt(zmq.CURVE_SERVERKEY, server.encode("ascii"))
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2_000)
    transport, _ = await aiozmq.create_zmq_connection(lambda: _Receiver(on_message), kind, zmq_sock=socket)
    return Line(transport, await transport.connect(endpoint))
