"""The live inventory in Redis: who has which seat, how much of each quota is used (LIVE-7, LIVE-8, LIVE-10, QUO-1).

Every change is one script on one inventory group, whose keys share one hash tag: seats, quotas, expiry, the log of
changes and their publication move together or not at all. Redis' clock is the only one. What is here can be lost: the
caller rebuilds a group from its ledger when `GroupMissing` says so. The keys are described in scripts/core.lua.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from seating.holds import (
    BLOCKED,
    FREE,
    HELD,
    PENDING,
    SOLD,
    USED,
    BestSeats,
    Expired,
    GroupMissing,
    GroupState,
    Held,
    HeldItem,
    HoldRequest,
    Line,
    NamedSeats,
    OrderState,
    Owner,
    PendingOrder,
    PerformanceState,
    Quantity,
    QuotaState,
    Reason,
    Refusal,
    SeatOwner,
    Snapshot,
    decode_order,
)
from seating.house import House, house_of
from seating.pipeline import Pipeliner, StoreUnavailable
from seating.scripts import script

__all__ = [
    "BLOCKED",
    "FREE",
    "HELD",
    "PENDING",
    "SOLD",
    "USED",
    "BestSeats",
    "Expired",
    "GroupMissing",
    "GroupState",
    "Held",
    "HeldItem",
    "HoldRequest",
    "Inventory",
    "Line",
    "NamedSeats",
    "OrderState",
    "Owner",
    "PendingOrder",
    "PerformanceState",
    "Quantity",
    "QuotaState",
    "Reason",
    "Refusal",
    "SeatOwner",
    "Snapshot",
    "StoreUnavailable",
    "cart_ref",
    "channel",
]

# How long a hold's answer is remembered for a retry. Retries come within seconds; memory is paid for each request.
REMEMBERED_S: Final = 120
# Places in one request: beyond it a step would keep everybody else waiting.
PLACES_MAX: Final = 2000
GROUPS: Final = "placeur:groups"

_GROUP = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_decode = msgspec.msgpack.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode


def channel(group: str, performance: int) -> str:
    """Where every change of a performance is published."""
    return f"{{g:{group}}}:p:{performance}:feed"


def cart_ref(cart: str) -> str:
    """A cart's public name: tells carts apart on the feed without giving one away."""
    return hashlib.sha256(cart.encode()).hexdigest()[:8]


