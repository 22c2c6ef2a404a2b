"""Allotments as managers keep them (AHEAD-2, SEA-8): made, listed, changed, released.

The ledger's row and the live inventory's marks are written under the group's lock, so that no order is placed and no
group rebuilt between the two. The inventory goes last: it refuses seats that somebody just holds, and then nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import offer_of, plan_of
from app.core import journal
from app.core.clock import local, now
from app.core.db import connection, transaction
from app.core.errors import Invalid, Problem
from app.core.i18n import N_
from app.core.ids import new_reference
from app.sales.inventory import inventory, lock_group, with_group
from app.sales.kept import as_stored, name_of
from app.sales.rules.pricing import label_of, seat_of
from app.sales.waitlist import places_appeared
from seating.plan import Plan
from seating.store import ALLOTTED, HELD, Refusal

SEATS_MAX = 5_000
"""In one allotment: beyond it the step that marks them would keep everybody else waiting."""


class AllotmentWish(Struct, frozen=True, kw_only=True):
    """Seats by ordinal or label path of a numbered performance, or a quantity of another. `emails` names last year's
    holder of a seat, as it is named in `seats`; `own_keys` gives every seat a key of its own."""

    performance: int
    name: str
    seats: tuple[int | str, ...] = ()
    quantity: int = 0
    tariff: int | None = None
    category: str | None = None
    release_at: datetime | None = None
    own_keys: bool = False
    emails: Mapping[str, str] = {}


class AllottedSeat(Struct, frozen=True, kw_only=True):
    """`state` as on the map: 6 still kept, else who has it (held, pending, sold, used)."""

    ordinal: int
    label: str
    key: str | None
    email: str | None
    state: int


class AllotmentView(Struct, frozen=True, kw_only=True):
    """`left` of a quantity is the ledger's count: what carts hold at the moment is not taken off."""

    id: int
    performance: int
    name: str
    key: str
    link: str
    quantity: int
    left: int
    sold: int
    tariff: int | None
    category: str | None
    release_at: str | None
    released_at: str | None
    seats: tuple[AllottedSeat, ...]


class AllotmentOnSale(Struct, frozen=True, kw_only=True):
    """As a cashier sells from it: `seats` are those still kept, without any key."""

    id: int
    performance: int
    name: str
    seats: tuple[int, ...]
    quantity: int
    left: int
    best: bool
    release_at: str | None


async def make_allotment(wish: AllotmentWish, *, organizer: int, actor: str, at: datetime) -> AllotmentView:
    """All of it or nothing. Raises Problem: not_found, seats_taken (with the refusing seats), unknown_seat,
    quota_exhausted, invalid."""
    offer = await _offer_for(wish.performance, organizer, exact=True)
    plan = await plan_of(offer)
    seats = _seats_asked(wish, plan)
    _check(wish, offer, plan, seats)
    await with_group(offer.group, lambda: inventory().pulse(offer.group, offer.id))
    async with transaction() as ledger:
        await lock_group(ledger, offer.group, shared=False)
        row = await _insert(ledger, wish, seats, plan, at)
        kept = await ledger.fetch("SELECT * FROM catalog.allotment_seat WHERE allotment = $1", row["id"])
        await journal.record(
            f"box-office:{offer.box_office.id}", "allotment_made", f"{offer.id}:{row['id']}",
            {"name": wish.name, "seats": [s["seat"] for s in kept], "quantity": wish.quantity}, actor=actor, at=at,
        )  # fmt: skip
        refused = await inventory().allot(offer.group, as_stored(row, kept, offer))
        if refused is not None:
            raise _refuse(refused, offer, plan)
    return await _view_one(row["id"], offer)


async def change_allotment(
    allotment: int,
    *,
    organizer: int,
    actor: str,
    at: datetime,
    name: str | None = None,
    release_at: datetime | None,
    keep_date: bool,
) -> AllotmentView:
    """Another name, or another release date (None: never); `keep_date` leaves it. Raises Problem('not_found'), also
    for one that has ended."""
    offer = await _offer_of_allotment(allotment, organizer)
    if not keep_date and release_at is not None and release_at <= at:
        raise Invalid({"release_at": N_("This date has passed. To put the places on sale, release them.")})
    await with_group(offer.group, lambda: inventory().pulse(offer.group, offer.id))
    async with transaction() as ledger:
        await lock_group(ledger, offer.group, shared=False)
        row = await ledger.fetchrow(
            "UPDATE catalog.allotment a SET name = coalesce($3, a.name),"
            " release_at = CASE WHEN $4 THEN a.release_at ELSE $5 END"
            " WHERE a.id = $1 AND catalog.in_force(a, $2) RETURNING a.*",
            allotment, at, name, keep_date, release_at,
        )  # fmt: skip
        if row is None:
            raise Problem("not_found")
        await journal.record(
            f"box-office:{offer.box_office.id}", "allotment_changed", f"{offer.id}:{allotment}",
            {"name": row["name"], "release_at": row["release_at"].isoformat() if row["release_at"] else None},
            actor=actor, at=at,
        )  # fmt: skip
        # No seat and no quantity: the allotment that is there gets its new name and date, and nothing else.
        if refused := await inventory().allot(offer.group, as_stored(dict(row) | {"quantity": 0}, (), offer)):
            raise _refuse(refused, offer, None)
    return await _view_one(allotment, offer)


