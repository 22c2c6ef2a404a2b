"""A step is done and its answer never arrives: nothing happens twice when it is asked again (LIVE-7, LIVE-10, QUO-1).

Each step is done to two groups alike, once over a wire that loses its answer, and the two must look the same after.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from app.demo.engines import Engine
from seating.plan import Plan
from seating.scripts import names, script
from seating.store import (
    SOLD,
    Allotment,
    BestSeats,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    NamedSeats,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Refusal,
)
from tests.faults.pictures import contradictions_of, picture
from tests.faults.proxy import Wire, wire_to
from tests.seating.houses import sketch

pytestmark = pytest.mark.fault

STRUCK, CONTROL = "e1", "e2"
TONIGHT, FAIR = 34, 36
EVENT = "event:12"
ONLINE, LEA = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")
PRESS, SCHOOL, HOUSE = "press", "school", "house"
C1 = tuple(HeldItem(f"T{seat}", TONIGHT, seat, 5, (EVENT,)) for seat in (10, 11))


def opening(group: str, plan: Plan) -> GroupState:
    known = bytearray(30)
    known[10] = known[11] = SOLD
    return GroupState(
        group,
        (PerformanceState(TONIGHT, plan, bytes(known)), PerformanceState(FAIR, None)),
        (QuotaState(EVENT, 60, 2), QuotaState("other", None, 0)),
        (OrderState("C1", True, C1),),
        allotments=(
            Allotment(PRESS, "Press", TONIGHT, (20, 21)),
            Allotment(SCHOOL, "School", FAIR, quantity=5, quotas=(EVENT,)),
        ),
    )


@pytest.fixture
def plan() -> Plan:
    return sketch("..........", "..........", "ssssssssss")


@pytest.fixture
async def wire(redis_engine: Engine, redis: Redis) -> AsyncIterator[Wire]:
    for name in names():
        await redis.script_load(script(name).text)
    async with wire_to(redis_engine.url) as wire:
        yield wire


@pytest.fixture
async def over_wire(wire: Wire) -> AsyncIterator[Inventory]:
    client = Redis.from_url(wire.url)
    yield Inventory(client)
    await client.aclose()


@pytest.fixture
async def direct(redis: Redis, plan: Plan) -> Inventory:
    """Two groups in the same state: a cart, an order being paid, one that is sold."""
    inventory = Inventory(redis)
    for group in (STRUCK, CONTROL):
        await inventory.load(opening(group, plan))
        await hold(inventory, group, "alice", seats(0, 1))
        await hold(inventory, group, "basile", seats(2), Quantity(FAIR, 1, 5, (EVENT,)))
        await inventory.promise(group, "basile", "C2")
    return inventory


def seats(*ordinals: int) -> NamedSeats:
    return NamedSeats(TONIGHT, ordinals, 5, (EVENT,))


async def hold(inventory: Inventory, group: str, cart: str, *lines: Any, **more: Any) -> Held | Refusal:
    return await inventory.hold(HoldRequest(group, cart, ONLINE, lines, 900, **more))


async def first_item(inventory: Inventory, group: str) -> HeldItem:
    return (await inventory.held(group, "alice"))[0]


async def change(inventory: Inventory, group: str) -> Any:
    return await inventory.change_tariff(group, "alice", (await first_item(inventory, group)).id, 6, ("other",))


async def release_one(inventory: Inventory, group: str) -> Any:
    return await inventory.release(group, "alice", [(await first_item(inventory, group)).id])


Step = Callable[[Inventory, str], Awaitable[Any]]
SAME_ANSWER: dict[str, tuple[str, Step]] = {
    "hold named seats": ("hold", lambda i, g: hold(i, g, "carla", seats(5, 6))),
    "hold a quantity": ("hold", lambda i, g: hold(i, g, "carla", Quantity(FAIR, 3, 5, (EVENT,)))),
    "hold the best": ("hold_best", lambda i, g: hold(i, g, "carla", BestSeats(TONIGHT, 3, 5, (EVENT,)))),
    "hold from an allotment": (
        "hold", lambda i, g: hold(i, g, "carla", Quantity(FAIR, 2, 5, (EVENT,), SCHOOL), keys=(SCHOOL,))),
    "hold what is taken": ("hold", lambda i, g: hold(i, g, "carla", seats(0))),
    "change a tariff": ("change_tariff", change),
    "promise": ("promise", lambda i, g: i.promise(g, "alice", "C3")),
    "sell": ("sell", lambda i, g: i.sell(g, "C2")),
    "set limits": ("set_limits", lambda i, g: i.set_limits(g, {EVENT: 40})),
    "expire": ("expire", lambda i, g: i.expire_due(g)),
    "move": ("move", lambda i, g: i.move(g, "alice", "counter", LEA, 900)),
    "block": ("block", lambda i, g: i.block(g, TONIGHT, (28, 29))),
    "recall": ("recall", lambda i, g: i.recall(g, "C2", "basile", ONLINE, 900)),
    "exchange": ("exchange", lambda i, g: i.exchange(g, "C1", TONIGHT, 10, 15, tariff=5, quotas=(EVENT,))),
    "allot seats": ("allot", lambda i, g: i.allot(g, Allotment(HOUSE, "House", TONIGHT, (25, 26)))),
    "allot a quantity": (
        "allot", lambda i, g: i.allot(g, Allotment(HOUSE, "House", FAIR, quantity=4, quotas=(EVENT,)))),
}  # fmt: skip
"""Whoever asks learns the same, whether it was asked once or twice."""

ANSWERS_NO_MORE: dict[str, tuple[str, Step]] = {
    "release all": ("release", lambda i, g: i.release(g, "alice")),
    "release one": ("release", release_one),
    "extend": ("extend", lambda i, g: i.extend(g, "alice", 4000)),
    "give back all": ("give_back", lambda i, g: i.give_back(g, "C1")),
    "give back one": ("give_back", lambda i, g: i.give_back(g, "C1", C1[:1])),
    "give back what is being paid": ("give_back", lambda i, g: i.give_back(g, "C2")),
    "release an allotment": ("release_allotment", lambda i, g: i.release_allotment(g, PRESS)),
    "release a quantity": ("release_allotment", lambda i, g: i.release_allotment(g, SCHOOL)),
    "scan": ("mark_used", lambda i, g: i.mark_used(g, TONIGHT, 10)),
}  # fmt: skip
"""Done once, but asked again they say what the second asking did: nothing more. Nobody decides by that."""

EVERY = SAME_ANSWER | ANSWERS_NO_MORE


def told(answer: Any) -> Any:
    """An answer without ids and times, which are never the same."""
    if isinstance(answer, Held):
        return [told(item) for item in answer.items]
    if isinstance(answer, HeldItem):
        return msgspec.structs.replace(answer, id="", expires_at_ms=0)
    return [told(each) for each in answer] if isinstance(answer, tuple) else answer


CHAIN = (
    "hold named seats",
    "hold a quantity",
    "promise",
    "sell",
    "give back one",
    "exchange",
    "allot a quantity",
    "scan",
)


async def test_the_control_both_groups_look_the_same_without_any_loss(
    direct: Inventory, over_wire: Inventory, wire: Wire
) -> None:
    for name in CHAIN:
        await EVERY[name][1](direct, CONTROL)
        await EVERY[name][1](over_wire, STRUCK)
    assert wire.swallowed == 0
    assert await picture(direct, STRUCK) == await picture(direct, CONTROL)


@pytest.mark.parametrize("name", [*SAME_ANSWER, *ANSWERS_NO_MORE])
async def test_a_step_that_is_asked_again_is_done_once(
    direct: Inventory, over_wire: Inventory, wire: Wire, plan: Plan, name: str
) -> None:
    verb, step = EVERY[name]
    right = await step(direct, CONTROL)
    wire.swallow(script(verb).sha)
    answer = await step(over_wire, STRUCK)
    assert wire.swallowed == 1
    assert await picture(direct, STRUCK) == await picture(direct, CONTROL)
    assert await contradictions_of(direct, STRUCK, {TONIGHT: plan}) == []
    if name in SAME_ANSWER:
        assert told(answer) == told(right)


async def test_the_control_a_step_that_is_asked_anew_instead_of_again_keeps_a_quantity_twice(
    direct: Inventory, over_wire: Inventory, wire: Wire
) -> None:
    """The call's name makes the difference: a second call is a second wish, and this harness sees it."""
    _, step = EVERY["allot a quantity"]
    await step(direct, CONTROL)
    wire.swallow(script("allot").sha)
    await step(over_wire, STRUCK)
    await step(over_wire, STRUCK)
    assert wire.swallowed == 1
    assert await picture(direct, STRUCK) != await picture(direct, CONTROL)


