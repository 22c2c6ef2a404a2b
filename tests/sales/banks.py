"""Banks that are late, and banks that are not there, without a race against them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from app.sales.methods.card import METHOD
from tests.demo.bank_at_work import BankAtWork, intent

LATE_BY_S = 120
"""How late the bank is by its own clock, which a test puts forward when it has seen what it came for. Less than the
five minutes beyond which the bank's messages are not believed."""


async def late_money_arrives(bank: BankAtWork) -> None:
    """All that was late is in time now. The bank sees it when it is stirred: by another buyer's page."""
    bank.clock.ahead_s += LATE_BY_S
    await METHOD.begin(intent("another-buyer"), settings=bank.settings)


@contextlib.contextmanager
def nobody_listens() -> Iterator[str]:
    """An address that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