class Inventory:
    """The inventory over one Redis (or Redis Cluster) client. All methods raise StoreUnavailable when it is away, and
    GroupMissing when it does not know the group, unless they say otherwise."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pipe = Pipeliner(redis)

    # Groups

    async def load(self, group: GroupState, *, only_if_missing: bool = True) -> None:
        """Lay a group down as the ledger knows it, under a new epoch.

        With `only_if_missing=False` a group in use is laid down anew: holds that still fit stay, and so do orders
        promised after `group.as_of_ms`. Raises ValueError for states that do not match their plan.
        """
        # Known before it is there: a group that nobody's expiry loop visits would keep its lapsed holds.
        await self._pipe.call("SADD", GROUPS, group.group)
        await self._pipe_script("load", _keys(group.group), _load_arguments(group, force=not only_if_missing))

    async def groups(self) -> set[str]:
        """Every group loaded since Redis was last empty."""
        return {name.decode() for name in await self._pipe.call("SMEMBERS", GROUPS)}

    async def now_ms(self) -> int:
        """The clock that holds lapse by."""
        seconds, micros = await self._pipe.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    # A cart

    async def hold(self, request: HoldRequest) -> Held | Refusal:
        """Hold every line or none, in one step with all quotas; best seats are chosen inside it.

        Raises ValueError for a request that no inventory could serve (no line, no place, a negative time).
        """
        _check(request)
        arguments = _encode(
            (
                request.cart, cart_ref(request.cart), request.owner.kind, request.owner.label,
                request.ttl_s * 1000, REMEMBERED_S * 1000, [_line(line) for line in request.lines],
            )
        )  # fmt: skip
        keys = _keys(request.group, cart=request.cart, request=request.request_id or secrets.token_hex(12))
        while True:
            answer = await self._step("hold", request.group, keys, arguments)
            if answer[0] == "held":
                return Held(_items(answer[1]), answer[2])
            if not answer[2]:
                return Refusal(msgspec.convert(answer[1], tuple[Reason, ...]))
            # Refused while more lapsed holds waited than one step may free: free them, then it may well succeed.
            await self.expire_due(request.group)

    async def release(self, group: str, cart: str, items: Iterable[str] | None = None) -> int:
        """Free a cart's holds: all, or those named; what is no longer its own is left alone. How many were freed."""
        some = tuple(dict.fromkeys(items)) if items is not None else None
        if some is not None and not some:
            return 0
        answer = await self._step("release", group, _keys(group, cart=cart), cart, *(some or ()))
        return int(answer[1])

    async def extend(self, group: str, cart: str, ttl_s: int) -> int:
        """Let a cart's holds last at least `ttl_s` from now. How many now last longer."""
        return int((await self._step("extend", group, _keys(group, cart=cart), ttl_s * 1000))[1])

    async def change_tariff(
        self, group: str, cart: str, item: str, tariff: int, quotas: tuple[str, ...]
    ) -> HeldItem | Refusal:
        """Another tariff for one held item; what it counts against moves in the same step. A lapsed or foreign item is
        refused with `unknown_item`."""
        arguments = _encode((cart, item, tariff, quotas))
        answer = await self._step("change_tariff", group, _keys(group, cart=cart), arguments)
        if answer[0] == "held":
            return _items(answer[1])[0]
        return Refusal(msgspec.convert(answer[1], tuple[Reason, ...]))

    async def held(self, group: str, cart: str) -> tuple[HeldItem, ...]:
        """A cart's live holds, in the order in which they were made."""
        return _items((await self._step("held", group, _keys(group, cart=cart)))[1])

    # Orders

    async def promise(
        self, group: str, cart: str, order: str, items: Iterable[str] | None = None
    ) -> tuple[HeldItem, ...] | Expired:
        """Turn all that a cart holds into pending places of an order, or nothing if any hold has lapsed (or, with
        `items`, if the cart holds anything else than these). Pending places never lapse by themselves.

        The same cart and order again get the first answer. After Expired, what is left of the cart can be promised.
        """
        expected = None if items is None else tuple(items)
        arguments = _encode((cart, cart_ref(cart), order, expected))
        answer = await self._step("promise", group, _keys(group, cart=cart), arguments)
        if answer[0] == "promised":
            return _items(answer[1])
        return Expired(tuple(answer[1]))

    async def sell(self, group: str, order: str) -> bool:
        """An order's pending places are sold. False when the inventory does not know the order (it was given back, or
        its marks were lost): the caller's ledger decides what that means."""
        return bool((await self._step("sell", group, _keys(group), order))[0] == "ok")

    async def give_back(self, group: str, order: str, items: Iterable[HeldItem] | None = None) -> int:
        """An order's places (all, or these) are free again and its quotas returned. How many were given back: 0 when it
        has none of them any more. Seats that belong to another order are never touched."""
        some = None if items is None else [(item.id, item.performance, item.ordinal, item.quotas) for item in items]
        return int((await self._step("give_back", group, _keys(group), _encode((order, some))))[1])

    async def pending_orders(self, group: str) -> dict[str, PendingOrder]:
        """All orders being paid, for comparing with the ledger."""
        flat = await self._step_raw("orders", group, _keys(group))
        found = {}
        for name, raw in zip(flat[::2], flat[1::2], strict=True):
            record = decode_order(raw)
            order = name.decode()
            found[order] = PendingOrder(order, record.ref, record.since_ms, record.items)
        return found

    # Seats and quotas, by the house

    async def mark_used(self, group: str, performance: int, ordinal: int, *, used: bool = True) -> bool:
        """A sold seat's ticket went through a gate (or, with `used=False`, did not after all). Whether it changed."""
        answer = await self._step("mark_used", group, _keys(group), performance, ordinal, int(used))
        return bool(answer[1])

    async def block(
        self, group: str, performance: int, ordinals: Iterable[int], *, blocked: bool = True
    ) -> tuple[int, ...]:
        """Take free seats off sale, or put blocked ones back. The ordinals that changed; others stay as they are."""
        answer = await self._step("block", group, _keys(group), _encode((performance, tuple(ordinals), blocked)))
        return tuple(answer[1])

    async def set_limits(self, group: str, limits: dict[str, int | None]) -> None:
        """Change quota limits (QUO-1); None: no limit. What is used beyond a new limit stays."""
        pairs = [(name, -1 if limit is None else limit) for name, limit in limits.items()]
        await self._step("set_limits", group, _keys(group), _encode(pairs))

    async def expire_due(self, group: str) -> int:
        """Free every hold that is due, and tell all performances about shared quotas. How many were freed."""
        freed: int = 0
        while True:
            answer = await self._step("expire", group, _keys(group))
            freed += answer[1]
            if not answer[2]:
                return freed

    # Reading

    async def snapshot(self, group: str, performance: int, *, owners: bool = True) -> Snapshot:
        """One performance at one instant. Without `owners` it costs the same for a full house as for an empty one.

        Raises GroupMissing also for a performance that the group was not loaded with.
        """
        answer = await self._step_raw("snapshot", group, _keys(group), performance, int(owners))
        if isinstance(answer, bytes):
            raise GroupMissing(group)
        epoch, version, states, owned, quotas, now = answer
        return Snapshot(
            epoch=epoch.decode(),
            version=int(version),
            states=states,
            owners={each[0]: SeatOwner(*each[1:]) for each in _decode(owned)},
            quotas=_quotas(quotas, performance),
            server_time_ms=int(now),
        )

    async def head(self, group: str, performance: int) -> tuple[str, int] | None:
        """(epoch, version) of a performance; None when it is not loaded."""
        epoch, version = await self._pipe.call("HMGET", _tag(group) + ":meta", "epoch", f"v{performance}")
        return None if epoch is None or version is None else (epoch.decode(), int(version))

    async def changes_since(self, group: str, performance: int, epoch: str, version: int) -> list[bytes] | None:
        """Every change after `version`, or None when they are not all there any more: take a new snapshot."""
        answer = await self._step_raw("changes", group, _keys(group), performance, epoch, version)
        return None if isinstance(answer, bytes) else list(answer)

    # Steps

    async def _step(self, name: str, group: str, keys: tuple[str, ...], *arguments: Any) -> Any:
        return _decode(await self._step_raw(name, group, keys, *arguments))

    async def _step_raw(self, name: str, group: str, keys: tuple[str, ...], *arguments: Any) -> Any:
        answer = await self._pipe_script(name, keys, arguments)
        if answer == _MISSING:
            raise GroupMissing(group)
        return answer

    async def _pipe_script(self, name: str, keys: tuple[str, ...], arguments: Iterable[Any]) -> Any:
        step = script(name)
        rest = (len(keys), *keys, *arguments)
        try:
            return await self._pipe.call("EVALSHA", step.sha, *rest)
        except NoScriptError:
            # A server that was restarted or has just become master: it learns the script by being given it.
            return await self._pipe.call("EVAL", step.text, *rest)


