"""The live inventory learns of what was added after it was loaded (LIVE-10, CAT-2)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Performance
from app.core.clock import now
from app.sales.carts import Cart, Wish, add_to_cart, held_items
from app.sales.inventory import GroupGone, inventory, mend
from app.sales.queries import view_performance
from realtime.client import Feed
from realtime.follower import Status
from seating.store import FREE, GroupMissing, Snapshot
from tests.cast import Theatre, buyer_cart
from tests.shop import open_shop


@pytest.fixture
async def alice(theatre: Theatre) -> Cart:
    """Has a seat of today's performance."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(3,)), at=now())
    return cart


@pytest.fixture
async def further(theatre: Theatre, alice: Cart) -> int:
    """A performance of tomorrow, of an event that is being sold."""
    today = await Performance.objects().get(Performance.id == theatre.performance)
    assert today is not None
    same = {name: value for name, value in today.to_dict().items() if name != "id"}
    tomorrow = Performance(**{**same, "starts_at": today.starts_at + timedelta(days=1)})
    await tomorrow.save()
    forget_offers()
    return tomorrow.id


async def is_free(theatre: Theatre, seat: int) -> bool:
    seen: Snapshot = await inventory().snapshot(theatre.group, theatre.performance)
    return seen.states[seat] == FREE


async def test_its_page_can_be_seen_and_what_others_hold_stays_theirs(
    theatre: Theatre, alice: Cart, further: int
) -> None:
    assert (await view_performance(further, "online", now())).status == "open"
    assert not await is_free(theatre, 3)
    assert [item.ordinal for item in await held_items(alice)] == [3]


async def test_a_seat_of_it_is_held_by_whoever_asks_first_and_asks_without_looking(
    theatre: Theatre, further: int
) -> None:
    """Over the API, or by many at once when a link is sent round: one of them loads it for all."""
    carts = [buyer_cart() for _ in range(10)]
    wishes = [add_to_cart(cart, Wish(performance=further, seats=(n,)), at=now()) for n, cart in enumerate(carts)]
    await asyncio.gather(*wishes)
    seen = await inventory().snapshot(theatre.group, further)
    assert [state == FREE for state in seen.states[:11]] == [False] * 10 + [True]
    assert not await is_free(theatre, 3)


async def test_its_map_is_live_for_whoever_has_not_seen_its_page(theatre: Theatre, further: int) -> None:
    """ "No such performance" would be the end of it: a page that is told so does not come back."""
    async with open_shop() as url, Feed(f"{url.replace('http', 'ws')}/live/performances/{further}") as map_:
        await map_.until(lambda feed: feed.status is Status.LIVE)
        assert set(map_.codes) == {0}


async def test_one_that_the_ledger_does_not_know_either_is_asked_for_again_and_nothing_else_is_lost(
    theatre: Theatre, further: int
) -> None:
    """As when its event went to another group a moment ago."""
    with pytest.raises(GroupGone):
        await mend(GroupMissing(theatre.group, damaged=f"performance {further + 1}"))
    assert not await is_free(theatre, 3)
