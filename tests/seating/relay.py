"""A server in front of the real Redis that a test can make fail in the middle of an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class Relay:
    """A server in front of the real one that can hold its answers back, cut them short, and add to them."""

    def __init__(self, redis_url: str, path: Path) -> None:
        if not redis_url.startswith("unix://"):
            pytest.skip("the relay stands before a unix socket")
        self.target = redis_url.removeprefix("unix://")
        self.path = path
        self.accepted = 0
        self.requests = b""
        # How many of the next connections are hung up on after their first bytes.
        self.hang_ups = 0
        # How many bytes of answers still pass before the connection is cut, and whether anybody may come again.
        self.left: int | None = None
        self.dies = False
        self._gates: list[asyncio.Event] = []
        self._sinks: list[asyncio.StreamWriter] = []
        self._carrying: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for sink in self._sinks:
            sink.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def client(self, **options: Any) -> Redis:
        return Redis(unix_socket_path=str(self.path), retry=Retry(NoBackoff(), 0), **options)

    def hold(self) -> None:
        """The connections of now get no answers any more; new ones do."""
        for gate in self._gates:
            gate.clear()

    def let_go(self) -> None:
        for gate in self._gates:
            gate.set()

    def add(self, data: bytes) -> None:
        self._sinks[-1].write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.accepted <= self.hang_ups:
            await reader.read(1)
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(self.target)
        self._gates.append(gate := asyncio.Event())
        gate.set()
        self._sinks += [up_writer, writer]
        self._carrying.append(asyncio.create_task(self._carry_requests(reader, up_writer)))
        self._carrying.append(asyncio.create_task(self._carry_answers(up_reader, writer, gate)))

    async def _carry_requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            self.requests += data
            sink.write(data)
        sink.close()

    async def _carry_answers(self, source: asyncio.StreamReader, sink: Any, gate: asyncio.Event) -> None:
        while data := await source.read(65536):
            await gate.wait()
            if self.left is not None:
                data = data[: self.left]
                self.left -= len(data)
            sink.write(data)
            if self.left == 0:
                self.left = None
                if self.dies:
                    self._server.close()
                break
        sink.close()
