"""What a buyer is sent: tickets, calendar entries, word of a refund (ORD-2)."""

from __future__ import annotations

from typing import Any

import structlog

from app.catalog.offers import Offer
from app.catalog.queries import offer_of, plan_of
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.core.i18n import locale_of, translated
from app.sales.carts import title_of
from app.sales.documents.calendar import CalendarEntry, calendar_file, entry_uid
from app.sales.documents.content import TicketContent
from app.sales.documents.ticket_pdf import make_tickets_pdf
from app.sales.mails import (
    MailRefused,
    OrderMail,
    PerformanceLine,
    RefundCause,
    TicketLine,
    confirmation_message,
    message_id_of,
    refund_message,
    send_message,
)
from app.sales.rules.pricing import seat_of
from app.sales.ticket_codes import code_of
from app.settings import get_settings

log = structlog.get_logger()


async def send_confirmation(order: int) -> None:
    """Mail the tickets of a paid order, once: the order remembers that it was mailed, and the mail's id is the same
    for every sending, should a worker die in between. Raises MailUnavailable: try again."""
    row, tickets = await _read(order)
    if row["status"] != "paid" or row["mailed_at"] is not None or not row["email"]:
        return
    mail = await _mail_of(row, tickets)
    contents = await _contents(row, tickets)
    pdf = await make_tickets_pdf(contents, locale=row["locale"])
    sender = get_settings().mail_from
    try:
        message = confirmation_message(
            mail, pdf=pdf, calendars=await _calendars(row, tickets, mail), sender=sender,
            message_id=message_id_of("confirmation", row["code"], sender),
        )  # fmt: skip
        await send_message(message, get_settings().smtp_url)
    except MailRefused as refused:
        # The buyer still has the order's page; a manager sees that no mail went out.
        log.error("confirmation_refused", order=row["code"], reason=str(refused))
        return
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.sale SET mailed_at = $2 WHERE id = $1", order, now())


async def send_seat_change(ticket: int, ordinal: int) -> None:
    """Mail the tickets again, now that one of them has this seat (SEA-9); not, if it has yet another by now: that one
    has a mail of its own. Raises MailUnavailable: try again."""
    async with connection() as reader:
        changed = await reader.fetchrow('SELECT number, ordinal, "order" FROM sales.ticket WHERE id = $1', ticket)
    row, tickets = await _read(changed["order"])
    valid = [t for t in tickets if t["status"] == "sold"]
    if changed["ordinal"] != ordinal or not row["email"] or not valid:
        return
    mail = await _mail_of(row, valid)
    pdf = await make_tickets_pdf(await _contents(row, valid), locale=row["locale"])
    sender = get_settings().mail_from
    try:
        message = confirmation_message(
            mail, pdf=pdf, calendars=await _calendars(row, valid, mail), sender=sender, new_seat=True,
            message_id=message_id_of(f"seat-{ordinal}", changed["number"], sender),
        )  # fmt: skip
        await send_message(message, get_settings().smtp_url)
    except MailRefused as refused:
        log.error("seat_change_refused", order=row["code"], reason=str(refused))


async def send_refund_notice(order: int, amount_minor: int, because: RefundCause) -> None:
    """Tell a buyer that a payment which bought nothing is on its way back. Raises MailUnavailable: try again."""
    row, tickets = await _read(order)
    if not row["email"]:
        return
    sender = get_settings().mail_from
    try:
        message = refund_message(
            await _mail_of(row, tickets), amount_minor=amount_minor, because=because, sender=sender,
            message_id=message_id_of("refund", row["code"], sender),
        )  # fmt: skip
        await send_message(message, get_settings().smtp_url)
    except MailRefused as refused:
        log.error("refund_notice_refused", order=row["code"], reason=str(refused))


