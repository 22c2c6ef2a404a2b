"""What a seat weighs in Redis: a ground of 60,000, half of it sold and a tenth in carts, every structure counted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Sequence
from itertools import islice
from typing import Any

from redis.asyncio import Redis

from benchmarks.frame import Context, Result, benchmark
from benchmarks.seating.ground import GROUP, hold, lay, opened, parties, size_of, up_to
from benchmarks.stadium import stadium
from seating.seats import Plan
from seating.store import Inventory

LIMIT_BYTES = 64.0
AT_ONCE = 32


@benchmark("seating.bytes_per_seat", unit="B/seat", better="lower")
async def bytes_per_seat(ctx: Context) -> Result:
    """Orders and carts of two to four seats side by side, three quotas each, through the store: hold, promise, sell.

    Measured twice, and the larger counts: the sum of MEMORY USAGE over every key of the group, log included, and how
    much more memory Redis uses than with its scripts known and no house.
    """
    plan = stadium(size_of(ctx))
    size = len(plan.seats)
    async with opened(ctx.redis_url, stadium(1_000)) as (redis, inventory):
        await sell(inventory, ((0, 1),))
        await inventory.unload(GROUP)
        before = await used_bytes(redis)
        await lay(inventory, plan)
        empty = sum((await weights(redis)).values())
        await half_sold(inventory, plan)
        weight = await weights(redis)
        more = await used_bytes(redis) - before
    counted = sum(weight.values())
    log = sum(each for name, each in weight.items() if name.endswith(":log"))
    return Result(
        max(counted, more) / size,
        limit=LIMIT_BYTES,
        note=f"{size:,} seats; every key {counted / size:.1f}, of which the log {log / size:.1f}; Redis' memory grew "
        f"by {more / size:.1f}; with nothing sold {empty / size:.1f}",
    )


async def half_sold(inventory: Inventory, plan: Plan) -> None:
    """A half sold, then a tenth held."""
    waiting = iter(parties(plan, random.Random(20_261_122)))
    await sell(inventory, list(up_to(len(plan.seats) // 2, waiting)))
    await take(inventory, list(up_to(len(plan.seats) // 10, waiting)))


async def sell(inventory: Inventory, orders: Sequence[tuple[int, ...]]) -> None:
    async def one(number: int, ordinals: tuple[int, ...]) -> None:
        await hold(inventory, f"order {number}", ordinals)
        order = f"C{number:010d}"  # as long as the box office's own
        assert len(await inventory.promise(GROUP, f"order {number}", order)) == len(ordinals)  # type: ignore[arg-type]  # items
        assert await inventory.sell(GROUP, order)

    await _at_once(one(number, ordinals) for number, ordinals in enumerate(orders))


async def take(inventory: Inventory, carts: Sequence[tuple[int, ...]]) -> None:
    await _at_once(hold(inventory, f"cart {number}", ordinals) for number, ordinals in enumerate(carts))


async def _at_once(work: Iterator[Coroutine[Any, Any, Any]]) -> None:
    while some := list(islice(work, AT_ONCE)):
        await asyncio.gather(*some)


async def weights(redis: Redis) -> dict[str, int]:
    """Bytes by key of the group, each weighed to its last member."""
    keys = [key async for key in redis.scan_iter(f"{{g:{GROUP}}}:*", count=1000)]
    return {key.decode(): int(await redis.memory_usage(key, samples=0) or 0) for key in keys}


async def used_bytes(redis: Redis) -> int:
    """Without what Redis keeps for its clients and for writing to disk: that is no seat's."""
    while (said := await redis.info("memory")).get("lazyfree_pending_objects", 0):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    return int(said["used_memory"]) - int(said.get("mem_clients_normal", 0)) - int(said.get("mem_aof_buffer", 0))
