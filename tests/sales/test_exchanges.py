"""A sold ticket gets another seat (SEA-9): same ticket, same price, same code; the buyer is mailed the new one."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Quota
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.sales import confirmations
from app.sales.allotments import AllotmentWish, list_allotments, make_allotment
from app.sales.cart_keys import present_key
from app.sales.carts import Wish, add_to_cart
from app.sales.exchanges import Exchanged, exchange_seat
from app.sales.groups import link_performances
from app.sales.inventory import inventory, rebuild, with_group
from app.sales.orders import place_order
from app.sales.payments import expire_order
from app.sales.reconciliation import reconcile
from app.sales.ticket_codes import code_of
from seating.store import ALLOTTED, FREE, HELD, LINKED, SOLD
from tests.cast import ALICE, SILVER_ROW_C, Theatre, buyer_cart
from tests.work import waiting


async def buy(theatre: Theatre, *seats: int, key: str = "", settled: bool = True) -> Any:
    cart = buyer_cart()
    if key:
        await present_key(cart, key, at=now())
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats), at=now())
    placed = await place_order(
        cart, ALICE, method="cash" if settled else "card", expected_total_minor=None, settled=settled, at=now()
    )
    async with connection() as reader:
        return await reader.fetchrow('SELECT * FROM sales.ticket WHERE "order" = $1 ORDER BY id', placed.id)


async def reseat(theatre: Theatre, number: str, to: int | str) -> Exchanged:
    return await exchange_seat(number, to, organizer=theatre.organizer, actor="account:1", at=now())


async def states(theatre: Theatre, *seats: int, performance: int | None = None) -> list[int]:
    id, group = performance or theatre.performance, await group_of(theatre)
    seen = await with_group(group, lambda: inventory().snapshot(group, id, owners=False))
    return [seen.states[seat] for seat in seats]


async def group_of(theatre: Theatre) -> str:
    async with connection() as reader:
        return str(
            await reader.fetchval(
                "SELECT coalesce(inventory, 'e' || id) FROM catalog.event WHERE id = $1", theatre.event
            )
        )


async def test_the_ticket_keeps_its_number_its_code_and_its_price_in_its_new_seat(theatre: Theatre) -> None:
    sold = await buy(theatre, 3)
    told = await reseat(theatre, f" {sold['number'].lower()} ", f"Balcon > C > {1 + 4}")
    assert (told.before, told.seat, told.ordinal) == ("Parterre · A · 4", "Balcon · C · 5", SILVER_ROW_C[4])
    assert await states(theatre, 3, SILVER_ROW_C[4]) == [FREE, SOLD]
    async with connection() as reader:
        ticket = await reader.fetchrow("SELECT * FROM sales.ticket WHERE id = $1", sold["id"])
        line = await reader.fetchrow("SELECT * FROM core.journal_line WHERE action = 'seat_exchanged'")
    assert (ticket["price_minor"], ticket["category"], ticket["seat"]) == (4000, "Silver", "Balcon > C > 5")
    assert code_of(ticket["number"], ticket["performance"]) == code_of(sold["number"], sold["performance"])
    body = msgspec.json.decode(line["body"])
    assert (line["subject"], line["actor"], body["before"], body["after"]) == (
        sold["number"], "account:1", "Parterre · A · 4", "Balcon · C · 5",
    )  # fmt: skip
    assert await waiting("send_seat_change") == [{"ticket": sold["id"], "ordinal": SILVER_ROW_C[4]}]
    await rebuild(theatre.group, only_if_missing=False)
    assert await states(theatre, 3, SILVER_ROW_C[4]) == [FREE, SOLD]
    assert await reconcile(theatre.group) == ()


async def test_the_buyer_is_mailed_the_last_seat_only(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    async def keep(message: Any, url: str) -> None:
        sent.append((message["Subject"], message["Message-ID"], message.get_body(("plain",)).get_content()))

    monkeypatch.setattr(confirmations, "send_message", keep)
    sold = await buy(theatre, 3)
    await reseat(theatre, sold["number"], 4)
    await reseat(theatre, sold["number"], 5)
    for ordinal in (4, 5):
        await confirmations.send_seat_change(sold["id"], ordinal)
    ((subject, id, text),) = sent
    assert subject.startswith("Your new seat for The Play")
    assert sold["number"] in id
    assert "Parterre · A · 6" in text


async def test_a_seat_that_is_sold_held_kept_or_nowhere_is_refused_and_nothing_changes(theatre: Theatre) -> None:
    sold, _ = await buy(theatre, 3), await buy(theatre, 4)
    await add_to_cart(buyer_cart(), Wish(performance=theatre.performance, seats=(5,)), at=now())
    wish = AllotmentWish(performance=theatre.performance, name="Presse", seats=(6,))
    await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    for to, code in (
        (4, "seat_taken"),
        (5, "seat_taken"),
        (6, "kept_seat"),
        (30, "unknown_seat"),
        ("Z", "unknown_seat"),
    ):
        with pytest.raises(Problem) as refused:
            await reseat(theatre, sold["number"], to)
        assert refused.value.code == code, to
    assert await states(theatre, 3, 4, 5, 6) == [SOLD, SOLD, HELD, ALLOTTED]
    async with connection() as reader:
        assert await reader.fetchval("SELECT ordinal FROM sales.ticket WHERE id = $1", sold["id"]) == 3
    for number, organizer in (("T0000000000", theatre.organizer), (sold["number"], theatre.organizer + 1)):
        with pytest.raises(Problem) as refused:
            await exchange_seat(number, 7, organizer=organizer, actor="account:1", at=now())
        assert refused.value.code == "not_found"


async def test_of_two_exchanges_into_one_seat_one_is_refused(theatre: Theatre) -> None:
    one, other = await buy(theatre, 3), await buy(theatre, 4)
    answers = await asyncio.gather(
        reseat(theatre, one["number"], 8), reseat(theatre, other["number"], 8), return_exceptions=True
    )
    assert [a.code for a in answers if isinstance(a, Problem)] == ["seat_taken"]
    assert sorted(await states(theatre, 3, 4)) == [FREE, SOLD]
    assert await states(theatre, 8) == [SOLD]


async def test_the_ledger_refuses_a_sold_seat_that_the_live_inventory_has_on_offer(theatre: Theatre) -> None:
    one, other = await buy(theatre, 3), await buy(theatre, 4)
    async with connection() as reader:
        code = await reader.fetchval("SELECT code FROM sales.sale WHERE id = $1", other["order"])
    await inventory().give_back(theatre.group, code)  # Redis is made to forget
    with pytest.raises(Problem) as refused:
        await reseat(theatre, one["number"], 4)
    assert refused.value.code == "seat_taken"
    # And the other way round: an order that Redis has forgotten is exchanged in the ledger, and told anew.
    await reseat(theatre, other["number"], 9)
    assert await states(theatre, 3, 4, 9) == [SOLD, FREE, SOLD]


async def test_the_category_s_limit_holds_for_an_exchange_too(theatre: Theatre) -> None:
    await Quota(event=theatre.event, category="Silver", name="Balcony", size=1).save()
    forget_offers()
    await rebuild(theatre.group, only_if_missing=False)
    one, other = await buy(theatre, 3), await buy(theatre, 4)
    await reseat(theatre, one["number"], SILVER_ROW_C[0])
    with pytest.raises(Problem) as refused:
        await reseat(theatre, other["number"], SILVER_ROW_C[1])
    assert refused.value.code in ("quota_exhausted", "sold_out")
    await reseat(theatre, one["number"], SILVER_ROW_C[2])


async def test_a_kept_seat_goes_back_to_the_school_and_a_linked_one_to_the_pass(theatre: Theatre) -> None:
    wish = AllotmentWish(performance=theatre.performance, name="École", seats=(3, 4))
    kept = await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    await link_performances(
        theatre.other, (theatre.performance,), organizer=theatre.organizer, actor="account:1", at=now()
    )
    sold = await buy(theatre, 3, key=kept.key)
    await reseat(theatre, sold["number"], 4)  # within what is kept
    assert await states(theatre, 3, 4) == [ALLOTTED, SOLD]
    await reseat(theatre, sold["number"], 8)
    assert await states(theatre, 3, 4, 8) == [ALLOTTED, ALLOTTED, SOLD]
    assert await states(theatre, 4, 8, 9, performance=theatre.other) == [LINKED, LINKED, FREE]  # kept, sold, neither
    assert [(a.left, a.sold) for a in await list_allotments(theatre.performance, organizer=theatre.organizer)] == [
        (2, 0)
    ]


async def test_what_is_not_paid_or_given_back_is_not_exchanged(theatre: Theatre) -> None:
    waiting_for_money = await buy(theatre, 3, settled=False)
    with pytest.raises(Problem) as refused:
        await reseat(theatre, waiting_for_money["number"], 4)
    assert refused.value.code == "not_found"
    await expire_order(waiting_for_money["order"])
    with pytest.raises(Problem):
        await reseat(theatre, waiting_for_money["number"], 4)
    assert await states(theatre, 4) == [FREE]
