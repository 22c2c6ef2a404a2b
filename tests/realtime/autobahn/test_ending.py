"""How connections end: whole frames up to the last, nothing behind it, and nobody who stays for ever (LIVE-1).

`/storm` writes frames of 1 byte to 250 KB as fast as they are read, two writers straight to the transport and the web
server's own between them; the web server pings twenty times a second on top. The client reads slowly and pings back.

What an end does depends on who is how far. So a test does not go on before the server says that it is where it must be
(`until`), and nobody but those who do not read is given less than minutes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.realtime.autobahn.endpoints import CLOSED_BY_SERVER, KERNEL_BUFFER_BYTES
from tests.realtime.autobahn.frames import PING, TEXT, Event, close_frame, frame
from tests.realtime.autobahn.running import Endpoint, running
from tests.realtime.autobahn.sections._tables import last, more, text
from tests.realtime.autobahn.wire import PATIENCE_S, Wire

SMALL_BUFFER = 4_096
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def _impatient() -> Iterator[Endpoint]:
    with running("impatient") as endpoint:
        yield endpoint


@pytest.fixture
async def impatient(_impatient: Endpoint) -> Endpoint:
    """Gives whoever does not go one second. Each test finds it empty."""
    await until(_impatient, open=0)
    return _impatient


@pytest.fixture
def restarting() -> Iterator[Endpoint]:
    """An impatient one for one test alone, which ends it."""
    with running("impatient") as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def pinging() -> Iterator[Endpoint]:
    """Pings twenty times a second."""
    with running("pinging") as endpoint:
        yield endpoint


def ask(endpoint: Endpoint, path: str) -> Any:
    with DIRECTLY.open(f"http://{endpoint.host}{path}", timeout=PATIENCE_S) as answer:
        return json.loads(answer.read() or b"null")


def connections(endpoint: Endpoint) -> dict[str, int]:
    """See endpoints.py."""
    counts: dict[str, int] = ask(endpoint, "/connections")
    return counts


async def until(endpoint: Endpoint, **wanted: int) -> None:
    """Until the endpoint counts so many connections, ends or handlers."""
    async with asyncio.timeout(PATIENCE_S):
        while wanted.items() - connections(endpoint).items():
            await asyncio.sleep(0.02)


async def until_stuck(endpoint: Endpoint) -> None:
    """Until a client that does not read has as many bytes waiting for it as the server gives anybody."""
    async with asyncio.timeout(PATIENCE_S):
        while connections(endpoint)["unsent"] < 200_000:
            ask(endpoint, "/fill")
            await asyncio.sleep(0.02)


def ride(wire: Wire, pings: int) -> list[Event]:
    """Read the storm, pinging all the while; the pongs in their order."""
    for number in range(pings):
        wire.send(frame(PING, f"ping {number}".encode()))
        heard = len(wire.events)
        assert wire.read_until(lambda heard=heard: len(wire.events) >= heard + 3)  # type: ignore[misc]
    return [Event("pong", f"ping {number}".encode()) for number in range(pings)]


def in_order(wire: Wire) -> bool:
    """Each writer's frames came whole, once, in its own order, without a gap."""
    said = [json.loads(event.payload) for event in wire.events if event.kind == "text"]
    by_writer = {name: [each["n"] for each in said if each["by"] == name] for name in ("a", "b")}
    return all(numbers == list(range(len(numbers))) and numbers for numbers in by_writer.values())


def storm(endpoint: Endpoint) -> Wire:
    wire = Wire(endpoint.host, "/storm", receive_buffer=SMALL_BUFFER)
    pongs = ride(wire, 40)
    assert wire.fault is None
    assert in_order(wire)
    assert wire.read_until(lambda: [event for event in wire.events if event.kind == "pong"] == pongs)
    assert any(b'"asgi"' in event.payload for event in wire.events), "the server's own frames came between"
    return wire


def ended_well(wire: Wire, code: int) -> None:
    assert wire.ended == "eof"
    assert wire.fault is None
    assert in_order(wire)
    assert wire.server_close is not None
    assert int.from_bytes(wire.server_close[:2], "big") == code


