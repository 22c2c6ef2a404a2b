"""A manager's pages when something is off: a server that is silent, a second click, a seat that is none."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Invite
from tests.browser.test_sides import event_of
from tests.browser.visitor import DESKTOP, Visitor
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LISTEN = """() => {
  const lamp = document.getElementById("live");
  window.said = [];
  new MutationObserver(() => window.said.push(lamp.textContent)).observe(lamp, { childList: true });
}"""
KEEP = """async ([performance, name, seats]) => {
  const body = JSON.stringify({ performance, name, seats });
  const headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
  return (await (await fetch("/api/v1/manage/allotments", { method: "POST", headers, body })).json()).id;
}"""
RELEASE = """async (id) => {
  const headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
  await fetch(`/api/v1/manage/allotments/${id}/release`, { method: "POST", headers, body: "{}" });
}"""


async def test_a_frozen_server_is_told_by_its_silence_and_never_as_if_it_answered(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """LIVE-6: its sockets stay open while nothing comes; the age is counted from the last word."""
    camille = await invite("Camille", DESKTOP)
    lamp = camille.page.locator("#live")
    await camille.signs_in("manager", f"/manage?event={await event_of(demo, evenings[0])}")
    await expect(lamp).to_have_text("Live")
    await camille.page.evaluate(LISTEN)
    with demo.frozen("web"):
        await expect(lamp).to_have_text(re.compile(r"^No answer for \d+ s$"))
        await expect(camille.page.locator("#dash")).to_have_attribute("data-stale", "")
        said = await camille.page.evaluate("said")
        assert int(re.findall(r"\d+", said[0])[0]) >= 15, said
        assert all(words.startswith("No answer for") for words in said), said
    await expect(lamp).to_have_text("Live")


async def keeps(camille: Visitor, performance: int, name: str) -> int:
    """Keeps one free seat, the last of the plan, where nobody else buys; opens the page anew."""
    free = "() => document.querySelector('seat-map')?.hall?.states.lastIndexOf(0) > 0"
    await camille.signs_in("manager", f"/manage/allotments?performance={performance}")
    await camille.page.wait_for_function(free)
    last = await camille.page.evaluate("document.querySelector('seat-map').hall.states.lastIndexOf(0)")
    made: int = await camille.page.evaluate(KEEP, [performance, name, [last]])
    await camille.goes_to(f"/manage/allotments?performance={performance}")
    return made


async def test_a_double_click_puts_places_on_sale_once_and_what_has_ended_is_done(
    evenings: list[int], invite: Invite
) -> None:
    """AHEAD-2: no second request, whose refusal would be a complaint of the page; at a stale card the refusal is
    looked into, and the wish found fulfilled."""
    camille = await invite("Camille", DESKTOP)
    page = camille.page
    for name, ended_elsewhere in (("Twice", False), ("Elsewhere", True)):
        made = await keeps(camille, evenings[-1], name)
        card = page.locator(f"#allotment-{made}")
        await card.get_by_text("Change or release").click()
        await card.get_by_role("button", name="Put all that is left on sale").click()
        if ended_elsewhere:
            camille.refusals.add(404)
            await page.evaluate(RELEASE, made)
            await card.get_by_role("button", name="Yes, put").click()
        else:
            await card.get_by_role("button", name="Yes, put").dblclick()
        await expect(card).to_have_attribute("data-ended", "")
        await expect(page.locator(".toast")).to_have_count(1)
        await expect(page.locator(".toast")).to_contain_text("These places are on sale.")


async def test_a_seat_that_is_not_on_the_plan_is_named(evenings: list[int], invite: Invite) -> None:
    """AHEAD-2: among seats that are, the one to correct."""
    camille = await invite("Camille", DESKTOP)
    camille.refusals.add(422)
    page = camille.page
    await camille.signs_in("manager", f"/manage/allotments?performance={evenings[-1]}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.get_by_text("Type seats instead of drawing them").click()
    await page.locator("#for-whom").fill("Presse")
    await page.locator("#paths").fill("Parterre > ZZ > 999")
    await page.locator("#make").click()
    await expect(page.locator("#maker-problem")).to_contain_text("“Parterre > ZZ > 999”")
