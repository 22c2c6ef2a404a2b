"""The line at which the processes of a rush wait for each other.

They look again and again instead of waiting inside Redis: redis-py gives up a call that takes longer than its socket's
timeout, and on a slow machine the first process waits longer for the last.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from redis.asyncio import Redis

ROOT = Path(__file__).parents[2]
READY, GO = "line:ready", "line:go"
PATIENCE_S = 300
"""Generous: nothing here is measured."""


async def wait_for_the_others(redis: Redis) -> None:
    """What each of the processes does."""
    await redis.incr(READY)
    while not await redis.exists(GO):
        await asyncio.sleep(0.002)


async def run_together(redis: Redis, programs: Sequence[Sequence[str]], *, code: int = 0) -> list[bytes]:
    """Start modules with their arguments, let them loose when all are up, and return what each has printed. Each must
    end with `code`."""
    await redis.delete(READY, GO)
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", *program, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        for program in programs
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while int(await redis.get(READY) or 0) < len(processes):
                assert all(each.returncode is None for each in processes), "a process of the rush did not come up"
                await asyncio.sleep(0.01)
            await redis.set(GO, "go")
            said = [(await process.communicate())[0] for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert [process.returncode for process in processes] == [code] * len(processes)
    return said
