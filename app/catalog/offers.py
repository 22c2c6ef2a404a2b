"""What a performance offers, as one frozen value that rules and pages share."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class TariffOffer(Struct, frozen=True):
    """A tariff with its price by category of the plan ('' = unnumbered), in minor units."""

    id: int
    name: dict[str, str]
    description: dict[str, str]
    visibility: str
    order_max: int | None
    prices: dict[str, int]
    counted: bool = True
    """False: left out of totals and of every limit that does not name it (QUO-3)."""


class QuotaOffer(Struct, frozen=True):
    """A limit (QUO-1); None means "any"."""

    id: int
    performance: int | None
    tariff: int | None
    category: str | None
    name: str
    size: int
    shared: bool = False
    """It counts other events too (AHEAD-12)."""

    @property
    def key(self) -> str:
        """Its id in the live inventory."""
        return f"q{self.id}"


class BoxOfficeOffer(Struct, frozen=True):
    id: int
    organizer: int
    name: str
    contact_email: str
    accent: str
    currency: str
    terms: dict[str, str]


class Offer(Struct, frozen=True, kw_only=True):
    """One performance and all that is needed to sell it. Times are aware."""

    id: int
    event: int
    slug: str
    title: dict[str, str]
    subtitle: dict[str, str]
    description: dict[str, str]
    performance_title: dict[str, str]
    venue: str
    zone: str
    starts_at: datetime
    doors_at: datetime | None
    ends_at: datetime | None
    sale_opens_at: datetime | None
    sale_closes_at: datetime | None
    cancelled_at: datetime | None
    visibility: str
    hold_ttl_s: int
    order_max: int
    show_left: bool
    show_sold: bool = False
    """Instead of what is left (QUO-4)."""
    sold_out_text: dict[str, str] = {}
    plan: int | None
    tariffs: tuple[TariffOffer, ...]
    quotas: tuple[QuotaOffer, ...]
    box_office: BoxOfficeOffer
    group: str
    """The inventory group: one event's own, or what it shares with others (AHEAD-12, SEA-7)."""

    @property
    def currency(self) -> str:
        return self.box_office.currency

    def tariff(self, id: int) -> TariffOffer | None:
        return next((t for t in self.tariffs if t.id == id), None)
