"""Orders, tickets, payments, refunds, notifications."""

from __future__ import annotations

from enum import StrEnum

from piccolo.columns import BigInt, BigSerial, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.accounts.tables import Account
from app.catalog.tables import Allotment, BoxOffice, Event, Performance, Tariff


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TicketStatus(StrEnum):
    """`pending` and `sold` tickets are live: a partial unique index lets a seat have one of them (LIVE-10)."""

    PENDING = "pending"
    SOLD = "sold"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class Order(Table, tablename="sale", schema="sales"):
    """What one buyer pays for one event (ORD-1). `key` opens its page without a log-in."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=20, null=False, unique=True)
    key = Varchar(length=40, null=False)
    box_office = ForeignKey(BoxOffice, null=False, on_delete=OnDelete.restrict, index=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)
    status = Varchar(length=10, null=False, choices=OrderStatus)
    channel = Varchar(length=10, null=False)
    operator = ForeignKey(Account, null=True, on_delete=OnDelete.restrict, index=True)
    cart_digest = Varchar(length=64, null=False, index=True)
    name = Varchar(length=160, null=False)
    email = Varchar(length=254, null=False, index=True)
    locale = Varchar(length=5, null=False)
    currency = Varchar(length=3, null=False)
    total_minor = Integer(null=False)
    created_at = Timestamptz(null=False, default=None, index=True)
    deadline_at = Timestamptz(null=False, default=None)
    paid_at = Timestamptz(null=True, default=None)
    mailed_at = Timestamptz(null=True, default=None)


class Ticket(Table, tablename="ticket", schema="sales"):
    """One admission. The price and every label are frozen when it is ordered."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=20, null=False, unique=True)
    order = ForeignKey(Order, null=False, on_delete=OnDelete.restrict, index=True)
    performance = ForeignKey(Performance, null=False, on_delete=OnDelete.restrict, index=True)
    tariff = ForeignKey(Tariff, null=False, on_delete=OnDelete.restrict, index=True)
    seat = Varchar(length=200, null=True, default=None)
    ordinal = Integer(null=False, default=-1)
    seat_label = Varchar(length=200, null=False, default="")
    category = Varchar(length=80, null=False, default="")
    tariff_name = Varchar(length=120, null=False)
    price_minor = Integer(null=False)
    status = Varchar(length=10, null=False, choices=TicketStatus)
    used_at = Timestamptz(null=True, default=None)
    allotment = ForeignKey(Allotment, null=True, on_delete=OnDelete.restrict, index=True)
    """Where its place came from, and returns to if it is given back while that is in force."""


class Payment(Table, tablename="payment", schema="sales"):
    """One attempt to pay an order (PAY-10 keeps each with the bank's own reason)."""

    id = BigSerial(primary_key=True)
    order = ForeignKey(Order, null=False, on_delete=OnDelete.restrict, index=True)
    method = Varchar(length=30, null=False)
    status = Varchar(length=10, null=False, choices=PaymentStatus)
    amount_minor = Integer(null=False)
    """What was asked for. `charged_minor` is what the provider says that it took: refunds are held against that."""
    currency = Varchar(length=3, null=False)
    charged_minor = Integer(null=True, default=None)
    charged_currency = Varchar(length=3, null=True, default=None)
    idempotency_key = Varchar(length=60, null=False, unique=True)
    reference = Varchar(length=255, null=True, default=None, unique=True)
    charge_reference = Varchar(length=255, null=True, default=None)
    pay_url = Text(null=True, default=None)
    reason_code = Varchar(length=80, null=True, default=None)
    reason_text = Text(null=True, default=None)
    received_minor = Integer(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    settled_at = Timestamptz(null=True, default=None)


class Refund(Table, tablename="refund", schema="sales"):
    """Money that goes back; never more than its payment took (PAY-7)."""

    id = BigSerial(primary_key=True)
    payment = ForeignKey(Payment, null=False, on_delete=OnDelete.restrict, index=True)
    amount_minor = Integer(null=False)
    reason = Varchar(length=200, null=False)
    status = Varchar(length=10, null=False, default="queued")
    idempotency_key = Varchar(length=60, null=False, unique=True)
    reference = Varchar(length=255, null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    sent_at = Timestamptz(null=True, default=None)


class ProviderNotification(Table, tablename="provider_notification", schema="sales"):
    """Each notification of a provider once: a replay finds its row and does nothing."""

    id = BigSerial(primary_key=True)
    provider = Varchar(length=30, null=False)
    event_id = Varchar(length=255, null=False)
    payment = BigInt(null=True, default=None)
    received_at = Timestamptz(null=False, default=None)

    unique_event = Unique(["provider", "event_id"])
