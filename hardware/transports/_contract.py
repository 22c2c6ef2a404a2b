"""What a way to a printer must do. Its errors say the one thing that matters: may the printer have bytes of ours?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class PrinterUnreachable(Exception):
    """There was no connection; not one byte was sent."""


class PrinterLinkLost(Exception):
    """The connection ended, or stalled, after it was made: some bytes, or all, may have arrived."""


class PrinterSilent(Exception):
    """The printer did not answer a question in time; the connection still stands."""


class PrinterConnection(Protocol):
    """One conversation with a printer; printers hold one at a time."""

    async def write(self, data: bytes) -> None:
        """Returns once the bytes are out of our hands, not on paper. Raises `PrinterLinkLost`."""

    async def ask(self, question: bytes, read: Callable[[bytes], T | None]) -> T:
        """Writes a question and collects the answer until `read` makes something of it.
        Raises `PrinterSilent`, `PrinterLinkLost`, and whatever `read` raises."""

    async def close(self) -> None: ...


class Transport(Protocol):
    async def open(self) -> PrinterConnection:
        """Raises `PrinterUnreachable`."""
