"""Carts: what a buyer or a counter holds right now (LIVE-7, QUO-2).

A cart lives in Redis alone; its token is the buyer's cookie (or an API client's header). Losing Redis costs unpaid
carts and nothing else. For now a cart holds tickets of one event: the inventory group is the unit of atomicity.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from app.catalog.offers import Offer, TariffOffer
from app.catalog.queries import group_of_event, offer_of, offers_of, plan_of
from app.catalog.rules.selling import (
    Channel,
    default_tariff,
    is_offered,
    price_of,
    quotas_for,
    sale_status,
    tariffs_for,
)
from app.core.clock import local, now
from app.core.db import connection
from app.core.errors import Problem
from app.core.i18n import N_, gettext, translated
from app.core.notices import stir
from app.sales.cart_notes import CartNotes, Notice, note_group, note_loss, note_ref, read_notes
from app.sales.inventory import GroupGone, hold, inventory, with_group
from app.sales.kept import allotment_of, has_single_seats, name_of
from app.sales.rules.limits import COUNTER_MAX, order_rules, tickets_beyond
from app.sales.rules.pricing import NotSold, PricedLine, label_of, price_items, seat_of, total_of
from seating.holds import Exceedable
from seating.plan import Plan
from seating.store import (
    BestSeats,
    Choice,
    Fare,
    Held,
    HeldItem,
    HoldRequest,
    Line,
    NamedSeats,
    OrderRule,
    Owner,
    Quantity,
    Reason,
    Refusal,
    RowByRow,
    cart_ref,
)

BEST_MAX = 20


class Cart(Struct, frozen=True):
    """Whose basket this is, and through which channel it buys."""

    token: str
    channel: Channel
    owner: Owner


class TariffChoice(Struct, frozen=True):
    id: int
    name: str
    price_minor: int


class CartItem(Struct, frozen=True, kw_only=True):
    id: str
    performance: int
    ordinal: int
    seat: str | None
    zone: str
    row: str
    number: str
    category: str
    color: str
    tariff: int
    tariff_name: str
    price_minor: int
    tariffs: tuple[TariffChoice, ...]
    expires_at_ms: int
    allotment: int | None = None
    """What it is kept in for whoever has the key (AHEAD-2)."""
    exceeded: bool = False
    """A manager knowingly passed over a limit for it (QUO-5)."""


class CartPerformance(Struct, frozen=True):
    id: int
    title: str
    starts_at: str
    venue: str


class CartNotice(Struct, frozen=True):
    """Why a cart is empty that was not: `detail` is a sentence for its owner."""

    code: str
    detail: str


class Exceeded(Struct, frozen=True, kw_only=True):
    """A limit that was passed over: by its name where it has one, with what it had left; or a seat that was kept."""

    code: str
    limit: str
    left: int
    seat: str


class CartView(Struct, frozen=True, kw_only=True):
    """A cart as pages and API clients see it. Times are the store's, in milliseconds since 1970."""

    items: tuple[CartItem, ...] = ()
    total_minor: int = 0
    currency: str = "EUR"
    expires_at_ms: int | None = None
    server_ms: int = 0
    performances: tuple[CartPerformance, ...] = ()
    added: tuple[str, ...] = ()
    ref: str = ""
    """Its public name, which cashiers see on the map and a buyer may read to one."""
    notice: CartNotice | None = None
    exceeded: tuple[Exceeded, ...] = ()
    """What would have been refused just now, had a manager not exceeded it knowingly (QUO-5)."""


class BestWish(Struct, frozen=True):
    """n seats together, nearest to the focal point (LIVE-8), or `row_by_row` from there, for stock (SEA-10)."""

    count: int
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    wheelchairs: int = 0
    rows_max: int = 0
    row_by_row: bool = False


class Wish(Struct, frozen=True, kw_only=True):
    """What to add: seats by ordinal, the best ones, or a quantity of unnumbered tickets; the last two perhaps out of an
    allotment. `opens` are further names of what is kept (see `app.sales.kept`), besides those of the cart's keys."""

    performance: int
    seats: tuple[int, ...] = ()
    best: BestWish | None = None
    quantity: int = 0
    tariff: int | None = None
    allotment: int | None = None
    opens: tuple[str, ...] = ()
    exceed: tuple[Exceedable, ...] = ()
    """Limits that a manager passes over knowingly (QUO-5)."""


async def group_of(cart: Cart) -> str | None:
    """The inventory group this cart holds in, if it ever held anything."""
    return (await read_notes(cart.token)).group


async def held_items(cart: Cart) -> tuple[HeldItem, ...]:
    notes = await read_notes(cart.token)
    return await _held(cart, notes) if notes.group is not None else ()


