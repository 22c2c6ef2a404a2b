"""The processes a figure of the feed is made of: a server, a crowd of viewers, and what they cost.

Servers and crowds are programs of their own, so that a server's CPU and memory are the server's alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bootstrap.browser_code import node_directory

_ROOT = Path(__file__).parent.parent
_LINE_BYTES_MAX = 1 << 20
HANDSHAKES_MAX = 1_000
"""Under way at a time: more than that overflow the kernel's queue of connections, and would measure its retries."""


@contextlib.asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[Process]:
    """Runs as long as the block; ended by the end of its standard input, or killed."""
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=PIPE, stdout=PIPE, cwd=_ROOT, limit=_LINE_BYTES_MAX
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # nothing of it is worth a graceful end, which for thousands of sockets takes a while
        await process.wait()


async def line_of(process: Process) -> bytes:
    """Raises RuntimeError when it ended instead; its own words are on the standard error."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the benchmark has ended")
    return line


async def tell(process: Process, command: str) -> bytes:
    """The line that answers a command."""
    assert process.stdin is not None
    process.stdin.write(command.encode() + b"\n")
    await process.stdin.drain()
    return await line_of(process)


@dataclass(frozen=True, slots=True)
class Server:
    process: Process
    port: int
    path: str

    async def emit(self, rate: float, seconds: float, text: str) -> int:
        """Send a text to everybody `rate` times a second, or as often as it can; how many times it was sent."""
        return int((await tell(self.process, f"EMIT {rate} {seconds} {text}")).split()[1])

    async def ask(self, question: str) -> Any:
        """What only our own server answers (see benchmarks/feed_server.py)."""
        return json.loads(await tell(self.process, question))

    @property
    def cpu_s(self) -> float:
        """Of all its threads since it began, the kernel's work for it included."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    @property
    def resident_bytes(self) -> int:
        """What it has in memory; the kernel's own buffers of its sockets are not in it, for nobody."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.asynccontextmanager
async def _server(path: str, *arguments: str) -> AsyncIterator[Server]:
    async with program(*arguments) as process:
        yield Server(process, int(await line_of(process)), path)


def our_server(redis_url: str, *, path: str = "/live/performances/1") -> contextlib.AbstractAsyncContextManager[Server]:
    return _server(path, sys.executable, "-m", "benchmarks.feed_server", redis_url)


def bare_frames() -> contextlib.AbstractAsyncContextManager[Server]:
    return _server("/", sys.executable, "-m", "benchmarks.peers.bare_frames")


def litestar_channels() -> contextlib.AbstractAsyncContextManager[Server]:
    return _server("/", sys.executable, "-m", "benchmarks.peers.litestar_channels")


def node_ws() -> contextlib.AbstractAsyncContextManager[Server]:
    """Raises RuntimeError where Node or the package is missing: a peer must not silently drop out."""
    directory = node_directory(Path(sys.prefix))
    if directory is None or not (_ROOT / "frontend/node_modules/ws").exists():
        raise RuntimeError("Node's ws is missing: ./placeur sets it up with the browser code")
    program_file = _ROOT / "benchmarks/peers/node_ws.mjs"
    return _server("/", str(directory / "node"), str(program_file), str(_ROOT / "frontend/package.json"))


class Crowd:
    """See benchmarks/feed_crowd.py."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def open(self, viewers: int, first: int, *, at_once: int = HANDSHAKES_MAX) -> float:
        """Seconds until `viewers` more have got `first` frames each."""
        return _all_there(json.loads(await tell(self._process, f"open {viewers} {first} {at_once}")))

    async def reopen(self, first: int) -> float:
        """Seconds until all have come back and got `first` frames each."""
        return _all_there(json.loads(await tell(self._process, f"reopen {first} {HANDSHAKES_MAX}")))

    async def count(self) -> int:
        """Frames that all of them got since it was last asked. Raises RuntimeError when one was cut off."""
        counted = json.loads(await tell(self._process, "count"))
        _all_there(counted)
        return int(counted["frames"])


def _all_there(answer: dict[str, Any]) -> float:
    if answer["lost"]:
        raise RuntimeError(f"{answer['lost']} viewers were cut off")
    return float(answer.get("seconds", 0.0))


@contextlib.asynccontextmanager
async def crowd(server: Server, path: str = "") -> AsyncIterator[Crowd]:
    """Viewers to be, of the server's own path or of another."""
    arguments = ("127.0.0.1", str(server.port), path or server.path)
    async with program(sys.executable, "-m", "benchmarks.feed_crowd", *arguments) as process:
        yield Crowd(process)


@contextlib.asynccontextmanager
async def changes(redis_url: str) -> AsyncIterator[Server]:
    """Others who hold seats and give them up, `emit(rate, seconds, "-")`."""
    async with _server("", sys.executable, "-m", "benchmarks.feed_server", redis_url, "changes") as changing:
        yield changing
