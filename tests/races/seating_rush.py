"""One process of a rush on seats: `python -m tests.races.seating_rush URL WAY SEED`.

It waits with the others at a line until the test says go, then lets its buyers loose, and prints what each of them was
told it had: a JSON list of [cart, [[performance, ordinal]], places without a number, key].
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    Allotment,
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
from tests.races.line import wait_for_the_others
from tests.seating.houses import sketch

GROUP, MATCH, STANDING, PASS = "rush", 1, 2, 3
QUOTA, QUOTA_SIZE = "event:1", 45
ROWS, ROW = 5, 12
PRESS, SCHOOL, SCHOOL_SIZE = "press", "school", 9
PRESS_SEATS = tuple(range((ROWS - 1) * ROW, ROWS * ROW))
"""The last row of the match; with the pass, the match's seats are the pass's too (SEA-7)."""
PRESS_BYTE = 16
BUYERS, TRIES = 40, 6
Prize = tuple[str, list[tuple[int, int]], int, str]
Line = NamedSeats | BestSeats | Quantity


def house() -> Plan:
    return sketch(*["." * ROW] * ROWS)


def opening() -> GroupState:
    plan = house()
    return GroupState(
        GROUP,
        (PerformanceState(MATCH, plan), PerformanceState(STANDING, None), PerformanceState(PASS, plan)),
        (QuotaState(QUOTA, QUOTA_SIZE, 0),),
        allotments=(
            Allotment(PRESS, "Press", MATCH, PRESS_SEATS),
            Allotment(SCHOOL, "School", STANDING, quantity=SCHOOL_SIZE, quotas=(QUOTA,)),
        ),
        links=((PASS, MATCH),),
    )


class Unguarded:
    """The negative control: looks, then takes, in two steps. Right for one buyer at a time, wrong in a rush.

    Nobody takes before everybody of his process has looked once. So whichever process is the first to take, all of its
    buyers have seen the house as it was opened; and what the buyers of each of them want first is enough alone for
    everything that may go wrong, whatever the machine does and the others do.
    """

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.first_look = asyncio.Barrier(BUYERS)
        self.looked: set[str] = set()
        self.states = {each: f"{{g:{GROUP}}}:p:{each}:states" for each in (MATCH, PASS)}
        self.quotas = f"{{g:{GROUP}}}:quotas"

    async def hold(self, request: HoldRequest) -> Held | None:
        (line,) = request.lines
        seen = {each: await self.redis.get(key) for each, key in self.states.items()}
        used, kept = (int(each or 0) for each in await self.redis.hmget(self.quotas, f"u{QUOTA}", f"r{QUOTA}"))
        await self.look_together(request.cart)
        count = len(line.ordinals) if isinstance(line, NamedSeats) else line.count
        school = isinstance(line, Quantity) and line.allotment == SCHOOL
        if kept < count if school else used + kept + count > QUOTA_SIZE:
            return None
        if isinstance(line, NamedSeats) and not self.free(line, seen, request.keys):
            return None
        taking = self.redis.pipeline(transaction=True)
        if isinstance(line, NamedSeats):
            for ordinal in line.ordinals:
                taking.setrange(self.states[line.performance], ordinal, "\x01")
        if school:
            taking.hincrby(self.quotas, f"r{QUOTA}", -count)
        taking.hincrby(self.quotas, f"u{QUOTA}", count)
        await taking.execute()
        return Held((), 0)

    async def look_together(self, cart: str) -> None:
        buyer = cart.rpartition("-")[0]
        if buyer not in self.looked:
            self.looked.add(buyer)
            await self.first_look.wait()

    def free(self, line: NamedSeats, seen: dict[int, Any], keys: tuple[str, ...]) -> bool:
        here, there = seen[line.performance], seen[PASS if line.performance == MATCH else MATCH]
        if PRESS in keys:
            return all(here[ordinal] == PRESS_BYTE for ordinal in line.ordinals)
        return not any(here[ordinal] or there[ordinal] for ordinal in line.ordinals)


def wish(dice: random.Random, way: str) -> tuple[Line, tuple[str, ...]]:
    """What a buyer asks for, always two places, and the key that goes with it."""
    first = dice.randrange(ROWS - 1) * ROW + dice.randrange(ROW - 1)
    kind = dice.random()
    if kind < 0.15:
        return Quantity(STANDING, 2, 1, (QUOTA,)), ()
    if kind < 0.3:
        return Quantity(STANDING, 2, 1, (QUOTA,), SCHOOL), (SCHOOL,)
    if kind < 0.4:
        first = PRESS_SEATS[dice.randrange(ROW - 1)]
        return NamedSeats(MATCH, (first, first + 1), 1, (QUOTA,)), (PRESS,)
    if way == "guarded" and kind < 0.6:
        allotment = dice.choice(["", "", PRESS])
        return BestSeats(MATCH, 2, 1, (QUOTA,), allotment=allotment), (allotment,) if allotment else ()
    return NamedSeats(dice.choice([MATCH, PASS]), (first, first + 1), 1, (QUOTA,)), ()


async def rush(url: str, way: str, seed: int) -> list[Prize]:
    dice = random.Random(seed)
    redis = Redis.from_url(url)
    store = Inventory(redis) if way == "guarded" else Unguarded(redis)
    await wait_for_the_others(redis)
    won: list[Prize] = []

    async def buyer(number: int) -> None:
        for attempt in range(TRIES):
            cart = f"{seed}-{number}-{attempt}"
            line, keys = wish(dice, way)
            answer = await store.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), (line,), 600, keys=keys))
            if not isinstance(answer, Held):
                continue
            if way == "guarded":
                seats = [(item.performance, item.ordinal) for item in answer.items if item.ordinal >= 0]
                count = len(answer.items)
            else:
                seats = [(line.performance, o) for o in line.ordinals] if isinstance(line, NamedSeats) else []
                count = 2
            won.append((cart, seats, count - len(seats), "".join(keys)))

    await asyncio.gather(*(buyer(number) for number in range(BUYERS)))
    await redis.aclose()
    return won


async def churn(url: str, way: str, seed: int) -> list[Prize]:
    """Buyers who take and give up again, in every way there is; in the end everything is given back."""
    dice = random.Random(seed)
    redis = Redis.from_url(url)
    inventory = Inventory(redis)
    await wait_for_the_others(redis)
    counter = Owner("counter", "Counter 1")

    async def order(cart: str, code: str) -> None:
        await asyncio.gather(*(inventory.promise(GROUP, cart, code) for _ in range(2)))
        if dice.random() < 0.3:
            await inventory.recall(GROUP, code, cart, counter, 600)
            await inventory.promise(GROUP, cart, code)
        if dice.random() < 0.5:
            await inventory.sell(GROUP, code)
        for seat in range(ROW):
            # Whoever has none of these is refused; who has one may get another.
            await inventory.exchange(GROUP, code, MATCH, seat, dice.randrange(ROWS * ROW), tariff=1, quotas=(QUOTA,))
        await asyncio.gather(*(inventory.give_back(GROUP, code) for _ in range(2)))

    async def buyer(number: int) -> None:
        for attempt in range(TRIES * 3):
            cart, code = f"{seed}-{number}", f"C{seed}-{number}-{attempt}"
            lines: tuple[Line, ...] = (
                BestSeats(dice.choice([MATCH, PASS]), dice.randint(1, 4), 1, (QUOTA,)),
                Quantity(STANDING, 1, 1, (QUOTA,), dice.choice(["", SCHOOL])),
                BestSeats(MATCH, 1, 1, (QUOTA,), allotment=PRESS),
            )
            some = dice.sample(lines, dice.randint(1, 3))
            keys = (PRESS, SCHOOL)
            await inventory.hold(HoldRequest(GROUP, cart, Owner("buyer", cart), tuple(some), 600, keys=keys))
            await inventory.extend(GROUP, cart, 900)
            if dice.random() < 0.3:
                await inventory.move(GROUP, cart, f"{cart}-moved", counter, 600)
                cart = f"{cart}-moved"
            if dice.random() < 0.5:
                await order(cart, code)
            else:
                await asyncio.gather(*(inventory.release(GROUP, cart) for _ in range(2)))

    await asyncio.gather(*(buyer(number) for number in range(10)))
    await redis.aclose()
    return []


if __name__ == "__main__":
    run = churn if sys.argv[2] == "churn" else rush
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
