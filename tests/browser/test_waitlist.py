"""Whoever comes too late, at real screens: joins the list, moves up in it, is told of places, and buys them."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from app.demo.bank import SUCCEEDS
from tests.browser.conftest import Invite, performances_of
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.running import RunningDemo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STUDIO = "dernier-train-pour-ostende"


@pytest_asyncio.fixture(loop_scope="session")
async def studio(demo: RunningDemo) -> list[int]:
    """The evenings of the season's sold-out house, with nobody on its list."""
    async with demo.ledger() as ledger:
        await ledger.execute(
            "DELETE FROM audience.waitlist_entry w USING catalog.event e WHERE e.id = w.event AND e.slug = $1", STUDIO
        )
    return await performances_of(demo, STUDIO)


async def joins(visitor: Visitor, name: str, email: str, *, places: int = 2) -> None:
    """The form in the basket's column; on a phone it is behind a button."""
    page = visitor.page
    button = page.locator(".basket__queue")
    if await button.is_visible():
        await button.click()
    while int(await page.locator("#wait-form output").inner_text()) > places:
        await page.locator("#wait-form .stepper button").first.click()
    await page.locator("#wait-name").fill(name)
    await page.locator("#wait-email").fill(email)
    await page.locator("#wait-form button[type=submit]").click()
    await expect(page.locator(".place")).to_have_count(1)


async def mails(demo: RunningDemo, address: str, count: int = 1) -> list[str]:
    """The texts of at least so many mails to somebody; none until they are there."""
    texts = [message.get_body(("plain",)) for message in demo.mails_to(address)]
    return [str(text.get_content()) for text in texts if text is not None] if len(texts) >= count else []


def link_in(mail: str) -> str:
    """The address of one's own place on the list."""
    found = re.search(r"https?://\S+/waitlist/\S+", mail)
    assert found is not None, mail
    return found[0]


async def event_of(demo: RunningDemo) -> int:
    (row,) = await demo.ask("SELECT id FROM catalog.event WHERE slug = $1", STUDIO)
    return int(row["id"])


async def gives_back(demo: RunningDemo, manager: Visitor, performance: int) -> None:
    """The places that the company kept for its guests go on sale, on the manager's page."""
    (kept,) = await demo.ask("SELECT id FROM catalog.allotment WHERE performance = $1", performance)
    page = manager.page
    await manager.goes_to(f"/manage/allotments?performance={performance}")
    card = page.locator(f"#allotment-{kept['id']}")
    await card.locator("summary", has_text="Change or release").click()
    await card.get_by_role("button", name="Put all that is left on sale").click()
    await card.get_by_role("button", name=re.compile("^Yes, put")).click()
    await expect(card).to_have_attribute("data-ended", "")


