"""A cart over several inventory groups (ORD-1): group by group, all or nothing, given back on failure.

Each group changes in one atomic step of its own, and there is no step over two: groups lie on different machines. So a
basket is taken in the order of the groups' ids, and what was taken is given back when a later group refuses. Nothing is
locked and nothing waits, hence two baskets that cross each other never stop each other; at worst both are refused.

What a process that dies between two groups leaves behind:
- of a `hold`: holds in the first groups, which the cart shows and which lapse by themselves (LIVE-7). The same requests
  again, with the same request ids, find them and take the rest: nothing is held twice.
- of a `promise`: pending orders in the first groups, which do not lapse. The caller's reconciliation gives back what no
  order in its ledger backs; the same orders again get the first answers and promise the rest.
- of a `release`, `extend` or `move`: a part of it is done; again does the rest.
A give-back that does not reach its group leaves the same, and is named in `left`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from seating.holds import Expired, GroupMissing, Held, HeldItem, HoldRequest, OrderRule, Owner, Refusal
from seating.pipeline import StoreUnavailable
from seating.store import Inventory
from seating.wire import check, new_request

T = TypeVar("T")


class GroupOrder(Struct, frozen=True):
    """What a cart holds in a group becomes this order: there is one for each group. `items` and `rules` are those of
    `Inventory.promise`."""

    group: str
    order: str
    items: tuple[str, ...] | None = None
    rules: tuple[OrderRule, ...] = ()


class BasketHeld(Struct, frozen=True):
    """All of it, by group. `expires_at_ms` is the earliest."""

    groups: dict[str, Held]

    @property
    def expires_at_ms(self) -> int:
        return min(held.expires_at_ms for held in self.groups.values())


class BasketRefusal(Struct, frozen=True):
    """None of it, for `group` said no. `left`: groups that could not be told to give back, whose holds lapse and whose
    pending orders are the reconciliation's; and those whose order an earlier try had promised."""

    group: str
    why: Refusal | Expired
    left: tuple[str, ...] = ()


class BasketUnavailable(StoreUnavailable):
    """The server of `group` is away. None of the basket stays, but in `left` (see BasketRefusal), to which `group`
    itself belongs when it did not come back at once: what was asked of it may still be carried out."""

    def __init__(self, group: str, left: tuple[str, ...]) -> None:
        self.group = group
        self.left = left
        super().__init__(f"the store of inventory group {group} is not available")


