"""What is kept, over HTTP: a manager keeps it, a buyer or a cashier opens it (AHEAD-2), and nobody else may."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.cast import Theatre
from tests.shop import browser, open_shop, problem, sign_in

MANAGE = "/api/v1/manage/allotments"


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def keep(manager: httpx.AsyncClient, theatre: Theatre, *seats: int | str) -> httpx.Response:
    asked = {"performance": theatre.performance, "name": "Presse", "seats": seats}
    return await manager.post(MANAGE, json=asked)


async def test_a_manager_keeps_seats_and_a_buyer_with_the_key_holds_them(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        made = await keep(manager, theatre, 4, "Parterre > A > 6")
        assert made.status_code == 201, made.text
        kept = made.json()
        assert [(s["ordinal"], s["state"], s["key"]) for s in kept["seats"]] == [(4, 6, None), (5, 6, None)]
        asked = {"performance": theatre.performance, "seats": [4]}
        assert problem(await buyer.post("/api/v1/cart/items", json=asked), "kept_seat")["seats"] == [4]
        problem(await buyer.post("/api/v1/cart/keys", json={"key": "KNOBODYHASX"}), "unknown_key")
        problem(await buyer.post("/api/v1/cart/keys", json={"key": ""}), "invalid")
        opened = await buyer.post("/api/v1/cart/keys", json={"key": kept["key"]})
        assert opened.status_code == 201
        (allotment,) = opened.json()["allotments"]
        assert (allotment["id"], allotment["seats"], allotment["best"]) == (kept["id"], [4, 5], True)
        view = (await buyer.get(f"/api/v1/performances/{theatre.performance}")).json()
        assert view["allotments"] == [allotment]
        held = (await buyer.post("/api/v1/cart/items", json=asked)).json()
        assert [i["allotment"] for i in held["items"]] == [kept["id"]]
        best = {"performance": theatre.performance, "best": {"count": 1}, "allotment": kept["id"]}
        held = (await buyer.post("/api/v1/cart/items", json=best)).json()
        assert {i["ordinal"] for i in held["items"]} == {4, 5}
        listed = (await manager.get(MANAGE, params={"performance": theatre.performance})).json()
        assert [(a["left"], [s["state"] for s in a["seats"]]) for a in listed] == [(0, [1, 1])]


async def test_the_link_that_a_school_was_sent_shows_its_key_by_itself(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as manager, browser(shop) as buyer:
        await sign_in(manager, "manager")
        kept = (await keep(manager, theatre, 4)).json()
        assert kept["link"] == f"/p/{theatre.performance}?code={kept['key']}"
        assert (await buyer.get(kept["link"])).status_code == 200
        held = await buyer.post("/api/v1/cart/items", json={"performance": theatre.performance, "seats": [4]})
        assert held.status_code == 201
        assert (await buyer.get(f"/p/{theatre.performance}?code=KNOBODYHASX")).status_code == 200


async def test_keys_are_not_guessed_at_leisure(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as guesser:
        answers = [await guesser.post("/api/v1/cart/keys", json={"key": f"K{n:010}"}) for n in range(31)]
    assert {a.status_code for a in answers[:30]} == {422}
    problem(answers[30], "too_many_requests")


async def test_a_cashier_sells_from_what_is_kept_by_naming_it(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as manager, browser(shop) as lea:
        await sign_in(manager, "manager")
        await sign_in(lea, "lea")
        kept = (await keep(manager, theatre, 4, 5)).json()
        listed = (await lea.get("/api/v1/counter/allotments", params={"performance": theatre.performance})).json()
        assert [(a["id"], a["seats"], a["left"]) for a in listed] == [(kept["id"], [4, 5], 2)]
        assert "key" not in listed[0]
        asked = {"performance": theatre.performance, "seats": [4]}
        problem(await lea.post("/api/v1/counter/cart/items", json=asked), "kept_seat")
        held = await lea.post("/api/v1/counter/cart/items", json={**asked, "allotment": kept["id"]})
        assert held.status_code == 201
        by_key = await lea.post("/api/v1/counter/cart/keys", json={"key": kept["key"]})
        assert [a["seats"] for a in by_key.json()["allotments"]] == [[4, 5]]
        assert (await lea.post("/api/v1/counter/cart/items", json={**asked, "seats": [5]})).status_code == 201


async def test_it_is_changed_and_released_over_http(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as manager:
        await sign_in(manager, "manager")
        kept = (await keep(manager, theatre, 4, 5)).json()
        one = f"{MANAGE}/{kept['id']}"
        dated = await manager.patch(one, json={"release_at": "2099-01-01T10:00:00+01:00"})
        assert dated.json()["release_at"] == "2099-01-01T10:00:00+01:00"
        renamed = (await manager.patch(one, json={"name": "Rectorat"})).json()
        assert (renamed["name"], renamed["release_at"]) == ("Rectorat", "2099-01-01T10:00:00+01:00")
        assert (await manager.patch(one, json={"release_at": None})).json()["release_at"] is None
        problem(await manager.patch(one, json={"release_at": "2001-01-01T10:00:00+01:00"}), "invalid")
        problem(await manager.patch(one, json={"release_at": "2099-01-01T10:00:00"}), "invalid")
        part = (await manager.post(f"{one}/release", json={"seats": ["Parterre > A > 5"]})).json()
        assert [s["ordinal"] for s in part["seats"]] == [5]
        problem(await manager.post(f"{one}/release", json={"seats": [99]}), "unknown_seat")
        assert (await manager.post(f"{one}/release", json={})).json()["released_at"] is not None
        problem(await manager.post(f"{one}/release", json={}), "not_found")
        problem(await keep(manager, theatre, 99), "unknown_seat")
        problem(await keep(manager, theatre), "invalid")


async def test_only_managers_of_the_house_keep_anything(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as nobody:
        problem(await keep(nobody, theatre, 4), "unauthenticated")
    for person, code in (("lea", "forbidden"), ("stranger", "not_found")):
        async with browser(shop) as someone:
            await sign_in(someone, person)
            problem(await keep(someone, theatre, 4), code)
            problem(await someone.get(MANAGE, params={"performance": theatre.performance}), code)


async def test_links_and_shared_limits_over_http(shop: str, theatre: Theatre) -> None:
    """SEA-7, AHEAD-12, QUO-1."""
    async with browser(shop) as manager, browser(shop) as lea:
        await sign_in(manager, "manager")
        await sign_in(lea, "lea")
        links = "/api/v1/manage/links"
        asked = {"pass": theatre.performance, "matches": [theatre.other]}
        problem(await lea.post(links, json=asked), "forbidden")
        problem(await manager.post(links, json={**asked, "matches": [theatre.standing]}), "different_plans")
        problem(await manager.post(links, json={**asked, "matches": []}), "invalid")
        assert (await manager.post(links, json=asked)).json() == [{"pass": theatre.performance, "match": theatre.other}]
        await hold_at_counter(lea, theatre.performance, 3)
        taken = (await lea.get(f"/api/v1/performances/{theatre.other}/seats")).json()["states"]
        assert [n for n, state in enumerate(taken) if state] == [3]
        assert (await manager.get(links, params={"event": theatre.event})).json() == [
            {"pass": theatre.performance, "match": theatre.other}
        ]
        assert (await manager.delete(f"{links}/{theatre.performance}/{theatre.other}")).status_code == 204
        problem(await manager.delete(f"{links}/{theatre.performance}/{theatre.other}"), "not_found")

        quotas = "/api/v1/manage/quotas"
        (capacity,) = (await manager.get(quotas, params={"event": theatre.standing_event})).json()
        problem(await manager.patch(f"{quotas}/{capacity['id']}", json={"events": [theatre.event]}), "not_shareable")
        problem(await lea.patch(f"{quotas}/{capacity['id']}", json={"size": 3}), "forbidden")
        resized = (await manager.patch(f"{quotas}/{capacity['id']}", json={"size": 3})).json()
        assert [(q["size"], q["events"]) for q in resized] == [(3, [theatre.standing_event])]
        four = {"performance": theatre.standing, "quantity": 4}
        assert problem(await lea.post("/api/v1/cart/items", json=four), "quota_exhausted")["left"] == 3
        problem(await manager.delete("/api/v1/manage/inventory/9999"), "not_found")
        assert (await manager.delete(f"/api/v1/manage/inventory/{theatre.event}")).status_code == 204


async def test_only_a_manager_may_exceed(shop: str, theatre: Theatre) -> None:
    """QUO-5. Online nobody can: what the buyers' own cart does not know, it does not read."""
    asked = {"performance": theatre.standing, "quantity": 21, "exceed": ["quotas"]}
    for person, code in (("lea", "forbidden"), ("manager", None)):
        async with browser(shop) as someone:
            await sign_in(someone, person)
            answer = await someone.post("/api/v1/counter/cart/items", json=asked)
            if code is not None:
                problem(answer, code)
            else:
                assert [(e["limit"], e["left"]) for e in answer.json()["exceeded"]] == [("Capacity", 20)]
                problem(await someone.post("/api/v1/counter/cart/items", json={**asked, "exceed": ["all"]}), "invalid")
    async with browser(shop) as buyer:
        assert (await buyer.post("/api/v1/cart/items", json={**asked, "quantity": 5})).status_code == 409