async def test_the_control_a_request_that_is_asked_anew_instead_of_again_holds_twice(
    direct: Inventory, over_wire: Inventory, wire: Wire
) -> None:
    """Were a retry to make up a new request id, this harness would see it."""
    wanted = Quantity(FAIR, 3, 5, (EVENT,))
    await hold(direct, CONTROL, "carla", wanted)
    wire.swallow(script("hold").sha)
    assert isinstance(await hold(over_wire, STRUCK, "carla", wanted, request_id="first"), Held)
    assert isinstance(await hold(over_wire, STRUCK, "carla", wanted, request_id="second"), Held)
    assert wire.swallowed == 1
    assert await picture(direct, STRUCK) != await picture(direct, CONTROL)


async def test_a_group_that_is_laid_down_anew_loses_nothing_when_the_answer_is_lost(
    direct: Inventory, over_wire: Inventory, wire: Wire, plan: Plan
) -> None:
    """What was staged is in place already when it is asked for again."""
    as_of_ms = 0
    await direct.load(msgspec.structs.replace(opening(CONTROL, plan), as_of_ms=as_of_ms), only_if_missing=False)
    wire.swallow(script("load").sha)
    await over_wire.load(msgspec.structs.replace(opening(STRUCK, plan), as_of_ms=as_of_ms), only_if_missing=False)
    assert wire.swallowed == 1
    await direct.pulse(STRUCK)
    assert await picture(direct, STRUCK) == await picture(direct, CONTROL)
    assert len(await direct.held(STRUCK, "alice")) == 2


def test_every_step_that_changes_anything_is_among_these() -> None:
    """A new step must be named here, or among those that only read."""
    reads = {"changes", "dump", "held", "nearest", "now", "orders", "pulse", "snapshot"}
    tested = {verb for verb, _ in EVERY.values()}
    assert set(names()) == tested | reads | {"load"}
