"""Selling at the counter: the money is in the till, the ledger and the printer follow once (BOX-2, PRN-3)."""

from __future__ import annotations

import asyncio

import pytest

from app.core import journal
from app.core.db import connection
from app.core.errors import Problem
from app.sales.inventory import inventory
from seating.store import SOLD
from tests.cast import Theatre
from tests.counter.people import cart_with, sell
from tests.work import waiting


async def test_a_cash_sale_is_settled_printed_and_counted_in_one_go(theatre: Theatre) -> None:
    sale = await sell(theatre, await cart_with(theatre, 0, 1), expected_total_minor=8000, received_minor=10_000)
    assert (sale.placed.status, sale.placed.total_minor, sale.change_minor) == ("paid", 8000, 2000)
    assert len(sale.print_jobs) == 2
    async with connection() as reader:
        payment = await reader.fetchrow("SELECT method, status, amount_minor, received_minor FROM sales.payment")
        tickets = await reader.fetch("SELECT status FROM sales.ticket")
    assert tuple(payment) == ("cash", "paid", 8000, 10_000)
    assert [t["status"] for t in tickets] == ["sold", "sold"]
    seen = await inventory().snapshot(theatre.group, theatre.performance)
    assert [seen.states[0], seen.states[1]] == [SOLD, SOLD]
    assert await waiting("send_confirmation") == []  # no address, no mail
    assert await journal.audit() == (1, [])


async def test_a_sale_whose_answer_was_lost_is_neither_sold_nor_printed_twice(theatre: Theatre) -> None:
    cart = await cart_with(theatre, 0, 1)
    first, second = await asyncio.gather(sell(theatre, cart), sell(theatre, cart))
    third = await sell(theatre, cart)
    assert first.placed.code == second.placed.code == third.placed.code
    assert first.print_jobs == second.print_jobs == third.print_jobs
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM counter.print_job") == 2
        assert await reader.fetchval("SELECT count(*) FROM sales.payment") == 1


async def test_less_cash_than_the_total_sells_nothing_even_when_no_total_was_said(theatre: Theatre) -> None:
    cart = await cart_with(theatre, 0)
    for expected in (4000, None):
        with pytest.raises(Problem) as refused:
            await sell(theatre, cart, expected_total_minor=expected, received_minor=3999)
        assert refused.value.code == "not_enough_cash"
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM sales.sale") == 0
    exact = await sell(theatre, cart, received_minor=4000)
    assert exact.change_minor == 0


async def test_tickets_that_nobody_wants_on_paper_are_not_printed(theatre: Theatre) -> None:
    sale = await sell(theatre, await cart_with(theatre, 0), method="terminal", print_tickets=False)
    assert sale.print_jobs == ()
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM counter.print_job") == 0
