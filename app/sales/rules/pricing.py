"""From what a cart holds to what it costs (TAR-1). Pure; amounts in minor units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.rules.selling import Channel, price_of, quotas_for, tariffs_for
from app.core.i18n import translated
from seating.plan import Plan, Seat
from seating.store import HeldItem


class PricedLine(Struct, frozen=True, kw_only=True):
    """One ticket to be: where, at what tariff, for how much. Unnumbered: no seat, ordinal -1, category ''."""

    item: str
    performance: int
    ordinal: int
    seat: str | None
    zone: str
    row: str
    number: str
    category: str
    tariff: int
    tariff_name: str
    price_minor: int
    expires_at_ms: int
    quotas: tuple[str, ...]
    allotment: str
    """The inventory's name of what it was kept in; "" for a place that was on sale."""
    exceeded: bool

    @property
    def seat_label(self) -> str:
        return _label(self.zone, self.row, self.number)


class NotSold(Exception):
    """A held item has no price: its tariff is not sold (any more) in its category."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


def price_items(
    items: Iterable[HeldItem], offers: Mapping[int, Offer], plans: Mapping[int, Plan | None], channel: Channel
) -> tuple[PricedLine, ...]:
    """Each item with its price, by performance and then seat. Raises NotSold.

    Quotas are worked out again from the offer: the list inside the hold decided what it counted in, this one decides
    what the ticket will."""
    lines = [_price(item, offers[item.performance], plans[item.performance], channel) for item in items]
    return tuple(sorted(lines, key=lambda line: (line.performance, line.ordinal, line.item)))


def seat_of(plan: Plan | None, ordinal: int) -> Seat | None:
    return plan.seats[ordinal] if plan is not None and 0 <= ordinal < len(plan.seats) else None


def label_of(seat: Seat | None) -> str:
    """A seat as people read it on screens and tickets; "" for none."""
    return _label(seat.zone, seat.row, seat.number) if seat else ""


def _label(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _price(item: HeldItem, offer: Offer, plan: Plan | None, channel: Channel) -> PricedLine:
    seat = seat_of(plan, item.ordinal)
    category = seat.category if seat else ""
    tariff = next((t for t in tariffs_for(offer, channel) if t.id == item.tariff), None)
    price = price_of(tariff, category) if tariff else None
    if tariff is None or price is None:
        raise NotSold(item.id)
    return PricedLine(
        item=item.id,
        performance=item.performance,
        ordinal=item.ordinal,
        seat=seat.guid if seat else None,
        zone=seat.zone if seat else "",
        row=seat.row if seat else "",
        number=seat.number if seat else "",
        category=category,
        tariff=tariff.id,
        tariff_name=translated(tariff.name),
        price_minor=price,
        expires_at_ms=item.expires_at_ms,
        quotas=quotas_for(offer, tariff.id, category),
        allotment=item.allotment,
        exceeded=item.exceeded,
    )


def total_of(lines: Iterable[PricedLine]) -> int:
    return sum(line.price_minor for line in lines)
