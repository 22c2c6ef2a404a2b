"""The journal and the idempotency keys."""

from __future__ import annotations

from piccolo.columns import BigInt, BigSerial, Bytea, Integer, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table


class JournalLine(Table, tablename="journal_line", schema="core"):
    """One line of an append-only, hash-chained journal (AHEAD-5, ORD-9). A trigger refuses UPDATE and DELETE."""

    id = BigSerial(primary_key=True)
    chain = Varchar(length=40, null=False)
    sequence = BigInt(null=False)
    at = Timestamptz(null=False, default=None)
    actor = Varchar(length=120, null=False)
    action = Varchar(length=60, null=False)
    subject = Varchar(length=60, null=False, index=True)
    body = Text(null=False)
    previous = Bytea(null=False)
    digest = Bytea(null=False)

    unique_line = Unique(["chain", "sequence"])


class IdempotencyKey(Table, tablename="idempotency_key", schema="core"):
    """The answer to a write that carried an Idempotency-Key (AHEAD-9); kept a day."""

    id = BigSerial(primary_key=True)
    scope = Varchar(length=80, null=False)
    key = Varchar(length=255, null=False)
    request_digest = Varchar(length=64, null=False)
    status = Integer(null=True, default=None)
    body = Bytea(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)

    unique_key = Unique(["scope", "key"])
