"""When and at what price something may be sold (CAT-7, TAR-1, QUO-1). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from app.catalog.offers import Offer, QuotaOffer, TariffOffer

SaleStatus = Literal["open", "soon", "closed", "cancelled"]
Channel = Literal["online", "counter"]

COUNTER_SELLS_AFTER_START = timedelta(hours=2)  # latecomers are served until well into the show


def sale_status(offer: Offer, channel: Channel, now: datetime) -> SaleStatus:
    """Whether `channel` sells this performance at `now`. The counter is not bound by the online window's opening."""
    if offer.cancelled_at is not None:
        return "cancelled"
    if channel == "counter":
        ends = offer.ends_at or offer.starts_at + COUNTER_SELLS_AFTER_START
        return "open" if now < ends else "closed"
    if offer.sale_opens_at is not None and now < offer.sale_opens_at:
        return "soon"
    return "open" if now < (offer.sale_closes_at or offer.starts_at) else "closed"


def is_offered(offer: Offer, channel: Channel) -> bool:
    """Whether `channel` may know of this performance at all (CAT-3). `link` is for whoever has the address."""
    return offer.visibility in ({"public", "link"} if channel == "online" else {"public", "link", "counter"})


def tariffs_for(offer: Offer, channel: Channel) -> tuple[TariffOffer, ...]:
    """What `channel` is offered, in the organiser's order."""
    shown = {"public"} if channel == "online" else {"public", "counter", "link"}
    return tuple(t for t in offer.tariffs if t.visibility in shown)


def price_of(tariff: TariffOffer, category: str) -> int | None:
    """Minor units, or None when this tariff is not sold in this category."""
    return tariff.prices.get(category)


def default_tariff(offer: Offer, channel: Channel, category: str) -> TariffOffer | None:
    """The first tariff sold in a category: what a seat costs until its buyer says otherwise."""
    return next((t for t in tariffs_for(offer, channel) if category in t.prices), None)


def limits_of(offer: Offer) -> tuple[QuotaOffer, ...]:
    """The limits in force at a performance, all of them at once (QUO-1). Only, what the performance says of a tariff
    takes precedence over what its event says of the same tariff and category, and stands in its place. Totals of the
    event and of its categories add up over performances and always count: to drop one would sell beyond it."""
    own = {(q.tariff, q.category) for q in offer.quotas if q.performance == offer.id and q.tariff is not None}
    return tuple(
        q
        for q in offer.quotas
        if q.performance == offer.id or (q.performance is None and (q.tariff, q.category) not in own)
    )


def quotas_for(offer: Offer, tariff: int, category: str) -> tuple[str, ...]:
    """Every limit that one ticket counts in (QUO-1), as inventory ids. A tariff that is left out of totals counts only
    in the limits that name it (QUO-3)."""
    priced = offer.tariff(tariff)
    counted = priced is None or priced.counted
    return tuple(
        q.key
        for q in limits_of(offer)
        if (q.tariff == tariff or (counted and q.tariff is None)) and q.category in (None, category)
    )


def lowest_price(offer: Offer, channel: Channel = "online") -> int | None:
    """The "from" price: a free ticket for infants does not make an evening free, unless every ticket is."""
    prices = [p for t in tariffs_for(offer, channel) for p in t.prices.values()]
    return min([p for p in prices if p > 0] or prices, default=None)
