"""What a manager sees move (LIVE-6): occupancy, takings, sales per minute, scans per gate, devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from app.audience.entries import ListTotals, totals_of
from app.catalog.offers import Offer
from app.catalog.queries import offers_of, offers_of_group, plan_of
from app.catalog.rules.selling import limits_of
from app.core.clock import local, now
from app.core.db import connection
from app.core.i18n import translated
from app.counter.occupancy import QuotaFigures, ZoneFigures, quotas_filled, zones_filled
from app.sales.carts import title_of
from app.sales.kept import kept_back
from app.sales.queries import snapshot_of
from seating.store import ALLOTTED, FREE, HELD, LINKED, PENDING, SOLD, USED, Snapshot

MINUTES = 60
OFFLINE_AFTER = timedelta(seconds=20)
LATEST = 12


class WaitlistFigures(Struct, frozen=True):
    """Who waits for places (WTL-1), and who was told of some and may still react."""

    waiting_entries: int
    waiting_places: int
    offered_entries: int
    offered_places: int


class PerformanceFigures(Struct, frozen=True, kw_only=True):
    """`sold` includes those inside (`used`); `kept` places are allotments', `linked` ones taken in another performance.
    `plan` is the version whose zones these are; unnumbered: None, and no zones."""

    id: int
    title: str
    starts_at: str
    capacity: int
    free: int
    held: int
    pending: int
    sold: int
    used: int
    kept: int
    linked: int
    takings_minor: int
    waitlist: WaitlistFigures
    """Those who wait for this performance; those to whom any will do are in the event's."""
    plan: int | None
    zones: tuple[ZoneFigures, ...]


class GateFigures(Struct, frozen=True):
    gate: str
    admitted: int
    refused: int


class DeviceFigures(Struct, frozen=True):
    name: str
    kind: str
    status: str
    last_seen: str | None
    detail: str


class LatestSale(Struct, frozen=True, kw_only=True):
    code: str
    name: str
    at: str
    total_minor: int
    channel: str


class Figures(Struct, frozen=True, kw_only=True):
    """`sales_per_minute`: tickets sold in each of the last 60 minutes, the present one last."""

    event: int
    title: str
    currency: str
    performances: tuple[PerformanceFigures, ...]
    quotas: tuple[QuotaFigures, ...]
    takings_minor: int
    orders: int
    sales_per_minute: tuple[int, ...]
    scans: tuple[GateFigures, ...]
    devices: tuple[DeviceFigures, ...]
    waitlist: WaitlistFigures
    latest: tuple[LatestSale, ...]


async def figures_of(event: int, *, organizer: int) -> Figures | None:
    """None when the event is not this organiser's."""
    offers = await offers_of(event)
    if not offers or offers[0].box_office.organizer != organizer:
        return None
    at = now()
    # What other events keep back of a limit that they share is kept back here too (AHEAD-12).
    group = await offers_of_group(offers[0].group) or offers
    async with connection() as ledger:
        sold = await ledger.fetch(
            # Tariffs that are left out of totals (QUO-3) are no sold places; their money is money.
            "SELECT t.performance, count(*) FILTER (WHERE r.counted AND t.status = 'sold') AS n,"
            " count(*) FILTER (WHERE r.counted AND t.status = 'pending') AS pending,"
            " count(t.used_at) FILTER (WHERE r.counted AND t.status = 'sold') AS used,"
            " coalesce(sum(t.price_minor) FILTER (WHERE t.status = 'sold'), 0) AS minor"
            " FROM sales.ticket t JOIN catalog.tariff r ON r.id = t.tariff"
            " WHERE t.performance = ANY($1::bigint[]) AND t.status IN ('sold', 'pending') GROUP BY 1",
            [o.id for o in offers],
        )
        minutes = await ledger.fetch(
            # By the clock's minutes: a bar that has been drawn keeps its height and only moves along.
            "SELECT (extract(epoch FROM date_trunc('minute', $2::timestamptz) - date_trunc('minute', s.paid_at))"
            " / 60)::int AS ago, count(*) AS n FROM sales.sale s"
            ' JOIN sales.ticket t ON t."order" = s.id AND t.status = \'sold\''
            " JOIN catalog.tariff r ON r.id = t.tariff AND r.counted"
            " WHERE s.event = $1 AND s.paid_at > $3 AND s.paid_at <= $2 GROUP BY 1",
            event, at, at - timedelta(minutes=MINUTES),
        )  # fmt: skip
        orders = await ledger.fetchval("SELECT count(*) FROM sales.sale WHERE event = $1 AND status = 'paid'", event)
        latest = await ledger.fetch(
            "SELECT code, name, paid_at, total_minor, channel FROM sales.sale WHERE event = $1 AND status = 'paid'"
            " ORDER BY paid_at DESC LIMIT $2",
            event, LATEST,
        )  # fmt: skip
        scans = await ledger.fetch(
            "SELECT g.name, count(*) FILTER (WHERE s.verdict = 'admitted') AS admitted,"
            " count(*) FILTER (WHERE s.verdict <> 'admitted') AS refused FROM access.gate g"
            " LEFT JOIN access.scan s ON s.gate = g.id AND s.at > $2 WHERE g.box_office = $1"
            " GROUP BY g.id ORDER BY g.id",
            offers[0].box_office.id, at - timedelta(hours=24),
        )  # fmt: skip
        devices = await ledger.fetch(
            "SELECT name, kind, status, last_seen_at, revoked_at FROM accounts.device WHERE organizer = $1 ORDER BY id",
            organizer,
        )
        kept = await kept_back(ledger, {o.id: o for o in group}, {}, at)
        waiting = await ledger.fetch(
            "SELECT performance, state, places, offered_count FROM audience.waitlist_entry WHERE event = $1", event
        )
    snapshots = {o.id: await snapshot_of(o) for o in offers}
    spoken_for = {key: count for snapshot in snapshots.values() for key, (count, _) in snapshot.quotas.items()}
    by_performance = {row["performance"]: row for row in sold}
    zone = offers[0].zone
    return Figures(
        event=event,
        title=title_of(offers[0]) if len(offers) == 1 else translated(offers[0].title),
        currency=offers[0].currency,
        performances=tuple(
            [await _performance(o, snapshots[o.id], by_performance.get(o.id), kept, waiting) for o in offers]
        ),
        quotas=quotas_filled(offers, group, spoken_for, kept),
        takings_minor=sum(int(row["minor"]) for row in sold),
        orders=orders,
        sales_per_minute=_per_minute({row["ago"]: row["n"] for row in minutes}),
        scans=tuple(GateFigures(row["name"], row["admitted"], row["refused"]) for row in scans),
        devices=tuple(_device(row, at, zone) for row in devices),
        waitlist=_waiting(totals_of(waiting)),
        latest=tuple(
            LatestSale(
                code=row["code"], name=row["name"], at=local(row["paid_at"], zone), total_minor=row["total_minor"],
                channel=row["channel"],
            )
            for row in latest
        ),
    )  # fmt: skip


