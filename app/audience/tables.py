"""Waitlists: what an event offers to those who come too late, and who waits (WTL-1)."""

from __future__ import annotations

from enum import StrEnum

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.catalog.tables import Event, Performance, Tariff


class Mode(StrEnum):
    """One list for the whole event, or one for each tariff that is chosen."""

    OFF = "off"
    EVENT = "event"
    TARIFFS = "tariffs"


class EntryState(StrEnum):
    """`offered`: told of places, and the time to react runs. `lapsed`: it ran out. `served`: has bought. Whoever leaves
    is deleted, so there is no state for it."""

    WAITING = "waiting"
    OFFERED = "offered"
    LAPSED = "lapsed"
    SERVED = "served"


class Waitlist(Table, tablename="waitlist", schema="audience"):
    """An event's settings; an event without a row has no list."""

    id = BigSerial(primary_key=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, unique=True)
    mode = Varchar(length=10, null=False, default=Mode.OFF, choices=Mode)
    automatic = Boolean(null=False, default=True)
    delay_minutes = Integer(null=False, default=60)


class WaitlistTariff(Table, tablename="waitlist_tariff", schema="audience"):
    """A tariff that has a list of its own, where the mode is `tariffs`."""

    id = BigSerial(primary_key=True)
    waitlist = ForeignKey(Waitlist, null=False, on_delete=OnDelete.restrict, index=True)
    tariff = ForeignKey(Tariff, null=False, on_delete=OnDelete.restrict, index=True)

    unique_tariff = Unique(["waitlist", "tariff"])


class WaitlistEntry(Table, tablename="waitlist_entry", schema="audience"):
    """Somebody who waits. No performance: any of the event; no tariff: any. `key` opens the entry's page without a
    log-in; `visitor` is the private name of the browser it was made in, by which open pages are told (LIVE-4)."""

    id = BigSerial(primary_key=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)
    performance = ForeignKey(Performance, null=True, on_delete=OnDelete.restrict, index=True)
    tariff = ForeignKey(Tariff, null=True, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=160, null=False)
    email = Varchar(length=254, null=False)
    locale = Varchar(length=5, null=False)
    places = Integer(null=False)
    key = Varchar(length=40, null=False, unique=True)
    visitor = Varchar(length=40, null=False, index=True)
    state = Varchar(length=10, null=False, default=EntryState.WAITING, choices=EntryState)
    joined_at = Timestamptz(null=False, default=None)
    """The place in the queue: joining anew after an offer that ran out begins at the end."""
    offers = Integer(null=False, default=0)
    notified_at = Timestamptz(null=True, default=None)
    until_at = Timestamptz(null=True, default=None)
    offered_performance = ForeignKey(Performance, null=True, on_delete=OnDelete.restrict, index=True)
    offered_count = Integer(null=False, default=0)
    gone_since = Boolean(null=False, default=False)
    """Lapsed, and what it was told of has been sold out again since: new places are news to it."""


class WaitlistPage(Table, tablename="waitlist_page", schema="audience"):
    """A further browser in which somebody joined under an address that was on the list already: a second device, or a
    stranger. It is shown what a newcomer would be, as of `joined_at`, so that nobody learns of an address whether it
    waits; and it is told of offers. `id` is out of the entries' own sequence."""

    id = BigInt(primary_key=True)
    entry = ForeignKey(WaitlistEntry, null=False, on_delete=OnDelete.cascade, index=True)
    visitor = Varchar(length=40, null=False, index=True)
    places = Integer(null=False)
    joined_at = Timestamptz(null=False, default=None)

    unique_page = Unique(["entry", "visitor"])
