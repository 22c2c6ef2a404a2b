"""What a payment method must be (PAY-1). One file of this folder is one method and exposes `METHOD`.

Three families, told apart by `settles`:

- `redirect`: the buyer leaves for a provider's page and comes back (RedirectMethod). Network calls; no transaction may
  be open around them. What the provider says is *evidence*: the order's workflow compares the amount and decides.
- `at_once`: an operator, or the price itself, settles it here and now (AtOnceMethod). No network.
- `later`: tickets wait until somebody validates (on-site reservation, transfer, invoice: PAY-2, PAY-3).

Methods are values without state: everything of a box office (keys, own minimum, own fees) comes in MethodSettings.
Labels and sentences are message ids; whoever shows them translates them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Struct

Audience = Literal["buyer", "reseller", "operator"]
Settles = Literal["redirect", "at_once", "later"]
Status = Literal["pending", "paid", "refused", "abandoned", "expired"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Fees(Struct, frozen=True, kw_only=True):
    """What this method adds to an order: minor units per order and per ticket, and parts in 10,000 of the total."""

    per_order_minor: int = 0
    per_ticket_minor: int = 0
    rate_bp: int = 0

    def on(self, total_minor: int, tickets: int) -> int:
        """The fee in minor units, a half rounded up. Nothing is added to what is free."""
        if total_minor == 0:
            return 0
        return self.per_order_minor + self.per_ticket_minor * tickets + (total_minor * self.rate_bp + 5_000) // 10_000


NO_FEES = Fees()


class MethodSettings(Struct, frozen=True, kw_only=True):
    """One box office's settings of one method. `None` keeps the method's own minimum or fees."""

    enabled: bool = True
    base_url: str = ""
    secret_key: str = ""
    webhook_secret: str = ""
    test_mode: bool = False
    timeout_s: float = 10.0
    minimum_minor: int | None = None
    fees: Fees | None = None

    def __post_init__(self) -> None:
        address = urlsplit(self.base_url)
        if self.base_url and address.scheme != "https" and address.hostname not in LOOPBACK:
            # The secret key travels with each call: never in clear over a network.
            raise ValueError("A payment provider's address must begin with https:// (http:// on loopback only).")

    def __repr__(self) -> str:
        # Settings end up in logs and tracebacks; keys must not.
        return f"MethodSettings(enabled={self.enabled}, base_url={self.base_url!r}, test_mode={self.test_mode})"


class PaymentIntent(Struct, frozen=True, kw_only=True):
    """One attempt to pay one order. The same `idempotency_key` always goes with the same values of all other fields:
    build it from stored rows only, or a retry is refused by the provider as a different request."""

    payment: str
    """Our payment's id; comes back in notifications as `Notification.payment`."""
    idempotency_key: str
    order_code: str
    amount_minor: int
    currency: str
    description: str
    return_url: str
    cancel_url: str
    email: str
    locale: str
    created_at: datetime
    expires_at: datetime


class Redirect(Struct, frozen=True):
    """Where to send the buyer, and the provider's name for this attempt (keep it: all later questions use it)."""

    url: str
    reference: str


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an attempt. `final`: nothing can follow, so seats may be given back. A `refused` that is not
    final is one card refused on a page that is still open: tell the reason, keep the seats, `withdraw` to close.
    `reason_code` and `reason_text` are the bank's own (PAY-10)."""

    status: Status
    final: bool
    amount_minor: int
    currency: str
    reference: str = ""
    charge_reference: str = ""
    reason_code: str = ""
    reason_text: str = ""


class Notification(Struct, frozen=True, kw_only=True):
    """An authentic message of the provider. `event_id` is the same in every redelivery: store it once, under a unique
    key, in the transaction that acts on it. `reference` is empty where the provider names only its inner payment:
    `payment` (ours) is then the way to the row. `outcome` is None for news that settle nothing: answer 200."""

    event_id: str
    payment: str
    reference: str
    outcome: Outcome | None


class RefundOutcome(Struct, frozen=True, kw_only=True):
    """`pending`: the bank has it in hand; `failed`: the money came back, with the bank's reason."""

    status: Literal["done", "pending", "failed"]
    amount_minor: int
    reference: str = ""
    reason_code: str = ""
    reason_text: str = ""


class Settlement(Struct, frozen=True):
    """An at-once payment, and the change to hand back."""

    outcome: Outcome
    change_minor: int = 0


