"""The words spoken with the inventory: what is asked, what is answered, what a group consists of. Values only."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from seating.seats import Plan

FREE: Final = 0
HELD: Final = 1
PENDING: Final = 2  # ordered, being paid
SOLD: Final = 3
BLOCKED: Final = 4
USED: Final = 5  # sold, and its ticket has been through a gate
ALLOTTED: Final = 6  # kept for whoever has the allotment's key (AHEAD-2)
LINKED: Final = 7  # taken in a linked performance: a season pass, or one of its matches (SEA-7)

# In the store's own byte a seat, allotments are told apart: byte 16 is the first one of its performance.
ALLOTMENT_FIRST: Final = 16
ALLOTMENTS_MAX: Final = 240

ReasonCode = Literal[
    "seat_taken",
    "unknown_seat",
    "quota_exhausted",
    "no_adjacent",
    "not_enough_seats",
    "not_yours",
    "allotment_exhausted",
    "order_limit",
    "order_minimum",
    "order_needs",
    "unknown_performance",
    "unknown_allotment",
    "unknown_quota",
    "unknown_item",
]
Apart = Literal["row", "rows", "zone", "house"]
Exceedable = Literal["quotas", "order_limits", "allotments", "blocked"]


class GroupMissing(Exception):
    """Redis does not know the group (never loaded, flushed, an empty server took over): load it, then ask again.

    `damaged` says what of it is gone or cut, if it does know the group ("quota Q", "performance P": one that it was
    never told of): load it with `only_if_missing=False`.
    """

    def __init__(self, group: str, *, damaged: str = "") -> None:
        self.group = group
        self.damaged = damaged
        super().__init__(f"inventory group {group} " + (f"has lost {damaged}" if damaged else "is not loaded"))

    @property
    def performance(self) -> int | None:
        """The one that it was loaded without, if that is what is missing."""
        kind, _, id = self.damaged.partition(" ")
        return int(id) if kind == "performance" else None


class Owner(Struct, frozen=True):
    """Who holds, as cashiers see it (LIVE-2): "online", "Counter 2 · Léa"."""

    kind: Literal["buyer", "counter"]
    label: str


class NamedSeats(Struct, frozen=True, tag="seats"):
    """These seats. `bundle`: places of one cart with the same name are parts of one pass, given up together."""

    performance: int
    ordinals: tuple[int, ...]
    tariff: int
    quotas: tuple[str, ...] = ()
    bundle: str = ""


class Fare(Struct, frozen=True, array_like=True):
    """So many of a group at this tariff."""

    tariff: int
    quotas: tuple[str, ...]
    count: int


class Choice(Struct, frozen=True, array_like=True):
    """A price category a group may be seated in ("": any one of the plan), and what it would count as there."""

    category: str
    fares: tuple[Fare, ...]


class BestSeats(Struct, frozen=True, tag="best"):
    """`count` seats, 1 to 20, as docs/best-seats.md ranks them (LIVE-8).

    A group never mixes price categories: of `categories` (none: all), or of `choices` where quotas or tariffs differ by
    category, the best one wins; choices whose quotas are exhausted are passed over. `wheelchairs` of the party get
    wheelchair places, and companions sit with them. At most `rows_max` rows (0: any number), split at most as far
    `apart` as said. With an `allotment`, its seats only.
    """

    performance: int
    count: int
    tariff: int = 0
    quotas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    wheelchairs: int = 0
    rows_max: int = 0
    apart: Apart = "house"
    allotment: str = ""
    choices: tuple[Choice, ...] = ()
    bundle: str = ""

    def ways(self) -> tuple[Choice, ...]:
        """`choices`, or what the plain fields say in their place."""
        if self.choices:
            return self.choices
        fares = (Fare(self.tariff, self.quotas, self.count),)
        return tuple(Choice(category, fares) for category in self.categories or ("",))


class RowByRow(Struct, frozen=True, tag="rows"):
    """`count` seats for printing stock: row by row from the focal point, best first (SEA-10)."""

    performance: int
    count: int
    tariff: int
    quotas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    allotment: str = ""
    bundle: str = ""


class Quantity(Struct, frozen=True, tag="quantity"):
    """Places without a number; only quotas limit them. With an `allotment`, from what it keeps back of them."""

    performance: int
    count: int
    tariff: int
    quotas: tuple[str, ...] = ()
    allotment: str = ""
    bundle: str = ""


Line: TypeAlias = NamedSeats | BestSeats | RowByRow | Quantity


class OrderRule(Struct, frozen=True, array_like=True):
    """What an order must look like (TAR-1, TAR-5), by number of places with one of `tariffs` (none named: any).

    `at_most` is kept by every hold; the others by `promise`: `at_least` of them if there is any (or in every order, if
    `mandatory`), and only along with a place of one of the tariffs in `needs`.
    """

    id: str
    tariffs: tuple[int, ...] = ()
    at_most: int | None = None
    at_least: int = 0
    mandatory: bool = False
    needs: tuple[int, ...] = ()


class HoldRequest(Struct, frozen=True):
    """All of `lines`, or nothing. The same `request_id` of a cart asked twice gets the first answer and never holds
    twice; an empty one is replaced by a new one, so that a reply lost between us and Redis is harmless in any case.

    `keys` open allotments (by id) and single allotted seats (by the seat's own key). `exceed` is a manager's knowing
    override (QUO-5): what was exceeded is in the answer, for the journal.
    """

    group: str
    cart: str
    owner: Owner
    lines: tuple[Line, ...]
    ttl_s: int
    request_id: str = ""
    keys: tuple[str, ...] = ()
    rules: tuple[OrderRule, ...] = ()
    exceed: tuple[Exceedable, ...] = ()


class HeldItem(Struct, frozen=True, array_like=True):
    """One place. `ordinal` is -1 for an unnumbered one; `expires_at_ms` is 0 once it is promised to an order.
    `allotment` is where it came from and returns to; `exceeded` says that a limit was knowingly passed over for it."""

    id: str
    performance: int
    ordinal: int
    tariff: int
    quotas: tuple[str, ...]
    expires_at_ms: int = 0
    allotment: str = ""
    bundle: str = ""
    exceeded: bool = False


class Reason(Struct, frozen=True, array_like=True):
    """Why not. `left` is what remains of the quota, the allotment or the order's limit (named in `quota`), or how many
    seats would do (counted up to 50). `nearest` are free seats of the same category around a seat that was taken,
    nearest first."""

    code: ReasonCode
    performance: int
    ordinal: int = -1
    quota: str = ""
    left: int = 0
    nearest: tuple[int, ...] = ()


class Held(Struct, frozen=True):
    """`exceeded`: what would have been refused without the request's `exceed`."""

    items: tuple[HeldItem, ...]
    expires_at_ms: int
    exceeded: tuple[Reason, ...] = ()


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


class Allotment(Struct, frozen=True):
    """Seats or quantities kept for whoever has the key (AHEAD-2): a school, the press, the house, last year's
    subscribers (SEA-8, with a key for each seat).

    `ordinals` are seats of `performance`; `seat_keys` gives some of them a key of their own, which is then the only one
    that opens them. `quantity` places are kept back of each of `quotas` instead. At `release_at_ms` (the store's clock)
    what has not been taken goes on sale by itself. `id` must not begin with "!".
    """

    id: str
    label: str
    performance: int
    ordinals: tuple[int, ...] = ()
    seat_keys: dict[int, str] = {}
    quantity: int = 0
    quotas: tuple[str, ...] = ()
    release_at_ms: int | None = None


class GroupState(Struct, frozen=True):
    """A whole inventory group. `orders` lets unnumbered places and exact quotas be given back after a load.

    `links` are pairs of performances on the same plan of which a seat is sold in one only if it is free in the other
    (SEA-7): (season pass, match). `allotments` are those still in force; seats of theirs that `states` says are free
    are kept, places of theirs that orders have are named in the orders' items.

    `as_of_ms` (by `Inventory.now_ms`, taken before the ledger was read) keeps orders that were promised since, when a
    group that is in use is loaded again.
    """

    group: str
    performances: tuple[PerformanceState, ...]
    quotas: tuple[QuotaState, ...] = ()
    orders: tuple[OrderState, ...] = ()
    as_of_ms: int | None = None
    allotments: tuple[Allotment, ...] = ()
    links: tuple[tuple[int, int], ...] = ()


class SeatOwner(Struct, frozen=True):
    """Who has a seat: a cart (`kind` buyer or counter; `cart_ref` is its public name), an order being paid (`order`),
    or an allotment (`kind` "allotment", its `label`). Sold seats are the ledger's to name."""

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
