"""Which limits a ticket counts in (QUO-1, QUO-3, AHEAD-12)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.catalog.offers import QuotaOffer, TariffOffer
from app.catalog.rules.selling import limits_of, quotas_for
from tests.sales.rules.test_pricing import offer

FULL, PRESS = (
    TariffOffer(1, {}, {}, "public", None, {"Gold": 100}),
    TariffOffer(2, {}, {}, "counter", None, {"Gold": 0}, counted=False),
)
EVENING = 7


def limit(
    id: int, *, performance: int | None = None, tariff: int | None = None, category: str | None = None
) -> QuotaOffer:
    return QuotaOffer(id, performance, tariff, category, f"limit {id}", 10)


def keys(*limits: QuotaOffer, tariff: int = 1, category: str = "Gold", performance: int = EVENING) -> set[str]:
    evening = replace(offer(1, FULL, PRESS, quotas=limits), id=performance)
    return set(quotas_for(evening, tariff, category))


def test_limits_of_event_performance_category_and_tariff_count_all_at_once() -> None:
    limits = (
        limit(1), limit(2, category="Gold"), limit(3, tariff=1), limit(4, tariff=1, category="Gold"),
        limit(5, performance=EVENING, category="Silver"), limit(6, tariff=2), limit(7, performance=8, tariff=1),
    )  # fmt: skip
    assert keys(*limits) == {"q1", "q2", "q3", "q4"}
    assert keys(*limits, category="Silver") == {"q1", "q3", "q5"}


@pytest.mark.parametrize("category", [None, "Gold"])
def test_a_performance_s_limit_of_a_tariff_takes_precedence_over_its_event_s(category: str | None) -> None:
    """QUO-1. Elsewhere the event's goes on."""
    general = limit(1, tariff=1, category=category)
    own = limit(2, performance=EVENING, tariff=1, category=category)
    assert keys(general, own) == {"q2"}
    assert keys(general, own, performance=8) == {"q1"}


def test_it_stands_in_the_place_of_that_one_only() -> None:
    general = (limit(1, tariff=1), limit(2, tariff=1, category="Gold"), limit(3))
    assert keys(*general, limit(4, performance=EVENING, tariff=1)) == {"q2", "q3", "q4"}
    assert keys(*general, limit(4, performance=EVENING, tariff=2)) == {"q1", "q2", "q3"}


@pytest.mark.parametrize("category", [None, "Gold"])
def test_totals_of_the_event_count_beside_the_performance_s(category: str | None) -> None:
    """A festival of 1,000 places with at most 600 a day has both limits."""
    assert keys(limit(1, category=category), limit(2, performance=EVENING, category=category)) == {"q1", "q2"}


def test_a_tariff_that_is_left_out_counts_only_where_it_is_named() -> None:
    """QUO-3. Press tickets take no place from the public, but there may be a limit of press tickets."""
    limits = (
        limit(1),
        limit(2, category="Gold"),
        limit(3, performance=EVENING),
        limit(4, tariff=2),
        limit(5, tariff=1),
    )
    assert keys(*limits, tariff=2) == {"q4"}
    assert keys(*limits, tariff=1) == {"q1", "q2", "q3", "q5"}


def test_a_tariff_that_is_no_more_counts_like_any_other() -> None:
    assert keys(limit(1), tariff=99) == {"q1"}


def test_the_limits_in_force_are_those_that_some_ticket_counts_in() -> None:
    limits = (limit(1, tariff=1), limit(2, performance=EVENING, tariff=1), limit(3, performance=8), limit(4, tariff=2))
    evening = replace(offer(1, FULL, PRESS, quotas=limits), id=EVENING)
    assert [q.id for q in limits_of(evening)] == [2, 4]
