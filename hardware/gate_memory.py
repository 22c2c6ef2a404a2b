"""What a gate knows by heart (ACC-1, ACC-7), on disk: it starts, and goes on, without a network.

The last brief of the box office with every event since, and the admissions it made alone until the hub has them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hardware.desk import FirstUse, GateBrief, ScannedTicket, ScanVerdict, VerdictCode
from hardware.protocol import Event, Scan, TicketFree, TicketUsed, TicketVoid
from hardware.ticket_code import BadCode, key_ring, normalise, verify

_SCHEMA = """
create table if not exists brief (body blob not null);
create table if not exists used (ticket text primary key, gate text not null, at_ms integer not null);
create table if not exists void (ticket text primary key);
create table if not exists alone (scan_id text primary key, ticket text not null, code text not null, at_ms integer);
"""


class GateBusy(Exception):
    """Another process holds this memory."""


class GateMemory:
    """Blocking on purpose: a green light is given after the admission is on disk, so a restart cannot forget it."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file. Raises `GateBusy`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        try:
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            self._db.execute("begin immediate")
            self._db.execute("commit")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise GateBusy(f"{path} is in use by another agent") from None
            raise
        row = self._db.execute("select body from brief").fetchone()
        self.brief = msgspec.msgpack.decode(row[0], type=GateBrief) if row else GateBrief()
        self._keys: Mapping[bytes, Ed25519PublicKey] = key_ring(self.brief.keys)

    def close(self) -> None:
        self._db.close()

    def learn(self, brief: GateBrief) -> None:
        """Replaces all it knew; what it admitted alone and nobody has heard of yet stays used."""
        bare = msgspec.structs.replace(brief, used={}, void=())
        unsynced = self._db.execute("select used.* from used join alone on alone.ticket = used.ticket").fetchall()
        self._db.execute("begin immediate")
        self._db.execute("delete from brief")
        self._db.execute("insert into brief values (?)", (msgspec.msgpack.encode(bare),))
        self._db.execute("delete from used")
        self._db.executemany("insert or ignore into used values (?, ?, ?)", unsynced)
        self._db.executemany(
            "insert or replace into used values (?, ?, ?)",
            [(ticket, first.gate, first.at_ms) for ticket, first in brief.used.items()],
        )
        self._db.execute("delete from void")
        self._db.executemany("insert or ignore into void values (?)", [(ticket,) for ticket in brief.void])
        self._db.execute("commit")
        self.brief = bare
        self._keys = key_ring(bare.keys)

    def apply(self, event: Event) -> None:
        """Facts of the event stream; those that are not about tickets change nothing."""
        match event:
            case TicketUsed(ticket=ticket, first=first):
                self._db.execute("insert or replace into used values (?, ?, ?)", (ticket, first.gate, first.at_ms))
            case TicketVoid(ticket=ticket):
                self._db.execute("insert or ignore into void values (?)", (ticket,))
            case TicketFree(ticket=ticket):
                self._db.execute("delete from used where ticket = ?", (ticket,))
                self._db.execute("delete from void where ticket = ?", (ticket,))
            case _:
                pass

    def judge_alone(self, code: str, at_ms: int, scan_id: str, gate: str) -> ScanVerdict:
        """The verdict without the hub. An admission is written down, to be reported; nothing else is."""
        try:
            claims = verify(code, self._keys)
        except BadCode as bad:
            return self._verdict("forged" if bad.reason == "forged" else "unknown")
        ticket = ScannedTicket(claims.ticket)
        if self.brief.performances and claims.performance not in self.brief.performances:
            return self._verdict("wrong_event", ticket)
        if self._db.execute("select 1 from void where ticket = ?", (claims.ticket,)).fetchone():
            return self._verdict("cancelled", ticket)
        first = self.first_use(claims.ticket)
        if first is not None:
            return self._verdict("already_used", ticket, first)
        self._db.execute("begin immediate")
        self._db.execute("insert into used values (?, ?, ?)", (claims.ticket, gate, at_ms))
        self._db.execute("insert into alone values (?, ?, ?, ?)", (scan_id, claims.ticket, normalise(code), at_ms))
        self._db.execute("commit")
        return self._verdict("admitted", ticket)

    def first_use(self, ticket: str) -> FirstUse | None:
        """Where this ticket was admitted, as far as it has come to this gate."""
        row = self._db.execute("select gate, at_ms from used where ticket = ?", (ticket,)).fetchone()
        return FirstUse(*row) if row else None

    def unsynced(self) -> list[Scan]:
        """Admissions the hub has not judged yet, oldest first."""
        rows = self._db.execute("select scan_id, code, at_ms from alone order by rowid").fetchall()
        return [Scan(scan_id, code, at_ms, admitted_alone=True) for scan_id, code, at_ms in rows]

    def count_unsynced(self) -> int:
        return int(self._db.execute("select count(*) from alone").fetchone()[0])

    def synced(self, scan_id: str) -> None:
        self._db.execute("delete from alone where scan_id = ?", (scan_id,))

    def _verdict(
        self, code: VerdictCode, ticket: ScannedTicket | None = None, first: FirstUse | None = None
    ) -> ScanVerdict:
        return ScanVerdict(code, title=self.brief.titles.get(code, ""), ticket=ticket, first=first, offline=True)
