"""What the demo prints when it is ready: every address and log-in, in a frame that fits a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence

from app.demo.bank import LATE, NEEDS_CONFIRMING, SUCCEEDS
from app.demo.people import LOG_INS
from app.demo.ports import Ports

CARDS = (
    (SUCCEEDS, "is paid; any later month, any three digits"),
    (NEEDS_CONFIRMING, "asks for 3-D Secure"),
    (LATE, "is paid, and told late; the bank's page lists the others"),
)

Row = tuple[str, str, str]


def panel(ports: Ports, *, data: str, seconds: float, colour: bool | None = None) -> str:
    """The whole panel, ready to print; coloured where the terminal wants it."""
    painted = _wants_colour() if colour is None else colour
    shop = f"http://localhost:{ports.web}"
    world = f"http://localhost:{ports.world}"
    people = [(each.role.capitalize(), f"{shop}{each.page}", f"{each.email} · {each.password}") for each in LOG_INS]
    sections: list[list[Row]] = [
        [("Shop", f"{shop}/", "buy as anybody would; the map is live")],
        people,
        [
            ("Mailbox", f"{world}/", "every mail of the demo, with its tickets"),
            ("Printer", f"{world}/labels", f"what came out of it (port {ports.printer})"),
            ("Scanner", f"localhost:{ports.scanner}", "send it a ticket's code: the gate agent answers"),
        ],
        [("Test card" if not index else "", grouped(number), told) for index, (number, told) in enumerate(CARDS)],
    ]
    title = f"Placeur is open — ready in {seconds:.1f} s"
    foot = f"Data and logs: {data} · Ctrl-C stops everything"
    return _frame(title, sections, foot, painted)


def grouped(number: str) -> str:
    """A card number as it stands on a card."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _frame(title: str, sections: Sequence[Sequence[Row]], foot: str, painted: bool) -> str:
    rows = [row for section in sections for row in section]
    widths = [max(_width(row[column]) for row in rows) for column in range(3)]
    inner = max(sum(widths) + 4, _width(title), _width(foot))

    def line(text: str, style: str = "") -> str:
        padded = text + " " * (inner - _width(text))
        return f"│ {_paint(padded, style, painted)} │"

    lines = [f"╭{'─' * (inner + 2)}╮", line(title, "1")]
    for section in sections:
        lines.append(f"├{'─' * (inner + 2)}┤")
        for name, address, remark in section:
            cells = [_pad(name, widths[0]), _pad(address, widths[1]), _pad(remark, inner - sum(widths[:2]) - 4)]
            styled = (_paint(cells[0], "1", painted), _paint(cells[1], "36", painted), _paint(cells[2], "2", painted))
            lines.append(f"│ {'  '.join(styled)} │")
    lines += [f"├{'─' * (inner + 2)}┤", line(foot, "2"), f"╰{'─' * (inner + 2)}╯"]
    return "\n".join(lines)


def _paint(text: str, style: str, painted: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if painted and style else text


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns on a terminal, where wide characters take two and combining ones none."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
