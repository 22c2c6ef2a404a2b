"""Which counter an operator sits at, and what its seats' holds are called on every screen (BOX-1, LIVE-2)."""

from __future__ import annotations

from msgspec import Struct

from app.accounts.logins import Operator
from app.core.db import connection
from app.core.errors import Problem


class Desk(Struct, frozen=True):
    """A counter with its printer's device id, None where it has none."""

    id: int
    name: str
    box_office: int
    printer: int | None

    def label_for(self, operator: Operator) -> str:
        """« Counter 2 · Léa »: what other cashiers see on a held seat."""
        return " · ".join([self.name, *operator.name.split()[:1]])


async def desk_of(operator: Operator) -> Desk:
    """The operator's own counter, else the organiser's first. Raises Problem('forbidden') where there is none."""
    async with connection() as reader:
        row = await reader.fetchrow(
            "SELECT c.id, c.name, c.box_office, c.printer FROM counter.counter c"
            " JOIN catalog.box_office b ON b.id = c.box_office"
            " LEFT JOIN counter.counter_operator o ON o.counter = c.id AND o.account = $1"
            " WHERE b.organizer = $2 ORDER BY o.id NULLS LAST, c.id LIMIT 1",
            operator.account, operator.organizer,
        )  # fmt: skip
    if row is None:
        raise Problem("forbidden")
    return Desk(row["id"], row["name"], row["box_office"], row["printer"])