async def test_frames_of_both_writers_and_pongs_never_mix_and_a_client_s_close_is_the_end(pinging: Endpoint) -> None:
    wire = await asyncio.to_thread(storm, pinging)
    wire.close(b"\x03\xe9")
    await asyncio.to_thread(wire.read_to_end)
    ended_well(wire, 1001)
    wire.drop()
    await until(pinging, open=0)


async def test_a_close_of_ours_amid_frames_completes_its_handshake(pinging: Endpoint) -> None:
    wire = await asyncio.to_thread(storm, pinging)
    wire.send(text(b"close, please"))
    await asyncio.to_thread(wire.read_to_end)
    assert wire.closed_first == "server"
    ended_well(wire, CLOSED_BY_SERVER)
    wire.drop()
    await until(pinging, open=0)


async def test_a_wrong_frame_amid_ours_is_refused_behind_whole_frames(pinging: Endpoint) -> None:
    """Also when more of it comes once the server has begun to close, and still has to get rid of frames: whoever does
    not read that resets the connection, and the close frame may be lost."""
    wire = await asyncio.to_thread(storm, pinging)
    await until_stuck(pinging)
    wire.send(frame(TEXT, b"x", rsv=1) + b"\xff" * 20_000)
    await until(pinging, ending=1)
    wire.send(b"\xff" * 20_000)
    await asyncio.to_thread(wire.read_to_end)
    ended_well(wire, 1002)
    wire.drop()


async def test_whoever_answers_no_ping_is_closed_behind_whole_frames(pinging: Endpoint) -> None:
    wire = await asyncio.to_thread(storm, pinging)
    wire.pongs = False
    wire.send(frame(PING, b"the last word"))
    assert await asyncio.to_thread(wire.read_until, lambda: Event("pong", b"the last word") in wire.events)
    ask(pinging, "/hurry")
    await asyncio.to_thread(wire.read_to_end)
    ended_well(wire, 1011)
    wire.drop()


async def test_a_restart_amid_frames_ends_behind_a_whole_one() -> None:
    with running("pinging") as pinging:
        wire = await asyncio.to_thread(storm, pinging)
        pinging.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(wire.read_to_end)
        ended_well(wire, 1012)
        wire.drop()


@pytest.mark.parametrize(
    "goodbye",
    [close_frame(1000), frame(TEXT, b"x", rsv=1), None],
    ids=["closes", "is refused", "shuts its sending side"],
)
async def test_whoever_goes_without_reading_is_gone_in_the_end(impatient: Endpoint, goodbye: bytes | None) -> None:
    """Its unread bytes would otherwise keep its socket for ever, beyond every count of connections."""
    wire = Wire(impatient.host, "/storm", receive_buffer=SMALL_BUFFER)
    await until_stuck(impatient)
    wire.send(goodbye) if goodbye else wire.shut()
    await until(impatient, open=0)
    wire.drop()


async def test_a_restart_says_goodbye_to_everybody_beside_one_who_left_without_reading(restarting: Endpoint) -> None:
    """uvicorn's own class raises InvalidState at that one, and tells nobody behind it."""
    deaf = Wire(restarting.host, "/storm", receive_buffer=SMALL_BUFFER)
    await until_stuck(restarting)
    others = [Wire(restarting.host) for _ in range(5)]
    deaf.send(close_frame(1000))
    await until(restarting, ending=1)
    restarting.process.send_signal(signal.SIGTERM)
    for other in others:
        await asyncio.to_thread(other.read_to_end)  # and answer, as every browser does
    await asyncio.to_thread(restarting.process.wait, PATIENCE_S)
    assert "InvalidState" not in restarting.log()
    assert "Traceback" not in restarting.log()
    assert [other.server_close for other in others] == [(1012).to_bytes(2, "big")] * 5


