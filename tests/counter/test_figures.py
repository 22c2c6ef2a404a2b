"""A manager's figures against real engines: what is kept is neither sold nor held (LIVE-6, LIVE-3, AHEAD-2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.catalog.tables import Quota
from app.core.clock import now
from app.sales.carts import Wish, add_to_cart
from app.sales.orders import place_order
from tests.cast import ALICE, Theatre, buyer_cart
from tests.shop import browser, open_shop, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def keep(manager: httpx.AsyncClient, **asked: Any) -> None:
    made = await manager.post("/api/v1/manage/allotments", json={"name": "Presse", **asked})
    assert made.status_code == 201, made.text


async def figures(manager: httpx.AsyncClient, event: int) -> dict[str, Any]:
    answer = await manager.get(f"/api/v1/manage/figures?event={event}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_kept_places_are_told_apart_from_those_held_and_left(shop: str, theatre: Theatre) -> None:
    """The live counter of a limit has both in one figure: 20 places, 8 kept back, 3 in a basket."""
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        await keep(manager, performance=theatre.standing, quantity=8)
        asked = {"performance": theatre.standing, "quantity": 3}
        assert (await buyer.post("/api/v1/cart/items", json=asked)).status_code == 201
        told = await figures(manager, theatre.standing_event)
    (evening,) = told["performances"]
    assert (evening["capacity"], evening["kept"], evening["held"], evening["sold"], evening["free"]) == (20, 8, 3, 0, 9)
    assert (evening["plan"], evening["zones"]) == (None, [])
    (limit,) = told["quotas"]
    assert (limit["name"], limit["performance"]) == ("Capacity", theatre.standing)
    assert (limit["size"], limit["used"], limit["kept"]) == (20, 3, 8)


async def test_what_is_being_paid_is_told_apart_from_what_baskets_hold(shop: str, theatre: Theatre) -> None:
    """Where nothing is numbered too: 3 places of an order that waits for its payment, 2 in a basket."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=3), at=now())
    await place_order(cart, ALICE, method="card", expected_total_minor=None, settled=False, at=now())
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        asked = {"performance": theatre.standing, "quantity": 2}
        assert (await buyer.post("/api/v1/cart/items", json=asked)).status_code == 201
        (evening,) = (await figures(manager, theatre.standing_event))["performances"]
    told = {name: evening[name] for name in ("pending", "held", "sold", "free", "takings_minor")}
    assert told == {"pending": 3, "held": 2, "sold": 0, "free": 15, "takings_minor": 0}


async def test_a_zone_follows_what_happens_to_its_own_seats(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        await keep(manager, performance=theatre.performance, seats=[4, 5])
        asked = {"performance": theatre.performance, "seats": [0]}
        assert (await buyer.post("/api/v1/cart/items", json=asked)).status_code == 201
        told = await figures(manager, theatre.event)
    evening = next(each for each in told["performances"] if each["id"] == theatre.performance)
    stalls, balcony = evening["zones"]
    assert (stalls["name"], stalls["kept"], stalls["held"], stalls["free"]) == ("Parterre", 2, 1, 17)
    assert (balcony["kept"], balcony["held"], balcony["free"]) == (0, 0, balcony["capacity"])
    assert evening["kept"] == 2


async def limit_names(socket: ClientConnection, size: int) -> list[str | None]:
    """The tariffs of the limits in the first frame that tells of one of this size."""
    async with asyncio.timeout(60):
        while True:
            frame = json.loads(await socket.recv())
            if frame["t"] == "figures" and any(each["size"] == size for each in frame["quotas"]):
                return [each["tariff"] for each in frame["quotas"]]


async def test_every_screen_of_a_manager_is_told_tariffs_in_its_own_language(shop: str, theatre: Theatre) -> None:
    """CAT-9, LIVE-6: over HTTP and over the feed, where one computation serves several screens; also a French telephone
    and an English screen of the same person, open at once, at the first figures and at those pushed later."""
    limit = Quota(event=theatre.event, tariff=theatre.child, name="Enfants", size=10)
    await limit.save()
    names = {"fr": "Enfant", "en": "Child"}
    sockets: dict[str, ClientConnection] = {}
    url = f"{shop.replace('http', 'ws', 1)}/live/manage/{theatre.event}"
    for language, name in names.items():
        async with browser(shop, **{"Accept-Language": language}) as manager:
            await sign_in(manager, "manager")
            assert name in [each["tariff"] for each in (await figures(manager, theatre.event))["quotas"]]
            cookie = "; ".join(f"{key}={value}" for key, value in manager.cookies.items())
        headers = {"Cookie": cookie, "Accept-Language": language}
        sockets[language] = await connect(url, additional_headers=headers, proxy=None)
        await sockets[language].send('{"t":"hello","v":1}')
    try:
        for size in (10, 11):
            await Quota.update({Quota.size: size}).where(Quota.id == limit.id)
            for language, name in names.items():
                assert name in await limit_names(sockets[language], size)
    finally:
        for socket in sockets.values():
            await socket.close()
