"""Tickets on paper (ORD-2, PRN-1): read back with PDFium, scanned from its rendering."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import typst
import zxingcpp
from msgspec.structs import replace
from typst import Compiler

from app.core.i18n import LANGUAGES
from app.sales.documents import ticket_pdf
from app.sales.documents.content import TicketContent
from app.sales.documents.ticket_pdf import make_tickets_pdf, tickets_pdf
from hardware.ticket_code import TicketClaims, key_ring, sign, verify
from tests.sales.documents.samples import KEY, TICKET, codes_of, text_of

A4 = (595, 842)


def test_everything_a_visitor_and_an_usher_need_is_on_the_ticket() -> None:
    """PRN-1."""
    text = text_of(tickets_pdf([TICKET], locale="fr"))
    for wanted in (
        "Le Malade imaginaire", "Comédie-ballet de Molière et Charpentier", "Samedi 12 décembre 2026", "20:30", "19:45",
        "22:50", "Théâtre des Quatre-Vents, Lyon", "Parterre", "Carré d’or", "Plein tarif", "42,50 €", "T7QK2M9XPA4",
        "C3M8ZK0Q7TB", "Élodie Čapek", "billetterie@quatre-vents.example", "Les billets ne sont ni repris ni échangés.",
    ):  # fmt: skip
        assert wanted in text


def test_dates_money_and_labels_follow_the_readers_language() -> None:
    """CAT-9."""
    english, french = (text_of(tickets_pdf([TICKET], locale=locale)) for locale in ("en", "fr"))
    assert "Saturday, December 12, 2026" in english
    assert "8:30 PM" in english
    assert "€42.50" in english
    assert "Your visit" in english
    assert "Votre venue" in french
    assert "Your visit" not in french


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_ticket_can_be_made_in_every_language(locale: str) -> None:
    """CAT-9: a language without translations borrows the English words, never the dates."""
    assert "T7QK2M9XPA4" in text_of(tickets_pdf([TICKET], locale=locale))


def test_hours_are_those_of_the_venue_not_of_the_server() -> None:
    text = text_of(tickets_pdf([replace(TICKET, time_zone="America/Montreal")], locale="fr"))
    assert "14:30" in text
    assert "20:30" not in text


@pytest.mark.parametrize(("locale", "word"), [("fr", "gratuit"), ("en", "free")])
def test_a_free_ticket_says_so_in_place_of_a_price(locale: str, word: str) -> None:
    """PRN-1: price or "free" is always printed."""
    text = text_of(tickets_pdf([replace(TICKET, price_minor=0)], locale=locale))
    assert word in text
    assert "0,00" not in text
    assert "0.00" not in text


def test_an_unnumbered_place_says_so_in_place_of_a_seat() -> None:
    text = text_of(tickets_pdf([replace(TICKET, seat_zone="", seat_row="", seat_number="")], locale="en"))
    assert "Unreserved seating" in text
    assert "ROW" not in text


@pytest.mark.parametrize("missing", ["seat_zone", "seat_row", "seat_number"])
def test_a_seat_that_lacks_one_part_prints_the_others(missing: str) -> None:
    """Boxes have no rows, some festivals only zones."""
    text = text_of(tickets_pdf([replace(TICKET, **{missing: ""})], locale="en"))
    kept = {"seat_zone": "Parterre", "seat_row": "A", "seat_number": "12"}
    del kept[missing]
    assert "Unreserved" not in text
    assert " · ".join(kept.values()) in text


def test_a_duplicate_says_so() -> None:
    """PRN-3: a reprint is marked."""
    assert "DUPLICATA" in text_of(tickets_pdf([replace(TICKET, duplicate=True)], locale="fr"))
    assert "DUPLICATA" not in text_of(tickets_pdf([TICKET], locale="fr"))


@pytest.mark.parametrize("dots_per_inch", [72, 203])
def test_the_code_on_the_page_scans_to_the_signed_ticket(dots_per_inch: int) -> None:
    """ACC-7: read from a coarse screen and from a ticket printer's resolution."""
    (found,) = codes_of(tickets_pdf([TICKET], locale="fr"), dots_per_inch=dots_per_inch)
    assert found.text == TICKET.code
    assert verify(found.text, key_ring([KEY.public_key().public_bytes_raw()])) == TicketClaims(
        ticket="T7QK2M9XPA4", performance=34
    )


