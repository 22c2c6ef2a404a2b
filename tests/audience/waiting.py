"""A house that is sold out, and people who wait for it."""

from __future__ import annotations

from typing import Any

import httpx

from app.audience.lists import ListChange, change_settings
from app.audience.tables import Mode
from app.catalog.queries import forget_offers
from app.core.clock import now
from app.core.db import connection, transaction
from app.sales.carts import Wish, add_to_cart
from app.sales.inventory import inventory
from app.sales.orders import Buyer, Placed, Seller, cancel_pending, lock_order, place_order
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart


async def open_list(theatre: Theatre, event: int | None = None, **change: Any) -> None:
    """A list for the whole of the standing event, unless said otherwise."""
    settings = ListChange(**{"waitlist": Mode.EVENT, **change})
    await change_settings(
        event or theatre.standing_event, settings, organizer=theatre.organizer, actor="account:1", at=now()
    )


async def sell_out(theatre: Theatre, left: int = 0) -> Placed:
    """All twenty standing places, but what is `left`, in one order at a counter."""
    cart = counter_cart(theatre.lea)
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=20 - left), at=now())
    return await place_order(
        cart, Buyer("A school", "school@example.org"), method="cash", expected_total_minor=None,
        seller=Seller(f"account:{theatre.lea}", theatre.lea), settled=True, at=now(),
    )  # fmt: skip


async def buy(theatre: Theatre, buyer: Buyer = ALICE, count: int = 1, *, settled: bool = True) -> Placed:
    """Standing places."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=count), at=now())
    return await place_order(cart, buyer, method="card", expected_total_minor=None, settled=settled, at=now())


async def give_up(theatre: Theatre, placed: Placed) -> None:
    """A pending order is not paid in time."""
    async with transaction() as ledger:
        row = await lock_order(ledger, placed.id)
        await cancel_pending(ledger, row, because="not paid in time", actor="clock", at=now())
    await inventory().give_back(f"e{theatre.standing_event}", placed.code)


async def free_places(theatre: Theatre, count: int) -> None:
    """The limit of the standing performance is raised."""
    async with connection() as ledger:
        row = await ledger.fetchrow(
            "UPDATE catalog.quota SET size = size + $2 WHERE performance = $1 RETURNING id, size",
            theatre.standing,
            count,
        )
    forget_offers()
    await inventory().set_limits(f"e{theatre.standing_event}", {f"q{row['id']}": row["size"]})


async def joins(client: httpx.AsyncClient, performance: int, email: str, /, **asked: Any) -> httpx.Response:
    """Under the name before the @."""
    body = {"name": email.partition("@")[0].title(), "email": email, "count": 1, **asked}
    return await client.post(f"/api/v1/performances/{performance}/waitlist", json=body)


async def entries() -> list[Any]:
    """Every row of every list, in order of joining."""
    async with connection() as reader:
        return list(await reader.fetch("SELECT * FROM audience.waitlist_entry ORDER BY joined_at, id"))


async def states() -> dict[str, str]:
    """Address → state."""
    return {row["email"]: row["state"] for row in await entries()}
