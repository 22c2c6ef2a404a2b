"""Reading what was sold, and what is left to sell."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import offer_of, plan_of
from app.catalog.rules.selling import Channel, SaleStatus, is_offered, limits_of, lowest_price, sale_status, tariffs_for
from app.core.clock import local
from app.core.db import connection
from app.core.errors import Problem
from app.core.i18n import N_, gettext, show_date, show_time, translated
from app.core.ids import digest_of
from app.sales.cart_keys import OpenAllotment, open_allotments
from app.sales.carts import Cart, title_of
from app.sales.inventory import inventory, with_group
from app.sales.methods._reasons import explain_refusal
from app.sales.rules.left import places_left
from app.sales.waitlist import WaitlistOffered, waitlist_offered
from seating.store import FREE, Snapshot

LEFT_KEPT_S = 1.0
_left: dict[int, tuple[float, _Counts]] = {}


class PerformanceSummary(Struct, frozen=True):
    id: int
    starts_at: str
    title: str
    status: str
    seated: bool
    status_text: str


class EventSummary(Struct, frozen=True, kw_only=True):
    id: int
    slug: str
    title: str
    subtitle: str
    description: str
    venue: str
    currency: str
    from_minor: int | None
    zone: str
    performances: tuple[PerformanceSummary, ...]


class EventRef(Struct, frozen=True):
    id: int
    slug: str
    title: str
    subtitle: str
    description: str


class TariffView(Struct, frozen=True):
    id: int
    name: str
    description: str
    max_per_order: int | None
    prices: dict[str, int]
    sold_out: bool
    """No limit lets another one be sold, wherever it were. Up to a second old."""


class CategoryView(Struct, frozen=True):
    name: str
    color: str
    from_minor: int | None


class PerformanceView(Struct, frozen=True, kw_only=True):
    id: int
    event: EventRef
    title: str
    venue: str
    starts_at: str
    doors_at: str | None
    tz: str
    seated: bool
    status: str
    status_text: str
    currency: str
    hold_ttl_s: int
    max_per_order: int
    tariffs: tuple[TariffView, ...]
    categories: tuple[CategoryView, ...]
    show_left: bool
    show_sold: bool
    left: int | None
    capacity: int | None
    """What `left` counts down from, where what is sold is shown (QUO-4)."""
    sold_out_text: str
    counters: tuple[str, ...]
    """The quotas that limit the whole performance, by their names on the live feed: the least of them is `left`."""
    allotments: tuple[OpenAllotment, ...]
    """What the asking cart's keys open here (AHEAD-2)."""
    waitlist: WaitlistOffered | None
    """What can be waited for at this moment (WTL-1)."""


class PaymentView(Struct, frozen=True):
    status: str
    reason: str | None
    method: str


class TicketView(Struct, frozen=True, kw_only=True):
    number: str
    seat: str | None
    category: str
    tariff_name: str
    price_minor: int
    status: str
    used_at: str | None
    pdf_url: str | None


class OrderView(Struct, frozen=True, kw_only=True):
    """An order as its buyer sees it, on its page and in the API."""

    code: str
    key: str
    status: str
    channel: str
    payment: PaymentView | None
    total_minor: int
    currency: str
    name: str
    email: str
    url: str
    pdf_url: str | None
    created_at: str
    deadline_at: str
    event: EventRef
    performance: PerformanceSummary
    venue: str
    tz: str
    tickets: tuple[TicketView, ...]


STATUS_TEXTS = {
    "open": "",
    "soon": N_("On sale from {date} at {time}"),
    "closed": N_("Sales are closed"),
    "cancelled": N_("Cancelled"),
    "sold_out": N_("Sold out"),
}


async def snapshot_of(offer: Offer) -> Snapshot:
    return await with_group(offer.group, lambda: inventory().snapshot(offer.group, offer.id, owners=False))


class _Counts(Struct, frozen=True):
    """`left`: free places that the quotas still allow, None: unlimited. `tariffs`: what limits leave of each."""

    left: int | None
    tariffs: dict[int, int]


async def left_of(offer: Offer) -> int | None:
    """Free places that the quotas still allow; None: unlimited. Up to a second old."""
    return (await _counts_of(offer)).left


