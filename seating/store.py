"""The live inventory in Redis: who has which seat, how much of each quota is used (LIVE-7, LIVE-8, LIVE-10, QUO-1).

Every change is one script on one inventory group, whose keys share one hash tag: seats, quotas, expiry, the log of
changes and their publication move together or not at all. Redis' clock is the only one. What is here can be lost: the
caller rebuilds a group from its ledger when `GroupMissing` says so. The keys are described in scripts/core.lua.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError, ResponseError

from seating.holds import (
    ALLOTTED,
    BLOCKED,
    FREE,
    HELD,
    LINKED,
    PENDING,
    SOLD,
    USED,
    Allotment,
    BestSeats,
    Choice,
    Expired,
    Fare,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Line,
    NamedSeats,
    OrderRule,
    OrderState,
    Owner,
    PendingOrder,
    PerformanceState,
    Quantity,
    QuotaState,
    Reason,
    Refusal,
    RowByRow,
    SeatOwner,
    Snapshot,
)
from seating.loading import lay_out
from seating.pipeline import Pipeliner, StoreUnavailable
from seating.scripts import script
from seating.wire import (
    PLACES_MAX,
    cart_names,
    check,
    chooses,
    decode,
    encode,
    encode_hold,
    encode_rules,
    items_of,
    keys_of,
    new_request,
    pending_of,
    snapshot_of,
    tag_of,
)

__all__ = [
    "ALLOTTED",
    "BLOCKED",
    "FREE",
    "HELD",
    "LINKED",
    "PENDING",
    "PLACES_MAX",
    "SOLD",
    "USED",
    "Allotment",
    "BestSeats",
    "Choice",
    "Expired",
    "Fare",
    "GroupMissing",
    "GroupState",
    "Held",
    "HeldItem",
    "HoldRequest",
    "Inventory",
    "Line",
    "NamedSeats",
    "OrderRule",
    "OrderState",
    "Owner",
    "PendingOrder",
    "PerformanceState",
    "Quantity",
    "QuotaState",
    "Reason",
    "Refusal",
    "RowByRow",
    "SeatOwner",
    "Snapshot",
    "StoreUnavailable",
    "cart_ref",
    "channel",
]

GROUPS: Final = "placeur:groups"
SUGGESTED_FOR_MAX: Final = 8


def channel(group: str, performance: int) -> str:
    """Where every change of a performance is published."""
    return f"{{g:{group}}}:p:{performance}:feed"


def cart_ref(cart: str) -> str:
    """A cart's public name: tells carts apart on the feed without giving one away."""
    return cart_names(cart)[1]


