"""ZPL II, the language of Zebra's label printers (ZD420, GK420 …), 203 dpi and up (PRN-2).

The ticket is laid out on a grid of dots as it is read, `width` to the right and `height` down; on stock that is fed by
its short side every field is turned a quarter round at the end. Lines are broken here and not by `^FB`, which gives
`\\&` a meaning and would have to be turned with its text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from hardware.printers._contract import PrintableTicket, PrinterProblem, PrinterStatus, Stock

# Advance widths of font 0 (bold condensed), in hundredths of its height. They need only be good enough to choose a
# size: what is a little too wide is caught by the margins.
_ADVANCES: Final = {
    character: width
    for width, characters in {
        27: "'\\|/:;Ifijlt{} ",
        34: '!"(),.[]`r·',
        44: "Jcksvxyz",
        50: "#$*+0123456789<=>?EFLTZ^_abdeghnopqu~€",
        56: "ABCKPSVXY",
        62: "DGHNOQRU",
        68: "&w",
        80: "Mm-–",
        86: "%@W—…",
    }.items()
    for character in characters
}
_OTHER_ADVANCE: Final = 62
# The Unicode font in every printer's flash memory: wider, and the only one with Cyrillic, Greek and the rest.
_UNICODE_FONT: Final = "E:TT0003M_.TTF"
_UNICODE_ADVANCE: Final = 80

_QR_QUIET: Final = 4  # modules of white around the code that a scanner wants
_QR_MODULES: Final = 41  # version 6; ticket codes never need more
_QR_DROP: Final = 10  # printers set a ^BQ field this many dots lower than its origin

_STATUS: Final = re.compile(rb"\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03")


def printable(text: str) -> str:
    """Text as one line without anything that could steer a printer: no controls, no direction marks, no doubles of
    white space. Composed, since printers do not place combining accents; a backslash becomes a slash, since some
    firmware breaks a line at `\\&` whether asked or not."""
    composed = unicodedata.normalize("NFC", " ".join(text.split())).replace("\\", "/")
    return "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def escaped(text: str) -> str:
    """For a `^FD` after `^FH_`: all but letters, digits and harmless signs as hexadecimal UTF-8."""
    return "".join(
        c if c.isascii() and (c.isalnum() or c in " .,:;-+/()'&!?") else "".join(f"_{b:02X}" for b in c.encode())
        for c in printable(text)
    )


def needs_unicode_font(text: str) -> bool:
    """Whether font 0 lacks a glyph: it knows Latin with all its accents, and the typographer's signs."""
    return any(ord(c) > 0x24F and not 0x2010 <= ord(c) <= 0x203A and c not in "€№™" for c in text)


def width_of(text: str, height: int) -> int:
    """About how many dots wide a line will be."""
    if needs_unicode_font(text):
        return height * _UNICODE_ADVANCE * len(text) // 100
    hundredths = sum(_ADVANCES.get(unicodedata.normalize("NFD", character)[0], _OTHER_ADVANCE) for character in text)
    return height * hundredths // 100


def cut(text: str, height: int, width: int) -> str:
    """The text, ended by an ellipsis where it does not fit."""
    text = printable(text)
    if width_of(text, height) <= width:
        return text
    while text and width_of(text + "…", height) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def broken(text: str, height: int, width: int) -> list[str]:
    """The text in lines of at most this width, broken at spaces."""
    lines: list[str] = []
    for word in printable(text).split(" "):
        if lines and width_of(f"{lines[-1]} {word}", height) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def fitted(text: str, width: int, heights: tuple[int, ...], lines: int = 1) -> tuple[int, list[str]]:
    """The first of these heights at which the text takes no more than so many lines; cut at the last one."""
    for height in heights:
        found = broken(text, height, width)
        if len(found) <= lines and all(width_of(line, height) <= width for line in found):
            return height, found
    height = heights[-1]
    found = broken(text, height, width)
    kept = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return height, [cut(line, height, width) for line in kept]