async def hold_at_counter(lea: httpx.AsyncClient, performance: int, *seats: int) -> None:
    asked = {"performance": performance, "seats": seats}
    assert (await lea.post("/api/v1/counter/cart/items", json=asked)).status_code == 201


async def test_a_seat_is_exchanged_and_a_basket_taken_over_at_a_desk(shop: str, theatre: Theatre) -> None:
    """SEA-9, LIVE-2. A ticket's number moves nothing for a cashier, a basket's public name nothing for a buyer."""
    async with browser(shop) as manager, browser(shop) as lea, browser(shop) as buyer:
        await sign_in(manager, "manager")
        await sign_in(lea, "lea")
        asked = {"performance": theatre.performance, "seats": [3]}
        ref = (await buyer.post("/api/v1/cart/items", json=asked)).json()["ref"]
        problem(await buyer.post("/api/v1/counter/carts/take", json={"ref": ref}), "unauthenticated")
        problem(await lea.post("/api/v1/counter/carts/take", json={"ref": "nonsense"}), "not_found")
        taken = (await lea.post("/api/v1/counter/carts/take", json={"ref": ref})).json()
        assert [item["ordinal"] for item in taken["items"]] == [3]
        assert (await buyer.get("/api/v1/cart")).json()["notice"]["code"] == "taken_over"
        body = {"method": "cash", "expected_total_minor": 4000, "print": False}
        sale = (await lea.post("/api/v1/counter/orders", json=body)).json()
        path, _, key = sale["url"].partition("?key=")
        order = (await lea.get(f"/api/v1{path}", params={"key": key})).json()
        number = order["tickets"][0]["number"]
        exchange = f"/api/v1/manage/tickets/{number}/seat"
        problem(await lea.post(exchange, json={"seat": 4}), "forbidden")
        problem(await manager.post(exchange, json={"seat": 99}), "unknown_seat")
        problem(await manager.post("/api/v1/manage/tickets/T0000000000/seat", json={"seat": 4}), "not_found")
        told = (await manager.post(exchange, json={"seat": "Parterre > A > 5"})).json()
        assert (told["seat"], told["before"], told["order"]) == ("Parterre · A · 5", "Parterre · A · 4", sale["code"])
        assert (await lea.get(f"/api/v1{path}", params={"key": key})).json()["tickets"][0]["seat"] == told["seat"]
