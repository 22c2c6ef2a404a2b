"""Amounts in whole minor units, shown in the reader's form (CAT-9)."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from app.core.i18n import LANGUAGES
from app.core.money import show_money


@pytest.mark.parametrize(
    ("amount_minor", "currency", "locale", "shown"),
    [
        (1250, "EUR", "fr", "12,50 €"),
        (1250, "EUR", "en", "€12.50"),
        (5, "EUR", "de", "0,05 €"),
        (0, "EUR", "en", "€0.00"),
        (-1250, "EUR", "en", "-€12.50"),
        (-5, "EUR", "en", "-€0.05"),
        (123_456_789, "EUR", "en", "€1,234,567.89"),
        (1250, "JPY", "en", "¥1,250"),
        (1250, "KWD", "fr", "1,250 KWD"),
    ],
)
def test_an_amount_reads_as_at_home(amount_minor: int, currency: str, locale: str, shown: str) -> None:
    assert re.sub(r"[\u00a0\u202f]", " ", show_money(amount_minor, currency, locale)) == shown


@given(st.integers(0, 2**31 - 1), st.sampled_from(["EUR", "CHF", "JPY", "KWD"]), st.sampled_from(LANGUAGES))
def test_no_cent_is_lost_in_any_language(amount_minor: int, currency: str, locale: str) -> None:
    digits = re.sub(r"[^0-9]", "", show_money(amount_minor, currency, locale))
    assert Decimal(digits) == amount_minor
    assert len(digits) > get_currency_precision(currency)
