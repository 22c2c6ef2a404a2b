"""The jobs of selling. Each may run twice: its workflow finds its work done and does nothing."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from app.core import jobs
from app.core.db import connection, transaction
from app.core.jobs import job
from app.sales import confirmations, groups, payments, refunds
from app.sales import waitlist_jobs as _waitlist_jobs
from app.sales.mails import RefundCause
from app.sales.methods._contract import ProviderUnavailable

assert _waitlist_jobs  # imported so that its jobs are known wherever those of selling are

LOOK_AGAIN_EVERY = timedelta(seconds=30)

# Tries are five minutes apart in the end. An outage of the mail server or the bank may well last longer than an hour.
TRIES_OF_A_DAY, TRIES_OF_A_WEEK = 300, 2_000


@job("send_confirmation", attempts_max=TRIES_OF_A_DAY)
async def send_confirmation(order: int) -> None:
    await confirmations.send_confirmation(order)


@job("send_refund", attempts_max=TRIES_OF_A_WEEK)
async def send_refund(refund: int) -> None:
    await refunds.send_refund(refund)


@job("send_refund_notice", attempts_max=TRIES_OF_A_DAY)
async def send_refund_notice(order: int, amount_minor: int, because: RefundCause) -> None:
    await confirmations.send_refund_notice(order, amount_minor, because)


@job("send_seat_change", attempts_max=TRIES_OF_A_DAY)
async def send_seat_change(ticket: int, ordinal: int) -> None:
    await confirmations.send_seat_change(ticket, ordinal)


@job("look_up_payment")
async def look_up_payment(payment: int) -> None:
    """The notification may never come: ask, and ask again for as long as the order waits."""
    with contextlib.suppress(ProviderUnavailable):
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
    try:
        done = await payments.expire_order(order)
    except ProviderUnavailable:
        # While the bank cannot close its page, a payment may be under way: the seats wait as long as it takes.
        done = False
    if not done:
        async with transaction():
            await jobs.enqueue("expire_order", after=LOOK_AGAIN_EVERY, order=order)


@job("regroup")
async def regroup(loaded: list[str], forgotten: list[str]) -> None:
    """What whoever joined or parted events does at once; this is for when they died in between."""
    await groups.regroup(loaded, forgotten)