async def test_who_waits_moves_up_is_told_on_the_open_page_and_by_mail_and_buys(
    demo: RunningDemo, studio: list[int], invite: Invite
) -> None:
    """WTL-1, WTL-2, LIVE-4, LIVE-6: sold out, joined, moved up, told, bought, and on the list no more."""
    ana, ben, camille = await invite("Ana", PHONE), await invite("Ben", DESKTOP), await invite("Camille", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await his.opens(studio[0])
    await expect(ben.page.locator("#closed")).to_contain_text("Sold out")
    await joins(ben, "Ben Okri", "ben.waits@example.org")
    await hers.opens(studio[0])
    await joins(ana, "Ana Díaz", "ana.moves.up@example.org")
    place = ana.page.locator(".place")
    await expect(place).to_contain_text("You are number 2 on the list")
    await hers.opens(studio[0])
    standing = ana.page.locator(".waitlist__standing")
    await expect(standing).to_have_text("Number 2 on the list")
    await expect(standing).to_be_visible()
    await expect(place).to_be_hidden()
    await ana.page.locator(".basket__queue").click()
    await camille.signs_in("manager", f"/manage?event={await event_of(demo)}")
    await expect(camille.page.locator("#waiting-card")).to_contain_text("2 people wait for 4 places")

    (mail,) = await eventually(lambda: mails(demo, "ben.waits@example.org"), "Ben's place is confirmed by mail")
    await ben.goes_to(link_in(mail))
    await ben.page.locator("#leave").click()
    await expect(ben.page.get_by_role("heading", name="You have left the list")).to_be_visible()
    await expect(place).to_contain_text("You are number 1 on the list")
    await expect(camille.page.locator("#waiting-card")).to_contain_text("1 person waits for 2 places")

    await gives_back(demo, camille, studio[0])
    await expect(ana.page.locator(".toast")).to_contain_text("have come free")
    await expect(place).to_have_attribute("data-state", "offered")
    *_, offer = await eventually(lambda: mails(demo, "ana.moves.up@example.org", 2), "Ana is told by mail too")
    assert f"/p/{studio[0]}" in offer
    assert len(await mails(demo, "ben.waits@example.org")) == 1, "who has left is told of nothing"

    await ana.page.locator(".basket__handle").click()
    await expect(standing).to_contain_text("2 places for you until")
    await expect(ana.page.locator("#closed")).to_be_hidden()
    first, second = await hers.free_run(2)
    await hers.taps(first)
    await hers.taps(second)
    await hers.shows_mine(2)
    await expect(ana.page.locator(".toast")).to_have_count(0)
    await expect(place).to_contain_text("The places are in your basket")
    await expect(place.get_by_role("link", name="Choose now")).to_have_count(0)
    await camille.goes_to(f"/manage/waitlist?event={await event_of(demo)}")
    await expect(camille.page.locator("#entries tr")).to_contain_text("told")
    await ana.checks_out("Ana Díaz", "ana.moves.up@example.org")
    await ana.pays_with(SUCCEEDS)
    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "paid")
    await expect(camille.page.locator("#entries tr")).to_contain_text("has bought")


