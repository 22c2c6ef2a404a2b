"""From the basket to the ticket in the mailbox, through a bank that says yes, no, later, or nothing at all."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from app.core.money import show_money
from app.demo.bank import LATE, NEEDS_CONFIRMING, SUCCEEDS, TWICE
from tests.browser.conftest import Invite
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.papers import claims_of, only_mail_to, pdf_in
from tests.running import RunningDemo
from tests.sales.documents.samples import codes_of, text_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOT_ENOUGH_MONEY = "4000000000009995"


async def is_told_paid(visitor: Visitor) -> str:
    """The order's page says that it is paid; returns the order's code."""
    await expect(visitor.page.locator("#order")).to_have_attribute("data-status", "paid")
    found = re.search(r"/orders/(\w+)", visitor.page.url)
    assert found is not None
    return found[1]


async def orders_of(demo: RunningDemo, email: str) -> list[str]:
    return [row["status"] for row in await demo.ask("SELECT status FROM sales.sale WHERE email = $1", email)]


async def test_paid_tickets_arrive_by_mail_with_a_code_that_only_we_can_have_signed(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """PAY-1, ORD-2, PRN-1, ACC-7: seat, price, event and terms on the paper, and the right ticket in its code."""
    ana = await invite("Ana", PHONE, locale="fr-FR")
    await ana.takes_the_best(evenings[1], 2)
    await ana.checks_out("Élodie Čapek", "elodie@example.org")
    await ana.pays_with(SUCCEEDS)

    order = await is_told_paid(ana)
    tickets = await demo.ask(
        'SELECT t.* FROM sales.ticket t JOIN sales.sale s ON s.id = t."order" WHERE s.code = $1 ORDER BY t.id', order
    )
    prices = {ticket["number"]: show_money(ticket["price_minor"], "EUR", "fr") for ticket in tickets}
    assert all(minor >= 1_000 for minor in (ticket["price_minor"] for ticket in tickets))
    for ticket in tickets:
        price = prices[ticket["number"]].replace("\xa0", " ")
        await expect(ana.page.locator(".ticket", has_text=ticket["number"])).to_contain_text(price)
    pdf = pdf_in(await only_mail_to(demo, "elodie@example.org"))
    text = text_of(pdf, 0) + text_of(pdf, 1)
    spoken = (price.replace("\xa0", " ") for price in prices.values())
    for wanted in ("Le Malade imaginaire", "Élodie Čapek", *spoken, "ni repris ni échangés", order):
        assert wanted in text.replace("\xa0", " ")
    for ticket in tickets:
        assert ticket["number"] in text
        assert all(part in text for part in ticket["seat"].split(" > "))
    claims = [await claims_of(demo, code.text) for code in codes_of(pdf, dots_per_inch=200)]
    assert sorted(c.ticket for c in claims) == sorted(t["number"] for t in tickets)
    assert {c.performance for c in claims} == {evenings[1]}
    await ana.goes_to(demo.world_url)
    await expect(ana.page.get_by_text("elodie@example.org").first).to_be_visible()


async def test_a_refused_card_is_told_with_the_banks_reason_and_another_one_pays(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """PAY-1, PAY-10: the seats stay while the buyer tries again."""
    ben = await invite("Ben", DESKTOP)
    await ben.takes_the_best(evenings[1])
    await ben.checks_out("Ben Okri", "ben.refused@example.org")
    await ben.pays_with(NOT_ENOUGH_MONEY)
    await expect(ben.page.get_by_role("alert")).to_contain_text("does not hold enough money")

    await ben.page.get_by_role("link", name=re.compile("Back to the box office")).last.click()

    await expect(ben.page.locator("#retry")).to_be_visible()
    await expect(ben.page.locator(".lead")).to_contain_text("your seats are still kept for you")
    await ben.page.locator("#retry").click()
    await ben.page.wait_for_url("**/bank/pay/**")
    await ben.pays_with(SUCCEEDS)
    await is_told_paid(ben)
    reasons = await demo.ask(
        'SELECT p.status, p.reason_code FROM sales.payment p JOIN sales.sale s ON s.id = p."order"'
        " WHERE s.email = $1 ORDER BY p.id",
        "ben.refused@example.org",
    )
    assert reasons[0]["reason_code"] == "insufficient_funds"
    assert reasons[-1]["status"] == "paid"


async def test_a_card_that_must_be_confirmed_pays_once_it_is(evenings: list[int], invite: Invite) -> None:
    """PAY-1: 3-D Secure, refused by its holder first."""
    ana = await invite("Ana", PHONE)
    await ana.takes_the_best(evenings[1])
    await ana.checks_out("Ana Díaz", "ana.confirms@example.org")
    await ana.pays_with(NEEDS_CONFIRMING)
    await ana.page.get_by_role("button", name="No, refuse").click()
    await expect(ana.page.get_by_role("alert")).to_contain_text("not confirmed")

    await ana.pays_with(NEEDS_CONFIRMING)
    await ana.page.get_by_role("button", name="Yes, pay").click()

    await is_told_paid(ana)


async def test_a_payment_that_was_abandoned_can_be_taken_up_again(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """PAY-1, ORD-1."""
    ana = await invite("Ana", DESKTOP)
    await ana.takes_the_best(evenings[1])
    await ana.checks_out("Ana Díaz", "ana.comes.back@example.org")

    await ana.page.get_by_role("link", name=re.compile("Back to the box office")).last.click()

    await ana.page.locator("#retry").click()
    await ana.page.wait_for_url("**/bank/pay/**")
    await ana.pays_with(SUCCEEDS)
    await is_told_paid(ana)
    assert await orders_of(demo, "ana.comes.back@example.org") == ["paid"]


async def test_an_order_whose_bank_speaks_late_turns_paid_before_its_buyers_eyes(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """PAY-1: nobody reloads. The bank is late by eight seconds; should the page take longer to open, it is another
    order that waits."""
    ana = await invite("Ana", PHONE)
    order = ana.page.locator("#order")
    for attempt in range(5):
        email = f"ana.waits.{attempt}@example.org"
        await ana.takes_the_best(evenings[1])
        await ana.checks_out("Ana Díaz", email)
        await ana.pays_with(LATE)
        await expect(order).to_have_attribute("data-status", re.compile("^(pending|paid)$"))
        at_first = await order.get_attribute("data-status")
        await is_told_paid(ana)
        await only_mail_to(demo, email)
        if at_first == "pending":
            break
    assert at_first == "pending"


async def test_a_bank_that_says_everything_twice_sells_once(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """PAY-1: replayed notifications change nothing; one order, one payment, one mail."""
    ana = await invite("Ana", DESKTOP)
    await ana.takes_the_best(evenings[1])
    await ana.checks_out("Ana Díaz", "ana.twice@example.org")
    await ana.pays_with(TWICE)

    await is_told_paid(ana)
    await only_mail_to(demo, "ana.twice@example.org")
    assert await orders_of(demo, "ana.twice@example.org") == ["paid"]


async def test_a_pay_button_that_is_pressed_twice_in_two_windows_makes_one_order(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """ORD-1, AHEAD-9: a double click here, and the same basket in another tab at the same time."""
    ana = await invite("Ana", DESKTOP)
    await ana.takes_the_best(evenings[1], 2)
    tabs = [ana, ana.another_tab(await ana.page.context.new_page())]
    for tab in tabs:
        await tab.fills_in("Ana Díaz", "ana.double@example.org")

    await asyncio.gather(*(tab.page.locator("#pay").dblclick(no_wait_after=True) for tab in tabs))

    await asyncio.gather(*(tab.page.wait_for_url("**/bank/pay/**") for tab in tabs))
    assert tabs[0].page.url == tabs[1].page.url
    await ana.pays_with(SUCCEEDS)
    await is_told_paid(ana)
    assert await orders_of(demo, "ana.double@example.org") == ["paid"]
    await only_mail_to(demo, "ana.double@example.org")


async def test_the_browsers_own_back_button_leads_to_the_order_and_not_to_an_empty_basket(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """ORD-1: from the bank's page back to the checkout, and Pay once more."""
    ana = await invite("Ana", PHONE)
    await ana.takes_the_best(evenings[1])
    await ana.checks_out("Ana Díaz", "ana.goes.back@example.org")
    at_the_bank = ana.page.url

    await ana.page.go_back()

    await ana.page.wait_for_url(re.compile("/checkout|/orders/"))
    if "/checkout" in ana.page.url:  # as it was left, out of the browser's memory
        await ana.page.locator("#pay").click()
        await ana.page.wait_for_url(at_the_bank)
    await ana.goes_to("/checkout")
    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "pending")
    await ana.goes_to(at_the_bank)
    await ana.pays_with(SUCCEEDS)
    await is_told_paid(ana)
    assert await orders_of(demo, "ana.goes.back@example.org") == ["paid"]


async def test_fields_that_need_attention_say_so_and_nothing_is_ordered(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """AHEAD-10, ORD-1: each message stands at its field, and the focus with the first of them."""
    ana = await invite("Ana", PHONE)
    await ana.takes_the_best(evenings[1])
    await ana.goes_to("/checkout")
    await ana.page.locator("#email").fill("nobody@nowhere")

    await ana.page.locator("#pay").click()

    await expect(ana.page.locator("#name")).to_be_focused()
    for field in ("name", "email", "accept_terms"):
        await expect(ana.page.locator(f"#{field}-error")).not_to_be_empty()
    assert await orders_of(demo, "nobody@nowhere") == []
