"""A counter takes over what somebody holds online (LIVE-2): by its public name, and only in its own house."""

from __future__ import annotations

import pytest

from app.core import journal
from app.core.clock import now
from app.core.errors import Problem
from app.sales.allotments import AllotmentWish, make_allotment
from app.sales.cart_keys import open_allotments, present_key
from app.sales.carts import Wish, add_to_cart, view_cart
from app.sales.orders import place_order
from app.sales.takeover import take_over
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart


async def take(theatre: Theatre, ref: str, *, elsewhere: int = 0):  # type: ignore[no-untyped-def]
    cart = counter_cart(theatre.lea)
    await take_over(ref, cart, organizer=theatre.organizer + elsewhere, actor=f"account:{theatre.lea}", at=now())
    return cart


async def test_the_counter_sells_what_the_buyer_held_and_the_buyer_is_told(theatre: Theatre) -> None:
    wish = AllotmentWish(performance=theatre.performance, name="École", seats=(4, 5))
    kept = await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    buyer = buyer_cart()
    await present_key(buyer, kept.key, at=now())
    await add_to_cart(buyer, Wish(performance=theatre.performance, seats=(3, 4)), at=now())
    counter = await take(theatre, f" {(await view_cart(buyer)).ref.upper()}")
    left = await view_cart(buyer)
    assert (left.items, left.notice and left.notice.code) == ((), "taken_over")
    assert left.notice is not None
    assert left.notice.detail == "Counter 1 · Léa has taken over your basket. Please pay there."
    assert [i.ordinal for i in (await view_cart(counter)).items] == [3, 4]
    assert [a.id for a in await open_allotments(counter)] == [kept.id]
    placed = await place_order(counter, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
    assert placed.status == "paid"
    with pytest.raises(Problem) as refused:
        await place_order(buyer, ALICE, method="card", expected_total_minor=None, at=now())
    assert refused.value.code == "hold_expired"
    await add_to_cart(buyer, Wish(performance=theatre.performance, seats=(7,)), at=now())
    assert (await view_cart(buyer)).notice is None
    assert (await journal.audit())[1] == []


async def test_a_public_name_opens_nothing_to_another_house_and_nothing_to_guess(theatre: Theatre) -> None:
    buyer = buyer_cart()
    await add_to_cart(buyer, Wish(performance=theatre.performance, seats=(3,)), at=now())
    ref = (await view_cart(buyer)).ref
    for attempt, elsewhere in ((ref, 1), ("00000000", 0), ("", 0), (buyer.token, 0), (ref + "*", 0)):
        with pytest.raises(Problem) as refused:
            await take(theatre, attempt, elsewhere=elsewhere)
        assert refused.value.code == "not_found"
    assert len((await view_cart(buyer)).items) == 1


async def test_a_counter_s_own_cart_is_not_taken_over(theatre: Theatre) -> None:
    """Another cashier's customer is being served there."""
    hugo = counter_cart(theatre.hugo)
    await add_to_cart(hugo, Wish(performance=theatre.performance, seats=(3,)), at=now())
    with pytest.raises(Problem) as refused:
        await take(theatre, (await view_cart(hugo)).ref)
    assert refused.value.code == "not_found"


async def test_baskets_of_two_events_are_not_mixed(theatre: Theatre) -> None:
    buyer, counter = buyer_cart(), counter_cart(theatre.lea)
    await add_to_cart(buyer, Wish(performance=theatre.performance, seats=(3,)), at=now())
    await add_to_cart(counter, Wish(performance=theatre.standing, quantity=1), at=now())
    ref = (await view_cart(buyer)).ref
    with pytest.raises(Problem) as refused:
        await take_over(ref, counter, organizer=theatre.organizer, actor="account:2", at=now())
    assert (refused.value.code, refused.value.extras) == ("other_event", {"event": "the-festival"})
    assert len((await view_cart(buyer)).items) == 1
