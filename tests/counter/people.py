"""Léa at her counter, as workflows see her, and the tickets she sells."""

from __future__ import annotations

from typing import Any

from app.accounts.logins import Operator
from app.accounts.tables import Role
from app.core.clock import now
from app.core.db import connection
from app.counter.desks import Desk
from app.counter.sales import CounterSale, sell_at_counter
from app.sales.carts import Cart, Wish, add_to_cart
from app.sales.orders import Buyer
from tests.cast import Theatre, counter_cart


def lea(theatre: Theatre) -> Operator:
    return Operator(theatre.lea, "Léa Blanc", "lea@example.org", Role.CASHIER, theatre.organizer, "Théâtre du Test", 1)


def desk(theatre: Theatre) -> Desk:
    return Desk(theatre.counter, "Counter 1", theatre.box_office, theatre.printer)


async def cart_with(theatre: Theatre, *seats: int) -> Cart:
    cart = counter_cart(theatre.lea)
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats), at=now())
    return cart


async def sell(theatre: Theatre, cart: Cart, **changes: Any) -> CounterSale:
    values: dict[str, Any] = {
        "method": "cash", "expected_total_minor": None, "received_minor": None, "print_tickets": True, **changes,
    }  # fmt: skip
    return await sell_at_counter(cart, Buyer("", ""), operator=lea(theatre), desk=desk(theatre), at=now(), **values)


async def journaled(action: str) -> int:
    async with connection() as reader:
        return int(await reader.fetchval("SELECT count(*) FROM core.journal_line WHERE action = $1", action))
