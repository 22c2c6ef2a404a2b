"""From what a cart holds to what it costs (TAR-1), in whole minor units. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.offers import BoxOfficeOffer, Offer, QuotaOffer, TariffOffer
from app.sales.rules.pricing import NotSold, price_items, total_of
from seating.store import HeldItem
from tests.cast import PRICES, house

PLAN = house()
SEATED, STANDING = 1, 2


def tariff(id: int, prices: dict[str, int], visibility: str = "public") -> TariffOffer:
    return TariffOffer(id, {"en": f"Tariff {id}"}, {}, visibility, None, prices)


def offer(id: int, *tariffs: TariffOffer, quotas: tuple[QuotaOffer, ...] = ()) -> Offer:
    starts = datetime(2026, 12, 12, 19, 30, tzinfo=UTC)
    return Offer(
        group="e1",
        id=id, event=1, slug="the-play", title={"en": "The Play"}, subtitle={}, description={}, performance_title={},
        venue="Main hall", zone="Europe/Paris", starts_at=starts, doors_at=None, ends_at=None, sale_opens_at=None,
        sale_closes_at=None, cancelled_at=None, visibility="public", hold_ttl_s=900, order_max=10, show_left=False,
        plan=1 if id == SEATED else None, tariffs=tariffs, quotas=quotas,
        box_office=BoxOfficeOffer(1, 1, "Théâtre", "box@example.org", "#000000", "EUR", {}),
    )  # fmt: skip


def item(id: str, ordinal: int, tariff: int, performance: int = SEATED) -> HeldItem:
    return HeldItem(id, performance, ordinal, tariff, ())


FULL, CHILD, STAFF = tariff(1, PRICES["full"]), tariff(2, PRICES["child"]), tariff(3, {"Gold": 500}, "counter")
OFFERS = {SEATED: offer(SEATED, FULL, CHILD, STAFF), STANDING: offer(STANDING, tariff(4, {"": 1500}))}
PLANS = {SEATED: PLAN, STANDING: None}


def test_each_seat_costs_its_tariff_in_its_category() -> None:
    items = [item("a", 0, 1), item("b", 20, 1), item("c", 1, 2), item("d", -1, 4, STANDING)]
    priced = price_items(items, OFFERS, PLANS, "online")
    assert [(line.item, line.seat_label, line.category, line.price_minor) for line in priced] == [
        ("a", "Parterre · A · 1", "Gold", 4000),
        ("c", "Parterre · A · 2", "Gold", 2000),
        ("b", "Balcon · C · 1", "Silver", 2500),
        ("d", "", "", 1500),
    ]
    assert total_of(priced) == 10_000
    assert priced[0].seat == "Parterre > A > 1"


@pytest.mark.parametrize(
    ("ordinal", "tariff_id", "channel"),
    [(0, 99, "online"), (0, 3, "online"), (20, 3, "counter"), (0, 4, "online")],
)
def test_what_is_not_sold_there_names_the_item(ordinal: int, tariff_id: int, channel: str) -> None:
    with pytest.raises(NotSold) as refused:
        price_items([item("x", ordinal, tariff_id)], OFFERS, PLANS, channel)  # type: ignore[arg-type]  # both literals
    assert refused.value.item == "x"


def test_a_counter_sells_at_its_own_tariffs_too() -> None:
    assert total_of(price_items([item("x", 0, 3)], OFFERS, PLANS, "counter")) == 500


def test_quotas_are_those_of_the_offer_not_those_of_the_hold() -> None:
    gold = QuotaOffer(7, None, None, "Gold", "Gold seats", 5)
    children = QuotaOffer(8, SEATED, 2, None, "Children", 5)
    offers = {SEATED: offer(SEATED, FULL, CHILD, quotas=(gold, children))}
    held = HeldItem("a", SEATED, 0, 2, ("q1", "q2"))
    assert price_items([held], offers, PLANS, "online")[0].quotas == ("q7", "q8")


@given(
    st.dictionaries(st.sampled_from(["Gold", "Silver"]), st.integers(0, 2**31 - 1), min_size=2),
    st.lists(st.integers(0, 29), unique=True),
)
def test_a_total_is_the_exact_sum_of_whole_amounts(prices: dict[str, int], ordinals: list[int]) -> None:
    offers = {SEATED: offer(SEATED, tariff(1, prices))}
    priced = price_items([item(str(o), o, 1) for o in ordinals], offers, PLANS, "online")
    assert len(priced) == len(ordinals)
    assert total_of(priced) == sum(prices[PLAN.seats[o].category] for o in ordinals)
    assert all(isinstance(line.price_minor, int) for line in priced)