async def release_allotment(
    allotment: int, *, organizer: int, actor: str, at: datetime, seats: Sequence[int | str] | None = None
) -> AllotmentView:
    """What is left goes on sale, and it ends; or only these seats, and it stays. Seats that somebody has at the moment
    are left to it. Raises Problem: not_found, unknown_seat."""
    offer = await _offer_of_allotment(allotment, organizer)
    plan = await plan_of(offer)
    ordinals = None if seats is None else find_seats(seats, plan)
    # An allotment that the inventory lost is loaded again here, and then released like any other.
    snapshot = await with_group(offer.group, lambda: inventory().snapshot(offer.group, offer.id, owners=False))
    async with transaction() as ledger:
        await lock_group(ledger, offer.group, shared=False)
        if ordinals is None:
            ended = await ledger.fetchval(
                "UPDATE catalog.allotment a SET released_at = $2 WHERE a.id = $1 AND catalog.in_force(a, $2)"
                " RETURNING a.id",
                allotment, at,
            )  # fmt: skip
            if ended is None:
                raise Problem("not_found")
            given = await inventory().release_allotment(offer.group, name_of(allotment))
        else:
            kept = [o for o in ordinals if snapshot.states[o] == ALLOTTED]
            given = await inventory().release_allotment(offer.group, name_of(allotment), kept)
            after = await inventory().snapshot(offer.group, offer.id, owners=False)
            # A seat that somebody took in this moment may be the allotment's: it stays so.
            gone = [o for o in kept if after.states[o] != HELD]
            await ledger.execute(
                "DELETE FROM catalog.allotment_seat WHERE allotment = $1 AND ordinal = ANY($2::int[])", allotment, gone
            )
        await places_appeared(ledger, offer.event)
        await journal.record(
            f"box-office:{offer.box_office.id}", "allotment_released", f"{offer.id}:{allotment}",
            {"whole": ordinals is None, "places": given}, actor=actor, at=at,
        )  # fmt: skip
    return await _view_one(allotment, offer)


async def list_allotments(performance: int, *, organizer: int) -> tuple[AllotmentView, ...]:
    """Every allotment of a performance, also those that have ended, newest last. Raises Problem('not_found')."""
    return await _view(await _offer_for(performance, organizer), None)


async def allotments_on_sale(performance: int, *, organizer: int, at: datetime) -> tuple[AllotmentOnSale, ...]:
    """What a cashier may sell from. Raises Problem('not_found')."""
    return tuple(
        AllotmentOnSale(
            id=a.id, performance=a.performance, name=a.name, quantity=a.quantity, left=a.left,
            seats=tuple(s.ordinal for s in a.seats if s.state == ALLOTTED),
            best=bool(a.seats) and not any(s.key or s.email for s in a.seats), release_at=a.release_at,
        )
        for a in await list_allotments(performance, organizer=organizer)
        if a.released_at is None and (a.release_at is None or datetime.fromisoformat(a.release_at) > at)
    )  # fmt: skip


async def _offer_for(performance: int, organizer: int, *, exact: bool = False) -> Offer:
    offer = await offer_of(performance, exact=exact)
    if offer.box_office.organizer != organizer:
        raise Problem("not_found")
    return offer


async def _offer_of_allotment(allotment: int, organizer: int) -> Offer:
    async with connection() as reader:
        performance = await reader.fetchval("SELECT performance FROM catalog.allotment WHERE id = $1", allotment)
    if performance is None:
        raise Problem("not_found")
    return await _offer_for(performance, organizer, exact=True)


def _check(wish: AllotmentWish, offer: Offer, plan: Plan | None, seats: Mapping[int, str | None]) -> None:
    errors = {}
    if not wish.name.strip():
        errors["name"] = N_("Please give it a name: cashiers choose by it.")
    if bool(seats) == (wish.quantity > 0):
        errors["seats"] = N_("Give seats or a quantity.")
    elif (plan is not None) != bool(seats):
        errors["quantity" if wish.quantity else "seats"] = N_(
            "A numbered performance keeps seats, another one a quantity."
        )
    elif len(seats) > SEATS_MAX:
        errors["seats"] = N_("These are too many seats for one allotment.")
    if wish.tariff is not None and offer.tariff(wish.tariff) is None:
        errors["tariff"] = N_("This tariff belongs to another event.")
    if wish.release_at is not None and wish.release_at <= now():
        errors["release_at"] = N_("This date has passed. To put the places on sale, release them.")
    if errors:
        raise Invalid(errors)


