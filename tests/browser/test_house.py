"""The people of the house at their screens: a cashier who sells by keyboard, a gate, a manager who watches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from app.demo.bank import SUCCEEDS
from app.demo.people import GATE
from tests.browser.conftest import Invite
from tests.browser.seat_map import COUNTDOWN
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.papers import claims_of, codes_on, only_mail_to, pdf_in
from tests.running import RunningDemo, eventually
from tests.sales.documents.samples import codes_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ATTEMPTS = 5
"""A gate asks its hub for a second and a half, then decides alone (ACC-7), and may do so once where a machine stands
still for a moment: the next visitor has another ticket."""


async def number_in(place: Locator) -> int:
    return int(re.sub(r"\D", "", await place.inner_text()) or 0)


async def shows_what_is_held(manager: Visitor, place: Locator, event: int, *performances: int) -> None:
    """Waits until a manager's figure is that of the house, and no longer that of a moment ago, when other windows were
    open: only then can it be counted on. Of all performances where none is named."""

    async def agrees() -> bool:
        url = f"{manager.demo.url}/api/v1/manage/figures?event={event}"
        told = await (await manager.page.context.request.get(url)).json()
        held = [each["held"] for each in told["performances"] if not performances or each["id"] in performances]
        return await number_in(place) == int(sum(held))

    await eventually(agrees, "the page shows what is held")


async def ticket_by_mail(demo: RunningDemo, buyer: Visitor, performance: int, email: str) -> str:
    """Bought online; returns the code on the paper."""
    await buyer.takes_the_best(performance, 1)
    await buyer.checks_out("Ana Díaz", email)
    await buyer.pays_with(SUCCEEDS)
    (code,) = codes_of(pdf_in(await only_mail_to(demo, email)), dots_per_inch=200)
    return str(code.text)


async def test_a_cashier_sees_every_hold_and_sells_two_tickets_that_print_by_keyboard_alone(
    demo: RunningDemo, evenings: list[int], invite: Invite, tmp_path: Path
) -> None:
    """BOX-2, LIVE-2, PRN-1, PRN-3, DEV-2: sold for cash, through the hub and its agent, onto labels that scan."""
    ana, ben, lea = await invite("Ana", PHONE), await invite("Ben", DESKTOP), await invite("Léa", DESKTOP)
    await lea.signs_in("cashier", "/counter")
    page = lea.page
    await page.keyboard.press("F2")
    await page.keyboard.type("imag inv")
    await expect(page.locator("#find")).to_have_value("imag inv")
    await page.keyboard.press("Enter")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.wait_for_function("() => document.querySelector('seat-map')?.hall")
    before = await number_in(page.locator("#holds-n"))

    for visitor, count in ((ana, 1), (ben, 2)):
        await visitor.takes_the_best(evenings[0], count)

    await expect(page.locator("#holds-n")).to_have_text(str(before + 3))
    for line in await page.locator(".hold").all():
        await expect(line.locator(".hold__time")).to_have_text(COUNTDOWN)

    printed = len(demo.labels())
    await page.keyboard.press("2")
    await page.keyboard.press("Enter")
    await expect(page.locator("#basket-n")).to_have_text("2")
    await page.keyboard.press("F8")
    await expect(page.locator("#received")).to_be_focused()
    await page.keyboard.type("500")
    await page.keyboard.press("Enter")

    sold = page.locator(".sold").first
    await expect(sold).to_have_attribute("data-standing", "printed")
    await expect(sold.locator(".sold__change")).to_be_visible()
    order = await sold.locator(".sold__code").inner_text()
    tickets = await demo.ask(
        'SELECT t.number, t.performance, t.status, t.seat FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
        " WHERE s.code = $1 ORDER BY t.id",
        order,
    )
    assert [t["status"] for t in tickets] == ["sold", "sold"]
    labels = demo.labels()[printed:]
    assert len(labels) == 2
    claims = [await claims_of(demo, code) for code in codes_on(labels, tmp_path)]
    assert sorted(c.ticket for c in claims) == sorted(t["number"] for t in tickets)
    assert {c.performance for c in claims} == {evenings[0]}


async def test_a_ticket_is_admitted_once_at_any_gate(demo: RunningDemo, evenings: list[int], invite: Invite) -> None:
    """ACC-1, ACC-2, ACC-7: green at the agent's scanner, red there the second time, and red in a browser elsewhere."""
    ana, ines = await invite("Ana", PHONE), await invite("Inès", PHONE)
    for attempt in range(ATTEMPTS):
        code = await ticket_by_mail(demo, ana, evenings[0], f"ana.enters.{attempt}@example.org")
        first = await demo.scan(code)
        if "offline" not in first:
            break
    number = (await claims_of(demo, code)).ticket
    second = await demo.scan(code)
    forged = await demo.scan(code[:-1] + ("A" if code[-1] != "A" else "B"))

    assert first.startswith("ADMITTED")
    assert number in first
    assert "offline" not in first
    assert second.startswith("ALREADY_USED")
    assert forged.startswith("FORGED")
    await ines.signs_in("gate", "/gate")
    await ines.page.get_by_role("button", name="Entrée balcons").click()
    await ines.page.locator("#code").fill(code)
    await ines.page.locator("#code").press("Enter")
    await expect(ines.page.locator("#gate")).to_have_attribute("data-verdict", "already_used")
    await expect(ines.page.locator("#shown")).to_contain_text(GATE)
    await expect(ines.page.locator("#shown")).to_contain_text(number)


