"""Ten thousand holds lapse in one moment while others go on buying: how long does anybody have to wait? (LIVE-7)

A few buyers hold and release every few milliseconds, and the expiry loop of app/sales/upkeep.py runs. First nothing is
due; then the holds of ten thousand carts are, all at once, in the moment when buyers and loop begin. The figure is the
longest that a buyer's call took; the limit is the longest without any expiry in the same run, which is what this
machine and its other work cost.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.frame import Context, Result, benchmark
from benchmarks.seating.ground import GROUP, LongestStep, hold, opened, percentile, size_of
from benchmarks.stadium import stadium
from seating.store import Inventory

BUYERS = 4
PAUSE_S = 0.003
LOOP_EVERY_S = 0.5
APART = 6
"""The lapsing holds are one seat in six; buyers take two of the five between."""


@benchmark("seating.expiry_stall", unit="ms", better="lower")
async def expiry_stall(ctx: Context) -> Result:
    holds, ttl_s, seconds = (400, 1, 0.8) if ctx.smoke else (10_000, 15, 5.0)
    async with opened(ctx.redis_url, stadium(size_of(ctx))) as (redis, inventory):
        idle = await load(inventory, seconds)
        expires_at_ms = await hold_many(inventory, holds, ttl_s)
        await asyncio.sleep((expires_at_ms - await inventory.now_ms(GROUP)) / 1000 + 0.05)
        async with LongestStep(redis) as longest:
            busy = await load(inventory, seconds)
    assert idle.freed_by_loop == 0
    assert 0 < busy.freed_by_loop <= holds
    calm, then, all_of = idle.waits_ms(), busy.waits_ms(busy.gone_after_s), busy.waits_ms()
    return Result(
        max(all_of),
        limit=max(calm),
        note=f"{holds:,} holds were gone after {busy.gone_after_s:.2f} s, {busy.freed_by_loop:,} of them by the loop, "
        f"the others by the {len(then):,} calls that came meanwhile, whose p99 was {percentile(then, 99):.1f} ms; "
        f"limit: without expiry, p99 {percentile(calm, 99):.1f} ms; the longest that one step kept Redis: "
        f"{longest.ms:.1f} ms",
    )


@dataclass(slots=True)
class Load:
    """What the buyers met, and what the loop did. Seconds since they began."""

    calls: list[tuple[float, float]] = field(default_factory=list)
    """When a call began, and when it was answered."""
    freed_by_loop: int = 0
    gone_after_s: float = 0.0
    """Until the loop found nothing more to free."""

    def waits_ms(self, until_s: float = math.inf) -> list[float]:
        """Of the calls begun until then."""
        return [1000 * (answered - began) for began, answered in self.calls if began <= until_s]


async def hold_many(inventory: Inventory, holds: int, ttl_s: int) -> int:
    """So many carts of one seat each, all live; when the last of them lapses (ms)."""
    numbers = iter(range(holds))
    expires: list[int] = []

    async def buyer() -> None:
        for number in numbers:
            expires.append((await hold(inventory, f"lapses {number}", (APART * number,), ttl_s)).expires_at_ms)

    await asyncio.gather(*(buyer() for _ in range(32)))
    if min(expires) <= await inventory.now_ms(GROUP):
        raise AssertionError(f"the first of {holds} holds lapsed before the last was made: let them last longer")
    return max(expires)


async def load(inventory: Inventory, seconds: float) -> Load:
    """Buyers and the expiry loop, for so long."""
    met, began = Load(), time.perf_counter()

    def clock() -> float:
        return time.perf_counter() - began

    upkeep = asyncio.create_task(expire(inventory, met, clock))
    await asyncio.gather(*(buy(inventory, number, seconds, met, clock) for number in range(BUYERS)))
    upkeep.cancel()
    await asyncio.gather(upkeep, return_exceptions=True)
    return met


async def buy(inventory: Inventory, number: int, seconds: float, met: Load, clock: Callable[[], float]) -> None:
    cart, first = f"buyer {number}", APART * number + 1
    while (began := clock()) < seconds:
        await hold(inventory, cart, (first, first + 1))
        between = clock()
        await inventory.release(GROUP, cart)
        met.calls += [(began, between), (between, clock())]
        await asyncio.sleep(PAUSE_S)


async def expire(inventory: Inventory, met: Load, clock: Callable[[], float]) -> None:
    """As app/sales/upkeep.py does it, until cancelled."""
    while True:
        freed = await inventory.expire_due(GROUP)
        if freed:
            met.freed_by_loop += freed
            met.gone_after_s = clock()
        await asyncio.sleep(LOOP_EVERY_S * (0.75 + 0.5 * random.random()))
