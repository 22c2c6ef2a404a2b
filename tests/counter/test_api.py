"""The HTTP API of the counter: a sale from the first seat to the paper, and who may make one (BOX-1, BOX-2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import BoxOffice, Performance
from app.core.db import connection
from app.counter.tables import Counter
from tests.cast import Theatre
from tests.shop import browser, open_shop, problem, sign_in

CART = "/api/v1/counter/cart"
ORDERS = "/api/v1/counter/orders"


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def hold(person: httpx.AsyncClient, performance: int, *seats: int) -> httpx.Response:
    return await person.post(f"{CART}/items", json={"performance": performance, "seats": seats})


async def test_a_cashier_sells_two_seats_for_cash_and_their_papers_are_on_the_way(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as lea:
        await sign_in(lea, "lea")
        listed = (await lea.get("/api/v1/counter/performances")).json()
        assert [p["id"] for p in listed] == [theatre.performance, theatre.standing, theatre.other]
        held = await hold(lea, theatre.performance, 0, 20)
        assert held.status_code == 201
        item = held.json()["added"][0]
        assert (await lea.patch(f"{CART}/items/{item}", json={"tariff": theatre.child})).json()["total_minor"] == 4500
        body = {"method": "cash", "expected_total_minor": 4500, "received_minor": 5000, "print": True}
        problem(await lea.post(ORDERS, json={**body, "received_minor": 4499}), "not_enough_cash")
        problem(await lea.post(ORDERS, json={**body, "received_minor": -1}), "invalid")
        problem(await lea.post(ORDERS, json={**body, "received_minor": 2**40}), "invalid")
        problem(await lea.post(ORDERS, json={**body, "email": "nonsense"}), "invalid")
        problem(await lea.post(ORDERS, json={**body, "expected_total_minor": 1}), "price_changed")
        for method in ("card", "free", "nonsense"):
            problem(await lea.post(ORDERS, json={**body, "method": method}), "unknown_method")
        cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in lea.cookies.items())}
        async with httpx.AsyncClient(base_url=shop, headers=cookie, trust_env=False, timeout=30) as impatient:
            once, twice = await asyncio.gather(*(impatient.post(ORDERS, json=body) for _ in range(2)))
        sale = once.json()
        assert (once.status_code, twice.json()) == (201, sale)
        assert (sale["status"], sale["total_minor"], sale["change_minor"]) == ("paid", 4500, 500)
        ids = ",".join(map(str, sale["print_jobs"]))
        jobs = (await lea.get("/api/v1/counter/print-jobs", params={"ids": ids})).json()
        assert [(j["state"], j["printer"], j["copy_number"]) for j in jobs] == [("queued", "Printer 1", 0)] * 2
        job = sale["print_jobs"][0]
        problem(await lea.post(f"/api/v1/counter/print-jobs/{job}/reprint"), "print_not_finished")
        problem(
            await lea.post(f"/api/v1/counter/print-jobs/{job}/resolve", json={"printed": True}), "print_not_finished"
        )
        problem(await lea.post(f"/api/v1/counter/print-jobs/{job}/resolve", json={"printed": "yes"}), "invalid")
        problem(await lea.post(f"/api/v1/counter/print-jobs/{job}/retry"), "print_not_finished")
        async with connection() as ledger:
            await ledger.execute("UPDATE counter.print_job SET state = 'printed'")
        key = {"Idempotency-Key": "again"}
        copies = [(await lea.post(f"/api/v1/counter/print-jobs/{job}/reprint", headers=key)).json() for _ in range(2)]
        assert copies[0] == copies[1]
        assert copies[0][0]["copy_number"] == 1
        for odd in ("", "x,²,-1,1.5", "9" * 30, ",,,"):
            answer = await lea.get("/api/v1/counter/print-jobs", params={"ids": odd})
            assert (answer.status_code, answer.json()) == (200, [])
        problem(await lea.get("/api/v1/counter/print-jobs"), "bad_request")


async def test_what_a_counter_holds_comes_back_and_is_nobody_else_s(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as lea, browser(shop) as hugo:
        problem(await hold(lea, theatre.performance, 0), "unauthenticated")
        await sign_in(lea, "lea")
        await sign_in(hugo, "hugo")
        problem(await lea.delete(f"{CART}/items/x"), "hold_expired")
        problem(await lea.post(ORDERS, json={"method": "cash"}), "hold_expired")
        [item] = (await hold(lea, theatre.performance, 0)).json()["added"]
        problem(await hold(hugo, theatre.performance, 0), "seat_taken")
        hugo.cookies.set("placeur_counter_cart", lea.cookies["placeur_counter_cart"])
        assert (await hugo.get(CART)).json()["items"] == []  # her cookie opens nothing for him
        for odd in (f"{theatre.hugo}.", f"{theatre.hugo}.x", f"{theatre.hugo}.{{g:e1}}:meta-----------"):
            hugo.cookies.delete("placeur_counter_cart")
            hugo.cookies.set("placeur_counter_cart", odd)
            assert (await hugo.get(CART)).json()["items"] == []
        hugo.cookies.clear()
        await sign_in(hugo, "hugo")
        await hold(hugo, theatre.performance, 1)
        await hugo.delete(f"{CART}/items/{item}")
        assert len((await lea.get(CART)).json()["items"]) == 1
        assert (await lea.delete(f"{CART}/items/{item}")).json()["items"] == []
        assert (await hugo.delete(CART)).json()["items"] == []
        taken = (await lea.get(f"/api/v1/performances/{theatre.performance}/seats")).json()["states"]
        assert not any(taken)


async def test_a_counter_sells_its_own_house_and_nothing_else(shop: str, theatre: Theatre) -> None:
    """A stranger with a counter of their own sees and sells nothing of this one; what is hidden stays so."""
    async with connection() as reader:
        organizer = await reader.fetchval(
            "SELECT organizer FROM accounts.membership WHERE account = $1", theatre.stranger
        )
    office = BoxOffice(organizer=organizer, name="Elsewhere", slug="else", currency="EUR", contact_email="a@b.example")
    await office.save()
    await Counter(box_office=office.id, name="Their counter").save()
    await Performance.update({Performance.visibility: "counter"}).where(Performance.id == theatre.other)
    await Performance.update({Performance.visibility: "hidden"}).where(Performance.id == theatre.standing)
    forget_offers()
    async with browser(shop) as stranger, browser(shop) as lea:
        await sign_in(stranger, "stranger")
        assert (await stranger.get("/api/v1/counter/performances")).json() == []
        problem(await stranger.get(f"/api/v1/counter/performances/{theatre.performance}"), "not_found")
        problem(await hold(stranger, theatre.performance, 0), "not_found")
        await sign_in(lea, "lea")
        [_, at_the_counter_only] = (await lea.get("/api/v1/counter/performances")).json()
        assert at_the_counter_only["id"] == theatre.other
        assert (await hold(lea, theatre.other, 0)).status_code == 201
        problem(await lea.get(f"/api/v1/counter/performances/{theatre.standing}"), "not_found")
        await lea.delete(CART)
        standing = {"performance": theatre.standing, "quantity": 1}
        problem(await lea.post(f"{CART}/items", json=standing), "not_found")
        body = {"method": "terminal", "expected_total_minor": 4000, "print": True}
        await hold(lea, theatre.performance, 0)
        job = (await lea.post(ORDERS, json=body)).json()["print_jobs"][0]
        assert (await stranger.get("/api/v1/counter/print-jobs", params={"ids": job})).json() == []
        problem(await stranger.post(f"/api/v1/counter/print-jobs/{job}/reprint"), "not_found")
    async with browser(shop) as doorkeeper:
        await sign_in(doorkeeper, "doorkeeper")
        problem(await hold(doorkeeper, theatre.performance, 3), "forbidden")


async def test_a_manager_s_figures_follow_a_sale(shop: str, theatre: Theatre) -> None:
    figures = f"/api/v1/manage/figures?event={theatre.event}"
    async with browser(shop) as manager:
        await sign_in(manager, "manager")
        await hold(manager, theatre.performance, 0, 1)
        before = (await manager.get(figures)).json()
        await manager.post(ORDERS, json={"method": "cash", "expected_total_minor": 8000, "name": "Ada"})
        after = (await manager.get(figures)).json()
        tonight = [f["performances"][0] for f in (before, after)]
        assert [(p["free"], p["held"], p["sold"], p["takings_minor"]) for p in tonight] == [
            (28, 2, 0, 0),
            (28, 0, 2, 8000),
        ]
        assert (after["orders"], after["takings_minor"], sum(after["sales_per_minute"])) == (1, 8000, 2)
        assert after["latest"][0]["name"] == "Ada"
        assert len(after["sales_per_minute"]) == 60
