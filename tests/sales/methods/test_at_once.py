"""The till: cash with change, a terminal without (PAY-1)."""

from __future__ import annotations

import pytest

from app.sales.methods import cash, free, terminal
from app.sales.methods._contract import NotAccepted
from tests.demo.bank_at_work import intent


def test_cash_gives_change() -> None:
    assert cash.METHOD.settle(intent(amount_minor=8_850), received_minor=10_000).change_minor == 1_150


def test_cash_that_is_too_little_is_refused() -> None:
    with pytest.raises(NotAccepted) as refusal:
        cash.METHOD.settle(intent(amount_minor=8_850), received_minor=5_000)
    assert refusal.value.code == "too_little"


def test_a_terminal_gives_no_change() -> None:
    with pytest.raises(NotAccepted):
        terminal.METHOD.settle(intent(amount_minor=8_850), received_minor=10_000)


def test_the_number_on_the_slip_is_kept() -> None:
    settlement = terminal.METHOD.settle(intent(), received_minor=8_850, reference="AUTH 004217")
    assert settlement.outcome.reference == "AUTH 004217"


def test_free_settles_nothing_that_has_a_price() -> None:
    with pytest.raises(NotAccepted):
        free.METHOD.settle(intent(amount_minor=1))
