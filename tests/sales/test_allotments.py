"""What is kept for a school, the press, last year's holders (AHEAD-2, SEA-8), against real engines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Quota
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Invalid, Problem
from app.sales import queries
from app.sales.allotments import (
    AllotmentView,
    AllotmentWish,
    allotments_on_sale,
    change_allotment,
    list_allotments,
    make_allotment,
    release_allotment,
)
from app.sales.cart_keys import open_allotments, present_key
from app.sales.carts import BestWish, Cart, Wish, add_to_cart, release, view_cart
from app.sales.inventory import inventory, rebuild, with_group
from app.sales.kept import name_of, names_that_open
from app.sales.orders import Placed, place_order
from app.sales.payments import _hold_again, expire_order
from app.sales.queries import view_performance
from app.sales.reconciliation import reconcile
from seating.store import ALLOTTED, FREE, HELD, PENDING, SOLD
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart


async def keep(theatre: Theatre, *seats: int | str, **more: Any) -> AllotmentView:
    wish = AllotmentWish(**{"performance": theatre.performance, "name": "École Jules-Ferry", "seats": seats, **more})
    return await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())


async def free_again(theatre: Theatre, allotment: int, *seats: int) -> AllotmentView:
    return await release_allotment(
        allotment, organizer=theatre.organizer, actor="account:1", at=now(), seats=seats or None
    )


async def holder_of(key: str) -> Cart:
    cart = buyer_cart()
    await present_key(cart, key, at=now())
    return cart


async def hold(cart: Cart, performance: int, *seats: int, **more: Any) -> tuple[str, ...]:
    return await add_to_cart(cart, Wish(performance=performance, seats=seats, **more), at=now())


async def order(cart: Cart, *, settled: bool = False) -> Placed:
    method = "cash" if settled else "card"
    return await place_order(cart, ALICE, method=method, expected_total_minor=None, settled=settled, at=now())


async def states(theatre: Theatre, performance: int | None = None) -> bytes:
    id = performance or theatre.performance
    return (await with_group(theatre.group, lambda: inventory().snapshot(theatre.group, id))).states


async def test_kept_seats_are_sold_to_whoever_has_the_key_and_to_nobody_else(theatre: Theatre) -> None:
    kept = await keep(theatre, 4, "Parterre > A > 6")
    assert [s.ordinal for s in kept.seats] == [4, 5]
    assert (kept.left, kept.sold, kept.seats[0].label) == (2, 0, "Parterre · A · 5")
    assert [(await states(theatre))[s] for s in (3, 4, 5, 6)] == [FREE, ALLOTTED, ALLOTTED, FREE]
    with pytest.raises(Problem) as refused:
        await hold(buyer_cart(), theatre.performance, 4, 6)
    assert (refused.value.code, refused.value.extras) == ("kept_seat", {"seats": [4]})
    pupil = await holder_of(f" {kept.key.lower()} ")
    assert [(a.seats, a.best) for a in await open_allotments(pupil)] == [((4, 5), True)]
    await hold(pupil, theatre.performance, 4, 6)
    assert [i.allotment for i in (await view_cart(pupil)).items] == [kept.id, None]
    placed = await order(pupil, settled=True)
    assert [(await states(theatre))[s] for s in (4, 5, 6)] == [SOLD, ALLOTTED, SOLD]
    (after,) = await list_allotments(theatre.performance, organizer=theatre.organizer)
    assert (after.left, after.sold) == (1, 1)
    async with connection() as reader:
        kept_in = await reader.fetch('SELECT allotment FROM sales.ticket WHERE "order" = $1 ORDER BY id', placed.id)
    assert [row["allotment"] for row in kept_in] == [kept.id, None]


async def test_a_place_goes_back_to_where_it_came_from_also_after_a_rebuild(theatre: Theatre) -> None:
    kept = await keep(theatre, 4, 5)
    pupil = await holder_of(kept.key)
    await hold(pupil, theatre.performance, 4)
    await release(pupil)
    assert (await states(theatre))[4] == ALLOTTED
    await hold(pupil, theatre.performance, 4)
    placed = await order(pupil)
    await rebuild(theatre.group, only_if_missing=False)
    assert [(await states(theatre))[s] for s in (4, 5)] == [PENDING, ALLOTTED]
    assert await reconcile(theatre.group) == ()
    assert await expire_order(placed.id)
    assert (await states(theatre))[4] == ALLOTTED
    await rebuild(theatre.group, only_if_missing=False)
    assert (await states(theatre))[4] == ALLOTTED


async def test_all_of_it_is_kept_or_nothing_and_the_refusing_seats_are_named(theatre: Theatre) -> None:
    await hold(buyer_cart(), theatre.performance, 5)
    await keep(theatre, 7, name="Presse")
    with pytest.raises(Problem) as refused:
        await keep(theatre, 4, 5, 6, 7)
    assert refused.value.code == "seats_taken"
    assert refused.value.extras == {"seats": [5, 7], "labels": ["Parterre > A > 6", "Parterre > A > 8"]}
    assert [(await states(theatre))[s] for s in (4, 5, 6, 7)] == [FREE, HELD, FREE, ALLOTTED]
    assert len(await list_allotments(theatre.performance, organizer=theatre.organizer)) == 1


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"seats": ()}, "seats"),
        ({"seats": (1,), "quantity": 3}, "seats"),
        ({"seats": (), "quantity": 3}, "quantity"),
        ({"seats": (1,), "name": "  "}, "name"),
        ({"seats": (1,), "tariff": 10_000}, "tariff"),
        ({"seats": (1,), "release_at": now() - timedelta(days=1)}, "release_at"),
    ],
)
async def test_an_allotment_that_cannot_be_is_refused_field_by_field(
    theatre: Theatre, wish: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await keep(theatre, **wish)
    assert list(refused.value.errors) == [field]


async def test_seats_that_do_not_exist_are_named_as_they_were_given(theatre: Theatre) -> None:
    with pytest.raises(Problem) as refused:
        await keep(theatre, 4, 30, "Parterre > Z > 1")
    assert (refused.value.code, refused.value.extras) == ("unknown_seat", {"seats": [30, "Parterre > Z > 1"]})


async def test_last_year_s_holder_gets_exactly_that_seat_by_code_or_e_mail(theatre: Theatre) -> None:
    """SEA-8. The allotment's own key opens none of the seats that have one."""
    kept = await keep(theatre, 4, 5, 6, own_keys=True, emails={"5": "Chloe@Example.org"})
    by_code = await holder_of(kept.seats[0].key or "")
    by_mail = await holder_of("chloe@example.ORG")
    general = await holder_of(kept.key)
    assert [a.seats for a in await open_allotments(by_code)] == [(4,)]
    assert [a.seats for a in await open_allotments(by_mail)] == [(5,)]
    assert [(a.seats, a.best) for a in await open_allotments(general)] == [((), False)]
    for cart, seat in ((general, 4), (by_mail, 4), (by_code, 5)):
        with pytest.raises(Problem) as refused:
            await hold(cart, theatre.performance, seat)
        assert refused.value.code == "kept_seat"
    await hold(by_code, theatre.performance, 4)
    await hold(by_mail, theatre.performance, 5)
    # Best seats of the allotment would take a neighbour's own seat: they are not given from such a list.
    with pytest.raises(Problem) as refused:
        await add_to_cart(general, Wish(performance=theatre.performance, best=BestWish(1), allotment=kept.id), at=now())
    assert refused.value.code == "kept_seat"
    assert (await states(theatre))[6] == ALLOTTED


