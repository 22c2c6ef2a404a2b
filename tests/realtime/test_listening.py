"""Connections without a task: the application returns, and the feed goes on by callbacks (`conversation.listen`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from realtime.client import Feed
from realtime.conversation import listen
from realtime.follower import Status
from realtime.messages import CLOSE_HELLO_TIMEOUT, CLOSE_MALFORMED, CLOSE_TOO_BIG, CLOSE_TOO_MANY, Message
from realtime.protocol import Resume
from realtime.room import Member
from realtime.sockets import FeedWebSocket, Gate, Inbox, QueueOutlet, TransportOutlet, open_outlet, uvicorn_options
from tests.realtime.server import serve
from tests.realtime.test_rooms import soon
from tests.realtime.test_sockets import KERNEL_BUFFER_BYTES, UNREAD_MAX, Site, open_socket, say, sees


class QuietSite(Site):
    """Lets go of each connection as soon as somebody listens to it."""

    returned = 0
    hesitates: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        if self.hesitates is not None:
            await self.hesitates.wait()
        outlet = open_outlet(scope["state"], send, lambda: None, UNREAD_MAX)
        self.outlets.append(outlet)
        member = Member(outlet, "buyer")

        def join(resume: Resume | None) -> None:
            self.rooms.join("7", member, resume)

        def gone() -> None:
            self.rooms.leave("7", member)
            self.left += 1

        self.kept = listen(outlet, self.limits, join=join, pong=lambda: self.rooms.beat_one("7", member), gone=gone)
        while not self.kept and (await receive())["type"] == "websocket.receive":
            pass
        self.returned += 1


@pytest.fixture
async def site() -> AsyncIterator[QuietSite]:
    one = QuietSite()
    yield one
    await one.rooms.close()


@pytest.fixture
async def address(site: QuietSite) -> AsyncIterator[str]:
    options = uvicorn_options(4096)
    async with serve(site, lifespan="off", send_buffer_bytes=KERNEL_BUFFER_BYTES, **options) as host:
        yield f"ws://{host}/"


async def test_the_feed_goes_on_after_the_application_has_returned(address: str, site: QuietSite) -> None:
    """And nobody waits: no task of the process is about a viewer."""
    async with Feed(address) as one, Feed(address) as two:
        await one.until(lambda feed: feed.status is Status.LIVE)
        await two.until(lambda feed: feed.status is Status.LIVE)
        await soon(lambda: site.returned == 2)
        assert not [task for task in asyncio.all_tasks() if "run_asgi" in repr(task)]
        site.source.change(3)
        await one.until(lambda feed: sees(feed, site))
        await two.until(lambda feed: sees(feed, site))
        assert site.left == 0
    await soon(lambda: site.left == 2)
    assert site.rooms.topics().get("7", 0) == 0


async def test_what_the_application_knew_of_a_connection_is_let_go(address: str, site: QuietSite) -> None:
    async with Feed(address) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        await soon(lambda: not site.outlets[0]._websocket.scope)
        websocket = site.outlets[0]._websocket
        assert isinstance(websocket, FeedWebSocket)
        assert not list(websocket.request.headers.raw_items())


async def test_a_cut_connection_is_left_once_and_its_client_resumes(address: str, site: QuietSite) -> None:
    async with Feed(address) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        await feed.cut()
        await feed.until(lambda feed: feed.status is Status.CONNECTING)
        site.source.change(3)
        await feed.until(lambda feed: feed.reconnects == 1 and sees(feed, site))
        await soon(lambda: site.left == 1)


async def said_until_closed(socket: ClientConnection) -> list[str]:
    said: list[str] = []
    with contextlib.suppress(websockets.ConnectionClosedError):
        async for frame in socket:
            said.append(str(frame))
    return said


@pytest.mark.parametrize(
    ("frames", "code", "close"),
    [
        (["{"], "malformed", CLOSE_MALFORMED),
        ([b"\x00\x01"], "malformed", CLOSE_MALFORMED),
        (["x" * 5000], "too_big", CLOSE_TOO_BIG),
        (['{"t":"hello","v":1}'] * 30, "too_many_frames", CLOSE_TOO_MANY),
        ([], "hello_timeout", CLOSE_HELLO_TIMEOUT),
    ],
)
async def test_garbage_gets_a_reason_and_a_close_code_and_nothing_behind_it(
    address: str, site: QuietSite, frames: list[str | bytes], code: str, close: int
) -> None:
    if not frames:
        site.limits = msgspec.structs.replace(site.limits, hello_timeout_s=0.05)
    socket = await open_socket(address)
    await say(socket, frames)
    said = [json.loads(frame) for frame in await said_until_closed(socket)]
    assert (said[-1]["t"], said[-1]["code"], socket.close_code) == ("error", code, close)
    assert [each["t"] for each in said].count("error") == 1
    await soon(lambda: site.left == 1)


async def test_many_frames_are_all_heard(address: str, site: QuietSite) -> None:
    """The web server stops reading at each message until somebody fetches it; here nobody does."""
    async with await open_socket(address) as socket:
        await socket.send('{"t":"hello","v":1}')
        assert json.loads(await asyncio.wait_for(socket.recv(), 60))["t"] == "snapshot"
        for _ in range(5):
            await socket.send('{"t":"ping"}')
        kinds = [json.loads(await asyncio.wait_for(socket.recv(), 60))["t"] for _ in range(5)]
        assert kinds == ["beat"] * 5


async def test_a_frame_right_behind_a_close_of_ours_is_not_written(address: str, site: QuietSite) -> None:
    """Negative control: the same frame before the close arrives."""
    async with await open_socket(address) as socket:
        await socket.send('{"t":"hello","v":1}')
        assert json.loads(await socket.recv())["t"] == "snapshot"
        outlet = site.outlets[0]
        assert isinstance(outlet, TransportOutlet)
        outlet.send(Message(b'{"t":"before"}'))
        outlet.close(4420, "enough")
        outlet.send(Message(b'{"t":"behind"}'))
        assert json.loads(await socket.recv())["t"] == "before"
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 4420
    await soon(lambda: site.left == 1)


async def test_whoever_has_gone_before_the_room_could_write_disturbs_nobody(address: str, site: QuietSite) -> None:
    """Its side of the connection is shut by then: a write would raise."""
    site.hesitates = asyncio.Event()
    socket = await open_socket(address)
    await socket.close()
    site.hesitates.set()
    await soon(lambda: site.left == 1)
    assert site.outlets[0].send(Message(b"{}"))


async def test_whoever_reads_nothing_is_cut_off_though_it_was_quick_before(address: str, site: QuietSite) -> None:
    socket = await open_socket(address)
    await socket.send('{"t":"hello","v":1}')
    assert json.loads(await socket.recv())["t"] == "snapshot"
    outlet = site.outlets[0]
    assert outlet.flowing
    ballast = Message(b'{"t":"ballast","x":"%b"}' % (b"x" * 60_000))
    sent = 0
    while outlet.send(ballast):  # without a pause in which the client could read
        sent += 1
        assert sent < 1_000
    assert not outlet.flowing
    socket.transport.abort()
    await soon(lambda: site.left == 1)


async def test_another_server_s_connections_cannot_be_listened_to(site: QuietSite) -> None:
    site.limits = msgspec.structs.replace(site.limits, hello_timeout_s=0.1)
    async with serve(site, lifespan="off", ws="websockets-sansio") as host:
        socket = await open_socket(f"ws://{host}/")
        await soon(lambda: site.outlets)
        assert isinstance(site.outlets[0], QueueOutlet)
        assert site.kept is False
        await asyncio.sleep(2 * site.limits.hello_timeout_s)
        pong = await socket.ping()
        await asyncio.wait_for(pong, 60)  # nobody waited for its hello either: that is left to whoever receives
        await socket.close()


async def test_a_gate_wakes_all_who_wait_and_forgets_those_who_gave_up() -> None:
    gate = Gate()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    assert (await asyncio.gather(*waiting, return_exceptions=True))[1:] == [None, None]
    assert waiting[0].cancelled()
    gate.clear()
    late = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    assert not late.done()
    gate.set()
    await late


async def test_an_inbox_hands_out_in_order_and_gives_a_listener_what_waited() -> None:
    inbox = Inbox()
    heard: list[int] = []
    fetching = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    for number in range(3):
        inbox.put_nowait(number)
    assert await fetching == 0
    assert not inbox.empty()
    inbox.listen(heard.append)
    inbox.put_nowait(3)
    assert heard == [1, 2, 3]
    assert inbox.empty()