class PaymentError(Exception):
    """`sentence` is a message id for a person; `code` and `detail` are the provider's own words, for the journal."""

    def __init__(self, sentence: str, *, code: str = "", detail: str = "") -> None:
        super().__init__(detail or sentence)
        self.sentence = sentence
        self.code = code
        self.detail = detail


class ProviderUnavailable(PaymentError):
    """No answer, or none that makes sense. What happened over there is unknown: call again with the same key, or look
    up; never with a new key."""


class ProviderRefused(PaymentError):
    """A clear no that will be the same next time. Nothing was charged or refunded by this call."""


class NotAccepted(PaymentError):
    """This method cannot settle this order: an amount below the minimum, or less cash than the total."""


class BadNotification(Exception):
    """Not from the provider, or not to be believed any more. Answer 400 and do nothing."""

    def __init__(self, reason: Literal["unsigned", "forged", "stale", "malformed"]) -> None:
        super().__init__(reason)
        self.reason = reason


class PaymentMethod(ABC):
    """What all methods have. `label` and `description` are message ids; `test_label` replaces the label in test mode,
    so that nobody mistakes play money for a sale."""

    id: ClassVar[str]
    label: ClassVar[str]
    test_label: ClassVar[str] = ""
    description: ClassVar[str]
    audience: ClassVar[frozenset[Audience]]
    settles: ClassVar[Settles]
    minimum_minor: ClassVar[int] = 1
    fees: ClassVar[Fees] = NO_FEES
    needs_keys: ClassVar[bool] = False

    def label_for(self, settings: MethodSettings) -> str:
        return self.test_label if settings.test_mode and self.test_label else self.label

    def fee_minor(self, total_minor: int, tickets: int, settings: MethodSettings) -> int:
        return (settings.fees or self.fees).on(total_minor, tickets)

    def takes(self, total_minor: int, audience: Audience, settings: MethodSettings) -> bool:
        """May `audience` pay `total_minor` this way in this box office?"""
        minimum = self.minimum_minor if settings.minimum_minor is None else settings.minimum_minor
        has_keys = bool(settings.base_url and settings.secret_key and settings.webhook_secret) or not self.needs_keys
        # What costs nothing is never sent to a bank or a till, whatever minimum a box office has set.
        return settings.enabled and has_keys and audience in self.audience and total_minor >= max(minimum, 1)


class RedirectMethod(PaymentMethod):
    """Every call may raise ProviderUnavailable (ask again) or ProviderRefused (do not)."""

    settles: ClassVar[Settles] = "redirect"

    @abstractmethod
    async def begin(self, intent: PaymentIntent, *, settings: MethodSettings) -> Redirect:
        """Open the provider's page. The same intent twice, even after a lost answer, gives the same page."""

    @abstractmethod
    async def look_up(self, reference: str, *, settings: MethodSettings) -> Outcome:
        """Ask how the attempt stands: when the buyer is back, and for whoever never comes back."""

    @abstractmethod
    async def withdraw(
        self, reference: str, *, because: Literal["abandoned", "expired"], settings: MethodSettings
    ) -> Outcome:
        """Close the page so that it cannot be paid any more, and say how the attempt ended. `paid` means the buyer was
        quicker; not `final` means a payment is in flight and its end must be waited for."""

    @abstractmethod
    def read_notification(
        self, headers: Mapping[str, str], body: bytes, now: datetime, *, settings: MethodSettings
    ) -> Notification:
        """Check and read what the provider sent. Raises BadNotification."""

    @abstractmethod
    async def refund(
        self, charge_reference: str, amount_minor: int, currency: str, idempotency_key: str, *, settings: MethodSettings
    ) -> RefundOutcome:
        """Give money back. The same key never gives it back twice."""


class AtOnceMethod(PaymentMethod):
    settles: ClassVar[Settles] = "at_once"

    @abstractmethod
    def settle(self, intent: PaymentIntent, *, received_minor: int | None = None, reference: str = "") -> Settlement:
        """Take the payment. `received_minor`: what the customer handed over, where that can differ from the amount;
        `reference`: what the till's own machine printed. Raises NotAccepted."""

    def settled(self, intent: PaymentIntent, reference: str = "") -> Outcome:
        return Outcome(
            status="paid",
            final=True,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            reference=reference,
            charge_reference=reference,
        )