async def _held(cart: Cart, notes: CartNotes) -> tuple[HeldItem, ...]:
    """What it holds in the group it knows. That may have been joined with others, or parted, meanwhile: then its holds
    are gone, and it is told so."""
    group = notes.group
    assert group is not None
    try:
        items = await with_group(group, lambda: inventory().held(group, cart.token))
    except GroupGone:
        items = ()
    if not items and notes.event and await group_of_event(notes.event) != group:
        await note_loss(cart.token, Notice("regrouped"))
    return items


async def priced_cart(cart: Cart) -> tuple[PricedLine, ...]:
    """The cart's lines with their prices. An item that cannot be priced any more is given back."""
    items = await held_items(cart)
    offers = {i.performance: await offer_of(i.performance) for i in items}
    plans = {id: await plan_of(offer) for id, offer in offers.items()}
    try:
        return price_items(items, offers, plans, cart.channel)
    except NotSold as unsold:
        await release(cart, (unsold.item,))
        return await priced_cart(cart)


async def view_cart(cart: Cart | None, *, added: Iterable[str] = (), exceeded: tuple[Exceeded, ...] = ()) -> CartView:
    at_ms = int(now().timestamp() * 1000)
    lines = await priced_cart(cart) if cart else ()
    if not lines or cart is None:
        return CartView(server_ms=at_ms, notice=_notice((await read_notes(cart.token)).notice) if cart else None)
    offers = {line.performance: await offer_of(line.performance) for line in lines}
    plans = {id: await plan_of(offer) for id, offer in offers.items()}
    first = next(iter(offers.values()))
    return CartView(
        items=tuple(_view_item(line, offers[line.performance], plans[line.performance], cart) for line in lines),
        total_minor=total_of(lines),
        currency=first.currency,
        expires_at_ms=min(line.expires_at_ms for line in lines),
        server_ms=at_ms,
        performances=tuple(
            CartPerformance(o.id, title_of(o), local(o.starts_at, o.zone), o.venue) for o in offers.values()
        ),
        added=tuple(added),
        ref=cart_ref(cart.token),
        exceeded=exceeded,
    )


async def add_to_cart(cart: Cart, wish: Wish, *, at: datetime) -> tuple[str, ...]:
    """Hold what is wished for, all or nothing; returns the new items' ids. Raises Problem like `hold_wish`."""
    return tuple(item.id for item in (await hold_wish(cart, wish, at=at)).items)


async def hold_and_view(cart: Cart, wish: Wish, *, at: datetime) -> CartView:
    """The cart with what is wished for, and what was exceeded for it. Raises Problem like `hold_wish`."""
    held = await hold_wish(cart, wish, at=at)
    offer = await offer_of(wish.performance)
    plan = await plan_of(offer)
    return await view_cart(
        cart, added=[item.id for item in held.items], exceeded=tuple(_exceeded(r, offer, plan) for r in held.exceeded)
    )


async def hold_wish(cart: Cart, wish: Wish, *, at: datetime) -> Held:
    """Hold what is wished for, all or nothing.

    Raises Problem: seat_taken (with `nearest`), kept_seat, allotment_exhausted, quota_exhausted, not_enough_seats,
    sale_closed, too_many, unknown_seat, wrong_performance, other_event, not_found, invalid.
    """
    offer = await offer_of(wish.performance)
    if not is_offered(offer, cart.channel):
        raise Problem("not_found")
    plan = await plan_of(offer)
    if sale_status(offer, cart.channel, at) != "open":
        raise Problem("sale_closed")
    lines = _lines(offer, plan, cart.channel, wish)
    if wish.best is not None and wish.allotment is not None:
        async with connection() as reader:
            if await has_single_seats(reader, wish.allotment):
                raise Problem("kept_seat", extras={"seats": []})
    notes = await read_notes(cart.token)
    await _check_event(cart, notes, offer)
    rules = order_rules(offer, cart.channel)
    request = HoldRequest(
        group=offer.group,
        cart=cart.token,
        owner=cart.owner,
        lines=lines,
        ttl_s=offer.hold_ttl_s,
        rules=rules,
        keys=(*notes.opens, *wish.opens),
        exceed=wish.exceed,
    )
    await note_group(cart.token, offer.group, offer.event)
    if cart.channel == "online":
        await note_ref(cart.token, cart_ref(cart.token))
    answer = await hold(request)
    if isinstance(answer, Refusal):
        raise _refuse(answer, offer, rules)
    await stir(cart.token, offer.id if plan else 0)
    return answer


