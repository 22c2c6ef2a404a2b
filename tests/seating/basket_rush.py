"""One process of a rush on two groups that everybody wants both of: `python -m tests.seating.basket_rush URL SEED`.

It waits with the others at a line until the test says go, then prints which of its carts were told that they have both:
a JSON list of [cart, places in the first group, places in the second].
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from seating.baskets import BasketHeld, Baskets
from seating.holds import Held
from seating.store import (
    BestSeats,
    GroupState,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
)
from tests.races.line import wait_for_the_others
from tests.seating.houses import sketch

SEATED, FAIR = 1, 2
QUOTA = "event"
PLAN = sketch("......", "......")
BUYERS, TRIES = 25, 4
Prize = tuple[str, int, int]


def opening(group: str, limit: int) -> GroupState:
    performances = (PerformanceState(SEATED, PLAN), PerformanceState(FAIR, None))
    return GroupState(group, performances, (QuotaState(QUOTA, limit, 0),))


class Careless(Baskets):
    """The negative control: what was taken stays taken."""

    async def _release(
        self, cart: str, taken: Mapping[str, Held], uncertain: HoldRequest | None = None
    ) -> tuple[str, ...]:
        return ()


async def rush(baskets: Baskets, groups: Sequence[str], seed: int) -> list[Prize]:
    """Who asks for the first group first, who for the second; seats by name, the best, or without a number."""
    dice = random.Random(seed)
    won: list[Prize] = []

    def wish(cart: str, group: str) -> HoldRequest:
        first = dice.randrange(11)
        line: NamedSeats | BestSeats | Quantity = dice.choice(
            (
                NamedSeats(SEATED, (first, first + 1), 1, (QUOTA,)),
                BestSeats(SEATED, 2, 1, (QUOTA,)),
                Quantity(FAIR, dice.randrange(1, 3), 1, (QUOTA,)),
            )
        )
        return HoldRequest(group, cart, Owner("buyer", cart), (line,), 600)

    async def buyer(number: int) -> None:
        for attempt in range(TRIES):
            cart = f"{seed}-{number}-{attempt}"
            order = groups if number % 2 else groups[::-1]
            answer = await baskets.hold([wish(cart, group) for group in order])
            if isinstance(answer, BasketHeld):
                first, second = (len(answer.groups[group].items) for group in groups)
                won.append((cart, first, second))

    await asyncio.gather(*(buyer(number) for number in range(BUYERS)))
    return won


def carts_of(seeds: Sequence[int]) -> list[str]:
    """Every cart of these rushes, whatever it was told."""
    return [f"{seed}-{number}-{attempt}" for seed in seeds for number in range(BUYERS) for attempt in range(TRIES)]


async def main(url: str, seed: int, groups: Sequence[str]) -> None:
    redis = Redis.from_url(url)
    baskets = Baskets(Inventory(redis))
    await wait_for_the_others(redis)
    print(json.dumps(await rush(baskets, groups, seed)))
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
