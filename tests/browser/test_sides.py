"""Performances of several events side by side on the manager's page (LIVE-6): each by its own event's figures."""

from __future__ import annotations

import itertools

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import Invite, performances_of
from tests.browser.test_house import number_in, shows_what_is_held
from tests.browser.visitor import DESKTOP, PHONE
from tests.running import RunningDemo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def event_of(demo: RunningDemo, performance: int) -> int:
    (row,) = await demo.ask("SELECT event FROM catalog.performance WHERE id = $1", performance)
    return int(row["event"])


async def test_a_festival_and_a_concert_stand_beside_the_play_and_each_moves_by_itself(
    demo: RunningDemo, evenings: list[int], festival_day: int, invite: Invite
) -> None:
    """Chosen by hand, kept in the address, still there after a reload and on the wall screen."""
    concert = (await performances_of(demo, "nuit-blanche"))[-1]
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    await camille.signs_in("manager", f"/manage?event={await event_of(demo, evenings[0])}")
    page = camille.page
    for added in (concert, festival_day):
        await page.locator("#sides-more").select_option(str(added))
        await expect(page.locator(f"#side-{added} .side__live")).to_have_attribute("data-state", "live")
    await expect(page.locator(".side")).to_have_count(4)
    await expect(page.locator(".toast")).to_contain_text("made room")
    held = {each: page.locator(f"#side-{each} [data-part=held] dd") for each in (concert, festival_day)}
    for each, place in held.items():
        await shows_what_is_held(camille, place, await event_of(demo, each), each)
    before = {each: await number_in(place) for each, place in held.items()}

    await ana.takes_the_best(concert, 3)

    async def moved() -> bool:
        return await number_in(held[concert]) == before[concert] + 3

    await eventually(moved, "what is held at the concert moves on the play's page")
    assert await number_in(held[festival_day]) == before[festival_day], "and nowhere else"

    await page.reload()
    await expect(page.locator(f"#side-{concert}")).to_be_visible()
    await expect(page.locator(f"#side-{festival_day}")).to_be_visible()
    await page.locator("#wall").click()
    await expect(page.locator("html[data-wall]")).to_have_count(1)
    await expect(page.locator(f"#side-{concert} .side__live")).to_have_attribute("data-state", "live")
    await expect(page.locator(f"#side-{festival_day}")).to_be_visible()


async def test_a_feed_that_is_cut_is_told_at_its_own_performance_alone(
    demo: RunningDemo, evenings: list[int], festival_day: int, invite: Invite
) -> None:
    """Its socket and its plain answers are taken away; the others stay live."""
    camille = await invite("Camille", DESKTOP)
    page = camille.page
    cut = await event_of(demo, festival_day)
    await camille.signs_in("manager", "/counter")

    async def dead(socket: WebSocketRoute) -> None:
        await socket.close()

    await page.route_web_socket(f"**/live/manage/{cut}", dead)
    await page.route(f"**/api/v1/manage/figures?event={cut}", lambda route: route.fulfill(status=503, json={}))
    camille.refusals.add(503)
    own = await event_of(demo, evenings[0])
    await camille.goes_to(f"/manage?event={own}&side={evenings[0]},{festival_day}")

    lamps = {each: page.locator(f"#side-{each} .side__live") for each in (evenings[0], festival_day)}
    await expect(lamps[festival_day]).to_have_attribute("data-state", "stale")
    await expect(page.locator(f"#side-{festival_day}")).to_have_attribute("data-stale", "")
    await expect(lamps[evenings[0]]).to_have_attribute("data-state", "live")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")


async def test_on_a_phone_they_stand_one_below_the_other(
    demo: RunningDemo, evenings: list[int], festival_day: int, invite: Invite
) -> None:
    camille = await invite("Camille", PHONE)
    own = await event_of(demo, evenings[0])
    await camille.signs_in("manager", "/counter")
    await camille.goes_to(f"/manage?event={own}&side={evenings[0]},{festival_day},{evenings[1]}")
    await expect(camille.page.locator(".side")).to_have_count(3)
    # All at one instant: what is still being loaded moves those below.
    boxes = await camille.page.locator(".side").evaluate_all(
        "(all) => all.map((side) => side.getBoundingClientRect().toJSON())"
    )
    for upper, lower in itertools.pairwise(boxes):
        assert lower["y"] >= upper["y"] + upper["height"]
        assert lower["x"] == upper["x"]
        assert lower["x"] + lower["width"] <= 390
