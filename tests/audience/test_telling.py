"""One's own place on the waitlist, on the page that is open (LIVE-4): it moves, it becomes an offer, it is bought."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.core.clock import now
from app.sales.orders import Buyer
from app.sales.visitors import BUYER_COOKIE
from app.sales.waitlist import look
from realtime.client import Feed
from realtime.follower import NoticeTaken, OwnEntry
from tests.audience.waiting import buy, entries, free_places, joins, open_list, sell_out
from tests.cast import Theatre
from tests.shop import browser, open_shop
from tests.work import work_off


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    await sell_out(theatre)
    await open_list(theatre)
    async with open_shop() as url:
        yield url


def page(shop: str, theatre: Theatre, client: httpx.AsyncClient) -> Feed:
    """The performance's page, open in this browser."""
    url = f"{shop.replace('http', 'ws', 1)}/live/performances/{theatre.standing}"
    return Feed(url, headers={"Cookie": f"{BUYER_COOKIE}={client.cookies[BUYER_COOKIE]}"})


def place(feed: Feed) -> tuple[int, str]:
    """Position and state of the one entry."""
    (own,) = feed.waitlist
    return own.position, own.state


async def test_a_place_moves_up_becomes_an_offer_and_is_bought_while_the_page_is_open(
    shop: str, theatre: Theatre
) -> None:
    async with browser(shop) as dora, browser(shop, **{"Accept-Language": "fr"}) as emil:
        for client, email in ((dora, "dora@example.org"), (emil, "emil@example.org")):
            assert (await joins(client, theatre.standing, email, count=2)).status_code == 201
        first, second = await entries()
        async with page(shop, theatre, emil) as feed:
            notices: list[NoticeTaken] = []
            listening = asyncio.create_task(_collect(feed, notices))
            await feed.until(lambda feed: bool(feed.waitlist))
            assert feed.waitlist == (
                OwnEntry(
                    id=second["id"], event=theatre.standing_event, performance=theatre.standing, tariff=None, count=2,
                    position=2, state="waiting",
                ),
            )  # fmt: skip
            await dora.post(f"/api/v1/waitlist/{first['key']}/leave")
            await work_off("tell_waitlist_places")
            await feed.until(lambda feed: place(feed) == (1, "waiting"))
            await free_places(theatre, 1)
            await look(theatre.standing_event, at=now())
            await work_off("tell_waitlist_places")
            await work_off("notify_waitlist_offer")
            await feed.until(lambda feed: place(feed) == (0, "offered"))
            (own,) = feed.waitlist
            (row,) = await entries()
            assert own.until_ms == int(row["until_at"].timestamp() * 1000)
            assert (own.offered_performance, own.offered_count) == (theatre.standing, 1)
            await feed.until(lambda _: bool(notices))
            assert notices[0].kind == "waitlist_offer"
            assert notices[0].href == f"/p/{theatre.standing}"
            assert notices[0].text.startswith("Une place pour « Le Festival » s’est libérée.")
            await buy(theatre, Buyer("Emil", "emil@example.org"))
            await look(theatre.standing_event, at=now())
            await work_off("tell_waitlist_places")
            await feed.until(lambda feed: place(feed) == (0, "served"))
            listening.cancel()


async def test_nobody_learns_of_an_address_whether_it_waits(shop: str, theatre: Theatre) -> None:
    """A stranger who joins under an address that is on the list is shown what a newcomer is shown, and keeps it."""
    async with browser(shop) as dora, browser(shop) as stranger, browser(shop) as newcomer:
        await joins(dora, theatre.standing, "dora@example.org")
        await joins(dora, theatre.standing, "emil@example.org")
        for _ in range(2):
            assert (await joins(stranger, theatre.standing, "dora@example.org")).json()["position"] == 3
        assert (await joins(newcomer, theatre.standing, "new@example.org")).json()["position"] == 3
        assert len(await entries()) == 3
        async with page(shop, theatre, stranger) as hers, page(shop, theatre, newcomer) as others:
            for feed in (hers, others):
                await feed.until(lambda feed: bool(feed.waitlist) and place(feed) == (3, "waiting"))
            (seen,), (other,) = hers.waitlist, others.waitlist
            assert seen.id not in {row["id"] for row in await entries()}
            assert (seen.count, seen.performance, seen.tariff) == (other.count, other.performance, other.tariff)


async def test_a_second_device_is_told_too_and_forgets_with_the_entry(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as phone, browser(shop) as laptop:
        for client in (phone, laptop):
            await joins(client, theatre.standing, "dora@example.org")
        async with page(shop, theatre, laptop) as feed:
            notices: list[NoticeTaken] = []
            listening = asyncio.create_task(_collect(feed, notices))
            await feed.until(lambda feed: bool(feed.waitlist) and place(feed)[1] == "waiting")
            await free_places(theatre, 1)
            await look(theatre.standing_event, at=now())
            await work_off("tell_waitlist_places")
            await work_off("notify_waitlist_offer")
            await feed.until(lambda feed: place(feed) == (0, "offered"))
            await feed.until(lambda _: bool(notices))
            (row,) = await entries()
            await phone.post(f"/api/v1/waitlist/{row['key']}/leave")
            await work_off("tell_waitlist_places")
            await feed.until(lambda feed: feed.waitlist == ())
            listening.cancel()


async def test_whoever_comes_back_is_told_where_they_stand_now(shop: str, theatre: Theatre) -> None:
    """Nothing of it is kept for later: an offer that has run out meanwhile is not told any more."""
    async with browser(shop) as dora, browser(shop) as emil:
        for client, email in ((dora, "dora@example.org"), (emil, "emil@example.org")):
            await joins(client, theatre.standing, email)
        (first, _) = await entries()
        async with page(shop, theatre, emil) as feed:
            await feed.until(lambda feed: bool(feed.waitlist) and place(feed) == (2, "waiting"))
        await dora.post(f"/api/v1/waitlist/{first['key']}/leave")
        async with page(shop, theatre, emil) as feed:
            await feed.until(lambda feed: bool(feed.waitlist))
            assert place(feed) == (1, "waiting")


async def _collect(feed: Feed, notices: list[NoticeTaken]) -> None:
    async for event in feed.events():
        if isinstance(event, NoticeTaken):
            notices.append(event)
