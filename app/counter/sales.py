"""Selling at the counter (BOX-2): the cashier takes the money, the ledger and the printer follow."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.accounts.logins import Operator
from app.core.db import transaction
from app.core.errors import Problem
from app.counter.desks import Desk
from app.counter.printing import queue_prints
from app.sales.carts import Cart
from app.sales.orders import Buyer, Placed, Seller, place_order


class CounterSale(Struct, frozen=True):
    placed: Placed
    print_jobs: tuple[int, ...]
    change_minor: int


async def sell_at_counter(
    cart: Cart,
    buyer: Buyer,
    *,
    operator: Operator,
    desk: Desk,
    method: str,
    expected_total_minor: int | None,
    received_minor: int | None,
    print_tickets: bool,
    at: datetime,
) -> CounterSale:
    """Sell what the counter holds, against money that is already in the till.

    The order and its payment are one transaction; the print jobs are a second one that finds its work done when it is
    repeated, so that a sale whose answer was lost is neither sold nor printed twice."""
    if received_minor is not None and expected_total_minor is not None and received_minor < expected_total_minor:
        raise Problem("not_enough_cash")
    placed = await place_order(
        cart,
        buyer,
        method=method,
        expected_total_minor=expected_total_minor,
        seller=Seller(f"account:{operator.account}", operator.account),
        settled=True,
        received_minor=received_minor,
        at=at,
    )
    jobs = await _print_once(placed.id, desk, operator, at) if print_tickets and desk.printer else ()
    change = max(0, (received_minor or placed.total_minor) - placed.total_minor)
    return CounterSale(placed, jobs, change)


async def _print_once(order: int, desk: Desk, operator: Operator, at: datetime) -> tuple[int, ...]:
    assert desk.printer is not None
    async with transaction() as ledger:
        await ledger.execute("SELECT id FROM sales.sale WHERE id = $1 FOR UPDATE", order)
        queued = await ledger.fetch(
            'SELECT j.id FROM counter.print_job j JOIN sales.ticket t ON t.id = j.ticket WHERE t."order" = $1'
            " AND j.copy_number = 0 ORDER BY j.id",
            order,
        )
        if queued:
            return tuple(row["id"] for row in queued)
        tickets = await ledger.fetch('SELECT id FROM sales.ticket WHERE "order" = $1 ORDER BY id', order)
        return tuple(
            await queue_prints(
                ledger, [t["id"] for t in tickets], printer=desk.printer, operator=operator.account, at=at
            )
        )