async def change_tariff(cart: Cart, item_id: str, tariff_id: int) -> None:
    """Sell a held place at another tariff; the quotas move in the same step."""
    item = next((i for i in await held_items(cart) if i.id == item_id), None)
    if item is None:
        raise Problem("hold_expired")
    offer = await offer_of(item.performance)
    plan = await plan_of(offer)
    category = _category(plan, item.ordinal)
    tariff = _tariff(offer, cart.channel, category, tariff_id)
    if tariff.id != item.tariff and tariff.order_max is not None:
        had = sum(other.tariff == tariff.id for other in await held_items(cart))
        if tickets_beyond(tariff.order_max, had, 1):
            raise Problem("too_many", params={"max": tariff.order_max})
    quotas = quotas_for(offer, tariff.id, category)
    answer = await with_group(
        offer.group, lambda: inventory().change_tariff(offer.group, cart.token, item_id, tariff.id, quotas)
    )
    if isinstance(answer, Refusal):
        raise _refuse(answer, offer)
    await stir(cart.token)


async def release(cart: Cart, items: tuple[str, ...] | None = None) -> None:
    """Give back some items, or all of them, at once."""
    group = await group_of(cart)
    if group is not None:
        with contextlib.suppress(GroupGone):
            await with_group(group, lambda: inventory().release(group, cart.token, items))
            await stir(cart.token)


NOTICES = {
    "regrouped": N_(
        "The box office has rearranged its sales, and the seats in your basket were given back. Please choose again."
    ),
    "taken_over": N_("{by} has taken over your basket. Please pay there."),
}


def _notice(notice: Notice | None) -> CartNotice | None:
    if notice is None:
        return None
    return CartNotice(notice.code, gettext(NOTICES[notice.code]).format(by=notice.by))


def title_of(offer: Offer) -> str:
    event, own = translated(offer.title), translated(offer.performance_title)
    return f"{event} – {own}" if own else event


def _lines(offer: Offer, plan: Plan | None, channel: Channel, wish: Wish) -> tuple[Line, ...]:
    """The store's lines for a wish. One line per category, since a tariff counts in other quotas in each."""
    asked = [bool(wish.seats), wish.best is not None, wish.quantity > 0]
    if sum(asked) != 1:
        raise Problem("bad_request", params={"reason": N_("give exactly one of seats, best, quantity.")})
    if wish.quantity:
        if plan is not None:
            raise Problem("bad_request", params={"reason": N_("this performance is numbered: choose seats.")})
        tariff = _tariff(offer, channel, "", wish.tariff)
        quotas = quotas_for(offer, tariff.id, "")
        return (Quantity(offer.id, wish.quantity, tariff.id, quotas, allotment=_named(wish.allotment)),)
    if plan is None:
        if wish.seats:
            raise Problem("wrong_performance", extras={"seats": list(wish.seats)})
        raise Problem("bad_request", params={"reason": N_("this performance has no numbered seats: give a quantity.")})
    if wish.best is not None:
        return (_best_line(offer, plan, channel, wish.best, wish.tariff, _named(wish.allotment)),)
    return _named_lines(offer, plan, channel, wish)


def _named_lines(offer: Offer, plan: Plan, channel: Channel, wish: Wish) -> tuple[Line, ...]:
    by_category: dict[str, list[int]] = {}
    for ordinal in dict.fromkeys(wish.seats):
        if not 0 <= ordinal < len(plan.seats):
            raise Problem("unknown_seat", extras={"seats": [ordinal]})
        by_category.setdefault(plan.seats[ordinal].category, []).append(ordinal)
    return tuple(
        NamedSeats(offer.id, tuple(ordinals), tariff.id, quotas_for(offer, tariff.id, category))
        for category, ordinals in by_category.items()
        for tariff in (_tariff(offer, channel, category, wish.tariff),)
    )


def _named(allotment: int | None) -> str:
    return name_of(allotment) if allotment is not None else ""


def _best_line(
    offer: Offer, plan: Plan, channel: Channel, best: BestWish, tariff_id: int | None, allotment: str
) -> Line:
    most = COUNTER_MAX if best.row_by_row and channel == "counter" else BEST_MAX
    if not 1 <= best.count <= most:
        raise Problem("too_many", params={"max": most})
    known = [c.name for c in plan.categories]
    wanted = [c for c in (best.categories or known) if c in known]
    # A group never mixes price categories: each is a choice with its own tariff and quotas, and the step picks.
    choices = tuple(
        Choice(category, (Fare(tariff.id, quotas_for(offer, tariff.id, category), best.count),))
        for category in wanted
        if _sold(offer, channel, category, tariff_id)
        for tariff in (_tariff(offer, channel, category, tariff_id),)
    )
    if not choices:
        raise Problem("not_enough_seats")
    if best.row_by_row:
        if len({choice.fares for choice in choices}) > 1:
            raise Problem("bad_request", params={"reason": N_("row by row goes through one price category: name it.")})
        fare, names = choices[0].fares[0], tuple(choice.category for choice in choices)
        return RowByRow(offer.id, best.count, fare.tariff, fare.quotas, names, best.zones, allotment)
    return BestSeats(
        offer.id,
        best.count,
        zones=best.zones,
        wheelchairs=min(best.wheelchairs, best.count),
        rows_max=best.rows_max,
        choices=choices,
        allotment=allotment,
    )


