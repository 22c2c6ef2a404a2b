"""The view from a seat at real screens: photographed on one, on another's open map by itself, looked at by keyboard."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Invite, performances_of
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.running import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WITHOUT = "() => eyes.map.hall.photographed.lastIndexOf(0)"
"""A seat that nobody photographed."""
HAS = "(seat) => eyes.map.hall.photographed[seat] === 1"


NO_WEBSOCKET = """
window.WebSocket = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: 1006 })), 10); }
  send() {}
  close() {}
};
"""


def picture(name: str = "view.jpg", colour: str = "teal") -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (1200, 675), colour).save(file, "JPEG")
    return FilePayload(name=name, mimeType="image/jpeg", buffer=file.getvalue())


async def model_of(demo: RunningDemo) -> int:
    """The theatre's model."""
    (row,) = await demo.ask("SELECT seat_view FROM catalog.event WHERE slug = 'le-malade-imaginaire'")
    found: int = row["seat_view"]
    return found


async def has_photos(page: Page) -> None:
    await page.wait_for_function("() => eyes.map?.hall?.photographed.includes(1)")


async def looks_at(visitor: Visitor, seat: int) -> Locator:
    """Rests the mouse on a seat, and returns what shows its view."""
    page = visitor.page
    await page.evaluate("(seat) => eyes.map.show([seat])", seat)
    await page.evaluate("() => eyes.stands()")
    x, y = await page.evaluate("(seat) => eyes.place(seat)", seat)
    await page.mouse.move(x + 90, y + 90)
    await page.mouse.move(x, y)
    shown = page.locator(".seat-view")
    await expect(shown).to_be_visible()
    await expect(shown).to_have_attribute("data-loaded", "")
    return shown


async def imports(visitor: Visitor, performance: int, model: int) -> SeatMapView:
    """A manager's tab in import mode."""
    await visitor.signs_in("manager", "/manage")
    view = SeatMapView(visitor)
    await view.watches()
    await visitor.goes_to(f"/p/{performance}?seat-view={model}")
    await expect(visitor.page.locator(".import__bar")).to_be_visible()
    return view


