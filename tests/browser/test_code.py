"""A code on a phone (AHEAD-2): its field is one tap away though it lies in the sheet."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Invite
from tests.browser.seat_map import SeatMapView
from tests.browser.test_kept import school_at
from tests.browser.visitor import PHONE
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_code_is_typed_without_looking_for_its_field(demo: RunningDemo, invite: Invite) -> None:
    school = await school_at(demo)
    ana = await invite("Ana", PHONE)
    hers = SeatMapView(ana)
    await hers.opens(school["performance"])
    await expect(ana.page.locator("#key")).to_be_hidden()

    await ana.page.get_by_role("button", name="I have a code").tap()
    await expect(ana.page.locator("#key")).to_be_focused()
    await ana.page.keyboard.type(school["key"])
    await expect(ana.page.locator("#key")).to_have_value(school["key"])
    await ana.page.keyboard.press("Enter")

    await expect(ana.page.locator(".keys__opened li")).to_have_count(1)
    await ana.page.wait_for_function("(seats) => seats.some((s) => eyes.map.hall.isFree(s))", arg=list(school["seats"]))
