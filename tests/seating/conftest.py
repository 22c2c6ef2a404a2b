"""The group that the tests of the inventory sell from, freshly loaded."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import Inventory
from tests.seating.houses import sketch
from tests.seating.shop import state


@pytest.fixture
def plan() -> Plan:
    return sketch("..........", "..........", "ssssssssss")


@pytest.fixture
async def inventory(redis: Redis, plan: Plan) -> Inventory:
    inventory = Inventory(redis)
    await inventory.load(state(plan))
    return inventory
