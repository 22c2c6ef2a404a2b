"""Bringing a database to the shape this version needs."""

from __future__ import annotations

import contextlib
import io

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards

from app.core.jobs import install_queue

MIGRATION_LOCK = 0x506C6163  # any number that nothing else locks; two processes starting together take turns


async def migrate(database_url: str) -> str:
    """Run every migration that is missing and create the job queue; returns what was done, for a log.

    Raises RuntimeError when a migration fails; the failed one is rolled back.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            result = await run_forwards("all")
        if not result.success:
            raise RuntimeError(f"Migration failed: {result.message}\n{said.getvalue()}")
        await install_queue(connection)
        return said.getvalue()
    finally:
        await connection.close()
