"""Counters and print jobs."""

from __future__ import annotations

from piccolo.columns import BigSerial, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.accounts.tables import Account, Device
from app.catalog.tables import BoxOffice
from app.sales.tables import Ticket


class Counter(Table, tablename="counter", schema="counter"):
    """A place that sells (BOX-1), with the printer its tickets come from."""

    id = BigSerial(primary_key=True)
    box_office = ForeignKey(BoxOffice, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=80, null=False)
    printer = ForeignKey(Device, null=True, on_delete=OnDelete.restrict, index=True)

    unique_counter = Unique(["box_office", "name"])


class CounterOperator(Table, tablename="counter_operator", schema="counter"):
    """Who sits at which counter."""

    id = BigSerial(primary_key=True)
    counter = ForeignKey(Counter, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, unique=True)


class PrintJob(Table, tablename="print_job", schema="counter"):
    """One paper (PRN-3). `state` follows `hardware.print_jobs`; copy 0 is the original, further ones are duplicata."""

    id = BigSerial(primary_key=True)
    ticket = ForeignKey(Ticket, null=False, on_delete=OnDelete.restrict, index=True)
    printer = ForeignKey(Device, null=False, on_delete=OnDelete.restrict, index=True)
    operator = ForeignKey(Account, null=True, on_delete=OnDelete.restrict, index=True)
    state = Varchar(length=10, null=False, default="queued", index=True)
    detail = Text(null=False, default="")
    attempt = Integer(null=False, default=1)
    spool = Varchar(length=64, null=False, default="")
    copy_number = Integer(null=False, default=0)
    created_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)

    unique_copy = Unique(["ticket", "copy_number"])