def test_the_code_is_at_least_35_mm_wide_inside_its_quiet_zone() -> None:
    """PRN-1."""
    dots_per_inch = 254
    pdf = tickets_pdf([TICKET], locale="fr")
    (found,) = codes_of(pdf, dots_per_inch=dots_per_inch)
    corners = found.position
    tenths_of_a_mm = corners.top_right.x - corners.top_left.x
    assert tenths_of_a_mm >= 350
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=dots_per_inch / 72).to_pil().convert("L")
    quiet = round(tenths_of_a_mm / 41 * 4) - 2  # four modules, less what the corners were rounded by
    left, top = corners.top_left.x, corners.top_left.y
    right, bottom = corners.bottom_right.x, corners.bottom_right.y
    for strip in (
        (left - quiet, top - quiet, right + quiet, top - 2),
        (left - quiet, bottom + 3, right + quiet, bottom + quiet),
        (left - quiet, top - quiet, left - 2, bottom + quiet),
        (right + 3, top - quiet, right + quiet, bottom + quiet),
    ):
        assert page.crop(strip).getextrema() == (255, 255)


def test_the_code_is_drawn_not_photographed() -> None:
    """Vector modules stay sharp on any printer."""
    page = pypdfium2.PdfDocument(tickets_pdf([TICKET], locale="fr"))[0]
    kinds = {entry.type for entry in page.get_objects(max_depth=10)}
    assert pdfium.FPDF_PAGEOBJ_IMAGE not in kinds
    assert pdfium.FPDF_PAGEOBJ_PATH in kinds


@pytest.mark.parametrize(
    "name",
    [
        "#import \"@preview/x:1.0.0\": *",
        "*bold* _under_ `code`",
        "#sys.inputs.data",
        "$x^2$ \\ // not a comment",
        "[] {} <label> @ref ~ -- ---",
        "= Heading",
        "\"); panic(\"",
        "{\"a\": \"}",
    ],
)  # fmt: skip
def test_what_looks_like_markup_prints_as_it_was_written(name: str) -> None:
    ticket = replace(TICKET, event_title=name, holder=name, seat_zone=name, terms=name, venue=name, tariff_name=name)
    text = text_of(tickets_pdf([ticket], locale="en"))
    assert text.count(name) >= 4


@pytest.mark.parametrize(
    "name", ["Дмитрий Нестеренко", "Ελένη Παπαδοπούλου", "Łukasz Żółć-Őry", "Nguyễn Thị Hồng", "Þóra Ðögg Ångström"]
)
def test_names_of_all_of_europe_and_beyond_print(name: str) -> None:
    assert name in text_of(tickets_pdf([replace(TICKET, holder=name)], locale="fr"))


def test_a_name_in_a_script_without_font_stops_no_ticket() -> None:
    pdf = tickets_pdf([replace(TICKET, holder="李小龙 🎭 ﷽")], locale="fr")
    assert [code.text for code in codes_of(pdf, dots_per_inch=100)] == [TICKET.code]


def test_control_and_direction_characters_do_not_reach_the_paper() -> None:
    """A right-to-left override in a name would turn around the words beside it."""
    text = text_of(tickets_pdf([replace(TICKET, holder="Ann\u202eeilE\x00\x07\u2066 \nRoe")], locale="fr"))
    assert "AnneilE Roe" in text


def test_overlong_texts_still_leave_one_readable_page() -> None:
    ticket = replace(
        TICKET,
        event_title="Les très riches heures d’une troupe de province, racontées par ceux qui l’ont suivie, " * 3,
        event_subtitle="d’après une correspondance retrouvée " * 6,
        venue="Grande salle du centre culturel intercommunal " * 4,
        seat_zone="Deuxième balcon côté jardin, loges d’avant-scène",
        seat_row="Loge 14 bis",
        seat_number="101-102",
        tariff_name="Tarif réduit (moins de 26 ans, demandeurs d’emploi, bénéficiaires de minima) " * 2,
        holder="Maximilienne-Hyacinthe " * 7,
        contact_email=f"{'service-de-la-billetterie.' * 4}x@quatre-vents.example",
        terms="Les billets ne sont ni repris ni échangés, sauf annulation. " * 400,
    )
    pdf = tickets_pdf([ticket], locale="fr")
    assert len(pypdfium2.PdfDocument(pdf)) == 1
    assert [code.text for code in codes_of(pdf, dots_per_inch=100)] == [ticket.code]
    text = text_of(pdf)
    assert "42,50 €" in text
    assert "101-102" in text
    assert "Les conditions complètes" in text


