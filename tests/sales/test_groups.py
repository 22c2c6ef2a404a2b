"""Season passes linked with their matches (SEA-7), limits over several events (AHEAD-12), and the inventory groups
that both need: joined and parted while the sale goes on, against real engines."""

from __future__ import annotations

import asyncio
import json

import pytest

from app.catalog.queries import forget_offers, group_of_event, offer_of
from app.catalog.tables import Event, Performance, Quota
from app.core import journal
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.counter.figures import figures_of
from app.sales.carts import Cart, Wish, add_to_cart, release, view_cart
from app.sales.groups import (
    join_inventory,
    link_performances,
    links_of_event,
    part_inventory,
    quotas_of,
    resize_quota,
    share_quota,
    unlink_performances,
)
from app.sales.inventory import inventory, rebuild, with_group
from app.sales.orders import Placed, place_order
from app.sales.payments import expire_order
from app.sales.reconciliation import reconcile
from seating.store import FREE, LINKED, PENDING, SOLD, GroupMissing
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart

BY = "account:1"


async def hold(cart: Cart, performance: int, *seats: int, quantity: int = 0) -> tuple[str, ...]:
    return await add_to_cart(cart, Wish(performance=performance, seats=seats, quantity=quantity), at=now())


async def order(cart: Cart, *, settled: bool = True) -> Placed:
    method = "cash" if settled else "card"
    return await place_order(cart, ALICE, method=method, expected_total_minor=None, settled=settled, at=now())


async def buy(performance: int, *seats: int, quantity: int = 0) -> Placed:
    cart = buyer_cart()
    await hold(cart, performance, *seats, quantity=quantity)
    return await order(cart)


async def state(performance: int, seat: int) -> int:
    group = (await offer_of(performance, exact=True)).group
    return (await with_group(group, lambda: inventory().snapshot(group, performance))).states[seat]


async def refused(performance: int, *seats: int, quantity: int = 0) -> str:
    with pytest.raises(Problem) as problem:
        await hold(buyer_cart(), performance, *seats, quantity=quantity)
    return problem.value.code


async def season_pass(theatre: Theatre) -> int:
    """An event of its own, on the theatre's plan, with the theatre's tariffs copied."""
    play = await Performance.objects().get(Performance.id == theatre.performance)
    assert play is not None
    event = Event(box_office=theatre.box_office, slug="the-pass", title=json.dumps({"en": "The Pass"}), order_max=10)
    await event.save()
    made = Performance(event=event.id, plan=play.plan, venue="Main hall", starts_at=play.starts_at)
    await made.save()
    async with connection() as ledger:
        tariff = await ledger.fetchval(
            'INSERT INTO catalog.tariff (event, name) VALUES ($1, \'{"en": "Pass"}\') RETURNING id', event.id
        )
        await ledger.execute(
            "INSERT INTO catalog.price (tariff, category, amount_minor)"
            " VALUES ($1, 'Gold', 9000), ($1, 'Silver', 5000)",
            tariff,
        )
    forget_offers()
    return int(made.id)


async def link(theatre: Theatre, whole: int, *matches: int) -> None:
    await link_performances(whole, matches, organizer=theatre.organizer, actor=BY, at=now())


async def test_a_seat_of_the_pass_is_taken_in_every_match_and_the_other_way_round(theatre: Theatre) -> None:
    whole = await season_pass(theatre)
    await buy(theatre.performance, 7)
    await link(theatre, whole, theatre.performance, theatre.other)
    assert [await state(p, 7) for p in (theatre.performance, theatre.other, whole)] == [SOLD, FREE, LINKED]
    placed = await buy(whole, 3)
    assert [await state(p, 3) for p in (theatre.performance, theatre.other, whole)] == [LINKED, LINKED, SOLD]
    assert await refused(theatre.other, 3) == "seat_taken"
    assert await refused(whole, 7) == "seat_taken"
    await rebuild((await offer_of(whole)).group, only_if_missing=False)
    assert [await state(p, 3) for p in (theatre.performance, theatre.other, whole)] == [LINKED, LINKED, SOLD]
    # What the two sides have sold is in the journal of one house, and of one inventory.
    assert placed.status == "paid"
    assert len({await group_of_event(e) for e in (theatre.event, (await offer_of(whole)).event)}) == 1
    assert await reconcile((await offer_of(whole)).group) == ()


