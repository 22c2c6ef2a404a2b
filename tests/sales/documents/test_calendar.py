"""Calendar entries (ORD-2), held against RFC 5545."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.sales.documents.calendar import CalendarEntry, calendar_file, entry_uid, escape, fold

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ENTRY = CalendarEntry(
    uid=entry_uid("C3M8ZK0Q7TB", 34),
    title="Le Malade imaginaire",
    starts_at=datetime(2026, 12, 12, 20, 30, tzinfo=timezone(timedelta(hours=1))),
    ends_at=datetime(2026, 12, 12, 22, 50, tzinfo=timezone(timedelta(hours=1))),
    venue="Théâtre des Quatre-Vents, Lyon",
    description="Parterre · A · 12\nParterre · A · 13; order C3M8ZK0Q7TB",
    url="https://billetterie.example/orders/C3M8ZK0Q7TB?key=a,b;c",
    organizer_name="Théâtre des Quatre-Vents",
    contact_email="billetterie@quatre-vents.example",
)


def test_an_entry_says_what_when_and_where() -> None:
    """ORD-2: the whole file, as it is attached."""
    assert unfolded(calendar_file([ENTRY], now=NOW)) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Placeur//Box office//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{ENTRY.uid}",
        "DTSTAMP:20261122T080000Z",
        "SEQUENCE:0",
        "DTSTART:20261212T193000Z",
        "DTEND:20261212T215000Z",
        "SUMMARY:Le Malade imaginaire",
        "LOCATION:Théâtre des Quatre-Vents\\, Lyon",
        "DESCRIPTION:Parterre · A · 12\\nParterre · A · 13\\; order C3M8ZK0Q7TB",
        "URL:https://billetterie.example/orders/C3M8ZK0Q7TB?key=a,b;c",
        "CONTACT:Théâtre des Quatre-Vents <billetterie@quatre-vents.example>",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_an_unknown_end_keeps_two_hours_of_the_evening() -> None:
    assert "DTEND:20261212T213000Z" in unfolded(calendar_file([replace(ENTRY, ends_at=None)], now=NOW))


def test_what_is_not_known_is_left_out() -> None:
    names = [line.split(":")[0] for line in unfolded(calendar_file([_bare()], now=NOW))]
    assert not {"LOCATION", "DESCRIPTION", "URL", "CONTACT"} & set(names)


def test_several_performances_share_one_file() -> None:
    lines = unfolded(calendar_file([ENTRY, replace(ENTRY, uid=entry_uid("C3M8ZK0Q7TB", 35))], now=NOW))
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2
    assert lines.count("BEGIN:VCALENDAR") == 1


def test_the_same_order_and_performance_always_have_the_same_uid() -> None:
    """A second mail updates the first one's entry and adds none; the order's code is not readable in it."""
    assert entry_uid("C3M8ZK0Q7TB", 34) == "da810274-2510-5dd4-a658-e98b4829081f@placeur"
    assert entry_uid("C3M8ZK0Q7TB", 34) != entry_uid("C3M8ZK0Q7TB", 35)
    assert entry_uid("C3M8ZK0Q7TB", 34) != entry_uid("C3M8ZK0Q7TC", 34)


def test_a_title_cannot_add_properties_of_its_own() -> None:
    title = "Evening\r\nATTENDEE:mailto:x@example.org\r\nEND:VEVENT"
    lines = unfolded(calendar_file([replace(ENTRY, title=title, url="https://x\r\nATTENDEE:y")], now=NOW))
    assert not any(line.startswith("ATTENDEE") for line in lines)
    assert lines.count("END:VEVENT") == 1


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        calendar_file([replace(ENTRY, starts_at=datetime(2026, 12, 12, 20, 30))], now=NOW)


def test_a_calendar_without_entries_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an entry"):
        calendar_file([], now=NOW)


def test_special_characters_are_escaped() -> None:
    assert escape("a\\b;c,d\ne") == "a\\\\b\\;c\\,d\\ne"


@given(st.text())
def test_a_long_line_is_folded_at_75_octets_and_no_character_torn(text: str) -> None:
    line = f"SUMMARY:{text}".encode("utf-8", "replace").decode()
    pieces = list(fold(line))
    assert all(len(piece) <= 75 for piece in pieces)
    assert all(piece.startswith(b" ") for piece in pieces[1:])
    assert pieces[0].decode() + "".join(piece.decode()[1:] for piece in pieces[1:]) == line


@given(title=st.text(), venue=st.text(), description=st.text())
def test_whatever_is_written_the_file_keeps_its_form(title: str, venue: str, description: str) -> None:
    raw = calendar_file([replace(ENTRY, title=title, venue=venue, description=description)], now=NOW)
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    names = [line.split(":")[0] for line in unfolded(raw)]
    optional = {"LOCATION", "DESCRIPTION"}
    assert [name for name in names if name not in optional] == [
        "BEGIN", "VERSION", "PRODID", "CALSCALE", "METHOD", "BEGIN", "UID", "DTSTAMP", "SEQUENCE", "DTSTART", "DTEND",
        "SUMMARY", "URL", "CONTACT", "STATUS", "TRANSP", "END", "END",
    ]  # fmt: skip


def unfolded(raw: bytes) -> list[str]:
    """The content lines, as RFC 5545 section 3.1 says to read them."""
    return raw.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def _bare() -> CalendarEntry:
    return replace(ENTRY, venue="", description="", url="", contact_email="")
