"""Strangers do their worst to a real web process: they are shown out, an honest viewer notices nothing, and memory
stays where it was (LIVE-1)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from realtime.client import Feed
from realtime.follower import Status
from realtime.messages import CLOSE_HELLO_TIMEOUT, CLOSE_MALFORMED, CLOSE_TOO_MANY, CLOSE_UNKNOWN
from tests.cast import Theatre
from tests.faults.feed_network import switch_to
from tests.faults.test_feed_herd import Web, take
from tests.running import eventually

pytestmark = pytest.mark.fault

HELLO = '{"t":"hello","v":1}'
opened = partial(connect, compression=None, proxy=None, open_timeout=60)
ADDRESS_MAX, UNREAD_MAX = 50, 64 * 1024
ELSEWHERE = ("127.0.0.2", 0)
"""Another address than the abusers', so that their number is not the honest viewer's concern."""
PATIENCE_S = 300
GROWTH_MAX = 64 * 1024 * 1024
KEPT_WITHOUT_LIMIT = 8 * 1024 * 1024


class Scene:
    """A web process, an honest viewer whose connection must survive, and a seat to see whether it still follows."""

    def __init__(self, theatre: Theatre, web: Web, honest: ClientConnection) -> None:
        self.theatre = theatre
        self.web = web
        self._honest = honest
        self._next_seat = 0
        self._begin_bytes = self._memory()

    @property
    def url(self) -> str:
        return self.web.url_of(self.theatre.performance)

    async def is_unharmed(self) -> None:
        """The honest viewer's own first connection is told of one more seat; nothing was hoarded."""
        seat, self._next_seat = self._next_seat, self._next_seat + 1
        await take(self.theatre, seat)
        async with asyncio.timeout(60):
            while True:
                frame = json.loads(await self._honest.recv())
                if frame["t"] == "delta" and [seat, 1] in frame["seats"]:
                    break
        assert self.grown() < GROWTH_MAX, f"{self.grown()} bytes more than before"

    async def leaves_nothing(self) -> None:
        """Every connection but the honest viewer's is gone from the process."""

        async def alone() -> bool:
            return len(self.connections()) == 1

        await eventually(alone, "the abusers' connections are gone")

    def connections(self) -> list[object]:
        process = psutil.Process(self.web.process.pid)
        return [
            each
            for each in process.net_connections("tcp")
            if each.laddr.port == self.web.port and each.status == psutil.CONN_ESTABLISHED
        ]

    def grown(self) -> int:
        """How many bytes more the web process has than in the beginning."""
        return self._memory() - self._begin_bytes

    def _memory(self) -> int:
        return int(psutil.Process(self.web.process.pid).memory_info().rss)