async def order_pdf(order: int, *, number: str | None = None) -> bytes:
    """The tickets of a paid order, or one of them. Raises Problem('not_found')."""
    row, tickets = await _read(order)
    valid = [t for t in tickets if t["status"] == "sold" and number in (None, t["number"])]
    if not valid:
        raise Problem("not_found")
    return await make_tickets_pdf(await _contents(row, valid), locale=row["locale"])


async def _read(order: int) -> tuple[Any, list[Any]]:
    async with connection() as reader:
        row = await reader.fetchrow("SELECT * FROM sales.sale WHERE id = $1", order)
        tickets = await reader.fetch('SELECT * FROM sales.ticket WHERE "order" = $1 ORDER BY performance, id', order)
    if row is None or not tickets:
        raise Problem("not_found")
    return row, list(tickets)


async def _contents(row: Any, tickets: list[Any]) -> list[TicketContent]:
    return [await ticket_content(row, ticket) for ticket in tickets]


async def ticket_content(row: Any, ticket: Any) -> TicketContent:
    """A ticket as it is printed, in the language of its order."""
    offer = await offer_of(ticket["performance"])
    seat = seat_of(await plan_of(offer), ticket["ordinal"])
    with locale_of(row["locale"]):
        return TicketContent(
            number=ticket["number"],
            code=code_of(ticket["number"], ticket["performance"]),
            event_title=translated(offer.title),
            event_subtitle=translated(offer.subtitle),
            performance_title=translated(offer.performance_title),
            venue=offer.venue,
            starts_at=offer.starts_at,
            doors_at=offer.doors_at,
            ends_at=offer.ends_at,
            time_zone=offer.zone,
            seat_zone=seat.zone if seat else "",
            seat_row=seat.row if seat else "",
            seat_number=seat.number if seat else "",
            category=ticket["category"],
            tariff_name=ticket["tariff_name"],
            price_minor=ticket["price_minor"],
            currency=row["currency"],
            holder=row["name"],
            order_code=row["code"],
            box_office_name=offer.box_office.name,
            contact_email=offer.box_office.contact_email,
            accent=offer.box_office.accent,
            terms=translated(offer.box_office.terms),
        )


async def _mail_of(row: Any, tickets: list[Any]) -> OrderMail:
    offers = await _offers(tickets)
    first = offers[0]
    base = get_settings().public_url.rstrip("/")
    with locale_of(row["locale"]):
        return OrderMail(
            order_code=row["code"],
            url=f"{base}/orders/{row['code']}?key={row['key']}",
            name=row["name"],
            email=row["email"],
            locale=row["locale"],
            event_title=translated(first.title),
            performances=tuple(
                PerformanceLine(
                    title=translated(o.performance_title), venue=o.venue, starts_at=o.starts_at, doors_at=o.doors_at,
                    time_zone=o.zone,
                )
                for o in offers
            ),
            tickets=tuple(
                TicketLine(label=t["seat_label"], tariff_name=t["tariff_name"], price_minor=t["price_minor"])
                for t in tickets
            ),
            total_minor=row["total_minor"],
            currency=row["currency"],
            box_office_name=first.box_office.name,
            contact_email=first.box_office.contact_email,
            accent=first.box_office.accent,
            terms_url=f"{base}/terms",
        )  # fmt: skip


async def _calendars(row: Any, tickets: list[Any], mail: OrderMail) -> list[bytes]:
    offers = await _offers(tickets)
    with locale_of(row["locale"]):
        return [
            calendar_file(
                [
                    CalendarEntry(
                        uid=entry_uid(row["code"], offer.id), title=title_of(offer), starts_at=offer.starts_at,
                        ends_at=offer.ends_at, venue=offer.venue,
                        description="\n".join(t["seat_label"] for t in tickets if t["performance"] == offer.id),
                        url=mail.url, organizer_name=mail.box_office_name, contact_email=mail.contact_email,
                    )
                ],
                now=now(),
            )
            for offer in offers
        ]  # fmt: skip


async def _offers(tickets: list[Any]) -> list[Offer]:
    return [await offer_of(id) for id in dict.fromkeys(t["performance"] for t in tickets)]
