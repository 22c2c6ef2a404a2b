"""Two hundred buyers at once who all want the best seats (LIVE-8), until the house is full.

Seats are only ever taken here, so whoever was refused while he could have been seated could still be seated in what is
left in the end: that is what is looked for.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from seating.store import FREE, HELD, Inventory
from tests.races.best_rush import GROUP, LOOKED, PROCESSES, TONIGHT, Told, ask, house, opening
from tests.races.line import run_together
from tests.seating.best_reference import House, Party, best

pytestmark = pytest.mark.race


@dataclass(frozen=True, slots=True)
class Outcome:
    told: list[Told]
    states: bytes

    def left(self) -> House:
        return House(house(), [state == FREE for state in self.states])

    def given_twice(self) -> list[int]:
        times = Counter(ordinal for _, _, ordinals in self.told for ordinal in ordinals)
        return sorted(ordinal for ordinal, count in times.items() if count > 1)

    def wrongly_refused(self) -> list[int]:
        """Sizes of parties that were refused although even what is left in the end would do."""
        left = self.left()
        fits = {count: best(left, Party(count)) is not None for count in range(2, 7)}
        return sorted(count for _, count, ordinals in self.told if not ordinals and fits[count])

    def lone_seats(self) -> int:
        left = self.left()
        return sum(len(block) == 1 for row in left.rows for block in left.blocks(row))


async def rush(redis: Redis, redis_url: str, way: str) -> Outcome:
    inventory = Inventory(redis)
    await inventory.load(opening(), only_if_missing=False)
    await redis.delete(LOOKED)
    outputs = await run_together(
        redis, [("tests.races.best_rush", redis_url, way, str(seed)) for seed in range(PROCESSES)]
    )
    told = [(cart, count, ordinals) for output in outputs for cart, count, ordinals in json.loads(output)]
    return Outcome(told, (await inventory.snapshot(GROUP, TONIGHT)).states)


async def one_after_the_other(redis: Redis, wishes: list[tuple[str, int]]) -> Outcome:
    await redis.flushall()
    inventory = Inventory(redis)
    await inventory.load(opening())
    told = [(cart, count, await ask(inventory, cart, count)) for cart, count in wishes]
    return Outcome(told, (await inventory.snapshot(GROUP, TONIGHT)).states)


async def test_nobody_is_refused_who_could_be_seated_and_no_seat_is_given_twice(redis: Redis, redis_url: str) -> None:
    outcome = await rush(redis, redis_url, "in the step")
    assert len(outcome.told) == 200
    assert outcome.given_twice() == []
    assert outcome.wrongly_refused() == []
    assert all(len(ordinals) in (0, count) for _, count, ordinals in outcome.told)
    assert {o for _, _, ordinals in outcome.told for o in ordinals} == {
        o for o, state in enumerate(outcome.states) if state == HELD
    }
    assert any(not ordinals for _, _, ordinals in outcome.told), "the house was not full: this showed nothing"


async def test_a_crowd_is_seated_exactly_as_if_it_had_come_one_by_one(redis: Redis, redis_url: str) -> None:
    """So it leaves no more lone seats than a queue in its order of arrival: the same ones."""
    outcome = await rush(redis, redis_url, "in the step")
    inventory = Inventory(redis)
    epoch, _ = await inventory.head(GROUP, TONIGHT) or ("", 0)
    changes = [json.loads(change) for change in await inventory.changes_since(GROUP, TONIGHT, epoch, 0) or ()]
    by_seat = {ordinal: (cart, count) for cart, count, ordinals in outcome.told for ordinal in ordinals}
    arrived = [by_seat[change["s"][0][0]] for change in changes if change["s"]]
    queue = await one_after_the_other(redis, arrived)
    assert {cart: ordinals for cart, _, ordinals in queue.told} == {
        cart: ordinals for cart, _, ordinals in outcome.told if ordinals
    }
    assert queue.states == outcome.states
    assert queue.lone_seats() == outcome.lone_seats()


async def test_choosing_first_and_taking_then_refuses_people_in_front_of_free_seats(
    redis: Redis, redis_url: str
) -> None:
    """The negative control: the same rules, applied to what was free a moment ago."""
    outcome = await rush(redis, redis_url, "look, then take")
    assert outcome.given_twice() == [], "the step still takes no seat twice"
    assert outcome.wrongly_refused()
