"""Paying an order: beginning an attempt, and what comes of it (PAY-1, PAY-10).

The provider is never asked inside a transaction. What it says arrives three ways - the buyer returns, a notification
comes, our own look-up - and all three end in `settle`, which locks the order and decides once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import asyncpg
import structlog
from redis.exceptions import RedisError

from app.catalog.queries import offer_of
from app.catalog.rules.selling import quotas_for
from app.core import jobs, journal
from app.core.clock import now
from app.core.db import UniqueViolationError, connection, transaction
from app.core.errors import Problem
from app.core.i18n import gettext, translated
from app.core.ids import new_token
from app.sales.inventory import hold, inventory, lock_group
from app.sales.kept import name_of, names_that_open
from app.sales.methods._contract import (
    BadNotification,
    Outcome,
    PaymentError,
    PaymentIntent,
    ProviderRefused,
    ProviderUnavailable,
    RedirectMethod,
)
from app.sales.offered_methods import method_of, method_settings
from app.sales.orders import (
    Wanted,
    cancel_pending,
    check_quotas,
    complete_order,
    follow_in_inventory,
    group_of_order,
    lock_order,
)
from app.sales.refunds import cause_of, queue_refund
from app.sales.rules.settling import Decision, decide
from app.sales.tables import OrderStatus, PaymentStatus
from app.settings import get_settings
from seating.store import GroupMissing, Held, HoldRequest, Line, NamedSeats, Owner, Quantity, StoreUnavailable

log = structlog.get_logger()
LOOK_AGAIN = timedelta(seconds=20)


async def begin_payment(payment: int) -> str | None:
    """Open the provider's page for an attempt and return its address; None for a method without one.

    Safe to repeat: the provider is asked with the attempt's own key. Raises Problem: order_closed,
    provider_unavailable, provider_refused.
    """
    async with connection() as reader:
        row = await _read_payment(reader, payment)
    method = method_of(row["method"])
    if not isinstance(method, RedirectMethod):
        return None
    if row["order_status"] != OrderStatus.PENDING or row["status"] != PaymentStatus.PENDING:
        raise Problem("order_closed")
    if row["pay_url"]:
        return str(row["pay_url"])
    intent = await _intent(row)
    try:
        redirect = await method.begin(intent, settings=method_settings(method))
    except ProviderUnavailable as error:
        log.warning("provider_unavailable", payment=payment, detail=error.detail)
        raise Problem("provider_unavailable") from error
    except PaymentError as error:
        log.error("provider_refused", payment=payment, code=error.code, detail=error.detail)
        await _give_up_attempt(payment, error)
        raise Problem("provider_refused", params={"reason": gettext(error.sentence)}) from error
    async with transaction() as ledger:
        await ledger.execute(
            "UPDATE sales.payment SET reference = $2, pay_url = $3 WHERE id = $1",
            payment, redirect.reference, redirect.url,
        )  # fmt: skip
        await jobs.enqueue("look_up_payment", after=LOOK_AGAIN, once=f"look-up:{payment}", payment=payment)
    return redirect.url


async def _give_up_attempt(payment: int, error: PaymentError) -> None:
    """The provider will say the same to this attempt each time: the next try must be a new one (PAY-10)."""
    async with connection() as ledger:
        await ledger.execute(
            "UPDATE sales.payment SET status = 'refused', reason_code = $2, reason_text = $3, settled_at = $4"
            " WHERE id = $1 AND status = 'pending' AND reference IS NULL",
            payment, error.code[:80] or None, error.detail or None, now(),
        )  # fmt: skip


async def try_again(order: int, method_id: str, *, at: datetime) -> int:
    """A new attempt for an order that still waits; returns its id. Raises Problem: order_closed,
    unknown_method for one that no buyer may use."""
    method = method_of(method_id)
    async with transaction() as ledger:
        row = await lock_order(ledger, order)
        if row["status"] != OrderStatus.PENDING or row["deadline_at"] <= at:
            raise Problem("order_closed")
        if not method.takes(row["total_minor"], "buyer", method_settings(method)):
            raise Problem("unknown_method")
        waiting = await ledger.fetchval(
            "SELECT id FROM sales.payment WHERE \"order\" = $1 AND status = 'pending' AND method = $2"
            " ORDER BY id DESC LIMIT 1",
            order, method_id,
        )  # fmt: skip
        if waiting is not None:
            return int(waiting)
        id: int = await ledger.fetchval(
            'INSERT INTO sales.payment ("order", method, status, amount_minor, currency, idempotency_key, created_at)'
            " VALUES ($1, $2, 'pending', $3, $4, $5, $6) RETURNING id",
            order, method_id, row["total_minor"], row["currency"], new_token(), at,
        )  # fmt: skip
        return id


async def look_up_payment(payment: int, *, final_word: bool = False) -> Decision:
    """Ask the provider how an attempt stands and act on it: for the buyer who is back, or never comes back."""
    async with connection() as reader:
        row = await _read_payment(reader, payment)
    method = method_of(row["method"])
    if not isinstance(method, RedirectMethod) or row["reference"] is None:
        return "nothing"
    try:
        outcome = await method.look_up(row["reference"], settings=method_settings(method))
    except ProviderRefused as error:
        log.error("look_up_refused", payment=payment, code=error.code, detail=error.detail)
        return "nothing"
    return await settle(payment, outcome, actor=f"{method.id}: look-up")


async def receive_notification(method_id: str, headers: Mapping[str, str], body: bytes, *, at: datetime) -> Decision:
    """A provider's message. The same one twice changes nothing. Raises Problem('bad_notification')."""
    method = method_of(method_id)
    if not isinstance(method, RedirectMethod):
        raise Problem("not_found")
    try:
        news = method.read_notification(headers, body, at, settings=method_settings(method))
    except BadNotification as error:
        log.warning("notification_refused", method=method_id, reason=error.reason)
        raise Problem("bad_notification") from error
    payment = await _payment_named(news.reference, news.payment)
    if payment is None or news.outcome is None:
        return "nothing"
    return await settle(payment, news.outcome, actor=f"{method_id}: notification", event_id=news.event_id)


