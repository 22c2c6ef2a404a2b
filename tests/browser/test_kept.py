"""What is kept, exceeded and watched, at real screens: a school's code, a manager's word, a house's heat."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from app.demo.bank import SUCCEEDS
from tests.browser.conftest import Invite
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, PHONE
from tests.running import RunningDemo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def school_at(demo: RunningDemo) -> Any:
    """The allotment of seats that the demo's season keeps."""
    (row,) = await demo.ask(
        "SELECT a.id, a.performance, a.key, array_agg(s.ordinal) AS seats FROM catalog.allotment a"
        " JOIN catalog.allotment_seat s ON s.allotment = a.id WHERE a.name = 'Collège Jules-Ferry' GROUP BY a.id"
    )
    return row


async def test_a_school_s_code_opens_its_seats_and_buys_them(demo: RunningDemo, invite: Invite) -> None:
    """AHEAD-2, SEA-8: a seat that is taken for everybody else is sold to whoever has the code, and says so."""
    school = await school_at(demo)
    ana, ben = await invite("Ana", PHONE), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await his.opens(school["performance"])
    await his.shows("taken", *school["seats"])
    await hers.watches()
    await ana.goes_to(f"/p/{school['performance']}?code={school['key']}")
    await hers.is_ready()
    await expect(ana.page).to_have_url(re.compile(r"/p/\d+$"))
    for seat in school["seats"]:
        await hers.can_take(seat)
    assert not await ben.page.evaluate("(seats) => seats.some((s) => eyes.map.hall.isFree(s))", list(school["seats"]))

    await ana.page.locator(".basket__usher").click()
    await expect(ana.page.locator("#best-category")).to_have_value(f"allotment:{school['id']}")
    await ana.page.locator("#best button[type=submit]").click()
    mine = await hers.shows_mine(2)
    assert set(mine) <= set(school["seats"])
    await ana.checks_out("Ana Díaz", "ana.school@example.org")
    await ana.pays_with(SUCCEEDS)
    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "paid")
    tickets = await demo.ask(
        'SELECT t.ordinal, t.allotment FROM sales.ticket t JOIN sales.sale s ON s.id = t."order" WHERE s.email = $1',
        "ana.school@example.org",
    )
    assert sorted((t["ordinal"], t["allotment"]) for t in tickets) == [(seat, school["id"]) for seat in sorted(mine)]


async def test_pupils_with_the_same_code_see_each_other_choose(demo: RunningDemo, invite: Invite) -> None:
    """AHEAD-2, LIVE-1: what one takes is gone from the other's map at once, and back when it is given back."""
    school = await school_at(demo)
    ana, ben = await invite("Ana", PHONE), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    for pupil, their in ((ana, hers), (ben, his)):
        await their.watches()
        await pupil.goes_to(f"/p/{school['performance']}?code={school['key']}")
        await their.is_ready()
    told = ben.page.locator(".keys__opened")
    await expect(told).to_contain_text(re.compile(r"\d+ seats? kept for you"))
    free = [s for s in school["seats"] if await ben.page.evaluate("(s) => eyes.map.hall.isFree(s)", s)]
    seat = free[0]
    for _ in range(2):
        await his.can_take(seat)
        await expect(told).to_contain_text(f"{len(free)} seat")
        await hers.taps(seat)
        await hers.shows("mine", seat)
        await his.cannot_take(seat)
        await expect(told).to_contain_text(f"{len(free) - 1} seat" if len(free) > 1 else "All of these seats")
        await hers.points_at(seat)
        await hers.can_take(seat)


async def test_a_wrong_code_is_told_beside_its_field(demo: RunningDemo, invite: Invite) -> None:
    school = await school_at(demo)
    ben = await invite("Ben", DESKTOP)
    ben.refusals.add(422)
    his = SeatMapView(ben)
    await his.opens(school["performance"])
    await ben.page.locator("#keys summary").click()
    await ben.page.locator("#key").fill("KNOBODYHASX")
    await ben.page.locator("#key").press("Enter")
    await expect(ben.page.locator("#key-said")).to_contain_text("We do not know this code")
    await his.shows("taken", school["seats"][0])


