"""One process of a rush on seats: `python -m tests.races.seating_rush URL WAY SEED`.

It waits with the others at a line until the test says go, then lets its buyers loose, and prints what each of them was
told it had: a JSON list of [cart, [ordinals], places].
"""

from __future__ import annotations

import asyncio
import json
import random
import sys

from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    BestSeats,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
)
from tests.seating.houses import sketch

GROUP, SEATED, STANDING = "rush", 1, 2
QUOTA, QUOTA_SIZE = "event:1", 45
ROWS = 5
BUYERS, TRIES = 40, 6
READY, GO = "rush:ready", "rush:go"
Prize = tuple[str, list[int], int]


def house() -> Plan:
    return sketch(*["............"] * ROWS)


def opening() -> GroupState:
    return GroupState(
        GROUP,
        (PerformanceState(SEATED, house()), PerformanceState(STANDING, None)),
        (QuotaState(QUOTA, QUOTA_SIZE, 0),),
    )


class Unguarded:
    """The negative control: looks, then takes, in two steps. Right for one buyer at a time, wrong in a rush."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.states = f"{{g:{GROUP}}}:p:{SEATED}:states"
        self.quotas = f"{{g:{GROUP}}}:quotas"

    async def hold(self, request: HoldRequest) -> Held | None:
        wanted: list[int] = []
        places = 0
        for line in request.lines:
            if isinstance(line, NamedSeats):
                wanted += line.ordinals
            else:
                places += line.count
        seen = await self.redis.get(self.states)
        used = int(await self.redis.hget(self.quotas, f"u{QUOTA}") or 0)
        assert isinstance(seen, bytes)
        if any(seen[ordinal] for ordinal in wanted) or used + len(wanted) + places > QUOTA_SIZE:
            return None
        taking = self.redis.pipeline(transaction=True)
        for ordinal in wanted:
            taking.setrange(self.states, ordinal, "\x01")
        taking.hincrby(self.quotas, f"u{QUOTA}", len(wanted) + places)
        await taking.execute()
        return Held((), 0)


async def rush(url: str, way: str, seed: int) -> list[Prize]:
    dice = random.Random(seed)
    redis = Redis.from_url(url)
    store = Inventory(redis) if way == "guarded" else Unguarded(redis)
    await redis.rpush(READY, str(seed))
    await redis.blpop([f"{GO}:{seed}"], 60)
    won: list[Prize] = []

    async def buyer(number: int) -> None:
        for attempt in range(TRIES):
            cart = f"{seed}-{number}-{attempt}"
            row, first = dice.randrange(ROWS) * 12, dice.randrange(11)
            line: NamedSeats | BestSeats | Quantity = NamedSeats(SEATED, (row + first, row + first + 1), 1, (QUOTA,))
            kind = dice.random()
            if kind < 0.2:
                line = Quantity(STANDING, 2, 1, (QUOTA,))
            elif kind < 0.5 and way == "guarded":
                line = BestSeats(SEATED, 2, 1, (QUOTA,))
            answer = await store.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), (line,), 600))
            if not isinstance(answer, Held):
                continue
            if way == "guarded":
                ordinals = [item.ordinal for item in answer.items if item.ordinal >= 0]
                won.append((cart, ordinals, len(answer.items) - len(ordinals)))
            elif isinstance(line, NamedSeats):
                won.append((cart, list(line.ordinals), 0))
            else:
                won.append((cart, [], 2))

    await asyncio.gather(*(buyer(number) for number in range(BUYERS)))
    await redis.aclose()
    return won


async def churn(url: str, way: str, seed: int) -> list[Prize]:
    """Buyers who take and give up again, in every way there is; in the end everything is given back."""
    dice = random.Random(seed)
    redis = Redis.from_url(url)
    inventory = Inventory(redis)
    await redis.rpush(READY, str(seed))
    await redis.blpop([f"{GO}:{seed}"], 60)

    async def buyer(number: int) -> None:
        for attempt in range(TRIES * 3):
            cart, order = f"{seed}-{number}", f"C{seed}-{number}-{attempt}"
            lines = (BestSeats(SEATED, dice.randint(1, 4), 1, (QUOTA,)), Quantity(STANDING, 1, 1, (QUOTA,)))
            await inventory.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), lines[: dice.randint(1, 2)], 600))
            await inventory.extend(GROUP, cart, 900)
            if dice.random() < 0.5:
                await asyncio.gather(*(inventory.promise(GROUP, cart, order) for _ in range(2)))
                if dice.random() < 0.5:
                    await inventory.sell(GROUP, order)
                await asyncio.gather(*(inventory.give_back(GROUP, order) for _ in range(2)))
            else:
                await asyncio.gather(*(inventory.release(GROUP, cart) for _ in range(2)))

    await asyncio.gather(*(buyer(number) for number in range(10)))
    await redis.aclose()
    return []


if __name__ == "__main__":
    run = churn if sys.argv[2] == "churn" else rush
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
