"""The bank's page in a real browser, on a phone and on a desk: choose a card, confirm, and be back in the shop."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from app.bootstrap.main import find_chromium
from app.demo.bank import NEEDS_CONFIRMING
from app.sales.methods.card import METHOD
from tests.demo.bank_at_work import bank_at_work, intent

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        assert not os.environ.get("CI"), "No Chromium here, and CI skips no browser test."
        pytest.skip("NO CHROMIUM HERE: the bank's page was not tried in a browser.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


async def choose_and_pay(page: Page, number: str) -> None:
    await page.click(f"[data-number='{number}']")
    await page.click("form .press")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 568), (1280, 900)])
async def test_a_buyer_is_refused_once_confirms_the_second_card_and_comes_back(
    browser: Browser, width: int, height: int
) -> None:
    async with bank_at_work() as bank:
        page = await (await browser.new_context(viewport={"width": width, "height": height})).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        redirect = await METHOD.begin(
            intent(return_url=f"{bank.url}/?back={{CHECKOUT_SESSION_ID}}"), settings=bank.settings
        )

        await page.goto(redirect.url)
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await choose_and_pay(page, "4000000000009995")
        refusal = page.get_by_role("alert")
        await refusal.wait_for()
        assert "does not hold enough money" in await refusal.inner_text()

        await choose_and_pay(page, NEEDS_CONFIRMING)
        await page.get_by_role("button", name="Yes, pay").click()
        await page.wait_for_url(f"**/?back={redirect.reference}")
        assert (await METHOD.look_up(redirect.reference, settings=bank.settings)).status == "paid"
        assert complaints == []

        await page.goto(redirect.url)  # with the back button, or from an old tab
        assert await page.get_by_role("heading", name="Paid").is_visible()
        assert await page.locator("form").count() == 0


async def test_the_number_is_grouped_while_it_is_typed_and_the_page_works_by_keyboard(browser: Browser) -> None:
    async with bank_at_work() as bank:
        page = await browser.new_page()
        redirect = await METHOD.begin(
            intent(return_url=f"{bank.url}/?back={{CHECKOUT_SESSION_ID}}"), settings=bank.settings
        )
        await page.goto(redirect.url)
        await page.get_by_label("Card number").focus()
        await page.keyboard.type("4242424242424242")
        assert await page.get_by_label("Card number").input_value() == "4242 4242 4242 4242"
        await page.keyboard.press("Tab")
        await page.keyboard.type("1234")
        assert await page.get_by_label("Expires").input_value() == "12 / 34"
        await page.keyboard.press("Tab")
        await page.keyboard.type("123")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/?back={redirect.reference}")
        assert (await METHOD.look_up(redirect.reference, settings=bank.settings)).status == "paid"
