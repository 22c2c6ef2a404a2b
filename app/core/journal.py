"""The journal: append-only, hash-chained (AHEAD-5, ORD-9).

Each chain (one per box office) numbers its lines 1, 2, 3 … without gaps, and each line's digest covers the one before:
digest = SHA-256(previous digest ‖ canonical JSON of the line). Whoever alters, removes or inserts a line breaks every
digest after it. The database refuses UPDATE and DELETE besides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.core.db import connection, require_transaction

GENESIS = bytes(32)


class Line(msgspec.Struct, frozen=True):
    """What a digest covers. `at` is UTC; `body` is canonical JSON."""

    chain: str
    sequence: int
    at: str
    actor: str
    action: str
    subject: str
    body: str


class Break(msgspec.Struct, frozen=True):
    """Where a chain no longer holds, and why."""

    chain: str
    sequence: int
    reason: str


def canonical(body: dict[str, Any]) -> str:
    """Sorted keys, no spaces: the same facts always give the same bytes."""
    return msgspec.json.encode(body, order="sorted").decode()


def digest_line(previous: bytes, line: Line) -> bytes:
    return hashlib.sha256(previous + msgspec.json.encode(line, order="sorted")).digest()


def check_chain(lines: Iterable[tuple[Line, bytes, bytes]]) -> Break | None:
    """The first break in `(line, previous, digest)` of one chain in order of sequence, or None."""
    expected, previous = 1, GENESIS
    for line, stored_previous, stored_digest in lines:
        if line.sequence != expected:
            return Break(line.chain, expected, f"line {expected} is missing")
        if stored_previous != previous:
            return Break(line.chain, line.sequence, "the line does not follow the one before")
        if digest_line(previous, line) != stored_digest:
            return Break(line.chain, line.sequence, "the line was altered")
        expected, previous = expected + 1, stored_digest
    return None


async def record(chain: str, action: str, subject: str, body: dict[str, Any], *, actor: str, at: datetime) -> None:
    """Append a line inside the open transaction.

    The chain is locked until the commit, so call it last: whoever appends next must see this line or not at all.
    """
    opened = require_transaction()
    await opened.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", f"journal:{chain}")
    head = await opened.fetchrow(
        "SELECT sequence, digest FROM core.journal_line WHERE chain = $1 ORDER BY sequence DESC LIMIT 1", chain
    )
    previous = head["digest"] if head else GENESIS
    sequence = head["sequence"] + 1 if head else 1
    line = Line(chain, sequence, _stamp(at), actor, action, subject, canonical(body))
    await opened.execute(
        "INSERT INTO core.journal_line (chain, sequence, at, actor, action, subject, body, previous, digest)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        chain, sequence, at, actor, action, subject, line.body, previous, digest_line(previous, line),
    )  # fmt: skip


async def audit() -> tuple[int, list[Break]]:
    """Check every chain; returns how many lines were read and every chain's first break."""
    count, breaks = 0, []
    async with connection() as reader:
        chains = [r["chain"] for r in await reader.fetch("SELECT DISTINCT chain FROM core.journal_line")]
        for chain in sorted(chains):
            rows = await reader.fetch("SELECT * FROM core.journal_line WHERE chain = $1 ORDER BY sequence", chain)
            count += len(rows)
            found = check_chain((_line(row), row["previous"], row["digest"]) for row in rows)
            if found:
                breaks.append(found)
    return count, breaks


def _line(row: Any) -> Line:
    return Line(
        row["chain"], row["sequence"], _stamp(row["at"]), row["actor"], row["action"], row["subject"], row["body"]
    )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
