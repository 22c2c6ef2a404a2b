"""What is kept for whoever has a key, as the ledger knows it (AHEAD-2, SEA-8): for the live inventory, and for checking
quotas under lock. Whoever makes and ends allotments is `app.sales.allotments`.

The inventory knows no key that a person types: it is opened by names, `a12` for an allotment and `s345` for a seat that
has a key of its own. Which cart may say which name is decided in `app.sales.cart_keys`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from app.catalog.offers import Offer
from app.catalog.rules.selling import quotas_for
from seating.store import Allotment


def name_of(allotment: int) -> str:
    """An allotment's name in the live inventory."""
    return f"a{allotment}"


def seat_name_of(seat: int) -> str:
    """What opens an allotted seat that has a key of its own."""
    return f"s{seat}"


def allotment_of(name: str) -> int | None:
    """The allotment that a held place came from; None for one that was on sale."""
    return int(name[1:]) if name.startswith("a") else None


def quotas_kept(offer: Offer, tariff: int | None, category: str | None) -> tuple[str, ...]:
    """The quotas that a quantity is kept back of: all those that any place of this tariff and category counts in."""
    return quotas_for(offer, tariff or 0, category or "")


async def allotments_in_force(
    ledger: asyncpg.Connection, offers: Mapping[int, Offer], at: datetime
) -> tuple[Allotment, ...]:
    """Those of these performances, as the live inventory is loaded with them."""
    rows = await ledger.fetch(
        "SELECT a.* FROM catalog.allotment a WHERE a.performance = ANY($1::bigint[]) AND catalog.in_force(a, $2)"
        " ORDER BY a.id",
        list(offers), at,
    )  # fmt: skip
    seats: dict[int, list[Any]] = {}
    for seat in await ledger.fetch(
        "SELECT * FROM catalog.allotment_seat WHERE allotment = ANY($1::bigint[]) ORDER BY ordinal",
        [row["id"] for row in rows],
    ):
        seats.setdefault(seat["allotment"], []).append(seat)
    return tuple(as_stored(row, seats.get(row["id"], ()), offers[row["performance"]]) for row in rows)


def as_stored(row: Any, seats: Sequence[Any], offer: Offer) -> Allotment:
    """An allotment as the live inventory keeps it."""
    return Allotment(
        name_of(row["id"]),
        row["name"],
        row["performance"],
        ordinals=tuple(seat["ordinal"] for seat in seats),
        seat_keys={s["ordinal"]: seat_name_of(s["id"]) for s in seats if s["key"] or s["email"]},
        quantity=row["quantity"],
        quotas=quotas_kept(offer, row["tariff"], row["category"]) if row["quantity"] else (),
        release_at_ms=int(row["release_at"].timestamp() * 1000) if row["release_at"] else None,
    )


async def kept_back(
    ledger: asyncpg.Connection, offers: Mapping[int, Offer], taken: Mapping[int, int], at: datetime
) -> dict[str, int]:
    """Places that quantities keep back of each quota, once `taken` (places of an order to be, by allotment) are gone
    from them too. What an order wants beyond its allotment counts like any other place."""
    rows = await ledger.fetch(
        "SELECT a.*, (SELECT count(*) FROM sales.ticket t WHERE t.allotment = a.id AND t.status IN ('pending', 'sold'))"
        " AS drawn FROM catalog.allotment a"
        " WHERE a.performance = ANY($1::bigint[]) AND a.quantity > 0 AND catalog.in_force(a, $2)",
        list(offers), at,
    )  # fmt: skip
    kept: dict[str, int] = {}
    for row in rows:
        left = max(0, row["quantity"] - row["drawn"] - taken.get(row["id"], 0))
        for quota in quotas_kept(offers[row["performance"]], row["tariff"], row["category"]):
            kept[quota] = kept.get(quota, 0) + left
    return kept


async def has_single_seats(ledger: asyncpg.Connection, allotment: int) -> bool:
    """Whether seats of it have a key of their own: then no best ones can be chosen among them for somebody else."""
    found: bool = await ledger.fetchval(
        "SELECT EXISTS (SELECT 1 FROM catalog.allotment_seat"
        " WHERE allotment = $1 AND (key IS NOT NULL OR email IS NOT NULL))",
        allotment,
    )
    return found


async def names_that_open(
    ledger: asyncpg.Connection, places: Iterable[tuple[int | None, int]], at: datetime
) -> tuple[str, ...]:
    """What opens places that come from (allotment, ordinal), as far as they are kept still: for whoever had them."""
    pairs = [(allotment, ordinal) for allotment, ordinal in places if allotment is not None]
    rows = await ledger.fetch(
        "SELECT a.id, s.id AS seat FROM unnest($1::bigint[], $3::int[]) AS p(allotment, ordinal)"
        " JOIN catalog.allotment a ON a.id = p.allotment AND catalog.in_force(a, $2)"
        " LEFT JOIN catalog.allotment_seat s ON s.allotment = a.id AND s.ordinal = p.ordinal",
        [a for a, _ in pairs], at, [o for _, o in pairs],
    )  # fmt: skip
    wholes = {name_of(row["id"]) for row in rows}
    return (*sorted(wholes), *(seat_name_of(row["seat"]) for row in rows if row["seat"] is not None))
