"""With no traffic at all, lapsed holds go back on sale and the map is mended from the ledger (LIVE-7, LIVE-10)."""

from __future__ import annotations

import asyncio
import contextlib

from app.catalog.queries import forget_offers
from app.catalog.tables import Event
from app.core.clock import now
from app.sales.carts import Wish, add_to_cart, view_cart
from app.sales.inventory import inventory, with_group
from app.sales.orders import place_order
from app.sales.reconciliation import reconcile
from app.sales.upkeep import keep_inventory
from app.settings import get_settings
from seating.store import FREE, HELD, PENDING, SOLD
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart


async def states(theatre: Theatre, *seats: int) -> list[int]:
    seen = await with_group(theatre.group, lambda: inventory().snapshot(theatre.group, theatre.performance))
    return [seen.states[seat] for seat in seats]


async def test_a_hold_that_nobody_pays_comes_back_by_itself(theatre: Theatre) -> None:
    await Event.update({Event.hold_ttl_s: 1}).where(Event.id == theatre.event)
    forget_offers()
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(0, 1)), at=now())
    assert await states(theatre, 0, 1) == [HELD, HELD]
    keeper = asyncio.create_task(keep_inventory(get_settings()))
    async with asyncio.timeout(60):
        while await states(theatre, 0, 1) != [FREE, FREE]:
            await asyncio.sleep(0.05)
    keeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeper


async def test_a_sold_seat_that_the_map_has_on_offer_is_put_right_and_holds_stay(theatre: Theatre) -> None:
    """Nothing in Redis points to the order any more: only comparing the seats themselves finds it."""
    sold, waiting, holding = counter_cart(theatre.lea), buyer_cart(), buyer_cart()
    for cart, seat in ((sold, 0), (waiting, 1), (holding, 2)):
        await add_to_cart(cart, Wish(performance=theatre.performance, seats=(seat,)), at=now())
    lost = await place_order(sold, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
    also = await place_order(waiting, ALICE, method="card", expected_total_minor=None, at=now())
    for order in (lost, also):
        await inventory().give_back(theatre.group, order.code)
    assert await states(theatre, 0, 1, 2) == [FREE, FREE, HELD]
    assert [m.action for m in await reconcile(theatre.group)] == ["group rebuilt"]
    assert await states(theatre, 0, 1, 2) == [SOLD, PENDING, HELD]
    assert len((await view_cart(holding)).items) == 1
    assert await reconcile(theatre.group) == ()


async def test_a_seat_that_the_map_has_as_sold_to_nobody_is_on_sale_again(theatre: Theatre) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(5,)), at=now())
    await inventory().promise(theatre.group, cart.token, "CNEVERBORN1")
    await inventory().sell(theatre.group, "CNEVERBORN1")
    assert await states(theatre, 5) == [SOLD]
    assert [m.action for m in await reconcile(theatre.group)] == ["group rebuilt"]
    assert await states(theatre, 5) == [FREE]
