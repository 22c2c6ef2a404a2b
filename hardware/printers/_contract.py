"""What a printer language must do: turn a ticket into bytes, ask the printer how it is, read its answer (PRN-1, PRN-2).

A language is pure: no IO, no clock, no translation. Every text of a `PrintableTicket` is already in the customer's
language and currency; a language only places it.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

from msgspec import Struct

PrinterProblem = Literal["paper_out", "ribbon_out", "head_open", "paused", "too_hot", "fault", "silent", "unreachable"]
"""`silent`: it takes connections and says nothing; `unreachable`: it does not even take connections."""


class SeatPart(Struct, frozen=True):
    """One box of the seat: what it is, in small (`Row`), and its label, in big (`A`). Labels may be in any script."""

    caption: str
    label: str


class PrintableTicket(Struct, frozen=True, kw_only=True):
    """One admission, ready for paper. Only `number`, `code`, `event`, `date` and `price` must be there.

    `price` is always printed: an amount with its currency, or the word for "free" (PRN-1). `duplicata` is the whole
    mark of a reprint as it shall read ("DUPLICATA 2"), empty on an original (PRN-3).
    """

    number: str
    code: str
    event: str
    date: str
    price: str
    subtitle: str = ""
    venue: str = ""
    doors: str = ""
    seat: tuple[SeatPart, ...] = ()
    placement: str = ""
    """Printed in the place of the seat where there is none: "Free seating"."""
    tariff: str = ""
    holder: str = ""
    order: str = ""
    organizer: str = ""
    small_print: str = ""
    issued: str = ""
    """Where and when it was sold: "Counter 2 · 12.06.2026 19:58"."""
    duplicata: str = ""


class Stock(Struct, frozen=True):
    """The paper in the printer. Sizes in millimetres of the ticket as it is read, wider than high.

    `turned`: the ticket leaves the printer along its long side, so everything is printed a quarter turn round.
    """

    width_mm: float = 100
    height_mm: float = 50
    dots_per_mm: int = 8
    turned: bool = False

    @property
    def width(self) -> int:
        """In dots."""
        return round(self.width_mm * self.dots_per_mm)

    @property
    def height(self) -> int:
        """In dots."""
        return round(self.height_mm * self.dots_per_mm)


LABEL_100_50: Final = Stock()
"""Label roll of 100 × 50 mm, 203 dpi: ZD420, GK420."""
TICKET_STOCK: Final = Stock(width_mm=139.7, height_mm=50.8, turned=True)
"""Ticket stock of 5.5 × 2 inches, fed by its short side."""
STOCKS: Final = {"label-100x50": LABEL_100_50, "ticket-5.5in": TICKET_STOCK}


class PrinterStatus(Struct, frozen=True):
    """How a printer is. `pending`: labels it has received and not yet printed, -1 where it cannot say."""

    problems: tuple[PrinterProblem, ...] = ()
    pending: int = 0

    @property
    def ready(self) -> bool:
        return not self.problems


class PrinterLanguage(Protocol):
    """One language. Members of this folder define `LANGUAGE`, an object of this shape."""

    @property
    def name(self) -> str:
        """As in a printer's configuration: `zpl`."""

    @property
    def status_question(self) -> bytes:
        """Bytes that make the printer say how it is, without printing anything; empty where it has no such words."""

    def render(self, ticket: PrintableTicket, stock: Stock) -> bytes:
        """The bytes that print exactly one ticket and leave nothing behind for the next one.

        Whatever the texts hold (control characters, the language's own command characters, any script), they come out
        as text or as a substitute, never as a command. ValueError when the stock is too small for a readable code.
        """

    def read_status(self, answer: bytes) -> PrinterStatus | None:
        """The status in what the printer has answered so far; None as long as the answer is not complete.
        ValueError when it can no longer become one."""
