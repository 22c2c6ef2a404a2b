"""Crowds against the inventory (LIVE-10, QUO-1): no seat is held twice, no quota exceeded, nothing lost.

The harness is only worth something if it catches a store that is wrong: see the negative control.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from seating.audit import contradictions
from seating.dumps import read_dump
from seating.store import ALLOTTED, FREE, HELD, LINKED, Inventory, Snapshot
from tests.races.line import run_together
from tests.races.seating_rush import (
    GROUP,
    MATCH,
    PASS,
    PRESS,
    PRESS_SEATS,
    QUOTA,
    QUOTA_SIZE,
    SCHOOL,
    SCHOOL_SIZE,
    STANDING,
    Prize,
    house,
    opening,
)

pytestmark = pytest.mark.race
PROCESSES = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    won: list[Prize]
    seen: dict[int, Snapshot]

    def seats(self, key: str | None = None) -> list[tuple[int, int]]:
        """Seats as their buyers were told, of those with this key, or of all."""
        return [(p, o) for _, seats, _, with_key in self.won if key in (None, with_key) for p, o in seats]

    def held_twice(self) -> list[tuple[int, int]]:
        return sorted(seat for seat, count in Counter(self.seats()).items() if count > 1)

    def in_pass_and_match(self) -> set[int]:
        """Seats whose pass and whose match were sold to two people (SEA-7)."""
        return {o for p, o in self.seats() if p == PASS} & {o for p, o in self.seats() if p == MATCH}

    def places(self) -> int:
        return sum(len(seats) + places for _, seats, places, _ in self.won)

    def of_school(self) -> int:
        return sum(places for _, _, places, key in self.won if key == SCHOOL)


async def rush(redis: Redis, redis_url: str, way: str) -> Outcome:
    """Processes full of buyers, all let loose at the same instant."""
    inventory = Inventory(redis)
    await inventory.load(opening())
    outputs = await run_together(
        redis, [("tests.races.seating_rush", redis_url, way, str(seed)) for seed in range(PROCESSES)]
    )
    won = [
        (cart, [(performance, ordinal) for performance, ordinal in seats], places, key)
        for output in outputs
        for cart, seats, places, key in json.loads(output)
    ]
    return Outcome(won, {each: await inventory.snapshot(GROUP, each) for each in (MATCH, PASS)})


async def faults(redis: Redis) -> list[object]:
    """Where the group contradicts itself."""
    return [*contradictions(read_dump(await Inventory(redis).dump(GROUP)), {MATCH: house(), PASS: house()})]


async def test_a_crowd_in_several_processes_gets_no_seat_twice_and_no_more_than_there_is(
    redis: Redis, redis_url: str
) -> None:
    outcome = await rush(redis, redis_url, "guarded")
    assert outcome.held_twice() == []
    assert outcome.in_pass_and_match() == set()
    assert outcome.places() <= QUOTA_SIZE
    assert outcome.of_school() == SCHOOL_SIZE - 1, "all of them, two by two"
    assert outcome.places() - outcome.of_school() in (QUOTA_SIZE - SCHOOL_SIZE, QUOTA_SIZE - SCHOOL_SIZE - 1), (
        "places were left though everybody asks for two at a time"
    )
    assert outcome.seen[MATCH].quotas[QUOTA] == (outcome.places() + 1, QUOTA_SIZE), "one is still kept for the school"
    for performance, seen in outcome.seen.items():
        told = {ordinal for of, ordinal in outcome.seats() if of == performance}
        assert {ordinal for ordinal, state in enumerate(seen.states) if state == HELD} == told
    assert {o for _, o in outcome.seats(PRESS)} <= set(PRESS_SEATS)
    assert not {o for p, o in outcome.seats("") if p == MATCH} & set(PRESS_SEATS), "without the key"
    assert await faults(redis) == []


async def test_the_harness_catches_a_store_that_looks_before_it_takes(redis: Redis, redis_url: str) -> None:
    """The negative control: the same rush on an unguarded step goes wrong in each of these ways."""
    outcome = await rush(redis, redis_url, "unguarded")
    assert outcome.held_twice()
    assert outcome.in_pass_and_match()
    assert outcome.places() > QUOTA_SIZE
    assert outcome.of_school() > SCHOOL_SIZE
    assert await faults(redis)


async def test_what_a_crowd_takes_and_gives_back_in_every_way_is_all_there_again(redis: Redis, redis_url: str) -> None:
    """SEA-7, SEA-9, AHEAD-2: passes, exchanges and allotments among it."""
    outcome = await rush(redis, redis_url, "churn")
    for performance, other in ((MATCH, ALLOTTED), (PASS, LINKED)):
        states = outcome.seen[performance].states
        assert [states[o] for o in PRESS_SEATS] == [other] * len(PRESS_SEATS)
        assert set(states[: PRESS_SEATS[0]]) == {FREE}
    assert outcome.seen[MATCH].quotas[QUOTA] == (SCHOOL_SIZE, QUOTA_SIZE)
    assert {owner.kind for owner in outcome.seen[MATCH].owners.values()} == {"allotment"}
    assert outcome.seen[PASS].owners == {}
    assert await faults(redis) == []
    tag = f"{{g:{GROUP}}}"
    for name in ("carts", "pending", "sold"):
        assert await redis.hkeys(f"{tag}:{name}") == [b""], "carts and orders leave nothing behind"
    assert await redis.zrange(f"{tag}:due", 0, -1) == [b""]
    left = {key.decode().removeprefix(f"{tag}:") async for key in redis.scan_iter(f"{tag}:*")}
    left = {key for key in left if not key.startswith(("plan:", "req:")) and not key.endswith(":log")}
    always = {"meta", "quotas", "carts", "due", "pending", "sold", "qsets", "allot", "stale"}
    assert left == always | {f"p:{each}:{part}" for each in (MATCH, PASS) for part in ("states", "i0")} | {"p:1:i16"}
    for performance in (MATCH, PASS, STANDING):
        epoch, version = await Inventory(redis).head(GROUP, performance) or ("", 0)
        changes = await Inventory(redis).changes_since(GROUP, performance, epoch, max(0, version - 500))
        versions = [json.loads(change)["v"] for change in changes or ()]
        assert versions == list(range(max(0, version - 500) + 1, version + 1)), "one change, one version, in order"
