"""One worker of a rush on a waitlist: `python -m tests.races.waitlist_rush WAY EVENT WORKERS`, engines by environment.

It waits with the others at a line, then looks at the list again and again, and prints whom it told: a JSON list of
[entry, places]. WAY is `locked`, or `unlocked`: the control, in which nobody takes the list's lock and all have read
before anybody writes, as happens when two workers look at the same instant. Two more ways die: `killed-writing` when a
wave's first lines are written, `killed-after` when it is committed and nobody was mailed yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from app.core import db, jobs
from app.core.clock import now
from app.core.redis import close_redis, redis
from app.sales import jobs as _sales_jobs
from app.sales import waitlist
from app.sales.waitlist import look
from tests.races.line import wait_for_the_others

LOOKS_AT_ONCE, ROUNDS = 4, 5
HAVE_READ = "waitlist-rush:have-read"
assert _sales_jobs  # imported so that a wave may enqueue its jobs


async def no_lock(*_: Any) -> None:
    """What `lock_list` would be if it did nothing."""


def read_together(read: Callable[..., Awaitable[Any]], workers: int) -> Callable[..., Awaitable[Any]]:
    """The last that a wave reads; it goes on when every worker has come so far."""

    async def wait(*asked: Any) -> Any:
        found = await read(*asked)
        await redis().incr(HAVE_READ)
        while int(await redis().get(HAVE_READ) or 0) < workers:
            await asyncio.sleep(0.01)
        return found

    return wait


async def die(way: str, event: int) -> None:
    """As the kernel ends a process: no `finally`, no goodbye to PostgreSQL."""
    enqueue = jobs.enqueue

    async def enqueue_one_and_die(*asked: Any, **more: Any) -> None:
        await enqueue(*asked, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    if way == "killed-writing":
        jobs.enqueue = enqueue_one_and_die
    await look(event, at=now())
    os.kill(os.getpid(), signal.SIGKILL)


async def work(way: str, event: int, workers: int) -> list[tuple[int, int]]:
    looks, rounds = LOOKS_AT_ONCE, ROUNDS
    if way.startswith("killed"):
        await die(way, event)
    if way == "unlocked":
        waitlist.lock_list = no_lock  # type: ignore[assignment]  # it takes what the real one takes, and more
        waitlist._limits = read_together(waitlist._limits, workers)  # type: ignore[assignment]  # as above
        looks, rounds = 1, 1
    told = []
    for _ in range(rounds):
        for wave in await asyncio.gather(*(look(event, at=now()) for _ in range(looks))):
            told += [(each.entry, each.count) for each in wave.offered]
    return told


async def main(way: str, event: int, workers: int) -> None:
    await db.start_pool(LOOKS_AT_ONCE)
    await wait_for_the_others(redis())
    sys.stdout.write(json.dumps(await work(way, event, workers)))
    await db.stop_pool()
    await close_redis()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