def _sold(offer: Offer, channel: Channel, category: str, tariff_id: int | None) -> bool:
    return any(tariff_id in (None, t.id) and category in t.prices for t in tariffs_for(offer, channel))


def _tariff(offer: Offer, channel: Channel, category: str, tariff_id: int | None) -> TariffOffer:
    if tariff_id is None:
        found = default_tariff(offer, channel, category)
    else:
        found = next((t for t in tariffs_for(offer, channel) if t.id == tariff_id), None)
    if found is None or price_of(found, category) is None:
        raise Problem("bad_request", params={"reason": N_("this price is not offered for this seat.")})
    return found


def _category(plan: Plan | None, ordinal: int) -> str:
    return plan.seats[ordinal].category if plan is not None and ordinal >= 0 else ""


async def _check_event(cart: Cart, notes: CartNotes, offer: Offer) -> None:
    """For now a cart holds tickets of one event."""
    if notes.group is None or notes.event == offer.event or not await _held(cart, notes):
        return
    other = (await offers_of(notes.event))[0]
    raise Problem("other_event", params={"title": translated(other.title)}, extras={"event": other.slug})


REFUSALS: dict[str, Literal["seat_taken", "unknown_seat", "not_enough_seats", "not_found", "hold_expired"]] = {
    "seat_taken": "seat_taken",
    "unknown_seat": "unknown_seat",
    "no_adjacent": "not_enough_seats",
    "not_enough_seats": "not_enough_seats",
    "unknown_item": "hold_expired",
}


def _refuse(refusal: Refusal, offer: Offer, rules: Sequence[OrderRule] = ()) -> Problem:
    """The most telling reason, with everything a map needs to suggest something else."""
    beyond = next((r for r in refusal.reasons if r.code == "order_limit"), None)
    if beyond is not None:
        return Problem("too_many", params={"max": next(r.at_most for r in rules if r.id == beyond.quota)})
    taken = [r for r in refusal.reasons if r.code == "seat_taken"]
    if taken:
        near = list(dict.fromkeys(n for r in taken for n in r.nearest))
        return Problem("seat_taken", extras={"seats": [r.ordinal for r in taken], "nearest": near})
    kept = [r for r in refusal.reasons if r.code == "not_yours"]
    if kept:
        return Problem("kept_seat", extras={"seats": [r.ordinal for r in kept if r.ordinal >= 0]})
    gone = [r.left for r in refusal.reasons if r.code in ("allotment_exhausted", "unknown_allotment")]
    if gone:
        return Problem("allotment_exhausted", params={"left": min(gone)}, extras={"left": min(gone)})
    short = [r for r in refusal.reasons if r.code == "quota_exhausted"]
    if short:
        return _short(short, offer)
    first = refusal.reasons[0]
    return Problem(REFUSALS[first.code], extras={"left": first.left})


def _short(reasons: list[Reason], offer: Offer) -> Problem:
    tightest = min(reasons, key=lambda r: r.left)
    name = next((q.name for q in offer.quotas if q.key == tightest.quota), "")
    extras = {"left": tightest.left, "quota": name}
    if tightest.left <= 0:
        return Problem("sold_out", extras=extras)
    return Problem("quota_exhausted", params={"left": tightest.left}, extras=extras)


def _view_item(line: PricedLine, offer: Offer, plan: Plan | None, cart: Cart) -> CartItem:
    color = next((c.color for c in plan.categories if c.name == line.category), "") if plan else ""
    choices = tuple(
        TariffChoice(t.id, translated(t.name), t.prices[line.category])
        for t in tariffs_for(offer, cart.channel)
        if line.category in t.prices
    )
    return CartItem(
        id=line.item,
        performance=line.performance,
        ordinal=line.ordinal,
        seat=line.seat_label or None,
        zone=line.zone,
        row=line.row,
        number=line.number,
        category=line.category,
        color=color,
        tariff=line.tariff,
        tariff_name=line.tariff_name,
        price_minor=line.price_minor,
        tariffs=choices,
        expires_at_ms=line.expires_at_ms,
        allotment=allotment_of(line.allotment),
        exceeded=line.exceeded,
    )


def _exceeded(reason: Reason, offer: Offer, plan: Plan | None) -> Exceeded:
    """What was passed over: a quota, the size of an order, or somebody's kept seat."""
    name = next((q.name for q in offer.quotas if q.key == reason.quota), "")
    return Exceeded(code=reason.code, limit=name, left=reason.left, seat=label_of(seat_of(plan, reason.ordinal)))
