"""One real PostgreSQL and one real Redis for the whole test run, started only when a test asks for them.

With DATABASE_URL and REDIS_URL set, those servers are used instead; the tests then own them (they truncate and flush).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.demo.engines import Engine, start_postgres, start_redis


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
