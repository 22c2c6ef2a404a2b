"""What a payment's outcome means for its order (PAY-1, PAY-10). Pure.

The provider's word is evidence: it is compared with what the order asked for. An outcome may come twice, late, or after
the order has given up its seats; each of these has one answer.
"""

from __future__ import annotations

from typing import Literal

from app.sales.methods._contract import Outcome
from app.sales.tables import OrderStatus, PaymentStatus

Decision = Literal["nothing", "complete", "revive", "refund", "note_refusal", "close_attempt"]
"""nothing: known already. complete: order paid, tickets sold. revive: paid after the seats were given up: take them
again if they are free, else refund. refund: money came that no order wants. note_refusal: keep the reason, the attempt
goes on. close_attempt: this attempt is over; the order may start another while its deadline lasts."""


def decide(
    order: OrderStatus, payment: PaymentStatus, outcome: Outcome, *, amount_minor: int, currency: str
) -> Decision:
    if outcome.status == "paid":
        return _decide_paid(order, payment, outcome, amount_minor=amount_minor, currency=currency)
    if payment != PaymentStatus.PENDING or outcome.status == "pending":
        return "nothing"
    return "close_attempt" if outcome.final else "note_refusal"


def _decide_paid(
    order: OrderStatus, payment: PaymentStatus, outcome: Outcome, *, amount_minor: int, currency: str
) -> Decision:
    if payment in (PaymentStatus.PAID, PaymentStatus.REFUNDED):
        return "nothing"
    if (outcome.amount_minor, outcome.currency.upper()) != (amount_minor, currency.upper()):
        # Never hand out tickets for another amount than was asked; give back what came.
        return "refund"
    if order == OrderStatus.PENDING:
        return "complete"
    if order == OrderStatus.PAID:
        return "refund"  # another attempt of the same order was quicker: paid twice
    return "revive"