async def test_a_manager_opens_a_tariff_s_list_and_finds_exports_and_removes_who_is_on_it(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    """WTL-1: set on the page, joined beside tickets of other tariffs that are on sale, worked with by keyboard."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE, locale="fr-FR")
    (tariff,) = await demo.ask(
        "SELECT q.id AS limit, q.size, q.tariff, e.id AS event FROM catalog.quota q"
        " JOIN catalog.event e ON e.id = q.event WHERE e.slug = 'festival-des-quais' AND q.tariff IS NOT NULL"
    )
    await camille.signs_in("manager", f"/manage/waitlist?event={tariff['event']}")
    page, send = camille.page, camille.page.context.request
    camille.refusals.add(422)
    await expect(page.locator("#empty")).to_contain_text("There is no waiting list for this event")
    await page.get_by_text("A list for some tariffs").click()
    await page.locator("#save").click()
    await expect(page.locator("#rule-tariffs .field__error")).to_contain_text("Choose the tariffs")
    await page.locator(f'[name=tariff][value="{tariff["tariff"]}"]').check()
    await page.locator("#delay").fill("90")
    await expect(page.locator("#delay-words")).to_contain_text("1 h 30 min")
    await page.locator("#save").click()
    await expect(page.locator("#save")).to_be_disabled()
    await expect(page.locator("#empty")).to_contain_text("Nobody waits yet")

    limit = f"{demo.url}/api/v1/manage/quotas/{tariff['limit']}"
    assert (await send.patch(limit, data={"size": 0})).ok
    try:
        await ana.goes_to(f"/p/{festival_day}")
        await expect(ana.page.locator("#closed")).to_be_hidden()
        reduced = ana.page.locator(".tariff", has_text="Tarif réduit")
        await expect(reduced.locator(".stepper")).to_be_hidden()
        await reduced.get_by_role("button", name="Liste d’attente").click()
        await expect(ana.page.locator("#wait-name")).to_be_focused()
        await joins(ana, "=Ana Díaz", "ana.festival@example.org", places=1)
        await expect(ana.page.locator(".place")).to_contain_text("Vous êtes n° 1 sur la liste")
        await expect(ana.page.locator(".place")).to_contain_text("1 place · Tarif réduit")

        row = page.locator("#entries tr")
        await expect(row).to_have_count(1)
        await expect(row).to_contain_text("Reduced")
        async with page.expect_download() as downloading:
            await page.locator("#export").click()
        file = await (await downloading.value).path()
        assert "'=Ana Díaz" in file.read_text(encoding="utf-8-sig"), "a name is text to a spreadsheet, never a formula"

        ben = await invite("Ben", DESKTOP)
        await ben.goes_to(f"/p/{festival_day}")
        await ben.page.locator("#waitlist summary").click()
        await joins(ben, "Ben Okri", "ben.festival@example.org")
        await expect(row).to_have_count(2)
        await row.first.locator("input").focus()
        await page.keyboard.press("Shift+ArrowDown")
        await expect(page.locator("#chosen")).to_have_text("2 people chosen, 3 places")
        await expect(row.last.locator("input")).to_be_focused()
        await page.keyboard.press("Space")
        await expect(page.locator("#chosen")).to_have_text("1 person chosen, 1 place")
        await page.keyboard.press("Escape")
        await expect(page.locator("#acts")).to_be_hidden()
        await page.locator("#all").check()
        await page.locator("#remove").click()
        await page.locator("#find").fill("nobody of that name")
        await expect(page.locator("#remove-sure")).to_be_hidden()
        await page.locator("#find").fill("")
        await page.locator("#remove").click()
        await page.keyboard.press("Enter")
        await expect(row).to_have_count(0)
        await expect(ana.page.locator(".place")).to_have_count(0)
    finally:
        await send.patch(limit, data={"size": tariff["size"]})
        off = await send.patch(f"{demo.url}/api/v1/manage/waitlist?event={tariff['event']}", data={"waitlist": "off"})
        assert off.ok, await off.text()


async def test_an_open_page_follows_when_a_day_fills_up_and_has_places_again(demo: RunningDemo, invite: Invite) -> None:
    """WTL-1, LIVE-1: the list is offered without reloading, and goes with the reason for it."""
    camille, ben = await invite("Camille", DESKTOP), await invite("Ben", PHONE)
    saturday = (await performances_of(demo, "festival-des-quais"))[1]
    (limit,) = await demo.ask("SELECT id, size, event FROM catalog.quota WHERE performance = $1", saturday)
    await camille.signs_in("manager", f"/manage/waitlist?event={limit['event']}")
    send = camille.page.context.request
    settings, size = (f"{demo.url}/api/v1/manage/{path}" for path in (
        f"waitlist?event={limit['event']}", f"quotas/{limit['id']}",
    ))  # fmt: skip
    assert (await send.patch(settings, data={"waitlist": "event"})).ok
    try:
        page = ben.page
        await ben.goes_to(f"/p/{saturday}")
        await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
        await expect(page.locator("#closed")).to_be_hidden()
        await expect(page.locator("#waitlist")).to_be_hidden()

        assert (await send.patch(size, data={"size": 0})).ok
        # In the house's own words (QUO-4).
        await expect(page.locator("#closed")).to_contain_text("Full! See you next year.")
        await page.get_by_role("button", name="Waiting list").click()
        await expect(page.locator("#wait-form")).to_be_visible()

        assert (await send.patch(size, data={"size": limit["size"]})).ok
        await expect(page.locator("#closed")).to_be_hidden()
        await expect(page.locator("#wait-form")).to_be_hidden()
        await page.locator(".basket__handle").click()
        await page.get_by_role("button", name="One more: Full price").click()
        await expect(page.locator(".basket .line")).to_have_count(1)
    finally:
        await send.patch(size, data={"size": limit["size"]})
        await send.patch(settings, data={"waitlist": "off"})
