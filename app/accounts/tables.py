"""Organisers, accounts, roles, web sessions, devices."""

from __future__ import annotations

from enum import StrEnum

from piccolo.columns import BigSerial, Boolean, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table


class Role(StrEnum):
    """What a member of an organiser's staff may do; `manager` may do all of it."""

    MANAGER = "manager"
    CASHIER = "cashier"
    GATE = "gate"


class Organizer(Table, tablename="organizer", schema="accounts"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=120, null=False)
    slug = Varchar(length=60, null=False, unique=True)


class Account(Table, tablename="account", schema="accounts"):
    """A person who signs in. E-mail addresses are stored lower-cased."""

    id = BigSerial(primary_key=True)
    email = Varchar(length=254, null=False, unique=True)
    name = Varchar(length=120, null=False)
    password_hash = Varchar(length=200, null=False)
    locale = Varchar(length=5, null=False, default="en")
    closed_at = Timestamptz(null=True, default=None)


class Membership(Table, tablename="membership", schema="accounts"):
    id = BigSerial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, index=True)
    organizer = ForeignKey(Organizer, null=False, on_delete=OnDelete.restrict, index=True)
    role = Varchar(length=20, null=False, choices=Role)
    may_see_orders = Boolean(null=False, default=False)
    """May see all orders, whoever sold them (BOX-1). A manager may without it."""

    unique_membership = Unique(["account", "organizer"])


class WebSession(Table, tablename="web_session", schema="accounts"):
    """A signed-in browser. Only the digest of its cookie is kept."""

    id = BigSerial(primary_key=True)
    token_digest = Varchar(length=64, null=False, unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, index=True)
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)


class Device(Table, tablename="device", schema="accounts"):
    """A machine of the venue, known by its CURVE public key (DEV-1). `place` names its counter or gate."""

    id = BigSerial(primary_key=True)
    organizer = ForeignKey(Organizer, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=80, null=False)
    kind = Varchar(length=20, null=False)
    public_key = Varchar(length=40, null=False, unique=True)
    place = Varchar(length=80, null=False, default="")
    status = Text(null=False, default="{}")
    last_seen_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