_MISSING: Final = _encode(["missing"])


def _tag(group: str) -> str:
    if not _GROUP.fullmatch(group):
        raise ValueError(f"{group!r} cannot be an inventory group's id")
    return f"{{g:{group}}}"


def _keys(group: str, *, cart: str | None = None, request: str | None = None) -> tuple[str, ...]:
    tag = _tag(group)
    fixed = tuple(f"{tag}:{name}" for name in ("meta", "quotas", "items", "due", "pending", "sold"))
    if cart is not None:
        fixed += (f"{tag}:cart:{cart}",)
    if request is not None:
        fixed += (f"{tag}:req:{request}",)
    return fixed


def _items(raw: Any) -> tuple[HeldItem, ...]:
    return msgspec.convert(raw, tuple[HeldItem, ...])


def _line(line: Line) -> tuple[Any, ...]:
    match line:
        case NamedSeats():
            return ("n", line.performance, line.tariff, line.quotas, line.ordinals)
        case BestSeats():
            return (
                "b", line.performance, line.tariff, line.quotas,
                line.count, line.categories, line.zones, line.accessible,
            )  # fmt: skip
        case Quantity():
            return ("q", line.performance, line.tariff, line.quotas, line.count)


def _check(request: HoldRequest) -> None:
    places = 0
    for line in request.lines:
        count = len(line.ordinals) if isinstance(line, NamedSeats) else line.count
        if count < 1:
            raise ValueError("a line asks for no place")
        places += count
    if not 1 <= places <= PLACES_MAX:
        raise ValueError(f"a request is for 1 to {PLACES_MAX} places, not {places}")
    if request.ttl_s < 1:
        raise ValueError("a hold lasts at least a second")
    if not request.cart:
        raise ValueError("a hold needs a cart")


