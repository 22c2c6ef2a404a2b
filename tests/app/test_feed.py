"""The feed of the whole box office, over HTTP and websockets as a page uses them (LIVE-1, LIVE-2, LIVE-7)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis

from app.core import db
from app.main import create_app
from app.settings import get_settings
from realtime.client import Feed, FeedEnded
from realtime.follower import Status
from realtime.sockets import uvicorn_options
from tests.cast import PASSWORD, Theatre
from tests.realtime.server import serve


@pytest.fixture
async def host(theatre: Theatre) -> AsyncIterator[str]:
    settings = get_settings()
    await db.stop_pool()  # the application opens its own, and closes it
    async with serve(create_app(settings), **uvicorn_options(settings.live_frame_bytes_max)) as address:
        yield address


def client(host: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{host}", headers={"Origin": f"http://{host}"}, timeout=60)


def feed(host: str, path: str, browser: httpx.AsyncClient) -> Feed:
    """As a page of this browser would open it."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Origin": f"http://{host}", "Cookie": cookies}
    return Feed(f"ws://{host}/live/{path}", headers=headers, dice=random.Random(4))


async def test_a_seat_taken_over_http_turns_on_the_other_buyer_s_map_and_in_the_own_cart(
    host: str, theatre: Theatre
) -> None:
    path = f"performances/{theatre.performance}"
    async with client(host) as alice, client(host) as basile, feed(host, path, basile) as other:
        await other.until(lambda feed: feed.status is Status.LIVE)
        body = {"performance": theatre.performance, "seats": [3, 4], "tariff": theatre.full}
        assert (await alice.post("/api/v1/cart/items", json=body)).status_code == 201
        await other.until(lambda feed: feed.codes[3] == feed.codes[4] == 1)
        assert other.cart is None
        async with feed(host, path, alice) as own:
            await own.until(lambda feed: feed.cart is not None and len(feed.cart["items"]) == 2)
            item = own.cart["items"][0]["id"] if own.cart else ""
            assert (await alice.delete(f"/api/v1/cart/items/{item}")).status_code == 200
            await own.until(lambda feed: feed.cart is not None and len(feed.cart["items"]) == 1)
        await other.until(lambda feed: feed.codes[3] + feed.codes[4] == 1)


async def test_a_flushed_redis_is_rebuilt_from_the_ledger_under_open_maps(
    host: str, theatre: Theatre, redis: Redis
) -> None:
    async with client(host) as alice, feed(host, f"performances/{theatre.performance}", alice) as map_:
        await map_.until(lambda feed: feed.status is Status.LIVE)
        epoch = map_.follower.epoch
        await redis.flushall()
        await map_.until(lambda feed: feed.follower.epoch != epoch and feed.status is Status.LIVE)
        body = {"performance": theatre.performance, "seats": [3], "tariff": theatre.full}
        assert (await alice.post("/api/v1/cart/items", json=body)).status_code == 201
        await map_.until(lambda feed: feed.codes[3] == 1)


async def test_pupils_with_the_same_key_see_which_of_their_seats_are_left(host: str, theatre: Theatre) -> None:
    """AHEAD-2: for everybody else nothing changes, and nobody else is told."""
    path, school = f"performances/{theatre.performance}", "/api/v1/manage/allotments"
    async with client(host) as manager, client(host) as one, client(host) as two, client(host) as stranger:
        await sign_in(manager, "manager")
        wish = {"performance": theatre.performance, "name": "École", "seats": [4, 5, 6]}
        made = (await manager.post(school, json=wish)).json()
        for pupil in (one, two):
            assert (await pupil.post("/api/v1/cart/keys", json={"key": made["key"]})).status_code == 201
        async with feed(host, path, two) as map_, feed(host, path, stranger) as other:
            await map_.until(lambda feed: feed.kept == (4, 5, 6))
            await other.until(lambda feed: feed.status is Status.LIVE)
            version = other.version
            body = {"performance": theatre.performance, "seats": [5], "tariff": theatre.full}
            assert (await one.post("/api/v1/cart/items", json=body)).status_code == 201
            await map_.until(lambda feed: feed.kept == (4, 6))
            assert (await one.delete("/api/v1/cart")).status_code == 200
            await map_.until(lambda feed: feed.kept == (4, 5, 6))
            released = await manager.post(f"{school}/{made['id']}/release", json={})
            assert released.status_code == 200, released.text
            await map_.until(lambda feed: feed.kept == () and feed.codes[5] == 0)
            await other.until(lambda feed: feed.version > version)
            assert other.kept == ()


