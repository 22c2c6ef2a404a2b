"""What a ZPL label looks like on paper, as SVG, for the page that shows the demo's printer.

Reads the part of ZPL II that ticket labels are made of (`^FO`, `^A`, `^FH`, `^FD`, `^FR`, `^GB`, `^BQ`, `^PW`, `^LL`);
other commands are passed over, as a printer does with what it does not know. It is a picture for people: what proves
that a label can be scanned is a test with another reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

import zxingcpp

from hardware.printers.zpl import width_of

COMMAND = re.compile(r"\^(A0|A@|BQ|FD|[A-Z]{2})([^^]*)")
QR_DROP = 10
"""Printers set a ^BQ field this many dots lower than its origin says."""
WIDTH, HEIGHT = 800, 400
FONTS = "'Arial Narrow','Roboto Condensed','Liberation Sans Narrow',Arial,sans-serif"


@dataclass(slots=True)
class _Field:
    """What has been said of the field that the next ^FS ends."""

    x: int = 0
    y: int = 0
    height: int = 20
    turned: bool = False
    hexadecimal: bool = False
    reverse: bool = False
    module: int = 0
    """Of a QR code, in dots; 0: it is text."""
    text: str | None = None


@dataclass(slots=True)
class _Label:
    width: int = WIDTH
    height: int = HEIGHT
    shapes: list[str] = field(default_factory=list)


def picture(zpl: str) -> str:
    """One label as an SVG document, a unit per dot."""
    label, current = _Label(), _Field()
    for command, rest in COMMAND.findall(zpl):
        arguments = rest.strip().split(",")
        match command:
            case "PW":
                label.width = _number(arguments, 0, WIDTH)
            case "LL":
                label.height = _number(arguments, 0, HEIGHT)
            case "FO":
                current = _Field(_number(arguments, 0), _number(arguments, 1))
            case "A0" | "A@":
                current.turned = arguments[0] == "R"
                current.height = _number(arguments, 1, current.height)
            case "FH":
                current.hexadecimal = True
            case "FR":
                current.reverse = True
            case "BQ":
                current.module = _number(arguments, 2, 3)
            case "GB":
                label.shapes.append(_box(current, arguments))
            case "FD":
                current.text = rest
            case "FS":
                label.shapes.append(_content(current))
                current = _Field()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {label.width} {label.height}" '
        f'font-family="{FONTS}" font-weight="700">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(label.shapes)}</svg>'
    )


def _content(current: _Field) -> str:
    if current.text is None:
        return ""
    if current.module:
        return _qr(current, current.text.partition(",")[2].removeprefix("A").strip())
    text = _decoded(current.text) if current.hexadecimal else current.text
    height = current.height
    place = f"translate({current.x} {current.y})"
    if current.turned:
        place += f" rotate(90) translate(0 {-height})"
    # The printer's font is narrower than what a browser has: its widths are known, so the text is fitted to them.
    return (
        f'<text transform="{place}" y="{height * 0.78:.0f}" font-size="{height}" textLength="{width_of(text, height)}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{"#fff" if current.reverse else "#000"}">{escape(text)}</text>'
    )


def _box(current: _Field, arguments: list[str]) -> str:
    width, height, line = (_number(arguments, place, 1) for place in range(3))
    # A box is never smaller than its line is thick.
    width, height = max(width, line), max(height, line)
    radius = _number(arguments, 4) * min(width, height) / 16
    inset = min(line, width, height) / 2
    filled = line * 2 >= min(width, height)
    paint = 'fill="#000"' if filled else f'fill="none" stroke="#000" stroke-width="{line}"'
    inset = 0 if filled else inset
    return (
        f'<rect x="{current.x + inset:g}" y="{current.y + inset:g}" width="{width - 2 * inset:g}" '
        f'height="{height - 2 * inset:g}" rx="{radius:g}" {paint}/>'
    )


def _qr(current: _Field, code: str) -> str:
    barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    pixels: Any = barcode.to_image(scale=1, add_quiet_zones=False)  # a buffer, which its stubs do not say
    rows: Any = memoryview(pixels).tolist()
    path = "".join(
        f"M{column} {row}h1v1h-1z" for row, cells in enumerate(rows) for column, cell in enumerate(cells) if not cell
    )
    place = f"translate({current.x} {current.y + QR_DROP}) scale({current.module})"
    return f'<path transform="{place}" shape-rendering="crispEdges" d="{path}"/>'


def _decoded(text: str) -> str:
    """Undo ^FH: `_C3_A9` are the bytes of é."""
    raw = re.sub(rb"_([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode(errors="replace")


def _number(arguments: list[str], place: int, missing: int = 0) -> int:
    found = re.match(r"-?\d+", arguments[place].strip()) if place < len(arguments) else None
    return int(found[0]) if found else missing
