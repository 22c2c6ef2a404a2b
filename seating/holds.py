"""The words spoken with the inventory: what is asked, what is answered, what a group consists of. Values only."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from seating.seats import Plan

FREE: Final = 0
HELD: Final = 1
PENDING: Final = 2  # ordered, being paid
SOLD: Final = 3
BLOCKED: Final = 4
USED: Final = 5  # sold, and its ticket has been through a gate

ReasonCode = Literal[
    "seat_taken",
    "unknown_seat",
    "quota_exhausted",
    "no_adjacent",
    "not_enough_seats",
    "unknown_performance",
    "unknown_item",
]


class GroupMissing(Exception):
    """Redis does not know the group (never loaded, flushed, an empty server took over): load it, then ask again."""

    def __init__(self, group: str) -> None:
        self.group = group
        super().__init__(f"inventory group {group} is not loaded")


class Owner(Struct, frozen=True):
    """Who holds, as cashiers see it (LIVE-2): "online", "Counter 2 · Léa"."""

    kind: Literal["buyer", "counter"]
    label: str


class NamedSeats(Struct, frozen=True, tag="seats"):
    performance: int
    ordinals: tuple[int, ...]
    tariff: int
    quotas: tuple[str, ...] = ()


class BestSeats(Struct, frozen=True, tag="best"):
    """`count` seats as near to the focal point as can be (LIVE-8). No category or no zone named: any. Wheelchair places
    and companion seats are given only when `accessible`, and then at least one wheelchair place is among them."""

    performance: int
    count: int
    tariff: int
    quotas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    accessible: bool = False


class Quantity(Struct, frozen=True, tag="quantity"):
    """Places without a number; only quotas limit them."""

    performance: int
    count: int
    tariff: int
    quotas: tuple[str, ...] = ()


Line: TypeAlias = NamedSeats | BestSeats | Quantity


class HoldRequest(Struct, frozen=True):
    """All of `lines`, or nothing. The same `request_id` asked twice gets the first answer and never holds twice; an
    empty one is replaced by a random one, so that a reply lost between us and Redis is harmless in any case."""

    group: str
    cart: str
    owner: Owner
    lines: tuple[Line, ...]
    ttl_s: int
    request_id: str = ""


class HeldItem(Struct, frozen=True, array_like=True):
    """One place. `ordinal` is -1 for an unnumbered one; `expires_at_ms` is 0 once it is promised to an order."""

    id: str
    performance: int
    ordinal: int
    tariff: int
    quotas: tuple[str, ...]
    expires_at_ms: int = 0


class Held(Struct, frozen=True):
    items: tuple[HeldItem, ...]
    expires_at_ms: int


class Reason(Struct, frozen=True, array_like=True):
    """Why not. `left` is what remains of the quota, or how many seats would do (counted up to 200). `nearest` are free
    seats of the same category around a seat that was taken, nearest first."""

    code: ReasonCode
    performance: int
    ordinal: int = -1
    quota: str = ""
    left: int = 0
    nearest: tuple[int, ...] = ()


class Refusal(Struct, frozen=True):
    reasons: tuple[Reason, ...]


class Expired(Struct, frozen=True):
    """The cart cannot be promised as it was: these items lapsed (none named: it was empty, or the order is another
    cart's)."""

    items: tuple[str, ...]


class OrderState(Struct, frozen=True):
    """An order that has places. Item ids are the caller's (a ticket number, say): `give_back` finds by them."""

    order: str
    sold: bool
    items: tuple[HeldItem, ...]


class PerformanceState(Struct, frozen=True):
    """One performance as the ledger knows it. `states` has a byte per seat of `plan` (empty: all free); `owners` gives
    the order of each seat that has one and is not listed in GroupState.orders."""

    id: int
    plan: Plan | None
    states: bytes = b""
    owners: dict[int, str] = {}


class QuotaState(Struct, frozen=True):
    """`limit` None: counted only. `performances`: the maps that show it; empty: that of "performance:N", else all."""

    id: str
    limit: int | None
    used: int
    performances: tuple[int, ...] = ()


class GroupState(Struct, frozen=True):
    """A whole inventory group. `orders` lets unnumbered places and exact quotas be given back after a load.

    `as_of_ms` (by `Inventory.now_ms`, taken before the ledger was read) keeps orders that were promised since, when a
    group that is in use is loaded again.
    """

    group: str
    performances: tuple[PerformanceState, ...]
    quotas: tuple[QuotaState, ...] = ()
    orders: tuple[OrderState, ...] = ()
    as_of_ms: int | None = None


class SeatOwner(Struct, frozen=True):
    """Who has a seat that is not free. `cart_ref` is the cart's public name; `order` is set from the promise on."""

    kind: str
    label: str
    cart_ref: str
    expires_at_ms: int
    order: str = ""
    item: str = ""


class Snapshot(Struct, frozen=True):
    """One performance at one instant. `states` has a byte per seat; `quotas` are those it shows: (used, limit)."""

    epoch: str
    version: int
    states: bytes
    owners: dict[int, SeatOwner]
    quotas: dict[str, tuple[int, int | None]]
    server_time_ms: int


class PendingOrder(Struct, frozen=True):
    """An order being paid. `since_ms` is when it was promised (or loaded), by Redis' clock."""

    order: str
    cart_ref: str
    since_ms: int
    items: tuple[HeldItem, ...]


# The wire of the scripts.


class OrderRecord(Struct, frozen=True, array_like=True):
    ref: str
    since_ms: int
    kind: str
    label: str
    items: tuple[HeldItem, ...]


decode_order = msgspec.msgpack.Decoder(OrderRecord).decode
