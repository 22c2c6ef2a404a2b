"""What is examined, each in a web server process of its own, as `placeur web` runs it: uvicorn on uvloop and httptools
with the feed's options, Litestar at the door, `open_outlet` for what is written.

`python -m tests.realtime.autobahn.endpoints NAME` serves until it is told to stop; its first line is its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from litestar import Litestar, WebSocket, get, websocket

import realtime.sockets
from realtime.messages import Message
from realtime.sockets import FeedWebSocket, TransportOutlet, open_outlet, uvicorn_options
from tests.realtime.autobahn.mutants import MUTANTS, Unmended

ECHO_FRAME_BYTES_MAX = 4 << 20
"""The suite's largest message has 16 MiB, which the web server then takes (four times this)."""
FEED_FRAME_BYTES_MAX = 4_096
CLOSED_BY_SERVER = 4420
SLOWEST_S = 120.0
"""What a client may take that does read, on whatever machine."""
HURRY_S = 0.3
KERNEL_BUFFER_BYTES = 1 << 16
OF_ENDINGS = ("pinging", "impatient", "unmended")
"""The endpoints of test_ending.py: all ping twenty times a second."""
BALLAST = Message(b'{"by":"ballast","x":"%b"}' % (b"x" * 10_000))
_STORM_SIZES = (1, 120, 126, 4_000, 65_535, 70_000, 250_000)
Connection = WebSocket[Any, Any, Any]


class Binary(Message):
    """The feed has no binary frames; the suite's echo needs them."""

    @property
    def frame(self) -> bytes:
        return b"\x82" + super().frame[1:]


@contextlib.asynccontextmanager
async def admit(connection: Connection) -> AsyncIterator[TransportOutlet]:
    """What app/live.py does with a connection that may come in."""
    await connection.accept()
    task = asyncio.current_task()
    assert task is not None
    outlet = open_outlet(connection.scope["state"], connection.send, lambda: _cancel(task))
    assert isinstance(outlet, TransportOutlet), "the web server's own class must be what is examined"
    yield outlet
    await outlet.closed()


def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


@websocket("/")
async def echo(socket: Connection) -> None:
    """Surrogates, which only a wrong endpoint hands on, go back as the bytes that they were."""
    async with admit(socket) as outlet:
        while (event := await socket.receive())["type"] == "websocket.receive":
            said = event.get("text")
            data = event["bytes"] or b"" if said is None else said.encode("utf-8", "surrogateescape")
            outlet.send(Binary(data) if said is None else Message(data))


_opening = asyncio.Event()


@websocket("/late")
async def late(socket: Connection) -> None:
    """An echo that does not open before it is told to, as one whose log-in is looked up."""
    await _opening.wait()
    await echo.fn(socket)


@get("/open", sync_to_thread=False)
def open_late() -> None:
    """Those that wait now."""
    _opening.set()
    _opening.clear()


@websocket("/storm")
async def storm(socket: Connection) -> None:
    """Numbered frames of many sizes as fast as they are read, until the client goes. A message of the client's makes
    the server close amid them, while its writers have not heard of it."""
    async with admit(socket) as outlet:
        writers = [asyncio.create_task(_blow(outlet, socket, name)) for name in "ab"]
        try:
            if (await socket.receive())["type"] == "websocket.receive":
                outlet.close(CLOSED_BY_SERVER, "enough")
                while (await socket.receive())["type"] == "websocket.receive":
                    pass
        finally:
            for writer in writers:
                writer.cancel()


async def _blow(outlet: TransportOutlet, socket: Connection, name: str) -> None:
    for number, size in enumerate(itertools.cycle(_STORM_SIZES)):
        message = Message(b'{"by":"%b","n":%d,"x":"%b"}' % (name.encode(), number, b"x" * size))
        while not outlet.send(message):
            await asyncio.sleep(0.001)
        if number % 5 == 4:  # the web server's own way to write, between ours
            with contextlib.suppress(OSError, RuntimeError):
                await socket.send_text('{"by":"asgi"}')
        await asyncio.sleep(0)


def echo_app(server: list[uvicorn.Server]) -> Litestar:
    def sockets() -> list[FeedWebSocket]:
        return [each for each in server[0].server_state.connections if isinstance(each, FeedWebSocket)]

    @get("/connections", sync_to_thread=False)
    def connections() -> dict[str, int]:
        """Websockets that this process still has, those of them whose end has begun, how many bytes wait in all of
        them, and how many handlers have not returned (this one does not count)."""
        return {
            "open": len(sockets()),
            "ending": sum(each.close_sent or each.transport.is_closing() for each in sockets()),
            "unsent": sum(each.transport.get_write_buffer_size() for each in sockets()),
            "handlers": len(server[0].server_state.tasks) - 1,
        }

    @get("/fill", sync_to_thread=False)
    def fill() -> None:
        """Write to everybody as much as may be left unread; more than kernels hold, here. The storm's writers alone may
        both wait for the web server's way to write before that."""
        for each in sockets():
            for _ in range(100):
                if each.outlet is not None:
                    each.outlet.send(BALLAST)

    @get("/hurry", sync_to_thread=False)
    def hurry() -> None:
        """From now on whoever is connected has HURRY_S for each answer to a ping, also to the latest."""
        for each in sockets():
            each.ping_timeout = HURRY_S
            if each.pong_timer is not None:
                each.pong_timer.cancel()
                each.pong_timer = each.loop.call_later(HURRY_S, each.keepalive_timeout)

    return Litestar([echo, late, open_late, storm, connections, fill, hurry], logging_config=None)


def feed_app() -> Litestar:
    """The feed of the box office, over a real inventory."""
    from redis.asyncio import Redis

    from app.live import Live
    from tests.app.test_live import GROUP, House

    house = House(Redis.from_url(os.environ["REDIS_URL"]))
    live = Live(house.inventory, house.redis, house.wiring())

    async def load() -> None:
        await house.rebuild(GROUP)

    return Litestar([live.router()], on_startup=[load], on_shutdown=[live.close], logging_config=None)


def _configure(name: str, server: list[uvicorn.Server]) -> tuple[Litestar, dict[str, Any]]:
    # Nobody who reads is cut off, however slowly: what is examined is what such a client reads in the end.
    realtime.sockets.ENDING_S_MAX = realtime.sockets.RESTART_S_MAX = realtime.sockets.CLOSE_PATIENCE_S = SLOWEST_S
    if name == "feed":
        return feed_app(), uvicorn_options(FEED_FRAME_BYTES_MAX)
    app = echo_app(server)
    if name == "echo":
        return app, uvicorn_options(ECHO_FRAME_BYTES_MAX)
    quick = {**uvicorn_options(FEED_FRAME_BYTES_MAX), "ws_ping_interval": 0.05, "ws_ping_timeout": SLOWEST_S}
    if name == "pinging":
        return app, quick
    if name == "impatient":
        realtime.sockets.ENDING_S_MAX = realtime.sockets.RESTART_S_MAX = 1.0
        return app, quick
    if name == "unmended":
        return app, {**quick, "ws": Unmended}
    return app, {**uvicorn_options(ECHO_FRAME_BYTES_MAX), "ws": MUTANTS[name].websocket}


def main(name: str) -> None:
    server: list[uvicorn.Server] = []
    app, options = _configure(name, server)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=int(SLOWEST_S),
        **options,
    )
    server.append(uvicorn.Server(config))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if name in OF_ENDINGS:
            # Connections inherit these: what piles up does so in the server, whatever the kernel would hold.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
        print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server[0].run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
