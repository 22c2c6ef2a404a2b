"""Waves on a real ledger and a real inventory: who is told when places appear, and who is not (WTL-2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest

from app.audience.entries import EntryWish, join, leave
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.sales import waitlist_watch
from app.sales.allotments import AllotmentWish, make_allotment, release_allotment
from app.sales.carts import Wish, add_to_cart, release
from app.sales.groups import resize_quota
from app.sales.methods._contract import Outcome
from app.sales.orders import Buyer
from app.sales.payments import settle
from app.sales.waitlist import look, notify
from app.sales.waitlist_watch import watch_waitlists
from tests.audience.waiting import buy, entries, free_places, give_up, open_list, sell_out, states
from tests.cast import Theatre, buyer_cart
from tests.work import waiting, work_off


async def waits(theatre: Theatre, name: str, count: int = 1, *, seated: bool = False, any_date: bool = False) -> int:
    """`name`@example.org on the list of the standing performance (else of the seated one); its entry."""
    async with transaction() as ledger:
        joined = await join(
            ledger,
            EntryWish(
                event=theatre.event if seated else theatre.standing_event,
                performance=None if any_date else theatre.performance if seated else theatre.standing,
                tariff=None, name=name.title(), email=f"{name}@example.org", count=count, visitor=f"ref-{name}",
            ),
            at=now(),
        )  # fmt: skip
    return joined.id


async def told(theatre: Theatre) -> list[tuple[str, int]]:
    """Whoever a look tells now, with how many places; in the order of the list."""
    wave = await look(theatre.standing_event, at=now())
    names = {row["id"]: row["name"] for row in await entries()}
    return [(names[each.entry], each.count) for each in wave.offered]


async def test_as_many_are_told_as_there_are_places(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    for name in ("dora", "emil", "fay"):
        await waits(theatre, name)
    assert await told(theatre) == []
    await free_places(theatre, 2)
    assert await told(theatre) == [("Dora", 1), ("Emil", 1)]
    assert await told(theatre) == []  # what is offered is not offered again
    assert await states() == {
        "dora@example.org": "offered", "emil@example.org": "offered", "fay@example.org": "waiting",
    }  # fmt: skip
    # Each is mailed, and told on the open page, by jobs of the same transaction.
    for name in ("mail_waitlist_offer", "notify_waitlist_offer"):
        assert [job["number"] for job in await waiting(name)] == [1, 1]


async def test_after_the_delay_the_next_ones_are_told_as_long_as_there_are_places(theatre: Theatre) -> None:
    await open_list(theatre, delay_minutes=5)
    await sell_out(theatre)
    for name in ("dora", "emil"):
        await waits(theatre, name, 2)
    await free_places(theatre, 2)
    began = now()
    assert [each.count for each in (await look(theatre.standing_event, at=began)).offered] == [2]
    early, late = began + timedelta(minutes=4), began + timedelta(minutes=5)
    assert (await look(theatre.standing_event, at=early)).offered == ()
    wave = await look(theatre.standing_event, at=late)
    assert [each.count for each in wave.offered] == [2]
    assert await states() == {"dora@example.org": "lapsed", "emil@example.org": "offered"}


async def test_whoever_let_it_lapse_is_told_again_of_new_places_only(theatre: Theatre) -> None:
    await open_list(theatre, delay_minutes=5)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await free_places(theatre, 1)
    assert await told(theatre) == [("Dora", 1)]
    later = now() + timedelta(minutes=6)
    for _ in range(2):
        # The same place, all along.
        assert (await look(theatre.standing_event, at=later)).offered == ()
    await buy(theatre)  # gone
    assert (await look(theatre.standing_event, at=now())).gone != ()
    await free_places(theatre, 1)
    assert len((await look(theatre.standing_event, at=now())).offered) == 1


async def test_whoever_has_bought_waits_no_longer(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await waits(theatre, "emil")
    await free_places(theatre, 1)
    assert await told(theatre) == [("Dora", 1)]
    await buy(theatre, Buyer("D.", "Dora@example.org"))
    assert await told(theatre) == []
    assert await states() == {"dora@example.org": "served", "emil@example.org": "waiting"}
    await waits(theatre, "dora")  # who has bought may wait for more
    assert [row["state"] for row in await entries()] == ["served", "waiting", "waiting"]


async def test_a_purchase_makes_a_look_with_its_commit_for_whoever_waited(theatre: Theatre) -> None:
    """Paid at once or later; nobody looks for those who do not wait, or who have not paid."""
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await free_places(theatre, 3)
    assert await told(theatre) == [("Dora", 1)]
    await buy(theatre)
    placed = await buy(theatre, Buyer("Dora", "Dora@example.org"), settled=False)
    assert await waiting("look_at_waitlist") == []
    assert placed.payment is not None
    outcome = Outcome(status="paid", final=True, amount_minor=placed.total_minor, currency=placed.currency)
    await settle(placed.payment, outcome, actor="test")
    assert await waiting("look_at_waitlist") == [{"event": theatre.standing_event}]
    await work_off("look_at_waitlist")
    assert await states() == {"dora@example.org": "served"}
    await waits(theatre, "emil")
    await buy(theatre, Buyer("Emil", "emil@example.org"))
    assert await work_off("look_at_waitlist") == 1
    assert (await states())["emil@example.org"] == "served"


async def test_an_unpaid_order_serves_nobody_and_another_event_neither(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await free_places(theatre, 1)
    assert await told(theatre) == [("Dora", 1)]
    placed = await buy(theatre, Buyer("Dora", "dora@example.org"), settled=False)
    assert await told(theatre) == []
    assert (await states())["dora@example.org"] == "offered"
    await give_up(theatre, placed)
    await told(theatre)
    assert (await states())["dora@example.org"] == "offered"


async def test_fewer_places_than_wanted_are_offered_and_nobody_behind_passes(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora", 4)
    await waits(theatre, "emil", 1)
    await free_places(theatre, 2)
    assert await told(theatre) == [("Dora", 2)]
    (row, _) = await entries()
    assert (row["places"], row["offered_count"]) == (4, 2)


async def test_whoever_waits_for_any_date_is_told_of_one(theatre: Theatre) -> None:
    """Both evenings of the seated event are full; a place comes free on the second."""
    await open_list(theatre, theatre.event)
    kept = [
        await make_allotment(
            AllotmentWish(performance=id, name="All", seats=tuple(range(30))),
            organizer=theatre.organizer, actor="test", at=now(),
        )
        for id in (theatre.performance, theatre.other)
    ]  # fmt: skip
    await waits(theatre, "dora", 2, seated=True)
    await waits(theatre, "emil", 2, seated=True, any_date=True)
    assert (await look(theatre.event, at=now())).offered == ()
    await release_allotment(kept[1].id, organizer=theatre.organizer, actor="test", at=now(), seats=(3, 4, 5))
    (made,) = (await look(theatre.event, at=now())).offered
    assert (made.performance, made.count) == (theatre.other, 2)
    assert await states() == {"dora@example.org": "waiting", "emil@example.org": "offered"}


async def test_a_place_in_a_basket_is_offered_to_nobody_until_it_lapses(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre, left=1)
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=1), at=now())
    await waits(theatre, "dora")
    assert await told(theatre) == []
    await release(cart)
    assert await told(theatre) == [("Dora", 1)]


async def test_where_it_is_not_automatic_nobody_is_told_but_by_hand(theatre: Theatre) -> None:
    await open_list(theatre, automatic=False)
    await sell_out(theatre)
    dora, emil = await waits(theatre, "dora"), await waits(theatre, "emil", 3)
    await free_places(theatre, 2)
    assert await told(theatre) == []
    assert await notify([emil], organizer=theatre.organizer, actor="account:1", at=now()) == 1
    assert await states() == {"dora@example.org": "waiting", "emil@example.org": "offered"}
    assert (await entries())[1]["offered_count"] == 2
    assert await notify([dora, emil], organizer=theatre.organizer, actor="account:1", at=now()) == 2
    async with connection() as reader:
        lines = await reader.fetch(
            "SELECT action, body FROM core.journal_line WHERE action LIKE 'waitlist%' ORDER BY sequence"
        )
    (_, changed), *told_by_hand = [(line["action"], json.loads(line["body"])) for line in lines]
    assert (changed["before"]["waitlist"], changed["after"]["automatic"]) == ("off", False)
    assert told_by_hand == [
        ("waitlist_told", {"entries": [emil]}),
        ("waitlist_told", {"entries": sorted([dora, emil])}),
    ]
    with pytest.raises(Problem, match="not_found"):
        await notify([dora, 999_999], organizer=theatre.organizer, actor="account:1", at=now())


async def test_a_list_that_is_closed_keeps_those_who_wait_and_tells_nobody(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await open_list(theatre, waitlist="off")
    await free_places(theatre, 1)
    assert await told(theatre) == []
    await open_list(theatre)
    assert await told(theatre) == [("Dora", 1)]


async def test_nobody_is_told_of_what_is_not_on_sale(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await free_places(theatre, 1)
    after_the_show = now() + timedelta(days=2)
    assert (await look(theatre.standing_event, at=after_the_show)).offered == ()
    assert len((await look(theatre.standing_event, at=now())).offered) == 1


async def test_places_that_come_free_make_a_look_with_their_commit(theatre: Theatre) -> None:
    """An order that is not paid, a limit that is raised, what was kept and is released: each in its own transaction."""
    await open_list(theatre)
    await sell_out(theatre, left=1)
    pending = await buy(theatre, settled=False)
    assert await waiting("look_at_waitlist") == []
    await give_up(theatre, pending)
    assert await waiting("look_at_waitlist") == []  # nobody waits: nothing to do
    again = await buy(theatre, settled=False)
    await waits(theatre, "dora")
    await give_up(theatre, again)
    job = {"event": theatre.standing_event}
    assert await waiting("look_at_waitlist") == [job]
    assert await work_off("look_at_waitlist") == 1
    assert await states() == {"dora@example.org": "offered"}
    async with connection() as reader:
        quota = await reader.fetchval("SELECT id FROM catalog.quota WHERE performance = $1", theatre.standing)
    await resize_quota(quota, 25, organizer=theatre.organizer, actor="test", at=now())
    await resize_quota(quota, 26, organizer=theatre.organizer, actor="test", at=now())
    assert await waiting("look_at_waitlist") == [job]  # one at a time
    await work_off("look_at_waitlist")
    kept = await make_allotment(
        AllotmentWish(performance=theatre.standing, name="Press", quantity=2),
        organizer=theatre.organizer, actor="test", at=now(),
    )  # fmt: skip
    await release_allotment(kept.id, organizer=theatre.organizer, actor="test", at=now())
    assert await waiting("look_at_waitlist") == [job]


async def test_a_worker_sees_what_nobody_announced(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waitlist_watch, "LOOK_EVERY_S", 0.05)
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    watcher = asyncio.create_task(watch_waitlists())
    await free_places(theatre, 1)
    async with asyncio.timeout(60):
        while await states() != {"dora@example.org": "offered"}:
            await asyncio.sleep(0.02)
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher


async def test_whoever_leaves_an_offer_makes_room_for_the_next(theatre: Theatre) -> None:
    await open_list(theatre)
    await sell_out(theatre)
    await waits(theatre, "dora")
    await waits(theatre, "emil")
    await free_places(theatre, 1)
    assert await told(theatre) == [("Dora", 1)]
    await leave((await entries())[0]["key"])
    assert await told(theatre) == [("Emil", 1)]
