"""The best four seats of a ground of 60,000, chosen and held in one step, beside holding four seats by name (LIVE-8).

Every best-seats call is followed, once its seats are free again, by a hold of the very same seats by name (of four free
ones at random, where it was refused): the two differ in the choice alone. Both are one call through the store, nobody
else asking, with the same three quotas; no category and no zone is named, in any of the three states of the house.
Releasing is not counted. A call that was refused, as it may be in a nearly full house, counts as what it took.

The limit is three times the named hold. Redis' own share is in the note, where no client blurs it, and so is its ratio
in smaller grounds of the same shape: choosing should not know how large the house is.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis

from benchmarks.frame import Context, Result, benchmark
from benchmarks.seating.ground import (
    GROUP,
    PERFORMANCE,
    QUOTAS,
    TARIFF,
    filled,
    lay,
    opened,
    request,
    script_us,
    seats,
)
from benchmarks.stadium import FULL_SIZE, stadium
from seating.seats import Plan
from seating.store import FREE, BestSeats, Held, Inventory, Line, Refusal

PARTY = 4
TIMES = 3
"""How much dearer choosing may be."""


@benchmark("seating.best4_empty", unit="µs", better="lower")
async def best4_empty(ctx: Context) -> Result:
    """Nothing is sold: the first place looked at will do."""
    return await beside_named(ctx, sold=0.0, houses=1)


@benchmark("seating.best4_half", unit="µs", better="lower")
async def best4_half(ctx: Context) -> Result:
    """Half of the seats are sold, each by the throw of a coin; five such houses."""
    return await beside_named(ctx, sold=0.5, houses=5)


@benchmark("seating.best4_95", unit="µs", better="lower")
async def best4_95(ctx: Context) -> Result:
    """Of twenty seats one is free, at random: hardly ever four side by side, so parties must be split; ten houses."""
    return await beside_named(ctx, sold=0.95, houses=10)


async def beside_named(ctx: Context, *, sold: float, houses: int) -> Result:
    sizes = (3_000, 1_000) if ctx.smoke else (FULL_SIZE, 15_000, 3_000)
    calls = 10 if ctx.smoke else 240 // houses
    houses = min(houses, 2) if ctx.smoke else houses
    found = {size: await measured(ctx.redis_url, stadium(size), sold, houses, calls) for size in sizes}
    large = found[sizes[0]]
    others = ", ".join(f"{size:,} seats: {found[size].told()}" for size in sizes[1:])
    best, named = usual(large.best.wall_us), usual(large.named.wall_us)
    dearest = max(statistics.median(calls) for calls in large.best.redis_us)
    return Result(
        best,
        limit=TIMES * named,
        note=f"{best / named:.2f} of a named hold; in Redis {large.told()}, in the dearest of {houses} houses "
        f"{dearest:,.0f}; {others}; {large.outcomes()}",
    )


@dataclass(slots=True)
class Cost:
    """Of each call, microseconds, house by house: within a house the same call is made again and again."""

    wall_us: list[list[float]] = field(default_factory=list)
    redis_us: list[list[float]] = field(default_factory=list)


def usual(houses: list[list[float]]) -> float:
    """What the call usually costs in a house, on average over the houses: no house is left out, only the noise is."""
    return statistics.fmean(statistics.median(calls) for calls in houses)


@dataclass(slots=True)
class Measured:
    best: Cost = field(default_factory=Cost)
    named: Cost = field(default_factory=Cost)
    went: Counter[str] = field(default_factory=Counter)

    def next_house(self) -> None:
        for cost in (self.best, self.named):
            cost.wall_us.append([])
            cost.redis_us.append([])

    def told(self) -> str:
        best, named = usual(self.best.redis_us), usual(self.named.redis_us)
        return f"{best:,.0f} µs beside {named:,.0f} ({best / named:.1f})"

    def outcomes(self) -> str:
        calls = self.went.total()
        return ", ".join(
            f"{100 * self.went[what] / calls:.0f} % {what}"
            for what in ("together", "split", "refused")
            if self.went[what]
        )


async def measured(url: str, plan: Plan, sold: float, houses: int, calls: int) -> Measured:
    """`houses` times a house of this plan of which this share is sold, `calls` calls of either kind in each."""
    found = Measured()
    dice = random.Random(20_261_122)
    run_of = {ordinal: run for run in plan.rows for ordinal in run}
    async with opened(url, plan) as (redis, inventory):
        unnoted = Measured()
        unnoted.next_house()
        await both(redis, inventory, unnoted, run_of, range(PARTY))  # scripts and connections are there from now on
        for _ in range(houses):
            found.next_house()
            states = filled(plan, sold, dice)
            await lay(inventory, plan, states)
            free = [ordinal for ordinal, state in enumerate(states) if state == FREE]
            for _ in range(calls):
                await both(redis, inventory, found, run_of, dice.sample(free, PARTY))
    return found


async def both(
    redis: Redis,
    inventory: Inventory,
    found: Measured,
    run_of: dict[int, tuple[int, ...]],
    others: Sequence[int],
) -> None:
    """The best seats, then the same by name (`others`, if there were none); the house is afterwards as it was."""
    chosen = await timed(redis, inventory, found.best, BestSeats(PERFORMANCE, PARTY, TARIFF, QUOTAS))
    ordinals = sorted(item.ordinal for item in chosen.items) if isinstance(chosen, Held) else sorted(others)
    together = ordinals[-1] - ordinals[0] == PARTY - 1 and ordinals[-1] in run_of[ordinals[0]]
    found.went["refused" if isinstance(chosen, Refusal) else "together" if together else "split"] += 1
    named = await timed(redis, inventory, found.named, seats(*ordinals))
    assert isinstance(named, Held)


async def timed(redis: Redis, inventory: Inventory, cost: Cost, line: Line) -> Held | Refusal:
    """Holds, counts what it took, and releases."""
    asked = request("the party", line)
    before = await script_us(redis)
    began = time.perf_counter()
    answer = await inventory.hold(asked)
    cost.wall_us[-1].append(1e6 * (time.perf_counter() - began))
    cost.redis_us[-1].append(await script_us(redis) - before)
    await inventory.release(GROUP, asked.cart)
    return answer
