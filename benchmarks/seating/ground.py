"""What these figures share: one house laid down in Redis, who holds in it, and Redis' own account of its time."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Iterator, Sequence

from redis.asyncio import Redis

from benchmarks.frame import Context
from benchmarks.stadium import FULL_SIZE
from seating.seats import Plan
from seating.store import (
    FREE,
    SOLD,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    Line,
    NamedSeats,
    Owner,
    PerformanceState,
    QuotaState,
)

GROUP, PERFORMANCE, TARIFF = "bench", 1, 1
QUOTAS = ("event:1", "performance:1", "tariff:1")
BUYER = Owner("buyer", "online")
TTL_S = 900
SMALL_SIZE = 3_000


def size_of(ctx: Context) -> int:
    return SMALL_SIZE if ctx.smoke else FULL_SIZE


@contextlib.asynccontextmanager
async def opened(url: str, plan: Plan, states: bytes = b"") -> AsyncIterator[tuple[Redis, Inventory]]:
    """A performance on this plan, its scripts known to the server; gone afterwards."""
    redis = Redis.from_url(url)
    inventory = Inventory(redis)
    try:
        await lay(inventory, plan, states)
        yield redis, inventory
    finally:
        await inventory.unload(GROUP)
        await redis.aclose()


async def lay(inventory: Inventory, plan: Plan, states: bytes = b"") -> None:
    """The house anew, with every seat in its state."""
    await inventory.unload(GROUP)
    quotas = tuple(QuotaState(name, 1_000_000, 0) for name in QUOTAS)
    await inventory.load(GroupState(GROUP, (PerformanceState(PERFORMANCE, plan, states),), quotas))


def filled(plan: Plan, share: float, dice: random.Random) -> bytes:
    """States of a house of which this share is sold, seat by seat at random: worse than any real sale leaves it."""
    states = bytearray([FREE]) * len(plan.seats)
    for ordinal in dice.sample(range(len(states)), round(share * len(states))):
        states[ordinal] = SOLD
    return bytes(states)


def parties(plan: Plan, dice: random.Random) -> list[tuple[int, ...]]:
    """Every seat of the house in parties of two to four side by side (a row's end may leave one), in any order."""
    found: list[tuple[int, ...]] = []
    for run in plan.rows:
        first = 0
        while first < len(run):
            count = dice.randint(2, 4)
            found.append(run[first : first + count])
            first += count
    dice.shuffle(found)
    return found


def up_to(count: int, waiting: Iterator[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Parties until they have so many seats, the last one smaller if need be."""
    while count > 0:
        party = next(waiting)[:count]
        count -= len(party)
        yield party


def seats(*ordinals: int) -> NamedSeats:
    return NamedSeats(PERFORMANCE, ordinals, TARIFF, QUOTAS)


def request(cart: str, line: Line, ttl_s: int = TTL_S) -> HoldRequest:
    return HoldRequest(GROUP, cart, BUYER, (line,), ttl_s)


async def hold(inventory: Inventory, cart: str, ordinals: Sequence[int], ttl_s: int = TTL_S) -> Held:
    """Seats that must be free."""
    answer = await inventory.hold(request(cart, seats(*ordinals), ttl_s))
    if not isinstance(answer, Held):
        raise AssertionError(f"{cart} was refused free seats: {answer}")
    return answer


async def script_us(redis: Redis) -> int:
    """Microseconds that Redis has spent inside scripts that it knew."""
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("usec", 0))


class LongestStep:
    """`ms` is, once the block is left, how long the longest single command kept Redis from everybody else."""

    FROM_US, KEPT = 200, 10_000

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._settings: dict[str | None, str | None] = {}
        self.ms = 0.0

    async def __aenter__(self) -> LongestStep:
        self._settings = await self._redis.config_get("slowlog-*")
        await self._redis.config_set("slowlog-log-slower-than", self.FROM_US)
        await self._redis.config_set("slowlog-max-len", self.KEPT)
        await self._redis.slowlog_reset()
        return self

    async def __aexit__(self, *_: object) -> None:
        steps = await self._redis.slowlog_get(self.KEPT)
        self.ms = max((step["duration"] for step in steps), default=self.FROM_US) / 1000
        for name, value in self._settings.items():
            await self._redis.config_set(str(name), str(value))


def percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