def _per_minute(by_age: dict[int, int]) -> tuple[int, ...]:
    return tuple(by_age.get(MINUTES - 1 - index, 0) for index in range(MINUTES))


async def _performance(
    offer: Offer, snapshot: Snapshot, sold: Any, kept_of: dict[str, int], waiting: Sequence[Any]
) -> PerformanceFigures:
    states = snapshot.states
    plan = await plan_of(offer)
    if plan is not None:
        counts = {state: states.count(state) for state in (FREE, HELD, PENDING, SOLD, USED, ALLOTTED, LINKED)}
        capacity = len(states)
        used = counts[USED]
        sold_now = counts[SOLD] + used
        held, pending, free = counts[HELD], counts[PENDING], counts[FREE]
        kept, linked = counts[ALLOTTED], counts[LINKED]
    else:
        whole = [q for q in limits_of(offer) if not q.tariff and not q.category]
        capacity = min((q.size for q in whole), default=0)
        sold_now, used, pending = (sold["n"], sold["used"], sold["pending"]) if sold else (0, 0, 0)
        own = [q.key for q in whole if q.performance == offer.id]
        kept, linked = max((kept_of.get(key, 0) for key in own), default=0), 0
        # What is kept back is spoken for, and counts in the live figure.
        taken = max((snapshot.quotas.get(key, (0, None))[0] - kept_of.get(key, 0) for key in own), default=0)
        held, free = max(0, taken - sold_now - pending), max(0, capacity - taken - kept)
    return PerformanceFigures(
        id=offer.id, title=title_of(offer), starts_at=local(offer.starts_at, offer.zone), capacity=capacity, free=free,
        held=held, pending=pending, sold=sold_now, used=used, kept=kept, linked=linked,
        takings_minor=int(sold["minor"]) if sold else 0,
        waitlist=_waiting(totals_of(row for row in waiting if row["performance"] == offer.id)), plan=offer.plan,
        zones=zones_filled(offer.plan, plan, states) if plan is not None and offer.plan is not None else (),
    )  # fmt: skip


def _waiting(totals: ListTotals) -> WaitlistFigures:
    return WaitlistFigures(totals.waiting_entries, totals.waiting_places, totals.offered_entries, totals.offered_places)


def _device(row: Any, at: Any, zone: str) -> DeviceFigures:
    seen = row["last_seen_at"]
    if row["revoked_at"]:
        status = "revoked"
    elif seen is None or at - seen > OFFLINE_AFTER:
        status = "offline"
    else:
        status = "online"
    told = msgspec.json.decode(row["status"] or "{}")
    return DeviceFigures(
        row["name"], row["kind"], status, local(seen, zone) if seen else None, str(told.get("detail", ""))
    )
