"""A manager's limits at real screens (QUO-1, QUO-4, LIVE-3): set on one page, moving on the pages of buyers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncpg import Record
from playwright.async_api import expect

from tests.browser.conftest import Invite
from tests.browser.test_house import number_in
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.running import RunningDemo, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def capacity_at(demo: RunningDemo, performance: int) -> Any:
    (row,) = await demo.ask(
        "SELECT id, size, event FROM catalog.quota WHERE performance = $1 AND tariff IS NULL", performance
    )
    return row


@contextlib.asynccontextmanager
async def at_the_limits(demo: RunningDemo, camille: Visitor, performance: int) -> AsyncIterator[Any]:
    """The manager on the page; what she changed is as before when she leaves."""
    limit = await capacity_at(demo, performance)
    api = camille.page.context.request
    await camille.signs_in("manager", "/manage/limits")
    await camille.goes_to(f"/manage/limits?event={limit['event']}")
    await expect(camille.page.locator("#live")).to_have_attribute("data-state", "live")
    before = await (await api.get(f"{demo.url}/api/v1/manage/events/{limit['event']}/shown")).json()
    try:
        yield limit
    finally:
        await api.patch(f"{demo.url}/api/v1/manage/quotas/{limit['id']}", data={"size": limit["size"]})
        told = {"show": before["show"], "sold_out_text": before["sold_out_text"]}
        await api.patch(f"{demo.url}/api/v1/manage/events/{limit['event']}/shown", data=told)


async def set_limit(camille: Visitor, limit: int, size: str) -> None:
    form = camille.page.locator(f'[data-limit="{limit}"] .cap__form')
    await form.locator("input").fill(size)
    await form.locator("button").click()


async def test_a_raised_limit_moves_the_counter_of_a_shop_page_that_is_open(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    async with at_the_limits(demo, camille, festival_day) as limit:
        await ana.goes_to(f"/p/{festival_day}")
        await expect(ana.page.locator("#pulse")).to_have_attribute("data-state", "live")
        left = ana.page.locator(".tariffs__left")
        before = await number_in(left)
        await ana.page.evaluate("() => { window.neverReloaded = true; }")

        await set_limit(camille, limit["id"], str(limit["size"] + 50))

        async def moved() -> bool:
            return await number_in(left) == before + 50

        await eventually(moved, "fifty more are left on the open page")
        assert await ana.page.evaluate("() => window.neverReloaded")
        row = camille.page.locator(f'[data-limit="{limit["id"]}"]')
        await expect(row.locator(".limit__told")).to_contain_text(str(limit["size"] + 50))
        (line,) = await demo.ask(
            "SELECT body FROM core.journal_line WHERE action = 'quota_resized' ORDER BY at DESC, sequence DESC LIMIT 1"
        )
        assert f'"size":{limit["size"] + 50}' in line["body"]


async def test_a_limit_of_nothing_shows_the_organisers_words_on_open_pages(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    """QUO-4: what stands in place of "sold out", and what is sold in place of what is left."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    async with at_the_limits(demo, camille, festival_day) as limit:
        page = camille.page
        await page.locator("input[name=show][value=sold]").check()
        await page.locator("#words input[lang=en]").fill("All gone, see you in spring!")
        await page.locator("#save-shown").click()
        await expect(page.locator("#save-shown")).to_be_disabled()
        await ana.goes_to(f"/p/{festival_day}")
        left = ana.page.locator(".tariffs__left")
        await expect(left).to_contain_text("sold")
        await expect(ana.page.locator("#pulse")).to_have_attribute("data-state", "live")

        await set_limit(camille, limit["id"], "0")
        await expect(left).to_have_text("All gone, see you in spring!")


