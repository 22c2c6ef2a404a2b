"""Quotas as PostgreSQL sees them, checked under lock when an order is placed (QUO-1, LIVE-10). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct


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
