"""Quotas as the ledger checks them under lock (QUO-1). Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.sales.rules.limits import Exhausted, exhausted

QUOTAS = st.sampled_from(["q1", "q2", "q3"])


def test_every_limit_that_would_break_is_named_with_what_it_has_left() -> None:
    sizes, used = {"q1": 10, "q2": 3, "q3": 1}, {"q1": 9, "q2": 3, "q3": 5}
    asked = [("q1", "q2"), ("q1",), ("q3",)]
    assert exhausted(sizes, used, asked) == (Exhausted("q1", 1), Exhausted("q2", 0), Exhausted("q3", 0))


def test_the_last_place_can_be_sold_and_an_unknown_limit_limits_nothing() -> None:
    assert exhausted({"q1": 10}, {"q1": 9}, [("q1", "q9")]) == ()
    assert exhausted({"q1": 0}, {}, [("q1",)]) == (Exhausted("q1", 0),)
    assert exhausted({"q1": 0}, {}, []) == ()


@given(
    st.dictionaries(QUOTAS, st.integers(0, 5)),
    st.dictionaries(QUOTAS, st.integers(0, 5)),
    st.lists(st.sets(QUOTAS).map(lambda s: tuple(sorted(s))), max_size=8),
)
def test_what_is_let_through_fits_and_what_is_refused_does_not(
    sizes: dict[str, int], used: dict[str, int], asked: list[tuple[str, ...]]
) -> None:
    broken = {each.quota for each in exhausted(sizes, used, asked)}
    for quota, size in sizes.items():
        wanted = sum(quota in quotas for quotas in asked)
        assert (quota in broken) == (wanted > 0 and used.get(quota, 0) + wanted > size)
