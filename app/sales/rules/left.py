"""How many places the public could buy at this moment, in all and of each tariff (QUO-1, WTL-2). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from app.audience.rules.waves import Limit
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


def left_together(
    offers: Sequence[Offer], free: Sequence[Mapping[str, int] | None], quotas: Mapping[str, tuple[int, int | None]]
) -> PlacesLeft:
    """What the event's own limits leave to these performances of it together: each by itself may have as much, and all
    of them no more. A tariff's limit that one of them replaces by its own is left aside."""
    ids = {offer.id for offer in offers}
    replaced = {(q.tariff, q.category) for q in offers[0].quotas if q.performance in ids and q.tariff is not None}
    shared = [q for q in offers[0].quotas if q.performance is None and (q.tariff, q.category) not in replaced]
    seats: Counter[str] | None = Counter()
    for each in free:
        seats = None if seats is None or each is None else seats + Counter(each)
    return places_left(msgspec.structs.replace(offers[0], quotas=tuple(shared)), seats, quotas)


def limits_on(offers: Sequence[Offer], left: Sequence[PlacesLeft], together: PlacesLeft) -> list[Limit]:
    """All that the next purchases meet, as waves know it."""
    found = [limit for each in left for limit in _limits((each.performance,), each)]
    return found + _limits(tuple(offer.id for offer in offers), together)


def _limits(performances: tuple[int, ...], left: PlacesLeft) -> list[Limit]:
    tariffs = [Limit(performances, tariff, count) for tariff, count in left.tariffs.items()]
    return [Limit(performances, None, left.total), *tariffs]


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
