"""A ticket, and how the tests read a PDF: with another engine than the one that made it."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pypdfium2
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.sales.documents.content import TicketContent
from hardware.ticket_code import TicketClaims, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

TICKET = TicketContent(
    number="T7QK2M9XPA4",
    code=sign(TicketClaims(ticket="T7QK2M9XPA4", performance=34), KEY),
    event_title="Le Malade imaginaire",
    event_subtitle="Comédie-ballet de Molière et Charpentier",
    performance_title="",
    venue="Théâtre des Quatre-Vents, Lyon",
    starts_at=datetime(2026, 12, 12, 19, 30, tzinfo=UTC),
    doors_at=datetime(2026, 12, 12, 18, 45, tzinfo=UTC),
    ends_at=datetime(2026, 12, 12, 21, 50, tzinfo=UTC),
    time_zone="Europe/Paris",
    seat_zone="Parterre",
    seat_row="A",
    seat_number="12",
    category="Carré d’or",
    tariff_name="Plein tarif",
    price_minor=4250,
    currency="EUR",
    holder="Élodie Čapek",
    order_code="C3M8ZK0Q7TB",
    box_office_name="Théâtre des Quatre-Vents",
    contact_email="billetterie@quatre-vents.example",
    accent="#8a1c36",
    terms="Les billets ne sont ni repris ni échangés.\nLa revente au-dessus du prix imprimé est interdite.",
)


def text_of(pdf: bytes, page: int = 0) -> str:
    """The words of a page, every kind and run of white space as one space."""
    text = pypdfium2.PdfDocument(pdf)[page].get_textpage().get_text_bounded()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def codes_of(pdf: bytes, *, dots_per_inch: int) -> list[zxingcpp.Barcode]:
    """The QR codes that a scanner finds on each page, page by page."""
    return [
        barcode
        for page in pypdfium2.PdfDocument(pdf)
        for barcode in zxingcpp.read_barcodes(page.render(scale=dots_per_inch / 72).to_pil())
    ]
