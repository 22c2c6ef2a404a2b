"""A wire between a client and Redis that can be cut at the worst moment: when the step is done and not yet answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Wire:
    """Listens on `url`. After `swallow(mark)`, the answer to the next request that contains `mark` is thrown away and
    its connection cut; `swallowed` counts them."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._mark: bytes | None = None
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.swallowed = 0
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def swallow(self, mark: str) -> None:
        self._mark = mark.encode()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        up_reader, up_writer = await asyncio.open_unix_connection(self._socket_path)
        doomed = asyncio.Event()
        asks = asyncio.create_task(self._ask(reader, up_writer, doomed))
        try:
            while answer := await up_reader.read(1 << 16):
                if doomed.is_set():
                    self.swallowed += 1
                    break
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            asks.cancel()
            for each in (writer, up_writer):
                each.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, doomed: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(1 << 20):
                if self._mark is not None and self._mark in request:
                    self._mark = None
                    doomed.set()
                up_writer.write(request)
                await up_writer.drain()
            up_writer.close()


@contextlib.asynccontextmanager
async def wire_to(redis_url: str) -> AsyncIterator[Wire]:
    wire = Wire(redis_url.removeprefix("unix://"))
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()