async def test_a_pass_that_is_not_paid_gives_its_seat_back_everywhere(theatre: Theatre) -> None:
    whole = await season_pass(theatre)
    await link(theatre, whole, theatre.performance, theatre.other)
    cart = buyer_cart()
    await hold(cart, whole, 3)
    placed = await order(cart, settled=False)
    assert [await state(p, 3) for p in (whole, theatre.performance)] == [PENDING, LINKED]
    await expire_order(placed.id)
    assert [await state(p, 3) for p in (whole, theatre.performance, theatre.other)] == [FREE, FREE, FREE]


async def break_links_in_the_live_inventory(performance: int) -> None:
    """Redis is made to believe that nothing is linked: only the ledger stands between two buyers."""
    group = (await offer_of(performance)).group
    async with connection() as ledger:
        rows = await ledger.fetch("DELETE FROM catalog.plan_link RETURNING season_pass, match")
        await rebuild(group, only_if_missing=False)
        await ledger.executemany(
            "INSERT INTO catalog.plan_link (season_pass, match) VALUES ($1, $2)",
            [(r["season_pass"], r["match"]) for r in rows],
        )


async def both_at_once(theatre: Theatre, whole: int) -> list[Placed | BaseException]:
    pass_buyer, match_buyer = buyer_cart(), buyer_cart()
    await hold(pass_buyer, whole, 3)
    await hold(match_buyer, theatre.other, 3)
    return list(await asyncio.gather(order(pass_buyer), order(match_buyer), return_exceptions=True))


async def test_the_ledger_refuses_what_the_live_inventory_would_let_pass_also_in_a_race(theatre: Theatre) -> None:
    whole = await season_pass(theatre)
    await link(theatre, whole, theatre.performance, theatre.other)
    for seat_round in range(6):
        await break_links_in_the_live_inventory(whole)
        answers = await both_at_once(theatre, whole)
        refusals = [a.code for a in answers if isinstance(a, Problem)]
        assert refusals == ["seat_taken"], (seat_round, answers)
        async with connection() as ledger:
            await ledger.execute("UPDATE sales.ticket SET status = 'cancelled'")


async def test_without_the_ledger_s_check_both_would_have_been_sold(theatre: Theatre) -> None:
    """The negative control of the race above: it is the check that refuses, not luck."""
    whole = await season_pass(theatre)
    await link(theatre, whole, theatre.performance, theatre.other)
    await break_links_in_the_live_inventory(whole)
    async with connection() as ledger:
        await ledger.execute("ALTER TABLE sales.ticket DISABLE TRIGGER ticket_not_in_linked")
    answers = await both_at_once(theatre, whole)
    assert [type(a) for a in answers] == [Placed, Placed]


async def test_two_passes_that_share_a_match_exclude_each_other(theatre: Theatre) -> None:
    """One seat of the match cannot be owed to both."""
    whole = await season_pass(theatre)
    await link(theatre, whole, theatre.other)
    await link(theatre, theatre.performance, theatre.other)
    await buy(whole, 3)
    assert await state(theatre.performance, 3) == LINKED


async def test_matches_are_added_and_removed_later(theatre: Theatre) -> None:
    whole = await season_pass(theatre)
    await link(theatre, whole, theatre.performance)
    await buy(whole, 3)
    assert await state(theatre.other, 3) == FREE
    basket = buyer_cart()
    await hold(basket, theatre.other, 8)
    await link(theatre, whole, theatre.other)
    assert await state(theatre.other, 3) == LINKED
    assert [i.ordinal for i in (await view_cart(basket)).items] == [8], "holds of a group that stays are kept"
    links = await links_of_event(theatre.event, organizer=theatre.organizer)
    assert [each.match for each in links] == [theatre.performance, theatre.other]
    await unlink_performances(whole, theatre.performance, organizer=theatre.organizer, actor=BY, at=now())
    assert [await state(p, 3) for p in (theatre.performance, theatre.other)] == [FREE, LINKED]
    await buy(theatre.performance, 3)