async def test_pings_whose_answers_nobody_reads_do_not_pile_up(impatient: Endpoint) -> None:
    """Nor keep a connection alive whose client answers none of the server's."""
    wire = Wire(impatient.host, receive_buffer=SMALL_BUFFER, send_buffer=SMALL_BUFFER)
    flood = frame(PING, b"x" * 125) * 500
    for _ in range(64):  # 4 MB, of which kernels hold a few hundred KB: endpoints.py limits its side as we do ours
        await asyncio.to_thread(wire.send, flood)
    counts = connections(impatient)
    assert counts["unsent"] < 2_000_000
    assert (counts["open"], counts["ending"]) == (1, 0)
    ask(impatient, "/hurry")
    await until(impatient, open=0)
    wire.drop()


async def test_a_refusal_amid_much_that_is_still_coming_reaches_its_client(pinging: Endpoint) -> None:
    """No reset: that may overtake the close frame and take it away. The message is far beyond what the server reads at
    once, and what our kernel takes, so we are still writing when it closes, and learn of a reset."""
    for _ in range(20):
        wire = Wire(pinging.host, send_buffer=KERNEL_BUFFER_BYTES)
        wire.send(frame(TEXT, b"x" * 3_000_000))
        await asyncio.to_thread(wire.read_to_end)
        assert wire.ended == "eof"
        assert (wire.server_close or b"")[:2] == (1009).to_bytes(2, "big")
        wire.drop()


async def test_a_bad_message_with_the_close_frame_right_behind_it_is_still_refused(pinging: Endpoint) -> None:
    wire = Wire(pinging.host)
    wire.send(text(b"ok", fin=False) + more(b"\xed\xa0\x80") + last(b"") + close_frame(1000))
    await asyncio.to_thread(wire.read_to_end)
    assert "Traceback" not in pinging.log()
    assert (wire.server_close or b"")[:2] == (1007).to_bytes(2, "big")
    wire.drop()


@pytest.mark.parametrize("early", [close_frame(1000), frame(TEXT, b"x", rsv=1)], ids=["close", "wrong"])
async def test_frames_before_the_handshake_is_over_end_the_connection_without_a_word(
    impatient: Endpoint, early: bytes
) -> None:
    reader, writer = await asyncio.open_connection(*impatient.host.split(":"))
    writer.write(
        b"GET /late HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await until(impatient, open=1)
    writer.write(early)
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()
    await until(impatient, open=0)
    async with asyncio.timeout(PATIENCE_S):
        while connections(impatient)["handlers"]:
            ask(impatient, "/open")  # nobody is there any more
            await asyncio.sleep(0.02)
    assert "Traceback" not in impatient.log()


@pytest.mark.parametrize(
    ("test", "how"),
    [
        (test_a_restart_says_goodbye_to_everybody_beside_one_who_left_without_reading, "InvalidState"),
        (test_pings_whose_answers_nobody_reads_do_not_pile_up, "< 2000000"),
        (test_a_bad_message_with_the_close_frame_right_behind_it_is_still_refused, "Traceback"),
        (test_a_refusal_amid_much_that_is_still_coming_reaches_its_client, "'reset' == 'eof'"),
        (test_a_wrong_frame_amid_ours_is_refused_behind_whole_frames, "'reset' == 'eof'"),
    ],
)
async def test_the_web_server_s_own_class_fails(test: Callable[[Endpoint], Awaitable[None]], how: str) -> None:
    """The negative control: what is asserted above is not true of every server."""
    with running("unmended") as unmended:
        with pytest.raises(AssertionError, match=how):
            await test(unmended)
        unmended.process.kill()  # it may not end by itself any more


async def test_the_web_server_s_own_class_keeps_whoever_goes_without_reading() -> None:
    with running("unmended") as unmended:
        wire = Wire(unmended.host, "/storm", receive_buffer=SMALL_BUFFER)
        await until_stuck(unmended)
        wire.send(close_frame(1000))
        await until(unmended, ending=1)
        await asyncio.sleep(2)  # the same class, mended, gives it one second above
        assert connections(unmended)["open"] == 1
        wire.drop()
