"""Carts become orders, once, for what the buyer saw (ORD-1, LIVE-7, LIVE-10, QUO-1), against real engines."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Performance, Quota, Tariff
from app.core import journal
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.core.redis import redis
from app.sales.carts import BestWish, Cart, Wish, add_to_cart, change_tariff, release, view_cart
from app.sales.inventory import inventory, rebuild, with_group
from app.sales.orders import place_order
from app.sales.reconciliation import GRACE, reconcile
from seating.store import FREE, PENDING, SOLD, Snapshot
from tests.cast import ALICE, BASILE, GOLD_ROW_A, SILVER_ROW_C, Theatre, buyer_cart, counter_cart


async def hold(cart: Cart, performance: int, *seats: int, tariff: int | None = None) -> tuple[str, ...]:
    return await add_to_cart(cart, Wish(performance=performance, seats=seats, tariff=tariff), at=now())


async def order(cart: Cart, buyer=ALICE, total: int | None = None, *, settled: bool = False):  # type: ignore[no-untyped-def]
    return await place_order(
        cart, buyer, method="cash" if settled else "card", expected_total_minor=total, settled=settled, at=now()
    )


async def look(theatre: Theatre) -> Snapshot:
    step = inventory()
    return await with_group(theatre.group, lambda: step.snapshot(theatre.group, theatre.performance))


async def test_what_is_held_is_ordered_at_the_price_that_was_shown(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, GOLD_ROW_A[3], GOLD_ROW_A[4])
    basket = await view_cart(cart)
    await change_tariff(cart, basket.items[1].id, theatre.child)
    basket = await view_cart(cart)
    assert [item.price_minor for item in basket.items] == [4000, 2000]
    assert basket.items[0].seat == "Parterre · A · 4"
    placed = await order(cart, total=basket.total_minor)
    assert (placed.status, placed.total_minor) == ("pending", 6000)
    states = (await look(theatre)).states
    assert [states[s] for s in (3, 4, 5)] == [PENDING, PENDING, FREE]
    assert (await view_cart(cart)).items == ()


async def test_a_double_click_gives_the_same_order(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, 0, 1)
    first, second = await asyncio.gather(order(cart), order(cart))
    assert first.code == second.code
    assert {first.again, second.again} == {True, False}


async def test_an_expired_hold_is_told_kindly_and_nothing_is_ordered(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, 0)
    await release(cart)
    with pytest.raises(Problem) as refused:
        await order(cart)
    assert refused.value.code == "hold_expired"
    assert await count("sales.sale") == 0


async def test_a_price_that_has_changed_is_shown_again_before_it_is_charged(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, 0)
    with pytest.raises(Problem) as refused:
        await order(cart, total=3999)
    assert (refused.value.code, refused.value.extras) == ("price_changed", {"total_minor": 4000})
    assert len((await view_cart(cart)).items) == 1


async def test_two_buyers_tap_the_same_seat_and_one_gets_an_alternative(theatre: Theatre) -> None:
    answers = await asyncio.gather(
        hold(buyer_cart(), theatre.performance, 5), hold(buyer_cart(), theatre.performance, 5), return_exceptions=True
    )
    refused = [a for a in answers if isinstance(a, Problem)]
    assert len(refused) == 1
    assert refused[0].code == "seat_taken"
    assert refused[0].extras["seats"] == [5]
    assert set(refused[0].extras["nearest"][:2]) <= {4, 6, 15}


async def test_three_best_seats_are_three_neighbours(theatre: Theatre) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, best=BestWish(3)), at=now())
    items = (await view_cart(cart)).items
    numbers = sorted(item.ordinal for item in items)
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert len({item.row for item in items}) == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"seats": (99,)}, "unknown_seat"),
        ({"seats": (-1,)}, "unknown_seat"),
        ({"quantity": 2}, "bad_request"),
        ({}, "bad_request"),
        ({"seats": (1,), "tariff": 10_000}, "bad_request"),
        ({"seats": tuple(range(11))}, "too_many"),
        ({"best": BestWish(21)}, "too_many"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_and_holds_nothing(
    theatre: Theatre, wish: dict[str, object], code: str
) -> None:
    cart = buyer_cart()
    with pytest.raises(Problem) as refused:
        await add_to_cart(cart, Wish(performance=theatre.performance, **wish), at=now())  # type: ignore[arg-type]
    assert refused.value.code == code
    assert (await view_cart(cart)).items == ()


async def test_a_cart_holds_one_event_and_says_which(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, 0)
    with pytest.raises(Problem) as refused:
        await add_to_cart(cart, Wish(performance=theatre.standing, quantity=1), at=now())
    assert refused.value.code == "other_event"
    assert refused.value.params == {"title": "The Play"}


async def test_a_closed_sale_sells_nothing_online_and_still_at_the_counter(theatre: Theatre) -> None:
    past = now() - timedelta(minutes=1)
    await Performance.update({Performance.sale_closes_at: past}).where(Performance.id == theatre.performance)
    forget_offers()
    with pytest.raises(Problem) as refused:
        await hold(buyer_cart(), theatre.performance, 0)
    assert refused.value.code == "sale_closed"
    assert await hold(counter_cart(theatre.lea), theatre.performance, 0)


async def test_a_sale_that_closes_while_the_buyer_types_is_not_made(theatre: Theatre) -> None:
    cart = buyer_cart()
    await hold(cart, theatre.performance, 0)
    past = now() - timedelta(minutes=1)
    await Performance.update({Performance.sale_closes_at: past}).where(Performance.id == theatre.performance)
    with pytest.raises(Problem) as refused:
        await order(cart)
    assert refused.value.code == "sale_closed"


async def test_the_last_places_of_a_quota_are_told_and_never_exceeded(theatre: Theatre) -> None:
    for _ in range(2):
        cart = buyer_cart()
        await add_to_cart(cart, Wish(performance=theatre.standing, quantity=9), at=now())
        await order(cart)
    with pytest.raises(Problem) as refused:
        await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=3), at=now())
    assert (refused.value.code, refused.value.extras["left"]) == ("quota_exhausted", 2)
    await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=2), at=now())
    with pytest.raises(Problem) as refused:
        await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=1), at=now())
    assert refused.value.code == "sold_out"


async def test_the_ledger_refuses_an_oversold_quota_that_redis_let_through(theatre: Theatre) -> None:
    """QUO-1: the guard under lock, with the live counter deliberately wrong."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=5), at=now())
    await Quota.update({Quota.size: 4}).where(Quota.performance == theatre.standing)
    with pytest.raises(Problem) as refused:
        await order(cart)
    assert (refused.value.code, refused.value.extras["left"]) == ("quota_exhausted", 4)
    assert await count("sales.ticket") == 0


