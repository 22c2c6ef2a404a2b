"""A Redis behind an address that can be moved, frozen or cut, as machines and networks do."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.demo.ports import HOST
from tests.ports import free_port
from tests.running import eventually


class Switch:
    """An address that leads to `there`, a port of this machine or a unix socket. Connections carry bytes to and fro;
    `asked` counts how often those who came in said something."""

    def __init__(self, there: int | str) -> None:
        self._there = there
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._dark = False
        self.asked = 0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._talk, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def lead_to(self, there: int | str) -> None:
        """For those who connect from now on."""
        self._there = there

    def freeze(self, *, dark: bool = False) -> None:
        """Present connections stay open and carry nothing any more; if `dark`, new ones too, until `light`."""
        self._dark = dark
        for line in self._lines:
            line.frozen = True

    def light(self) -> None:
        """New connections carry again; those of before stay as they are, as after a router lost its table."""
        self._dark = False

    def cut(self) -> None:
        for line in self._lines:
            line.cut()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        try:
            up_reader, up_writer = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, up_writer, frozen=self._dark)
        self._lines.add(line)
        asks = asyncio.create_task(self._carry(reader, up_writer, line, asks=True))
        try:
            await self._carry(up_reader, writer, line)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            asks.cancel()
            line.cut()
            self._lines.discard(line)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._there, str):
            return await asyncio.open_unix_connection(self._there)
        return await asyncio.open_connection(HOST, self._there)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line, *, asks: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if line.frozen:
                    continue
                self.asked += asks
                writer.write(data)
                await writer.drain()
            if line.frozen:
                await asyncio.Event().wait()  # the other end is gone, and nobody tells this one
            line.cut()


class _Line:
    def __init__(self, *ends: asyncio.StreamWriter, frozen: bool) -> None:
        self._ends = ends
        self.frozen = frozen

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()


@contextlib.asynccontextmanager
async def switch_to(there: int | str) -> AsyncIterator[Switch]:
    switch = Switch(there)
    await switch.open()
    try:
        yield switch
    finally:
        await switch.close()


class Machine:
    """A Redis of its own on a port, which forgets all when it dies unless `options` say otherwise."""

    def __init__(self, binary: str, directory: Path, *options: str) -> None:
        directory.mkdir()
        self.port = free_port()
        # Ended with us by the kernel, even if we are killed -9.
        leash = [path, "--pdeathsig", "TERM"] if (path := shutil.which("setpriv")) else []
        self._command = [
            *leash, binary, "--port", str(self.port), "--bind", HOST, "--dir", str(directory), "--save", "",
            "--repl-diskless-sync-delay", "0", "--logfile", str(directory / "log"), *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis(host=HOST, port=self.port)

    async def start(self) -> None:
        self._spawn()

        async def answers() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, f"Redis at port {self.port} ended"
            with contextlib.suppress(RedisError, OSError):
                return bool(await self.client.ping())
            return False

        await eventually(answers, "Redis starts")

    def _spawn(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def say(self, *command: Any) -> Any:
        return await self.client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it bare

    async def follow(self, host: str, port: int) -> None:
        """Returns when all that the other has is here."""
        await self.say("REPLICAOF", host, port)

        async def follows() -> bool:
            return bool((await self.client.info("replication"))["master_link_status"] == "up")

        await eventually(follows, "the replica follows")


@contextlib.asynccontextmanager
async def machines(binary: str, directory: Path, *options: str, count: int = 1) -> AsyncIterator[list[Machine]]:
    found = [Machine(binary, directory / f"m{n}", *options) for n in range(count)]
    try:
        for machine in found:
            await machine.start()
        yield found
    finally:
        for machine in found:
            await machine.client.aclose()
            machine.kill()
