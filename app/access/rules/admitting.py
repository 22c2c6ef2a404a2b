"""Who may come in (ACC-1, ACC-2). Pure."""

from __future__ import annotations

from msgspec import Struct

from app.access.tables import Verdict
from app.core.i18n import N_
from app.sales.tables import TicketStatus


class Presented(Struct, frozen=True):
    """What the ledger knows of the ticket that a code names."""

    status: TicketStatus
    used: bool
    box_office: int


def judge(presented: Presented | None, *, box_office: int) -> Verdict:
    """The verdict on a genuine code at a gate of `box_office`. A ticket is admitted once, at any gate."""
    if presented is None:
        return Verdict.UNKNOWN
    if presented.box_office != box_office:
        return Verdict.WRONG_EVENT
    if presented.status == TicketStatus.CANCELLED:
        return Verdict.CANCELLED
    if presented.status == TicketStatus.PENDING:
        return Verdict.NOT_PAID
    return Verdict.ALREADY_USED if presented.used else Verdict.ADMITTED


TITLES: dict[str, str] = {
    Verdict.ADMITTED: N_("Welcome"),
    Verdict.ALREADY_USED: N_("Already used"),
    Verdict.UNKNOWN: N_("Unknown ticket"),
    Verdict.FORGED: N_("Not a valid ticket"),
    Verdict.CANCELLED: N_("Cancelled ticket"),
    Verdict.NOT_PAID: N_("Not paid"),
    Verdict.WRONG_EVENT: N_("Another event"),
}

DETAILS: dict[str, str] = {
    Verdict.ADMITTED: N_("Let them in."),
    Verdict.ALREADY_USED: N_("This ticket was used at {gate}, {time}."),
    Verdict.UNKNOWN: N_("The code is genuine, but no ticket has this number."),
    Verdict.FORGED: N_("The code is damaged, incomplete or forged. Try again, or search by name."),
    Verdict.CANCELLED: N_("This ticket was cancelled and its seat is back on sale."),
    Verdict.NOT_PAID: N_("This ticket still waits for its payment: please send its holder to the counter."),
    Verdict.WRONG_EVENT: N_("This ticket belongs to another organiser."),
}
