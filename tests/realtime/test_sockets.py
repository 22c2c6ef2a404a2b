"""Both ways to a websocket, through a real server and port: straight to uvicorn's transport, and by plain ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from realtime.client import Feed, FeedEnded
from realtime.conversation import converse
from realtime.follower import Status
from realtime.messages import (
    CLOSE_HELLO_TIMEOUT,
    CLOSE_MALFORMED,
    CLOSE_SIGNED_OUT,
    CLOSE_SLOW,
    CLOSE_TOO_BIG,
    CLOSE_TOO_MANY,
    Message,
)
from realtime.protocol import Limits, Refuse, Resume
from realtime.room import Member
from realtime.rooms import Rooms
from realtime.sockets import FeedWebSocket, QueueOutlet, TransportOutlet, open_outlet, uvicorn_options
from tests.realtime.server import serve
from tests.realtime.test_rooms import QUICK, MemorySource, soon

UNREAD_MAX = 4096
KERNEL_BUFFER_BYTES = 1 << 16


class Site:
    """The smallest application around the feed: what app/live.py does, without box office."""

    def __init__(self) -> None:
        self.source = MemorySource()
        self.rooms = Rooms(self.source, msgspec.structs.replace(QUICK, linger_s=3_600.0, beat_s=3_600.0))
        self.outlets: list[Any] = []
        self.left = 0
        self.signed_in = True
        # As many frames however long they take, and no hurry with the first: these are for the tests of them.
        self.limits = Limits(hello_timeout_s=60.0, frames_per_s=0.0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        task = asyncio.current_task()
        assert task is not None
        outlet = open_outlet(scope["state"], send, lambda: _cancel(task), UNREAD_MAX)
        self.outlets.append(outlet)
        member = Member(outlet, "buyer")

        async def recheck() -> Refuse | None:
            return None if self.signed_in else Refuse("signed_out", "Sign in.", CLOSE_SIGNED_OUT)

        def join(resume: Resume | None) -> None:
            self.rooms.join("7", member, resume)

        try:
            await converse(
                receive,
                outlet,
                self.limits,
                join=join,
                pong=lambda: self.rooms.beat_one("7", member),
                recheck=recheck,
                recheck_s=0.05,
            )
            await outlet.closed()
        finally:
            self.rooms.leave("7", member)
            self.left += 1


def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


@pytest.fixture(params=["transport", "asgi"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    one = Site()
    yield one
    await one.rooms.close()


@pytest.fixture
async def address(site: Site, way: str) -> AsyncIterator[str]:
    options = uvicorn_options(4096) if way == "transport" else {"ws": "websockets-sansio"}
    async with serve(site, lifespan="off", send_buffer_bytes=KERNEL_BUFFER_BYTES, **options) as host:
        yield f"ws://{host}/"


def sees(feed: Feed, site: Site) -> bool:
    return bytes(feed.codes) == bytes(int(state != 0) for state in site.source.store.states)


async def test_two_clients_follow_one_performance(address: str, site: Site, way: str) -> None:
    async with Feed(address) as one, Feed(address) as two:
        await one.until(lambda feed: feed.status is Status.LIVE)
        await two.until(lambda feed: feed.status is Status.LIVE)
        site.source.change(3)
        await one.until(lambda feed: sees(feed, site))
        await two.until(lambda feed: sees(feed, site))
    assert {type(outlet) for outlet in site.outlets} == {TransportOutlet if way == "transport" else QueueOutlet}
    await soon(lambda: site.left == 2)


async def test_a_client_that_was_cut_resumes_from_where_it_stopped(address: str, site: Site) -> None:
    async with Feed(address, dice=random.Random(4)) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        await feed.cut()
        await feed.until(lambda feed: feed.status is Status.CONNECTING)
        site.source.change(3)
        await feed.until(lambda feed: feed.reconnects == 1 and sees(feed, site))
        assert feed.version == site.source.store.version
    assert site.source.asked.count("snapshot") == 1


async def open_socket(address: str) -> ClientConnection:
    return await connect(address, compression=None, proxy=None)


@pytest.mark.parametrize(
    ("frames", "code", "close"),
    [
        (["{"], "malformed", CLOSE_MALFORMED),
        ([b"\x00\x01"], "malformed", CLOSE_MALFORMED),
        (['{"t":"ping"}'], "hello_first", CLOSE_MALFORMED),
        (['{"t":"hello","v":9}'], "unsupported_version", CLOSE_MALFORMED),
        (["x" * 5000], "too_big", CLOSE_TOO_BIG),
        (['{"t":"hello","v":1}'] * 30, "too_many_frames", CLOSE_TOO_MANY),
        ([], "hello_timeout", CLOSE_HELLO_TIMEOUT),
    ],
)
async def test_garbage_gets_a_reason_and_a_close_code(
    address: str, site: Site, frames: list[str | bytes], code: str, close: int
) -> None:
    if not frames:
        site.limits = msgspec.structs.replace(site.limits, hello_timeout_s=0.05)
    socket = await open_socket(address)
    await say(socket, frames)
    said = [json.loads(frame) async for frame in _until_closed(socket)]
    assert (said[-1]["t"], said[-1]["code"], socket.close_code) == ("error", code, close)
    await soon(lambda: site.left == 1)


async def say(socket: ClientConnection, frames: Sequence[str | bytes]) -> None:
    """All of them, or as many as the server wants to hear."""
    with contextlib.suppress(websockets.ConnectionClosed):
        for frame in frames:
            await socket.send(frame)


async def _until_closed(socket: ClientConnection) -> AsyncIterator[str]:
    try:
        while True:
            yield str(await asyncio.wait_for(socket.recv(), 60))
    except websockets.ConnectionClosed:
        return


async def test_a_huge_frame_is_refused_by_the_server_before_it_is_read(address: str, site: Site, way: str) -> None:
    socket = await open_socket(address)
    with contextlib.suppress(websockets.ConnectionClosed, OSError):
        await socket.send("x" * 5_000_000)
    _ = [frame async for frame in _until_closed(socket)]
    assert socket.close_code == (1009 if way == "transport" else CLOSE_TOO_BIG)


async def test_a_ping_is_answered_by_a_beat(address: str) -> None:
    socket = await open_socket(address)
    await socket.send('{"t":"hello","v":1}')
    assert json.loads(await socket.recv())["t"] == "snapshot"
    await socket.send('{"t":"ping"}')
    assert json.loads(await socket.recv())["t"] == "beat"
    await socket.close()


async def test_a_client_that_never_reads_is_cut_off_and_the_others_are_not(
    address: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs at most its unread bytes and a little patience."""
    monkeypatch.setattr("realtime.sockets.CLOSE_PATIENCE_S", 0.2)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = address.removeprefix("ws://").rstrip("/").split(":")
    deaf.connect((host, int(port)))
    deaf.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    hello = b'{"t":"hello","v":1}'
    await soon(lambda: site.outlets)
    deaf.sendall(bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)
    async with Feed(address) as reader:
        await soon(lambda: site.rooms.topics().get("7") == 2)
        outlet = site.outlets[0]
        codes: list[int] = []
        close = outlet.close

        def noted(code: int, reason: str) -> None:
            codes.append(code)
            close(code, reason)

        outlet.close = noted
        turn = 0
        while site.rooms.topics().get("7") == 2:
            # Long labels fill the kernel's own buffers sooner.
            site.source.store.quotas[f"q{turn}"] = (turn, 1)
            site.source.change(turn % 8, turn % 4)
            for _ in range(50):
                outlet.send(Message(b'{"t":"ballast","x":"%b"}' % (b"x" * 4000)))
            turn += 1
            await asyncio.sleep(0)
        assert codes == [CLOSE_SLOW]
        await reader.until(lambda feed: sees(feed, site))
        assert reader.reconnects == 0
        await soon(lambda: site.left == 1)
    deaf.close()


