"""A visit as an iCalendar file (RFC 5545), for the buyer's own calendar (ORD-2)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from app.sales.documents.content import one_line, paragraphs

PRODUCT = "-//Placeur//Box office//EN"
LINE_OCTETS_MAX = 75
LENGTH_ASSUMED = timedelta(hours=2)
"""Without an end a calendar shows a moment without length and books something else over the evening."""

_NAMESPACE = uuid.UUID("6f1d3d0e-3c5b-5c8e-9a7e-2b8b0c7a4d11")


class CalendarEntry(Struct, frozen=True, kw_only=True):
    """One visit. Times are aware; `description` may have several lines; "" leaves a property out."""

    uid: str
    title: str
    starts_at: datetime
    ends_at: datetime | None
    venue: str
    description: str
    url: str
    organizer_name: str
    contact_email: str
    sequence: int = 0
    """Raised when the same entry is sent again with another time or place."""


def entry_uid(reference: str, performance: int) -> str:
    """The same for the same order (or ticket) and performance, so that a second mail updates the first one's entry.

    Hashed: calendars are shared, and the reference of an order is half of its address.
    """
    return f"{uuid.uuid5(_NAMESPACE, f'{reference}/{performance}')}@placeur"


def calendar_file(entries: Sequence[CalendarEntry], *, now: datetime) -> bytes:
    """A calendar with an entry for each visit, UTF-8 with CRLF. ValueError without any: the format needs one."""
    if not entries:
        raise ValueError("a calendar needs an entry")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    for entry in entries:
        lines += _event(entry, now)
    lines.append("END:VCALENDAR")
    return b"".join(folded + b"\r\n" for line in lines for folded in fold(line))


def _event(entry: CalendarEntry, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(entry.uid)}"
    yield f"DTSTAMP:{utc(now)}"
    yield f"SEQUENCE:{entry.sequence}"
    # UTC needs no VTIMEZONE, and a performance that is sold does not move when a country changes its clock law.
    yield f"DTSTART:{utc(entry.starts_at)}"
    yield f"DTEND:{utc(entry.ends_at or entry.starts_at + LENGTH_ASSUMED)}"
    yield f"SUMMARY:{escape(one_line(entry.title))}"
    if entry.venue:
        yield f"LOCATION:{escape(one_line(entry.venue))}"
    if entry.description:
        yield f"DESCRIPTION:{escape(chr(10).join(paragraphs(entry.description)))}"
    if entry.url:
        yield f"URL:{one_line(entry.url)}"
    if entry.contact_email:
        # CONTACT, not ORGANIZER: with an organizer, some calendars offer to accept or to decline.
        yield f"CONTACT:{escape(one_line(f'{entry.organizer_name} <{entry.contact_email}>'))}"
    yield "STATUS:CONFIRMED"
    yield "TRANSP:OPAQUE"
    yield "END:VEVENT"


def utc(moment: datetime) -> str:
    """`20261212T193000Z`. ValueError for a time without a zone: it would silently be another one."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no place in a calendar")
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escape(text: str) -> str:
    """TEXT of RFC 5545 section 3.3.11."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> Iterator[bytes]:
    """A content line cut into pieces of at most 75 octets, each further one behind a space, no character torn."""
    piece = b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > LINE_OCTETS_MAX:
            yield piece
            piece = b" "
        piece += octets
    yield piece
