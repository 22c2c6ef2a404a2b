"""Where a house fills: zones and limits, counted (LIVE-6, LIVE-3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from app.catalog.offers import BoxOfficeOffer, Offer, QuotaOffer, TariffOffer
from app.counter.occupancy import quotas_filled, zones_filled
from seating.store import ALLOTTED, BLOCKED, FREE, HELD, LINKED, PENDING, SOLD, USED
from seating.theatre import italian_theatre
from tests.cast import house

CHILD = TariffOffer(2, {"en": "Child"}, {}, "public", None, {"": 500})
FIRST, SECOND = 1, 2


def offer(id: int, event: int, *quotas: QuotaOffer) -> Offer:
    return Offer(
        group="e1", id=id, event=event, slug="play", title={}, subtitle={}, description={}, performance_title={},
        venue="", zone="Europe/Paris", starts_at=datetime(2026, 12, 12, 19, 30, tzinfo=UTC), doors_at=None,
        ends_at=None, sale_opens_at=None, sale_closes_at=None, cancelled_at=None, visibility="public", hold_ttl_s=900,
        order_max=10, show_left=False, plan=None, tariffs=(CHILD,), quotas=quotas,
        box_office=BoxOfficeOffer(1, 1, "", "", "", "EUR", {}),
    )  # fmt: skip


def test_each_zone_counts_its_own_seats_by_state() -> None:
    """LIVE-6: those inside are sold, and every seat is in one zone and in one state."""
    plan = house()
    states = bytearray(len(plan.seats))
    parterre = [i for i, seat in enumerate(plan.seats) if seat.zone == "Parterre"]
    for ordinal, state in zip(parterre, (HELD, PENDING, SOLD, USED, USED, BLOCKED, ALLOTTED, LINKED), strict=False):
        states[ordinal] = state
    stalls, balcony = zones_filled(-1, plan, bytes(states))
    assert (stalls.name, stalls.capacity, stalls.held, stalls.pending, stalls.sold) == ("Parterre", 20, 1, 1, 3)
    assert (stalls.blocked, stalls.kept, stalls.linked, stalls.free) == (1, 1, 1, 12)
    assert (balcony.name, balcony.free, balcony.sold) == ("Balcon", 10, 0)


def test_zones_that_a_plan_lists_in_pieces_are_counted_whole() -> None:
    """A theatre's boxes on the left and on the right are one zone; compared with looking at every seat."""
    plan = italian_theatre()
    states = bytes(ordinal % 8 for ordinal in range(len(plan.seats)))
    told = {zone.name: (zone.capacity, zone.sold, zone.free) for zone in zones_filled(-2, plan, states)}
    seen = {}
    for name in {seat.zone for seat in plan.seats}:
        here = [states[i] for i, seat in enumerate(plan.seats) if seat.zone == name]
        seen[name] = (len(here), sum(s in (SOLD, USED) for s in here), here.count(FREE))
    assert told == seen


def test_every_limit_is_told_once_with_what_it_limits() -> None:
    """LIVE-3, AHEAD-12: an event's own limit counts its performances together, a shared one other events too."""
    whole = QuotaOffer(1, None, None, None, "House", 100)
    children = QuotaOffer(2, FIRST, 2, None, "Children", 10)
    season = QuotaOffer(3, None, None, None, "Season", 300)
    mine = [offer(FIRST, 1, whole, children, season), offer(SECOND, 1, whole, children, season)]
    other = offer(9, 5, season)
    told = quotas_filled(mine, [*mine, other], {"q1": 45, "q2": 11, "q3": 7}, {"q1": 5})
    assert [(q.name, q.performance, q.tariff, q.size, q.used, q.kept, q.shared) for q in told] == [
        ("House", None, None, 100, 40, 5, False),
        ("Children", FIRST, "Child", 10, 11, 0, False),
        ("Season", None, None, 300, 7, 0, True),
    ]
