"""Baskets with anything that can fail in between, and everybody at once (ORD-1, LIVE-10)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from redis.asyncio import Redis

from seating.audit import contradictions
from seating.baskets import (
    BasketHeld,
    BasketRefusal,
    Baskets,
    BasketUnavailable,
)
from seating.dumps import read_dump
from seating.holds import Line
from seating.store import (
    BestSeats,
    Held,
    Inventory,
    Quantity,
)
from tests.races.line import run_together
from tests.seating import basket_rush
from tests.seating.booth import (
    BUYER,
    FAIR,
    QUOTA,
    SEATED,
    Booth,
    Fault,
    orders,
    seats,
    wish,
)
from tests.seating.cluster import Stores
from tests.seating.shop import lapse

GROUPS = ("e1", "e2", "e3")
faults = st.lists(st.sampled_from(["", "", "", "before", "after"]), max_size=7)
some_groups = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True)
some_lines = st.one_of(
    st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True).map(lambda some: seats(*some)),
    st.integers(1, 4).map(lambda count: Quantity(FAIR, count, 1, (QUOTA,))),
    st.integers(1, 3).map(lambda count: BestSeats(SEATED, count, 1, (QUOTA,))),
)


class Step(Struct, frozen=True):
    """`promise` is of the groups named, `order` of those in which the cart holds anything. `again`: the same call once
    more when the server is back."""

    verb: str
    cart: str
    groups: list[str]
    lines: list[Line]
    faults: list[Fault]
    again: bool


steps = st.builds(
    Step,
    verb=st.sampled_from(["hold", "hold", "hold", "order", "order", "promise", "release"]),
    cart=st.sampled_from(["alice", "basile"]),
    groups=some_groups,
    lines=st.lists(some_lines, min_size=3, max_size=3),
    faults=faults,
    again=st.booleans(),
)


class Tellings:
    """What a step was answered, against what became of it."""

    def __init__(self, booth: Booth) -> None:
        self.booth = booth

    async def do(self, step: Step, number: int) -> None:
        if step.verb == "release":
            await self.release(step)
            return
        if step.verb == "hold":
            requests = [
                wish(group, line, cart=step.cart, id=f"r{number}")
                for group, line in zip(step.groups, step.lines, strict=False)
            ]
            call: Callable[[], Awaitable[Any]] = lambda: self.booth.baskets.hold(requests)  # noqa: E731
        else:
            if step.verb == "order":
                held = await self.booth.baskets.held(step.cart, self.booth.groups)
                step = msgspec.structs.replace(step, groups=[g for g, items in held.items() if items] or step.groups)
            wanted = orders(step.groups, f"C{number}")
            call = lambda: self.booth.baskets.promise(step.cart, BUYER, wanted)  # noqa: E731
        if await self.answer(step, number, call) == "unavailable" and step.again:
            await self.answer(step, number, call, retried=True)

    async def answer(
        self, step: Step, number: int, call: Callable[[], Awaitable[Any]], *, retried: bool = False
    ) -> str:
        booth = self.booth
        before = await booth.everything()
        booth.inventory.faults = iter(() if retried else step.faults)
        try:
            answer = await call()
        except BasketUnavailable as unavailable:
            answer = unavailable
        booth.inventory.faults = iter(())
        after = await booth.everything()
        assert await booth.faults() == []
        if isinstance(answer, (BasketRefusal, BasketUnavailable)):
            self.nothing_but_what_was_named(step, number, before, after, answer.left, retried=retried)
            event(f"{step.verb}: {type(answer).__name__}, {'something' if answer.left else 'nothing'} left")
            return "refused" if isinstance(answer, BasketRefusal) else "unavailable"
        told = answer.groups if isinstance(answer, BasketHeld) else answer
        for group, each in told.items():
            ids = {item.id for item in (each.items if isinstance(each, Held) else each)}
            owner = step.cart if step.verb == "hold" else f"C{number}-{group}"
            assert ids <= after[f"{group} {owner}"]
            had = before.get(f"{group} {owner}", set())
            assert retried or after[f"{group} {owner}"] == had | ids, "all that it has more than before, it was told of"
        assert set(told) == set(step.groups)
        event(f"{step.verb}: done{' at the second try' if retried else ''}")
        return "done"

    def nothing_but_what_was_named(
        self,
        step: Step,
        number: int,
        before: dict[str, set[str]],
        after: dict[str, set[str]],
        left: tuple[str, ...],
        *,
        retried: bool,
    ) -> None:
        for group in self.booth.groups:
            mine, order = f"{group} {step.cart}", f"{group} C{number}-{group}"
            if group in left:
                # Held by the cart that asked, so that it lapses, or pending under the code that was asked for.
                assert before.get(mine, set()) <= after.get(mine, set()) | after.get(order, set())
            elif retried:
                # What the first try left is this basket's too, and goes with it.
                assert after.get(mine, set()) <= before.get(mine, set()) | before.get(order, set())
                assert order not in after
            else:
                assert after.get(mine, set()) == before.get(mine, set())
                assert order not in after
        of_others = {where for where in before | after if step.cart not in where and f"C{number}-" not in where}
        assert all(before.get(where) == after.get(where) for where in of_others)

    async def release(self, step: Step) -> None:
        await self.booth.baskets.release(step.cart, step.groups)
        held = await self.booth.baskets.held(step.cart, step.groups)
        assert not any(held.values())


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(script=st.lists(steps, min_size=1, max_size=8))
def test_whatever_fails_between_groups_nobody_has_half_a_basket_without_being_told(
    redis: Redis, redis_url: str, script: list[Step]
) -> None:
    """And whatever is left holds only until it lapses, or is pending under a code that the caller knows."""

    async def play() -> None:
        client = Redis.from_url(redis_url)
        await client.flushall()
        booth = Booth(client, GROUPS)
        await booth.load()
        tellings = Tellings(booth)
        for number, step in enumerate(script):
            await tellings.do(step, number)
        for group in GROUPS:
            for cart in ("alice", "basile"):
                await lapse(client, *await booth.inventory.held(group, cart), tag=f"{{g:{group}}}")
            await booth.inventory.expire_due(group)
            for code in await booth.inventory.pending_orders(group):
                await booth.inventory.give_back(group, code)
        assert (await booth.states(), await booth.used()) == ([{}] * 3, [0] * 3)
        await client.aclose()

    asyncio.run(play())


# Everybody at once --------------------------------------------------------------------------------------------------


LIMITS = (20, 12)


async def halves(inventory: Inventory, groups: list[str], seeds: list[int], won: list[basket_rush.Prize]) -> list[str]:
    """Carts that hold something else than they were told."""
    told = {cart: (first, second) for cart, first, second in won}
    found = []
    for cart in basket_rush.carts_of(seeds):
        first, second = [len(await inventory.held(group, cart)) for group in groups]
        if (first, second) != told.get(cart, (0, 0)):
            found.append(cart)
    return found


async def opened(inventory: Inventory, groups: list[str]) -> None:
    """There are fewer places in the second one: many are refused there who have the first already."""
    for group, limit in zip(groups, LIMITS, strict=True):
        await inventory.load(basket_rush.opening(group, limit))


async def is_exact(inventory: Inventory, groups: list[str], won: list[basket_rush.Prize]) -> bool:
    plans = {basket_rush.SEATED: basket_rush.PLAN, basket_rush.FAIR: None}
    told = (sum(first for _, first, _ in won), sum(second for _, _, second in won))
    for group, limit, sold in zip(groups, LIMITS, told, strict=True):
        (used, _) = (await inventory.snapshot(group, basket_rush.FAIR)).quotas[basket_rush.QUOTA]
        if not used == sold <= limit or contradictions(read_dump(await inventory.dump(group)), plans):
            return False
    return True


@pytest.mark.race
async def test_baskets_that_cross_each_other_end_and_none_is_held_by_half(stores: Stores) -> None:
    """LIVE-10. On a cluster the two groups lie on two machines."""
    groups = sorted(stores.groups)[:2]
    await opened(stores.inventory, groups)
    async with asyncio.timeout(300):
        won = await basket_rush.rush(Baskets(stores.inventory), groups, 1)
    assert won
    assert await is_exact(stores.inventory, groups, won)
    assert await halves(stores.inventory, groups, [1], won) == []


@pytest.mark.race
async def test_without_giving_back_half_baskets_stay_held(stores: Stores) -> None:
    """The negative control of the test before."""
    groups = sorted(stores.groups)[:2]
    await opened(stores.inventory, groups)
    won = await basket_rush.rush(basket_rush.Careless(stores.inventory), groups, 1)
    assert await halves(stores.inventory, groups, [1], won) != []
    assert not await is_exact(stores.inventory, groups, won)


@pytest.mark.race
async def test_baskets_of_several_processes_cross_each_other(redis: Redis, redis_url: str) -> None:
    groups, seeds = ["e1", "e2"], [1, 2]
    inventory = Inventory(redis)
    await opened(inventory, groups)
    programs = [("tests.seating.basket_rush", redis_url, str(seed), *groups) for seed in seeds]
    said = await run_together(redis, programs)
    won: list[basket_rush.Prize] = [tuple(prize) for each in said for prize in json.loads(each)]
    assert won
    assert await is_exact(inventory, groups, won)
    assert await halves(inventory, groups, seeds, won) == []
