"""Clocks jump. The client's is never asked; when the server's jumps, holds lapse early or late, and nothing is sold
twice (LIVE-7, LIVE-10)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import clock
from seating import scripts, store
from seating.plan import Plan
from seating.scripts import Script
from seating.store import (
    FREE,
    HELD,
    PENDING,
    SOLD,
    Expired,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    QuotaState,
    Refusal,
)
from tests.faults.pictures import contradictions_of
from tests.seating.houses import sketch

pytestmark = pytest.mark.fault

GROUP, TONIGHT, EVENT = "e1", 34, "event:12"
ONLINE = Owner("buyer", "online")
DAY_S = 86_400


@pytest.fixture
def plan() -> Plan:
    return sketch("..........")


@pytest.fixture
async def inventory(redis: Redis, plan: Plan) -> Inventory:
    inventory = Inventory(redis)
    await inventory.load(GroupState(GROUP, (PerformanceState(TONIGHT, plan),), (QuotaState(EVENT, 5, 0),)))
    return inventory


async def hold(inventory: Inventory, cart: str, *seats: int) -> Held | Refusal:
    return await inventory.hold(HoldRequest(GROUP, cart, ONLINE, (NamedSeats(TONIGHT, seats, 5, (EVENT,)),), 900))


async def states(inventory: Inventory) -> list[int]:
    return list((await inventory.snapshot(GROUP, TONIGHT)).states)


def shift_server_clock(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Every step believes that it is so much later, as if the machine's clock had been set."""
    asked = "local clock = call('TIME')"

    def shifted(name: str) -> Script:
        script = scripts.script(name)
        assert script.text.count(asked) == 1
        text = script.text.replace(asked, f"{asked} clock[1] = clock[1] + {seconds}")
        return Script(name, text, f"{hash(text) & (1 << 160) - 1:040x}")

    monkeypatch.setattr(store, "script", shifted)


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_client_whose_clock_is_wrong_sells_like_any_other(
    inventory: Inventory, plan: Plan, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    real_now, real_time = clock.now(), time.time()
    wrong = time.time() + days * DAY_S
    monkeypatch.setattr(time, "time", lambda: wrong)
    monkeypatch.setattr(time, "time_ns", lambda: int(wrong * 1e9))
    assert abs(time.time() - real_time) > DAY_S / 2, "the control: the clock is wrong"
    held = await hold(inventory, "alice", 0, 1)
    assert isinstance(held, Held)
    assert abs(held.expires_at_ms / 1000 - real_now.timestamp() - 900) < 600
    assert await inventory.expire_due(GROUP) == 0
    assert await inventory.extend(GROUP, "alice", 3600) == 2
    assert isinstance(await hold(inventory, "basile", 1), Refusal)
    assert isinstance(await inventory.promise(GROUP, "alice", "C1"), tuple)
    assert await inventory.sell(GROUP, "C1")
    assert (await states(inventory))[:2] == [SOLD, SOLD]
    assert await contradictions_of(inventory, GROUP, {TONIGHT: plan}) == []


async def test_a_server_whose_clock_jumps_forward_lets_holds_lapse_early_and_sells_no_seat_twice(
    inventory: Inventory, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(inventory, "alice", 0, 1)
    await hold(inventory, "chloe", 2)
    assert isinstance(await inventory.promise(GROUP, "chloe", "C2"), tuple)
    assert isinstance(await hold(inventory, "basile", 0), Refusal), "the control: without the jump it is hers"
    shift_server_clock(monkeypatch, DAY_S)
    assert isinstance(await hold(inventory, "basile", 0), Held)
    assert await inventory.promise(GROUP, "alice", "C1") == Expired(())
    assert isinstance(await inventory.promise(GROUP, "basile", "C3"), tuple)
    assert await states(inventory) == [PENDING, FREE, PENDING, *[FREE] * 7], "what is being paid lapses for no clock"
    assert await inventory.sell(GROUP, "C3")
    assert await contradictions_of(inventory, GROUP, {TONIGHT: plan}) == []


async def test_a_server_whose_clock_jumps_back_keeps_holds_longer_and_sells_no_seat_twice(
    inventory: Inventory, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come back when the clock is right again, or when their time has come by the wrong one."""
    with monkeypatch.context() as ahead:
        shift_server_clock(ahead, DAY_S)
        await hold(inventory, "alice", 0, 1)
    # Set right now: a day back.
    assert await inventory.expire_due(GROUP) == 0
    assert isinstance(await hold(inventory, "basile", 0), Refusal)
    assert isinstance(await hold(inventory, "basile", 5), Held), "others sell on"
    assert len(await inventory.held(GROUP, "alice")) == 2
    assert (await states(inventory))[:2] == [HELD, HELD]
    shift_server_clock(monkeypatch, 2 * DAY_S)
    assert await inventory.expire_due(GROUP) == 3
    assert isinstance(await hold(inventory, "basile", 0), Held)
    assert await contradictions_of(inventory, GROUP, {TONIGHT: plan}) == []


async def test_ids_never_come_twice_when_the_clock_goes_back(
    inventory: Inventory, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They begin where the clock stood at the load; a group laid down anew must not give them out again."""
    seen: set[str] = set()
    with monkeypatch.context() as ahead:
        shift_server_clock(ahead, DAY_S)
        seen |= await _ids(hold(inventory, "alice", 0, 1))
        await inventory.load(
            GroupState(GROUP, (PerformanceState(TONIGHT, plan),), (QuotaState(EVENT, 5, 0),)), only_if_missing=False
        )
        seen |= await _ids(hold(inventory, "alice", 2))
    await inventory.load(
        GroupState(GROUP, (PerformanceState(TONIGHT, plan),), (QuotaState(EVENT, 5, 0),)), only_if_missing=False
    )
    seen |= await _ids(hold(inventory, "alice", 3))
    assert len(seen) == 4


async def _ids(holding: Any) -> set[str]:
    held = await holding
    assert isinstance(held, Held)
    return {item.id for item in held.items}
