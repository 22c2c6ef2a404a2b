"""Ways to pay, as this installation has set them up (PAY-1)."""

from __future__ import annotations

from app.core.errors import Problem
from app.sales.methods import find_method
from app.sales.methods._contract import MethodSettings, PaymentMethod
from app.settings import get_settings


def method_of(method_id: str) -> PaymentMethod:
    """Raises Problem('unknown_method')."""
    found = find_method(method_id)
    if found is None:
        raise Problem("unknown_method")
    return found


def method_settings(method: PaymentMethod) -> MethodSettings:
    """This installation's settings of a method."""
    settings = get_settings()
    if method.id == "card":
        return MethodSettings(
            enabled=bool(settings.card_api_url),
            base_url=settings.card_api_url,
            secret_key=settings.card_secret_key,
            webhook_secret=settings.card_webhook_secret,
            test_mode=settings.card_test_mode,
        )
    return MethodSettings()
