"""Several workers at one waitlist (WTL-2): nobody is told twice of one wave, and no more than there are places.

The harness is only worth something if it catches a wave that takes no lock: see the control.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter

import pytest
from redis.asyncio import Redis

from app.audience.entries import EntryWish, join
from app.core.clock import now
from app.core.db import transaction
from app.sales.waitlist import look
from tests.audience.waiting import entries, free_places, open_list, sell_out
from tests.cast import Theatre
from tests.races.line import run_together
from tests.work import waiting

pytestmark = pytest.mark.race
WORKERS = 3
WAITING, PLACES = 24, 7


async def wait_for_places(theatre: Theatre, name: str) -> int:
    async with transaction() as ledger:
        joined = await join(
            ledger,
            EntryWish(
                event=theatre.standing_event, performance=theatre.standing, tariff=None, name=name,
                email=f"{name}@example.org", count=1, visitor=name,
            ),
            at=now(),
        )  # fmt: skip
    return joined.id


async def fill(theatre: Theatre) -> None:
    """A sold-out evening, people who wait for it, and places that have just come free."""
    await open_list(theatre)
    await sell_out(theatre)
    for number in range(WAITING):
        await wait_for_places(theatre, f"n{number:02}")
    await free_places(theatre, PLACES)


async def workers(theatre: Theatre, redis: Redis, way: str, count: int = WORKERS, *, code: int = 0) -> list[bytes]:
    """Workers that all look at the same instant: what each said. Each ends with `code`."""
    program = ("tests.races.waitlist_rush", way, str(theatre.standing_event), str(count))
    return await run_together(redis, [program] * count, code=code)


async def rush(theatre: Theatre, redis: Redis, way: str) -> list[tuple[int, int]]:
    """Whom each of the workers told."""
    await fill(theatre)
    said = await workers(theatre, redis, way)
    return [(entry, count) for out in said for entry, count in json.loads(out.splitlines()[-1])]


async def test_workers_that_look_together_tell_each_once_and_no_more_than_there_are_places(
    theatre: Theatre, redis: Redis
) -> None:
    told = await rush(theatre, redis, "locked")
    rows = await entries()
    first = [row["id"] for row in rows[:PLACES]]
    assert sorted(told) == [(entry, 1) for entry in first]
    assert [row["offers"] for row in rows] == [1] * PLACES + [0] * (WAITING - PLACES)
    for job in ("mail_waitlist_offer", "notify_waitlist_offer"):
        assert sorted((each["entry"], each["number"]) for each in await waiting(job)) == [(entry, 1) for entry in first]


async def test_without_the_lock_the_same_rush_tells_people_twice(theatre: Theatre, redis: Redis) -> None:
    """The negative control: were this harness blind, the test above would prove nothing."""
    told = Counter(entry for entry, _ in await rush(theatre, redis, "unlocked"))
    assert set(told.values()) == {WORKERS}
    assert len(await waiting("mail_waitlist_offer")) == PLACES * WORKERS


async def test_an_address_that_joins_many_times_at_once_stands_on_the_list_once(theatre: Theatre) -> None:
    await open_list(theatre)
    joined = await asyncio.gather(*(wait_for_places(theatre, "dora") for _ in range(20)))
    assert len(set(joined)) == 1
    assert len(await entries()) == 1


async def test_a_worker_killed_while_it_writes_has_told_nobody_and_holds_up_nobody(
    theatre: Theatre, redis: Redis
) -> None:
    await fill(theatre)
    await workers(theatre, redis, "killed-writing", 1, code=-signal.SIGKILL)
    assert {row["offers"] for row in await entries()} == {0}
    assert await waiting("mail_waitlist_offer") == []
    assert len((await look(theatre.standing_event, at=now())).offered) == PLACES


async def test_what_a_worker_killed_after_the_commit_had_still_to_say_is_said_by_another(
    theatre: Theatre, redis: Redis
) -> None:
    await fill(theatre)
    await workers(theatre, redis, "killed-after", 1, code=-signal.SIGKILL)
    told = [row["id"] for row in await entries() if row["state"] == "offered"]
    assert len(told) == PLACES
    for job in ("mail_waitlist_offer", "notify_waitlist_offer"):
        assert sorted(each["entry"] for each in await waiting(job)) == told
    assert (await look(theatre.standing_event, at=now())).offered == ()