async def settle(payment: int, outcome: Outcome, *, actor: str, event_id: str | None = None) -> Decision:
    """Act once on what the provider says of an attempt; returns what was decided."""
    at = now()
    async with transaction() as ledger:
        row = await _read_payment(ledger, payment)
        order = await lock_order(ledger, row["order"])
        row = await _read_payment(ledger, payment)  # again: now nobody else can change it
        if event_id is not None and await _is_known(ledger, row["method"], event_id):
            return "nothing"
        decision = decide(
            OrderStatus(order["status"]),
            PaymentStatus(row["status"]),
            outcome,
            amount_minor=row["amount_minor"],
            currency=row["currency"],
        )
        # A revival notes its event when it is done: should this process die before, the redelivery does the work.
        if decision != "revive":
            await _apply(ledger, decision, order, row, outcome, actor=actor, at=at)
            await _note_event(ledger, row, event_id, at)
    if decision == "revive":
        decision = await _revive(payment, outcome, actor=actor, event_id=event_id)
    if decision == "complete":
        await follow_in_inventory(await group_of_order(order), order["code"], OrderStatus.PAID)
    if decision != "nothing":
        log.info("payment_settled", payment=payment, order=order["code"], decision=decision, status=outcome.status)
    return decision


async def _apply(
    ledger: asyncpg.Connection, decision: Decision, order: Any, payment: Any, outcome: Outcome, *, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    match decision:
        case "complete":
            await _mark(ledger, payment, PaymentStatus.PAID, outcome, at)
            await complete_order(ledger, order, payment=payment["id"], actor=actor, at=at)
        case "refund":
            await _mark(ledger, payment, PaymentStatus.PAID, outcome, at)
            if outcome.amount_minor <= 0:
                return  # "paid", and nothing came: there is nothing to give back either
            await queue_refund(ledger, payment, outcome.amount_minor, cause_of(order, payment, outcome), at=at)
            await journal.record(
                f"box-office:{order['box_office']}", "refund_queued", order["code"],
                {"payment": payment["id"], "amount_minor": outcome.amount_minor}, actor=actor, at=at,
            )  # fmt: skip
        case "note_refusal" | "close_attempt":
            if not outcome.final and (payment["reason_code"], payment["reason_text"]) == _reason_of(outcome):
                return  # looked up again, and still the same: no news for the journal
            status = PaymentStatus.REFUSED if outcome.status == "refused" else PaymentStatus(outcome.status)
            kept = status if outcome.final else PaymentStatus.PENDING
            await _mark(ledger, payment, kept, outcome, at)
            await journal.record(
                f"box-office:{order['box_office']}", f"payment_{status.value}", order["code"],
                {"payment": payment["id"], "reason": outcome.reason_code}, actor=actor, at=at,
            )  # fmt: skip
        case "nothing" | "revive":
            pass


class _SeatsGone(Exception):
    """What a late payment was for cannot be had any more."""


async def _revive(payment: int, outcome: Outcome, *, actor: str, event_id: str | None) -> Decision:
    """Paid after the order had given up its seats: take the same ones again if all are free, else give the money back.

    The seats are held in the live inventory first, so that nobody is buying them meanwhile."""
    async with connection() as reader:
        row = await _read_payment(reader, payment)
        order = await reader.fetchrow("SELECT * FROM sales.sale WHERE id = $1", row["order"])
        tickets = await reader.fetch('SELECT * FROM sales.ticket WHERE "order" = $1 ORDER BY id', row["order"])
        opens = await names_that_open(reader, [(t["allotment"], t["ordinal"]) for t in tickets], now())
    group, cart = await group_of_order(order), f"late:{order['code']}:{payment}"
    held = await _hold_again(group, cart, tickets, opens)
    try:
        async with transaction() as ledger:
            at = now()
            locked = await lock_order(ledger, row["order"])
            fresh = await _read_payment(ledger, payment)
            if fresh["status"] in (PaymentStatus.PAID, PaymentStatus.REFUNDED):
                return "nothing"
            if not held or locked["status"] != OrderStatus.EXPIRED:
                raise _SeatsGone
            await lock_group(ledger, group, shared=True)
            if await group_of_order(locked) != group:
                raise Problem("store_unavailable")  # regrouped meanwhile: the provider or our job comes again
            await _check_limits_again(ledger, tickets, at)
            await ledger.execute("UPDATE sales.ticket SET status = 'pending' WHERE \"order\" = $1", locked["id"])
            await _mark(ledger, fresh, PaymentStatus.PAID, outcome, at)
            await complete_order(ledger, locked, payment=payment, actor=actor, at=at)
            await _note_event(ledger, fresh, event_id, at)
            if not isinstance(await inventory().promise(group, cart, locked["code"]), tuple):
                raise Problem("store_unavailable")  # the hold was lost meanwhile: the provider or our job comes again
        return "complete"
    except (UniqueViolationError, _SeatsGone):
        return await _refund_late(payment, outcome, actor=actor, event_id=event_id)
    finally:
        with contextlib.suppress(RedisError, StoreUnavailable, GroupMissing):
            await inventory().release(group, cart)


async def _refund_late(payment: int, outcome: Outcome, *, actor: str, event_id: str | None) -> Decision:
    async with transaction() as ledger:
        at = now()
        row = await _read_payment(ledger, payment)
        locked = await lock_order(ledger, row["order"])
        fresh = await _read_payment(ledger, payment)
        if fresh["status"] in (PaymentStatus.PAID, PaymentStatus.REFUNDED):
            return "nothing"
        await _apply(ledger, "refund", locked, fresh, outcome, actor=actor, at=at)
        await _note_event(ledger, fresh, event_id, at)
    return "refund"


async def _hold_again(group: str, cart: str, tickets: list[Any], opens: tuple[str, ...]) -> bool:
    """`opens`: what was kept for this buyer still is (AHEAD-2)."""
    lines: list[Line] = []
    for ticket in tickets:
        offer = await offer_of(ticket["performance"])
        if offer.cancelled_at is not None:
            return False
        quotas = quotas_for(offer, ticket["tariff"], ticket["category"])
        if ticket["ordinal"] >= 0:
            lines.append(NamedSeats(offer.id, (ticket["ordinal"],), ticket["tariff"], quotas))
        else:
            kept_in = name_of(ticket["allotment"] or 0)
            from_kept = kept_in if kept_in in opens else ""
            lines.append(Quantity(offer.id, 1, ticket["tariff"], quotas, allotment=from_kept))

    def request(id: str) -> HoldRequest:
        owner = Owner("buyer", "online")
        return HoldRequest(group=group, cart=cart, owner=owner, lines=tuple(lines), ttl_s=60, request_id=id, keys=opens)

    # The same request for the same payment: a notification and a look-up that meet here hold the seats together, and
    # the first to lock the order takes them.
    answer = await hold(request(cart))
    if isinstance(answer, Held) and not await inventory().held(group, cart):
        # Remembered from a try that failed and gave its hold back: this one needs its own.
        answer = await inventory().hold(request(f"{cart}:{new_token()}"))
    return isinstance(answer, Held)


async def _check_limits_again(ledger: asyncpg.Connection, tickets: list[Any], at: datetime) -> None:
    offers = {id: await offer_of(id) for id in {ticket["performance"] for ticket in tickets}}
    wanted = [Wanted(quotas_for(offers[t["performance"]], t["tariff"], t["category"]), t["allotment"]) for t in tickets]
    try:
        await check_quotas(ledger, wanted, offers, at)
    except Problem as problem:
        raise _SeatsGone from problem


async def expire_order(order: int) -> bool:
    """The deadline has passed: close the provider's page, then give the seats back. False: a payment is in flight, or
    the buyer was quicker; ask again later if the order still waits."""
    async with connection() as reader:
        payments = await reader.fetch(
            'SELECT id, method, reference FROM sales.payment WHERE "order" = $1 AND status = $2', order, "pending"
        )
    for payment in payments:
        if not await _close(payment, because="expired"):
            return False
    async with transaction() as ledger:
        row = await lock_order(ledger, order)
        if row["status"] != OrderStatus.PENDING:
            return True
        await ledger.execute(
            "UPDATE sales.payment SET status = 'expired' WHERE \"order\" = $1 AND status = 'pending'", order
        )
        await cancel_pending(ledger, row, because="not paid in time", actor="clock", at=now())
    await follow_in_inventory(await group_of_order(row), row["code"], OrderStatus.EXPIRED)
    return True


async def abandon_payment(payment: int) -> None:
    """The buyer came back without paying: close the provider's page; the order waits for another attempt."""
    async with connection() as reader:
        row = await _read_payment(reader, payment)
    if row["status"] == PaymentStatus.PENDING:
        await _close(row, because="abandoned")


async def _close(payment: Any, *, because: Literal["abandoned", "expired"]) -> bool:
    """True when nothing can follow on this attempt, or it never began."""
    method = method_of(payment["method"])
    if not isinstance(method, RedirectMethod) or payment["reference"] is None:
        return True
    try:
        outcome = await method.withdraw(payment["reference"], because=because, settings=method_settings(method))
    except ProviderRefused as error:
        # It does not know this page (other keys, another account): nothing can be closed, and seats must not wait for
        # ever. Should it be paid after all, the money is matched or given back then.
        log.error("withdraw_refused", payment=payment["id"], code=error.code, detail=error.detail)
        return True
    await settle(payment["id"], outcome, actor=f"{method.id}: withdrawn")
    return outcome.final


async def _mark(
    ledger: asyncpg.Connection, payment: Any, status: PaymentStatus, outcome: Outcome, at: datetime
) -> None:
    """Write down what became of an attempt, and what really came in: refunds are held against that."""
    paid = status == PaymentStatus.PAID
    await ledger.execute(
        "UPDATE sales.payment SET status = $2, reference = coalesce(reference, $3),"
        " charge_reference = coalesce($4, charge_reference), reason_code = $5, reason_text = $6, settled_at = $7,"
        " charged_minor = $8, charged_currency = $9 WHERE id = $1",
        payment["id"], status.value, outcome.reference or None, outcome.charge_reference or None, *_reason_of(outcome),
        None if status == PaymentStatus.PENDING else at,
        outcome.amount_minor if paid else None, outcome.currency.upper() if paid else None,
    )  # fmt: skip


def _reason_of(outcome: Outcome) -> tuple[str | None, str | None]:
    return outcome.reason_code[:80] or None, outcome.reason_text or None


async def _read_payment(reader: asyncpg.Connection, payment: int) -> Any:
    row = await reader.fetchrow(
        "SELECT p.*, s.code, s.key, s.status AS order_status, s.email, s.locale, s.deadline_at, s.event"
        ' FROM sales.payment p JOIN sales.sale s ON s.id = p."order" WHERE p.id = $1',
        payment,
    )
    if row is None:
        raise Problem("not_found")
    return row


async def belongs_to(payment: int, order: int) -> bool:
    async with connection() as reader:
        found: int | None = await reader.fetchval(
            'SELECT id FROM sales.payment WHERE id = $1 AND "order" = $2', payment, order
        )
    return found is not None


async def _payment_named(reference: str, payment: str) -> int | None:
    """Ours by the provider's own name for it. By our number only where that name is missing on either side: another
    system on the same account may number its payments like we do."""
    number = int(payment) if payment.isascii() and payment.isdigit() and len(payment) < 18 else None
    async with connection() as reader:
        found: int | None = await reader.fetchval(
            "SELECT id FROM sales.payment WHERE reference = $1 OR (id = $2 AND ($1 IS NULL OR reference IS NULL))"
            " ORDER BY reference IS NULL LIMIT 1",
            reference or None, number,
        )  # fmt: skip
    return found


async def _is_known(ledger: asyncpg.Connection, provider: str, event_id: str) -> bool:
    """With the order locked: has this very notification been acted on?"""
    known: bool = await ledger.fetchval(
        "SELECT EXISTS (SELECT 1 FROM sales.provider_notification WHERE provider = $1 AND event_id = $2)",
        provider, event_id,
    )  # fmt: skip
    return known


async def _note_event(ledger: asyncpg.Connection, payment: Any, event_id: str | None, at: datetime) -> None:
    if event_id is not None:
        await ledger.execute(
            "INSERT INTO sales.provider_notification (provider, event_id, payment, received_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            payment["method"], event_id, payment["id"], at,
        )  # fmt: skip


async def _intent(row: Any) -> PaymentIntent:
    """From stored rows only: the same attempt must always ask the same thing."""
    base = get_settings().public_url.rstrip("/")
    address = f"{base}/orders/{row['code']}?key={row['key']}"
    async with connection() as reader:
        performance = await reader.fetchval(
            'SELECT performance FROM sales.ticket WHERE "order" = $1 ORDER BY id LIMIT 1', row["order"]
        )
    offer = await offer_of(performance)
    return PaymentIntent(
        payment=str(row["id"]),
        idempotency_key=row["idempotency_key"],
        order_code=row["code"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        description=f"{translated(offer.title, row['locale'])} · {row['code']}",
        return_url=f"{address}&returned={row['id']}",
        cancel_url=f"{address}&abandoned={row['id']}",
        email=row["email"],
        locale=row["locale"],
        created_at=row["created_at"],
        expires_at=row["deadline_at"],
    )
