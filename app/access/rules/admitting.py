"""Who may come in (ACC-1, ACC-2). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from app.access.tables import Verdict
from app.core.i18n import N_
from app.sales.tables import TicketStatus

WINDOW = timedelta(hours=18)
"""Around a performance: a ticket shown on another day is refused, so that it still admits on its own."""


class Presented(Struct, frozen=True):
    """What the ledger knows of the ticket that a code names."""

    status: TicketStatus
    used: bool
    box_office: int
    starts_at: datetime
    ends_at: datetime | None = None


def judge(presented: Presented | None, *, box_office: int, at: datetime) -> Verdict:
    """The verdict on a genuine code at a gate of `box_office`, scanned at `at`. A ticket is admitted once, at any
    gate."""
    if presented is None:
        return Verdict.UNKNOWN
    if presented.box_office != box_office:
        return Verdict.WRONG_EVENT
    if presented.status == TicketStatus.CANCELLED:
        return Verdict.CANCELLED
    if presented.status == TicketStatus.PENDING:
        return Verdict.NOT_PAID
    if presented.used:
        return Verdict.ALREADY_USED
    ends_at = presented.ends_at or presented.starts_at
    return Verdict.ADMITTED if presented.starts_at - WINDOW <= at <= ends_at + WINDOW else Verdict.NOT_TODAY


TITLES: dict[str, str] = {
    Verdict.ADMITTED: N_("Welcome"),
    Verdict.ALREADY_USED: N_("Already used"),
    Verdict.UNKNOWN: N_("Unknown ticket"),
    Verdict.FORGED: N_("Not a valid ticket"),
    Verdict.CANCELLED: N_("Cancelled ticket"),
    Verdict.NOT_PAID: N_("Not paid"),
    Verdict.WRONG_EVENT: N_("Another event"),
    Verdict.NOT_TODAY: N_("Not today"),
}

DETAILS: dict[str, str] = {
    Verdict.ADMITTED: N_("Let them in."),
    Verdict.ALREADY_USED: N_("This ticket was used at {gate}, {time}."),
    Verdict.UNKNOWN: N_("The code is genuine, but no ticket has this number."),
    Verdict.FORGED: N_("The code is damaged, incomplete or forged. Try again, or type the number under the code."),
    Verdict.CANCELLED: N_("This ticket was cancelled and its seat is back on sale."),
    Verdict.NOT_PAID: N_("This ticket still waits for its payment: please send its holder to the counter."),
    Verdict.WRONG_EVENT: N_("This ticket belongs to another organiser."),
    Verdict.NOT_TODAY: N_("This ticket is for {date}, {time}. It was not used up."),
}
