"""Money that goes back (PAY-7): decided with its payment locked, sent by a job, never more than came in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import structlog

from app.core import jobs, journal
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.ids import new_token
from app.sales.mails import RefundCause
from app.sales.methods._contract import Outcome, ProviderRefused, RedirectMethod, RefundOutcome
from app.sales.offered_methods import method_of, method_settings
from app.sales.tables import OrderStatus

log = structlog.get_logger()


def cause_of(order: Any, payment: Any, outcome: Outcome) -> RefundCause:
    """Why money that came is given back, as its buyer is told."""
    if outcome.amount_minor != payment["amount_minor"] or outcome.currency.upper() != payment["currency"]:
        return "wrong_amount"
    return "paid_twice" if order["status"] == OrderStatus.PAID else "seats_gone"


async def queue_refund(
    ledger: asyncpg.Connection, payment: Any, amount_minor: int, reason: RefundCause, *, at: datetime
) -> None:
    """Money goes back: a row and the job that sends it, in the caller's transaction. The database refuses a sum of
    refunds above the payment."""
    id = await ledger.fetchval(
        "INSERT INTO sales.refund (payment, amount_minor, reason, status, idempotency_key, created_at)"
        " VALUES ($1, $2, $3, 'queued', $4, $5) RETURNING id",
        payment["id"], amount_minor, reason, new_token(), at,
    )  # fmt: skip
    await jobs.enqueue("send_refund", refund=id)


async def send_refund(refund: int) -> None:
    """Ask the provider to give the money back; repeated with the same key until it has. Idempotent."""
    async with connection() as reader:
        row = await reader.fetchrow(
            "SELECT r.*, p.method, p.charge_reference, coalesce(p.charged_currency, p.currency) AS currency,"
            " s.box_office, s.code, s.id AS sale"
            ' FROM sales.refund r JOIN sales.payment p ON p.id = r.payment JOIN sales.sale s ON s.id = p."order"'
            " WHERE r.id = $1",
            refund,
        )
    method = method_of(row["method"])
    if row["status"] != "queued" or not isinstance(method, RedirectMethod):
        return
    try:
        outcome = await method.refund(
            row["charge_reference"], row["amount_minor"], row["currency"], row["idempotency_key"],
            settings=method_settings(method),
        )  # fmt: skip
    except ProviderRefused as error:
        # A clear no stays one: it is written down for a person, not asked again for ever.
        outcome = RefundOutcome(status="failed", amount_minor=row["amount_minor"], reason_code=error.code)
        log.error("refund_refused", refund=refund, code=error.code, detail=error.detail)
    status = "refused" if outcome.status == "failed" else "sent"
    at = now()
    async with transaction() as ledger:
        changed = await ledger.fetchval(
            "UPDATE sales.refund SET status = $2, reference = $3, sent_at = $4 WHERE id = $1 AND status = 'queued'"
            " RETURNING payment",
            refund, status, outcome.reference, at,
        )  # fmt: skip
        if changed is None:
            return
        if status == "sent":
            await ledger.execute("UPDATE sales.payment SET status = 'refunded' WHERE id = $1", changed)
            await jobs.enqueue(
                "send_refund_notice", order=row["sale"], amount_minor=row["amount_minor"], because=row["reason"]
            )
        await journal.record(
            f"box-office:{row['box_office']}", f"refund_{status}", row["code"],
            {"amount_minor": row["amount_minor"], "reference": outcome.reference, "reason": outcome.reason_code},
            actor=f"{method.id}: refund", at=at,
        )  # fmt: skip
