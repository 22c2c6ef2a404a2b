"""Buyers on a cluster who write down what they were told, and what their shop's ledger knows of it.

Also a process of such buyers, `python -m tests.seating.cluster_sale PORT SEED GROUP...`: it says "selling", sells until
its input ends, then prints what everybody was told.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from seating.audit import contradictions
from seating.dumps import read_dump
from seating.store import (
    FREE,
    HELD,
    PENDING,
    SOLD,
    BestSeats,
    Expired,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Inventory,
    Line,
    NamedSeats,
    OrderState,
    Owner,
    PerformanceState,
    Quantity,
    QuotaState,
    StoreUnavailable,
)
from tests.seating.houses import sketch

SEATED, FAIR = 1, 2
QUOTA, LIMIT = "event", 40
PLAN = sketch(*["............"] * 3)
PLANS = {SEATED: PLAN, FAIR: None}
BUYERS = 2
T = TypeVar("T")


class Told(Struct):
    """What the buyer of a cart believes in the end: it has these places, as `state` says."""

    group: str
    cart: str
    state: int
    items: tuple[HeldItem, ...]


class Sale:
    """Some buyers, their shop's ledger, and what they were told. With `lossy`, a group may be gone: it is loaded again
    from this ledger, which must therefore be the only one of its groups."""

    def __init__(self, client: RedisCluster, seed: int, groups: Sequence[str], *, lossy: bool = False) -> None:
        # redis-py's two clients share their commands, not a type.
        self.inventory = Inventory(cast(Redis, client))
        self.seed, self.groups, self.lossy = seed, groups, lossy
        self.told: list[Told] = []
        self.ledger: dict[str, dict[str, OrderState]] = defaultdict(dict)
        self.visits = Counter[str]()
        self.unavailable = Counter[str]()
        self.reloads = Counter[str]()
        self.closed = asyncio.Event()

    async def open(self) -> None:
        for group in self.groups:
            await self.inventory.load(self.state_of(group))

    def state_of(self, group: str) -> GroupState:
        """As the ledger knows it at this instant."""
        orders = tuple(self.ledger[group].values())
        states = bytearray(len(PLAN.seats))
        for order in orders:
            for item in order.items:
                if item.ordinal >= 0:
                    states[item.ordinal] = SOLD if order.sold else PENDING
        used = sum(len(order.items) for order in orders)
        performances = (PerformanceState(SEATED, PLAN, bytes(states)), PerformanceState(FAIR, None))
        return GroupState(group, performances, (QuotaState(QUOTA, LIMIT, used),), orders)

    async def until_answered(self, group: str, step: Callable[[], Awaitable[T]]) -> T:
        """Whoever is told that the store is away asks again; anything else but an answer is a fault."""
        while True:
            try:
                answer = await step()
            except StoreUnavailable:
                self.unavailable[group] += 1
                await asyncio.sleep(0.05)
            except GroupMissing as missing:
                if not self.lossy:
                    raise
                await self._rebuild(group, only_if_missing=not missing.damaged)
            else:
                return answer

    async def _rebuild(self, group: str, *, only_if_missing: bool) -> None:
        self.reloads[group] += 1
        while True:
            try:
                return await self.inventory.load(self.state_of(group), only_if_missing=only_if_missing)
            except StoreUnavailable:
                await asyncio.sleep(0.05)

    async def sell(self) -> None:
        """Until `closed`."""
        buyers = (self._buyer(group, number) for group in self.groups for number in range(BUYERS))
        await asyncio.gather(*buyers, *(self._expiry(group) for group in self.groups))
        for group in self.groups:
            # Gone while nobody happened to ask for it, it is found by this at the latest.
            await self._expire(group)

    async def _expiry(self, group: str) -> None:
        """Nothing lapses; but it deletes keys and makes them anew."""
        while not self.closed.is_set():
            await self._expire(group)
            await asyncio.sleep(0.05)

    async def _expire(self, group: str) -> None:
        await self.until_answered(group, lambda: self.inventory.expire_due(group))

    async def _buyer(self, group: str, number: int) -> None:
        """Each of one group, so that whoever waits for it keeps nobody from another."""
        dice = random.Random(f"{self.seed} {group} {number}")
        bought = 0
        while not self.closed.is_set():
            bought += 1
            told = await self._buy(dice, group, f"{self.seed}-{number}-{bought}")
            if told is not None:
                self.told.append(told)
            self.visits[group] += 1
            await asyncio.sleep(dice.random() * 0.01)

    async def _buy(self, dice: random.Random, group: str, cart: str) -> Told | None:
        first = dice.randrange(35)
        line: Line = dice.choice(
            (
                NamedSeats(SEATED, (first, first + 1), 1, (QUOTA,)),
                BestSeats(SEATED, 2, 1, (QUOTA,)),
                Quantity(FAIR, 2, 1, (QUOTA,)),
            )
        )
        inventory, ask = self.inventory, self.until_answered
        request = HoldRequest(group, cart, Owner("buyer", cart), (line,), 3600, "r")
        held = await ask(group, lambda: inventory.hold(request))
        if not isinstance(held, Held):
            return None
        wants = dice.random()
        if wants < 0.05:
            return Told(group, cart, HELD, held.items)
        if wants < 0.3:
            await ask(group, lambda: inventory.release(group, cart, [item.id for item in held.items]))
            return None
        promised = await ask(group, lambda: inventory.promise(group, cart, cart))
        if not isinstance(promised, tuple):
            assert isinstance(promised, Expired)
            assert self.lossy, "nothing lapses in this sale"
            return None
        return await self._pay(dice, group, cart, promised)

    async def _pay(self, dice: random.Random, group: str, order: str, items: tuple[HeldItem, ...]) -> Told | None:
        """The ledger first, as in the box office; a group that is rebuilt meanwhile is rebuilt with it."""
        ledger, inventory, ask = self.ledger[group], self.inventory, self.until_answered
        ledger[order] = OrderState(order, sold=False, items=items)
        wants = dice.random()
        if wants < 0.05:
            return Told(group, order, PENDING, items)
        if wants < 0.5:
            ledger[order] = OrderState(order, sold=True, items=items)
            assert await ask(group, lambda: inventory.sell(group, order))
            if dice.random() < 0.1:
                return Told(group, order, SOLD, items)
        del ledger[order]
        await ask(group, lambda: inventory.give_back(group, order))
        return None


async def wrongs(inventory: Inventory, group: str, told: Sequence[Told], *, lost: bool = False) -> list[str]:
    """Where the store differs from what clients were told. With `lost`, the group was gone for a while: what was only
    held may have gone with it, and nothing else."""
    dump = read_dump(await inventory.dump(group))
    found = [each.sentence() for each in contradictions(dump, PLANS)]
    seen = await inventory.snapshot(group, SEATED)
    expected, places, orders = bytearray(len(PLAN.seats)), 0, {}
    for each in told:
        items = each.items
        if each.state == HELD:
            held = await inventory.held(group, each.cart)
            if held != items and not (lost and held == ()):
                found.append(f"cart {each.cart} was told of {items}, and holds {held}")
            items = held
        else:
            orders[each.cart] = each.state
        places += len(items)
        for item in items:
            if item.ordinal >= 0:
                if expected[item.ordinal] != FREE:
                    found.append(f"seat {item.ordinal} was given to two carts, one of them {each.cart}")
                expected[item.ordinal] = each.state
    if seen.states != expected:
        found.append(f"the seats are {list(seen.states)}, and were told to be {list(expected)}")
    ids = [item.id for each in told for item in each.items if each.state == HELD]
    if not lost and len(ids) != len(set(ids)):
        found.append("an id was given twice")
    used, limit = (await inventory.snapshot(group, FAIR)).quotas[QUOTA]
    if used != places or limit != LIMIT or used > LIMIT:
        found.append(f"{used} places are counted, {places} were told, {limit} there are")
    known = {code: SOLD if order.sold else PENDING for code, order in dump.orders.items()}
    if known != orders:
        found.append(f"the orders are {known}, and were told to be {orders}")
    return found


class Process:
    """The same in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, port: int, seed: int, groups: Sequence[str], *, lossy: bool = False) -> Process:
        arguments = [str(port), str(seed), "lossy" if lossy else "whole", *groups]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.seating.cluster_sale", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"selling\n"
        return cls(process)

    async def end(self) -> list[Told]:
        out, _ = await self._process.communicate(b"")
        assert self._process.returncode == 0
        return msgspec.json.decode(out, type=list[Told])

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


async def main(port: int, seed: int, way: str, groups: Sequence[str]) -> None:
    client = RedisCluster(host="127.0.0.1", port=port)
    sale = Sale(client, seed, groups, lossy=way == "lossy")
    await sale.open()
    selling: asyncio.Future[Any] = asyncio.ensure_future(sale.sell())
    print("selling", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    sale.closed.set()
    await selling
    print(msgspec.json.encode(sale.told).decode())
    await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
