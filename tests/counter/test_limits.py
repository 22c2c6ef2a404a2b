"""Limits and what buyers are told of them, as a manager sets both over HTTP (QUO-1, QUO-4, LIVE-3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from app.core.db import connection
from tests.cast import Theatre
from tests.shop import browser, open_shop, problem, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


def shown(event: int) -> str:
    return f"/api/v1/manage/events/{event}/shown"


async def change(manager: httpx.AsyncClient, path: str, **wanted: Any) -> Any:
    answer = await manager.patch(path, json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextlib.asynccontextmanager
async def open_map(shop: str, performance: int) -> AsyncIterator[Callable[[str], Awaitable[dict[str, Any]]]]:
    """Somebody's live map: call it with a kind of frame to wait for the next one."""
    url = f"{shop.replace('http', 'ws', 1)}/live/performances/{performance}"
    async with connect(url, proxy=None) as socket:
        await socket.send('{"t":"hello","v":1}')

        async def next_of(kind: str) -> dict[str, Any]:
            async with asyncio.timeout(60):
                while (frame := json.loads(await socket.recv()))["t"] != kind:
                    pass
            return dict(frame)

        yield next_of


async def test_what_buyers_are_told_is_the_manager_s_to_choose_and_the_journal_s_to_keep(
    shop: str, theatre: Theatre
) -> None:
    path = shown(theatre.standing_event)
    words = {"en": "Full! See you next year.", "fr": "Complet !"}
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        await change(manager, path, show="nothing")
        before = (await manager.get(path)).json()
        assert (before["show"], before["sold_out_text"], before["languages"]) == ("nothing", {}, ["fr", "en"])
        view = (await buyer.get(f"/api/v1/performances/{theatre.standing}")).json()
        assert (view["left"], view["counters"]) == (None, [])

        assert (await change(manager, path, show="left", sold_out_text={**words, "de": "  "}))["sold_out_text"] == words
        view = (await buyer.get(f"/api/v1/performances/{theatre.standing}")).json()
        assert (view["show_left"], view["show_sold"], view["left"]) == (True, False, 20)
        assert view["sold_out_text"] == words["en"]

        told = await change(manager, path, show="sold")
        assert (told["show"], told["sold_out_text"]) == ("sold", words), "what is not given stays"
        view = (await buyer.get(f"/api/v1/performances/{theatre.standing}")).json()
        assert (view["show_left"], view["show_sold"], view["capacity"]) == (False, True, 20)
        await change(manager, path, show="sold")
    async with connection() as reader:
        lines = await reader.fetch(
            "SELECT actor, body FROM core.journal_line WHERE action = 'shown_changed' ORDER BY sequence"
        )
    # The last change was none, and has no line.
    assert [json.loads(line["body"])["after"]["show"] for line in lines] == ["nothing", "left", "sold"]
    assert {line["actor"] for line in lines} == {f"account:{theatre.manager}"}


async def test_only_this_house_s_manager_sets_it_and_nonsense_is_refused(shop: str, theatre: Theatre) -> None:
    path = shown(theatre.event)
    async with browser(shop) as manager, browser(shop) as lea, browser(shop) as stranger:
        for person, name in ((manager, "manager"), (lea, "lea"), (stranger, "stranger")):
            await sign_in(person, name)
        before = (await manager.get(path)).json()
        for person, refusal in ((lea, "forbidden"), (stranger, "not_found")):
            problem(await person.get(path), refusal)
            problem(await person.patch(path, json={"show": "sold"}), refusal)
        problem(await manager.patch(shown(9_999_999), json={"show": "left"}), "not_found")
        for nonsense in (
            {"sold_out_text": {"xx": "?"}}, {"sold_out_text": {"en": "x" * 201}}, {"sold_out_text": {"en": "a\x00b"}},
        ):  # fmt: skip
            told = problem(await manager.patch(path, json=nonsense), "invalid")
            assert [each["field"] for each in told["errors"]] == ["sold_out_text"]
        assert (await manager.patch(path, json={"show": "everything"})).status_code in (400, 422)
        assert (await manager.get(path)).json() == before


async def test_an_open_map_hears_of_a_limit_that_was_changed(shop: str, theatre: Theatre) -> None:
    """LIVE-3: absolute, with what is used of it."""
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        await change(manager, shown(theatre.standing_event), show="left")
        asked = {"performance": theatre.standing, "quantity": 3}
        assert (await buyer.post("/api/v1/cart/items", json=asked)).status_code == 201
        (limit,) = (await manager.get(f"/api/v1/manage/quotas?event={theatre.standing_event}")).json()
        async with open_map(shop, theatre.standing) as next_of:
            key = f"q{limit['id']}"
            assert (await next_of("snapshot"))["quotas"] == {key: [3, 20]}
            await change(manager, f"/api/v1/manage/quotas/{limit['id']}", size=25)
            assert (await next_of("delta"))["quotas"] == {key: [3, 25]}


async def test_open_maps_get_the_counters_that_they_may_see_and_lose_those_that_they_may_not(
    shop: str, theatre: Theatre
) -> None:
    """A new picture, at once; and nobody's basket is touched by it."""
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        asked = {"performance": theatre.standing, "quantity": 2}
        assert (await buyer.post("/api/v1/cart/items", json=asked)).status_code == 201
        await change(manager, shown(theatre.standing_event), show="nothing")
        async with open_map(shop, theatre.standing) as next_of:
            assert (await next_of("snapshot"))["quotas"] == {}
            await change(manager, shown(theatre.standing_event), show="left")
            assert list((await next_of("snapshot"))["quotas"].values()) == [[2, 20]]
            await change(manager, shown(theatre.standing_event), show="nothing")
            assert (await next_of("snapshot"))["quotas"] == {}
        cart = (await buyer.get("/api/v1/cart")).json()
        assert (len(cart["items"]), cart["notice"]) == (2, None)


async def test_the_pages_are_for_this_house_s_managers(shop: str, theatre: Theatre) -> None:
    """BOX-1: others are sent to the log-in, or refused."""
    paths = (f"/manage/limits?event={theatre.event}", "/manage/staff")
    async with browser(shop) as manager, browser(shop) as lea, browser(shop) as stranger, browser(shop) as nobody:
        for person, name in ((manager, "manager"), (lea, "lea"), (stranger, "stranger")):
            await sign_in(person, name)
        for path in paths:
            assert (await manager.get(path)).status_code == 200
            assert (await lea.get(path)).status_code == 403
            assert (await nobody.get(path)).status_code == 303
        assert (await stranger.get(paths[0])).status_code == 404
        elsewhere = await stranger.get("/manage/staff")
        assert elsewhere.status_code == 200
        assert "lea@example.org" not in elsewhere.text, "their own staff, and nobody of this house"
        assert (await stranger.get("/manage/limits")).status_code == 200, "with no event yet"
