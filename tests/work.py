"""What a worker would do, on the test's own loop and when the test says so (the worker: tests/app/test_worker.py)."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.db import connection
from app.core.jobs import JOBS


async def waiting(name: str) -> list[dict[str, Any]]:
    """The payloads of the jobs of this name that are committed and not yet done."""
    async with connection() as reader:
        rows = await reader.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = $1 ORDER BY id", name)
    return [msgspec.json.decode(row["payload"]) for row in rows]


async def work_off(name: str) -> int:
    """Do every waiting job of this name once, whatever its delay; returns how many."""
    async with connection() as ledger:
        rows = await ledger.fetch("DELETE FROM pgqueuer WHERE entrypoint = $1 RETURNING id, payload", name)
    for row in sorted(rows, key=lambda row: row["id"]):
        await JOBS[name].handler(**msgspec.json.decode(row["payload"]))
    return len(rows)