async def test_best_seats_come_out_of_the_allotment_that_is_named(theatre: Theatre) -> None:
    kept = await keep(theatre, 0, 1, 2)
    wish = Wish(performance=theatre.performance, best=BestWish(2), allotment=kept.id)
    with pytest.raises(Problem) as refused:
        await add_to_cart(buyer_cart(), wish, at=now())
    assert refused.value.code == "kept_seat"
    pupil = await holder_of(kept.key)
    await add_to_cart(pupil, wish, at=now())
    assert {i.ordinal for i in (await view_cart(pupil)).items} < {0, 1, 2}
    with pytest.raises(Problem) as refused:
        await add_to_cart(pupil, wish, at=now())
    assert refused.value.code == "not_enough_seats"


async def test_a_key_that_nobody_gave_out_opens_nothing(theatre: Theatre) -> None:
    kept = await keep(theatre, 4)
    for wrong in ("K0000000000", "", "\x00", "nobody@example.org", f"{kept.key}X"):
        with pytest.raises(Problem) as refused:
            await present_key(buyer_cart(), wrong, at=now())
        assert refused.value.code == "unknown_key"
    with pytest.raises(Problem):
        await present_key(counter_cart(theatre.stranger), kept.key, at=now(), organizer=theatre.organizer + 1)