async def test_performances_that_cannot_be_linked_are_refused_and_nothing_changes(theatre: Theatre) -> None:
    whole = await season_pass(theatre)
    for matches in ((theatre.standing,), (whole,), (theatre.other, theatre.standing)):
        with pytest.raises(Problem) as problem:
            await link(theatre, whole, *matches)
        assert problem.value.code == "different_plans"
    await buy(whole, 3, 4)
    await buy(theatre.other, 4)
    with pytest.raises(Problem) as problem:
        await link(theatre, whole, theatre.performance, theatre.other)
    assert problem.value.code == "seats_taken"
    assert problem.value.extras == {"seats": [4], "labels": ["Parterre > A > 5"]}
    assert await links_of_event(theatre.event, organizer=theatre.organizer) == ()
    assert await group_of_event(theatre.event) == f"e{theatre.event}"
    with pytest.raises(Problem) as problem:
        await link_performances(whole, (theatre.other,), organizer=theatre.organizer + 1, actor=BY, at=now())
    assert problem.value.code == "not_found"


async def shared_limit(theatre: Theatre, size: int) -> int:
    quota = Quota(event=theatre.event, name="Both events", size=size)
    await quota.save()
    forget_offers()
    await rebuild(f"e{theatre.event}", only_if_missing=False)
    await share_quota(int(quota.id), (theatre.standing_event,), organizer=theatre.organizer, actor=BY, at=now())
    return int(quota.id)


async def test_one_limit_counts_two_events_in_the_live_inventory_and_in_the_ledger(theatre: Theatre) -> None:
    await buy(theatre.performance, 0, 1)
    quota = await shared_limit(theatre, 5)
    await buy(theatre.standing, quantity=2)
    assert await refused(theatre.other, 4, 5) == "quota_exhausted"
    assert await refused(theatre.standing, quantity=2) == "quota_exhausted"
    (view,) = [q for q in await quotas_of(theatre.standing_event, organizer=theatre.organizer) if q.id == quota]
    assert (view.events, view.size) == ((theatre.event, theatre.standing_event), 5)
    group = await group_of_event(theatre.event)
    await rebuild(group, only_if_missing=False)
    greedy = buyer_cart()
    await inventory().set_limits(group, {f"q{quota}": 50})  # Redis is made to forget the limit
    await hold(greedy, theatre.standing, quantity=2)
    with pytest.raises(Problem) as problem:
        await order(greedy)
    assert (problem.value.code, problem.value.extras["left"]) == ("quota_exhausted", 1)


async def test_a_limit_is_changed_while_the_sale_goes_on(theatre: Theatre) -> None:
    """QUO-1. A smaller one than what is sold sells nothing more and takes nothing back."""
    quota = await shared_limit(theatre, 1)
    assert await refused(theatre.performance, 4, 5) == "quota_exhausted"
    await resize_quota(quota, 2, organizer=theatre.organizer, actor=BY, at=now())
    await buy(theatre.performance, 4, 5)
    await resize_quota(quota, 1, organizer=theatre.organizer, actor=BY, at=now())
    assert await refused(theatre.standing, quantity=1) == "sold_out"


async def test_a_limit_of_one_tariff_or_performance_cannot_count_others(theatre: Theatre) -> None:
    by_tariff = Quota(event=theatre.event, name="Narrow", size=5, tariff=theatre.full)
    by_performance = Quota(event=theatre.event, name="Narrow", size=5, performance=theatre.performance)
    for quota in (by_tariff, by_performance):
        await quota.save()
        with pytest.raises(Problem) as problem:
            await share_quota(int(quota.id), (theatre.standing_event,), organizer=theatre.organizer, actor=BY, at=now())
        assert problem.value.code == "not_shareable"


async def test_baskets_of_a_group_that_is_no_more_are_given_back_and_their_owners_told(theatre: Theatre) -> None:
    old = f"e{theatre.event}"
    await buy(theatre.performance, 0)
    basket, sitting = buyer_cart(), buyer_cart()
    await hold(basket, theatre.performance, 4)
    await hold(sitting, theatre.performance, 6)
    name = await join_inventory(
        [theatre.event, theatre.standing_event], organizer=theatre.organizer, actor=BY, at=now()
    )  # fmt: skip
    assert {await group_of_event(e) for e in (theatre.event, theatre.standing_event)} == {name}
    view = await view_cart(basket)
    assert (view.items, view.notice and view.notice.code) == ((), "regrouped")
    assert [await state(theatre.performance, s) for s in (0, 4)] == [SOLD, FREE]
    with pytest.raises(Problem) as problem:
        await order(sitting)
    assert problem.value.code == "hold_expired"
    await hold(basket, theatre.performance, 4)
    assert (await view_cart(basket)).notice is None
    with pytest.raises(GroupMissing):
        await inventory().pulse(old)
    assert old not in await inventory().groups()
    with pytest.raises(Problem):  # somebody with an offer of a second ago
        await rebuild(old)
    assert old not in await inventory().groups()


