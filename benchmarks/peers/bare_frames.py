"""The practical limit in Python: a protocol class on uvloop that writes one ready-made frame to every transport.

No web server, no reading of what clients say, no log-in, no slow readers: nothing but the kernel's sends.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import cast

import uvloop

from benchmarks.peers._driving import many_files, obey
from realtime.messages import text_frame

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Bare(asyncio.Protocol):
    """One viewer, from its request on."""

    everybody: set[asyncio.Transport] = set()  # noqa: RUF012  one process serves one room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        _, found, rest = data.partition(b"Sec-WebSocket-Key: ")
        if not found:
            return
        accept = base64.b64encode(hashlib.sha1(rest.split(b"\r\n", 1)[0] + _GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + text_frame(b"{}")
        )
        self.everybody.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.discard(self.transport)


def emit(text: bytes) -> None:
    frame = text_frame(text)
    for transport in Bare.everybody:
        transport.write(frame)


async def main() -> None:
    many_files()
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await obey(emit)


if __name__ == "__main__":
    uvloop.run(main())
