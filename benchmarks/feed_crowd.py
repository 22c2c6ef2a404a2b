"""Thousands of viewers in a process of their own, cheap: they count frames and understand none but the first.

`python -m benchmarks.feed_crowd HOST PORT PATH`; each line on its standard input is a command, each answered by one
line of JSON:

    open N FIRST AT_ONCE   N more viewers, AT_ONCE handshakes at a time; when each has got FIRST frames: {"seconds": …}
    reopen FIRST AT_ONCE   every viewer leaves, then all come back at once, every second one asking to resume
    count                  {"frames": …, "bytes": …} since the last `count`
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, cast

import uvloop

from benchmarks.peers._driving import many_files

_HELLO = b'{"t":"hello","v":1}'


class Crowd:
    """All viewers of this process."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self.host, self.port = host, port
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            # What a browser sends beside it: a server keeps it, and it must be counted.
            f"Origin: http://{host}:{port}\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
            "Accept: */*\r\nAccept-Language: fr-CH,fr;q=0.8,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
            "Cookie: language=fr; theme=dark\r\nSec-Fetch-Mode: websocket\r\nSec-Fetch-Site: same-origin\r\n\r\n"
        ).encode()
        self.viewers: list[Viewer] = []
        self.frames = self.bytes = 0
        self.lost = 0
        self.place: tuple[str, int] | None = None
        """Where every second one of those who come back asks to resume."""

    async def open(self, count: int, first: int, at_once: int) -> dict[str, Any]:
        began = time.perf_counter()
        gate = asyncio.Semaphore(at_once)
        await asyncio.gather(*(self._open(number, first, gate) for number in range(count)))
        return {"seconds": time.perf_counter() - began, "viewers": len(self.viewers), "lost": self.lost}

    async def _open(self, number: int, first: int, gate: asyncio.Semaphore) -> None:
        viewer = Viewer(self, first, resume=number % 2 == 0)
        async with gate:
            await asyncio.get_running_loop().create_connection(lambda: viewer, self.host, self.port)
            await viewer.greeted
        await viewer.current
        self.viewers.append(viewer)

    async def reopen(self, first: int, at_once: int) -> dict[str, Any]:
        count = len(self.viewers)
        for viewer in self.viewers:
            viewer.leaves()
        self.viewers.clear()
        await asyncio.sleep(1)
        return await self.open(count, first, at_once)

    def count(self) -> dict[str, Any]:
        counted = {"frames": self.frames, "bytes": self.bytes, "lost": self.lost}
        self.frames = self.bytes = 0
        return counted

    def hello(self, resume: bool) -> bytes:
        said = _HELLO
        if resume and self.place is not None:
            said = json.dumps({"t": "hello", "v": 1, "epoch": self.place[0], "version": self.place[1]}).encode()
        return bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said  # a mask of zeros

    def noted(self, frame: bytes) -> None:
        """The first frame of the first viewer tells the place to resume from."""
        said = json.loads(frame)
        if self.place is None and said.get("t") == "snapshot":
            self.place = said["epoch"], said["version"]


class Viewer(asyncio.Protocol):
    """One websocket: says hello when it may, then counts."""

    def __init__(self, crowd: Crowd, first: int, *, resume: bool) -> None:
        loop = asyncio.get_running_loop()
        self.crowd = crowd
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.current: asyncio.Future[None] = loop.create_future()
        self._first = first
        self._resume = resume
        self._rest = b""
        self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self.transport.write(self.crowd.request)

    def leaves(self) -> None:
        self._leaving = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._leaving:
            self.crowd.lost += 1
        for waited in (self.greeted, self.current):
            if not waited.done():
                waited.set_exception(ConnectionError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        self.crowd.bytes += len(data)
        if not self.greeted.done():
            head, found, data = (self._rest + data).partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._rest = b""
            if not head.startswith(b"HTTP/1.1 101"):
                self.transport.abort()
                raise ConnectionError(head.decode(errors="replace"))
            self.greeted.set_result(None)
            self.transport.write(self.crowd.hello(self._resume))
        # Nearly always one whole small frame.
        if not self._rest and len(data) > 2 and data[1] == len(data) - 2:
            self._frame(data, 2)
            return
        self._rest = self._frames(self._rest + data)

    def _frames(self, data: bytes) -> bytes:
        """Counts the whole frames in `data`; what is left of it."""
        at = 0
        while len(data) - at >= 2:
            start, size = at + 2, data[at + 1]
            if size >= 126:
                width = 2 if size == 126 else 8
                size = int.from_bytes(data[start : start + width], "big")
                start += width
            if len(data) < start + size:
                break
            self._frame(data[at : start + size], start - at)
            at = start + size
        return data[at:]

    def _frame(self, frame: bytes, payload: int) -> None:
        if frame[0] != 0x81:  # the server's pings; it may be told off for those that are not answered
            if frame[0] == 0x89:
                self.transport.write(bytes([0x8A, 0x80 | len(frame) - payload, 0, 0, 0, 0]) + frame[payload:])
            return
        self.crowd.frames += 1
        if self._first:
            self.crowd.noted(frame[payload:])
            self._first -= 1
            if not self._first and not self.current.done():
                self.current.set_result(None)


async def main(host: str, port: int, path: str) -> None:
    many_files()
    crowd = Crowd(host, port, path)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command, *numbers = line.decode().split()
        arguments = [int(number) for number in numbers]
        if command == "open":
            answer = await crowd.open(*arguments)
        elif command == "reopen":
            answer = await crowd.reopen(*arguments)
        else:
            answer = crowd.count()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
