"""Gates, scans, the public halves of the keys that signed tickets."""

from __future__ import annotations

from enum import StrEnum

from piccolo.columns import BigSerial, Boolean, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.accounts.tables import Account, Device
from app.catalog.tables import BoxOffice
from app.sales.tables import Ticket


class Verdict(StrEnum):
    ADMITTED = "admitted"
    ALREADY_USED = "already_used"
    UNKNOWN = "unknown"
    FORGED = "forged"
    CANCELLED = "cancelled"
    NOT_PAID = "not_paid"
    WRONG_EVENT = "wrong_event"
    NOT_TODAY = "not_today"


class Gate(Table, tablename="gate", schema="access"):
    id = BigSerial(primary_key=True)
    box_office = ForeignKey(BoxOffice, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=80, null=False)

    unique_gate = Unique(["box_office", "name"])


class Scan(Table, tablename="scan", schema="access"):
    """Every scan, admitted or not. `scan_id` comes from the device, so that a retry gets the first answer."""

    id = BigSerial(primary_key=True)
    scan_id = Varchar(length=60, null=False, unique=True)
    gate = ForeignKey(Gate, null=False, on_delete=OnDelete.restrict, index=True)
    ticket = ForeignKey(Ticket, null=True, on_delete=OnDelete.restrict, index=True)
    device = ForeignKey(Device, null=True, on_delete=OnDelete.restrict, index=True)
    operator = ForeignKey(Account, null=True, on_delete=OnDelete.restrict, index=True)
    verdict = Varchar(length=20, null=False, choices=Verdict)
    at = Timestamptz(null=False, default=None, index=True)
    scanned_at = Timestamptz(null=False, default=None)
    offline = Boolean(null=False, default=False)


class SigningKey(Table, tablename="signing_key", schema="access"):
    """The public half of a ticket key, by its id (hex). The private half is a setting and never stored."""

    id = BigSerial(primary_key=True)
    key_id = Varchar(length=16, null=False, unique=True)
    public_key = Varchar(length=64, null=False)
    created_at = Timestamptz(null=False, default=None)
    retired_at = Timestamptz(null=True, default=None)
