"""What the tests of the inventory share: one small group with its quotas, and short words for what carts do in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

import msgspec
from redis.asyncio import Redis

from seating.house import house_of, longest_runs
from seating.seats import Plan
from seating.store import (
    FREE,
    Allotment,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    Line,
    NamedSeats,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    Refusal,
)

GROUP = "e12"
TAG = f"{{g:{GROUP}}}"
TONIGHT, TOMORROW, FAIR = 34, 35, 36
EVENT, SEATED, FULL = "event:12", "performance:34", "tariff:5"
ALL = (EVENT, SEATED, FULL)
ONLINE, LEA = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")


def state(plan: Plan, *, states: bytes = b"", **more: Any) -> GroupState:
    """Two evenings on one plan and a fair without seats: 20 places for the event, 12 of them tonight."""
    return GroupState(
        GROUP,
        (
            PerformanceState(TONIGHT, plan, states, more.pop("owners", {})),
            PerformanceState(TOMORROW, plan),
            PerformanceState(FAIR, None),
        ),
        more.pop("quotas", (QuotaState(EVENT, 20, 0), QuotaState(SEATED, 12, 0), QuotaState(FULL, None, 0))),
        **more,
    )


def request(cart: str, *lines: Line, owner: Owner = ONLINE, ttl_s: int = 900, id: str = "", **more: Any) -> HoldRequest:
    return HoldRequest(GROUP, cart, owner, lines, ttl_s, id, **more)


def seats(*ordinals: int, quotas: tuple[str, ...] = ALL, performance: int = TONIGHT, **more: Any) -> NamedSeats:
    return NamedSeats(performance, ordinals, more.pop("tariff", 5), quotas, **more)


async def take(inventory: Inventory, cart: str, *ordinals: int, **options: Any) -> tuple[HeldItem, ...]:
    return await have(inventory, cart, seats(*ordinals), **options)


async def have(inventory: Inventory, cart: str, *lines: Line, **options: Any) -> tuple[HeldItem, ...]:
    held = await inventory.hold(request(cart, *lines, **options))
    assert isinstance(held, Held), held
    return held.items


async def refused(inventory: Inventory, cart: str, *lines: Line, **options: Any) -> list[tuple[str, int, str, int]]:
    """Why not: (code, ordinal, quota, left)."""
    refusal = await inventory.hold(request(cart, *lines, **options))
    assert isinstance(refusal, Refusal), refusal
    return [(each.code, each.ordinal, each.quota, each.left) for each in refusal.reasons]


async def states(inventory: Inventory, performance: int = TONIGHT) -> dict[int, int]:
    """What is not free."""
    seen = await inventory.snapshot(GROUP, performance)
    return {ordinal: each for ordinal, each in enumerate(seen.states) if each != FREE}


async def used(inventory: Inventory) -> dict[str, int]:
    return {name: each[0] for name, each in (await inventory.snapshot(GROUP, TONIGHT)).quotas.items()}


async def lapse(redis: Redis, *items: HeldItem, tag: str = TAG) -> None:
    """As if the time of these holds had passed: nobody waits a quarter of an hour in a test."""
    wanted = {int(item.id) for item in items}
    carts: dict[bytes, bytes] = await redis.hgetall(f"{tag}:carts")  # type: ignore[assignment]  # not decoded
    for cart, raw in carts.items():
        if not cart:
            continue
        record = msgspec.msgpack.decode(raw)
        lines: list[list[Any]] = []
        for *line, places in record[4]:
            for id, ordinal in zip(places[::2], places[1::2], strict=True):
                expires = 1 if id in wanted else line[3]
                # Places stay in their order, each on a line of its own.
                lines.append([*line[:3], expires, *line[4:], [id, ordinal]])
        record[4] = lines
        await redis.hset(f"{tag}:carts", cart, msgspec.msgpack.encode(record))
        await redis.zadd(f"{tag}:due", {cart: min(line[3] for line in lines)})


async def index_is_exact(redis: Redis, plan: Plan, performance: int = TONIGHT, tag: str = TAG) -> bool:
    """Whether the longest runs that best seats are found by are those of the states, on sale and in allotments."""
    house, own = house_of(plan), f"{tag}:p:{performance}"
    now = await redis.get(f"{own}:states")
    assert isinstance(now, bytes)
    fields: list[bytes] = await redis.hkeys(f"{tag}:meta")  # type: ignore[assignment]  # not decoded
    bytes_of = [int(field.rpartition(b":")[2]) for field in fields if field.startswith(b"b%d:" % performance)]
    return all([await redis.get(f"{own}:i{byte}") == longest_runs(house, now, byte) for byte in (FREE, *bytes_of)])


class Follower:
    """A client that applies every change, or takes a new snapshot when it is told to (LIVE-1)."""

    def __init__(self, inventory: Inventory, performance: int, group: str = GROUP) -> None:
        self.inventory, self.group, self.performance = inventory, group, performance
        self.epoch, self.version, self.resyncs = "", -1, 0
        self.states: list[int] = []
        self.quotas: dict[str, tuple[int, int | None]] = {}

    async def catch_up(self) -> None:
        changes = await self.inventory.changes_since(self.group, self.performance, self.epoch, self.version)
        if changes is None:
            seen = await self.inventory.snapshot(self.group, self.performance, owners=False)
            self.epoch, self.version, self.states = seen.epoch, seen.version, list(seen.states)
            self.quotas = seen.quotas
            self.resyncs += 1
        for raw in changes or ():
            change = json.loads(raw)
            assert (change["e"], change["v"]) == (self.epoch, self.version + 1), "a version is missing"
            self.version += 1
            for ordinal, each, *_ in change["s"]:
                self.states[ordinal] = each
            for name, (count, limit) in change["q"].items():
                self.quotas[name] = (count, None if limit < 0 else limit)


# Allotments

PRESS, SCHOOL = "press", "school"
KEYED = {"keys": (PRESS,)}


def press(*ordinals: int, **more: Any) -> Allotment:
    return Allotment(PRESS, "Press", TONIGHT, ordinals, **more)


def school(quantity: int, **more: Any) -> Allotment:
    return Allotment(SCHOOL, "École Léo", FAIR, quantity=quantity, quotas=(EVENT,), **more)


def places(count: int, **more: Any) -> Quantity:
    return Quantity(FAIR, count, 5, (EVENT,), **more)


async def shown(inventory: Inventory) -> tuple[int, int | None]:
    """The public counter of the event."""
    return (await inventory.snapshot(GROUP, TONIGHT)).quotas[EVENT]


async def why_not(answer: Awaitable[Refusal | None]) -> list[tuple[str, int, str, int]]:
    refusal = await answer
    assert isinstance(refusal, Refusal)
    return [(each.code, each.ordinal, each.quota, each.left) for each in refusal.reasons]
