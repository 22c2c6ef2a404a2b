"""The HTTP API of selling, end to end: the good way through it, and each bad input's clear answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Event, Performance, Quota
from app.core.clock import now
from app.core.db import connection
from app.core.errors import KINDS
from app.core.i18n import gettext, locale_of
from app.demo.bank import TWICE
from tests.cast import SILVER_ROW_C, Theatre
from tests.demo.bank_at_work import BankAtWork, bank_at_work
from tests.sales.test_payments import use_bank
from tests.shop import browser, open_shop, problem, sign_in

WHO = {"name": "Alice Martin", "email": "alice@example.org", "method": "card", "accept_terms": True}


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


@pytest.fixture
async def bank(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BankAtWork]:
    async with bank_at_work() as bank:
        use_bank(monkeypatch, bank.url)
        yield bank


async def hold(buyer: httpx.AsyncClient, performance: int, *seats: int, **more: Any) -> httpx.Response:
    body = {"performance": performance, "seats": seats, **more.pop("body", {})}
    return await buyer.post("/api/v1/cart/items", json=body, **more)


# -- the way through --------------------------------------------------------------------------------------------------


async def test_a_buyer_finds_holds_orders_pays_and_has_tickets(theatre: Theatre, bank: BankAtWork) -> None:
    async with open_shop() as shop, browser(shop) as buyer, bank.browser() as at_bank:
        events = (await buyer.get("/api/v1/events")).json()
        assert [e["slug"] for e in events] == ["the-play", "the-festival"]
        assert events[0]["from_minor"] == 1000
        view = (await buyer.get(f"/api/v1/performances/{theatre.performance}")).json()
        assert (view["status"], view["seated"], view["left"]) == ("open", True, 30)
        assert view["tariffs"][0]["prices"] == {"Gold": 4000, "Silver": 2500}
        plan = await buyer.get(f"/api/v1/performances/{theatre.performance}/plan")
        assert len(plan.json()["seats"]["x"]) == 30
        unchanged = {"If-None-Match": plan.headers["etag"]}
        assert (await buyer.get(plan.url.path, headers=unchanged)).status_code == 304

        held = await hold(buyer, theatre.performance, 3, 4)
        assert held.status_code == 201
        first, second = held.json()["added"]
        changed = await buyer.patch(f"/api/v1/cart/items/{second}", json={"tariff": theatre.child})
        assert changed.json()["total_minor"] == 6000
        best = {"performance": theatre.performance, "best": {"count": 2, "categories": ["Silver"]}}
        cart = (await buyer.post("/api/v1/cart/items", json=best)).json()
        assert cart["total_minor"] == 11_000
        assert {item["ordinal"] for item in cart["items"]} - {3, 4} <= set(SILVER_ROW_C)
        for item in cart["added"]:
            cart = (await buyer.delete(f"/api/v1/cart/items/{item}")).json()
        assert [item["id"] for item in cart["items"]] == [first, second]
        taken = (await buyer.get(f"/api/v1/performances/{theatre.performance}/seats")).json()["states"]
        assert [n for n, state in enumerate(taken) if state] == [3, 4]

        token = buyer.cookies["placeur_cart"]
        click: dict[str, Any] = {"json": {**WHO, "expected_total_minor": 6000}, "headers": {"Cart": token}}
        once, twice = await asyncio.gather(*(buyer.post("/api/v1/orders", **click) for _ in range(2)))
        order = once.json()
        assert (once.status_code, twice.json()) == (201, order)  # one order, one payment page
        assert (order["status"], order["total_minor"]) == ("pending", 6000)

        await at_bank.press_pay(order["pay_url"], TWICE)
        await bank.ear.until(2)
        heard = [
            await buyer.post("/webhooks/card", content=body, headers={"Stripe-Signature": headers["stripe-signature"]})
            for headers, body in bank.ear.heard
        ]
        assert [answer.json()["received"] for answer in heard] == ["complete", *["nothing"] * (len(heard) - 1)]
        address = f"/api/v1/orders/{order['code']}"
        shown = (await buyer.get(address, params={"key": order["key"]})).json()
        assert (shown["status"], shown["payment"]["status"]) == ("paid", "paid")
        assert [t["price_minor"] for t in shown["tickets"]] == [4000, 2000]
        pdf = await buyer.get(shown["tickets"][0]["pdf_url"])
        assert pdf.content.startswith(b"%PDF-")
        for key in ("", "wrong", order["key"][:-1]):
            problem(await buyer.get(address, params={"key": key}), "not_found")
        assert (await buyer.get(f"/orders/{order['code']}?key=wrong")).status_code == 404


async def test_the_return_from_the_bank_is_heard_and_an_abandoned_page_can_be_opened_anew(
    theatre: Theatre, bank: BankAtWork
) -> None:
    async with open_shop() as shop, browser(shop) as buyer, bank.browser() as at_bank:
        await hold(buyer, theatre.performance, 0)
        order = (await buyer.post("/api/v1/orders", json={**WHO, "expected_total_minor": 4000})).json()
        async with connection() as reader:
            payment = await reader.fetchval("SELECT id FROM sales.payment")
        back = f"{order['url']}&abandoned="
        assert (await buyer.get(f"{back}{payment + 1}")).status_code == 200  # somebody else's number changes nothing
        assert (await buyer.get(f"{back}{payment}")).status_code == 200
        pay = f"/api/v1/orders/{order['code']}/payments?key={order['key']}"
        problem(await buyer.post(pay, json={"method": "cash"}), "unknown_method")
        problem(await buyer.post(pay[:-2], json={"method": "card"}), "not_found")
        again = (await buyer.post(pay, json={"method": "card"})).json()["pay_url"]
        assert again != order["pay_url"]
        left = await at_bank.press_pay(again, "4242 4242 4242 4242")
        assert left.status_code == 303
        assert (await buyer.get(f"{order['url']}&returned={payment + 1}")).status_code == 200
        shown = (await buyer.get(f"/api/v1/orders/{order['code']}?key={order['key']}")).json()
        assert shown["status"] == "paid"
        problem(await buyer.post(pay, json={"method": "card"}), "order_closed")


async def test_what_costs_nothing_is_ordered_without_a_bank(shop: str, theatre: Theatre) -> None:
    async with connection() as ledger:
        await ledger.execute("UPDATE catalog.price SET amount_minor = 0 WHERE tariff = $1", theatre.standing_tariff)
    forget_offers()
    async with browser(shop) as buyer:
        body = {"performance": theatre.standing, "quantity": 2, "tariff": theatre.standing_tariff}
        await buyer.post("/api/v1/cart/items", json=body)
        order = (await buyer.post("/api/v1/orders", json={**WHO, "expected_total_minor": 0})).json()
        assert (order["status"], order["total_minor"], order["pay_url"]) == ("paid", 0, None)


# -- bad input --------------------------------------------------------------------------------------------------------


async def test_a_wish_that_cannot_be_is_answered_clearly_and_holds_nothing(shop: str, theatre: Theatre) -> None:
    seated, standing = theatre.performance, theatre.standing
    wishes: list[tuple[Any, int, str]] = [
        ({"performance": seated, "seats": [30]}, 422, "unknown_seat"),
        ({"performance": seated, "seats": [-1]}, 422, "unknown_seat"),
        ({"performance": standing, "seats": [3]}, 422, "wrong_performance"),
        ({"performance": 999_999, "seats": [3]}, 404, "not_found"),
        ({"performance": 2**63, "seats": [3]}, 400, "bad_request"),
        ({"performance": -1, "seats": [3]}, 404, "not_found"),
        ({"performance": seated, "quantity": 2}, 400, "bad_request"),
        ({"performance": standing, "best": {"count": 2}}, 400, "bad_request"),
        ({"performance": seated}, 400, "bad_request"),
        ({"performance": seated, "seats": [1], "quantity": 1}, 400, "bad_request"),
        ({"performance": seated, "seats": list(range(11))}, 409, "too_many"),
        ({"performance": seated, "seats": list(range(101))}, 422, "invalid"),
        ({"performance": seated, "best": {"count": 0}}, 422, "invalid"),
        ({"performance": seated, "best": {"count": 21}}, 409, "too_many"),
        ({"performance": seated, "best": {"count": 101}}, 422, "invalid"),
        ({"performance": seated, "best": {"count": 2, "zones": ["Nowhere"]}}, 409, "not_enough_seats"),
        ({"performance": seated, "seats": [1], "tariff": theatre.standing_tariff}, 400, "bad_request"),
        ({"performance": seated, "seats": ["one"]}, 422, "invalid"),
        ({"performance": seated, "seats": "1"}, 422, "invalid"),
        ({"performance": None, "seats": [1]}, 422, "invalid"),
        ({"seats": [1]}, 422, "invalid"),
        ([], 422, "invalid"),
        (None, 422, "invalid"),
        ({"performance": standing, "quantity": -1}, 422, "invalid"),
        ({"performance": standing, "quantity": 1.5}, 422, "invalid"),
        ({"performance": standing, "quantity": 21, "tariff": theatre.standing_tariff}, 409, "too_many"),
    ]
    async with browser(shop) as buyer:
        for body, status, code in wishes:
            answer = await buyer.post("/api/v1/cart/items", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (body, answer.text)
            problem(answer, code)
        assert (await buyer.get("/api/v1/cart")).json()["items"] == []
        for content, status, code in (
            (b"{", 400, "bad_request"),
            (b"\xff\xfe", 400, "bad_request"),
            (b"", 422, "invalid"),
            (b"[" * 100_000, 400, "bad_request"),
            (b'{"performance": NaN}', 400, "bad_request"),
            (b" " * 1_000_001, 413, "too_large"),
        ):
            answer = await buyer.post("/api/v1/cart/items", content=content)
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        invalid = await buyer.post("/api/v1/cart/items", json={"performance": "x", "seats": [1]})
        assert [e["field"] for e in problem(invalid, "invalid")["errors"]]
        for verb, path, code in (
            ("PUT", "/api/v1/cart", "method_not_allowed"),
            ("GET", "/api/v1/nowhere", "not_found"),
            ("GET", "/api/v1/performances/99999999999999999999", "bad_request"),
            ("GET", "/api/v1/performances/x", "not_found"),
            ("GET", "/api/v1/orders/%00?key=%00", "bad_request"),
            ("DELETE", "/api/v1/cart/items/nothing", "hold_expired"),
            ("POST", "/webhooks/nonsense", "unknown_method"),
            ("POST", "/webhooks/cash", "not_found"),
        ):
            problem(await buyer.request(verb, path), code)
        for token in ("short", "x" * 65, "12.abcdefghijklmnopqrst", "{g:e1}:meta-------"):
            problem(await buyer.get("/api/v1/cart", headers={"Cart": token}), "bad_request")


async def test_a_taken_seat_names_the_nearest_ones_in_the_buyer_s_language(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as first, browser(shop, **{"Accept-Language": "fr-CA,fr;q=0.9"}) as second:
        assert (await hold(first, theatre.performance, 4, 5)).status_code == 201
        told = problem(await hold(second, theatre.performance, 5, 6), "seat_taken")
        assert told["seats"] == [5]
        assert 1 <= len(told["nearest"]) <= 10
        assert not set(told["nearest"]) & {4, 5, 6}
        with locale_of("fr"):
            assert told["detail"] == gettext(KINDS["seat_taken"].detail) != KINDS["seat_taken"].detail
        assert (await second.get("/api/v1/cart")).json()["items"] == []
        english = problem(await hold(second, theatre.performance, 5, params={"language": "en"}), "seat_taken")
        assert english["title"] == "Someone was quicker"


async def test_sold_out_and_closed_say_so(shop: str, theatre: Theatre) -> None:
    await Quota.update({Quota.size: 2}).where(Quota.performance == theatre.standing)
    closed = now() - timedelta(minutes=1)
    await Performance.update({Performance.sale_closes_at: closed}).where(Performance.id == theatre.other)
    forget_offers()
    wish = {"performance": theatre.standing, "quantity": 2, "tariff": theatre.standing_tariff}
    async with browser(shop) as first, browser(shop) as second:
        assert (await first.post("/api/v1/cart/items", json=wish)).status_code == 201
        problem(await second.post("/api/v1/cart/items", json=wish), "sold_out")
        problem(await hold(second, theatre.other, 1), "sale_closed")
        await hold(second, theatre.performance, 0)
        problem(
            await first.post("/api/v1/cart/items", json={**wish, "performance": theatre.performance}), "bad_request"
        )
        problem(await hold(first, theatre.performance, 9), "other_event")


async def test_an_order_is_refused_with_every_field_that_needs_attention(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as buyer:
        problem(
            await buyer.post("/api/v1/orders", json=WHO | {"method": "free", "expected_total_minor": 0}), "hold_expired"
        )
        await hold(buyer, theatre.performance, 0)
        wrong = await buyer.post(
            "/api/v1/orders",
            json={"name": " \x00\t ", "email": "a\x00@b.c", "method": "free", "expected_total_minor": 0},
        )
        fields = {e["field"] for e in problem(wrong, "invalid")["errors"]}
        assert fields == {"name", "email", "accept_terms"}
        for email in ("", "a", "a@b", "@b.c", "a b@c.d", "a@b.c\nBcc: x@y.z", "a@b.c,d@e.f", "<a@b.c>", "a@.c"):
            answer = await buyer.post("/api/v1/orders", json={**WHO, "email": email})
            assert [e["field"] for e in answer.json().get("errors", [])] in (["email"], []), email
            assert answer.status_code == 422
        for method in ("card", "cash", "terminal", "free", "nonsense", ""):  # no bank is set up here
            problem(await buyer.post("/api/v1/orders", json={**WHO, "method": method}), "unknown_method")
        problem(await buyer.post("/api/v1/orders", json={**WHO, "expected_total_minor": 0}), "price_changed")
        assert len((await buyer.get("/api/v1/cart")).json()["items"]) == 1
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM sales.sale") == 0


async def test_a_hold_that_has_lapsed_at_checkout_is_told_and_the_seat_is_free(
    theatre: Theatre, bank: BankAtWork
) -> None:
    await Event.update({Event.hold_ttl_s: 1}).where(Event.id == theatre.event)
    forget_offers()
    async with open_shop() as shop, browser(shop) as buyer, browser(shop) as other:
        await hold(buyer, theatre.performance, 0)
        path = f"/api/v1/performances/{theatre.performance}/seats"
        async with asyncio.timeout(60):
            while any((await other.get(path)).json()["states"]):
                await asyncio.sleep(0.1)
        problem(await buyer.post("/api/v1/orders", json={**WHO, "expected_total_minor": 4000}), "hold_expired")
        assert (await hold(other, theatre.performance, 0)).status_code == 201


async def test_a_price_that_moved_is_shown_and_the_names_are_cleaned(theatre: Theatre, bank: BankAtWork) -> None:
    async with open_shop() as shop, browser(shop) as buyer:
        await hold(buyer, theatre.performance, 0)
        told = problem(await buyer.post("/api/v1/orders", json={**WHO, "expected_total_minor": 3999}), "price_changed")
        assert told["total_minor"] == 4000
        assert "€40.00" in told["detail"]
        body = {**WHO, "name": "  Zoë\x00 \x1b[31m\n O’Brien  ", "expected_total_minor": 4000}
        order = (await buyer.post("/api/v1/orders", json=body)).json()
        shown = (await buyer.get(f"/api/v1/orders/{order['code']}?key={order['key']}")).json()
        assert shown["name"] == "Zoë [31m O’Brien"


async def test_forged_and_stale_notifications_change_nothing(theatre: Theatre, bank: BankAtWork) -> None:
    async with open_shop() as shop, browser(shop) as anybody:
        for headers in ({}, {"Stripe-Signature": "t=1,v1=00"}, {"Stripe-Signature": "x" * 5000}):
            for body in (b"", b"{}", b"\xff" * 100, b"[" * 50_000):
                problem(await anybody.post("/webhooks/card", content=body, headers=headers), "bad_notification")


# -- idempotency (AHEAD-9) --------------------------------------------------------------------------------------------


async def test_the_same_key_does_the_work_once(shop: str, theatre: Theatre) -> None:
    async with browser(shop, Cart="a-cart-token-of-a-client") as client:
        key = {"Idempotency-Key": "k1"}
        first = await hold(client, theatre.performance, 0, headers=key)
        replay = await hold(client, theatre.performance, 0, headers=key)
        assert (replay.status_code, replay.json()) == (201, first.json())
        assert replay.headers["idempotent-replay"] == "true"
        problem(await hold(client, theatre.performance, 1, headers=key), "idempotency_conflict")
        assert len((await client.get("/api/v1/cart")).json()["items"]) == 1
        # A refusal is not kept: what was taken may be free at the next try.
        again = {"Idempotency-Key": "k2"}
        async with browser(shop) as other:
            taken = (await hold(other, theatre.performance, 7)).json()["added"][0]
            problem(await hold(client, theatre.performance, 7, headers=again), "seat_taken")
            await other.delete(f"/api/v1/cart/items/{taken}")
        assert (await hold(client, theatre.performance, 7, headers=again)).status_code == 201
        for bad in ("", "x" * 256):
            problem(await hold(client, theatre.performance, 8, headers={"Idempotency-Key": bad}), "bad_request")
    async with browser(shop, Cart="the-cart-of-somebody-else") as other:
        assert (await hold(other, theatre.performance, 2, headers=key)).status_code == 201  # their key is theirs


async def test_the_same_key_at_the_same_moment_is_one_hold(shop: str, theatre: Theatre) -> None:
    wish = {"performance": theatre.standing, "quantity": 1, "tariff": theatre.standing_tariff}
    async with browser(shop, Cart="a-cart-token-of-a-client", **{"Idempotency-Key": "k"}) as client:
        answers = await asyncio.gather(*(client.post("/api/v1/cart/items", json=wish) for _ in range(6)))
        kinds = {a.status_code if a.is_success else a.json()["code"] for a in answers}
        assert 201 in kinds
        assert kinds <= {201, "in_progress"}
        assert len((await client.get("/api/v1/cart")).json()["items"]) == 1


# -- who may ask ------------------------------------------------------------------------------------------------------


async def test_a_write_from_another_site_is_refused_everywhere(shop: str, theatre: Theatre) -> None:
    async with httpx.AsyncClient(base_url=shop, timeout=30, trust_env=False) as client:
        for foreign in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://["},
        ):
            problem(await hold(client, theatre.performance, 0, headers=foreign), "cross_site")
            problem(await client.post("/api/v1/orders", json=WHO, headers=foreign), "cross_site")
            for path in ("/login", "/logout"):
                page = await client.post(path, data={"email": "lea@example.org"}, headers=foreign)
                assert page.status_code == 403
                assert "came from another site" in page.text
            assert (await client.get("/api/v1/events", headers=foreign)).status_code == 200
        assert (await client.get("/api/v1/cart")).json()["items"] == []
        for own in ({}, {"Origin": shop}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
            client.cookies.clear()
            assert (await client.delete("/api/v1/cart", headers=own)).status_code == 200


async def test_what_is_hidden_is_not_there_for_buyers(shop: str, theatre: Theatre) -> None:
    for visibility in ("hidden", "counter"):
        await Performance.update({Performance.visibility: visibility}).where(Performance.id == theatre.other)
        forget_offers()
        async with browser(shop) as buyer:
            for path in ("", "/plan", "/seats"):
                problem(await buyer.get(f"/api/v1/performances/{theatre.other}{path}"), "not_found")
            problem(await hold(buyer, theatre.other, 1), "not_found")
            assert (await buyer.get(f"/p/{theatre.other}")).status_code == 404
            [play, _] = (await buyer.get("/api/v1/events")).json()
            assert [p["id"] for p in play["performances"]] == [theatre.performance]
    async with browser(shop) as lea, browser(shop) as stranger:
        await sign_in(lea, "lea")
        assert (await lea.get(f"/api/v1/performances/{theatre.other}/plan")).status_code == 200
        await sign_in(stranger, "stranger")
        problem(await stranger.get(f"/api/v1/performances/{theatre.other}/plan"), "not_found")


async def test_one_address_cannot_hold_a_house_to_ransom(
    shop: str, theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sales.api.HOLDS_PER_MINUTE", 1)
    async with browser(shop) as buyer:
        answers = [await hold(buyer, theatre.performance, seat) for seat in range(6)]
        assert [a.status_code for a in answers] == [201] * 5 + [429]
        told = problem(answers[-1], "too_many_requests")
        assert 0 < int(answers[-1].headers["retry-after"]) <= 300
        assert answers[-1].headers["retry-after"] in told["detail"]


# -- for people -------------------------------------------------------------------------------------------------------


async def test_pages_for_people_carry_their_headers_and_a_lost_address_is_told_kindly(
    shop: str, theatre: Theatre
) -> None:
    async with browser(shop, **{"Accept-Language": "en;q=0.1, fr"}) as person:
        for path in ("/", "/e/the-play", f"/p/{theatre.performance}", "/checkout", "/terms"):
            page = await person.get(path)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
            assert '<html lang="fr"' in page.text
        for path in ("/nowhere", "/p/999999", "/e/nothing", "/orders/CNOTHING?key=x", "/p/99999999999999999999"):
            page = await person.get(path)
            assert page.status_code in (400, 404), path
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
            assert '<html lang="fr"' in page.text
            assert "Traceback" not in page.text
        chosen = await person.get("/nowhere?language=en")
        assert "Nothing here" in chosen.text
        assert "Nothing here" in (await person.get("/nowhere")).text  # remembered
        cart = (await person.get(f"/p/{theatre.performance}")).headers.get("set-cookie", "")
        assert "placeur_cart" not in cart  # it has one since its first look


async def test_cookies_of_a_cart_are_kept_from_scripts_and_other_sites(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACEUR_PUBLIC_URL", "https://tickets.example")
    from app.settings import get_settings

    get_settings.cache_clear()
    async with open_shop() as shop, browser(shop) as buyer:
        cookie = (await hold(buyer, theatre.performance, 0)).headers["set-cookie"].lower()
        for flag in ("httponly", "samesite=lax", "secure", "path=/"):
            assert flag in cookie