async def test_a_photo_taken_on_a_phone_reaches_a_buyer_s_open_map(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """SEA-4, LIVE-5: chosen by a tap, sent, ringed; the buyer's map knows it without being touched and shows it, and
    so does another manager's in import mode."""
    ana, camille = await invite("Ana", DESKTOP), await invite("Camille", PHONE)
    hers = SeatMapView(ana)
    await hers.opens(evenings[2])
    await has_photos(ana.page)
    seat = await ana.page.evaluate(WITHOUT)
    shown = await looks_at(ana, seat)
    await expect(shown).to_contain_text("Nearest photographed seat")

    view = await imports(camille, evenings[2], await model_of(demo))
    await view.comes_close_to(seat)
    await view.points_at(seat)
    panel = camille.page.locator(".import__panel")
    await expect(panel).to_contain_text(await view.name_of(seat))
    await panel.locator("[data-camera=true] input").set_input_files(picture())
    await camille.page.wait_for_function(HAS, arg=seat)
    await expect(panel.locator("img")).to_have_attribute("src", re.compile(r"^/seat-views/photos/"))

    await ana.page.wait_for_function(HAS, arg=seat)
    shown = await looks_at(ana, seat)
    await expect(shown).to_contain_text("View from this seat")
    await expect(shown).not_to_contain_text("Nearest")
    held = await camille.page.context.request.get(f"{demo.url}/api/v1/cart")
    assert (await held.json())["items"] == []

    lea = await invite("Léa", DESKTOP)
    await imports(lea, evenings[2], await model_of(demo))
    await lea.page.wait_for_function(HAS, arg=seat)
    await panel.get_by_role("button", name="Delete").click()
    await panel.get_by_role("button", name="Yes, delete the photo").click()
    for page in (ana.page, lea.page):
        await page.wait_for_function("(seat) => eyes.map.hall.photographed[seat] === 0", arg=seat)
    await camille.page.get_by_role("button", name="Done").click()
    await camille.page.wait_for_url("**/manage/seat-views*")
    await camille.goes_to(f"/p/{evenings[2]}")
    await SeatMapView(camille).is_ready()
    await expect(camille.page.locator(".import__bar")).to_have_count(0)


async def test_a_photo_that_cannot_be_read_says_so_and_another_one_takes_its_place(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """Before it is sent: a file that can never be a photo is not sent at all, and cannot be tried again; one that only
    did not get through can."""
    camille = await invite("Camille", DESKTOP)
    camille.refusals |= {422, 503}
    sent: list[str] = []
    camille.page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    view = await imports(camille, evenings[3], await model_of(demo))
    seat = await camille.page.evaluate(WITHOUT)
    await view.comes_close_to(seat)
    await view.points_at(seat)
    panel = camille.page.locator(".import__panel")
    chooser = panel.locator("[data-camera=false] input")
    await chooser.set_input_files(FilePayload(name="view.jpg", mimeType="image/jpeg", buffer=b"no picture at all"))
    await expect(panel.get_by_role("alert")).to_contain_text("We cannot read this picture")
    await expect(panel.get_by_role("button", name="Try again")).to_have_count(0)
    await expect(panel.locator("img")).to_have_count(0)
    assert sent == []

    # Its size can be read here, and only the server unfolds it all: what it says holds for any further try too.
    whole = picture()
    await chooser.set_input_files({**whole, "buffer": whole["buffer"][:-900]})
    await expect(panel.get_by_role("alert")).to_contain_text("We cannot read this picture")
    await expect(panel.get_by_role("button", name="Try again")).to_have_count(0)
    assert len(sent) == 1

    await camille.page.route("**/photos?seat=*", lambda route: route.fulfill(status=503))
    await chooser.set_input_files(picture(colour="maroon"))
    await expect(panel.get_by_role("button", name="Try again")).to_be_visible()
    await camille.page.unroute("**/photos?seat=*")
    await panel.get_by_role("button", name="Try again").click()
    await camille.page.wait_for_function(HAS, arg=seat)
    await expect(panel.get_by_role("alert")).to_have_count(0)
    await panel.get_by_role("button", name="Delete").click()
    await panel.get_by_role("button", name="Yes, delete the photo").click()
    await expect(panel).to_contain_text("No photo yet")


async def test_the_view_is_looked_at_by_keyboard_from_the_map_and_from_the_list(
    evenings: list[int], invite: Invite
) -> None:
    """SEA-4, AHEAD-10: V on a seat, the arrows through the house, Escape back to where one was."""
    ana = await invite("Ana", DESKTOP)
    page, keys = ana.page, ana.page.keyboard
    await SeatMapView(ana).opens(evenings[4])
    await has_photos(page)
    field, dialog = page.locator(".seat-map__field"), page.locator(".view-dialog")
    await expect(field).to_have_attribute("aria-label", re.compile("V shows the view from the seat"))
    await field.focus()
    await keys.press("ArrowDown")
    await keys.press("v")
    await expect(dialog).to_be_visible()
    title = dialog.locator("h2")
    first = await title.inner_text()
    await expect(dialog.locator("img")).to_have_attribute(
        "alt", "The stage as it is seen from " + first[len("View from ") :]
    )
    await page.wait_for_function("() => document.querySelector('.view-dialog img').naturalWidth >= 1000")
    await keys.press("ArrowRight")
    await expect(title).not_to_have_text(first)
    await keys.press("ArrowLeft")
    await expect(title).to_have_text(first)
    await keys.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(field).to_be_focused()

    await page.locator(".seat-map__toggle").click()
    zone = page.locator("details.seat-list__zone").first
    await zone.locator("summary").click()
    look = zone.locator(".seat-list__look").first
    await look.focus()
    await keys.press("Enter")
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(look).to_be_focused()
    await zone.locator(".seat-chip").first.focus()
    await keys.press("v")
    await expect(title).to_contain_text("View from")
    await keys.press("Escape")
    await expect(page.locator(".basket .line")).to_have_count(0)


async def test_the_focus_comes_back_to_the_map_when_the_small_photo_has_left_meanwhile(
    evenings: list[int], invite: Invite
) -> None:
    """AHEAD-10: opened by mouse, closed by Escape: the button that opened it may be hidden by then."""
    ana = await invite("Ana", DESKTOP)
    await SeatMapView(ana).opens(evenings[2])
    await has_photos(ana.page)
    seat = await ana.page.evaluate("() => eyes.map.hall.photographed.indexOf(1)")
    shown = await looks_at(ana, seat)
    await shown.locator(".seat-view__open").click()
    await expect(ana.page.locator(".view-dialog")).to_be_visible()
    await expect(shown).to_be_hidden()
    await ana.page.keyboard.press("Escape")
    await expect(ana.page.locator(".view-dialog")).to_be_hidden()
    await expect(ana.page.locator(".seat-map__field")).to_be_focused()


async def test_a_stranger_with_the_link_of_import_mode_finds_the_shop(
    demo: RunningDemo, evenings: list[int], invite: Invite
) -> None:
    """The negative control: the mode is a manager's, and nobody else's page stops selling."""
    ben = await invite("Ben", DESKTOP)
    ben.refusals.add(401)
    view = SeatMapView(ben)
    await view.watches()
    await ben.goes_to(f"/p/{evenings[4]}?seat-view={await model_of(demo)}")
    await expect(ben.page.locator(".toast")).to_contain_text("Please sign in as a manager")
    await view.is_ready()
    (seat,) = await view.free_run(1, skip=40)
    await view.taps(seat)
    await view.shows("mine", seat)
    await expect(ben.page.locator(".import__bar")).to_have_count(0)


async def test_photos_are_there_where_websockets_do_not_get_through(evenings: list[int], invite: Invite) -> None:
    """SEA-4: asked for once, not at every look at the seats."""
    ana = await invite("Ana", DESKTOP)
    await ana.page.add_init_script(NO_WEBSOCKET)
    await SeatMapView(ana).watches()
    asked: list[str] = []
    ana.page.on("request", lambda request: asked.append(request.url))
    await ana.goes_to(f"/p/{evenings[4]}")
    await has_photos(ana.page)
    for _ in range(2):
        async with ana.page.expect_request("**/seats"):
            pass
    assert sum(url.endswith("/seat-view") for url in asked) == 1


async def test_a_house_without_photos_offers_no_view(demo: RunningDemo, invite: Invite) -> None:
    """The other negative control: no empty frame, no key that does nothing."""
    ben = await invite("Ben", DESKTOP)
    view = SeatMapView(ben)
    await view.opens((await performances_of(demo, "nuit-blanche"))[1])
    await expect(ben.page.locator(".seat-map__tool[aria-pressed]")).to_be_hidden()
    field = ben.page.locator(".seat-map__field")
    await expect(field).not_to_have_attribute("aria-label", re.compile("V shows the view"))
    await field.focus()
    await ben.page.keyboard.press("ArrowDown")
    await ben.page.keyboard.press("v")
    await expect(ben.page.locator(".view-dialog")).to_be_hidden()
    await expect(ben.page.locator(".seat-view")).to_be_hidden()


async def test_files_that_can_never_be_photos_are_refused_where_they_are_dropped(invite: Invite) -> None:
    """SEA-4: each with its reason, before anything is sent; the good one beside them is offered alone."""
    camille = await invite("Camille", DESKTOP)
    await camille.signs_in("manager", "/manage/seat-views")
    page = camille.page
    small = io.BytesIO()
    Image.new("RGB", (399, 300)).save(small, "PNG")
    await page.locator("#drop-input").set_input_files(
        [
            FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"Bring the tripod."),
            FilePayload(name="Parterre_C_3.png", mimeType="image/png", buffer=small.getvalue()),
            picture("Parterre_C_4.jpg"),
        ]
    )
    files = page.locator(".drop__file")
    await expect(files.nth(0)).to_contain_text("We cannot read this picture")
    await expect(files.nth(1)).to_contain_text("less than 400 pixels wide")
    await expect(files.nth(0).locator("input")).to_be_hidden()
    await expect(files.nth(2).locator("input")).to_have_value("Parterre > C > 4")
    await expect(page.get_by_role("button", name="Send 1 photo")).to_be_visible()
    await page.get_by_role("button", name="None of these").click()
    await expect(files).to_have_count(0)


async def test_files_find_their_seats_by_name_and_a_photo_that_is_astray_is_marked(
    demo: RunningDemo, invite: Invite
) -> None:
    """SEA-4: several files at once, confirmed by the manager; a seat no plan has is told, and can be renamed."""
    camille = await invite("Camille", DESKTOP)
    await camille.signs_in("manager", "/manage/seat-views")
    page = camille.page
    await expect(page.locator(".photo")).not_to_have_count(0)
    await page.locator("#drop-input").set_input_files([picture("Parterre_C_3.jpg"), picture("IMG_2041.jpg", "olive")])
    files = page.locator(".drop__file")
    await expect(files.nth(0).locator("input")).to_have_value("Parterre > C > 3")
    await expect(files.nth(1)).to_contain_text("Which seat is it?")
    await expect(page.get_by_role("button", name="Send 1 photo")).to_be_visible()
    await files.nth(1).locator("input").fill("Poulailler > A > 1")
    await expect(files.nth(1)).to_contain_text("No plan has such a seat")
    await page.get_by_role("button", name="Send 2 photos").click()
    await expect(files).to_have_count(0)

    astray = page.locator(".photo[data-astray]")
    await expect(astray).to_contain_text("nobody sees it")
    await astray.get_by_role("button", name="Name another seat").click()
    await astray.locator("input").fill("Parterre > C > 5000")
    await expect(astray.get_by_role("status")).to_contain_text("No plan has such a seat")
    await astray.locator("input").fill("Parterre > C > 5")
    await expect(astray.get_by_role("status")).to_have_count(0)
    await astray.locator("input").press("Enter")
    await expect(astray).to_have_count(0)
    stored: list[Any] = await demo.ask(
        "SELECT seat FROM catalog.seat_view_photo WHERE seat LIKE 'Parterre > C >%' ORDER BY seat"
    )
    assert [row["seat"] for row in stored] == ["Parterre > C > 3", "Parterre > C > 5"]

    for name in ("Parterre · C · 3", "Parterre · C · 5"):
        card = page.locator(".photo", has_text=name)
        await card.get_by_role("button", name="Delete").click()
        await page.get_by_role("button", name="Delete the photo").click()
        await expect(card).to_have_count(0)
