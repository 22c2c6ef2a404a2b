"""What travels between the store and its scripts: keys, requests, answers. See scripts/core.lua for what lies there."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from seating.holds import (
    ALLOTMENT_FIRST,
    ALLOTTED,
    BestSeats,
    HeldItem,
    HoldRequest,
    Line,
    NamedSeats,
    OrderRule,
    PendingOrder,
    Quantity,
    RowByRow,
    SeatOwner,
    Snapshot,
)

# Places in one request: beyond it a step would keep everybody else waiting.
PLACES_MAX: Final = 2000
BEST_MAX: Final = 20

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode

_GROUP = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_PROCESS: Final = secrets.token_urlsafe(6)
_REQUESTS = itertools.count()
_SEEN_AS: Final = bytes(ALLOTTED if byte >= ALLOTMENT_FIRST else byte for byte in range(256))


def tag_of(group: str) -> str:
    if not _GROUP.fullmatch(group):
        raise ValueError(f"{group!r} cannot be an inventory group's id")
    return f"{{g:{group}}}"


@functools.lru_cache(maxsize=1024)
def keys_of(group: str) -> tuple[str, ...]:
    """The fixed keys of a group, in the order of KEYS.

    The last one never exists: a node of a cluster whose slot is on its way to another refuses a whole step that names a
    key which it does not have, before the step has begun. Without it, steps would stop in their middle at the first key
    of theirs that is not named here and not there.
    """
    tag = tag_of(group)
    return tuple(f"{tag}:{name}" for name in ("meta", "quotas", "carts", "due", "pending", "sold", "nowhere"))


@functools.lru_cache(maxsize=16_384)
def cart_names(cart: str) -> tuple[str, str]:
    """(the name under which Redis knows a cart, its public name). Neither gives the cart itself away."""
    digest = hashlib.sha256(cart.encode()).digest()
    return base64.urlsafe_b64encode(digest[4:13]).decode(), digest[:4].hex()


def new_request() -> str:
    return f"{_PROCESS}{next(_REQUESTS):x}"


def encode_hold(request: HoldRequest) -> bytes:
    key, ref = cart_names(request.cart)
    return encode(
        (
            key, ref, request.owner.kind, request.owner.label, request.ttl_s * 1000,
            request.request_id or new_request(), request.keys, request.exceed,
            [_rule(rule) for rule in request.rules], [_line(line) for line in request.lines],
        )
    )  # fmt: skip


def chooses(request: HoldRequest) -> bool:
    """Whether the step must choose seats by itself."""
    return any(isinstance(line, (BestSeats, RowByRow)) for line in request.lines)


def encode_rules(rules: Iterable[OrderRule]) -> list[Any]:
    return [_rule(rule) for rule in rules]


def items_of(lines: Sequence[Any]) -> tuple[HeldItem, ...]:
    found = []
    for performance, tariff, quotas, expires, allotment, bundle, exceeded, places in lines:
        counted = tuple(quotas)
        for at in range(0, len(places), 2):
            found.append(
                HeldItem(
                    str(places[at]), performance, places[at + 1], tariff, counted, expires, allotment, bundle,
                    bool(exceeded),
                )
            )  # fmt: skip
    return tuple(found)


def pending_of(flat: Sequence[bytes]) -> dict[str, PendingOrder]:
    """Orders from their hash; a place of an order lapses no more."""
    found = {}
    for name, raw in _pairs(flat):
        if name:
            _, since_ms, _, _, ref, lines = decode(raw)
            found[name.decode()] = PendingOrder(name.decode(), ref, since_ms, items_of(lines))
    return found


def snapshot_of(answer: Sequence[Any], performance: int, *, owners: bool) -> Snapshot:
    epoch, version, states, quotas, now, allotments, carts, pending = answer
    return Snapshot(
        epoch=epoch.decode(),
        version=int(version),
        states=states.translate(_SEEN_AS),
        owners=_owners(performance, states, allotments, carts, pending) if owners else {},
        quotas=_quotas(quotas, performance),
        server_time_ms=int(now),
    )


def check(request: HoldRequest) -> None:
    """Raises ValueError for a request that no inventory could serve."""
    places = sum(_count(line) for line in request.lines)
    if not 1 <= places <= PLACES_MAX:
        raise ValueError(f"a request is for 1 to {PLACES_MAX} places, not {places}")
    if request.ttl_s < 1:
        raise ValueError("a hold lasts at least a second")
    if not request.cart:
        raise ValueError("a hold needs a cart")


def _count(line: Line) -> int:
    count = len(line.ordinals) if isinstance(line, NamedSeats) else line.count
    if count < 1:
        raise ValueError("a line asks for no place")
    if isinstance(line, BestSeats):
        if count > BEST_MAX:
            raise ValueError(f"best seats are chosen for 1 to {BEST_MAX}, not {count}")
        if not 0 <= line.wheelchairs <= count or line.rows_max < 0:
            raise ValueError("more wheelchairs than places, or fewer than no rows")
        if any(sum(fare.count for fare in way.fares) != count for way in line.ways()):
            raise ValueError("the fares of each choice must add up to the places asked for")
    return count


def _line(line: Line) -> tuple[Any, ...]:
    match line:
        case NamedSeats():
            return ("n", line.performance, line.tariff, line.quotas, line.bundle, line.ordinals)
        case Quantity():
            return ("q", line.performance, line.tariff, line.quotas, line.bundle, line.count, line.allotment)
        case BestSeats():
            return (
                "b", line.performance, line.bundle, line.count, line.zones, line.wheelchairs, line.rows_max,
                line.apart, line.allotment, line.ways(),
            )  # fmt: skip
        case RowByRow():
            return (
                "r", line.performance, line.tariff, line.quotas, line.bundle, line.count, line.categories,
                line.zones, line.allotment,
            )  # fmt: skip


def _rule(rule: OrderRule) -> tuple[Any, ...]:
    at_most = -1 if rule.at_most is None else rule.at_most
    return (rule.id, rule.tariffs, at_most, rule.at_least, rule.mandatory, rule.needs)


def _owners(
    performance: int, states: bytes, allotments: Sequence[bytes], carts: Sequence[bytes], pending: Sequence[bytes]
) -> dict[int, SeatOwner]:
    found: dict[int, SeatOwner] = {}
    for name, raw in _pairs(carts):
        if name:
            ref, kind, label, _, lines = decode(raw)
            for item in items_of([line for line in lines if line[0] == performance]):
                found[item.ordinal] = SeatOwner(kind, label, ref, item.expires_at_ms, item=item.id)
    for name, raw in _pairs(pending):
        if name:
            _, _, kind, label, ref, lines = decode(raw)
            for item in items_of([line for line in lines if line[0] == performance]):
                found[item.ordinal] = SeatOwner(kind, label, ref, 0, order=name.decode())
    found.pop(-1, None)
    labels = {}
    for name, raw in _pairs(allotments):
        if name:
            label, _, of, byte, *_ = decode(raw)
            if of == performance and byte:
                labels[byte] = label
    if labels:
        for ordinal, byte in enumerate(states):
            if byte >= ALLOTMENT_FIRST:
                found[ordinal] = SeatOwner("allotment", labels.get(byte, ""), "", 0)
    return found


def _quotas(flat: Sequence[bytes], performance: int) -> dict[str, tuple[int, int | None]]:
    """(used or kept back, limit) of those this performance shows."""
    fields = {name.decode(): value for name, value in _pairs(flat)}
    shown: dict[str, tuple[int, int | None]] = {}
    for field, value in fields.items():
        if not field.startswith("u"):
            continue
        name = field[1:]
        only = fields.get("p" + name)
        performances = only.decode().split(",") if only else _own_performance(name)
        if performances is None or str(performance) in performances:
            limit = fields.get("l" + name)
            used = int(value) + int(fields.get("r" + name, 0))
            shown[name] = used, None if limit is None else int(limit)
    return shown


def _own_performance(quota: str) -> list[str] | None:
    kind, _, number = quota.partition(":")
    return [number] if kind == "performance" and number.isdigit() else None


def _pairs(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)
