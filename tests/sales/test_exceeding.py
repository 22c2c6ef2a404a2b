"""A manager knowingly goes beyond a limit (QUO-5): just the tickets that were meant pass; the journal says so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.sales.allotments import AllotmentWish, make_allotment
from app.sales.carts import Cart, Wish, add_to_cart, hold_and_view, view_cart
from app.sales.inventory import inventory, rebuild
from app.sales.orders import Placed, Seller, place_order
from seating.holds import Exceedable
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart


def beyond(theatre: Theatre, count: int, *exceed: Exceedable) -> Wish:
    return Wish(performance=theatre.standing, quantity=count, exceed=exceed)


async def sell(cart: Cart, account: int) -> Placed:
    return await place_order(
        cart, ALICE, method="cash", expected_total_minor=None, seller=Seller(f"account:{account}", account),
        settled=True, at=now(),
    )  # fmt: skip


async def journaled(code: str) -> dict[str, Any]:
    async with connection() as reader:
        row = await reader.fetchrow("SELECT actor, body FROM core.journal_line WHERE subject = $1", code)
    return {"actor": row["actor"], **msgspec.json.decode(row["body"])}


async def test_a_manager_sells_beyond_a_quota_and_the_journal_says_what_and_who(theatre: Theatre) -> None:
    full = counter_cart(theatre.lea)
    await add_to_cart(full, beyond(theatre, 19), at=now())
    ordinary = await sell(full, theatre.lea)
    assert "exceeded" not in await journaled(ordinary.code)
    cart = counter_cart(theatre.manager)
    view = await hold_and_view(cart, beyond(theatre, 3, "quotas"), at=now())
    assert [(e.code, e.limit, e.left) for e in view.exceeded] == [("quota_exhausted", "Capacity", 1)]
    assert [item.exceeded for item in view.items] == [True] * 3
    placed = await sell(cart, theatre.manager)
    told = await journaled(placed.code)
    assert told["actor"] == f"account:{theatre.manager}"
    assert told["exceeded"]["quotas"] == {"Capacity": [20, 22]}
    assert len(told["exceeded"]["tickets"]) == 3
    await rebuild(f"e{theatre.standing_event}", only_if_missing=False)
    with pytest.raises(Problem) as refused:
        await add_to_cart(buyer_cart(), beyond(theatre, 1), at=now())
    assert refused.value.code == "sold_out"


async def test_only_what_was_meant_passes_the_ledger(theatre: Theatre) -> None:
    """The live inventory lets a second request of the same cart pass; the ledger does not, for it was not exceeded."""
    cart = counter_cart(theatre.manager)
    await add_to_cart(cart, beyond(theatre, 18), at=now())
    await inventory().set_limits(f"e{theatre.standing_event}", {"q1": 500})  # Redis is made to forget the limit
    await add_to_cart(cart, beyond(theatre, 5), at=now())
    await inventory().set_limits(f"e{theatre.standing_event}", {"q1": 20})
    await add_to_cart(cart, beyond(theatre, 2, "quotas"), at=now())
    assert [i.exceeded for i in (await view_cart(cart)).items].count(True) == 2
    with pytest.raises(Problem) as refused:
        await sell(cart, theatre.manager)
    assert (refused.value.code, refused.value.extras["left"]) == ("quota_exhausted", 20)


async def test_a_manager_sells_a_kept_seat_without_its_key(theatre: Theatre) -> None:
    wish = AllotmentWish(performance=theatre.performance, name="Presse", seats=(4,))
    kept = await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    cart = counter_cart(theatre.manager)
    seat = Wish(performance=theatre.performance, seats=(4,), exceed=("allotments",))
    view = await hold_and_view(cart, seat, at=now())
    assert [(e.code, e.seat) for e in view.exceeded] == [("not_yours", "Parterre · A · 5")]
    placed = await sell(cart, theatre.manager)
    assert (await journaled(placed.code))["exceeded"]["tickets"] == [
        [theatre.performance, "Parterre · A · 5", f"a{kept.id}"]
    ]


async def test_an_order_may_be_larger_than_orders_are(theatre: Theatre) -> None:
    async with connection() as ledger:
        await ledger.execute("UPDATE catalog.tariff SET order_max = 2 WHERE id = $1", theatre.full)
    cart = counter_cart(theatre.manager)
    seats = tuple(range(3))
    with pytest.raises(Problem) as refused:
        await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats), at=now())
    assert refused.value.code == "too_many"
    more = Wish(performance=theatre.performance, seats=seats, exceed=("order_limits",))
    assert [e.code for e in (await hold_and_view(cart, more, at=now())).exceeded] == ["order_limit"]
    assert (await sell(cart, theatre.manager)).status == "paid"