async def _counts_of(offer: Offer) -> _Counts:
    kept = _left.get(offer.id)
    if kept is not None and time.monotonic() - kept[0] < LEFT_KEPT_S:
        return kept[1]
    snapshot = await snapshot_of(offer)
    limits = [
        max(0, size - used)
        for key in counters_of(offer)
        for used, size in (snapshot.quotas.get(key, (0, None)),)
        if size is not None
    ]
    if offer.plan is not None:
        limits.append(snapshot.states.count(FREE))
    counts = _Counts(min(limits, default=None), places_left(offer, None, snapshot.quotas).tariffs)
    _left[offer.id] = (time.monotonic(), counts)
    return counts


def counters_of(offer: Offer) -> tuple[str, ...]:
    """The quotas that every ticket of a performance counts in, but those of tariffs that are left out (QUO-3)."""
    return tuple(q.key for q in limits_of(offer) if q.tariff is None and q.category is None)


def shows_use(offer: Offer) -> bool:
    """Whether buyers see how many are left, or how many are sold (QUO-4, LIVE-3)."""
    return offer.show_left or offer.show_sold


async def capacity_of(offer: Offer) -> int | None:
    """What is left and what is sold; None: unlimited. What allotments keep back is neither."""
    left = await left_of(offer)
    if left is None:
        return None
    async with connection() as reader:
        sold: int = await reader.fetchval(
            "SELECT count(*) FROM sales.ticket WHERE performance = $1 AND status IN ('pending', 'sold')", offer.id
        )
    return left + sold


async def status_of(offer: Offer, channel: Channel, at: datetime) -> SaleStatus | str:
    status = sale_status(offer, channel, at)
    return "sold_out" if status == "open" and await left_of(offer) == 0 else status


def status_text(offer: Offer, status: str) -> str:
    opens = offer.sale_opens_at
    if status == "soon" and opens is not None:
        return gettext("On sale from {date} at {time}").format(
            date=show_date(opens, offer.zone, "long"), time=show_time(opens, offer.zone)
        )
    if status == "sold_out" and (own := translated(offer.sold_out_text)):
        return own
    return gettext(STATUS_TEXTS[status]) if STATUS_TEXTS[status] else ""


async def summarize_event(offers: tuple[Offer, ...], at: datetime) -> EventSummary:
    first = offers[0]
    prices = [p for p in map(lowest_price, offers) if p is not None]
    return EventSummary(
        id=first.event,
        slug=first.slug,
        title=translated(first.title),
        subtitle=translated(first.subtitle),
        description=translated(first.description),
        venue=first.venue,
        currency=first.currency,
        from_minor=min(prices, default=None),
        zone=first.zone,
        performances=tuple([await _summarize(o, at) for o in offers if o.visibility == "public"]),
    )


async def _summarize(offer: Offer, at: datetime) -> PerformanceSummary:
    status = await status_of(offer, "online", at)
    return PerformanceSummary(
        offer.id,
        local(offer.starts_at, offer.zone),
        title_of(offer),
        status,
        offer.plan is not None,
        status_text(offer, status),
    )


async def view_performance(
    performance: int, channel: Channel, at: datetime, cart: Cart | None = None
) -> PerformanceView:
    """As `cart` may buy it: its keys open what is kept. Raises Problem('not_found') also for what this channel may not
    see."""
    offer = await offer_of(performance)
    if not is_offered(offer, channel):
        raise Problem("not_found")
    plan, status = await plan_of(offer), await status_of(offer, channel, at)
    kept = await open_allotments(cart, performance=performance, at=at)
    if status == "sold_out" and kept:
        status = "open"  # not for whoever has a key
    # Places that are kept without a number have been counted in their limits already; seats have not.
    counted = any(each.quantity for each in kept)
    left = (await _counts_of(offer)).tariffs if status == "open" and not counted else {}
    tariffs = tariffs_for(offer, channel)
    return PerformanceView(
        id=offer.id,
        event=event_ref(offer),
        title=title_of(offer),
        venue=offer.venue,
        starts_at=local(offer.starts_at, offer.zone),
        doors_at=local(offer.doors_at, offer.zone) if offer.doors_at else None,
        tz=offer.zone,
        seated=plan is not None,
        status=status,
        status_text=status_text(offer, status),
        currency=offer.currency,
        hold_ttl_s=offer.hold_ttl_s,
        max_per_order=offer.order_max,
        tariffs=tuple(
            TariffView(t.id, translated(t.name), translated(t.description), t.order_max, t.prices, left.get(t.id) == 0)
            for t in tariffs
        ),
        categories=tuple(
            CategoryView(c.name, c.color, min((t.prices[c.name] for t in tariffs if c.name in t.prices), default=None))
            for c in (plan.categories if plan else ())
        ),
        show_left=offer.show_left,
        show_sold=offer.show_sold,
        left=await left_of(offer) if shows_use(offer) else None,
        capacity=await capacity_of(offer) if offer.show_sold else None,
        sold_out_text=translated(offer.sold_out_text),
        counters=counters_of(offer) if shows_use(offer) else (),
        allotments=kept,
        waitlist=await waitlist_offered(offer, at) if channel == "online" and not kept else None,
    )


