"""`placeur audit` finds what was done to the journal behind its back (AHEAD-5)."""

from __future__ import annotations

import asyncio
import os
import sys

from app.core import journal
from app.core.clock import now
from app.core.db import connection, transaction


async def audit(ledger: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "audit",
        env={**os.environ, "DATABASE_URL": ledger}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_whole_journal_is_said_to_be_whole_and_an_altered_one_where_it_breaks(ledger: str) -> None:
    for number in range(3):
        async with transaction():
            await journal.record("box-office:1", "order_paid", f"C{number}", {"total": 100}, actor="test", at=now())
    assert await audit(ledger) == (0, "The journal is whole: 3 lines, each following the one before.\n")
    async with connection() as opened:
        await opened.execute("ALTER TABLE core.journal_line DISABLE TRIGGER ALL")
        await opened.execute("DELETE FROM core.journal_line WHERE sequence = 2")
    assert await audit(ledger) == (1, "BROKEN  box-office:1, line 2: line 2 is missing.\n")


async def test_a_database_that_does_not_answer_is_one_sentence(ledger: str) -> None:
    said = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "audit",
        env={**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await said.communicate()
    assert (said.returncode, out, error.count(b"\n")) == (1, b"", 1)
    assert error.startswith(b"placeur: the database does not answer")
