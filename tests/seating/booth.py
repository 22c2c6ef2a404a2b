"""Where the tests of baskets buy: three groups on an inventory that can be made to lose its server."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from typing import Literal, TypeVar

from redis.asyncio import Redis

from seating.audit import contradictions
from seating.baskets import (
    Baskets,
    GroupOrder,
)
from seating.dumps import read_dump
from seating.holds import Line
from seating.store import (
    FREE,
    Expired,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    NamedSeats,
    OrderRule,
    Owner,
    PerformanceState,
    QuotaState,
    Refusal,
    StoreUnavailable,
)
from tests.seating.houses import sketch

SEATED, FAIR = 1, 2
QUOTA, LIMIT = "event", 6
PLAN = sketch("....", "....")
PLANS = {SEATED: PLAN, FAIR: None}
BUYER, LEA = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")
T = TypeVar("T")
Fault = Literal["", "before", "after"]


class Faulty(Inventory):
    """Loses its server, before a step was done or after it, as often as `faults` says."""

    faults: Iterator[Fault] = iter(())

    async def _meet(self, step: Awaitable[T]) -> T:
        fault = next(self.faults, "")
        if fault == "before":
            step.close()  # type: ignore[attr-defined]  # a coroutine
            raise StoreUnavailable("before it was done")
        answer = await step
        if fault == "after":
            raise StoreUnavailable("after it was done")
        return answer

    async def hold(self, request: HoldRequest) -> Held | Refusal:
        return await self._meet(super().hold(request))

    async def release(self, group: str, cart: str, items: Iterable[str] | None = None) -> int:
        return await self._meet(super().release(group, cart, items))

    async def promise(
        self,
        group: str,
        cart: str,
        order: str,
        items: Iterable[str] | None = None,
        rules: Iterable[OrderRule] = (),
    ) -> tuple[HeldItem, ...] | Expired | Refusal:
        return await self._meet(super().promise(group, cart, order, items, rules))

    async def recall(self, group: str, order: str, cart: str, owner: Owner, ttl_s: int) -> int:
        return await self._meet(super().recall(group, order, cart, owner, ttl_s))


class Booth:
    """Baskets over the groups of a store, in short words."""

    def __init__(self, client: Redis, groups: Iterable[str]) -> None:
        self.inventory = Faulty(client)
        self.baskets = Baskets(self.inventory)
        self.client = client
        self.groups = sorted(groups)

    async def load(self) -> None:
        performances = (PerformanceState(SEATED, PLAN), PerformanceState(FAIR, None))
        for group in self.groups:
            await self.inventory.load(GroupState(group, performances, (QuotaState(QUOTA, LIMIT, 0),)))

    async def take(self, cart: str, group: str, *ordinals: int) -> tuple[HeldItem, ...]:
        held = await self.inventory.hold(wish(group, seats(*ordinals), cart=cart))
        assert isinstance(held, Held)
        return held.items

    async def everything(self, *, carts: Iterable[str] = ("alice", "basile")) -> dict[str, set[str]]:
        """The ids of all places that anybody has, by who has them where."""
        found: dict[str, set[str]] = {}
        for group in self.groups:
            for cart in carts:
                found[f"{group} {cart}"] = {item.id for item in await self.inventory.held(group, cart)}
            for code, order in (await self.inventory.pending_orders(group)).items():
                found[f"{group} {code}"] = {item.id for item in order.items}
        return {where: ids for where, ids in found.items() if ids}

    async def states(self) -> list[dict[int, int]]:
        seen = [await self.inventory.snapshot(group, SEATED) for group in self.groups]
        return [{ordinal: each for ordinal, each in enumerate(each.states) if each != FREE} for each in seen]

    async def used(self) -> list[int]:
        return [(await self.inventory.snapshot(group, FAIR, owners=False)).quotas[QUOTA][0] for group in self.groups]

    async def faults(self) -> list[str]:
        dumps = [read_dump(await self.inventory.dump(group)) for group in self.groups]
        return [each.sentence() for dump in dumps for each in contradictions(dump, PLANS)]


def seats(*ordinals: int) -> NamedSeats:
    return NamedSeats(SEATED, ordinals, 1, (QUOTA,))


def wish(group: str, *lines: Line, cart: str = "alice", ttl_s: int = 900, id: str = "") -> HoldRequest:
    return HoldRequest(group, cart, BUYER, lines, ttl_s, id)


def orders(groups: Iterable[str], code: str = "C") -> list[GroupOrder]:
    return [GroupOrder(group, f"{code}-{group}") for group in groups]