async def test_a_manager_passes_over_a_limit_in_a_second_step_and_a_cashier_cannot(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    """QUO-5: refused first, asked with the limit's name, then held and marked; the cashier is only refused."""
    camille, lea = await invite("Camille", DESKTOP), await invite("Léa", DESKTOP)
    await camille.signs_in("manager", "/counter")
    await lea.signs_in("cashier", "/counter")
    (limit,) = await demo.ask(
        "SELECT id, size, name FROM catalog.quota WHERE performance = $1 AND tariff IS NULL", festival_day
    )
    api = f"{demo.url}/api/v1/manage/quotas/{limit['id']}"
    answer = await camille.page.context.request.patch(api, data={"size": 0})
    assert answer.ok, await answer.text()
    try:
        for visitor in (camille, lea):
            visitor.refusals.add(409)
            await visitor.page.locator("#find").fill("quay fri")
            await visitor.page.locator("#find").press("Enter")
            await expect(visitor.page.locator("#live")).to_have_attribute("data-state", "live")
            await visitor.page.locator("#count").fill("2")
            await visitor.page.locator("#count").press("Enter")
            await expect(visitor.page.locator("#trouble")).not_to_be_empty()
        await expect(lea.page.locator("#anyway")).to_have_count(0)

        page = camille.page
        await page.locator("#anyway").click()
        await expect(page.locator("#exceed-text")).to_contain_text(limit["name"])
        await expect(page.locator("#basket-n")).to_have_text("")
        await page.locator("#exceed button[value=exceed]").click()
        await expect(page.locator("#basket-n")).to_have_text("2")
        await expect(page.locator(".line__exceeded")).to_have_count(1)
        await expect(page.locator("#trouble")).to_contain_text(limit["name"])
    finally:
        await camille.page.context.request.delete(f"{demo.url}/api/v1/counter/cart")
        await camille.page.context.request.patch(api, data={"size": limit["size"]})


async def test_the_manager_s_page_shows_where_a_house_fills_after_a_sale(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """LIVE-6: the zone's figure on the plan's own shapes moves by itself, and its tint with it."""
    camille, lea = await invite("Camille", DESKTOP), await invite("Léa", DESKTOP)
    await camille.signs_in("manager", "/manage")
    page = camille.page
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    card = page.locator(f"#side-{evenings[2]}")
    zones = card.locator(".zones__n")
    paths = card.locator(".heat__zone")
    await expect(zones).not_to_have_count(0)
    await expect(paths).to_have_count(await zones.count())
    sold_before = await zones.all_inner_texts()
    tints_before = await paths.evaluate_all("(all) => all.map((path) => path.style.strokeOpacity)")

    await lea.signs_in("cashier", "/counter")
    send = lea.page.context.request
    asked = {"performance": evenings[2], "best": {"count": 12}}
    held = await send.post(f"{demo.url}/api/v1/counter/cart/items", data=asked)
    assert held.ok, await held.text()
    sold = await send.post(f"{demo.url}/api/v1/counter/orders", data={"method": "cash", "print": False})
    assert sold.ok, await sold.text()

    async def moved() -> bool:
        tints = await paths.evaluate_all("(all) => all.map((path) => path.style.strokeOpacity)")
        return (await zones.all_inner_texts()) != sold_before and tints != tints_before

    await eventually(moved, "the zones' figures and tints follow the sale")


async def test_a_manager_gives_a_sold_ticket_another_seat_at_the_counter(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """SEA-9, LIVE-2: a click on the sold seat says whose it is; the number on the paper and a click move it."""
    camille = await invite("Camille", DESKTOP)
    await camille.signs_in("manager", "/counter")
    page = camille.page
    await page.locator("#find").fill("imag inv")
    await page.locator("#find").press("Enter")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.wait_for_function("() => document.querySelector('seat-map')?.hall?.states.includes(3)")
    ticket, *_ = await demo.ask(
        'SELECT t.number, t.ordinal, s.code FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
        " WHERE t.performance = $1 AND t.status = 'sold' AND t.used_at IS NULL ORDER BY t.id DESC LIMIT 1",
        evenings[0],
    )
    await page.evaluate("(seat) => document.querySelector('seat-map').choose(seat)", ticket["ordinal"])
    await expect(page.locator(".move")).to_contain_text(ticket["code"])
    await page.locator("#move-number").fill(ticket["number"])
    await page.locator("#move-number").press("Enter")
    await expect(page.locator("#trouble")).to_contain_text(ticket["number"])
    free = await page.evaluate(
        "() => { const map = document.querySelector('seat-map'), seat = map.hall.states.indexOf(0);"
        " map.choose(seat); return seat; }"
    )
    await expect(page.locator("#trouble")).to_contain_text("The ticket stays valid")
    await page.wait_for_function(
        "([to, from]) => { const { states } = document.querySelector('seat-map').hall;"
        " return states[to] === 3 && states[from] === 0; }",
        arg=[free, ticket["ordinal"]],
    )
    (moved,) = await demo.ask("SELECT ordinal FROM sales.ticket WHERE number = $1", ticket["number"])
    assert moved["ordinal"] == free
    await expect(page.locator("#basket-n")).to_have_text("")
