"""Whose a sold seat is, where a cashier points (LIVE-2): for those who may see all orders, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Request, expect

from tests.browser.conftest import Invite
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLACE = "(seat) => eyes.place(seat)"
WELL_AFTER_IT_WOULD_HAVE_ASKED = "() => new Promise((done) => setTimeout(done, 1_000))"
"""By the page's own clock, whose shorter pauses are over by then however slow the machine is."""


async def sold_seat(demo: RunningDemo, performance: int) -> Any:
    """A seat with its order, in the middle of the list so that no other test gives it away."""
    row, *_ = await demo.ask(
        'SELECT t.ordinal, s.code, s.name FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
        " WHERE t.performance = $1 AND t.status = 'sold' AND t.used_at IS NULL AND s.name <> '' ORDER BY t.id LIMIT 1",
        performance,
    )
    return row


@pytest_asyncio.fixture(loop_scope="session")
async def lea_may(demo: RunningDemo, invite: Invite) -> AsyncIterator[None]:
    """The manager gives Léa the right for the time of a test, by ticking a box."""
    camille = await invite("Camille", DESKTOP)
    await camille.signs_in("manager", "/manage/staff")
    await camille.page.locator(".team__person", has_text="Léa Martin").get_by_role("checkbox").check()
    await expect(camille.page.locator(".toast")).to_contain_text("Léa Martin")
    yield
    await demo.ask("UPDATE accounts.membership SET may_see_orders = false")


async def opens_the_hall(cashier: Visitor, performance: int, seat: int) -> list[str]:
    """At the counter, close to a seat; returns what is asked from then on about whose seats are."""
    asked: list[str] = []

    def hear(request: Request) -> None:
        if "/sold-to" in request.url:
            asked.append(request.url)

    page, hall = cashier.page, SeatMapView(cashier)
    page.on("request", hear)
    await hall.watches()
    await page.add_init_script(f"sessionStorage.setItem('placeur-counter-show', '{performance}')")
    await cashier.signs_in("cashier", "/counter")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.wait_for_function("() => document.querySelector('seat-map')?.hall?.states.includes(3)")
    await hall.comes_close_to(seat)
    await page.wait_for_function("() => eyes.map.stage.seatSize > 9")
    return asked


async def test_a_cashier_who_may_sees_whose_a_seat_is_where_she_points(
    demo: RunningDemo, evenings: list[int], invite: Invite, lea_may: None
) -> None:
    """By mouse, with what she asks kept for a moment; and by the arrow keys, read out."""
    lea = await invite("Léa", DESKTOP)
    sold = await sold_seat(demo, evenings[0])
    asked = await opens_the_hall(lea, evenings[0], sold["ordinal"])
    page, card = lea.page, lea.page.locator(".seat-card")

    await page.mouse.move(*await page.evaluate(PLACE, sold["ordinal"]))
    await expect(card).to_contain_text(sold["name"])
    await expect(card).to_contain_text(sold["code"])
    await page.mouse.move(5, 5)
    await expect(card).to_be_hidden()
    await page.mouse.move(*await page.evaluate(PLACE, sold["ordinal"]))
    await expect(card).to_contain_text(sold["code"])
    assert len(asked) == 1, "what is known is not asked for again at once"

    await page.mouse.move(5, 5)
    await page.locator(".seat-map__field").focus()
    await page.evaluate("(seat) => { document.querySelector('seat-map').point(seat); }", sold["ordinal"] - 1)
    await page.keyboard.press("ArrowRight")
    await expect(card).to_contain_text(sold["code"])


async def test_a_cashier_s_finger_on_a_sold_seat_tells_whose_it_is(
    demo: RunningDemo, evenings: list[int], invite: Invite, lea_may: None
) -> None:
    lea = await invite("Léa", PHONE)
    sold = await sold_seat(demo, evenings[0])
    await opens_the_hall(lea, evenings[0], sold["ordinal"])
    await lea.page.touchscreen.tap(*await lea.page.evaluate(PLACE, sold["ordinal"]))
    await expect(lea.page.locator(".seat-card")).to_contain_text(sold["code"])


async def test_a_cashier_without_the_right_is_told_nothing_and_asks_nothing(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    lea = await invite("Léa", DESKTOP)
    sold = await sold_seat(demo, evenings[0])
    asked = await opens_the_hall(lea, evenings[0], sold["ordinal"])
    page, card = lea.page, lea.page.locator(".seat-card")
    await page.mouse.move(*await page.evaluate(PLACE, sold["ordinal"]))
    await expect(card).to_contain_text("Sold", ignore_case=True)
    await page.evaluate(WELL_AFTER_IT_WOULD_HAVE_ASKED)
    await expect(card).not_to_contain_text(sold["code"])
    assert (await card.inner_text()).lower().count("sold") == 1, "said once"
    assert asked == []


async def test_a_right_that_is_taken_while_the_page_is_open_tells_nothing_more(
    demo: RunningDemo, evenings: list[int], invite: Invite, lea_may: None
) -> None:
    """The page still believes that she may; the server's refusal makes it quiet."""
    lea = await invite("Léa", DESKTOP)
    lea.refusals.add(403)
    sold = await sold_seat(demo, evenings[0])
    asked = await opens_the_hall(lea, evenings[0], sold["ordinal"])
    async with demo.ledger() as ledger:
        await ledger.execute("UPDATE accounts.membership SET may_see_orders = false")
    page, card = lea.page, lea.page.locator(".seat-card")
    async with page.expect_response("**/sold-to") as answered:
        await page.mouse.move(*await page.evaluate(PLACE, sold["ordinal"]))
    assert (await answered.value).status == 403
    await expect(card).to_contain_text("Sold", ignore_case=True)
    await expect(card).not_to_contain_text(sold["code"])
    await expect(page.locator("#trouble")).to_be_empty()
    assert len(asked) == 1
