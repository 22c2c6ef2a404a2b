"""Redis is killed -9 between any two steps of a sale and started again, with all that it knew, with nothing, or with
what it knew before: no sold seat is lost or on sale twice, no counter is wrong (LIVE-10, QUO-1). Carts may be lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import pytest
from redis.exceptions import RedisError

from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.sales.carts import Cart, Wish, add_to_cart
from app.sales.inventory import inventory, with_group
from app.sales.inventory_check import check
from app.sales.orders import cancel_pending, follow_in_inventory, lock_order, place_order
from app.sales.reconciliation import GRACE, reconcile
from seating.store import FREE, PENDING, SOLD, GroupMissing, StoreUnavailable
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart
from tests.faults.servers import Server
from tests.faults.strikes import POINTS, Strike, arm
from tests.invariants import quotas_exceeded, seats_sold_twice

pytestmark = pytest.mark.fault

AWAY = (StoreUnavailable, RedisError, GroupMissing, Problem)
"""What a buyer may be told when Redis dies; the page asks to try again."""


async def hold(cart: Cart, performance: int, *seats: int) -> None:
    await add_to_cart(cart, Wish(performance=performance, seats=seats), at=now())


async def order(cart: Cart, *, settled: bool) -> int:
    placed = await place_order(
        cart, ALICE, method="cash" if settled else "card", expected_total_minor=None, settled=settled, at=now()
    )
    return placed.id


async def give_up(group: str, order_id: int) -> None:
    async with transaction() as ledger:
        row = await lock_order(ledger, order_id)
        await cancel_pending(ledger, row, because="test", actor="test", at=now())
    await follow_in_inventory(group, row["code"], "expired")


async def sale(theatre: Theatre, performance: int, seats: Sequence[int]) -> None:
    """One of everything: sold at once, ordered and given up, ordered and waiting, only held. Whoever is told that it
    did not work goes home."""
    sold, gives_up, waits, holds = counter_cart(theatre.lea), buyer_cart(), buyer_cart(), buyer_cart()
    with contextlib.suppress(*AWAY):
        await hold(sold, performance, *seats[:2])
        await inventory().extend(theatre.group, sold.token, 3600)
        await order(sold, settled=True)
    with contextlib.suppress(*AWAY):
        await hold(gives_up, performance, seats[2])
        await give_up(theatre.group, await order(gives_up, settled=False))
    with contextlib.suppress(*AWAY):
        await hold(waits, performance, seats[3])
        await order(waits, settled=False)
    with contextlib.suppress(*AWAY):
        await hold(holds, performance, seats[4])


async def live_tickets() -> dict[tuple[int, int], str]:
    async with connection() as ledger:
        rows = await ledger.fetch(
            "SELECT performance, ordinal, status FROM sales.ticket WHERE status IN ('pending', 'sold')"
        )
        assert await seats_sold_twice(ledger) == []
        assert await quotas_exceeded(ledger) == []
    return {(row["performance"], row["ordinal"]): row["status"] for row in rows}


async def everything_is_in_order(theatre: Theatre) -> None:
    """After what upkeep does by itself: the map is the ledger's, and nobody gets a seat that somebody has."""
    await reconcile(theatre.group)
    await reconcile(theatre.group, at=now() + GRACE + timedelta(seconds=5))
    assert (await check(theatre.group)).found == ()
    tickets = await live_tickets()
    for performance in (theatre.performance, theatre.other):
        seen = await inventory().snapshot(theatre.group, performance)
        for ordinal, state in enumerate(seen.states):
            status = tickets.get((performance, ordinal))
            assert (state in (PENDING, SOLD)) == (status is not None), (performance, ordinal, state, status)
    for performance, ordinal in tickets:
        with pytest.raises(Problem):
            await hold(buyer_cart(), performance, ordinal)


async def test_killed_between_any_two_steps_of_a_sale(
    limited: Theatre, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blow() -> None:
        await asyncio.to_thread(server.restart)

    for turn, (when, verb) in enumerate(POINTS):
        evening = (limited.performance, limited.other)[turn % 2]
        first = turn // 2 * 5
        await with_group(limited.group, lambda: inventory().pulse(limited.group))
        await server.remember()
        strike = Strike(when, verb, blow)
        with monkeypatch.context() as armed:
            arm(armed, strike)
            await sale(limited, evening, range(first, first + 5))
        assert strike.fell, (when, verb)
        await everything_is_in_order(limited)
    assert "sold" in (await live_tickets()).values()


async def test_the_control_the_same_sale_with_no_blow_sells_all_of_it(limited: Theatre, server: Server) -> None:
    await sale(limited, limited.performance, range(5))
    assert await live_tickets() == {
        (limited.performance, 0): "sold", (limited.performance, 1): "sold", (limited.performance, 3): "pending",
    }  # fmt: skip
    await everything_is_in_order(limited)


@pytest.mark.parametrize("server", ["what was before"], indirect=True)
async def test_a_server_that_went_back_in_time_sells_nothing_twice(limited: Theatre, server: Server) -> None:
    """It honestly believes that a sold seat is free. The ledger refuses whoever orders it before anybody has looked; a
    look is enough to see it."""
    with contextlib.suppress(Problem):
        await hold(buyer_cart(), limited.performance, 29)
    await server.remember()
    cart = counter_cart(limited.lea)
    await hold(cart, limited.performance, 0, 1)
    await order(cart, settled=True)
    await asyncio.to_thread(server.restart)

    seen = await inventory().snapshot(limited.group, limited.performance)
    assert (seen.states[0], seen.states[1]) == (FREE, FREE), "the control: it did go back"
    late = buyer_cart()
    await hold(late, limited.performance, 0)
    with pytest.raises(Problem) as refused:
        await order(late, settled=False)
    assert refused.value.code == "seat_taken"

    await reconcile(limited.group)
    seen = await inventory().snapshot(limited.group, limited.performance)
    assert (seen.states[0], seen.states[1]) == (SOLD, SOLD)
    await everything_is_in_order(limited)


@pytest.mark.parametrize("server", ["every step"], indirect=True)
async def test_a_server_that_wrote_down_every_step_still_has_the_carts(limited: Theatre, server: Server) -> None:
    """LIVE-7: and keeps them when the group is laid down anew, as it is after every restart."""
    cart = buyer_cart()
    await hold(cart, limited.performance, 3, 4)
    await asyncio.to_thread(server.restart)
    await reconcile(limited.group)
    assert [item.ordinal for item in await inventory().held(limited.group, cart.token)] == [3, 4]
