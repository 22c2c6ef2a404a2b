"""Seats for printing stock are taken row by row, the best rows first (SEA-10)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.catalog.queries import offer_of, plan_of
from tests.cast import Theatre
from tests.shop import browser, open_shop, problem, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as address:
        yield address


async def test_a_counter_takes_whole_rows_from_the_focal_point(shop: str, theatre: Theatre) -> None:
    plan = await plan_of(await offer_of(theatre.performance))
    assert plan is not None
    category = plan.seats[0].category
    async with browser(shop) as lea:
        await sign_in(lea, "lea")
        asked = {
            "performance": theatre.performance,
            "best": {"count": 12, "categories": [category], "row_by_row": True},
        }
        answer = await lea.post("/api/v1/counter/cart/items", json=asked)
        assert answer.status_code == 201
        ordinals = {item["ordinal"] for item in answer.json()["items"]}
    assert len(ordinals) == 12
    runs = [run for run in plan.rows if ordinals & set(run)]
    whole = [run for run in runs if set(run) <= ordinals]
    assert len(runs) - len(whole) <= 1, "only the last row may be begun and not finished"


async def test_online_nobody_takes_stock(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as buyer:
        asked = {"performance": theatre.performance, "best": {"count": 25, "row_by_row": True}}
        problem(await buyer.post("/api/v1/cart/items", json=asked), "too_many")
