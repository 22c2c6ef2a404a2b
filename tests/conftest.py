"""One real PostgreSQL and one real Redis for the whole test run, started only when a test asks for them.

With DATABASE_URL and REDIS_URL set, those servers are used instead; the tests then own them (they truncate and flush).
"""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from app.audience import lists
from app.catalog import queries as catalog_queries
from app.catalog import seat_view_api, shown_photos
from app.core import db
from app.core.redis import close_redis
from app.core.redis import redis as process_redis
from app.core.schema import migrate
from app.counter import occupancy
from app.demo.engines import Engine, start_postgres, start_redis
from app.sales import jobs as _sales_jobs
from app.sales import queries as sales_queries
from app.sales import reconciliation, waitlist
from app.sales.inventory import inventory
from app.settings import get_settings
from tests.cast import Theatre, build_theatre
from tests.seating.cluster import Cluster, Stores, running_cluster, stores_on

assert _sales_jobs  # imported so that orders may enqueue their jobs

# Properties are tried on the same examples everywhere, however slow the machine is: a run that fails is one that can be
# repeated. To look for new examples: --hypothesis-profile=default.
settings.register_profile(
    "placeur", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("placeur")

WITH_PROCESSES = {
    "app", "autobahn", "benchmarks", "browser", "chaos", "demo", "documents", "faults", "frontend", "printers", "races",
}  # fmt: skip
"""Folders whose tests start processes, drive a browser or draw paper."""
WITH_ENGINES = {"postgres_engine", "redis_engine", "postgres_url", "redis_url", "redis_cluster", "ledger"}


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and {"DATABASE_URL", "REDIS_URL"} & os.environ.keys():
        raise pytest.UsageError("Workers side by side need engines of their own: unset DATABASE_URL and REDIS_URL.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m pure` does not even read the folders that have no such test: half of its time went there."""
    here = Path(__file__).parent
    if config.option.markexpr != "pure" or not collection_path.is_relative_to(here):
        return None
    return True if WITH_PROCESSES & set(collection_path.relative_to(here).parts) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m pure`: rules and protocols alone, without loop, socket, process or engine; they take seconds."""
    here = Path(__file__).parent
    for item in items:
        parts = set(item.path.relative_to(here).parts)
        function = getattr(item, "function", None)
        asynchronous = function is not None and inspect.iscoroutinefunction(inspect.unwrap(function))
        engines = WITH_ENGINES & set(getattr(item, "fixturenames", ()))
        if not asynchronous and not engines and not parts & (WITH_PROCESSES | {"test_bootstrap.py"}):
            item.add_marker(pytest.mark.pure)


@pytest.fixture(scope="session")
def engine_directory() -> Iterator[Path]:
    # Not pytest's own directory: its path is too long for a unix socket, and closed to the user PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="placeur-test-", dir="/tmp", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def postgres_engine(engine_directory: Path) -> Iterator[Engine]:
    engine = start_postgres(engine_directory, durable=False)
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def redis_engine(engine_directory: Path) -> Iterator[Engine]:
    engine = start_redis(engine_directory, durable=False)
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def redis_cluster(redis_engine: Engine, engine_directory: Path) -> Iterator[Cluster]:
    """Three masters that tests share: whoever moves slots or kills takes a cluster of his own."""
    with running_cluster(redis_engine.command[0], engine_directory) as cluster:
        yield cluster


@pytest.fixture(params=["single", "cluster"])
async def stores(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Stores]:
    """The inventory on one Redis, and the same on three masters: what is tested with it holds on both."""
    if request.param == "single":
        client: Redis | RedisCluster = Redis.from_url(redis_url)
    else:
        client = request.getfixturevalue("redis_cluster").client()
    async with stores_on(client) as stores:
        yield stores


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    if url := os.environ.get("DATABASE_URL"):
        return url
    engine: Engine = request.getfixturevalue("postgres_engine")
    return engine.url


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    if url := os.environ.get("REDIS_URL"):
        return url
    engine: Engine = request.getfixturevalue("redis_engine")
    return engine.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty Redis; each test has it to itself."""
    client = Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


TEMPLATE = "placeur_template"


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> str:
    """A migrated, empty database that each test's own is copied from; returns its URL."""

    async def prepare() -> None:
        await _remake(postgres_url, TEMPLATE)
        url = _sibling(postgres_url, TEMPLATE)
        _use_database(url)
        await migrate(url)
        await db.stop_pool()

    asyncio.run(prepare())
    return postgres_url


@pytest.fixture
async def ledger(migrated: str, redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A fresh ledger and an empty Redis, with this process's pool and settings on them; yields the ledger's URL."""
    name = f"test_{secrets.token_hex(6)}"
    await _remake(migrated, name, template=TEMPLATE)
    url = _sibling(migrated, name)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PLACEUR_TICKET_KEY", "11" * 32)
    monkeypatch.setenv("PLACEUR_CARD_TEST_MODE", "true")
    get_settings.cache_clear()
    _forget_the_test_before()
    _use_database(url)
    await db.start_pool(10)
    try:
        yield url
    finally:
        await db.end_background()
        await db.stop_pool()
        await close_redis()
        inventory.cache_clear()
        get_settings.cache_clear()
        await _remake(migrated, name, drop_only=True)


@pytest.fixture
async def theatre(ledger: str) -> Theatre:
    """The shared cast, freshly built."""
    return await build_theatre()


def _forget_the_test_before() -> None:
    """Each ledger numbers its rows from one again: what this process keeps of a row for a second or two, or for ever,
    is of another test's row of the same number."""
    # Of a loop that is over, should that test have ended badly: they could only complain of it.
    db.engine().pool = None
    process_redis.cache_clear()
    inventory.cache_clear()
    catalog_queries.forget_offers()
    kept: tuple[dict[int, Any] | dict[str, Any], ...] = (
        catalog_queries._plans, catalog_queries._plan_pages, sales_queries._left, waitlist._left, lists._kept,
        shown_photos._kept, seat_view_api._pages, occupancy._runs, reconciliation._not_mended,
    )  # fmt: skip
    for each in kept:
        each.clear()


def _use_database(url: str) -> None:
    db.engine().config["dsn"] = url


def _sibling(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    base, _, query = url.partition("?")
    return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


async def _remake(url: str, name: str, *, template: str = "template0", drop_only: bool = False) -> None:
    connection = await asyncpg.connect(_sibling(url, "postgres"))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if not drop_only:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()