async def test_how_many_are_sold_is_told_rightly_while_a_limit_is_changed(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    """It is counted down from what could be sold, which a new limit changes: no wrong figure shows in between."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    async with at_the_limits(demo, camille, festival_day) as limit:
        page = camille.page
        await page.locator("input[name=show][value=sold]").check()
        await page.locator("#save-shown").click()
        await expect(page.locator("#save-shown")).to_be_disabled()
        await ana.goes_to(f"/p/{festival_day}")
        await expect(ana.page.locator("#pulse")).to_have_attribute("data-state", "live")
        left = ana.page.locator(".tariffs__left")
        before = await left.inner_text()
        await ana.page.evaluate(
            "() => { const place = document.querySelector('.tariffs__left'); window.said = [place.textContent];"
            " new MutationObserver(() => window.said.push(place.textContent)).observe(place, {childList: true}); }"
        )
        async with ana.page.expect_response(f"**/api/v1/performances/{festival_day}") as answered:
            await set_limit(camille, limit["id"], str(limit["size"] + 50))
        fresh = await (await answered.value).json()
        asked = {"performance": festival_day, "quantity": 2}
        assert (await ana.page.context.request.post(f"{demo.url}/api/v1/cart/items", data=asked)).ok

        async def moved() -> bool:
            return await number_in(left) == int(before.split()[0]) + 2

        await eventually(moved, "two more are gone, counted from the new limit")
        assert fresh["show_sold"]
        said = set(await ana.page.evaluate("() => window.said"))
        assert said == {before, await left.inner_text()}


async def test_an_open_map_follows_what_the_organiser_wants_told(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """Nothing, then what is sold: on a page that is never loaded again."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    (event,) = await demo.ask("SELECT event FROM catalog.performance WHERE id = $1", evenings[1])
    shown = f"{demo.url}/api/v1/manage/events/{event['event']}/shown"
    await camille.signs_in("manager", "/manage/limits")
    api = camille.page.context.request
    before = await (await api.get(shown)).json()
    try:
        await ana.goes_to(f"/p/{evenings[1]}")
        left = ana.page.locator("#left")
        await expect(left).to_contain_text("left")
        await ana.page.evaluate("() => { window.neverReloaded = true; }")
        assert (await api.patch(shown, data={"show": "nothing"})).ok
        await expect(left).to_be_hidden()
        assert (await api.patch(shown, data={"show": "sold"})).ok
        await expect(left).to_contain_text("sold")
        assert await ana.page.evaluate("() => window.neverReloaded")
    finally:
        await api.patch(shown, data={"show": before["show"]})


async def test_what_is_no_number_is_told_beside_its_field_and_asks_nothing(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    camille = await invite("Camille", PHONE)
    async with at_the_limits(demo, camille, festival_day) as limit:
        row = camille.page.locator(f'[data-limit="{limit["id"]}"]')
        for nonsense in ("", "-1", "many", "99999999"):
            await row.locator("input").fill(nonsense)
            await expect(row.locator(".cap__said")).not_to_be_empty()
            await expect(row.locator("button")).to_be_disabled()
        assert (await capacity_at(demo, festival_day))["size"] == limit["size"]


async def limit_of_a_tariff(demo: RunningDemo, event: str) -> Record:
    """Of an event or of a performance, as `event` says in SQL."""
    (limit,) = await demo.ask(
        "SELECT q.id, q.size, q.event, q.tariff, t.name FROM catalog.quota q"
        f" JOIN catalog.tariff t ON t.id = q.tariff WHERE {event}"
    )
    return limit


@contextlib.asynccontextmanager
async def used_up(demo: RunningDemo, camille: Visitor, limit: Record, *, but: int = 0) -> AsyncIterator[None]:
    """A tariff's limit, set so that no more of it are sold, `but` so many; as before afterwards."""
    api = camille.page.context.request
    quota = f"{demo.url}/api/v1/manage/quotas/{limit['id']}"
    figures = await (await api.get(f"{demo.url}/api/v1/manage/figures?event={limit['event']}")).json()
    used = next(each["used"] for each in figures["quotas"] if each["id"] == limit["id"])
    assert (await api.patch(quota, data={"size": used + but})).ok
    try:
        yield
    finally:
        assert (await api.patch(quota, data={"size": limit["size"]})).ok


async def test_a_tariff_that_is_sold_out_says_so_and_is_back_when_there_are_places(
    demo: RunningDemo, festival_day: int, invite: Invite
) -> None:
    """QUO-1: there are places still, at other tariffs. Whoever looks on learns of it by trying, and sees it end."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    await camille.signs_in("manager", "/manage/limits")
    of_the_event = f"q.event = (SELECT event FROM catalog.performance WHERE id = {festival_day})"
    limit = await limit_of_a_tariff(demo, f"{of_the_event} AND q.performance IS NULL")
    await ana.page.clock.install()
    await ana.goes_to(f"/p/{festival_day}")
    await expect(ana.page.locator("#pulse")).to_have_attribute("data-state", "live")
    name = json.loads(limit["name"])["en"]
    row = ana.page.locator(".tariff").filter(has_text=name)
    ana.refusals.add(409)
    async with used_up(demo, camille, limit):
        await row.get_by_role("button", name=f"One more: {name}").click()
        await expect(row.locator(".badge")).to_have_text("Sold out")
        await expect(row.locator(".stepper")).to_be_hidden()
        await expect(ana.page.locator(".tariff .badge:visible")).to_have_count(1)
    await ana.page.clock.fast_forward(400_000)
    await expect(row.locator(".stepper")).to_be_visible()


async def lets_the_usher_choose(ana: Visitor) -> None:
    """Two seats, on a phone."""
    await ana.page.locator(".basket__usher").click()
    await ana.page.locator("#best button[type=submit]").click()
    await expect(ana.page.locator(".basket__go")).to_be_visible()


async def test_a_tariff_that_is_sold_out_cannot_be_chosen_for_a_seat(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    await camille.signs_in("manager", "/manage/limits")
    limit = await limit_of_a_tariff(demo, f"q.performance = {evenings[2]}")
    async with used_up(demo, camille, limit):
        await ana.goes_to(f"/p/{evenings[2]}")
        await expect(ana.page.locator("#pulse")).to_have_attribute("data-state", "live")
        await lets_the_usher_choose(ana)
        gone = ana.page.locator(f'.line__tariff option[value="{limit["tariff"]}"]').first
        await expect(gone).to_be_disabled()
        await expect(gone).to_contain_text("Sold out")
        chosen = ana.page.locator(".line__tariff option:checked").first
        await expect(chosen).to_be_enabled()


async def test_whoever_gives_back_the_last_one_of_a_tariff_can_have_it_again(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """For the server it was taken, by nobody else."""
    camille, ana = await invite("Camille", DESKTOP), await invite("Ana", PHONE)
    await camille.signs_in("manager", "/manage/limits")
    limit = await limit_of_a_tariff(demo, f"q.performance = {evenings[2]}")
    async with used_up(demo, camille, limit, but=1):
        await ana.goes_to(f"/p/{evenings[2]}")
        await lets_the_usher_choose(ana)
        await ana.page.locator(".basket__sum").click()
        mine, other = (ana.page.locator(".line__tariff select").nth(n) for n in (0, 1))
        full = await mine.input_value()
        await mine.select_option(str(limit["tariff"]))
        await expect(ana.page.locator(".line__price").nth(0)).not_to_have_text(
            await ana.page.locator(".line__price").nth(1).inner_text()
        )
        api = ana.page.context.request

        async def known() -> bool:
            seen = await (await api.get(f"{demo.url}/api/v1/performances/{evenings[2]}")).json()
            return bool(next(each["sold_out"] for each in seen["tariffs"] if each["id"] == limit["tariff"]))

        await eventually(known, "the shop knows that the last one is taken, though by her")
        await ana.page.reload()
        await ana.page.locator(".basket__sum").click()
        child = other.locator(f'option[value="{limit["tariff"]}"]')
        await expect(child).to_be_disabled()
        await mine.select_option(full)
        await expect(child).to_be_enabled()
        await other.select_option(str(limit["tariff"]))
        await expect(mine.locator(f'option[value="{limit["tariff"]}"]')).to_be_enabled()