def _quotas(flat: list[bytes], performance: int) -> dict[str, tuple[int, int | None]]:
    fields = {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
    shown: dict[str, tuple[int, int | None]] = {}
    for field, value in fields.items():
        if field[0] != "u":
            continue
        name = field[1:]
        only = fields.get("p" + name)
        performances = only.decode().split(",") if only else _own_performance(name)
        if performances is None or str(performance) in performances:
            limit = fields.get("l" + name)
            shown[name] = int(value), None if limit is None else int(limit)
    return shown


def _own_performance(quota: str) -> list[str] | None:
    kind, _, number = quota.partition(":")
    return [number] if kind == "performance" and number.isdigit() else None


def _load_arguments(group: GroupState, *, force: bool) -> list[Any]:
    houses: dict[str, House] = {}
    performances, states = [], []
    for performance in group.performances:
        digest, count = "", 0
        if performance.plan is not None:
            house = house_of(performance.plan)
            houses[house.digest] = house
            digest, count = house.digest, house.seats_count
        if performance.states and len(performance.states) != count:
            raise ValueError(f"performance {performance.id}: {len(performance.states)} states for {count} seats")
        performances.append((performance.id, count, digest))
        states.append(performance.states or bytes(count))
    limits = [
        (quota.id, -1 if quota.limit is None else quota.limit, quota.used, ",".join(map(str, quota.performances)))
        for quota in group.quotas
    ]
    spec = (
        secrets.token_hex(5), force, -1 if group.as_of_ms is None else group.as_of_ms,
        performances, list(houses), limits, _orders_of(group),
    )  # fmt: skip
    arguments: list[Any] = [_encode(spec), *states]
    for house in houses.values():
        names = [each for pair in house.names.items() for each in pair]
        arguments += [house.runs, house.seats, house.near, _encode(names)]
    return arguments


def _orders_of(group: GroupState) -> list[tuple[str, bool, list[HeldItem]]]:
    """The orders given, and one for each that is only known as the owner of seats."""
    found = {order.order: (order.order, order.sold, list(order.items)) for order in group.orders}
    listed = {(item.performance, item.ordinal) for order in group.orders for item in order.items}
    for performance in group.performances:
        for ordinal, code in sorted(performance.owners.items()):
            if (performance.id, ordinal) in listed:
                continue
            sold = performance.states[ordinal] != PENDING
            _, _, items = found.setdefault(code, (code, sold, []))
            items.append(HeldItem(f"{performance.id}.{ordinal}", performance.id, ordinal, 0, ()))
    return list(found.values())
