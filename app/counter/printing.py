"""Print jobs in the ledger (PRN-3): one row a paper, moved only by `hardware.print_jobs`, every move journaled.

A job is queued in the transaction that sells its ticket; the hub of the venue hears of it by a PostgreSQL
notification, which is delivered only after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from app.core import journal
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from hardware.print_jobs import IllegalMove, JobState, Resolved, Retried, Standing, Word, advance, may_reprint

NOTIFY = "placeur_print_jobs"
"""PostgreSQL channel; the payload is the printer's device id."""


class PrintJobView(Struct, frozen=True):
    id: int
    ticket: str
    state: JobState
    printer: str
    detail: str
    copy_number: int


async def queue_prints(
    ledger: asyncpg.Connection, tickets: Sequence[int], *, printer: int, operator: int | None, at: datetime
) -> list[int]:
    """Originals for freshly sold tickets, inside the transaction that sells them."""
    ids = []
    for ticket in tickets:
        ids.append(await _insert(ledger, ticket, printer=printer, operator=operator, copy_number=0, at=at))
    if ids:
        await ledger.execute("SELECT pg_notify($1, $2)", NOTIFY, str(printer))
    return ids


async def reprint(job: int, *, operator: int, at: datetime) -> int:
    """A further paper for the same ticket, marked as a duplicata and traced (AHEAD-5). Raises Problem."""
    async with transaction() as ledger:
        row = await _lock(ledger, job)
        if not may_reprint(_standing(row)):
            raise Problem("print_not_finished")
        copies = await ledger.fetchval(
            "SELECT max(copy_number) FROM counter.print_job WHERE ticket = $1", row["ticket"]
        )
        new = await _insert(
            ledger, row["ticket"], printer=row["printer"], operator=operator, copy_number=copies + 1, at=at
        )
        await ledger.execute("SELECT pg_notify($1, $2)", NOTIFY, str(row["printer"]))
        await journal.record(
            f"box-office:{row['box_office']}", "ticket_reprinted", row["number"],
            {"job": new, "copy": copies + 1, "after": job}, actor=f"account:{operator}", at=at,
        )  # fmt: skip
    return new


async def resolve(job: int, *, printed: bool, operator: int) -> Standing:
    """A person looked at the printer: the paper came out, or it did not and is printed again."""
    return await move_job(job, Resolved(printed), actor=f"account:{operator}")


async def retry(job: int, *, operator: int) -> Standing:
    return await move_job(job, Retried(), actor=f"account:{operator}")


async def move_job(job: int, word: Word, *, actor: str, printer: int | None = None) -> Standing:
    """Lock, advance, store, journal. `printer` must be the job's own when a device speaks (LookupError).

    Raises IllegalMove for a device, Problem('print_not_finished') for a person.
    """
    at = now()
    async with transaction() as ledger:
        row = await _lock(ledger, job)
        if printer is not None and row["printer"] != printer:
            raise LookupError(job)
        before = _standing(row)
        try:
            after = advance(before, word)
        except IllegalMove:
            if printer is not None:
                raise
            raise Problem("print_not_finished") from None
        if after != before:
            await _store(ledger, row, after, actor=actor, at=at)
        if after.state == "queued" and before.state != "queued":
            await ledger.execute("SELECT pg_notify($1, $2)", NOTIFY, str(row["printer"]))
    return after


async def view_jobs(ids: Sequence[int], *, organizer: int) -> list[PrintJobView]:
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT j.id, t.number, j.state, d.name AS printer, j.detail, j.copy_number FROM counter.print_job j"
            " JOIN sales.ticket t ON t.id = j.ticket JOIN accounts.device d ON d.id = j.printer"
            " WHERE j.id = ANY($1::bigint[]) AND d.organizer = $2 ORDER BY j.id",
            list(ids), organizer,
        )  # fmt: skip
    return [PrintJobView(r["id"], r["number"], r["state"], r["printer"], r["detail"], r["copy_number"]) for r in rows]


async def _insert(
    ledger: asyncpg.Connection, ticket: int, *, printer: int, operator: int | None, copy_number: int, at: datetime
) -> int:
    id: int = await ledger.fetchval(
        "INSERT INTO counter.print_job (ticket, printer, operator, state, copy_number, attempt, created_at, changed_at)"
        " VALUES ($1, $2, $3, 'queued', $4, 1, $5, $5) RETURNING id",
        ticket, printer, operator, copy_number, at,
    )  # fmt: skip
    return id


async def _lock(ledger: asyncpg.Connection, job: int) -> Any:
    """The job, and its ticket: two copies of one ticket that are reprinted at once must not get the same number."""
    row = await ledger.fetchrow(
        "SELECT j.*, t.number, s.box_office FROM counter.print_job j JOIN sales.ticket t ON t.id = j.ticket"
        ' JOIN sales.sale s ON s.id = t."order" WHERE j.id = $1 FOR UPDATE OF j, t',
        job,
    )
    if row is None:
        raise Problem("not_found")
    return row


async def _store(ledger: asyncpg.Connection, row: Any, after: Standing, *, actor: str, at: datetime) -> None:
    await ledger.execute(
        "UPDATE counter.print_job SET state = $2, attempt = $3, spool = $4, detail = $5, changed_at = $6 WHERE id = $1",
        row["id"], after.state, after.attempt, after.spool, after.detail, at,
    )  # fmt: skip
    if after.state in ("printed", "unknown", "failed") or row["state"] == "unknown":
        await journal.record(
            f"box-office:{row['box_office']}", f"print_{after.state}", row["number"],
            {"job": row["id"], "copy": row["copy_number"], "attempt": after.attempt, "detail": after.detail},
            actor=actor, at=at,
        )  # fmt: skip


def _standing(row: Any) -> Standing:
    return Standing(row["state"], row["attempt"], row["spool"], row["detail"])