class Inventory:
    """The inventory over one Redis (or Redis Cluster) client. All methods raise StoreUnavailable when it is away, and
    GroupMissing when it does not know the group or has lost a part of it, unless they say otherwise."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pipe = Pipeliner(redis)

    # Groups

    async def load(self, group: GroupState, *, only_if_missing: bool = True) -> None:
        """Lay a group down as the ledger knows it, under a new epoch.

        With `only_if_missing=False` a group in use is laid down anew: holds that still fit stay, and so do orders
        promised after `group.as_of_ms`. It is laid out beside the one in use and put in place in one step; sales go on
        meanwhile. Raises ValueError for a state that contradicts itself.
        """
        # Known before it is there: a group that nobody's expiry loop visits would keep its lapsed holds. In a cluster
        # the list may lie on a node that is away; whoever keeps a ledger knows its groups as well.
        with contextlib.suppress(StoreUnavailable):
            await self._pipe.call("SADD", GROUPS, group.group)
        keys = keys_of(group.group)
        if only_if_missing and await self._pipe.call("HEXISTS", keys[0], "epoch"):
            return
        name = group.group
        layout = lay_out(group, force=not only_if_missing, now_ms=await self.now_ms(name), run=await self._run(name))
        for first in range(0, len(layout.commands), 32):
            some = layout.commands[first : first + 32]
            await asyncio.gather(*(self._pipe.call(*command) for command in some))
        await self._script("load", keys, (layout.argument,))

    async def groups(self) -> set[str]:
        """Every group loaded since Redis was last empty."""
        return {name.decode() for name in await self._pipe.call("SMEMBERS", GROUPS)}

    async def unload(self, group: str) -> None:
        """Forget a group that nobody sells any more; it is loaded again when somebody asks for it."""
        await self._pipe.call("SREM", GROUPS, group)
        tag = tag_of(group)
        keys = [key async for key in self._redis.scan_iter(f"{tag}:*", count=1000)]
        for first in range(0, len(keys), 500):
            await self._pipe.call("UNLINK", *keys[first : first + 500])

    async def now_ms(self, group: str) -> int:
        """The clock that a group's holds lapse by: its node's own, if Redis is a cluster."""
        seconds, micros = await self._script("now", keys_of(group), ())
        return int(seconds) * 1000 + int(micros) // 1000

    async def pulse(self, group: str, *performances: int) -> None:
        """Raises GroupMissing when the group, or any key that it must have, is gone or cut short, when it was loaded
        without one of `performances`, or when Redis was started again or failed over since it was loaded, and may have
        lost what happened last. Cheap."""
        await self._step("pulse", group, await self._run(group), *performances)

    async def dump(self, group: str) -> list[Any]:
        """Everything that is known of a group at one instant, undecoded: see scripts/dump.lua and `seating.audit`."""
        return list(await self._step_raw("dump", group, ()))

    # A cart

    async def hold(self, request: HoldRequest) -> Held | Refusal:
        """Hold every line or none, in one step with all quotas; best seats are chosen inside it.

        Raises ValueError for a request that no inventory could serve (no line, no place, a negative time).
        """
        check(request)
        arguments = encode_hold(request)
        name = "hold_best" if chooses(request) else "hold"
        while True:
            answer = await self._step(name, request.group, arguments)
            if answer[0] == "held":
                return Held(items_of(answer[2]), answer[1], _reasons(answer[3]))
            if not answer[2]:
                return await self._suggest(request, _reasons(answer[1]))
            # Refused while more lapsed holds waited than one step may free: free them, then it may well succeed.
            await self.expire_due(request.group)

    async def release(self, group: str, cart: str, items: Iterable[str] | None = None) -> int:
        """Free a cart's holds: all, or those named with the rest of their passes; what is no longer its own is left
        alone. How many were freed."""
        some = tuple(dict.fromkeys(items)) if items is not None else None
        if some is not None and not some:
            return 0
        answer = await self._step("release", group, cart_names(cart)[0], *(some or ()))
        return int(answer[1])

    async def extend(self, group: str, cart: str, ttl_s: int) -> int:
        """Let a cart's holds last at least `ttl_s` from now. How many now last longer."""
        return int((await self._step("extend", group, cart_names(cart)[0], ttl_s * 1000))[1])

    async def move(self, group: str, cart: str, to: str, owner: Owner, ttl_s: int) -> int:
        """Everything a cart holds goes to another cart, for at least `ttl_s`: a counter takes over an online cart, a
        visitor signs in. How many places."""
        key, ref = cart_names(to)
        arguments = encode((cart_names(cart)[0], key, ref, owner.kind, owner.label, ttl_s * 1000))
        return int((await self._step("move", group, arguments, new_request()))[1])

    async def change_tariff(
        self, group: str, cart: str, item: str, tariff: int, quotas: tuple[str, ...]
    ) -> HeldItem | Refusal:
        """Another tariff for one held item; what it counts against moves in the same step. A lapsed or foreign item is
        refused with `unknown_item`."""
        answer = await self._step("change_tariff", group, encode((cart_names(cart)[0], item, tariff, quotas)))
        return items_of(answer[2])[0] if answer[0] == "held" else Refusal(_reasons(answer[1]))

    async def held(self, group: str, cart: str) -> tuple[HeldItem, ...]:
        """A cart's live holds, in the order in which they were made."""
        return items_of((await self._step("held", group, cart_names(cart)[0]))[2])

    # Orders

    async def promise(
        self,
        group: str,
        cart: str,
        order: str,
        items: Iterable[str] | None = None,
        rules: Iterable[OrderRule] = (),
    ) -> tuple[HeldItem, ...] | Expired | Refusal:
        """Turn all that a cart holds into pending places of an order, or nothing: Expired if it holds nothing, or with
        `items`, if it does not hold exactly these; Refusal if it breaks one of `rules`. Pending places never lapse by
        themselves. The same cart and order again get the first answer, as long
        as the order is pending.
        """
        expected = False if items is None else tuple(items)
        arguments = encode((cart_names(cart)[0], order, expected, encode_rules(rules)))
        answer = await self._step("promise", group, arguments)
        match answer[0]:
            case "promised":
                return items_of(answer[2])
            case "refused":
                return Refusal(_reasons(answer[1]))
            case _:
                return Expired(tuple(answer[1]))

    async def recall(self, group: str, order: str, cart: str, owner: Owner, ttl_s: int) -> int:
        """A pending order's places are held again by a cart: it was not made after all. How many; 0 when there is no
        such pending order (any more)."""
        key, ref = cart_names(cart)
        arguments = encode((order, key, ref, owner.kind, owner.label, ttl_s * 1000))
        return int((await self._step("recall", group, arguments, new_request()))[1])

    async def sell(self, group: str, order: str) -> bool:
        """An order's pending places are sold. False when the inventory does not know the order (it was given back, or
        its marks were lost): the caller's ledger decides what that means."""
        return bool((await self._step("sell", group, order))[0] == "ok")

    async def give_back(self, group: str, order: str, items: Iterable[HeldItem] | None = None) -> int:
        """An order's places (all, or these) are free again and its quotas returned; a numbered place is found by its
        seat, another by its id. How many were given back: 0 when it has none of them any more. Seats that belong to
        another order are never touched."""
        some = False if items is None else [(i.id, i.performance, i.ordinal, i.quotas) for i in items]
        return int((await self._step("give_back", group, encode((order, some))))[1])

    async def exchange(
        self,
        group: str,
        order: str,
        performance: int,
        ordinal: int,
        to: int,
        *,
        tariff: int,
        quotas: tuple[str, ...] = (),
        keys: tuple[str, ...] = (),
    ) -> HeldItem | Refusal:
        """Another seat for one that an order has, pending, sold or used, in one step with its quotas (SEA-9)."""
        arguments = encode((order, performance, ordinal, to, tariff, quotas, keys))
        answer = await self._step("exchange", group, arguments, new_request())
        return items_of(answer[2])[0] if answer[0] == "held" else Refusal(_reasons(answer[1]))

    async def pending_orders(self, group: str) -> dict[str, PendingOrder]:
        """All orders being paid, for comparing with the ledger."""
        return pending_of(await self._step_raw("orders", group, ()))

    # Seats and quotas, by the house

    async def allot(self, group: str, allotment: Allotment) -> Refusal | None:
        """Keep seats or quantities for whoever has the key (AHEAD-2), all of them or nothing; one that is there already
        gets these seats in addition."""
        arguments = encode(
            (
                allotment.id, allotment.label, allotment.performance, allotment.ordinals,
                sorted(allotment.seat_keys.items()), allotment.quantity, allotment.quotas,
                allotment.release_at_ms or 0,
            )
        )  # fmt: skip
        answer = await self._step("allot", group, arguments, new_request())
        return None if answer[0] == "ok" else Refusal(_reasons(answer[1]))

    async def release_allotment(self, group: str, allotment: str, ordinals: Iterable[int] | None = None) -> int:
        """What an allotment still keeps goes on sale, and it ends; or only these of its seats, and it stays. How many
        places."""
        freed, done = 0, False
        arguments = encode((allotment, False if ordinals is None else tuple(ordinals)))
        while not done:
            _, some, done = await self._step("release_allotment", group, arguments)
            freed += int(some)
        return freed

    async def mark_used(self, group: str, performance: int, ordinal: int, *, used: bool = True) -> bool:
        """A sold seat's ticket went through a gate (or, with `used=False`, did not after all). Whether it changed."""
        return bool((await self._step("mark_used", group, performance, ordinal, int(used)))[1])

    async def block(
        self, group: str, performance: int, ordinals: Iterable[int], *, blocked: bool = True
    ) -> tuple[int, ...]:
        """Take free seats off sale, or put blocked ones back. The ordinals that changed; others stay as they are."""
        arguments = encode((performance, tuple(ordinals), blocked))
        return tuple((await self._step("block", group, arguments, new_request()))[1])

    async def set_limits(self, group: str, limits: dict[str, int | None]) -> None:
        """Change quota limits (QUO-1); None: no limit. What is used beyond a new limit stays."""
        pairs = [(name, -1 if limit is None else limit) for name, limit in limits.items()]
        await self._step("set_limits", group, encode(pairs))

    async def expire_due(self, group: str) -> int:
        """Free every hold that is due, end every allotment whose date has come, and tell all performances about shared
        quotas. How many places were freed."""
        freed: int = 0
        while True:
            answer = await self._step("expire", group)
            freed += answer[1]
            if not answer[2]:
                return freed

    # Reading

    async def snapshot(self, group: str, performance: int, *, owners: bool = True) -> Snapshot:
        """One performance at one instant. Without `owners` it costs the same for a full house as for an empty one.

        Raises GroupMissing also for a performance that the group was not loaded with.
        """
        answer = await self._step_raw("snapshot", group, (performance, int(owners)))
        if isinstance(answer, bytes):
            raise GroupMissing(group, damaged=f"performance {performance}")
        return snapshot_of(answer, performance, owners=owners)

    async def head(self, group: str, performance: int) -> tuple[str, int] | None:
        """(epoch, version) of a performance; None when it is not loaded."""
        epoch, version = await self._pipe.call("HMGET", keys_of(group)[0], "epoch", f"v{performance}")
        return None if epoch is None or version is None else (epoch.decode(), int(version))

    async def changes_since(self, group: str, performance: int, epoch: str, version: int) -> list[bytes] | None:
        """Every change after `version`, or None when they are not all there any more: take a new snapshot."""
        answer = await self._step_raw("changes", group, (performance, epoch, version))
        return None if isinstance(answer, bytes) else list(answer)

    # Steps

    async def _run(self, group: str) -> str:
        """The run of the server that has this group, as it calls itself since its start."""
        if isinstance(self._redis, RedisCluster):
            node = self._redis.get_node_from_key(keys_of(group)[0])
            return str((await self._redis.info("server", target_nodes=node))["run_id"]) if node else ""
        return str((await self._redis.info("server"))["run_id"])

    async def _suggest(self, request: HoldRequest, reasons: tuple[Reason, ...]) -> Refusal:
        """Free seats near the first few that were taken: a buyer chooses among seats, not among lists. Asked apart, for
        everybody who loses the same race asks it at the same time, and the winners should not wait for it."""
        taken = [r for r in reasons if r.code == "seat_taken" and r.ordinal >= 0][:SUGGESTED_FOR_MAX]
        if not taken:
            return Refusal(reasons)
        near: dict[tuple[int, int], tuple[int, ...]] = {}
        unknown = {(r.performance, r.ordinal) for r in reasons if r.code == "unknown_seat"}
        for performance in dict.fromkeys(r.performance for r in taken):
            lost = [r.ordinal for r in taken if r.performance == performance]
            asked = [
                o
                for line in request.lines
                if isinstance(line, NamedSeats) and line.performance == performance
                for o in line.ordinals
                if (performance, o) not in unknown
            ]
            answer = await self._step("nearest", request.group, encode((performance, lost, asked)))
            near |= {(performance, o): tuple(found) for o, found in zip(lost, answer, strict=True)}
        return Refusal(
            tuple(msgspec.structs.replace(r, nearest=near.get((r.performance, r.ordinal), ())) for r in reasons)
        )

    async def _step(self, name: str, group: str, *arguments: Any) -> Any:
        return decode(await self._step_raw(name, group, arguments))

    async def _step_raw(self, name: str, group: str, arguments: Iterable[Any]) -> Any:
        try:
            answer = await self._script(name, keys_of(group), arguments)
        except ResponseError as error:
            if (lost := _DAMAGED.match(str(error))) is None:
                if name != "pulse":
                    # It may have stumbled over a key that is gone.
                    await self.pulse(group)
                raise
            raise GroupMissing(group, damaged=lost[1]) from error
        if answer == _MISSING:
            raise GroupMissing(group)
        return answer

    async def _script(self, name: str, keys: tuple[str, ...], arguments: Iterable[Any]) -> Any:
        step = script(name)
        rest = (len(keys), *keys, *arguments)
        try:
            return await self._pipe.call("EVALSHA", step.sha, *rest)
        except NoScriptError:
            # A server that was restarted or has just become master: it learns the script by being given it.
            return await self._pipe.call("EVAL", step.text, *rest)


_MISSING: Final = encode(["missing"])
# Redis adds where in the script it happened.
_DAMAGED: Final = re.compile(r"DAMAGED (.*?)(?: script: .*)?$", re.DOTALL)


def _reasons(raw: Any) -> tuple[Reason, ...]:
    return msgspec.convert(raw, tuple[Reason, ...])
