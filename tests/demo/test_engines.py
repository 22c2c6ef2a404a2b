"""The engines of demo and tests: the same data again after any end, and never two servers on them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from app.demo.engines import EngineError, running_postgres, start_postgres, start_redis

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data() -> Iterator[Path]:
    # Short, and open to the user that PostgreSQL runs as; pytest's own directories are neither.
    with tempfile.TemporaryDirectory(prefix="placeur-engine-", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def gone(pid: int) -> bool:
    """Whether the process has ended, or does within a minute: it takes its name from the door before it leaves."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        deadline = time.monotonic() + 60
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
    return True


def start_and_die(data: Path, starter: str) -> int:
    """Have another process start the engine and be killed -9 at once; the engine's pid, which may still live."""
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        f"from app.demo.engines import {starter} as start\n"
        "engine = start(Path(sys.argv[1]))\nprint(engine.process.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(data)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == -signal.SIGKILL
    return int(ended.stdout)


async def test_postgres_keeps_its_data_over_a_restart(data: Path) -> None:
    engine = start_postgres(data)
    connection = await asyncpg.connect(engine.url)
    await connection.execute("CREATE TABLE seat AS SELECT 12 AS number")
    await connection.close()
    engine.stop()
    engine.stop()  # may be called twice

    engine = start_postgres(data)
    connection = await asyncpg.connect(engine.url)
    assert await connection.fetchval("SELECT number FROM seat") == 12
    await connection.close()
    engine.stop()


async def test_redis_keeps_its_data_over_a_restart(data: Path) -> None:
    engine = start_redis(data)
    async with Redis.from_url(engine.url) as client:
        await client.set("seat", 12)
    engine.stop()

    engine = start_redis(data)
    async with Redis.from_url(engine.url) as client:
        assert await client.get("seat") == b"12"
    engine.stop()


@pytest.mark.fault
def test_postgres_ends_with_whoever_started_it_and_starts_again(data: Path) -> None:
    left = start_and_die(data, "start_postgres")

    engine = start_postgres(data)

    assert engine.process.poll() is None
    assert gone(left)
    engine.stop()


@pytest.mark.fault
def test_redis_ends_with_whoever_started_it_and_starts_again(data: Path) -> None:
    left = start_and_die(data, "start_redis")

    engine = start_redis(data)

    assert engine.process.poll() is None
    assert gone(left)
    engine.stop()


def test_data_of_another_postgres_are_refused(data: Path) -> None:
    start_postgres(data).stop()
    (data / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(EngineError, match=r"was written by PostgreSQL 9, .* --fresh"):
        start_postgres(data)


def test_a_running_server_is_found_by_its_data(data: Path) -> None:
    assert running_postgres(data / "none") is None
    assert running_postgres(data) is None

    engine = start_postgres(data)
    assert running_postgres(data) == engine.url
    engine.stop()

    assert running_postgres(data) is None
