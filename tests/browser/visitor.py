"""Somebody at a screen: a page of a real browser, what they do on it, and whether it complained.

Every window has a language and a size of its own, and cookies of its own: windows do not know of one another.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.running import RunningDemo, log_in_of

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000
"""How long a page may take for what it does by itself. Generous: nothing here is measured."""
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2,
}  # fmt: skip
NOT_OURS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")

expect.set_options(timeout=PATIENCE_MS)


def find_chromium() -> str:
    """Skips loudly where there is none, and fails in CI, where nothing may go untested."""
    found = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if found is None:
        assert not os.environ.get("CI"), "the browser tests must run in CI, and there is no Chromium"
        pytest.skip("THE BROWSER TESTS DO NOT RUN: no Chromium here (apt-get install chromium)")
    return found


@contextlib.asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """One window. `complaints` are console errors and page errors; `refusals` the HTTP errors that a test expects."""

    def __init__(self, name: str, page: Page, demo: RunningDemo, complaints: list[str] | None = None) -> None:
        self.name = name
        self.page = page
        self.demo = demo
        self.refusals: set[int] = set()
        self.complaints: list[str] = [] if complaints is None else complaints
        page.set_default_timeout(PATIENCE_MS)
        self._watch(page)

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{self.name}: {error}"))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type != "error":
            return
        refused = NOT_OURS.match(said.text)
        if not (refused and int(refused[1]) in self.refusals):
            self.complaints.append(f"{self.name} at {self.page.url}: {said.text} {said.location.get('url', '')}")

    async def goes_to(self, path: str) -> None:
        await self.page.goto(path if path.startswith("http") else f"{self.demo.url}{path}")

    async def signs_in(self, role: str, page: str) -> None:
        """Through the log-in form, as everybody of the house does."""
        person = log_in_of(role)
        await self.goes_to(f"/login?next={page}")
        await self.page.locator("#email").fill(person["email"])
        await self.page.locator("#password").fill(person["password"])
        await self.page.locator("#password").press("Enter")
        # The log-in form's own address names the page too.
        await self.page.wait_for_url(lambda url: urlsplit(url).path == urlsplit(page).path)

    async def takes_the_best(self, performance: int, count: int = 1) -> None:
        """Seats in the basket by the quick way: the usher chooses, over the same cookies."""
        asked = {"performance": performance, "best": {"count": count}}
        answer = await self.page.context.request.post(f"{self.demo.url}/api/v1/cart/items", data=asked)
        assert answer.status == 201, await answer.text()

    def another_tab(self, page: Page) -> Visitor:
        """The same person with the same cookies in a second window."""
        return Visitor(f"{self.name} again", page, self.demo, self.complaints)

    async def fills_in(self, name: str, email: str) -> None:
        """The checkout, up to its button."""
        await self.goes_to("/checkout")
        await self.page.locator("#name").fill(name)
        await self.page.locator("#email").fill(email)
        await self.page.locator("#accept_terms").check()

    async def checks_out(self, name: str, email: str, *, to: str = "**/bank/pay/**") -> None:
        """From the basket to the bank's page, or wherever the order leads."""
        await self.fills_in(name, email)
        await self.page.locator("#pay").click()
        await self.page.wait_for_url(to)

    async def pays_with(self, card: str) -> None:
        """On the bank's page: one of its test cards, and the button."""
        await self.page.locator(f'[data-number="{card}"]').click()
        await self.page.locator("form .press").click()

    async def gives_back_all(self) -> None:
        """What is in this window's baskets, online and at the counter: it would lapse in the middle of another test
        that counts."""
        context = self.page.context
        baskets = {"placeur_cart": "/api/v1/cart", "placeur_counter_cart": "/api/v1/counter/cart"}
        for cookie in {each["name"] for each in await context.cookies()} & baskets.keys():
            await context.request.delete(f"{self.demo.url}{baskets[cookie]}")

    async def screenshot(self, directory: Path) -> Path:
        path = directory / f"{self.name}.png"
        await self.page.screenshot(path=path)
        return path