def _seats_asked(wish: AllotmentWish, plan: Plan | None) -> dict[int, str | None]:
    """Ordinal to the e-mail address that opens it, if any. Raises Problem('unknown_seat')."""
    ordinals = find_seats((*wish.seats, *wish.emails), plan)
    emails = dict(zip(ordinals[len(wish.seats) :], wish.emails.values(), strict=True))
    return {o: emails[o].strip().lower() if o in emails else None for o in ordinals[: len(wish.seats)]}


def find_seats(named: Sequence[int | str], plan: Plan | None) -> list[int]:
    """Ordinals of seats named by ordinal or by label path (SEA-2). Raises Problem('unknown_seat') with those that are
    none."""
    by_label = {seat.guid: seat.ordinal for seat in plan.seats} if plan is not None else {}
    count = len(by_label)
    found: list[int] = []
    unknown: list[int | str] = []
    for each in named:
        number = int(each) if str(each).isascii() and str(each).isdigit() else -1
        ordinal = by_label.get(str(each).strip(), number)
        if 0 <= ordinal < count:
            found.append(ordinal)
        else:
            unknown.append(each)
    if unknown:
        raise Problem("unknown_seat", extras={"seats": unknown})
    return found


async def _insert(
    ledger: asyncpg.Connection, wish: AllotmentWish, seats: Mapping[int, str | None], plan: Plan | None, at: datetime
) -> Any:
    row = await ledger.fetchrow(
        "INSERT INTO catalog.allotment (performance, name, key, quantity, tariff, category, created_at, release_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *",
        wish.performance, wish.name.strip(), new_reference("K"), wish.quantity, wish.tariff, wish.category, at,
        wish.release_at,
    )  # fmt: skip
    if plan is not None:
        await ledger.executemany(
            "INSERT INTO catalog.allotment_seat (allotment, seat, ordinal, key, email) VALUES ($1, $2, $3, $4, $5)",
            [
                (row["id"], plan.seats[o].guid, o, new_reference("K") if wish.own_keys else None, email)
                for o, email in seats.items()
            ],
        )
    return row


def _refuse(refusal: Refusal, offer: Offer, plan: Plan | None) -> Problem:
    seats = [r.ordinal for r in refusal.reasons if r.ordinal >= 0]
    if seats and plan is not None:
        return Problem("seats_taken", extras={"seats": seats, "labels": [plan.seats[o].guid for o in seats]})
    first = refusal.reasons[0]
    if first.code == "quota_exhausted":
        name = next((q.name for q in offer.quotas if q.key == first.quota), "")
        return Problem("quota_exhausted", params={"left": first.left}, extras={"left": first.left, "quota": name})
    return Problem("not_found")


async def _view_one(allotment: int, offer: Offer) -> AllotmentView:
    return (await _view(offer, allotment))[0]


async def _view(offer: Offer, only: int | None) -> tuple[AllotmentView, ...]:
    plan = await plan_of(offer)
    snapshot = await with_group(offer.group, lambda: inventory().snapshot(offer.group, offer.id, owners=False))
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT a.*, (SELECT count(*) FROM sales.ticket t WHERE t.allotment = a.id"
            " AND t.status IN ('pending', 'sold')) AS drawn FROM catalog.allotment a"
            " WHERE a.performance = $1 AND ($2::bigint IS NULL OR a.id = $2) ORDER BY a.id",
            offer.id, only,
        )  # fmt: skip
        seats = await reader.fetch(
            "SELECT * FROM catalog.allotment_seat WHERE allotment = ANY($1::bigint[]) ORDER BY ordinal",
            [row["id"] for row in rows],
        )
    by_allotment: dict[int, list[AllottedSeat]] = {}
    for seat in seats:
        by_allotment.setdefault(seat["allotment"], []).append(
            AllottedSeat(
                ordinal=seat["ordinal"], label=label_of(seat_of(plan, seat["ordinal"])), key=seat["key"],
                email=seat["email"], state=snapshot.states[seat["ordinal"]],
            )
        )  # fmt: skip
    return tuple(_view_row(row, tuple(by_allotment.get(row["id"], ())), offer) for row in rows)


def _view_row(row: Any, seats: tuple[AllottedSeat, ...], offer: Offer) -> AllotmentView:
    ended = row["released_at"] or (row["release_at"] if row["release_at"] and row["release_at"] <= now() else None)
    left = sum(s.state == ALLOTTED for s in seats) if seats else max(0, row["quantity"] - row["drawn"])
    return AllotmentView(
        id=row["id"], performance=offer.id, name=row["name"], key=row["key"], link=f"/p/{offer.id}?code={row['key']}",
        quantity=row["quantity"], left=0 if ended else left, sold=row["drawn"], tariff=row["tariff"],
        category=row["category"], release_at=local(row["release_at"], offer.zone) if row["release_at"] else None,
        released_at=local(ended, offer.zone) if ended else None, seats=seats,
    )  # fmt: skip
