"""The invariants hold after ordinary sales, and each of them notices what it is there to notice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis

from app.core.clock import now
from app.sales.carts import Wish, add_to_cart
from app.sales.orders import place_order
from seating.store import Inventory
from tests.cast import ALICE, Theatre, buyer_cart
from tests.invariants import check_invariants


@pytest.fixture
async def books(theatre: Theatre, ledger: str) -> AsyncIterator[asyncpg.Connection]:
    """A ledger with a paid order, a pending one, a held seat and three unnumbered tickets."""
    for seats, settled in (((0, 1), True), ((5,), False)):
        cart = buyer_cart()
        await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats), at=now())
        method = "cash" if settled else "card"
        await place_order(cart, ALICE, method=method, expected_total_minor=None, settled=settled, at=now())
    await add_to_cart(buyer_cart(), Wish(performance=theatre.performance, seats=(9,)), at=now())
    standing = Wish(performance=theatre.standing, quantity=3, tariff=theatre.standing_tariff)
    crowd = buyer_cart()
    await add_to_cart(crowd, standing, at=now())
    await place_order(crowd, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
    await add_to_cart(buyer_cart(), standing, at=now())
    connection = await asyncpg.connect(ledger)
    yield connection
    await connection.close()


async def test_after_ordinary_sales_all_of_them_hold(books: asyncpg.Connection, redis: Redis) -> None:
    assert await check_invariants(books, redis) == []


async def test_a_payment_that_was_given_back_in_part_does_not_pay_its_order(books: asyncpg.Connection) -> None:
    """PAY-7. The statement is what a faulty workflow would leave behind."""
    await books.execute(
        "INSERT INTO sales.refund (payment, amount_minor, reason, status, idempotency_key, created_at)"
        " SELECT id, 1, 'x', 'sent', 'k', now() FROM sales.payment WHERE status = 'paid' LIMIT 1"
    )
    assert any("is paid, and" in said for said in await check_invariants(books))


NEGATIVES = {
    "a seat with two live tickets (LIVE-10)": (
        "DROP INDEX sales.ticket_one_live_per_seat;"
        "INSERT INTO sales.ticket (number, \"order\", performance, tariff, seat, ordinal, tariff_name, price_minor,"
        " status) SELECT 'TAGAIN', \"order\", performance, tariff, seat, ordinal, tariff_name, 0, status"
        " FROM sales.ticket WHERE ordinal = 0",
        "has tickets",
    ),
    "a quota exceeded (QUO-1)": ("UPDATE catalog.quota SET size = 2", "in the quota"),
    "an order that costs more than its tickets (ORD-1)": (
        "UPDATE sales.ticket SET price_minor = price_minor + 1 WHERE ordinal = 0", "its tickets",
    ),
    "an order that is paid twice (PAY-1)": (
        'INSERT INTO sales.payment ("order", method, status, amount_minor, currency, idempotency_key, created_at)'
        " SELECT \"order\", method, 'paid', amount_minor, currency, 'again', now() FROM sales.payment"
        " WHERE status = 'paid' LIMIT 1",
        "were kept",
    ),
    "a paid order that nobody paid (PAY-1)": (
        "UPDATE sales.payment SET status = 'pending'", "is paid, and 0 were kept",
    ),
    "more given back than was paid (PAY-7)": (
        "DROP TRIGGER refund_within_payment ON sales.refund;"
        "INSERT INTO sales.refund (payment, amount_minor, reason, status, idempotency_key, created_at)"
        " SELECT id, amount_minor + 1, 'x', 'sent', 'k', now() FROM sales.payment WHERE status = 'paid' LIMIT 1",
        "was given back with",
    ),
    "a live ticket of an order that gave up (ORD-1)": (
        "UPDATE sales.sale SET status = 'expired' WHERE status = 'pending'", "is expired, its ticket",
    ),
    "an order that admits nobody (ORD-1)": (
        "DELETE FROM sales.ticket WHERE status = 'pending'", "has no ticket",
    ),
    "a journal line that is missing (AHEAD-5)": (
        "ALTER TABLE core.journal_line DISABLE TRIGGER USER;"
        "DELETE FROM core.journal_line WHERE sequence = 2", "is missing",
    ),
    "a journal line that was altered (AHEAD-5)": (
        "ALTER TABLE core.journal_line DISABLE TRIGGER USER;"
        "UPDATE core.journal_line SET actor = 'nobody' WHERE sequence = 1", "was altered",
    ),
    "a paid order that the journal does not know (AHEAD-5)": (
        "UPDATE sales.sale SET code = 'CSTRANGER' WHERE id = 1", "the journal says 0 times",
    ),
    "a seat that is sold and shown free (LIVE-10)": (
        "DROP INDEX sales.ticket_one_live_per_seat;"
        "UPDATE sales.ticket SET ordinal = 20 WHERE ordinal = 0", "seat 20 of performance",
    ),
    "a used seat that is not shown used (LIVE-2)": (
        "UPDATE sales.ticket SET used_at = now() WHERE ordinal = 1", "is sold on the live map and used",
    ),
    "a quota that counts less than was sold (QUO-1)": (
        "UPDATE sales.ticket SET status = 'cancelled' WHERE ordinal < 0 AND id ="
        " (SELECT max(id) FROM sales.ticket WHERE ordinal < 0)", "in fact",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEGATIVES)
async def test_each_notices_what_it_is_there_for(books: asyncpg.Connection, redis: Redis, name: str) -> None:
    statement, said = NEGATIVES[name]
    await books.execute(statement)
    complaints = await check_invariants(books, redis)
    assert any(said in complaint for complaint in complaints), complaints


async def test_a_seat_held_for_nobody_is_noticed(books: asyncpg.Connection, redis: Redis, theatre: Theatre) -> None:
    """LIVE-10: stuck seats are as wrong as doubled ones."""
    await redis.setrange(f"{{g:{theatre.group}}}:p:{theatre.performance}:states", 15, "\x01")
    assert [s for s in await check_invariants(books, redis) if "seat 15" in s and "is held on the live map" in s]
    assert (await Inventory(redis).snapshot(theatre.group, theatre.performance)).states[15] == 1
