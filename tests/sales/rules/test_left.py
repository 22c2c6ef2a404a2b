"""What the public could buy now, against selling it ticket by ticket (QUO-1, WTL-2)."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.audience.rules.waves import Limit
from app.catalog.offers import Offer, QuotaOffer, TariffOffer
from app.catalog.rules.selling import quotas_for
from app.sales.rules.left import UNLIMITED, PlacesLeft, left_together, limits_on, nothing_left, places_left
from tests.sales.rules.test_pricing import offer

EVENING = 7
FULL = TariffOffer(1, {}, {}, "public", None, {"Gold": 100, "Silver": 50})
CHILD = TariffOffer(2, {}, {}, "public", None, {"Silver": 20})
PRESS = TariffOffer(3, {}, {}, "counter", None, {"Gold": 0})
INFANT = TariffOffer(4, {}, {}, "public", None, {"Gold": 0, "Silver": 0}, counted=False)


def house(*quotas: QuotaOffer, tariffs: tuple[TariffOffer, ...] = (FULL, CHILD, PRESS, INFANT)) -> Offer:
    return replace(offer(1, *tariffs, quotas=quotas), id=EVENING)


def limit(id: int, tariff: int | None = None, category: str | None = None) -> QuotaOffer:
    return QuotaOffer(id, EVENING, tariff, category, f"limit {id}", 10)


def sold_one_by_one(
    asked: Offer, tariffs: list[TariffOffer], free: dict[str, int], quotas: dict[str, tuple[int, int | None]]
) -> int:
    """How many tickets of these tariffs can be sold until every further one is refused."""
    seats, used = Counter(free), Counter({key: count for key, (count, _) in quotas.items()})
    sold = 0
    for tariff in tariffs:
        for category in tariff.prices:
            keys = [key for key in quotas_for(asked, tariff.id, category) if quotas[key][1] is not None]
            while seats[category] and all(used[key] < (quotas[key][1] or 0) for key in keys):
                seats[category] -= 1
                used.update(keys)
                sold += 1
    return sold


def test_a_house_with_no_limit_has_its_free_seats() -> None:
    assert places_left(house(), {"Gold": 2, "Silver": 3}, {}) == PlacesLeft(EVENING, 5, {1: 5, 2: 3, 4: 5})


def test_what_has_neither_seats_nor_limits_is_never_sold_out() -> None:
    assert places_left(house(tariffs=(FULL,)), None, {}).total == UNLIMITED


def test_what_is_kept_from_the_public_is_no_place() -> None:
    assert places_left(house(tariffs=(PRESS,)), {"Gold": 2}, {}) == PlacesLeft(EVENING, 0, {})
    assert nothing_left(house()) == PlacesLeft(EVENING, 0, {1: 0, 2: 0, 4: 0})


def test_an_infant_s_place_does_not_make_an_evening_less_sold_out() -> None:
    """QUO-3: the total is reached, and what is left out of it is not what people wait for."""
    left = places_left(house(limit(1)), {"Gold": 2, "Silver": 3}, {"q1": (10, 10)})
    assert (left.total, left.tariffs) == (0, {1: 0, 2: 0, 4: 5})


def test_evenings_that_share_an_event_s_limit_have_it_together() -> None:
    whole, children = QuotaOffer(1, None, None, None, "Season", 10), QuotaOffer(2, None, 2, None, "Children", 4)
    evenings = [replace(house(whole, children), id=id) for id in (7, 8)]
    seats = {"Gold": 2, "Silver": 3}
    quotas: dict[str, tuple[int, int | None]] = {"q1": (7, 10), "q2": (3, 4)}
    left = [places_left(evening, seats, quotas) for evening in evenings]
    assert [(each.total, each.tariffs[2]) for each in left] == [(3, 1), (3, 1)]
    together = left_together(evenings, [seats, seats], quotas)
    assert (together.total, together.tariffs[2], together.tariffs[4]) == (3, 1, 10)
    assert Limit((7, 8), None, 3) in limits_on(evenings, left, together)
    assert Limit((8,), 2, 1) in limits_on(evenings, left, together)


def test_what_one_evening_limits_by_itself_is_not_shared() -> None:
    """QUO-1: of a tariff, the performance's own limit stands in the place of its event's."""
    event, own = QuotaOffer(1, None, 2, None, "Children", 4), QuotaOffer(2, 8, 2, None, "Children", 9)
    evenings = [replace(house(event, own), id=id) for id in (7, 8)]
    seats = {"Gold": 0, "Silver": 6}
    quotas: dict[str, tuple[int, int | None]] = {"q1": (2, 4), "q2": (0, 9)}
    assert [places_left(evening, seats, quotas).tariffs[2] for evening in evenings] == [2, 6]
    assert left_together(evenings, [seats, seats], quotas).tariffs[2] == 12


def test_where_nothing_is_numbered_only_limits_count() -> None:
    evening = house(limit(1), tariffs=(TariffOffer(1, {}, {}, "public", None, {"": 100}),))
    assert left_together([evening], [None], {"q1": (4, 10)}).total == UNLIMITED
    assert places_left(evening, None, {"q1": (4, 10)}).total == 6


LIMITS = (
    limit(1),
    limit(2, tariff=1),
    limit(3, tariff=2),
    limit(4, category="Silver"),
    limit(5, tariff=1, category="Gold"),
)


@given(
    free=st.fixed_dictionaries({"Gold": st.integers(0, 6), "Silver": st.integers(0, 6)}),
    sizes=st.lists(st.integers(0, 8) | st.none(), min_size=5, max_size=5),
    used=st.lists(st.integers(0, 5), min_size=5, max_size=5),
)
def test_it_is_what_selling_ticket_by_ticket_comes_to(
    free: dict[str, int], sizes: list[int | None], used: list[int]
) -> None:
    asked = house(*LIMITS)
    quotas = {each.key: (count, size) for each, count, size in zip(LIMITS, used, sizes, strict=True)}
    left = places_left(asked, free, quotas)
    for tariff in (FULL, CHILD, INFANT):
        assert left.tariffs[tariff.id] == sold_one_by_one(asked, [tariff], free, quotas)
    # In all it may be told a few too many where tariffs share (that is a flow, not a sum), but never none for some.
    one_by_one = sold_one_by_one(asked, [FULL, CHILD], free, quotas)
    assert left.total >= one_by_one
    assert (left.total == 0) == (one_by_one == 0)
