"""The name on a sold seat: for those who may see all orders, when they ask, while they are signed in (LIVE-2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.core.clock import now
from app.core.db import connection, transaction
from app.core.i18n import locale_of
from app.sales.carts import Cart, Wish, add_to_cart
from app.sales.orders import cancel_pending, follow_in_inventory, lock_order, place_order
from tests.cast import ALICE, Theatre, counter_cart
from tests.shop import browser, open_shop, problem, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def alice_buys(theatre: Theatre, seat: int, *, paid: bool = True) -> str:
    """The order's code."""
    cart: Cart = counter_cart(theatre.lea)
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(seat,), tariff=theatre.full), at=now())
    method = "cash" if paid else "card"
    placed = await place_order(cart, ALICE, method=method, expected_total_minor=None, settled=paid, at=now())
    return placed.code


def path(theatre: Theatre, seat: int) -> str:
    return f"/api/v1/counter/performances/{theatre.performance}/seats/{seat}/sold-to"


async def test_who_may_see_all_orders_is_told_the_name_and_nobody_else(shop: str, theatre: Theatre) -> None:
    code = await alice_buys(theatre, 3)
    expected = {"name": ALICE.name, "order": code, "tariff": "Full price"}
    async with browser(shop) as manager, browser(shop) as lea, browser(shop) as stranger, browser(shop) as nobody:
        await sign_in(manager, "manager")
        await sign_in(lea, "lea")
        await sign_in(stranger, "stranger")  # a manager too, of another house
        assert (await manager.get(path(theatre, 3))).json() == expected
        for person, refusal in ((lea, "forbidden"), (stranger, "not_found"), (nobody, "unauthenticated")):
            refused = await person.get(path(theatre, 3))
            problem(refused, refusal)
            assert ALICE.name not in refused.text


async def test_a_cashier_who_is_given_the_right_is_told_too_until_it_is_taken_back(shop: str, theatre: Theatre) -> None:
    """LIVE-2, BOX-1: the right is the operator's, asked for afresh at each question; only this house's manager gives
    it, and the journal says so."""
    await alice_buys(theatre, 3)
    async with browser(shop) as manager, browser(shop) as lea, browser(shop) as hugo, browser(shop) as stranger:
        for person, name in ((manager, "manager"), (lea, "lea"), (hugo, "hugo"), (stranger, "stranger")):
            await sign_in(person, name)
        rights = f"/api/v1/manage/staff/{theatre.lea}"
        problem(await lea.patch(rights, json={"may_see_orders": True}), "forbidden")
        problem(await stranger.patch(rights, json={"may_see_orders": True}), "not_found")
        problem(await lea.get(path(theatre, 3)), "forbidden")

        given = (await manager.patch(rights, json={"may_see_orders": True})).json()
        assert [each["name"] for each in given if each["may_see_orders"]] == ["Manager", "Lea"]
        assert (await lea.get(path(theatre, 3))).json()["name"] == ALICE.name
        problem(await hugo.get(path(theatre, 3)), "forbidden")

        await manager.patch(rights, json={"may_see_orders": False})
        problem(await lea.get(path(theatre, 3)), "forbidden")
        assert (await manager.get(path(theatre, 3))).status_code == 200, "a manager needs no such right"
    async with connection() as reader:
        lines = await reader.fetch(
            "SELECT action FROM core.journal_line WHERE chain = $1 AND subject = $2 ORDER BY sequence",
            f"organizer:{theatre.organizer}", f"account:{theatre.lea}",
        )  # fmt: skip
    assert [line["action"] for line in lines] == ["right_given", "right_taken"]


async def test_each_asker_is_told_the_tariff_in_their_own_language(shop: str, theatre: Theatre) -> None:
    """CAT-9, LIVE-2: also where the ticket was sold in another one; the paper keeps the words that its buyer read."""
    with locale_of("fr"):
        await alice_buys(theatre, 3)
    async with connection() as reader:
        paper = await reader.fetchval(
            "SELECT tariff_name FROM sales.ticket WHERE performance = $1", theatre.performance
        )
    assert paper == "Plein tarif"
    for language, name in (("fr", "Plein tarif"), ("en", "Full price")):
        async with browser(shop, **{"Accept-Language": language}) as manager:
            await sign_in(manager, "manager")
            assert (await manager.get(path(theatre, 3))).json()["tariff"] == name


async def test_a_log_in_that_ended_is_told_nothing_more(shop: str, theatre: Theatre) -> None:
    await alice_buys(theatre, 3)
    async with browser(shop) as manager, browser(shop) as again:
        await sign_in(manager, "manager")
        again.cookies.update(manager.cookies)
        assert (await again.get(path(theatre, 3))).status_code == 200
        assert (await manager.post("/logout")).status_code == 303
        problem(await again.get(path(theatre, 3)), "unauthenticated")


async def test_a_seat_that_is_nobody_s_has_no_name(shop: str, theatre: Theatre) -> None:
    code = await alice_buys(theatre, 4, paid=False)
    async with browser(shop) as manager:
        await sign_in(manager, "manager")
        assert (await manager.get(path(theatre, 4))).json()["order"] == code, "also while it waits for its payment"
        async with transaction() as ledger:
            row = await lock_order(ledger, await ledger.fetchval("SELECT id FROM sales.sale WHERE code = $1", code))
            await cancel_pending(ledger, row, because="test", actor="test", at=now())
        await follow_in_inventory(theatre.group, code, "expired")
        for seat in (4, 5, 999, 2**31, 2**63):
            problem(await manager.get(path(theatre, seat)), "not_found")
        elsewhere = f"/api/v1/counter/performances/{theatre.performance + 999}/seats/4/sold-to"
        problem(await manager.get(elsewhere), "not_found")


async def heard_until(socket: ClientConnection, what: Callable[[dict[str, Any]], bool]) -> list[str]:
    """Every frame up to the first that is this, as it was sent."""
    frames: list[str] = []
    async with asyncio.timeout(60):
        while not frames or not what(json.loads(frames[-1])):
            frames.append(str(await socket.recv()))
    return frames


def tells_sold(seat: int, frame: dict[str, Any]) -> bool:
    return frame["t"] == "delta" and [seat, 3] in [each[:2] for each in frame["seats"]]


async def test_no_name_travels_on_the_feed_even_to_those_who_may_ask(shop: str, theatre: Theatre) -> None:
    """What is private never travels on a shared channel: every frame that both watch is looked through."""
    async with browser(shop) as manager:
        await sign_in(manager, "manager")
        cookie = "; ".join(f"{name}={value}" for name, value in manager.cookies.items())
        frames: list[str] = []
        for audience in ("counter", "manage"):
            url = f"{shop.replace('http', 'ws', 1)}/live/{audience}/performances/{theatre.performance}"
            seat = {"counter": 6, "manage": 7}[audience]
            async with connect(url, additional_headers={"Cookie": cookie}, proxy=None) as socket:
                await socket.send('{"t":"hello","v":1}')
                # A sale that came before the picture would be in it, and nowhere else.
                frames += await heard_until(socket, lambda frame: frame["t"] == "snapshot")
                await alice_buys(theatre, seat)
                frames += await heard_until(socket, partial(tells_sold, seat))
            assert (await manager.get(path(theatre, seat))).json()["name"] == ALICE.name
        assert not any("Alice" in frame for frame in frames)