def test_no_text_leaves_the_page_or_crosses_the_stub() -> None:
    """However long it is: what stands left of the perforation stays there, and nothing meets the code."""
    ticket = replace(TICKET, event_title="Anticonstitutionnellement" * 4, venue="X" * 160, holder="W" * 160)
    page = pypdfium2.PdfDocument(tickets_pdf([ticket], locale="fr"))[0]
    shown = page.render(scale=254 / 72).to_pil().convert("L")
    perforation, top, bottom = 1455, 100, 890
    assert shown.crop((perforation - 40, top, perforation - 15, bottom)).getextrema() == (255, 255)
    assert shown.crop((perforation + 15, top, perforation + 40, bottom)).getextrema() == (255, 255)


def test_each_ticket_has_its_page_with_its_own_code_in_the_order_given() -> None:
    """ORD-2."""
    tickets = [_numbered(seat) for seat in range(1, 8)]
    pdf = tickets_pdf(tickets, locale="fr")
    document = pypdfium2.PdfDocument(pdf)
    assert [tuple(map(round, page.get_size())) for page in document] == [A4] * 7
    assert [code.text for code in codes_of(pdf, dots_per_inch=100)] == [ticket.code for ticket in tickets]
    assert all(ticket.number in text_of(pdf, page) for page, ticket in enumerate(tickets))


def test_the_document_says_what_it_is_and_in_which_language() -> None:
    """Title and language are what a screen reader announces; tags are what it reads."""
    document = pypdfium2.PdfDocument(tickets_pdf([TICKET], locale="fr"))
    assert document.get_metadata_value("Title") == "Le Malade imaginaire · C3M8ZK0Q7TB"
    assert document.get_metadata_value("Author") == "Théâtre des Quatre-Vents"
    assert pdfium.FPDFCatalog_IsTagged(document.raw)
    assert b"/Lang(fr)" in tickets_pdf([TICKET], locale="fr")


def test_a_ticket_is_small_enough_for_any_mailbox() -> None:
    assert len(tickets_pdf([TICKET], locale="fr")) < 80_000
    assert len(tickets_pdf([_numbered(seat) for seat in range(10)], locale="fr")) < 300_000


def test_no_tickets_make_no_document() -> None:
    with pytest.raises(ValueError, match="no tickets"):
        tickets_pdf([], locale="fr")


class Watched:
    """A compiler that says when it is at work."""

    at_work = False

    def __init__(self, **options: Any) -> None:
        self._real = Compiler(**options)

    def compile(self, **options: Any) -> Any:
        Watched.at_work = True
        try:
            return self._real.compile(**options)
        finally:
            Watched.at_work = False


async def test_the_event_loop_turns_while_tickets_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seat map must not freeze because somebody prints: the work happens in another thread, with the lock let go. On
    a fast machine it takes more tickets to see it; with the lock held no number of them would do."""
    monkeypatch.setattr(typst, "Compiler", Watched)
    first = 0
    for count in (40, 80, 160, 320, 640):
        turns = 0
        tickets = [_numbered(first + seat) for seat in range(count)]
        making = asyncio.create_task(make_tickets_pdf(tickets, locale="en"))
        while not making.done():
            await asyncio.sleep(0.001)
            turns += Watched.at_work
        assert len(pypdfium2.PdfDocument(await making)) == count
        if turns > 5:
            return
        first += count
    raise AssertionError(f"only {turns} turns while {count} tickets were made")


def test_several_threads_make_their_own_tickets() -> None:
    made: dict[int, bytes] = {}

    def make(seat: int) -> None:
        made[seat] = tickets_pdf([_numbered(seat)], locale="fr" if seat % 2 else "en")

    threads = [threading.Thread(target=make, args=(seat,)) for seat in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seat in range(6):
        assert [code.text for code in codes_of(made[seat], dots_per_inch=100)] == [_numbered(seat).code]
        assert ("Votre venue" if seat % 2 else "Your visit") in text_of(made[seat])


def test_the_template_compiles_without_a_warning() -> None:
    """A renamed function of typst first warns, then fails in a buyer's mail."""
    data = ticket_pdf.encoded([TICKET, replace(TICKET, duplicate=True, terms="")], locale="fr")
    _, warnings = typst.compile_with_warnings(ticket_pdf.TEMPLATE, format="pdf", sys_inputs={"data": data})
    assert warnings == []


def test_qr_modules_are_one_shape_with_a_quiet_zone_of_four() -> None:
    svg = ticket_pdf.qr_svg(TICKET.code)
    assert 'viewBox="-4 -4 49 49"' in svg
    assert svg.count("<path") == 2
    assert zxingcpp.create_barcode(TICKET.code, zxingcpp.BarcodeFormat.QRCode, ec_level="M").ec_level == "M"


def _numbered(seat: int) -> TicketContent:
    number = f"T{seat:010}"
    code = sign(TicketClaims(ticket=number, performance=34), KEY)
    return replace(TICKET, number=number, code=code, seat_number=str(seat))
