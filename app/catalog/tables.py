"""Box offices, seasons, plans, events, performances, tariffs, prices, quotas.

Texts that organisers write are JSON objects from language to text (CAT-9), stored as text because Piccolo returns
JSONB as text anyway; `app.core.i18n.translated` picks one.
"""

from __future__ import annotations

from enum import StrEnum

from piccolo.columns import BigSerial, Boolean, Bytea, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.accounts.tables import Organizer


class Visibility(StrEnum):
    """Who is offered it (CAT-3, TAR-1)."""

    PUBLIC = "public"
    COUNTER = "counter"
    LINK = "link"
    HIDDEN = "hidden"


class BoxOffice(Table, tablename="box_office", schema="catalog"):
    id = BigSerial(primary_key=True)
    organizer = ForeignKey(Organizer, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=120, null=False)
    slug = Varchar(length=60, null=False, unique=True)
    currency = Varchar(length=3, null=False)
    locale = Varchar(length=5, null=False, default="fr")
    contact_email = Varchar(length=254, null=False)
    accent = Varchar(length=7, null=False, default="#8a1c36")
    terms = Text(null=False, default="{}")


class Season(Table, tablename="season", schema="catalog"):
    id = BigSerial(primary_key=True)
    box_office = ForeignKey(BoxOffice, null=False, on_delete=OnDelete.restrict, index=True)
    name = Text(null=False)


class PlanVersion(Table, tablename="plan_version", schema="catalog"):
    """One unchanging version of a seating plan; `document` is `seating.plan`'s own JSON."""

    id = BigSerial(primary_key=True)
    organizer = ForeignKey(Organizer, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=120, null=False)
    document = Text(null=False)
    digest = Varchar(length=64, null=False)
    seats = Integer(null=False)


class SeatView(Table, tablename="seat_view", schema="catalog"):
    """A model: photos of the view by seat name, for any number of events (SEA-4). `version` is a digest of which seat
    has which photo, empty without any; every change of the photos sets it in the same transaction."""

    id = BigSerial(primary_key=True)
    organizer = ForeignKey(Organizer, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=120, null=False)
    version = Varchar(length=24, null=False, default="")
    created_at = Timestamptz(null=False, default=None)


class SeatViewPhoto(Table, tablename="seat_view_photo", schema="catalog"):
    """The view from one seat, by its label path (SEA-2): no plan is asked, so editing one loses no photo.

    Both sizes are here, beside what names them: any web process on any machine serves them, and a photo that is deleted
    is gone. `width` and `height` are those of `large`."""

    id = BigSerial(primary_key=True)
    seat_view = ForeignKey(SeatView, null=False, on_delete=OnDelete.restrict, index=True)
    seat = Varchar(length=200, null=False)
    digest = Varchar(length=64, null=False, index=True)
    width = Integer(null=False)
    height = Integer(null=False)
    large = Bytea(null=False, default=None)
    small = Bytea(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)

    unique_photographed = Unique(["seat_view", "seat"])


class Event(Table, tablename="event", schema="catalog"):
    id = BigSerial(primary_key=True)
    box_office = ForeignKey(BoxOffice, null=False, on_delete=OnDelete.restrict, index=True)
    season = ForeignKey(Season, null=True, on_delete=OnDelete.restrict, index=True)
    slug = Varchar(length=80, null=False, unique=True)
    title = Text(null=False)
    subtitle = Text(null=False, default="{}")
    description = Text(null=False, default="{}")
    zone = Varchar(length=40, null=False, default="Europe/Paris")
    visibility = Varchar(length=10, null=False, default=Visibility.PUBLIC, choices=Visibility)
    hold_ttl_s = Integer(null=True, default=None)
    order_max = Integer(null=False, default=10)
    show_left = Boolean(null=False, default=False)
    show_sold = Boolean(null=False, default=False)
    """How many are sold instead of how many are left (QUO-4)."""
    sold_out_text = Text(null=False, default="{}")
    """What buyers read when nothing is left, in the organiser's words (QUO-4)."""
    position = Integer(null=False, default=0)
    inventory = Varchar(length=64, null=True, default=None, index=True)
    """The inventory group that it shares with other events (AHEAD-12, SEA-7); none: one of its own."""
    seat_view = ForeignKey(SeatView, null=True, on_delete=OnDelete.restrict, index=True)