def event_ref(offer: Offer) -> EventRef:
    return EventRef(
        offer.event, offer.slug, translated(offer.title), translated(offer.subtitle), translated(offer.description)
    )


async def find_order(code: str, key: str) -> int:
    """The order that this link opens. Raises Problem('not_found') for a wrong key as for no such order."""
    async with connection() as reader:
        found: int | None = await reader.fetchval("SELECT id FROM sales.sale WHERE code = $1 AND key = $2", code, key)
    if found is None:
        raise Problem("not_found")
    return found


async def waiting_order_of(cart: Cart, *, at: datetime) -> str | None:
    """The page of the order that a cart has become, while it can still be paid."""
    async with connection() as reader:
        row = await reader.fetchrow(
            "SELECT code, key FROM sales.sale WHERE cart_digest = $1 AND status = 'pending' AND deadline_at > $2"
            " ORDER BY id DESC LIMIT 1",
            digest_of(cart.token), at,
        )  # fmt: skip
    return f"/orders/{row['code']}?key={row['key']}" if row else None


async def view_order(order: int, *, at: datetime) -> OrderView:
    async with connection() as reader:
        row = await reader.fetchrow("SELECT * FROM sales.sale WHERE id = $1", order)
        tickets = await reader.fetch('SELECT * FROM sales.ticket WHERE "order" = $1 ORDER BY performance, id', order)
        payment = await reader.fetchrow(
            "SELECT status, method, reason_text, reason_code FROM sales.payment"
            " WHERE \"order\" = $1 ORDER BY status = 'paid' DESC, id DESC LIMIT 1",
            order,
        )
    offer = await offer_of(tickets[0]["performance"])
    address = f"/orders/{row['code']}?key={row['key']}"
    paid = row["status"] == "paid"
    return OrderView(
        code=row["code"],
        key=row["key"],
        status=row["status"],
        channel=row["channel"],
        payment=_payment_view(payment),
        total_minor=row["total_minor"],
        currency=row["currency"],
        name=row["name"],
        email=row["email"],
        url=address,
        pdf_url=f"/orders/{row['code']}/tickets.pdf?key={row['key']}" if paid else None,
        created_at=local(row["created_at"], offer.zone),
        deadline_at=local(row["deadline_at"], offer.zone),
        event=event_ref(offer),
        performance=await _summarize(offer, at),
        venue=offer.venue,
        tz=offer.zone,
        tickets=tuple(_ticket_view(t, row, paid=paid, zone=offer.zone) for t in tickets),
    )


def _payment_view(payment: Any) -> PaymentView | None:
    if payment is None:
        return None
    reason = gettext(explain_refusal(payment["reason_code"])) if payment["reason_code"] else None
    return PaymentView(payment["status"], reason, payment["method"])


def _ticket_view(ticket: Any, order: Any, *, paid: bool, zone: str) -> TicketView:
    return TicketView(
        number=ticket["number"],
        seat=ticket["seat_label"] or None,
        category=ticket["category"],
        tariff_name=ticket["tariff_name"],
        price_minor=ticket["price_minor"],
        status=ticket["status"],
        used_at=local(ticket["used_at"], zone) if ticket["used_at"] else None,
        pdf_url=(
            f"/orders/{order['code']}/tickets/{ticket['number']}.pdf?key={order['key']}"
            if paid and ticket["status"] == "sold"
            else None
        ),
    )