async def test_what_is_released_by_hand_is_on_sale_and_its_key_ends(theatre: Theatre) -> None:
    kept = await keep(theatre, 3, 4, 5, 6)
    pupil = await holder_of(kept.key)
    await hold(pupil, theatre.performance, 4)
    part = await free_again(theatre, kept.id, 4, 5)
    assert [s.ordinal for s in part.seats] == [3, 4, 6], "a seat that the school has in its basket stays the school's"
    assert [(await states(theatre))[s] for s in (3, 4, 5, 6)] == [ALLOTTED, HELD, FREE, ALLOTTED]
    await rebuild(theatre.group, only_if_missing=False)
    assert [(await states(theatre))[s] for s in (3, 4, 5, 6)] == [ALLOTTED, HELD, FREE, ALLOTTED]
    ended = await free_again(theatre, kept.id)
    assert (ended.left, ended.released_at is not None) == (0, True)
    assert [(await states(theatre))[s] for s in (3, 4, 5, 6)] == [FREE, HELD, FREE, FREE]
    await release(pupil)
    assert (await states(theatre))[4] == FREE
    with pytest.raises(Problem) as refused:
        await present_key(buyer_cart(), kept.key, at=now())
    assert refused.value.code == "unknown_key"
    assert await open_allotments(pupil) == ()
    with pytest.raises(Problem) as refused:
        await free_again(theatre, kept.id)
    assert refused.value.code == "not_found"


async def test_what_is_not_taken_by_its_date_goes_on_sale_by_itself(theatre: Theatre) -> None:
    kept = await keep(theatre, 3, release_at=now() + timedelta(hours=1))
    later = await change_allotment(
        kept.id, organizer=theatre.organizer, actor="account:1", at=now(), name="Rectorat", release_at=None,
        keep_date=False,
    )  # fmt: skip
    assert (later.name, later.release_at) == ("Rectorat", None)
    await change_allotment(
        kept.id, organizer=theatre.organizer, actor="account:1", at=now(), keep_date=False,
        release_at=now() + timedelta(milliseconds=300),
    )  # fmt: skip
    while (await states(theatre))[3] != FREE:
        await inventory().expire_due(theatre.group)
    assert await allotments_on_sale(theatre.performance, organizer=theatre.organizer, at=now()) == ()
    await rebuild(theatre.group, only_if_missing=False)
    assert (await states(theatre))[3] == FREE
    with pytest.raises(Problem):
        await present_key(buyer_cart(), kept.key, at=now())


async def test_a_quantity_is_kept_back_of_the_quotas_for_everybody_else(theatre: Theatre) -> None:
    """The festival has 20 places, 15 of them kept; the live inventory and the ledger both count so."""
    kept = await keep(theatre, performance=theatre.standing, quantity=15)
    assert (kept.left, kept.quantity) == (15, 15)
    with pytest.raises(Problem) as refused:
        await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=6), at=now())
    assert (refused.value.code, refused.value.extras["left"]) == ("quota_exhausted", 5)
    partner = await holder_of(kept.key)
    await add_to_cart(partner, Wish(performance=theatre.standing, quantity=9, allotment=kept.id), at=now())
    await order(partner, settled=True)
    view = await view_performance(theatre.standing, "online", now(), partner)
    assert [a.quantity for a in view.allotments] == [6]
    anyone = buyer_cart()
    await add_to_cart(anyone, Wish(performance=theatre.standing, quantity=5), at=now())
    await order(anyone, settled=True)
    for cart, allotment in ((buyer_cart(), None), (partner, kept.id)):
        wish = Wish(performance=theatre.standing, quantity=7 if allotment else 1, allotment=allotment)
        with pytest.raises(Problem) as refused:
            await add_to_cart(cart, wish, at=now())
        assert refused.value.code == ("allotment_exhausted" if allotment else "sold_out")
    group = f"e{theatre.standing_event}"
    await rebuild(group, only_if_missing=False)
    with pytest.raises(Problem):
        await add_to_cart(buyer_cart(), Wish(performance=theatre.standing, quantity=1), at=now())
    await add_to_cart(partner, Wish(performance=theatre.standing, quantity=6, allotment=kept.id), at=now())