async def test_an_order_that_was_held_in_the_old_group_is_not_placed_in_it(theatre: Theatre) -> None:
    """The moment between the commit and the unloading: the hold is still there, its group is not the event's."""
    basket = buyer_cart()
    await hold(basket, theatre.performance, 4)
    async with connection() as ledger:
        await ledger.execute("UPDATE catalog.event SET inventory = 'jELSEWHERE' WHERE id = $1", theatre.event)
    forget_offers()
    with pytest.raises(Problem) as problem:
        await order(basket)
    assert problem.value.code == "hold_expired"
    async with connection() as ledger:
        assert await ledger.fetchval("SELECT count(*) FROM sales.ticket") == 0


async def test_a_basket_of_a_joined_group_still_holds_one_event(theatre: Theatre) -> None:
    await shared_limit(theatre, 5)
    basket = buyer_cart()
    await hold(basket, theatre.performance, 4)
    with pytest.raises(Problem) as problem:
        await hold(basket, theatre.standing, quantity=1)
    assert (problem.value.code, problem.value.params) == ("other_event", {"title": "The Play"})
    await release(basket)
    await hold(basket, theatre.standing, quantity=1)


async def test_an_event_that_shares_nothing_any_more_gets_its_own_group_again(theatre: Theatre) -> None:
    quota = await shared_limit(theatre, 5)
    await buy(theatre.standing, quantity=3)
    basket = buyer_cart()
    await hold(basket, theatre.performance, 4)
    arguments = {"organizer": theatre.organizer, "at": now(), "actor": BY}
    with pytest.raises(Problem) as problem:
        await part_inventory(theatre.standing_event, **arguments)  # type: ignore[arg-type]
    assert problem.value.code == "still_joined"
    await share_quota(quota, (), **arguments)  # type: ignore[arg-type]
    assert await part_inventory(theatre.standing_event, **arguments) == f"e{theatre.standing_event}"  # type: ignore[arg-type]
    assert [i.ordinal for i in (await view_cart(basket)).items] == [4]
    await buy(theatre.standing, quantity=5)
    await buy(theatre.other, 1, 2, 3)
    count, breaks = await journal.audit()
    assert (count > 5, breaks) == (True, [])


async def test_counters_sell_from_joined_groups_too(theatre: Theatre) -> None:
    await shared_limit(theatre, 5)
    cart = counter_cart(theatre.lea)
    await hold(cart, theatre.performance, 4)
    assert (await order(cart)).status == "paid"
    assert await reconcile(await group_of_event(theatre.event)) == ()


async def test_press_tickets_take_no_place_from_the_public_in_the_live_inventory_and_in_the_ledger(
    theatre: Theatre,
) -> None:
    """QUO-3."""
    async with connection() as ledger:
        press = await ledger.fetchval(
            'INSERT INTO catalog.tariff (event, name, counted) VALUES ($1, \'{"en": "Press"}\', false) RETURNING id',
            theatre.standing_event,
        )
        await ledger.execute("INSERT INTO catalog.price (tariff, category, amount_minor) VALUES ($1, '', 0)", press)
    forget_offers()
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=8, tariff=press), at=now())
    await order(cart)
    await buy(theatre.standing, quantity=10)
    await buy(theatre.standing, quantity=10)
    assert await refused(theatre.standing, quantity=1) == "sold_out"
    await rebuild(f"e{theatre.standing_event}", only_if_missing=False)
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=1, tariff=press), at=now())
    assert (await order(cart)).status == "paid"
    figures = await figures_of(theatre.standing_event, organizer=theatre.organizer)
    assert figures is not None
    assert [(p.capacity, p.sold, p.free) for p in figures.performances] == [(20, 20, 0)]
    assert sum(figures.sales_per_minute) == 20
