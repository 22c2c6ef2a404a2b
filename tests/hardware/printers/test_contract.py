"""What every printer language must do (PRN-1, PRN-2), over all that the folder holds."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.printers import languages
from hardware.printers._contract import LABEL_100_50, STOCKS, PrintableTicket, PrinterLanguage, SeatPart, Stock
from tests.hardware.venue import ticket

every_language = pytest.mark.parametrize("language", languages().values(), ids=languages().keys())
every_stock = pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS.keys())

# Anything an organiser may type, with a taste for what steers printers.
nasty = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("^~_\\\x02\x03\x1b\r\n&,;Ряд№€“✓")), max_size=60
)
tickets = st.builds(
    PrintableTicket,
    number=st.just("T0123456789"),
    code=st.just(ticket().code),
    event=nasty,
    date=nasty,
    price=nasty,
    subtitle=nasty,
    venue=nasty,
    doors=nasty,
    seat=st.lists(st.builds(SeatPart, nasty, nasty), max_size=6).map(tuple),
    placement=nasty,
    tariff=nasty,
    holder=nasty,
    order=nasty,
    organizer=nasty,
    small_print=nasty,
    issued=nasty,
    duplicata=nasty,
)


def test_the_folder_finds_its_languages() -> None:
    assert "zpl" in languages()
    assert all(language.name == name for name, language in languages().items())


@every_language
@every_stock
def test_a_ticket_becomes_bytes_that_carry_its_code(language: PrinterLanguage, stock: Stock) -> None:
    assert ticket().code.encode() in language.render(ticket(), stock)


@every_language
def test_the_same_ticket_is_always_the_same_bytes(language: PrinterLanguage) -> None:
    assert language.render(ticket(), LABEL_100_50) == language.render(ticket(), LABEL_100_50)


@every_language
def test_a_duplicata_differs_from_its_original(language: PrinterLanguage) -> None:
    reprint = msgspec.structs.replace(ticket(), duplicata="DUPLICATA")
    rendered = language.render(reprint, LABEL_100_50)
    assert b"DUPLICATA" in rendered
    assert b"DUPLICATA" not in language.render(ticket(), LABEL_100_50)


@every_language
def test_a_ticket_with_nothing_but_what_it_must_have_is_printed(language: PrinterLanguage) -> None:
    bare = PrintableTicket(number="T0123456789", code=ticket().code, event="Fête", date="12 juin", price="gratuit")
    rendered = language.render(bare, LABEL_100_50)
    assert b"gratuit" in rendered
    assert b"T0123456789" in rendered


@every_language
@every_stock
@given(ticket=tickets)
def test_no_text_at_all_breaks_a_ticket(language: PrinterLanguage, stock: Stock, ticket: PrintableTicket) -> None:
    assert ticket.code.encode() in language.render(ticket, stock)


@every_language
def test_stock_too_small_for_a_readable_code_is_refused(language: PrinterLanguage) -> None:
    with pytest.raises(ValueError, match="too"):
        language.render(ticket(), Stock(width_mm=30, height_mm=15))


@every_language
@given(answer=st.binary(max_size=200))
def test_any_answer_of_a_printer_is_a_status_or_none_or_an_error(language: PrinterLanguage, answer: bytes) -> None:
    try:
        status = language.read_status(answer)
    except ValueError:
        return
    assert status is None or isinstance(status.ready, bool)
