"""The raw port: each way it can fail says whether the printer may have had bytes of ours (PRN-3)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from hardware.transports._contract import PrinterLinkLost, PrinterSilent, PrinterUnreachable
from hardware.transports.tcp9100 import Tcp9100


class Peer:
    """A socket that does what a test says."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.answer = b""
        self.hangs_up = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        if self.answer or self.hangs_up:
            await reader.read(100)
            writer.write(self.answer)
            if self.hangs_up:
                writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[tuple[Peer, Tcp9100]]:
    peer = Peer()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what it does not read, its kernel does not either
    server = await asyncio.start_server(peer.serve, sock=listener, limit=1)
    port = listener.getsockname()[1]
    yield peer, Tcp9100("127.0.0.1", port, connect_s=60, write_s=60, answer_s=60)
    for writer in peer.writers:
        writer.transport.abort()
    server.close()


def whole(answer: bytes) -> bytes | None:
    return answer if answer.endswith(b"!") else None


async def test_a_question_gets_its_answer_once_it_is_whole(peer: tuple[Peer, Tcp9100]) -> None:
    peer[0].answer = b"well!"
    connection = await peer[1].open()
    assert await connection.ask(b"?", whole) == b"well!"
    await connection.close()


async def test_a_closed_port_is_unreachable_and_nothing_was_sent() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(PrinterUnreachable):
        await Tcp9100("127.0.0.1", port).open()


def impatient(patient: Tcp9100) -> Tcp9100:
    """The same printer, by one who waits for it for a moment only."""
    return Tcp9100("127.0.0.1", patient._port, connect_s=60, write_s=0.3, answer_s=0.3)


async def test_a_printer_that_does_not_answer_is_silent_and_still_connected(peer: tuple[Peer, Tcp9100]) -> None:
    connection = await impatient(peer[1]).open()
    with pytest.raises(PrinterSilent):
        await connection.ask(b"?", whole)
    await connection.write(b"more")
    await connection.close()


async def test_a_printer_that_hangs_up_is_a_lost_link(peer: tuple[Peer, Tcp9100]) -> None:
    peer[0].hangs_up = True
    connection = await peer[1].open()
    with pytest.raises(PrinterLinkLost):
        await connection.ask(b"?", whole)
    await connection.close()


async def test_a_printer_that_stops_reading_is_a_lost_link(peer: tuple[Peer, Tcp9100]) -> None:
    connection = await impatient(peer[1]).open()
    with pytest.raises(PrinterLinkLost, match="stopped"):
        await connection.write(b"x" * 50_000_000)
    await connection.close()
