"""Tickets for paper and for the phone's screen: one A4 page each, folded in three to the size of a theatre ticket.

The upper third (210 × 99 mm, which also fits a DL envelope) is the ticket; the lower two hold what a visitor needs to
know and the terms. `ticket.typ` lays it out; all tickets of an order are one compile. Every text travels as a JSON
string and becomes a string in the template, so whatever a buyer calls himself prints literally.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import typst
import zxingcpp

from app.core.i18n import gettext as _
from app.core.i18n import locale_of, show_date, show_time
from app.core.money import show_money
from app.sales.documents.accent import ink
from app.sales.documents.content import TicketContent, one_line, paragraphs

TEMPLATE = Path(__file__).with_name("ticket.typ")
TERMS_CHARACTERS_MAX = 5_000
"""What the lower third holds at a size that can still be read; longer terms end with a word on where the rest is."""


async def make_tickets_pdf(tickets: Sequence[TicketContent], *, locale: str) -> bytes:
    """`tickets_pdf` in a thread of its own, so that the event loop keeps serving meanwhile."""
    return await asyncio.to_thread(tickets_pdf, tickets, locale=locale)


def tickets_pdf(tickets: Sequence[TicketContent], *, locale: str) -> bytes:
    """One PDF with a page for each ticket, in the order given (ORD-2, PRN-1). ValueError without any ticket.

    Blocks for tens of milliseconds (longer the first time, when fonts are read): inside an event loop use
    `make_tickets_pdf`.
    """
    if not tickets:
        raise ValueError("no tickets to print")
    data = encoded(tickets, locale=locale)
    compiler = typst.Compiler(input=TEMPLATE, root=TEMPLATE.parent, font_paths=_fonts())
    pdf = compiler.compile(format="pdf", sys_inputs={"data": data})
    assert isinstance(pdf, bytes)
    return pdf


@functools.cache
def _fonts() -> typst.Fonts:
    # The wheel's own Libertinus Serif sets everything it has letters for, alike on every machine: Latin, Greek,
    # Cyrillic. The machine's fonts only help out with scripts beyond it. Finding them is slow, hence once.
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)


def encoded(tickets: Sequence[TicketContent], *, locale: str) -> str:
    """What the template reads: JSON of strings, lists and flags, every text chosen, formatted and on one line."""
    first = tickets[0]
    with locale_of(locale):
        data = {
            "language": locale,
            "title": " · ".join(filter(None, (one_line(first.event_title), first.order_code))),
            "author": one_line(first.box_office_name),
            "labels": _labels(),
            "tickets": [_page(ticket, locale) for ticket in tickets],
        }
    return msgspec.json.encode(data).decode()


def _labels() -> dict[str, str]:
    return {
        "ticket": _("Ticket"),
        "order": _("Order"),
        "holder": _("Name"),
        "zone": _("Area"),
        "row": _("Row"),
        "seat": _("Seat"),
        "category": _("Category"),
        "tariff": _("Tariff"),
        "price": _("Price"),
        "doors": _("Doors"),
        "ends": _("Ends about"),
        "begins": _("Begins"),
        "venue": _("Venue"),
        "date": _("Date"),
        "unreserved": _("Unreserved seating"),
        "duplicate": _("Duplicate"),
        "visit": _("Your visit"),
        "your_order": _("Your order"),
        "fold": _("fold here"),
        "terms": _("Terms"),
        "questions": _("Questions?"),
        "entrance": _("At the entrance"),
        "show": _("Show this code on paper, or on your phone with the screen at full brightness."),
        "once": _("It opens the door once, for whoever shows it first. Please do not publish a picture of it."),
        "keep": _("Keep your ticket until the end. Fold along the marks; the code stays flat."),
        "qr": _("QR code of the ticket"),
    }  # fmt: skip


def _page(ticket: TicketContent, locale: str) -> dict[str, Any]:
    def time(moment: datetime | None) -> str:
        return show_time(moment, ticket.time_zone, locale) if moment else ""

    date = show_date(ticket.starts_at, ticket.time_zone, "full", locale)
    return {
        "number": ticket.number,
        "qr": qr_svg(ticket.code),
        "title": one_line(ticket.event_title),
        "subtitle": " · ".join(filter(None, map(one_line, (ticket.performance_title, ticket.event_subtitle)))),
        "venue": one_line(ticket.venue),
        "date": date[:1].upper() + date[1:],
        "time": time(ticket.starts_at),
        "doors": time(ticket.doors_at),
        "ends": time(ticket.ends_at),
        "zone": one_line(ticket.seat_zone),
        "row": one_line(ticket.seat_row),
        "seat": one_line(ticket.seat_number),
        "category": one_line(ticket.category),
        "tariff": one_line(ticket.tariff_name),
        # The law wants a price on every ticket, and "0,00 €" looks like a mistake.
        "price": show_money(ticket.price_minor, ticket.currency, locale) if ticket.price_minor else _("free"),
        "holder": one_line(ticket.holder),
        "order": ticket.order_code,
        "office": one_line(ticket.box_office_name),
        "contact": one_line(ticket.contact_email),
        "accent": ink(ticket.accent),
        "terms": _terms(ticket.terms),
        "duplicate": ticket.duplicate,
    }


def _terms(text: str) -> list[str]:
    kept: list[str] = []
    room = TERMS_CHARACTERS_MAX
    for paragraph in paragraphs(text):
        if len(paragraph) > room:
            cut = paragraph[:room].rsplit(" ", 1)[0]
            return [*kept, f"{cut}…", _("The full terms are on the site of the box office.")]
        kept.append(paragraph)
        room -= len(paragraph)
    return kept


_MODULES = re.compile(r'width="(\d+)".*?<path d="([^"]+)"', re.DOTALL)


def qr_svg(code: str) -> str:
    """The code as SVG: one path, so that no renderer draws hairlines between modules, and a quiet zone of 4 modules.

    Error correction M withstands a fold or a stamp and keeps the modules large.
    """
    barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = _MODULES.search(barcode.to_svg(add_quiet_zones=False))
    assert drawn, "zxing-cpp writes its SVG in another form now"
    side = int(drawn[1])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {side + 8} {side + 8}">'
        f'<path fill="#fff" d="M-4-4h{side + 8}v{side + 8}h-{side + 8}z"/><path d="{drawn[2]}"/></svg>'
    )
