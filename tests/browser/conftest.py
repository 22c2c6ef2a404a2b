"""One demo and one browser for all scenes; a window that complains fails its test, and leaves a picture behind."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.visitor import DESKTOP, Visitor, find_chromium, open_browser
from tests.running import RunningDemo, running_demo

Invite = Callable[..., Awaitable[Visitor]]
SHORT_HOLD_S = 12
"""Longer than two maps take to be told of a hold, on any machine."""
AMONG_THE_FIRST = "Math.random = () => 0.05;"
"""Pages draw lots for the moment at which they ask after a change, so that not all ask at once. These need not wait."""
_failed = pytest.StashKey[bool]()


@pytest.fixture(scope="package")
def demo() -> Iterator[RunningDemo]:
    find_chromium()
    with running_demo() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def invite(request: pytest.FixtureRequest, demo: RunningDemo, browser: Browser) -> AsyncIterator[Invite]:
    """Opens a window for somebody: `await invite("Ana", PHONE, locale="fr-FR")`."""
    visitors: list[Visitor] = []
    async with contextlib.AsyncExitStack() as stack:

        async def open_window(name: str, screen: dict[str, Any] = DESKTOP, *, locale: str = "en-GB") -> Visitor:
            context = await browser.new_context(
                **screen, locale=locale, timezone_id="Europe/Paris", reduced_motion="reduce"
            )
            stack.push_async_callback(context.close)
            await context.add_init_script(AMONG_THE_FIRST)
            visitor = Visitor(name, await context.new_page(), demo)
            visitors.append(visitor)
            return visitor

        yield open_window
        complaints = [said for visitor in visitors for said in visitor.complaints]
        if request.node.stash.get(_failed, False) or complaints:
            await _leave_traces(visitors, demo)
        for visitor in visitors:
            await visitor.gives_back_all()
    assert complaints == []


async def _leave_traces(visitors: list[Visitor], demo: RunningDemo) -> None:
    directory = Path(tempfile.mkdtemp(prefix="placeur-screens-"))
    for visitor in visitors:
        with contextlib.suppress(Exception):
            print(f"{visitor.name} at {visitor.page.url}: {await visitor.screenshot(directory)}")
    print(demo.tails())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tells the fixtures of a test how it went: they end before pytest would say so."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's result of a hook wrapper
    if report.when == "call":
        item.stash[_failed] = report.failed


async def performances_of(demo: RunningDemo, slug: str) -> list[int]:
    """The performances of an event that are on sale, soonest first."""
    rows = await demo.ask(
        "SELECT p.id FROM catalog.performance p JOIN catalog.event e ON e.id = p.event WHERE e.slug = $1"
        " AND p.sale_opens_at IS NULL ORDER BY p.starts_at",
        slug,
    )
    return [row["id"] for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def evenings(demo: RunningDemo) -> list[int]:
    """The theatre's performances: tonight's first."""
    return await performances_of(demo, "le-malade-imaginaire")


@pytest_asyncio.fixture(loop_scope="session")
async def hasty_concert(demo: RunningDemo) -> AsyncIterator[int]:
    """A performance of an event whose holds last seconds only, for one test."""
    (event,) = await demo.ask("SELECT hold_ttl_s FROM catalog.event WHERE slug = 'nuit-blanche'")

    async def holds_last(seconds: int) -> None:
        await demo.ask("UPDATE catalog.event SET hold_ttl_s = $1 WHERE slug = 'nuit-blanche'", seconds)

    await holds_last(SHORT_HOLD_S)
    yield (await performances_of(demo, "nuit-blanche"))[0]
    await holds_last(event["hold_ttl_s"])


@pytest_asyncio.fixture(loop_scope="session")
async def festival_day(demo: RunningDemo) -> int:
    return (await performances_of(demo, "festival-des-quais"))[0]
