"""What an order may be: quotas as PostgreSQL sees them, checked under lock when it is placed (QUO-1, LIVE-10), and its
size (TAR-1), which the live inventory keeps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.rules.selling import Channel
from seating.store import OrderRule

COUNTER_MAX = 100
"""A counter serves groups; its limit is what a person can still check."""


class Exhausted(Struct, frozen=True):
    quota: str
    left: int


def exhausted(
    sizes: Mapping[str, int], used: Mapping[str, int], asked: Iterable[tuple[str, ...]]
) -> tuple[Exhausted, ...]:
    """Every limit that `asked` (one tuple of quotas per ticket) would break, with what it has left (never below 0)."""
    wanted = Counter(quota for quotas in asked for quota in quotas)
    return tuple(
        Exhausted(quota, max(0, sizes[quota] - used.get(quota, 0)))
        for quota, count in sorted(wanted.items())
        if quota in sizes and used.get(quota, 0) + count > sizes[quota]
    )


def tickets_beyond(order_max: int, in_cart: int, asked: int) -> bool:
    """Whether what is asked for would make a cart larger than an order may be (TAR-1). Asking for none never does."""
    return asked > 0 and in_cart + asked > order_max


def order_rules(offer: Offer, channel: Channel) -> tuple[OrderRule, ...]:
    """How many tickets one order may have, in all and of each tariff (TAR-1)."""
    whole = OrderRule("order", at_most=offer.order_max if channel == "online" else COUNTER_MAX)
    each = (OrderRule(f"tariff:{t.id}", (t.id,), at_most=t.order_max) for t in offer.tariffs if t.order_max is not None)
    return (whole, *each)