Setting = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def scene(theatre: Theatre) -> AsyncIterator[Setting]:
    """Opens the web process with the limits that a test wants."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_with(*words: str, **limits: object) -> Scene:
            address = urlsplit(os.environ["DATABASE_URL"])
            there = f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.5432"
            ledger = await stack.enter_async_context(switch_to(there))
            chosen = {"CONNECTIONS_PER_ADDRESS_MAX": ADDRESS_MAX, "UNREAD_BYTES_MAX": UNREAD_MAX, **limits}
            web = Web(ledger, *words, **{f"PLACEUR_LIVE_{name}": str(value) for name, value in chosen.items()})
            stack.callback(web.kill)
            await eventually(web.is_open, "the web process is open")
            honest = await stack.enter_async_context(
                opened(web.url_of(theatre.performance), local_addr=ELSEWHERE, max_queue=None)
            )
            await honest.send(HELLO)
            while json.loads(await honest.recv())["t"] != "snapshot":
                pass
            return Scene(theatre, web, honest)

        yield open_with


async def closing_of(socket: ClientConnection) -> tuple[int | None, Counter[str]]:
    """The close code, and what kinds of frames came before it."""
    kinds: Counter[str] = Counter()
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            kinds[json.loads(await asyncio.wait_for(socket.recv(), 60))["t"]] += 1
    return socket.close_code, kinds


async def visit(url: str, *frames: str | bytes) -> tuple[int | None, Counter[str]]:
    async with opened(url, max_size=None) as stranger:
        with contextlib.suppress(websockets.ConnectionClosed, OSError):
            for frame in frames:
                await stranger.send(frame)
        return await closing_of(stranger)


async def test_ten_thousand_hellos_get_twenty_answers(scene: Setting) -> None:
    open_scene = await scene()
    began_s = time.monotonic()
    code, kinds = await visit(open_scene.url, *[HELLO] * 10_000)
    assert code in (CLOSE_TOO_MANY, 1006)  # 1006: its own frames ran into the closed socket
    # Everybody may say one thing more for each second that passes, and a machine may stand still for some.
    assert kinds["snapshot"] + kinds["delta"] <= 21 + (time.monotonic() - began_s)
    await open_scene.is_unharmed()
    await open_scene.leaves_nothing()


async def test_ten_thousand_performances_that_nobody_plays_leave_no_room_behind(scene: Setting) -> None:
    """In turn, as many at once as one address may."""
    open_scene = await scene()
    numbers = iter(range(1_000_000, 1_010_000))
    codes: Counter[int | None] = Counter()

    async def wander() -> None:
        for number in numbers:
            codes[(await visit(open_scene.web.url_of(number), HELLO))[0]] += 1

    await asyncio.gather(*(wander() for _ in range(ADDRESS_MAX // 2)))
    assert set(codes) == {CLOSE_UNKNOWN}
    await open_scene.is_unharmed()
    await open_scene.leaves_nothing()


async def test_whoever_never_says_hello_takes_no_more_than_an_address_may(scene: Setting) -> None:
    open_scene = await scene(HELLO_TIMEOUT_S=300)
    silent = [await opened(open_scene.url) for _ in range(ADDRESS_MAX)]
    with pytest.raises(websockets.InvalidStatus, match="429"):
        await opened(open_scene.url)
    await open_scene.is_unharmed()
    for each in silent:
        each.transport.abort()
    await open_scene.leaves_nothing()


async def test_whoever_never_says_hello_is_shown_out(scene: Setting) -> None:
    open_scene = await scene(HELLO_TIMEOUT_S=5)
    silent = [await opened(open_scene.url) for _ in range(ADDRESS_MAX)]
    await open_scene.is_unharmed()
    ends = await asyncio.gather(*(closing_of(each) for each in silent))
    assert {code for code, _ in ends} == {CLOSE_HELLO_TIMEOUT}
    await open_scene.leaves_nothing()
    async with Feed(open_scene.url) as later:
        await later.until(lambda feed: feed.status is Status.LIVE)


async def test_garbage_of_every_kind_ends_its_own_connection_only(scene: Setting) -> None:
    open_scene = await scene()
    dice = random.Random(1673)
    for frame in ("{", b"\x00\x01", "[" * 4_000, '{"t":"hello","v":1,"epoch":"' + "x" * 3_000 + '","version":1}'):
        assert (await visit(open_scene.url, frame))[0] == CLOSE_MALFORMED
    huge = bytes([0x81, 0x80 | 127]) + (5_000_000).to_bytes(8, "big") + bytes(4) + b"x" * 5_000_000
    noises = [dice.randbytes(20_000) for _ in range(50)] + [huge] * 5
    for noise in noises:  # no websocket, or one that turns to noise
        for opening in (b"", handshake(open_scene)):
            # In a thread: the web process may be waiting for its ledger, whose wire is held here.
            await asyncio.to_thread(shout, open_scene.web.port, opening + noise)
    await open_scene.is_unharmed()
    await open_scene.leaves_nothing()


async def test_whoever_announces_a_huge_frame_gets_no_memory_for_it(scene: Setting) -> None:
    """The header alone promises a gigabyte; some of it follows."""
    open_scene = await scene()
    strangers = []
    for _ in range(ADDRESS_MAX // 2):
        stranger = socket.create_connection(("127.0.0.1", open_scene.web.port))
        strangers.append(stranger)
        stranger.setblocking(False)
        with contextlib.suppress(OSError):
            stranger.send(handshake(open_scene))
            await asyncio.sleep(0.01)
            stranger.send(bytes([0x81, 0x80 | 127]) + (1 << 30).to_bytes(8, "big") + bytes(4) + b"x" * 100_000)
    await open_scene.leaves_nothing()
    await open_scene.is_unharmed()
    for stranger in strangers:
        stranger.close()


@pytest.mark.parametrize("limit", [UNREAD_MAX, 1 << 40])
async def test_those_who_never_read_are_cut_off_and_cost_what_the_limit_says(scene: Setting, limit: int) -> None:
    """The second is the control: without a limit the same strangers stay, and what they leave unread is kept."""
    open_scene = await scene("strict", UNREAD_BYTES_MAX=limit, FRAMES_BURST=1_000_000_000)
    deaf = [Deaf(open_scene) for _ in range(5)]

    async def all_are_in() -> bool:
        return len(open_scene.connections()) == 1 + len(deaf)

    await eventually(all_are_in, "the strangers are in")
    async with asyncio.timeout(PATIENCE_S):
        if limit == UNREAD_MAX:
            while len(open_scene.connections()) > 1:
                await ask_on(deaf)
        else:
            while open_scene.grown() < KEPT_WITHOUT_LIMIT:
                await ask_on(deaf)
                assert await all_are_in()
    if limit == UNREAD_MAX:
        await open_scene.leaves_nothing()
        await open_scene.is_unharmed()
    for each in deaf:
        each.socket.close()


async def ask_on(deaf: list[Deaf]) -> None:
    for each in deaf:
        each.ask_on()
    await asyncio.sleep(0.01)


class Deaf:
    """Asks for the picture again and again and reads nothing."""

    def __init__(self, scene: Scene) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", scene.web.port))
        self.socket.setblocking(False)
        self._unsaid = handshake(scene)

    def ask_on(self) -> None:
        """As often as goes out now, up to 200 times; never by half a frame."""
        if not self._unsaid:
            self._unsaid = masked(HELLO.encode()) * 200
        with contextlib.suppress(OSError):
            self._unsaid = self._unsaid[self.socket.send(self._unsaid) :]


def handshake(scene: Scene) -> bytes:
    path = urlsplit(scene.url).path.encode()
    return (
        b"GET %b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % path
    )


def shout(port: int, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as stranger, contextlib.suppress(OSError):
        stranger.sendall(noise)


def masked(text: bytes) -> bytes:
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