async def test_a_cart_that_changes_where_no_map_shows_it_is_told_too(host: str, theatre: Theatre) -> None:
    """LIVE-2: a place without a number, on each page that the visitor has open; a code, without connecting anew."""
    async with client(host) as manager, client(host) as alice:
        await sign_in(manager, "manager")
        kept = {"performance": theatre.performance, "name": "École", "seats": [4, 5]}
        made = (await manager.post("/api/v1/manage/allotments", json=kept)).json()
        one = {"performance": theatre.standing, "quantity": 1, "tariff": theatre.standing_tariff}
        assert (await alice.post("/api/v1/cart/items", json=one)).status_code == 201
        fair, seated = (f"performances/{id}" for id in (theatre.standing, theatre.performance))
        async with feed(host, fair, alice) as here, feed(host, seated, alice) as there:
            for page in (here, there):
                await page.until(lambda page: page.cart is not None and len(page.cart["items"]) == 1)
            assert (await alice.post("/api/v1/cart/items", json=one)).status_code == 201
            for page in (here, there):
                await page.until(lambda page: page.cart is not None and len(page.cart["items"]) == 2)
            assert (await alice.post("/api/v1/cart/keys", json={"key": made["key"]})).status_code == 201
            await there.until(lambda page: page.kept == (4, 5))
            assert (await alice.delete("/api/v1/cart")).status_code == 200
            for page in (here, there):
                await page.until(lambda page: page.cart is not None and page.cart["items"] == [])


@pytest.mark.parametrize("path", ["performances", "manage/performances", "manage"])
async def test_a_number_that_no_ledger_has_is_unknown_and_not_a_reason_to_come_back(
    host: str, theatre: Theatre, path: str
) -> None:
    async with client(host) as manager:
        await sign_in(manager, "manager")
        assert await ending(host, f"{path}/{2**63}", manager) in (4403, 4404)


async def test_the_staff_s_feeds_open_to_the_staff_of_the_house_only(host: str, theatre: Theatre) -> None:
    counter, figures = f"counter/performances/{theatre.performance}", f"manage/{theatre.event}"
    async with client(host) as nobody:
        assert await ending(host, counter, nobody) == 4401
    async with client(host) as lea:
        await sign_in(lea, "lea")
        assert await ending(host, figures, lea) == 4403
        async with feed(host, counter, lea) as desk:
            await desk.until(lambda feed: feed.status is Status.LIVE)
            assert desk.follower.bits == 4
    async with client(host) as stranger:
        await sign_in(stranger, "stranger")
        assert await ending(host, figures, stranger) == 4403
    async with client(host) as manager:
        await sign_in(manager, "manager")
        async with feed(host, figures, manager) as board:
            await board.until(lambda feed: feed.status is Status.LIVE)


async def sign_in(browser: httpx.AsyncClient, name: str) -> None:
    answer = await browser.post("/login", data={"email": f"{name}@example.org", "password": PASSWORD})
    assert answer.status_code in (302, 303)


async def ending(host: str, path: str, browser: httpx.AsyncClient) -> int:
    async with feed(host, path, browser) as one, asyncio.timeout(60):
        with pytest.raises(FeedEnded) as ended:
            await one.until(lambda feed: False)
    return ended.value.code