async def test_a_gate_in_a_browser_says_green_once(demo: RunningDemo, evenings: list[int], invite: Invite) -> None:
    """ACC-1, ACC-2: and the agent's scanner, at another gate, knows it."""
    ana, ines = await invite("Ana", PHONE), await invite("Inès", PHONE, locale="fr-FR")
    await ines.signs_in("gate", "/gate")
    await ines.page.get_by_role("button", name="Entrée balcons").click()
    for attempt in range(ATTEMPTS):
        code = await ticket_by_mail(demo, ana, evenings[0], f"ana.enters.too.{attempt}@example.org")
        await ines.page.locator("#code").fill(code)
        await ines.page.locator("#code").press("Enter")
        await expect(ines.page.locator("#count-admitted")).to_have_text(str(attempt + 1))
        await expect(ines.page.locator("#gate")).to_have_attribute("data-verdict", "admitted")
        said = await demo.scan(code)
        if "offline" not in said:
            break
    assert said.startswith("ALREADY_USED")
    assert "offline" not in said


async def test_the_managers_figures_move_with_holds_sales_and_scans(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """LIVE-6: on a page that stays open."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    await camille.signs_in("manager", "/manage")
    page = camille.page
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.evaluate("() => { window.neverReloaded = true; }")
    places = {name: page.locator(f"#kpi-{name} dd").first for name in ("held", "pending", "sold", "used", "takings")}
    (play,) = await demo.ask("SELECT event FROM catalog.performance WHERE id = $1", evenings[0])
    await shows_what_is_held(camille, places["held"], play["event"])
    before = {name: await number_in(place) for name, place in places.items()}
    refused = page.locator("#gates")
    said_before = await refused.inner_text()

    async def moves(name: str, by: int) -> None:
        async def moved() -> bool:
            return await number_in(places[name]) == before[name] + by

        await eventually(moved, f"{name} moves by {by} from {before[name]}")

    await ana.takes_the_best(evenings[0], 2)
    await moves("held", 2)
    await ana.checks_out("Ana Díaz", "ana.counts@example.org")
    await moves("held", 0)
    await moves("pending", 2)
    await ana.pays_with(SUCCEEDS)
    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "paid")
    await moves("pending", 0)
    await moves("sold", 2)
    (order,) = await demo.ask("SELECT code, total_minor FROM sales.sale WHERE email = 'ana.counts@example.org'")
    await moves("takings", order["total_minor"])
    await expect(page.locator("#latest")).to_contain_text("Ana Díaz")
    code = codes_of(pdf_in(await only_mail_to(demo, "ana.counts@example.org")), dots_per_inch=200)[0]
    assert (await demo.scan(code.text)).startswith("ADMITTED")
    await moves("used", 1)
    assert await refused.inner_text() != said_before
    assert await page.evaluate("() => window.neverReloaded")


async def test_nobody_sees_the_houses_screens_without_signing_in(invite: Invite) -> None:
    """BOX-1: and a cashier is no manager."""
    ana, lea = await invite("Ana", DESKTOP), await invite("Léa", DESKTOP)
    for path in ("/counter", "/gate", "/manage"):
        await ana.goes_to(path)
        await expect(ana.page.locator("#login-form")).to_be_visible()
    await lea.signs_in("cashier", "/counter")
    lea.refusals.add(403)

    await lea.goes_to("/manage")

    await expect(lea.page.get_by_role("heading", level=1)).to_have_text("Not allowed")
