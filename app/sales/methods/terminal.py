"""A card terminal that stands beside the till and is not connected to it: the cashier says that it approved."""

from __future__ import annotations

from typing import ClassVar

from app.core.i18n import N_
from app.sales.methods._contract import AtOnceMethod, Audience, NotAccepted, PaymentIntent, Settlement


class Terminal(AtOnceMethod):
    id = "terminal"
    label = N_("Card terminal")
    description = N_("Type the amount on the terminal and confirm once it says approved.")
    audience: ClassVar[frozenset[Audience]] = frozenset({"operator"})

    def settle(self, intent: PaymentIntent, *, received_minor: int | None = None, reference: str = "") -> Settlement:
        """`reference` is the authorisation number of the slip, where the cashier notes it."""
        if received_minor is not None and received_minor != intent.amount_minor:
            # A terminal gives no change: another amount is a typing mistake, to be found before the customer goes.
            raise NotAccepted(N_("The terminal must be charged exactly the total."), code="wrong_amount")
        return Settlement(self.settled(intent, reference))


METHOD = Terminal()
