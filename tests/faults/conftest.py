"""The box office on a Redis that a test may kill, and patience that suits a test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Quota
from app.core.redis import close_redis
from app.demo.engines import Engine
from app.sales import inventory_check, reconciliation
from app.sales.inventory import inventory
from app.settings import get_settings
from tests.cast import Theatre
from tests.faults.servers import Server

KEPT = {
    "nothing": ("--save", "", "--appendonly", "no"),
    "every step": ("--save", "", "--appendonly", "yes", "--appendfsync", "no"),
    "what was before": ("--save", "", "--appendonly", "no"),
}
"""What a server still knows after it was killed. The last one writes only when told to, so it goes back in time. The
second hands each step to the kernel before it answers, and the kernel outlives it: `everysec` would put even that off
while the disk is busy."""


@pytest.fixture(autouse=True)
def looks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "LOOK_AGAIN_S", 0.02)
    monkeypatch.setattr(reconciliation, "_not_mended", {})
    monkeypatch.setattr(inventory_check, "LOOK_AGAIN_S", 0.02)


@pytest.fixture
async def limited(theatre: Theatre) -> Theatre:
    """With a quota for the whole event and one for tonight."""
    await Quota(event=theatre.event, name="Event", size=55).save()
    await Quota(event=theatre.event, performance=theatre.performance, name="Tonight", size=29).save()
    forget_offers()
    return theatre


@pytest.fixture(params=KEPT)
async def server(
    request: pytest.FixtureRequest,
    limited: Theatre,
    redis_engine: Engine,
    engine_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Server]:
    directory = engine_directory / secrets.token_hex(4)
    goes_back = request.param == "what was before"
    own = Server(redis_engine.command[0], directory, *KEPT[request.param], goes_back=goes_back)
    own.start()
    monkeypatch.setenv("REDIS_URL", own.url)
    get_settings.cache_clear()
    await close_redis()
    inventory.cache_clear()
    try:
        yield own
    finally:
        await close_redis()
        inventory.cache_clear()
        own.kill()
