"""How the peers written in Python are driven from outside (see the package)."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Callable


def many_files() -> None:
    """As many sockets as this machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def obey(emit: Callable[[bytes], None]) -> None:
    """Until the standard input ends. `emit` sends one text to everybody."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        _, rate, seconds, text = line.rstrip(b"\n").split(b" ", 3)
        print("DONE", await _emit(emit, float(rate), float(seconds), text), flush=True)


async def _emit(emit: Callable[[bytes], None], rate: float, seconds: float, text: bytes) -> int:
    loop = asyncio.get_running_loop()
    due_s = began_s = loop.time()
    sent = 0
    while due_s < began_s + seconds and loop.time() < began_s + seconds:
        emit(text)
        sent += 1
        due_s += 1 / rate
        await asyncio.sleep(max(0.0, due_s - loop.time()))
    return sent
