"""Two buyers in front of one house, each in a real browser: holds, races, best seats, time that runs out."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Invite
from tests.browser.seat_map import COUNTDOWN, SeatMapView
from tests.browser.visitor import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_seats_tapped_on_a_phone_are_held_and_turn_taken_on_the_other_map(
    evenings: list[int], invite: Invite
) -> None:
    """LIVE-1, LIVE-7: held with a countdown, and told to every open map."""
    ana, ben = await invite("Ana", PHONE, locale="fr-FR"), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await asyncio.gather(hers.opens(evenings[2]), his.opens(evenings[2]))
    first, second = await hers.free_run(2)

    await hers.taps(first)
    await hers.taps(second)

    await hers.shows("mine", first, second)
    await expect(ana.page.locator(".basket__clock")).to_have_text(COUNTDOWN)
    await expect(ana.page.locator(".basket__count")).to_have_text("2 billets")
    await his.shows("taken", first, second)
    assert await his.mine() == []
    await ben.page.get_by_role("button", name="Seats as a list").click()
    await ben.page.locator("details.seat-list__zone").first.locator("summary").click()
    await expect(ben.page.locator(f'[data-seat="{first}"]')).to_have_accessible_name(re.compile("taken$"))


async def test_a_seat_given_back_is_free_on_the_other_map(evenings: list[int], invite: Invite) -> None:
    """LIVE-1, LIVE-7."""
    ana, ben = await invite("Ana", DESKTOP), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await asyncio.gather(hers.opens(evenings[2]), his.opens(evenings[2]))
    (seat,) = await hers.free_run(1, skip=20)
    await hers.taps(seat)
    await his.shows("taken", seat)

    await ana.page.get_by_role("button", name=re.compile("^Give back")).click()

    await his.shows("free", seat)
    await hers.shows("free", seat)


async def test_of_two_who_tap_the_same_seat_one_wins_and_the_other_is_offered_the_next(
    evenings: list[int], invite: Invite
) -> None:
    """LIVE-7, LIVE-10: at the same instant, that is both questions are on the wire before either is answered."""
    ana, ben = await invite("Ana", PHONE), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await asyncio.gather(hers.opens(evenings[3]), his.opens(evenings[3]))
    (seat,) = await hers.free_run(1, skip=5)
    both = asyncio.Barrier(2)

    async def wait_for_the_other(route: Route) -> None:
        await both.wait()
        await route.continue_()

    for visitor in (ana, ben):
        visitor.refusals.add(409)
        await visitor.page.route("**/api/v1/cart/items", wait_for_the_other, times=1)
    await asyncio.gather(hers.comes_close_to(seat), his.comes_close_to(seat))

    await asyncio.gather(hers.points_at(seat), his.points_at(seat))

    loser, winner = await _told_that_someone_was_quicker(hers, his)
    await winner.shows("mine", seat)
    await loser.shows("taken", seat)
    told = loser.page.locator(".toast")
    await expect(told).to_contain_text("May we suggest")
    await told.get_by_role("button", name=re.compile("^Take ")).click()
    (instead,) = await loser.shows_mine(1)
    assert instead != seat
    await winner.shows("taken", instead)
    assert await winner.page.locator(".toast").count() == 0


async def _told_that_someone_was_quicker(*views: SeatMapView) -> tuple[SeatMapView, SeatMapView]:
    """Who was told, and the other one."""
    tellings = {
        asyncio.ensure_future(view.page.get_by_text("Someone was quicker").first.wait_for()): view for view in views
    }
    done, waiting = await asyncio.wait(tellings, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    (told,) = done
    (other,) = waiting
    await asyncio.gather(other, return_exceptions=True)
    return tellings[told], tellings[other]


async def test_the_three_best_seats_stand_together(evenings: list[int], invite: Invite) -> None:
    """LIVE-8: found, held in one step, and shown on everybody's map."""
    ana, ben = await invite("Ana", DESKTOP), await invite("Ben", PHONE)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await asyncio.gather(hers.opens(evenings[3]), his.opens(evenings[3]))

    await ana.page.get_by_role("button", name="One more", exact=True).click()
    await ana.page.get_by_role("button", name="Find the 3 best seats together").click()

    seats = await hers.shows_mine(3)
    assert await hers.are_neighbours(seats)
    await expect(ana.page.locator(".basket .line")).to_have_count(3)
    await his.shows("taken", *seats)


async def test_a_hold_that_nobody_pays_comes_back_on_sale_on_every_open_map(hasty_concert: int, invite: Invite) -> None:
    """LIVE-7: by itself, and its buyer is told so and may take the seats again."""
    ana, ben = await invite("Ana", PHONE), await invite("Ben", DESKTOP)
    hers, his = SeatMapView(ana), SeatMapView(ben)
    await asyncio.gather(hers.opens(hasty_concert), his.opens(hasty_concert))
    (seat,) = await hers.free_run(1, skip=3)
    await hers.taps(seat)
    await hers.shows("mine", seat)
    await his.shows("taken", seat)

    await his.shows("free", seat)
    await hers.shows("free", seat)
    told = ana.page.locator(".toast")
    await expect(told).to_contain_text("Your time is up")
    await told.get_by_role("button", name="Take them again").click()
    await hers.shows("mine", seat)
    await his.shows("taken", seat)


async def test_unnumbered_tickets_are_counted_shown_and_sold_with_free_ones(festival_day: int, invite: Invite) -> None:
    """QUO-1, TAR-1: quantities instead of seats; what is left moves on every open page."""
    ana, ben = await invite("Ana", DESKTOP), await invite("Ben", PHONE)
    for visitor in (ana, ben):
        await visitor.goes_to(f"/p/{festival_day}")
        await expect(visitor.page.locator("#pulse")).to_have_attribute("data-state", "live")
    left = ben.page.locator(".tariffs__left")
    before = int(re.sub(r"\D", "", await left.inner_text()))

    for tariff in ("Full price", "Full price", "Under 6"):
        await ana.page.get_by_role("button", name=f"One more: {tariff}").click()

    await expect(ana.page.locator(".basket__total")).to_have_text("€56.00")
    await expect(left).to_have_text(f"{before - 3} left")
    await expect(ana.page.locator(".tariffs__left")).to_have_text(f"{before - 3} left")
    await ana.checks_out("Ana Díaz", "ana.festival@example.org")
    await ana.pays_with("4242424242424242")
    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "paid")
    await expect(ana.page.locator(".ticket")).to_have_count(3)
    await expect(left).to_have_text(f"{before - 3} left")


async def test_a_basket_of_free_tickets_needs_no_bank(festival_day: int, invite: Invite) -> None:
    """TAR-1, PAY-1."""
    ana = await invite("Ana", DESKTOP, locale="fr-FR")
    await ana.goes_to(f"/p/{festival_day}")
    infants = ana.page.locator("li.tariff", has_text="Moins de 6 ans")
    await infants.locator(".stepper button").last.click()
    await expect(ana.page.locator(".basket .line")).to_have_count(1)

    await ana.checks_out("Ana Díaz", "ana.free@example.org", to="**/orders/*")

    await expect(ana.page.locator("#order")).to_have_attribute("data-status", "paid")
