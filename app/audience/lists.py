"""An event's waitlist as managers set it up (WTL-1). Kept for two seconds per process, like offers: every performance
page asks for it."""

from __future__ import annotations

import time
from datetime import datetime

import msgspec
from msgspec import Struct

from app.audience.tables import Mode
from app.catalog.offers import Offer
from app.catalog.queries import offers_of
from app.core import journal
from app.core.db import connection, transaction
from app.core.errors import Invalid, Problem
from app.core.i18n import N_

KEPT_S = 2.0
DELAY_MINUTES_MIN, DELAY_MINUTES_MAX = 5, 7 * 24 * 60
_kept: dict[int, tuple[float, ListSettings]] = {}


class ListSettings(Struct, frozen=True, kw_only=True):
    """`tariffs` are those with a list of their own; empty unless that is the mode. `delay_minutes`: how long those who
    were told of places have, before the next ones are told (WTL-2)."""

    waitlist: Mode = Mode.OFF
    tariffs: tuple[int, ...] = ()
    automatic: bool = True
    delay_minutes: int = 60


class ListChange(Struct, frozen=True, kw_only=True):
    """What is None stays."""

    waitlist: Mode | None = None
    tariffs: tuple[int, ...] | None = None
    automatic: bool | None = None
    delay_minutes: int | None = None


async def settings_of(event: int, *, exact: bool = False) -> ListSettings:
    """An event without settings has no list."""
    kept = _kept.get(event)
    if not exact and kept is not None and time.monotonic() - kept[0] < KEPT_S:
        return kept[1]
    async with connection() as reader:
        row = await reader.fetchrow(
            "SELECT w.mode, w.automatic, w.delay_minutes,"
            " array(SELECT t.tariff FROM audience.waitlist_tariff t WHERE t.waitlist = w.id ORDER BY t.tariff)"
            " AS tariffs FROM audience.waitlist w WHERE w.event = $1",
            event,
        )
    found = ListSettings() if row is None else ListSettings(
        waitlist=Mode(row["mode"]),
        tariffs=tuple(row["tariffs"]) if row["mode"] == Mode.TARIFFS else (),
        automatic=row["automatic"],
        delay_minutes=row["delay_minutes"],
    )  # fmt: skip
    _kept[event] = (time.monotonic(), found)
    return found


async def change_settings(event: int, change: ListChange, *, organizer: int, actor: str, at: datetime) -> ListSettings:
    """Who waits already stays on the list, whatever is changed. Raises Problem: not_found, invalid."""
    offers = await offers_of_own(event, organizer)
    before = await settings_of(event, exact=True)
    after = _changed(before, change)
    _check(after, offers)
    async with transaction() as ledger:
        id = await ledger.fetchval(
            "INSERT INTO audience.waitlist (event, mode, automatic, delay_minutes) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (event) DO UPDATE SET mode = $2, automatic = $3, delay_minutes = $4 RETURNING id",
            event, after.waitlist, after.automatic, after.delay_minutes,
        )  # fmt: skip
        await ledger.execute("DELETE FROM audience.waitlist_tariff WHERE waitlist = $1", id)
        await ledger.executemany(
            "INSERT INTO audience.waitlist_tariff (waitlist, tariff) VALUES ($1, $2)",
            [(id, tariff) for tariff in after.tariffs],
        )
        if after != before:
            await journal.record(
                f"box-office:{offers[0].box_office.id}", "waitlist_changed", str(event),
                {"before": msgspec.to_builtins(before), "after": msgspec.to_builtins(after)}, actor=actor, at=at,
            )  # fmt: skip
    return await settings_of(event, exact=True)


async def offers_of_own(event: int, organizer: int) -> tuple[Offer, ...]:
    """Raises Problem('not_found') for an event that is not this organiser's."""
    offers = await offers_of(event)
    if not offers or offers[0].box_office.organizer != organizer:
        raise Problem("not_found")
    return offers


def _changed(before: ListSettings, change: ListChange) -> ListSettings:
    mode = before.waitlist if change.waitlist is None else change.waitlist
    tariffs = before.tariffs if change.tariffs is None else tuple(sorted(set(change.tariffs)))
    return ListSettings(
        waitlist=mode,
        tariffs=tariffs if mode == Mode.TARIFFS else (),
        automatic=before.automatic if change.automatic is None else change.automatic,
        delay_minutes=before.delay_minutes if change.delay_minutes is None else change.delay_minutes,
    )


def _check(after: ListSettings, offers: tuple[Offer, ...]) -> None:
    errors = {}
    if after.waitlist == Mode.TARIFFS and not after.tariffs:
        errors["tariffs"] = N_("Choose the tariffs that have a waiting list.")
    elif any(offers[0].tariff(tariff) is None for tariff in after.tariffs):
        errors["tariffs"] = N_("This tariff belongs to another event.")
    if not DELAY_MINUTES_MIN <= after.delay_minutes <= DELAY_MINUTES_MAX:
        errors["delay_minutes"] = N_("The time to react is between 5 minutes and 7 days (10080 minutes).")
    if errors:
        raise Invalid(errors)
