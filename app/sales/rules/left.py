"""How many places the public could buy at this moment, in all and of each tariff (QUO-1, WTL-2). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from app.catalog.offers import Offer, TariffOffer
from app.catalog.rules.selling import limits_of, tariffs_for

UNLIMITED = 1_000_000_000
"""What nothing limits: more than anybody asks for."""


class PlacesLeft(Struct, frozen=True):
    """`total` of any tariff; `tariffs`: what of that each one may have. They share, so they do not add up."""

    performance: int
    total: int
    tariffs: dict[int, int]


def nothing_left(offer: Offer) -> PlacesLeft:
    """As when its sale is closed."""
    return PlacesLeft(offer.id, 0, {t.id: 0 for t in tariffs_for(offer, "online")})


def places_left(
    offer: Offer, free: Mapping[str, int] | None, quotas: Mapping[str, tuple[int, int | None]]
) -> PlacesLeft:
    """`free`: free seats by category, None where nothing is numbered; `quotas`: (used, limit) by inventory id."""
    remaining = {key: max(0, limit - used) for key, (used, limit) in quotas.items() if limit is not None}
    shown = tariffs_for(offer, "online")
    tariffs = {t.id: _of_tariff(offer, t, free, remaining) for t in shown}
    # A ticket that is left out of totals (QUO-3) is not what people wait for, unless there is no other.
    counted = [t.id for t in shown if t.counted] or list(tariffs)
    limits = [
        remaining[q.key] for q in limits_of(offer) if q.tariff is None and q.category is None and q.key in remaining
    ]
    seats = UNLIMITED if free is None else sum(free.values())
    return PlacesLeft(offer.id, min(seats, sum(tariffs[id] for id in counted), UNLIMITED, *limits), tariffs)


def _of_tariff(offer: Offer, tariff: TariffOffer, free: Mapping[str, int] | None, remaining: Mapping[str, int]) -> int:
    """Each category's own share of it first, then what counts all of them."""
    mine = [
        q
        for q in limits_of(offer)
        if q.key in remaining and (q.tariff == tariff.id or (tariff.counted and q.tariff is None))
    ]
    by_category = [
        min(
            [
                UNLIMITED if free is None else free.get(category, 0),
                *(remaining[q.key] for q in mine if q.category == category),
            ]
        )
        for category in tariff.prices
    ]
    return min([sum(by_category), *(remaining[q.key] for q in mine if q.category is None)])