class _Look(Struct, frozen=True):
    """What a cart held, by group, when each group's clock said `now_ms` and the loop's `at_s`."""

    items: dict[str, tuple[HeldItem, ...]]
    now_ms: dict[str, int]
    at_s: float

    def rest_s(self, group: str) -> int:
        """Whole seconds until the first of a group's places lapses, never more than it had: a promise that fails again
        and again must not keep a seat."""
        now_ms = self.now_ms[group] + (asyncio.get_running_loop().time() - self.at_s) * 1000
        return max(0, int(min(item.expires_at_ms for item in self.items[group]) - now_ms) // 1000)


class Baskets:
    """Carts over several groups of one inventory. One call at a time for each cart, as with any cart.

    All methods raise BasketUnavailable (a StoreUnavailable), and GroupMissing, which names the group to load before the
    same call is made again; by then what had been taken is given back.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    async def hold(self, requests: Iterable[HoldRequest]) -> BasketHeld | BasketRefusal:
        """Hold every request, one for each group and all of one cart, or none.

        What the cart held before is never given back. Raises ValueError, before anything is held, for requests that
        are not one basket or that no inventory could serve.
        """
        taken: dict[str, Held] = {}
        for request in in_order(requests):
            try:
                answer = await self._inventory.hold(request)
            except GroupMissing:
                await self._release(request.cart, taken)
                raise
            except StoreUnavailable as error:
                raise BasketUnavailable(request.group, await self._release(request.cart, taken, request)) from error
            except BaseException:
                # Cancelled: whoever wanted it is gone.
                await self._release(request.cart, taken, request)
                raise
            if isinstance(answer, Refusal):
                return BasketRefusal(request.group, answer, await self._release(request.cart, taken))
            taken[request.group] = answer
        return BasketHeld(taken)

    async def promise(
        self, cart: str, owner: Owner, orders: Iterable[GroupOrder]
    ) -> dict[str, tuple[HeldItem, ...]] | BasketRefusal:
        """Turn all that a cart holds in these groups into pending orders, or nothing: when one is Expired or refused,
        the others' places are held by the cart again for the rest of their time (in whole seconds, and for those of a
        group together: that of the one which lapses first).

        An order code belongs to one basket: use it again only to repeat the same call. Orders that an earlier call had
        promised already are never recalled here, for they may have been paid.
        """
        wanted = orders_in_order(orders)
        before = await self._look(cart, [each.group for each in wanted])
        promised: dict[str, tuple[HeldItem, ...]] = {}

        async def undo(uncertain: GroupOrder | None = None) -> tuple[str, ...]:
            again, others = to_recall(wanted, before.items, promised, uncertain)
            left = await self._undo(
                {o.group: self._inventory.recall(o.group, o.order, cart, owner, before.rest_s(o.group)) for o in again}
            )
            return tuple(sorted({*left, *others}))

        for each in wanted:
            try:
                answer = await self._inventory.promise(each.group, cart, each.order, each.items, each.rules)
            except GroupMissing:
                await undo()
                raise
            except StoreUnavailable as error:
                raise BasketUnavailable(each.group, await undo(each)) from error
            except BaseException:
                await undo(each)
                raise
            if isinstance(answer, (Expired, Refusal)):
                return BasketRefusal(each.group, answer, await undo())
            promised[each.group] = answer
        return promised

    async def held(self, cart: str, groups: Iterable[str]) -> dict[str, tuple[HeldItem, ...]]:
        """What a cart holds, by group; each group at an instant of its own."""
        return await self._everywhere(groups, lambda group: self._inventory.held(group, cart))

    async def release(self, cart: str, groups: Iterable[str]) -> dict[str, int]:
        """Free all that a cart holds. How many places, by group. A group that cannot be reached stops no other."""
        return await self._everywhere(groups, lambda group: self._inventory.release(group, cart))

    async def extend(self, cart: str, groups: Iterable[str], ttl_s: int) -> dict[str, int]:
        """Let all that a cart holds last at least `ttl_s` from now. A group that cannot be reached stops no other."""
        return await self._everywhere(groups, lambda group: self._inventory.extend(group, cart, ttl_s))

    async def move(self, cart: str, to: str, groups: Iterable[str], owner: Owner, ttl_s: int) -> dict[str, int]:
        """Everything a cart holds goes to another cart. A group that cannot be reached stops no other: its places stay
        the first cart's until the call is made again."""
        return await self._everywhere(groups, lambda group: self._inventory.move(group, cart, to, owner, ttl_s))

    async def _release(
        self, cart: str, taken: Mapping[str, Held], uncertain: HoldRequest | None = None
    ) -> tuple[str, ...]:
        """Gives back exactly what `taken` says, and what `uncertain` may have got. The groups that were not reached."""
        steps: dict[str, Awaitable[object]] = {
            group: self._inventory.release(group, cart, [item.id for item in held.items])
            for group, held in taken.items()
        }
        if uncertain is not None:
            steps[uncertain.group] = self._take_back(uncertain)
        return await self._undo(steps)

    async def _take_back(self, request: HoldRequest) -> None:
        """Asked again by its id, the request says what it got, or gets it now: either way it can be named."""
        answer = await self._inventory.hold(request)
        if isinstance(answer, Held):
            await self._inventory.release(request.group, request.cart, [item.id for item in answer.items])

    async def _undo(self, steps: Mapping[str, Awaitable[object]]) -> tuple[str, ...]:
        """All of them, whatever becomes of each. The groups that were not reached."""
        answers = await asyncio.gather(*steps.values(), return_exceptions=True)
        left = []
        for group, answer in zip(steps, answers, strict=True):
            if isinstance(answer, StoreUnavailable):
                left.append(group)
            # In a group that is gone nothing is taken either.
            elif isinstance(answer, BaseException) and not isinstance(answer, GroupMissing):
                raise answer
        return tuple(left)

    async def _look(self, cart: str, groups: Sequence[str]) -> _Look:
        now_ms, items = await asyncio.gather(self._everywhere(groups, self._inventory.now_ms), self.held(cart, groups))
        return _Look(items, now_ms, asyncio.get_running_loop().time())

    async def _everywhere(self, groups: Iterable[str], step: Callable[[str], Awaitable[T]]) -> dict[str, T]:
        names = sorted(set(groups))
        answers = await asyncio.gather(*(step(group) for group in names), return_exceptions=True)
        found: dict[str, T] = {}
        for group, answer in zip(names, answers, strict=True):
            if isinstance(answer, StoreUnavailable):
                raise BasketUnavailable(group, ()) from answer
            if isinstance(answer, BaseException):
                raise answer
            found[group] = answer
        return found


def in_order(requests: Iterable[HoldRequest]) -> tuple[HoldRequest, ...]:
    """The requests of one basket, in the order in which every basket is taken, each with an id to ask again by.

    Raises ValueError for none, for two of one group or of two carts, and for what no inventory could serve.
    """
    found = tuple(
        msgspec.structs.replace(request, request_id=request.request_id or new_request())
        for request in sorted(requests, key=lambda request: request.group)
    )
    _one_for_each_group([request.group for request in found])
    if len({request.cart for request in found}) != 1:
        raise ValueError("a basket is of one cart")
    for request in found:
        check(request)
    return found


def orders_in_order(orders: Iterable[GroupOrder]) -> tuple[GroupOrder, ...]:
    """As `in_order`."""
    found = tuple(sorted(orders, key=lambda each: each.group))
    _one_for_each_group([each.group for each in found])
    return found


def _one_for_each_group(groups: Sequence[str]) -> None:
    if not groups or len(set(groups)) != len(groups):
        raise ValueError("a basket has one request for each of its groups, and at least one")


def to_recall(
    orders: Iterable[GroupOrder],
    before: Mapping[str, tuple[HeldItem, ...]],
    promised: Mapping[str, tuple[HeldItem, ...]],
    uncertain: GroupOrder | None,
) -> tuple[tuple[GroupOrder, ...], tuple[str, ...]]:
    """(the orders that this call has made, or may have, the groups whose order was there before): only what the cart
    held when we looked can have been promised by us."""
    mine, others = [], []
    for each in orders:
        if each == uncertain:
            if before[each.group]:
                mine.append(each)
        elif each.group in promised:
            had = {item.id for item in before[each.group]}
            if had.isdisjoint(item.id for item in promised[each.group]):
                others.append(each.group)
            else:
                mine.append(each)
    return tuple(mine), tuple(others)
