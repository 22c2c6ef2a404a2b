"""The agent's memory of print jobs, on disk (PRN-3). An SQLite file, synced at every step, held by one process.

A job is written down before the hub is told that it arrived, and again before its first byte goes to the printer. So
after a power cut an `accepted` job has surely not been printed, and one that was `printing` may have been: it comes
back as `unknown`, for a person to look. Jobs stay on file after they are settled: a job that comes again is answered
from here, and "never seen" must be the truth when the hub asks.

    accepted ─▶ printing ─▶ printed | unknown | failed          accepted ─▶ dropped (no longer wanted)
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from hardware.print_jobs import Outcome
from hardware.printers._contract import PrintableTicket
from hardware.protocol import JobReport, Print

SpoolState = Literal["accepted", "printing", "printed", "unknown", "failed", "dropped"]

KEPT_DAYS = 90

_SCHEMA = """
create table if not exists spool (id text not null);
create table if not exists jobs (
    job_id integer not null,
    attempt integer not null,
    printer text not null,
    ticket blob not null,
    state text not null,
    detail text not null default '',
    confirmed integer not null default 0,
    changed_at real not null,
    primary key (job_id, attempt)
);
create index if not exists jobs_open on jobs (state) where state in ('accepted', 'printing');
create index if not exists jobs_unconfirmed on jobs (confirmed) where confirmed = 0;
"""


class SpoolBusy(Exception):
    """Another process holds this spool: two agents on one spool would print everything twice."""


class SpooledJob(Struct, frozen=True):
    job_id: int
    attempt: int
    printer: str
    ticket: PrintableTicket
    state: SpoolState
    detail: str

    @property
    def key(self) -> tuple[int, int]:
        return self.job_id, self.attempt

    @property
    def report(self) -> JobReport:
        """What to tell the hub."""
        outcomes: dict[SpoolState, Outcome] = {
            "accepted": "held",
            "printing": "held",
            "printed": "printed",
            "unknown": "unknown",
            "failed": "failed",
            # Given up before a byte was sent; for the hub as if it had never come.
            "dropped": "never",
        }
        return JobReport(self.job_id, self.attempt, outcomes[self.state], self.detail)


class Spool:
    """Blocking on purpose: a step is on disk when its method returns, and each takes a few milliseconds at most."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file. Raises `SpoolBusy`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        try:
            # Exclusive: the lock lives as long as this process, and dies with it however it dies.
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            self._db.execute("begin immediate")
            known = self._db.execute("select id from spool").fetchone()
            if known is None:
                self._db.execute("insert into spool values (?)", (secrets.token_hex(8),))
            self._db.execute(
                "update jobs set state = 'unknown', detail = 'agent_stopped', confirmed = 0, changed_at = ?"
                " where state = 'printing'",
                (time.time(),),
            )
            self._db.execute(
                "delete from jobs where confirmed and state in ('printed', 'failed', 'dropped') and changed_at < ?",
                (time.time() - KEPT_DAYS * 86_400,),
            )
            self._db.execute("commit")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise SpoolBusy(f"{path} is in use by another agent") from None
            raise
        self.id: str = self._db.execute("select id from spool").fetchone()[0]
        """Tells this spool from one that replaced it, which would not know what this one printed."""

    def close(self) -> None:
        self._db.close()

    def accept(self, job: Print) -> SpooledJob | None:
        """Writes a job down, unless it is here already: then what has become of it. None: a later attempt is here."""
        known = self.find(job.job_id, job.attempt)
        if known is not None and known.state != "dropped":
            return known
        self._db.execute("begin immediate")
        others = self._db.execute(
            "select attempt, state from jobs where job_id = ? and attempt <> ? order by attempt desc",
            (job.job_id, job.attempt),
        ).fetchall()
        if others and others[0][0] > job.attempt:
            self._db.execute("rollback")
            return None
        state, detail = "accepted", ""
        states = [known_state for _, known_state in others]
        if "printed" in states:
            # Somebody gave the earlier attempt up without having seen that it did come out.
            state, detail = "printed", "earlier_attempt"
        elif "printing" in states:
            # It may still come out, even now; a second paper must be a person's decision.
            state, detail = "failed", "earlier_attempt_printing"
        self._db.execute(
            "update jobs set state = 'dropped', confirmed = 1 where job_id = ? and state = 'accepted'", (job.job_id,)
        )
        self._db.execute(
            # Replaces what was given up before a byte was sent, should it be wanted again after all.
            "insert or replace into jobs (job_id, attempt, printer, ticket, state, detail, changed_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (job.job_id, job.attempt, job.printer, msgspec.msgpack.encode(job.ticket), state, detail, time.time()),
        )
        self._db.execute("commit")
        return self.find(job.job_id, job.attempt)

    def find(self, job_id: int, attempt: int) -> SpooledJob | None:
        return next(iter(self._select("job_id = ? and attempt = ?", job_id, attempt)), None)

    def accepted(self) -> list[SpooledJob]:
        """What waits for a printer, in the order of arrival."""
        return self._select("state = 'accepted'")

    def unconfirmed(self) -> list[SpooledJob]:
        """Settled, and the hub has not said that it knows."""
        return self._select("confirmed = 0 and state in ('printed', 'unknown', 'failed')")

    def count_open(self) -> int:
        row = self._db.execute("select count(*) from jobs where state in ('accepted', 'printing')").fetchone()
        return int(row[0])

    def start(self, job: SpooledJob) -> bool:
        """From here on bytes may reach the printer. False: it is no longer accepted, do not send it."""
        return self._move(job, "printing", "", "accepted")

    def settle(self, job: SpooledJob, state: Literal["printed", "unknown", "failed"], detail: str = "") -> None:
        """`failed` only where not one byte was sent."""
        self._move(job, state, detail, "printing", "accepted")

    def drop_unwanted(self, wanted: set[tuple[int, int]]) -> None:
        """Gives up what is accepted and not among these."""
        for job in self.accepted():
            if job.key not in wanted:
                self._move(job, "dropped", "unwanted", "accepted")

    def confirm(self, job_id: int, attempt: int) -> None:
        """The hub knows how this one ended."""
        self._db.execute("update jobs set confirmed = 1 where job_id = ? and attempt = ?", (job_id, attempt))

    def _move(
        self, job: SpooledJob, state: SpoolState, detail: str, allowed: SpoolState, or_allowed: SpoolState | None = None
    ) -> bool:
        cursor = self._db.execute(
            "update jobs set state = ?, detail = ?, confirmed = 0, changed_at = ?"
            " where job_id = ? and attempt = ? and state in (?, ?)",
            (state, detail, time.time(), job.job_id, job.attempt, allowed, or_allowed or allowed),
        )
        return cursor.rowcount == 1

    def _select(self, where: str, *values: int) -> list[SpooledJob]:
        rows = self._db.execute(
            f"select job_id, attempt, printer, ticket, state, detail from jobs where {where} order by rowid",  # noqa: S608 - the conditions above
            values,
        ).fetchall()
        return [
            SpooledJob(job_id, attempt, printer, msgspec.msgpack.decode(ticket, type=PrintableTicket), state, detail)
            for job_id, attempt, printer, ticket, state, detail in rows
        ]