async def test_the_ledger_refuses_a_seat_that_redis_sells_twice_and_mends_it(theatre: Theatre) -> None:
    """LIVE-10: whatever Redis believes, the index of the ledger lets a seat have one live ticket."""
    first, second = buyer_cart(), buyer_cart()
    await hold(first, theatre.performance, 7)
    sold = await order(first, settled=True)
    await inventory().give_back(theatre.group, sold.code)  # Redis is made to forget
    await hold(second, theatre.performance, 7)
    with pytest.raises(Problem) as refused:
        await order(second, BASILE)
    assert refused.value.code == "seat_taken"
    assert await count("sales.ticket") == 1


async def test_without_the_index_the_same_harness_sees_the_double_sale(theatre: Theatre) -> None:
    """Negative control of the test above: the guard switched off, the seat is sold twice."""
    async with connection() as ledger:
        await ledger.execute("DROP INDEX sales.ticket_one_live_per_seat")
    first, second = buyer_cart(), buyer_cart()
    await hold(first, theatre.performance, 7)
    sold = await order(first, settled=True)
    await inventory().give_back(theatre.group, sold.code)
    await hold(second, theatre.performance, 7)
    await order(second, BASILE)
    assert await count("sales.ticket") == 2


async def test_a_flushed_redis_forgets_carts_and_no_sale(theatre: Theatre) -> None:
    cart, waiting = buyer_cart(), buyer_cart()
    await hold(cart, theatre.performance, *SILVER_ROW_C[:3])
    await order(cart, settled=True)
    await hold(waiting, theatre.performance, 0)
    await order(waiting)
    before = await look(theatre)
    await redis().flushall()
    after = await look(theatre)
    assert after.states == before.states
    assert after.epoch != before.epoch
    with pytest.raises(Problem) as refused:
        await hold(buyer_cart(), theatre.performance, SILVER_ROW_C[1])
    assert refused.value.code == "seat_taken"


