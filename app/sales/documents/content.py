"""What stands on a ticket, chosen and frozen by whoever asks for the document."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from msgspec import Struct


class TicketContent(Struct, frozen=True, kw_only=True):
    """One admission as it is printed. Texts are in the reader's language already; "" leaves a line out.

    `code` is the signed text of the QR code (ACC-7). The three `seat_…` texts are "" for an unnumbered place.
    Times are aware and shown in `time_zone`. `accent` is the box office's colour, `#rrggbb`. A `duplicate` says so in
    large letters (PRN-3).
    """

    number: str
    code: str
    event_title: str
    event_subtitle: str
    performance_title: str
    venue: str
    starts_at: datetime
    doors_at: datetime | None
    ends_at: datetime | None
    time_zone: str
    seat_zone: str
    seat_row: str
    seat_number: str
    category: str
    tariff_name: str
    price_minor: int
    currency: str
    holder: str
    order_code: str
    box_office_name: str
    contact_email: str
    accent: str
    terms: str
    duplicate: bool = False


def one_line(text: str) -> str:
    """Text as one printable line: line breaks become spaces; control and direction characters go.

    A forgotten right-to-left override in a name would turn around the words beside it, and a line break would end a
    mail header.
    """
    spaced = "".join(" " if c.isspace() else c for c in text)
    return " ".join(_without_controls(spaced).split())


def paragraphs(text: str) -> list[str]:
    """Longer text as its paragraphs, each one printable line; empty ones are dropped."""
    lines = (one_line(line) for line in text.splitlines())
    return [line for line in lines if line]


def _without_controls(text: str) -> str:
    # Cf holds the direction marks, but also the joiners that Persian names and emoji are spelt with: those stay.
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"} or c in "\u200c\u200d")
