"""Whose a sold seat is (LIVE-2): asked for one seat at a time, by those who may see all orders.

Names are not in the live feed. What it sends is built once for all who watch, among them people who may not know
them; a name pushed to a screen would also outlive the log-in that was allowed to see it. So the page asks when somebody
points at a seat, and each answer stands on a fresh look at who asks.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from msgspec import Struct

from app.accounts.logins import Operator, require
from app.accounts.tables import Role
from app.catalog.queries import offer_of
from app.core.db import connection
from app.core.errors import Problem
from app.core.i18n import translated

ORDINAL_MAX = 2**31 - 1

FIND = """
SELECT s.name, s.code, t.tariff, t.tariff_name
FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"
WHERE t.performance = $1 AND t.ordinal = $2 AND t.status IN ('pending', 'sold')
"""


class SoldTo(Struct, frozen=True):
    """`name` is the buyer's, empty when none was asked for, as at a counter; `tariff` is named in the asker's
    language."""

    name: str
    order: str
    tariff: str


@get(
    "/performances/{performance:int}/seats/{ordinal:int}/sold-to",
    summary="Whose a sold seat is, for those who may see all orders",
)
async def get_sold_to(request: Request[Any, Any, Any], performance: int, ordinal: int) -> SoldTo:
    operator = await require(request, Role.CASHIER)
    if not operator.sees_orders:
        raise Problem("forbidden")
    return await sold_to(operator, performance, ordinal)


async def sold_to(operator: Operator, performance: int, ordinal: int) -> SoldTo:
    """Raises Problem('not_found') where nobody has the seat, or the performance is another organiser's."""
    offer = await offer_of(performance)
    if offer.box_office.organizer != operator.organizer:
        raise Problem("not_found")
    if not 0 <= ordinal <= ORDINAL_MAX:
        raise Problem("not_found")
    async with connection() as reader:
        row = await reader.fetchrow(FIND, performance, ordinal)
    if row is None:
        raise Problem("not_found")
    tariff = offer.tariff(row["tariff"])
    # The ticket has the name that its buyer read, in their language.
    return SoldTo(row["name"], row["code"], translated(tariff.name) if tariff else row["tariff_name"])