async def test_quotas_survive_a_flush(theatre: Theatre) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=10), at=now())
    await order(cart)
    await redis().flushall()
    with pytest.raises(Problem):
        await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=11), at=now())
    assert await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=10), at=now())


async def test_a_commit_that_never_came_gives_its_seats_back(theatre: Theatre) -> None:
    """The process dies between marking its seats and its commit."""
    cart = buyer_cart()
    await hold(cart, theatre.performance, 2)
    await inventory().promise(theatre.group, cart.token, "CNEVERBORN1")
    assert await reconcile(theatre.group) == ()
    mended = await reconcile(theatre.group, at=now() + GRACE + timedelta(seconds=5))
    assert [m.order for m in mended] == ["CNEVERBORN1"]
    assert (await look(theatre)).states[2] == FREE


async def test_a_commit_whose_next_line_never_ran_is_shown_in_the_end(theatre: Theatre) -> None:
    """The process dies after its commit: the ledger says paid, the live map still says pending."""
    cart = buyer_cart()
    await hold(cart, theatre.performance, 2)
    placed = await order(cart)
    async with transaction() as ledger:
        await ledger.execute("UPDATE sales.sale SET status = 'paid' WHERE id = $1", placed.id)
        await ledger.execute("UPDATE sales.ticket SET status = 'sold'")
    assert [m.action for m in await reconcile(theatre.group)] == ["sold"]
    assert (await look(theatre)).states[2] == SOLD


async def test_a_rebuild_while_orders_are_placed_loses_none_of_them(theatre: Theatre) -> None:
    carts = [buyer_cart() for _ in range(10)]
    for seat, cart in enumerate(carts):
        await hold(cart, theatre.performance, seat)

    async def rebuild_often() -> None:
        for _ in range(5):
            await rebuild(theatre.group, only_if_missing=False)

    await asyncio.gather(rebuild_often(), *(order(cart) for cart in carts))
    assert list((await look(theatre)).states[:10]) == [PENDING] * 10


async def test_every_order_is_a_line_of_an_unbroken_journal(theatre: Theatre) -> None:
    """AHEAD-5, ORD-9: one chain per box office, without gaps, that shows any later change."""
    for seat in range(4):
        cart = buyer_cart()
        await hold(cart, theatre.performance, seat)
        await order(cart, settled=seat % 2 == 0)
    assert await journal.audit() == (4, [])
    async with connection() as ledger:
        with pytest.raises(Exception, match="append-only"):
            await ledger.execute("UPDATE core.journal_line SET actor = 'nobody'")
        await ledger.execute("ALTER TABLE core.journal_line DISABLE TRIGGER ALL")
        await ledger.execute("UPDATE core.journal_line SET body = replace(body, '4000', '1000') WHERE sequence = 2")
    count_of_lines, breaks = await journal.audit()
    assert (count_of_lines, [(b.sequence, b.reason) for b in breaks]) == (4, [(2, "the line was altered")])


async def test_orders_placed_at_once_make_gapless_lines(theatre: Theatre) -> None:
    carts = [buyer_cart() for _ in range(20)]
    for seat, cart in enumerate(carts):
        await hold(cart, theatre.performance, seat)
    await asyncio.gather(*(order(cart) for cart in carts))
    assert await journal.audit() == (20, [])


async def count(table: str) -> int:
    async with connection() as reader:
        return int(await reader.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_tariff_s_own_limit_holds_for_new_seats_and_for_changed_ones(theatre: Theatre) -> None:
    """TAR-1: at most so many of this tariff in one order."""
    await Tariff.update({Tariff.order_max: 1}).where(Tariff.id == theatre.child)
    forget_offers()
    cart = buyer_cart()
    with pytest.raises(Problem) as refused:
        await hold(cart, theatre.performance, 0, 1, tariff=theatre.child)
    assert (refused.value.code, refused.value.params) == ("too_many", {"max": 1})
    await hold(cart, theatre.performance, 0, tariff=theatre.child)
    (added,) = await hold(cart, theatre.performance, 1)
    with pytest.raises(Problem) as refused:
        await change_tariff(cart, added, theatre.child)
    assert refused.value.code == "too_many"
    assert sorted(item.tariff for item in (await view_cart(cart)).items) == sorted([theatre.full, theatre.child])
