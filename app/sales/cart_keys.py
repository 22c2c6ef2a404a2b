"""Keys that a buyer presents, and what they open (AHEAD-2, SEA-8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from app.catalog.queries import offer_of
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.core.notices import stir
from app.sales.cart_notes import note_opens, read_notes
from app.sales.carts import Cart
from app.sales.kept import name_of, seat_name_of

KEY_LENGTH_MAX = 254
"""An e-mail address is a key too."""


class OpenAllotment(Struct, frozen=True, kw_only=True):
    """What a cart's keys open of one allotment. `seats` are its ordinals, whoever has them at the moment; `quantity`
    places without a number are left by the ledger's count. `best`: best seats may be asked of it."""

    id: int
    performance: int
    name: str
    seats: tuple[int, ...]
    quantity: int
    best: bool
    release_at: str | None


OPENED_BY_KEY = """
SELECT a.id AS allotment, NULL::bigint AS seat FROM catalog.allotment a WHERE a.key = $1 AND catalog.in_force(a, $2)
UNION ALL
SELECT a.id, s.id FROM catalog.allotment_seat s JOIN catalog.allotment a ON a.id = s.allotment
WHERE (s.key = $1 OR s.email = lower($3)) AND catalog.in_force(a, $2)
"""


async def present_key(
    cart: Cart, text: str, *, at: datetime, organizer: int | None = None
) -> tuple[OpenAllotment, ...]:
    """The cart may have what this key opens, besides what its earlier keys did; returns all of it. `organizer`: at a
    counter, only what is that organiser's. Raises Problem('unknown_key')."""
    typed = text.strip().replace("\x00", "")[:KEY_LENGTH_MAX]
    async with connection() as reader:
        rows = await reader.fetch(OPENED_BY_KEY, "".join(typed.split()).upper(), at, typed)
        names = {seat_name_of(r["seat"]) if r["seat"] is not None else name_of(r["allotment"]) for r in rows}
    opened = await _read_open(names, None, at)
    for each in opened:
        if organizer not in (None, (await offer_of(each.performance)).box_office.organizer):
            opened = ()
    if not opened:
        raise Problem("unknown_key")
    await note_opens(cart.token, names)
    await stir(cart.token)
    return await open_allotments(cart, at=at)


async def open_allotments(
    cart: Cart | None, *, performance: int | None = None, at: datetime | None = None
) -> tuple[OpenAllotment, ...]:
    """Everything that a cart's keys open now, or of one performance."""
    opens = (await read_notes(cart.token)).opens if cart is not None else ()
    return await _read_open(opens, performance, at or now()) if opens else ()


async def _read_open(names: Iterable[str], performance: int | None, at: datetime) -> tuple[OpenAllotment, ...]:
    whole = [int(name[1:]) for name in names if name.startswith("a")]
    single = [int(name[1:]) for name in names if name.startswith("s")]
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT a.*, (SELECT count(*) FROM sales.ticket t WHERE t.allotment = a.id"
            " AND t.status IN ('pending', 'sold')) AS drawn FROM catalog.allotment a"
            " WHERE (a.id = ANY($1::bigint[]) OR a.id IN (SELECT allotment FROM catalog.allotment_seat"
            " WHERE id = ANY($3::bigint[]))) AND ($4::bigint IS NULL OR a.performance = $4) AND catalog.in_force(a, $2)"
            " ORDER BY a.id",
            whole, at, single, performance,
        )  # fmt: skip
        seats = await reader.fetch(
            "SELECT * FROM catalog.allotment_seat WHERE allotment = ANY($1::bigint[]) ORDER BY ordinal",
            [row["id"] for row in rows],
        )
    found = []
    for row in rows:
        own = [seat for seat in seats if seat["allotment"] == row["id"]]
        found.append(_opened(row, own, whole=row["id"] in whole, single=single))
    return tuple(found)


def _opened(row: Any, seats: list[Any], *, whole: bool, single: list[int]) -> OpenAllotment:
    return OpenAllotment(
        id=row["id"],
        performance=row["performance"],
        name=row["name"],
        seats=tuple(s["ordinal"] for s in seats if (s["id"] in single if _has_own_key(s) else whole)),
        quantity=max(0, row["quantity"] - row["drawn"]) if whole else 0,
        best=whole and bool(seats) and not any(map(_has_own_key, seats)),
        release_at=row["release_at"].isoformat() if row["release_at"] else None,
    )


def _has_own_key(seat: Any) -> bool:
    return seat["key"] is not None or seat["email"] is not None
