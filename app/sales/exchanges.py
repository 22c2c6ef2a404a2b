"""Another seat for a sold ticket (SEA-9): same ticket, same price, same code.

The paper that the buyer has stays valid at the gate, which asks the ledger for the seat; a new one is mailed, and a
counter may reprint it (marked as a duplicata, like every second paper). So nobody is turned away who did not read
their mail, and no second code opens the same door.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import offer_of, plan_of
from app.catalog.rules.selling import quotas_for
from app.core import jobs, journal
from app.core.db import UniqueViolationError, connection, transaction
from app.core.errors import Problem
from app.sales.allotments import find_seats
from app.sales.inventory import inventory, lock_group, rebuild, with_group
from app.sales.kept import allotment_of, names_that_open
from app.sales.orders import Wanted, check_quotas, lock_order
from app.sales.rules.pricing import label_of
from app.sales.tables import TicketStatus
from seating.plan import Plan, Seat
from seating.store import HeldItem


class Exchanged(Struct, frozen=True, kw_only=True):
    """A ticket in its new seat; `before` is the label of the old one."""

    number: str
    order: str
    seat: str
    ordinal: int
    before: str


async def exchange_seat(number: str, to: int | str, *, organizer: int, actor: str, at: datetime) -> Exchanged:
    """Seat a sold ticket elsewhere in the same performance, in whichever category; the price stays.

    Raises Problem: not_found, unknown_seat, wrong_performance for an unnumbered one, seat_taken, kept_seat,
    quota_exhausted where the new seat's category is limited.
    """
    row = await _find(number)
    offer = await offer_of(row["performance"], exact=True)
    if offer.box_office.organizer != organizer:
        raise Problem("not_found")
    plan = await plan_of(offer)
    if plan is None:
        raise Problem("wrong_performance")
    seat = plan.seats[find_seats((to,), plan)[0]]
    await with_group(offer.group, lambda: inventory().pulse(offer.group, offer.id))
    try:
        async with transaction() as ledger:
            order = await lock_order(ledger, row["order"])
            await lock_group(ledger, offer.group, shared=True)
            ticket = await ledger.fetchrow("SELECT * FROM sales.ticket WHERE id = $1 FOR UPDATE", row["id"])
            if ticket["status"] != TicketStatus.SOLD:
                raise Problem("not_found")
            if ticket["ordinal"] == seat.ordinal:
                return _told(ticket, order["code"], seat)
            known = await _exchange(ledger, ticket, order, offer, plan, seat, actor=actor, at=at)
    except UniqueViolationError:
        raise Problem("seat_taken", extras={"seats": [seat.ordinal], "nearest": []}) from None
    if not known:
        # The live inventory had lost this order; it is told all of it again.
        await rebuild(offer.group, only_if_missing=False)
    return _told(ticket, order["code"], seat)


async def _exchange(
    ledger: asyncpg.Connection, ticket: Any, order: Any, offer: Offer, plan: Plan, seat: Seat, *, actor: str,
    at: datetime,
) -> bool:  # fmt: skip
    """In the ledger first, whose index refuses a seat that is sold; the live inventory last before the commit. Whether
    that knew the order."""
    before = quotas_for(offer, ticket["tariff"], ticket["category"])
    quotas = quotas_for(offer, ticket["tariff"], seat.category)
    added = Wanted(tuple(quota for quota in quotas if quota not in before))
    await check_quotas(ledger, [added], {offer.id: offer}, at)
    opens = await names_that_open(ledger, [(ticket["allotment"], seat.ordinal)], at)
    await ledger.execute(
        "UPDATE sales.ticket SET seat = $2, ordinal = $3, seat_label = $4, category = $5 WHERE id = $1",
        ticket["id"], seat.guid, seat.ordinal, label_of(seat), seat.category,
    )  # fmt: skip
    if order["email"]:
        await jobs.enqueue("send_seat_change", ticket=ticket["id"], ordinal=seat.ordinal)
    await journal.record(
        f"box-office:{order['box_office']}", "seat_exchanged", ticket["number"],
        {"order": order["code"], "before": ticket["seat_label"], "after": label_of(seat),
         "price_minor": ticket["price_minor"]},
        actor=actor, at=at,
    )  # fmt: skip
    answer = await inventory().exchange(
        offer.group, order["code"], offer.id, ticket["ordinal"], seat.ordinal, tariff=ticket["tariff"], quotas=quotas,
        keys=opens,
    )  # fmt: skip
    if isinstance(answer, HeldItem):
        await ledger.execute(
            "UPDATE sales.ticket SET allotment = $2 WHERE id = $1", ticket["id"], allotment_of(answer.allotment)
        )
        return True
    first = answer.reasons[0]
    match first.code:
        case "unknown_item":
            return False
        case "not_yours":
            raise Problem("kept_seat", extras={"seats": [seat.ordinal]})
        case "quota_exhausted":
            raise Problem("quota_exhausted", params={"left": first.left}, extras={"left": first.left})
        case _:
            raise Problem("seat_taken", extras={"seats": [seat.ordinal], "nearest": []})


async def _find(number: str) -> Any:
    async with connection() as reader:
        row = await reader.fetchrow("SELECT * FROM sales.ticket WHERE number = $1", number.strip().upper())
    if row is None:
        raise Problem("not_found")
    return row


def _told(ticket: Any, order: str, seat: Seat) -> Exchanged:
    return Exchanged(
        number=ticket["number"], order=order, seat=label_of(seat), ordinal=seat.ordinal, before=ticket["seat_label"]
    )
