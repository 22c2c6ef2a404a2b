"""An order of nothing: settled at once, for buyers and operators alike, and only when the total is zero."""

from __future__ import annotations

from typing import ClassVar

from app.core.i18n import N_
from app.sales.methods._contract import (
    AtOnceMethod,
    Audience,
    MethodSettings,
    NotAccepted,
    PaymentIntent,
    Settlement,
)


class Free(AtOnceMethod):
    id = "free"
    label = N_("Free")
    description = N_("Nothing to pay.")
    audience: ClassVar[frozenset[Audience]] = frozenset({"buyer", "reseller", "operator"})
    minimum_minor = 0

    def takes(self, total_minor: int, audience: Audience, settings: MethodSettings) -> bool:
        return settings.enabled and audience in self.audience and total_minor == 0

    def settle(self, intent: PaymentIntent, *, received_minor: int | None = None, reference: str = "") -> Settlement:
        if intent.amount_minor != 0:
            raise NotAccepted(N_("This order is not free. Please choose a way to pay."), code="not_free")
        return Settlement(self.settled(intent, reference))


METHOD = Free()
