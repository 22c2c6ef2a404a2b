"""What the basket says of itself beside a map (ORD-1)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Invite
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, PHONE
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_seats_of_another_evening_are_told_apart(
    demo: RunningDemo, invite: Invite, screen: dict[str, Any]
) -> None:
    """One evening alone needs no date: its page says it."""
    evenings = await demo.ask(
        "SELECT p.id FROM catalog.performance p JOIN catalog.event e ON e.id = p.event"
        " WHERE e.slug = 'le-malade-imaginaire' AND p.starts_at > now() + interval '1 day' ORDER BY p.starts_at LIMIT 2"
    )
    first, second = (row["id"] for row in evenings)
    ana = await invite("Ana", screen)
    hers, headings = SeatMapView(ana), ana.page.locator(".basket__show")
    await hers.opens(first)
    await ana.takes_the_best(first, 2)
    await hers.opens(first)
    await hers.shows_mine(2)
    await expect(headings).to_have_count(0)
    await hers.opens(second)
    await hers.shows_mine(0)
    await expect(headings).to_have_count(1)
    await expect(headings).to_contain_text("another date")
    await ana.takes_the_best(second, 1)
    await hers.opens(second)
    await hers.shows_mine(1)
    await expect(headings).to_have_count(2)
    await expect(headings.first).not_to_contain_text("another date")
    await expect(headings.last).to_contain_text("another date")
    said = await headings.all_text_contents()
    assert len(set(said)) == 2
