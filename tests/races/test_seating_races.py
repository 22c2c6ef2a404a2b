"""Crowds against the inventory (LIVE-10, QUO-1): no seat is held twice, no quota exceeded, nothing lost.

The harness is only worth something if it catches a store that is wrong: see the negative control.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from seating.store import FREE, HELD, Inventory, Snapshot
from tests.races.seating_rush import GO, GROUP, QUOTA, QUOTA_SIZE, READY, SEATED, STANDING, Prize, opening

pytestmark = pytest.mark.race
ROOT = Path(__file__).parents[2]
PROCESSES = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    won: list[Prize]
    seen: Snapshot

    def held_twice(self) -> list[int]:
        times = Counter(ordinal for _, ordinals, _ in self.won for ordinal in ordinals)
        return sorted(ordinal for ordinal, count in times.items() if count > 1)

    def places(self) -> int:
        return sum(len(ordinals) + places for _, ordinals, places in self.won)


async def rush(redis: Redis, redis_url: str, way: str) -> Outcome:
    """Processes full of buyers, all let loose at the same instant."""
    inventory = Inventory(redis)
    await inventory.load(opening())
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.races.seating_rush", redis_url, way, str(seed),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )
        for seed in range(PROCESSES)
    ]  # fmt: skip
    try:
        for _ in processes:
            assert await redis.blpop([READY], 60), "a process of the rush did not come up"
        for seed in range(PROCESSES):
            await redis.rpush(f"{GO}:{seed}", "go")
        outputs = [await process.communicate() for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
    assert [process.returncode for process in processes] == [0] * PROCESSES
    won = [(cart, ordinals, places) for output, _ in outputs for cart, ordinals, places in json.loads(output)]
    return Outcome(won, await inventory.snapshot(GROUP, SEATED))


async def test_no_seat_is_held_twice_and_no_quota_exceeded_by_a_crowd_in_several_processes(
    redis: Redis, redis_url: str
) -> None:
    outcome = await rush(redis, redis_url, "guarded")
    assert outcome.held_twice() == []
    assert outcome.places() <= QUOTA_SIZE
    assert outcome.places() >= QUOTA_SIZE - 1, "places were left though everybody asks for two at a time"
    assert outcome.seen.quotas[QUOTA] == (outcome.places(), QUOTA_SIZE)
    told = {ordinal for _, ordinals, _ in outcome.won for ordinal in ordinals}
    assert {ordinal for ordinal, state in enumerate(outcome.seen.states) if state == HELD} == told


async def test_the_harness_catches_a_store_that_looks_before_it_takes(redis: Redis, redis_url: str) -> None:
    """The negative control: the same rush on an unguarded step holds seats twice and exceeds the quota."""
    outcome = await rush(redis, redis_url, "unguarded")
    assert outcome.held_twice()
    assert outcome.places() > QUOTA_SIZE


async def test_what_a_crowd_takes_and_gives_back_in_every_way_is_all_there_again(redis: Redis, redis_url: str) -> None:
    outcome = await rush(redis, redis_url, "churn")
    assert set(outcome.seen.states) == {FREE}
    assert outcome.seen.quotas[QUOTA] == (0, QUOTA_SIZE)
    assert outcome.seen.owners == {}
    tag = f"{{g:{GROUP}}}"
    left = {key.decode() async for key in redis.scan_iter(f"{tag}:*") if b":req:" not in key and b":plan:" not in key}
    expected = {f"{tag}:meta", f"{tag}:quotas", f"{tag}:p:{SEATED}:states", f"{tag}:stale"}
    logs = {f"{tag}:p:{performance}:log" for performance in (SEATED, STANDING)}
    assert left - logs == expected, "carts, items and orders leave nothing behind"
    epoch, version = await Inventory(redis).head(GROUP, SEATED) or ("", 0)
    changes = await Inventory(redis).changes_since(GROUP, SEATED, epoch, max(0, version - 500))
    versions = [json.loads(change)["v"] for change in changes or ()]
    assert versions == list(range(max(0, version - 500) + 1, version + 1)), "one change, one version, in order"
