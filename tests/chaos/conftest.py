"""One demo for all that is done to it here: it looks after itself often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.visitor import open_browser
from tests.running import RunningDemo, running_demo


@pytest.fixture(scope="package")
def demo() -> Iterator[RunningDemo]:
    with running_demo(PLACEUR_RECONCILE_EVERY_S="2") as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest.fixture(autouse=True)
def logs_on_failure(request: pytest.FixtureRequest, demo: RunningDemo) -> Iterator[None]:
    failures = request.session.testsfailed
    yield
    if request.session.testsfailed > failures:
        print(demo.tails())


@pytest_asyncio.fixture(loop_scope="session")
async def evenings(demo: RunningDemo) -> list[int]:
    """The theatre's performances on sale, tonight's first."""
    rows = await demo.ask(
        "SELECT p.id FROM catalog.performance p JOIN catalog.event e ON e.id = p.event"
        " WHERE e.slug = 'le-malade-imaginaire' AND p.sale_opens_at IS NULL ORDER BY p.starts_at"
    )
    return [row["id"] for row in rows]
