"""The jobs of selling. Each may run twice: its workflow finds its work done and does nothing."""

from __future__ import annotations

from datetime import timedelta

from app.core import jobs
from app.core.db import connection, transaction
from app.core.jobs import job
from app.sales import confirmations, payments
from app.sales.mails import RefundCause

LOOK_AGAIN_EVERY = timedelta(seconds=30)


@job("send_confirmation")
async def send_confirmation(order: int) -> None:
    await confirmations.send_confirmation(order)


@job("send_refund")
async def send_refund(refund: int) -> None:
    await payments.send_refund(refund)


@job("send_refund_notice")
async def send_refund_notice(order: int, amount_minor: int, because: RefundCause) -> None:
    await confirmations.send_refund_notice(order, amount_minor, because)


@job("look_up_payment")
async def look_up_payment(payment: int) -> None:
    """The notification may never come: ask, and ask again for as long as the order waits."""
    await payments.look_up_payment(payment)
    async with connection() as reader:
        waits = await reader.fetchval(
            'SELECT p.status = $2 AND s.status = $2 FROM sales.payment p JOIN sales.sale s ON s.id = p."order"'
            " WHERE p.id = $1",
            payment,
            "pending",
        )
    if waits:
        async with transaction():
            await jobs.enqueue("look_up_payment", after=LOOK_AGAIN_EVERY, payment=payment)


@job("expire_order")
async def expire_order(order: int) -> None:
    if not await payments.expire_order(order):
        async with transaction():
            await jobs.enqueue("expire_order", after=LOOK_AGAIN_EVERY, order=order)
