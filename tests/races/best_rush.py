"""One process of a rush on best seats: `python -m tests.races.best_rush URL WAY SEED`.

It waits with the others at a line until the test says go, then lets its buyers loose, each with its party, and prints
what each was told: a JSON list of [cart, count, ordinals], the ordinals empty for whoever was refused.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys

from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    FREE,
    BestSeats,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
)
from tests.races.line import wait_for_the_others
from tests.seating.best_reference import House, Party, best
from tests.seating.houses import sketch

GROUP, TONIGHT = "best-rush", 1
PROCESSES, BUYERS = 4, 50
LOOKED = "best-rush:looked"
Told = tuple[str, int, list[int]]


def house() -> Plan:
    """414 seats in two prices, with two aisles: half of what the crowd asks for."""
    front, back = "......  ...........  ......", "ssssss  sssssssssss  ssssss"
    return sketch(*[front] * 10, *[back] * 8)


def opening() -> GroupState:
    return GroupState(GROUP, (PerformanceState(TONIGHT, house()),))


def parties(seed: int) -> list[tuple[str, int]]:
    """The carts of one process and how many seats each wants."""
    dice = random.Random(seed)
    return [(f"{seed}-{number}", dice.randint(2, 6)) for number in range(BUYERS)]


async def ask(inventory: Inventory, cart: str, count: int) -> list[int]:
    line = BestSeats(TONIGHT, count, 1)
    answer = await inventory.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), (line,), 600))
    return [item.ordinal for item in answer.items] if isinstance(answer, Held) else []


class LookThenTake:
    """The negative control: the best seats of a moment ago, chosen by the same rules, outside the step.

    Nobody takes before everybody has looked, in whichever process: all choose in the empty house, so that no more
    parties are seated than there are sizes of them, whatever the machine does.
    """

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.mine_have_looked = asyncio.Barrier(BUYERS)
        self.all_have_looked = asyncio.Event()

    async def look_together(self) -> None:
        if await self.mine_have_looked.wait() == 0:
            await self.redis.incr(LOOKED)
            while int(await self.redis.get(LOOKED) or 0) < PROCESSES:
                await asyncio.sleep(0.002)
            self.all_have_looked.set()
        await self.all_have_looked.wait()

    async def __call__(self, inventory: Inventory, cart: str, count: int) -> list[int]:
        seen = await inventory.snapshot(GROUP, TONIGHT, owners=False)
        await self.look_together()
        chosen = best(House(house(), [state == FREE for state in seen.states]), Party(count))
        if chosen is None:
            return []
        line = NamedSeats(TONIGHT, chosen.seats, 1)
        held = await inventory.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), (line,), 600))
        return list(chosen.seats) if isinstance(held, Held) else []


async def rush(url: str, way: str, seed: int) -> list[Told]:
    redis = Redis.from_url(url)
    inventory = Inventory(redis)
    choose = ask if way == "in the step" else LookThenTake(redis)
    await wait_for_the_others(redis)

    async def buyer(cart: str, count: int) -> Told:
        return cart, count, await choose(inventory, cart, count)

    told = await asyncio.gather(*(buyer(cart, count) for cart, count in parties(seed)))
    await redis.aclose()
    return list(told)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(rush(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