async def test_the_ledger_keeps_a_quantity_back_even_if_the_live_inventory_has_forgotten_it(theatre: Theatre) -> None:
    kept = await keep(theatre, performance=theatre.standing, quantity=15)
    group = f"e{theatre.standing_event}"
    await inventory().release_allotment(group, name_of(kept.id))  # Redis is made to forget
    greedy = buyer_cart()
    await add_to_cart(greedy, Wish(performance=theatre.standing, quantity=6), at=now())
    with pytest.raises(Problem) as refused:
        await order(greedy)
    assert (refused.value.code, refused.value.extras["left"]) == ("quota_exhausted", 5)
    modest = buyer_cart()
    await release(greedy)
    await add_to_cart(modest, Wish(performance=theatre.standing, quantity=5), at=now())
    assert (await order(modest)).status == "pending"


async def test_more_than_the_quota_has_cannot_be_kept(theatre: Theatre) -> None:
    with pytest.raises(Problem) as refused:
        await keep(theatre, performance=theatre.standing, quantity=21)
    assert (refused.value.code, refused.value.extras) == ("quota_exhausted", {"left": 20, "quota": "Capacity"})
    assert await list_allotments(theatre.standing, organizer=theatre.organizer) == ()


async def test_a_house_that_is_full_for_the_public_is_open_for_whoever_has_a_key(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is left is kept for a second, and the test before may have asked about a performance of the same number.
    monkeypatch.setattr(queries, "_left", {})
    await Quota(event=theatre.standing_event, name="All", size=2).save()
    forget_offers()
    kept = await keep(theatre, performance=theatre.standing, quantity=2)
    pupil = await holder_of(kept.key)
    assert (await view_performance(theatre.standing, "online", now(), buyer_cart())).status == "sold_out"
    assert (await view_performance(theatre.standing, "online", now(), pupil)).status == "open"


async def test_a_late_payment_takes_the_kept_seat_again(theatre: Theatre) -> None:
    """What was kept for this buyer is opened for the revival, and for it alone."""
    kept = await keep(theatre, 4, 5, own_keys=True)
    pupil = await holder_of(kept.seats[0].key or "")
    await hold(pupil, theatre.performance, 4)
    placed = await order(pupil)
    await expire_order(placed.id)
    async with connection() as reader:
        tickets = await reader.fetch('SELECT * FROM sales.ticket WHERE "order" = $1', placed.id)
        opens = await names_that_open(reader, [(t["allotment"], t["ordinal"]) for t in tickets], now())
    assert not await _hold_again(theatre.group, "late:1", tickets, ())
    assert await _hold_again(theatre.group, "late:2", tickets, opens)
    assert (await states(theatre))[4] == HELD


async def test_another_organiser_sees_and_makes_nothing_here(theatre: Theatre) -> None:
    kept = await keep(theatre, 4)
    elsewhere = theatre.organizer + 1
    for attempt in (
        list_allotments(theatre.performance, organizer=elsewhere),
        release_allotment(kept.id, organizer=elsewhere, actor="account:9", at=now()),
        allotments_on_sale(theatre.performance, organizer=elsewhere, at=now()),
    ):
        with pytest.raises(Problem) as refused:
            await attempt
        assert refused.value.code == "not_found"


async def test_making_changing_and_releasing_are_journaled(theatre: Theatre) -> None:
    kept = await keep(theatre, 4)
    await free_again(theatre, kept.id)
    async with connection() as reader:
        rows = await reader.fetch("SELECT action, subject, actor FROM core.journal_line ORDER BY sequence")
    assert [(r["action"], r["actor"]) for r in rows] == [
        ("allotment_made", "account:1"),
        ("allotment_released", "account:1"),
    ]
