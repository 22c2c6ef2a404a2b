"""A whole purchase without a mouse or a finger (AHEAD-10), in both languages that the box office speaks fully."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from app.demo.bank import SUCCEEDS
from tests.browser.conftest import Invite
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, Visitor
from tests.papers import only_mail_to
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STOPS_MAX = 60
# An outline or a shadow of its own, or an outline around the card or the label that it stands in.
SHOWS_FOCUS = """(at) => {
  const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const own = [getComputedStyle(at), getComputedStyle(at, "::before"), getComputedStyle(at, "::after")];
  const around = [at.parentElement, at.closest("label"), at.closest("article, li, .choice")].filter(Boolean);
  return own.some((style) => drawn(style) || style.boxShadow !== "none")
    || around.some((each) => drawn(getComputedStyle(each)));
}"""
STEPS_MAX = 80


async def tabs_to(visitor: Visitor, place: Locator) -> None:
    """From wherever the focus is, forwards, as often as it takes; what has the focus must show that it has."""
    handle = await place.element_handle()
    for _ in range(STOPS_MAX):
        await visitor.page.keyboard.press("Tab")
        if await visitor.page.evaluate("(wanted) => document.activeElement === wanted", handle):
            assert await place.evaluate(SHOWS_FOCUS), f"the focus cannot be seen on {place}"
            return
    raise AssertionError(f"the keyboard does not get to {place}")


async def walks_to_a_free_seat(visitor: Visitor, free: str) -> str:
    """With the arrow keys; each step is spoken. Returns what was said of the seat."""
    announcer = visitor.page.locator("#announcer")
    for step in range(STEPS_MAX):
        await visitor.page.keyboard.press("ArrowRight" if step else "ArrowDown")
        await expect(announcer).not_to_be_empty()
        pointed = await visitor.page.evaluate("() => eyes.map.stage.pointed")
        name = await visitor.page.evaluate("(seat) => eyes.map.nameOf(seat)", pointed)
        await expect(announcer).to_contain_text(name)
        said = await announcer.inner_text()
        if said.endswith(free):
            return said
    raise AssertionError("no free seat on the way")


@pytest.mark.parametrize(
    ("locale", "language", "free", "thanks"),
    [("en-GB", "en", "available", "Your seats are yours"), ("fr-FR", "fr", "libre", "Vos places sont à vous")],
)
async def test_a_seat_is_found_taken_and_paid_by_keyboard(
    demo: RunningDemo, invite: Invite, locale: str, language: str, free: str, thanks: str
) -> None:
    """AHEAD-10, LIVE-7, PAY-1."""
    ana = await invite("Ana", DESKTOP, locale=locale)
    page, keys = ana.page, ana.page.keyboard
    view = SeatMapView(ana)
    await view.watches()
    await ana.goes_to("/")
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await tabs_to(ana, page.locator('.show__title a[href="/e/le-malade-imaginaire"]'))
    await keys.press("Enter")
    await page.wait_for_url("**/e/le-malade-imaginaire")
    await tabs_to(ana, page.locator("a.date--open").nth(4))
    await keys.press("Enter")
    await page.wait_for_url("**/p/*")
    await view.is_ready()

    await tabs_to(ana, page.locator(".seat-map__field"))
    await walks_to_a_free_seat(ana, free)
    await keys.press("Enter")
    await view.shows_mine(1)

    await tabs_to(ana, page.locator(".basket__go"))
    await keys.press("Enter")
    await page.wait_for_url("**/checkout")
    await tabs_to(ana, page.locator("#name"))
    await keys.type("Élodie Čapek")
    await tabs_to(ana, page.locator("#email"))
    await keys.type(f"keyboard.{language}@example.org")
    await tabs_to(ana, page.locator("#accept_terms"))
    await keys.press("Space")
    await tabs_to(ana, page.locator("#pay"))
    await keys.press("Enter")
    await page.wait_for_url("**/bank/pay/**")
    await tabs_to(ana, page.locator(f'[data-number="{SUCCEEDS}"]'))
    await keys.press("Enter")
    await expect(page.locator("form .press")).to_be_focused()
    await keys.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text(thanks)
    mail = await only_mail_to(demo, f"keyboard.{language}@example.org")
    assert mail["Content-Language"] in (None, language)


async def test_seats_can_be_taken_from_a_list_as_well_as_from_the_map(evenings: list[int], invite: Invite) -> None:
    """SEA-3, AHEAD-10: for those to whom a picture says nothing."""
    ana = await invite("Ana", DESKTOP)
    view = SeatMapView(ana)
    await view.opens(evenings[4])
    page, keys = ana.page, ana.page.keyboard
    await tabs_to(ana, page.locator(".seat-map__toggle"))
    await keys.press("Enter")
    zone = page.locator("details.seat-list__zone").first
    await tabs_to(ana, zone.locator("summary"))
    await keys.press("Enter")
    await expect(zone.locator(".seat-chip").first).to_be_visible()
    await keys.press("Tab")
    for _ in range(STEPS_MAX):
        chip = page.locator(".seat-chip:focus")
        if await chip.get_attribute("data-state") == "free":
            break
        await keys.press("ArrowRight")
    seat = int(await chip.get_attribute("data-seat") or -1)

    await keys.press("Enter")

    await view.shows("mine", seat)
    await expect(page.locator(f'[data-seat="{seat}"]')).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".basket .line")).to_have_count(1)


async def test_a_map_that_was_walked_across_looks_as_if_it_were_drawn_anew(evenings: list[int], invite: Invite) -> None:
    """SEA-3: moving copies the picture and draws its edges only; no trace of them may stay."""
    ana = await invite("Ana", DESKTOP)
    view = SeatMapView(ana)
    await view.opens(evenings[4])
    await tabs_to(ana, ana.page.locator(".seat-map__field"))
    for key in ["ArrowRight"] * 24 + ["ArrowDown"] * 12 + ["ArrowLeft"] * 12:
        await ana.page.keyboard.press(key)
        await ana.page.evaluate("() => eyes.stands()")

    differing = await ana.page.evaluate(
        """async () => {
          const canvas = eyes.map.querySelector("canvas");
          const look = () => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const walked = look();
          eyes.map.stage.repaint();
          for (let i = 0; i < 5; i++) await new Promise(requestAnimationFrame);
          const anew = look();
          return anew.filter((value, i) => Math.abs(value - walked[i]) > 40).length;
        }"""
    )

    assert differing == 0
