"""A client dies -9 at each point of hold, promise, commit, sell and give back: its places are sold or come back, and
nothing is stuck (LIVE-7, LIVE-10)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.clock import now
from app.core.redis import redis
from app.sales.inventory import inventory, with_group
from app.sales.inventory_check import check
from app.sales.reconciliation import GRACE, reconcile
from seating.store import FREE, HELD, PENDING, SOLD
from tests.cast import Theatre, buyer_cart
from tests.seating.shop import lapse

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]
# Where it dies, what the map shows then, and what it shows in the end.
DEATHS = [
    ("before", "hold", FREE, FREE),
    ("after", "hold", HELD, FREE),
    ("before", "promise", HELD, FREE),
    ("after", "promise", PENDING, FREE),  # before its commit
    ("before", "sell", PENDING, SOLD),  # after its commit
    ("after", "sell", SOLD, SOLD),
    ("before", "give_back", PENDING, FREE),
    ("after", "give_back", FREE, FREE),
]


async def test_wherever_a_client_dies_its_places_are_sold_or_come_back(limited: Theatre) -> None:
    """The second column is the control: without what mends it, four of these seats would be stuck."""
    await with_group(limited.group, lambda: inventory().pulse(limited.group))
    tokens = [buyer_cart().token for _ in DEATHS]
    wishes = [f"{when}:{verb}:{seat}:{tokens[seat]}" for seat, (when, verb, *_) in enumerate(DEATHS)]
    killed = await how_they_end(limited.performance, wishes)
    assert killed == [-signal.SIGKILL] * len(DEATHS)
    assert await states(limited) == [then for *_, then, _ in DEATHS]
    await reconcile(limited.group)
    await reconcile(limited.group, at=now() + GRACE + timedelta(seconds=5))
    for token in tokens:
        await lapse(redis(), *await inventory().held(limited.group, token), tag=f"{{g:{limited.group}}}")
    await inventory().expire_due(limited.group)
    assert await states(limited) == [in_the_end for *_, in_the_end in DEATHS]
    assert (await check(limited.group)).found == ()


async def states(theatre: Theatre) -> list[int]:
    return list((await inventory().snapshot(theatre.group, theatre.performance)).states[: len(DEATHS)])


async def how_they_end(performance: int, wishes: list[str]) -> list[int]:
    clients = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.client", str(performance), *wishes,
        cwd=ROOT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await clients.communicate()
    return [int(code) for code in said.split()[-len(wishes) :]]
