"""`placeur audit`: is the sales journal whole, from its first line to its last? (AHEAD-5, ORD-9)"""

from __future__ import annotations

import asyncio
import sys

import asyncpg

from app.core import db, journal
from app.settings import Settings


def report(settings: Settings) -> int:
    """Print what was found; 0 when every chain holds, else 1."""
    try:
        lines, breaks = asyncio.run(_audit(settings))
    except (OSError, asyncpg.PostgresError) as error:
        print(f"placeur: the database does not answer ({error}): see `placeur check`.", file=sys.stderr)
        return 1
    for found in breaks:
        print(f"BROKEN  {found.chain}, line {found.sequence}: {found.reason}.")
    if not breaks:
        print(f"The journal is whole: {lines} lines, each following the one before.")
    return 1 if breaks else 0


async def _audit(settings: Settings) -> tuple[int, list[journal.Break]]:
    # Asked first, since Piccolo's pool would put a warning of its own before our sentence.
    await (await asyncpg.connect(settings.database_url)).close()
    await db.start_pool(2)
    try:
        return await journal.audit()
    finally:
        await db.stop_pool()