@dataclass
class _Sheet:
    """Collects fields; knows the quarter turn."""

    stock: Stock

    def __post_init__(self) -> None:
        width, height = self.stock.width, self.stock.height
        if self.stock.turned:
            width, height = height, width
        # ^PQ1 and ^FW set what an earlier label may have left otherwise; ^CI28 makes the fields UTF-8.
        self.fields = [f"^XA^CI28^LH0,0^LS0^PON^PMN^LRN^FWN^PW{width}^LL{height}^PQ1"]

    def at(self, x: int, y: int, height: int) -> str:
        """The origin of a thing so high, whose upper left corner is read at (x, y)."""
        return f"^FO{self.stock.height - y - height},{x}" if self.stock.turned else f"^FO{x},{y}"

    def text(self, x: int, y: int, height: int, text: str, *, white: bool = False) -> None:
        text = printable(text)
        if not text:
            return
        turn = "R" if self.stock.turned else "N"
        font = f"^A@{turn},{height},,{_UNICODE_FONT}" if needs_unicode_font(text) else f"^A0{turn},{height},{height}"
        reverse = "^FR" if white else ""
        self.fields.append(f"{self.at(x, y, height)}{reverse}{font}^FH_^FD{escaped(text)}^FS")

    def middle(self, x: int, y: int, width: int, height: int, text: str, *, white: bool = False) -> None:
        text = cut(text, height, width)
        self.text(x + max(0, width - width_of(text, height)) // 2, y, height, text, white=white)

    def right(self, x: int, y: int, height: int, text: str) -> None:
        """Ends at x."""
        self.text(x - width_of(printable(text), height), y, height, text)

    def box(self, x: int, y: int, width: int, height: int, line: int, *, rounding: int = 0) -> None:
        """A frame, or a filled bar where the line is as thick as the box."""
        wide, high = (height, width) if self.stock.turned else (width, height)
        self.fields.append(f"{self.at(x, y, height)}^GB{wide},{high},{line},B,{rounding}^FS")

    def qr(self, x: int, y: int, module: int, code: str) -> None:
        """The code as it stands, in alphanumeric mode at correction M. It is read in any direction: never turned."""
        side = _QR_MODULES * module
        origin = self.at(x, y, side)
        left, _, top = origin.removeprefix("^FO").partition(",")
        self.fields.append(f"^FO{left},{int(top) - _QR_DROP}^BQN,2,{module}^FDMM,A{code}^FS")

    def bytes(self) -> bytes:
        return ("\n".join(self.fields) + "\n^XZ\n").encode("ascii")


class Zpl:
    """See `PrinterLanguage`."""

    name = "zpl"
    status_question = b"~HS"

    def render(self, ticket: PrintableTicket, stock: Stock) -> bytes:
        if not re.fullmatch(r"[0-9A-Z $%*+\-./:]+", ticket.code):
            raise ValueError("a ticket code is made of QR's alphanumeric characters")
        unit = stock.dots_per_mm
        margin = 3 * unit
        # 0.63 to 0.75 mm a module: what a hand-held scanner reads at arm's length, and thermal bleeding forgives.
        module = min(6 * unit // 8, (stock.height - 13 * unit) // _QR_MODULES)
        if module * 2 < unit:
            raise ValueError(f"{stock.width_mm} × {stock.height_mm} mm is too small for a readable code")
        side = _QR_MODULES * module
        column = stock.width - margin - side
        if column < side + 2 * margin:
            raise ValueError(f"{stock.width_mm} × {stock.height_mm} mm is too narrow for a ticket")
        sheet = _Sheet(stock)
        self._stub(sheet, ticket, column, side, module)
        self._body(sheet, ticket, margin, column - 2 * margin - _QR_QUIET * module + unit)
        return sheet.bytes()

    def _stub(self, sheet: _Sheet, ticket: PrintableTicket, x: int, side: int, module: int) -> None:
        unit, height = sheet.stock.dots_per_mm, sheet.stock.height
        top = 8 * unit
        if ticket.duplicata:
            sheet.box(x, 2 * unit, side, 5 * unit, 5 * unit)
            sheet.middle(x, 2 * unit + unit * 7 // 8, side, 4 * unit, ticket.duplicata, white=True)
        else:
            sheet.middle(x, 3 * unit, side, 3 * unit, ticket.organizer)
        sheet.qr(x, top, module, ticket.code)
        below = top + side + unit * 3 // 2
        sheet.middle(x, below, side, 4 * unit, ticket.number)
        if below + 8 * unit < height:
            sheet.middle(x, below + 4 * unit + unit // 2, side, 5 * unit // 2, ticket.order)
        line = x - _QR_QUIET * module
        for y in range(2 * unit, height - 2 * unit, 2 * unit):
            sheet.box(line, y, 2, unit, 2)

    def _body(self, sheet: _Sheet, ticket: PrintableTicket, x: int, width: int) -> None:
        unit, height = sheet.stock.dots_per_mm, sheet.stock.height
        y = 5 * unit // 2
        size, lines = fitted(ticket.event, width, (7 * unit, 6 * unit, 5 * unit, 4 * unit), lines=1)
        if size < 5 * unit:
            size, lines = fitted(ticket.event, width, (5 * unit, 9 * unit // 2, 4 * unit), lines=2)
        for line in lines:
            sheet.text(x, y, size, line)
            y += size
        if ticket.subtitle and len(lines) == 1:
            y += unit // 4
            sheet.text(x, y, 3 * unit, cut(ticket.subtitle, 3 * unit, width))
            y += 3 * unit
        y += unit
        size, lines = fitted(ticket.date, width, (9 * unit // 2, 4 * unit, 7 * unit // 2))
        sheet.text(x, y, size, lines[0])
        y += size + unit // 2
        where = " · ".join(part for part in (ticket.venue, ticket.doors) if part)
        sheet.text(x, y, 3 * unit, cut(where, 3 * unit, width))
        y += 4 * unit

        foot = height - 5 * unit // 2
        small = 9 * unit // 4
        for line in reversed(fitted(ticket.small_print, width, (small,), lines=2)[1] if ticket.small_print else []):
            foot -= small
            sheet.text(x, foot, small, line)
        if ticket.issued:
            foot -= small
            sheet.text(x, foot, small, cut(ticket.issued, small, width))
        foot -= 5 * unit
        price = printable(ticket.price)
        sheet.right(x + width, foot, 9 * unit // 2, price)
        left = width - width_of(price, 9 * unit // 2) - 2 * unit
        who = " · ".join(part for part in (ticket.tariff, ticket.holder) if part)
        size, lines = fitted(who, left, (9 * unit // 2, 4 * unit, 7 * unit // 2, 3 * unit))
        sheet.text(x, foot + (9 * unit // 2 - size) * 3 // 4, size, lines[0])
        foot -= unit * 3 // 2
        self._place(sheet, ticket, x, y, width, foot - y)

    def _place(self, sheet: _Sheet, ticket: PrintableTicket, x: int, y: int, width: int, height: int) -> None:
        """The seat, as big as what is left: it is what ushers and neighbours read in the half dark."""
        unit = sheet.stock.dots_per_mm
        height = min(height, 15 * unit)
        if height < 6 * unit:
            flat = " ".join(f"{part.caption} {part.label}" for part in ticket.seat) or ticket.placement
            size, lines = fitted(flat, width, (4 * unit, 7 * unit // 2, 3 * unit))
            sheet.text(x, y, size, lines[0])
            return
        if not ticket.seat:
            if ticket.placement:
                sheet.box(x, y, width, height, max(2, unit // 4), rounding=1)
                size, lines = fitted(ticket.placement, width - 4 * unit, (height // 2, height // 3, 4 * unit))
                sheet.middle(x + 2 * unit, y + (height - size) // 2 + size // 8, width - 4 * unit, size, lines[0])
            return
        gap = 3 * unit // 2
        room = width - gap * (len(ticket.seat) - 1)
        caption = 9 * unit // 4
        big = height - caption - 9 * unit // 4
        wishes = [
            max(width_of(printable(part.label), big), width_of(printable(part.caption), caption)) + 3 * unit
            for part in ticket.seat
        ]
        # Short labels (row, number) get what they wish, up to an even share of what is left; the longest gets the rest.
        widths = [0] * len(wishes)
        left, todo = room, sorted(range(len(wishes)), key=lambda index: wishes[index])
        for done, index in enumerate(todo):
            share = left // (len(todo) - done)
            widths[index] = left if done == len(todo) - 1 else min(max(wishes[index], 10 * unit), share)
            left -= widths[index]
        for part, box in zip(ticket.seat, widths, strict=True):
            sheet.box(x, y, box, height, max(2, unit // 4), rounding=1)
            sheet.middle(x + unit, y + unit * 3 // 4, box - 2 * unit, caption, part.caption)
            inner = box - 2 * unit
            sizes = tuple(s for s in (big, big * 4 // 5, big * 3 // 5) if s >= 3 * unit)
            size, lines = fitted(part.label, inner, sizes)
            if lines[0].endswith("…") or len(lines) > 1:
                size, lines = fitted(part.label, inner, (big // 2, big * 2 // 5, 5 * unit // 2), lines=2)
            top = y + caption + unit + (height - caption - unit - size * len(lines)) // 2
            for line in lines:
                sheet.middle(x + unit, top, inner, size, line)
                top += size
            x += box + gap

    def read_status(self, answer: bytes) -> PrinterStatus | None:
        found = _STATUS.search(answer)
        if found is None:
            if len(answer) > 4096:
                raise ValueError("not a host status")
            return None
        one, two = found[1].split(b","), found[2].split(b",")
        if len(one) < 12 or len(two) < 9:
            raise ValueError("a host status with fields missing")
        flags: list[tuple[bytes, PrinterProblem]] = [
            (one[1], "paper_out"),
            (two[3], "ribbon_out"),
            (two[2], "head_open"),
            (one[2], "paused"),
            (one[11], "too_hot"),
            (one[9], "fault"),
        ]
        # Formats received and not begun, labels of the batch being printed, and one that is still arriving.
        pending = int(one[4]) + int(two[8]) + (one[7] == b"1")
        return PrinterStatus(problems=tuple(problem for flag, problem in flags if flag == b"1"), pending=pending)


LANGUAGE = Zpl()
