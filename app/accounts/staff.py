"""Who works for an organiser, and what each of them may besides their role (BOX-1)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.accounts.tables import Role
from app.core import journal
from app.core.db import connection, transaction
from app.core.errors import Problem


class StaffView(Struct, frozen=True, kw_only=True):
    """`may_see_orders`: all orders, whoever sold them; managers always may."""

    account: int
    name: str
    email: str
    role: str
    may_see_orders: bool


STAFF = """
SELECT a.id AS account, a.name, a.email, m.role, m.may_see_orders OR m.role = $2 AS may_see_orders
FROM accounts.membership m JOIN accounts.account a ON a.id = m.account AND a.closed_at IS NULL
WHERE m.organizer = $1 ORDER BY m.role <> $2, a.name, a.id
"""


async def staff_of(organizer: int) -> tuple[StaffView, ...]:
    """Managers first, then by name."""
    async with connection() as reader:
        rows = await reader.fetch(STAFF, organizer, Role.MANAGER.value)
    return tuple(StaffView(**dict(row)) for row in rows)


async def let_see_orders(account: int, may: bool, *, organizer: int, actor: str, at: datetime) -> tuple[StaffView, ...]:
    """Give or take the right to see all orders; it counts from the next request on, since each asks afresh. Raises
    Problem('not_found') for anybody who does not work here."""
    async with transaction() as ledger:
        before = await ledger.fetchval(
            "SELECT may_see_orders FROM accounts.membership WHERE account = $1 AND organizer = $2 FOR UPDATE",
            account, organizer,
        )  # fmt: skip
        if before is None:
            raise Problem("not_found")
        if before != may:
            await ledger.execute(
                "UPDATE accounts.membership SET may_see_orders = $3 WHERE account = $1 AND organizer = $2",
                account, organizer, may,
            )  # fmt: skip
            await journal.record(
                f"organizer:{organizer}", "right_given" if may else "right_taken", f"account:{account}",
                {"right": "see_orders"}, actor=actor, at=at,
            )  # fmt: skip
    return await staff_of(organizer)