class Performance(Table, tablename="performance", schema="catalog"):
    """A séance: the thing that takes place and is seated. No plan: unnumbered."""

    id = BigSerial(primary_key=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)
    plan = ForeignKey(PlanVersion, null=True, on_delete=OnDelete.restrict, index=True)
    title = Text(null=False, default="{}")
    venue = Varchar(length=160, null=False)
    starts_at = Timestamptz(null=False, default=None)
    doors_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    sale_opens_at = Timestamptz(null=True, default=None)
    sale_closes_at = Timestamptz(null=True, default=None)
    cancelled_at = Timestamptz(null=True, default=None)
    visibility = Varchar(length=10, null=False, default=Visibility.PUBLIC, choices=Visibility)


class Tariff(Table, tablename="tariff", schema="catalog"):
    id = BigSerial(primary_key=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)
    name = Text(null=False)
    description = Text(null=False, default="{}")
    visibility = Varchar(length=10, null=False, default=Visibility.PUBLIC, choices=Visibility)
    order_max = Integer(null=True, default=None)
    position = Integer(null=False, default=0)
    counted = Boolean(null=False, default=True)
    """Left out of totals and of every limit that does not name it (QUO-3): staff, press, the shell of a pass."""


class Price(Table, tablename="price", schema="catalog"):
    """What a tariff costs in a price category of the plan; category '' is the unnumbered price."""

    id = BigSerial(primary_key=True)
    tariff = ForeignKey(Tariff, null=False, on_delete=OnDelete.restrict, index=True)
    category = Varchar(length=80, null=False, default="")
    amount_minor = Integer(null=False)

    unique_price = Unique(["tariff", "category"])


class Quota(Table, tablename="quota", schema="catalog"):
    """A limit (QUO-1). An empty field means "any": performance, tariff and category narrow it together. Of a tariff, a
    performance's limit takes the place of its event's."""

    id = BigSerial(primary_key=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)
    performance = ForeignKey(Performance, null=True, on_delete=OnDelete.restrict, index=True)
    tariff = ForeignKey(Tariff, null=True, on_delete=OnDelete.restrict, index=True)
    category = Varchar(length=80, null=True, default=None)
    name = Varchar(length=80, null=False)
    size = Integer(null=False)


class QuotaShare(Table, tablename="quota_share", schema="catalog"):
    """A further event that a limit counts (AHEAD-12), besides its own: all of them are one inventory group."""

    id = BigSerial(primary_key=True)
    quota = ForeignKey(Quota, null=False, on_delete=OnDelete.restrict, index=True)
    event = ForeignKey(Event, null=False, on_delete=OnDelete.restrict, index=True)

    unique_event = Unique(["quota", "event"])


class PlanLink(Table, tablename="plan_link", schema="catalog"):
    """A seat sold in the season pass is taken in the match, and the other way round (SEA-7): same plan version."""

    id = BigSerial(primary_key=True)
    season_pass = ForeignKey(Performance, null=False, on_delete=OnDelete.restrict, index=True)
    match = ForeignKey(Performance, null=False, on_delete=OnDelete.restrict, index=True)

    unique_link = Unique(["season_pass", "match"])


class Allotment(Table, tablename="allotment", schema="catalog"):
    """Seats, or a quantity of an unnumbered performance, kept for whoever has the key (AHEAD-2). In force until it is
    released by hand (`released_at`) or its date (`release_at`) has come; what has no live ticket then is on sale.

    A quantity is kept back of the quotas that a place of this tariff and category counts in (none: any)."""

    id = BigSerial(primary_key=True)
    performance = ForeignKey(Performance, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=120, null=False)
    key = Varchar(length=20, null=False, unique=True)
    quantity = Integer(null=False, default=0)
    tariff = ForeignKey(Tariff, null=True, on_delete=OnDelete.restrict, index=True)
    category = Varchar(length=80, null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    release_at = Timestamptz(null=True, default=None)
    released_at = Timestamptz(null=True, default=None)


class AllotmentSeat(Table, tablename="allotment_seat", schema="catalog"):
    """A seat of an allotment. With a key or an e-mail address of its own, only these open it (SEA-8)."""

    id = BigSerial(primary_key=True)
    allotment = ForeignKey(Allotment, null=False, on_delete=OnDelete.restrict, index=True)
    seat = Varchar(length=200, null=False)
    ordinal = Integer(null=False)
    key = Varchar(length=20, null=True, default=None, unique=True)
    email = Varchar(length=254, null=True, default=None, index=True)

    unique_seat = Unique(["allotment", "seat"])
