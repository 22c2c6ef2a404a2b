"""Card online with 3-D Secure, on the provider's own page (PAY-1): Stripe's Checkout Sessions.

In demo and test mode it is the *test card*: the same protocol against another address and key, under the label "Test
card", so that what is tried out is what will run. There is no separate test method that could drift from this one.

No card number ever comes near us. A page stays open after a refused card, so that the buyer can try another one there;
`withdraw` closes it. The provider keeps a page open for 30 minutes at least, often longer than seats are kept: whoever
lets an order go withdraws its page first.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import quote

from msgspec.structs import replace

from app.core.i18n import N_
from app.sales.methods import _stripe
from app.sales.methods._contract import (
    Audience,
    BadNotification,
    MethodSettings,
    Notification,
    Outcome,
    PaymentIntent,
    ProviderRefused,
    Redirect,
    RedirectMethod,
    RefundOutcome,
)

SESSIONS = "/v1/checkout/sessions"
PAGE_LANGUAGES = frozenset({"fr", "en", "es", "it", "de", "pt", "nl"})
# 30 minutes to 24 hours after creation *by the provider's clock*: with room for clocks that differ and late retries.
PAGE_MIN = timedelta(minutes=35)
PAGE_MAX = timedelta(hours=23, minutes=55)
REFUND_STATUS: Mapping[str, Literal["done", "pending", "failed"]] = {
    "succeeded": "done",
    "failed": "failed",
    "canceled": "failed",
}
WITH_REASON = {"expand[]": "payment_intent"}


class Card(RedirectMethod):
    id = "card"
    label = N_("Bank card")
    test_label = N_("Test card")
    description = N_("Paid on the secure page of our bank, which may ask you to confirm with your own.")
    audience: ClassVar[frozenset[Audience]] = frozenset({"buyer", "reseller"})
    minimum_minor = 50  # the provider's own floor for most currencies; it refuses by itself where it is higher
    needs_keys = True

    async def begin(self, intent: PaymentIntent, *, settings: MethodSettings) -> Redirect:
        session = await _stripe.post(
            settings, SESSIONS, session_fields(intent), _stripe.Session, key=intent.idempotency_key
        )
        if not session.url:
            # The stored answer of an earlier call with this key: its page has been closed since.
            raise ProviderRefused(N_("This payment page is closed. Please start the payment again."), code="closed")
        return Redirect(session.url, session.id)

    async def look_up(self, reference: str, *, settings: MethodSettings) -> Outcome:
        session = await _stripe.get(settings, f"{SESSIONS}/{quote(reference, safe='')}", WITH_REASON, _stripe.Session)
        return outcome_of(session)

    async def withdraw(
        self, reference: str, *, because: Literal["abandoned", "expired"], settings: MethodSettings
    ) -> Outcome:
        try:
            session = await _stripe.post(
                settings,
                f"{SESSIONS}/{quote(reference, safe='')}/expire",
                WITH_REASON,
                _stripe.Session,
                # A fresh key for each call: closing twice does no harm, but a stored "not now" would be final.
                key=f"withdraw-{uuid.uuid4().hex}",
            )
        except ProviderRefused:
            # Paid, already closed, or in flight: the state says which.
            return _named(await self.look_up(reference, settings=settings), because)
        return _named(outcome_of(session), because)

    def read_notification(
        self, headers: Mapping[str, str], body: bytes, now: datetime, *, settings: MethodSettings
    ) -> Notification:
        event = _stripe.open_event(headers, body, settings.webhook_secret, now)
        if event.type.startswith("checkout.session."):
            session = _stripe.read_object(event.data.object, _stripe.Session)
            outcome = outcome_of(session)
            if event.type == "checkout.session.async_payment_failed":
                outcome = _refused(outcome, None, final=True)
            elif event.type not in {
                "checkout.session.completed",
                "checkout.session.async_payment_succeeded",
                "checkout.session.expired",
            }:
                return Notification(event_id=event.id, payment=_payment_of(session), reference=session.id, outcome=None)
            return Notification(event_id=event.id, payment=_payment_of(session), reference=session.id, outcome=outcome)
        if event.type == "payment_intent.payment_failed":
            inner = _stripe.read_object(event.data.object, _stripe.Intent)
            if not inner.currency:
                raise BadNotification("malformed")
            currency = inner.currency.upper()
            attempt = Outcome(
                status="pending",
                final=False,
                amount_minor=_stripe.from_provider_amount(inner.amount, currency),
                currency=currency,
                charge_reference=inner.id,
            )
            return Notification(
                event_id=event.id,
                payment=inner.metadata.get("payment", ""),
                reference="",  # it names no session: `payment` leads to the row
                outcome=_refused(attempt, inner.last_payment_error, final=False),
            )
        return Notification(event_id=event.id, payment="", reference="", outcome=None)

    async def refund(
        self, charge_reference: str, amount_minor: int, currency: str, idempotency_key: str, *, settings: MethodSettings
    ) -> RefundOutcome:
        """A refund over what is left is refused as a whole (ProviderRefused), never cut down."""
        fields = {
            "payment_intent": charge_reference,
            "amount": str(_stripe.to_provider_amount(amount_minor, currency)),
            "reason": "requested_by_customer",
        }
        refund = await _stripe.post(settings, "/v1/refunds", fields, _stripe.Refund, key=idempotency_key)
        return RefundOutcome(
            status=REFUND_STATUS.get(refund.status or "", "pending"),
            amount_minor=_stripe.from_provider_amount(refund.amount, currency),
            reference=refund.id,
            reason_code=refund.failure_reason or "",
        )


def session_fields(intent: PaymentIntent) -> dict[str, str]:
    """The form that opens a page. Of the intent alone, never of the clock: the same key must carry the same form."""
    closes_at = min(max(intent.expires_at, intent.created_at + PAGE_MIN), intent.created_at + PAGE_MAX)
    language = intent.locale.replace("_", "-").split("-")[0].lower()
    item = "line_items[0]"
    return {
        "mode": "payment",
        "payment_method_types[0]": "card",
        "client_reference_id": intent.order_code,
        "customer_email": intent.email,
        "locale": language if language in PAGE_LANGUAGES else "auto",
        "success_url": intent.return_url,
        "cancel_url": intent.cancel_url,
        "expires_at": str(int(closes_at.timestamp())),
        # One line for the whole order: what it is made of is on our own page, and a discount is no item of a bank.
        f"{item}[quantity]": "1",
        f"{item}[price_data][currency]": intent.currency.lower(),
        f"{item}[price_data][unit_amount]": str(_stripe.to_provider_amount(intent.amount_minor, intent.currency)),
        f"{item}[price_data][product_data][name]": intent.description[:250],
        "metadata[payment]": intent.payment,
        "metadata[order]": intent.order_code,
        # Repeated inside: news of a refused card carry the inner payment only.
        "payment_intent_data[description]": f"{intent.order_code} · {intent.description}"[:500],
        "payment_intent_data[metadata][payment]": intent.payment,
        "payment_intent_data[metadata][order]": intent.order_code,
    }


def outcome_of(session: _stripe.Session) -> Outcome:
    """What a session's state means."""
    currency = (session.currency or "").upper()
    inner = session.payment_intent
    outcome = Outcome(
        status="pending",
        final=False,
        amount_minor=_stripe.from_provider_amount(session.amount_total or 0, currency) if currency else 0,
        currency=currency,
        reference=session.id,
        charge_reference=inner.id if isinstance(inner, _stripe.Intent) else inner or "",
    )
    if session.payment_status in {"paid", "no_payment_required"}:
        return _ended(outcome, "paid")
    failure = inner.last_payment_error if isinstance(inner, _stripe.Intent) else None
    # While a new attempt runs, the refusal before it says nothing.
    waiting = isinstance(inner, _stripe.Intent) and inner.status in {"processing", "requires_action"}
    if session.status == "expired":
        return _refused(outcome, failure, final=True) if failure else _ended(outcome, "expired")
    if failure and not waiting:
        return _refused(outcome, failure, final=session.status == "complete")
    return outcome


def _ended(outcome: Outcome, status: Literal["paid", "expired", "abandoned"]) -> Outcome:
    return replace(outcome, status=status, final=True)


def _refused(outcome: Outcome, failure: _stripe.Failure | None, *, final: bool) -> Outcome:
    return replace(
        outcome,
        status="refused",
        final=final,
        reason_code=failure.reason if failure else "",
        reason_text=(failure.message or "") if failure else "",
    )


def _named(outcome: Outcome, because: Literal["abandoned", "expired"]) -> Outcome:
    """A page closed without any try ended for our reason, which the provider cannot know."""
    return _ended(outcome, because) if outcome.status == "expired" else outcome


def _payment_of(session: _stripe.Session) -> str:
    return (session.metadata or {}).get("payment", "")


METHOD = Card()
