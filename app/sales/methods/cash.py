"""Cash at the till, settled when the cashier has the money in hand."""

from __future__ import annotations

from typing import ClassVar

from app.core.i18n import N_
from app.sales.methods._contract import AtOnceMethod, Audience, NotAccepted, PaymentIntent, Settlement


class Cash(AtOnceMethod):
    id = "cash"
    label = N_("Cash")
    description = N_("Taken at the till.")
    audience: ClassVar[frozenset[Audience]] = frozenset({"operator"})

    def settle(self, intent: PaymentIntent, *, received_minor: int | None = None, reference: str = "") -> Settlement:
        """Without `received_minor` the exact amount was given."""
        received = intent.amount_minor if received_minor is None else received_minor
        if received < intent.amount_minor:
            raise NotAccepted(N_("This is less than the total. Please check the amount received."), code="too_little")
        return Settlement(self.settled(intent, reference), received - intent.amount_minor)


METHOD = Cash()
