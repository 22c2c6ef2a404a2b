"""The whole way of a notice: from a workflow to the one buyer's open page (LIVE-4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.core.notices import Notice, notify, visitor_of
from app.sales.visitors import BUYER_COOKIE
from realtime.client import Feed
from realtime.follower import NoticeTaken, Status
from seating.store import cart_ref
from tests.cast import Theatre
from tests.shop import browser, open_shop


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def takes_a_seat(buyer: httpx.AsyncClient, theatre: Theatre, seat: int) -> str:
    """The buyer's cart."""
    body = {"performance": theatre.performance, "seats": [seat], "tariff": theatre.full}
    assert (await buyer.post("/api/v1/cart/items", json=body)).status_code == 201
    return str(buyer.cookies[BUYER_COOKIE])


def page(shop: str, theatre: Theatre, cart: str) -> Feed:
    url = f"{shop.replace('http', 'ws', 1)}/live/performances/{theatre.performance}"
    return Feed(url, headers={"Cookie": f"{BUYER_COOKIE}={cart}"})


async def first_notice(feed: Feed) -> NoticeTaken:
    async with asyncio.timeout(60):
        async for event in feed.events():
            if isinstance(event, NoticeTaken):
                return event
    raise AssertionError("the feed ended")


async def test_a_notice_is_told_on_the_buyer_s_page_and_on_no_other(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as alice, browser(shop) as basile:
        hers, his = await takes_a_seat(alice, theatre, 3), await takes_a_seat(basile, theatre, 4)
        async with page(shop, theatre, hers) as her_page, page(shop, theatre, his) as his_page:
            for feed in (her_page, his_page):
                await feed.until(lambda feed: feed.status is Status.LIVE and feed.cart is not None)
            told = asyncio.gather(first_notice(her_page), first_notice(his_page))
            await asyncio.sleep(0)
            id = await notify(visitor_of(hers), Notice("waitlist_offer", "Two seats for you until eight.", "/waitlist"))
            await notify(visitor_of(his), Notice("waitlist_place", "You are third."))
            to_her, to_him = await told
            assert to_her == NoticeTaken(id, "waitlist_offer", "Two seats for you until eight.", "/waitlist")
            assert to_him.text == "You are third."


async def test_a_page_that_opens_later_is_told_too(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as alice:
        cart = await takes_a_seat(alice, theatre, 3)
        await notify(visitor_of(cart), Notice("waitlist_place", "You are third."))
        async with page(shop, theatre, cart) as feed:
            assert (await first_notice(feed)).text == "You are third."


async def test_whoever_knows_a_cart_s_public_name_alone_is_not_its_visitor(shop: str, theatre: Theatre) -> None:
    """Staff see public names, and a basket that shares one is found by trying: its pages would hear the notices."""
    async with browser(shop) as alice:
        cart = await takes_a_seat(alice, theatre, 3)
        async with page(shop, theatre, cart) as feed:
            told = asyncio.create_task(first_notice(feed))
            await asyncio.sleep(0)  # it listens from now on
            await notify(cart_ref(cart), Notice("waitlist_place", "For whoever shares her public name."))
            await notify(visitor_of(cart), Notice("waitlist_place", "For her."))
            assert (await told).text == "For her."