async def test_a_log_in_that_ends_closes_its_open_page(address: str, site: Site) -> None:
    """LIVE-2: what a connection may see is asked again while it is open."""
    async with Feed(address) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        site.signed_in = False
        with pytest.raises(FeedEnded, match=str(CLOSE_SIGNED_OUT)):
            await feed.until(lambda feed: False)


async def test_after_a_restart_everybody_comes_back_and_has_missed_nothing(site: Site, way: str) -> None:
    options = uvicorn_options(4096) if way == "transport" else {"ws": "websockets-sansio"}
    async with serve(site, lifespan="off", **options) as host:
        feed = Feed(f"ws://{host}/", dice=random.Random(4))
        await feed.__aenter__()
        await feed.until(lambda feed: feed.status is Status.LIVE)
    site.source.change(3)
    await feed.until(lambda feed: feed.status is Status.CONNECTING)
    async with serve(site, lifespan="off", **options) as host:
        feed.url = f"ws://{host}/"
        await feed.until(lambda feed: sees(feed, site))
        await feed.__aexit__(None, None, None)


async def test_frames_written_past_the_server_mix_soundly_with_its_own(site: Site) -> None:
    """Compression negotiated, pings of both sides between our frames: every frame still parses."""
    options = {**uvicorn_options(4096), "ws_per_message_deflate": True, "ws_ping_interval": 0.01}
    async with serve(site, lifespan="off", **options) as host, connect(f"ws://{host}/", proxy=None) as socket:
        assert "permessage-deflate" in str(socket.response and socket.response.headers.get("Sec-WebSocket-Extensions"))
        await socket.send('{"t":"hello","v":1}')
        kinds: list[str] = []

        async def read() -> None:
            async for frame in socket:
                kinds.append(json.loads(frame)["t"])

        reader = asyncio.create_task(read())
        await soon(lambda: kinds)
        for turn in range(50):
            pong = await socket.ping()
            site.source.change(turn % 8, turn % 4)
            await site.outlets[0]._asgi_send({"type": "websocket.send", "text": '{"t":"by asgi, compressed"}'})
            await pong
        await soon(lambda: kinds.count("by asgi, compressed") == 50 and "delta" in kinds)
        assert socket.state is websockets.State.OPEN
        reader.cancel()


def test_a_copied_connection_state_keeps_the_socket_itself() -> None:
    """Litestar deep-copies a connection's state on reading it; a protocol object cannot be."""
    one = FeedWebSocket.__new__(FeedWebSocket)
    assert one.__deepcopy__({}) is one
