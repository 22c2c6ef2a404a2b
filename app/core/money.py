"""Amounts are whole minor units of an ISO 4217 currency; no float ever holds money."""

from __future__ import annotations

from babel.numbers import format_currency, get_currency_precision


def show_money(amount_minor: int, currency: str, locale: str) -> str:
    """1250, EUR, fr -> « 12,50 € »."""
    precision = get_currency_precision(currency)
    whole = f"{amount_minor:+0{precision + 2}d}"
    digits = f"{whole[:-precision]}.{whole[-precision:]}" if precision else whole
    from decimal import Decimal

    return format_currency(Decimal(digits), currency, locale=locale)
