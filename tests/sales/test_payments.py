"""Paying an order by card, against a real bank over HTTP (PAY-1, PAY-7, PAY-10): every way the news can come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Performance, Quota
from app.core import journal
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.demo.bank import LATE, NEEDS_CONFIRMING, SUCCEEDS, TWICE
from app.sales.carts import Wish, add_to_cart
from app.sales.inventory import inventory, with_group
from app.sales.orders import Placed, place_order
from app.sales.payments import (
    abandon_payment,
    begin_payment,
    expire_order,
    look_up_payment,
    receive_notification,
    try_again,
)
from app.sales.queries import view_order
from app.sales.refunds import queue_refund
from app.settings import get_settings
from seating.store import FREE, PENDING, SOLD
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart
from tests.demo.bank_at_work import SECRET_KEY, WEBHOOK_SECRET, BankAtWork, bank_at_work, hidden
from tests.sales.banks import LATE_BY_S, late_money_arrives, nobody_listens
from tests.work import waiting, work_off

POOR = "4000000000009995"


@pytest.fixture
async def bank(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BankAtWork]:
    """The bank, and a box office that is its customer."""
    monkeypatch.setattr("app.sales.methods._stripe.RETRY_FIRST_S", 0.01)
    async with bank_at_work(late_s=LATE_BY_S) as bank:
        use_bank(monkeypatch, bank.url)
        yield bank


def use_bank(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PLACEUR_CARD_API_URL", url)
    monkeypatch.setenv("PLACEUR_CARD_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PLACEUR_CARD_WEBHOOK_SECRET", WEBHOOK_SECRET)
    get_settings.cache_clear()


@dataclass
class Buying:
    """Somebody before the bank's page, with an order that waits."""

    theatre: Theatre
    bank: BankAtWork
    placed: Placed
    payment: int
    page: str

    async def pay(self, card: str = SUCCEEDS) -> None:
        async with self.bank.browser() as buyer:
            answer = await buyer.press_pay(self.page, card)
            if card == NEEDS_CONFIRMING:
                await buyer.answer(answer.headers["location"], "approve")

    async def hear(self, count: int = 1) -> list[str]:
        """Every notification the bank has sent by now, at least `count`, each delivered to us; what we decided."""
        await self.bank.ear.until(count)
        return [await receive_notification("card", h, body, at=now()) for h, body in self.bank.ear.heard]

    async def again(self) -> None:
        self.payment = await try_again(self.placed.id, "card", at=now())
        self.page = await begin_payment(self.payment) or ""

    async def forget_page(self) -> None:
        """As if the bank's answer to our first call had been lost: we do not know what it calls this payment."""
        async with connection() as ledger:
            await ledger.execute("UPDATE sales.payment SET reference = NULL WHERE id = $1", self.payment)

    async def status(self) -> tuple[str, str, list[str]]:
        """Of the order, of the attempt, of the tickets."""
        async with connection() as reader:
            order = await reader.fetchval("SELECT status FROM sales.sale WHERE id = $1", self.placed.id)
            payment = await reader.fetchval("SELECT status FROM sales.payment WHERE id = $1", self.payment)
            tickets = await reader.fetch('SELECT status FROM sales.ticket WHERE "order" = $1', self.placed.id)
        return order, payment, [row["status"] for row in tickets]

    async def seats(self, *ordinals: int) -> list[int]:
        group, performance = self.theatre.group, self.theatre.performance
        seen = await with_group(group, lambda: inventory().snapshot(group, performance))
        return [seen.states[ordinal] for ordinal in ordinals]

    async def refunds(self) -> list[tuple[int, str, str]]:
        async with connection() as reader:
            rows = await reader.fetch("SELECT amount_minor, reason, status FROM sales.refund ORDER BY id")
        return [tuple(row) for row in rows]

    async def sent_back(self) -> int:
        """What the bank says that it gave back, in minor units."""
        import httpx

        async with connection() as reader:
            charge = await reader.fetchval("SELECT charge_reference FROM sales.payment WHERE id = $1", self.payment)
        async with httpx.AsyncClient(auth=(SECRET_KEY, ""), trust_env=False, timeout=60) as shop:
            answer = await shop.get(f"{self.bank.url}/v1/refunds", params={"payment_intent": charge})
        return sum(refund["amount"] for refund in answer.json()["data"])


async def at_the_bank(theatre: Theatre, bank: BankAtWork, *seats: int) -> Buying:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats or (0, 1)), at=now())
    placed = await place_order(cart, ALICE, method="card", expected_total_minor=None, at=now())
    assert placed.payment is not None
    page = await begin_payment(placed.payment)
    assert page is not None
    return Buying(theatre, bank, placed, placed.payment, page)


async def lines(action: str) -> int:
    async with connection() as reader:
        return int(await reader.fetchval("SELECT count(*) FROM core.journal_line WHERE action = $1", action))


# -- success ----------------------------------------------------------------------------------------------------------


async def test_a_notification_completes_the_order_once_however_often_it_comes(
    theatre: Theatre, bank: BankAtWork
) -> None:
    buying = await at_the_bank(theatre, bank)
    assert await buying.seats(0, 1) == [PENDING, PENDING]
    await buying.pay(TWICE)
    decisions = await buying.hear(2)
    assert decisions == ["complete", *["nothing"] * (len(decisions) - 1)]
    assert await buying.hear(2) == ["nothing"] * len(bank.ear.heard)
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])
    assert await buying.seats(0, 1) == [SOLD, SOLD]
    assert await waiting("send_confirmation") == [{"order": buying.placed.id}]
    assert (await lines("order_paid"), await buying.refunds()) == (1, [])
    assert await journal.audit() == (2, [])


async def test_a_lost_notification_is_made_good_by_looking_up(theatre: Theatre, bank: BankAtWork) -> None:
    """The job that `begin_payment` queued asks; the notification that comes in the end changes nothing."""
    buying = await at_the_bank(theatre, bank)
    await buying.pay(NEEDS_CONFIRMING)
    assert await work_off("look_up_payment") == 1
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])
    assert set(await buying.hear()) == {"nothing"}
    assert await waiting("look_up_payment") == []


async def test_while_the_order_waits_it_is_looked_up_again_and_again(theatre: Theatre, bank: BankAtWork) -> None:
    buying = await at_the_bank(theatre, bank)
    for _ in range(3):
        assert await work_off("look_up_payment") == 1
    assert await waiting("look_up_payment") == [{"payment": buying.payment}]
    assert (await buying.status())[:2] == ("pending", "pending")


async def test_a_payment_that_arrives_late_keeps_its_seats_until_it_is_there(
    theatre: Theatre, bank: BankAtWork
) -> None:
    """The deadline passes while the money is on its way: the page cannot be closed, so the seats are not given up."""
    buying = await at_the_bank(theatre, bank)
    await buying.pay(LATE)
    assert await expire_order(buying.placed.id) is False
    assert (await buying.status())[:2] == ("pending", "pending")
    await late_money_arrives(bank)
    assert "complete" in await buying.hear()
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])


async def test_the_notification_and_the_buyer_s_return_at_once_are_one_payment(
    theatre: Theatre, bank: BankAtWork
) -> None:
    buying = await at_the_bank(theatre, bank)
    await buying.pay()
    await bank.ear.until(1)
    decisions = await asyncio.gather(
        buying.hear(), *(look_up_payment(buying.payment) for _ in range(4)), expire_order(buying.placed.id)
    )
    flat = [*decisions[0], *decisions[1:5]]  # type: ignore[misc]  # one list and four words
    assert flat.count("complete") <= 1  # the expiry may have been the one that found it paid
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])
    assert await lines("order_paid") == 1


# -- refusal, abandonment ---------------------------------------------------------------------------------------------


async def test_a_refusal_keeps_the_bank_s_reason_and_another_card_pays_on_the_same_page(
    theatre: Theatre, bank: BankAtWork
) -> None:
    """PAY-10."""
    buying = await at_the_bank(theatre, bank)
    await buying.pay(POOR)
    await buying.hear()
    async with connection() as reader:
        kept = await reader.fetchrow(
            "SELECT status, reason_code, reason_text FROM sales.payment WHERE id = $1", buying.payment
        )
    assert tuple(kept) == ("pending", "insufficient_funds", "The account of this card does not hold enough money.")
    shown = await view_order(buying.placed.id, at=now())
    assert shown.payment is not None
    assert shown.payment.reason == "There is not enough money on this card's account. Please use another card."
    for _ in range(3):
        assert await look_up_payment(buying.payment) == "note_refusal"
    assert await lines("payment_refused") == 1
    await buying.pay()
    assert await look_up_payment(buying.payment) == "complete"
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])


async def test_whoever_comes_back_without_paying_may_try_again(theatre: Theatre, bank: BankAtWork) -> None:
    buying = await at_the_bank(theatre, bank)
    first, first_page = buying.payment, buying.page
    await abandon_payment(first)
    assert await buying.status() == ("pending", "abandoned", ["pending", "pending"])
    async with bank.browser() as buyer:
        assert "This page is closed" in (await buyer.client.get(first_page)).text
    await buying.again()
    assert buying.payment != first
    again = await try_again(buying.placed.id, "card", at=now())
    assert again == buying.payment  # an attempt that waits is used before another one is made
    await buying.pay()
    assert "complete" in await buying.hear(2)
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])


async def test_nobody_pays_what_is_closed_or_in_a_way_that_is_not_theirs(theatre: Theatre, bank: BankAtWork) -> None:
    buying = await at_the_bank(theatre, bank)
    for method in ("cash", "terminal", "free", "nonsense"):
        with pytest.raises(Problem) as refused:
            await try_again(buying.placed.id, method, at=now())
        assert refused.value.code == "unknown_method"
    with pytest.raises(Problem) as refused:
        await try_again(buying.placed.id, "card", at=now() + timedelta(days=1))
    assert refused.value.code == "order_closed"
    assert await expire_order(buying.placed.id)
    with pytest.raises(Problem) as refused:
        await begin_payment(buying.payment)
    assert refused.value.code == "order_closed"


# -- the bank is away, or says no -------------------------------------------------------------------------------------


async def test_a_bank_that_is_away_is_told_kindly_and_the_same_order_is_paid_afterwards(
    theatre: Theatre, bank: BankAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(4,)), at=now())
    placed = await place_order(cart, ALICE, method="card", expected_total_minor=4000, at=now())
    assert placed.payment is not None
    with nobody_listens() as nowhere:
        use_bank(monkeypatch, nowhere)
        with pytest.raises(Problem) as problem:
            await begin_payment(placed.payment)
        assert (problem.value.code, problem.value.kind.status) == ("provider_unavailable", 503)
        await JOB_expire(placed.id)
    use_bank(monkeypatch, bank.url)
    page = await begin_payment(placed.payment)
    assert page is not None
    buying = Buying(theatre, bank, placed, placed.payment, page)
    await buying.pay()
    assert "complete" in await buying.hear()


async def JOB_expire(order: int) -> None:
    """With no page known, there is nothing to close: this only proves that the job outlives a bank that is away."""
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.payment SET reference = 'cs_known' WHERE \"order\" = $1", order)
    assert await work_off("expire_order") == 1
    assert await waiting("expire_order") == [{"order": order}]
    async with connection() as ledger:
        await ledger.execute('UPDATE sales.payment SET reference = NULL WHERE "order" = $1', order)


async def test_an_attempt_that_the_bank_refuses_to_begin_frees_the_next_one(
    theatre: Theatre, bank: BankAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(4,)), at=now())
    placed = await place_order(cart, ALICE, method="card", expected_total_minor=4000, at=now())
    assert placed.payment is not None
    monkeypatch.setenv("PLACEUR_CARD_SECRET_KEY", "sk_test_mistyped")
    get_settings.cache_clear()
    with pytest.raises(Problem) as problem:
        await begin_payment(placed.payment)
    assert problem.value.code == "provider_refused"
    again = await place_order(cart, ALICE, method="card", expected_total_minor=4000, at=now())
    assert (again.code, again.payment) == (placed.code, None)  # a second click is led to the order's page
    use_bank(monkeypatch, bank.url)
    second = await try_again(placed.id, "card", at=now())
    assert second != placed.payment
    assert await begin_payment(second)


async def test_seats_do_not_wait_for_ever_for_a_page_that_the_bank_does_not_know(
    theatre: Theatre, bank: BankAtWork
) -> None:
    buying = await at_the_bank(theatre, bank)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.payment SET reference = 'cs_of_another_account'")
    assert await expire_order(buying.placed.id)
    assert await buying.seats(0, 1) == [FREE, FREE]


# -- expiry -----------------------------------------------------------------------------------------------------------


async def test_the_bank_s_page_is_closed_before_the_seats_are_given_back(theatre: Theatre, bank: BankAtWork) -> None:
    buying = await at_the_bank(theatre, bank)
    async with bank.browser() as buyer:
        attempt = hidden(await buyer.client.get(buying.page), "attempt")
        assert await work_off("expire_order") == 1
        answer = await buyer.press_pay(buying.page, SUCCEEDS, attempt=attempt)
        assert "This page is closed" in (await buyer.client.get(answer.headers["location"])).text
    assert await buying.status() == ("expired", "expired", ["cancelled", "cancelled"])
    assert await buying.seats(0, 1) == [FREE, FREE]
    assert (await waiting("expire_order"), await lines("order_expired")) == ([], 1)


async def test_a_deadline_that_comes_after_the_money_completes_the_order(theatre: Theatre, bank: BankAtWork) -> None:
    """The notification is lost, nobody came back: closing the page is what finds out."""
    buying = await at_the_bank(theatre, bank)
    await buying.pay()
    assert await expire_order(buying.placed.id)
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])
    assert await buying.seats(0, 1) == [SOLD, SOLD]


async def paid_too_late(theatre: Theatre, bank: BankAtWork) -> Buying:
    """Paid at the bank after its order had expired: we had never learnt of the page, so it was not closed."""
    buying = await at_the_bank(theatre, bank)
    await buying.forget_page()
    assert await expire_order(buying.placed.id)
    await buying.pay()
    await bank.ear.until(1)
    return buying


async def test_paid_after_expiry_with_the_seats_still_free_is_the_same_order_again(
    theatre: Theatre, bank: BankAtWork
) -> None:
    buying = await paid_too_late(theatre, bank)
    async with connection() as reader:
        before = [r["number"] for r in await reader.fetch("SELECT number FROM sales.ticket ORDER BY id")]
    decisions = await buying.hear()
    assert decisions == ["complete", *["nothing"] * (len(decisions) - 1)]
    async with connection() as reader:
        after = [r["number"] for r in await reader.fetch("SELECT number FROM sales.ticket ORDER BY id")]
    assert after == before
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])
    assert await buying.seats(0, 1) == [SOLD, SOLD]
    assert await waiting("send_confirmation") == [{"order": buying.placed.id}]
    assert await buying.refunds() == []
    assert (await buying.hear())[0] == "nothing"


async def test_two_messengers_of_one_late_payment_revive_it_together(theatre: Theatre, bank: BankAtWork) -> None:
    """The buyer's return and the notification meet: one must not refund what the other revives."""
    buying = await paid_too_late(theatre, bank)
    await receive_notification("card", *bank.ear.heard[0], at=now() - timedelta(seconds=1))
    first = await buying.status()
    other = await at_the_bank(theatre, bank, 5)
    await other.forget_page()
    assert await expire_order(other.placed.id)
    await other.pay()
    await bank.ear.until(2)
    async with connection() as ledger:
        session = other.page.rsplit("/", 1)[1]
        await ledger.execute("UPDATE sales.payment SET reference = $2 WHERE id = $1", other.payment, session)
    decisions = await asyncio.gather(*(look_up_payment(other.payment) for _ in range(4)), other.hear(2))
    assert [*decisions[:4], *decisions[4]].count("complete") == 1
    assert await other.status() == ("paid", "paid", ["sold"])
    assert await other.seats(5) == [SOLD]
    assert (first[0], await other.refunds()) == ("paid", [])


async def test_paid_after_expiry_with_a_seat_gone_is_given_back_and_told(theatre: Theatre, bank: BankAtWork) -> None:
    buying = await paid_too_late(theatre, bank)
    quicker = counter_cart(theatre.lea)
    await add_to_cart(quicker, Wish(performance=theatre.performance, seats=(1,)), at=now())
    await place_order(quicker, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
    decisions = await buying.hear()
    assert decisions == ["refund", *["nothing"] * (len(decisions) - 1)]
    assert await buying.status() == ("expired", "paid", ["cancelled", "cancelled"])
    assert await buying.seats(0, 1) == [FREE, SOLD]  # the other seat is not kept for nobody
    assert await buying.refunds() == [(8000, "seats_gone", "queued")]
    assert await work_off("send_refund") == 1
    assert await buying.sent_back() == 8000
    assert await waiting("send_refund_notice") == [
        {"order": buying.placed.id, "amount_minor": 8000, "because": "seats_gone"}
    ]
    assert (await buying.status())[1] == "refunded"


@pytest.mark.parametrize("gone", ["cancelled", "limited", "sold in the ledger only"])
async def test_paid_after_expiry_is_given_back_when_the_ledger_says_no(
    theatre: Theatre, bank: BankAtWork, gone: str
) -> None:
    """A cancelled performance, a limit reached meanwhile, a seat that the live map wrongly has on offer."""
    buying = await paid_too_late(theatre, bank)
    if gone == "cancelled":
        await Performance.update({Performance.cancelled_at: now()}).where(Performance.id == theatre.performance)
    elif gone == "limited":
        await Quota(event=theatre.event, performance=theatre.performance, name="Fire brigade", size=1).save()
    else:
        quicker = counter_cart(theatre.lea)
        await add_to_cart(quicker, Wish(performance=theatre.performance, seats=(1,)), at=now())
        sold = await place_order(quicker, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
        await inventory().give_back(theatre.group, sold.code)
    forget_offers()
    assert (await buying.hear())[0] == "refund"
    assert await buying.refunds() == [(8000, "seats_gone", "queued")]
    assert (await buying.status())[0] == "expired"


async def test_a_revival_that_dies_half_way_is_done_by_the_next_delivery(
    theatre: Theatre, bank: BankAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the notification may be remembered before its work is done, or the money would be forgotten."""
    buying = await paid_too_late(theatre, bank)

    async def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("the power is cut here")

    with monkeypatch.context() as cut:
        cut.setattr("app.sales.payments.complete_order", die)
        with pytest.raises(RuntimeError, match="power"):
            await buying.hear()
    assert (await buying.status())[0] == "expired"
    assert "complete" in await buying.hear()
    assert await buying.status() == ("paid", "paid", ["sold", "sold"])


# -- money that no order wants ----------------------------------------------------------------------------------------


async def test_paid_twice_goes_back_once(theatre: Theatre, bank: BankAtWork) -> None:
    """Two pages of one order, both paid: the second payment buys nothing."""
    buying = await at_the_bank(theatre, bank)
    first, first_page = buying.payment, buying.page
    async with connection() as ledger:  # it is over for us, though the bank's page is still open
        await ledger.execute("UPDATE sales.payment SET status = 'abandoned' WHERE id = $1", first)
    await buying.again()
    await buying.pay()
    assert await look_up_payment(buying.payment) == "complete"
    buying.payment, buying.page = first, first_page
    await buying.pay()
    await bank.ear.until(2)
    assert sorted(await buying.hear(2))[-1] == "refund"
    assert sorted(set(await buying.hear(2))) == ["nothing"]
    assert await buying.refunds() == [(8000, "paid_twice", "queued")]
    assert (await work_off("send_refund"), await work_off("send_refund")) == (1, 0)
    assert await buying.sent_back() == 8000
    assert await buying.refunds() == [(8000, "paid_twice", "sent")]
    assert await buying.status() == ("paid", "refunded", ["sold", "sold"])


@pytest.mark.parametrize("asked_minor", [1_000, 9_000])
async def test_another_amount_than_was_asked_buys_nothing_and_goes_back_whole(
    theatre: Theatre, bank: BankAtWork, asked_minor: int
) -> None:
    """Also when more came in than we asked for: what counts is what the bank took."""
    buying = await at_the_bank(theatre, bank)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.payment SET amount_minor = $1", asked_minor)
    await buying.pay()
    assert "refund" in await buying.hear()
    assert await buying.status() == ("pending", "paid", ["pending", "pending"])
    assert await buying.refunds() == [(8000, "wrong_amount", "queued")]
    async with connection() as reader:
        taken = await reader.fetchrow("SELECT amount_minor, charged_minor, charged_currency FROM sales.payment")
    assert tuple(taken) == (asked_minor, 8000, "EUR")
    await work_off("send_refund")
    assert await buying.sent_back() == 8000


async def test_a_refund_that_the_bank_refuses_is_written_down_and_not_asked_for_ever(
    theatre: Theatre, bank: BankAtWork
) -> None:
    buying = await at_the_bank(theatre, bank)
    await buying.pay()
    await buying.hear()
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.payment SET charge_reference = 'pi_unknown'")
    async with transaction() as ledger:
        row = await ledger.fetchrow("SELECT * FROM sales.payment")
        await queue_refund(ledger, row, 8000, "paid_twice", at=now())
    await work_off("send_refund")
    assert await buying.refunds() == [(8000, "paid_twice", "refused")]
    assert (await lines("refund_refused"), await waiting("send_refund_notice")) == (1, [])


@pytest.mark.parametrize("wrong", ["forged", "stale", "unsigned", "cut", "nonsense"])
async def test_a_notification_that_is_not_the_bank_s_is_refused(theatre: Theatre, bank: BankAtWork, wrong: str) -> None:
    buying = await at_the_bank(theatre, bank)
    await buying.pay()
    await bank.ear.until(1)
    headers, body = bank.ear.heard[0]
    at = now()
    if wrong == "forged":
        body = body.replace(b"8000", b"8001")
    elif wrong == "stale":
        at += timedelta(minutes=10)
    elif wrong == "unsigned":
        headers = {k: v for k, v in headers.items() if k.lower() != "stripe-signature"}
    elif wrong == "cut":
        body = body[:-10]
    else:
        headers = {"stripe-signature": "t=x,v1=", "content-type": "application/json"}
    with pytest.raises(Problem) as refused:
        await receive_notification("card", headers, body, at=at)
    assert (refused.value.code, refused.value.kind.status) == ("bad_notification", 400)
    assert (await buying.status())[:2] == ("pending", "pending")


async def test_another_system_on_the_same_account_cannot_pay_our_order(theatre: Theatre, bank: BankAtWork) -> None:
    """It numbers its payments like we do, and its page says the same number: it is not ours by that alone."""
    ours = await at_the_bank(theatre, bank, 0, 1)
    theirs = await at_the_bank(theatre, bank, 2, 3)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.payment SET reference = 'cs_ours' WHERE id = $1", ours.payment)
        await ledger.execute("DELETE FROM sales.payment WHERE id = $1", theirs.payment)
        await ledger.execute("UPDATE sales.payment SET id = $2 WHERE id = $1", ours.payment, theirs.payment)
    ours.payment = theirs.payment
    await theirs.pay()
    assert set(await theirs.hear()) == {"nothing"}
    assert (await ours.status())[:2] == ("pending", "pending")


# -- never more back than came in -------------------------------------------------------------------------------------


async def ten_refunds_at_once(theatre: Theatre, bank: BankAtWork) -> tuple[int, list[BaseException]]:
    """Each of a quarter of what was paid; returns how much was queued, and what went wrong."""
    buying = await at_the_bank(theatre, bank)
    await buying.pay()
    await buying.hear()

    async def refund() -> None:
        async with transaction() as ledger:
            row = await ledger.fetchrow("SELECT * FROM sales.payment WHERE id = $1", buying.payment)
            await queue_refund(ledger, row, 2_000, "paid_twice", at=now())

    answers = await asyncio.gather(*(refund() for _ in range(10)), return_exceptions=True)
    return sum(amount for amount, _, _ in await buying.refunds()), [a for a in answers if a is not None]


@pytest.mark.race
async def test_refunds_at_once_never_exceed_what_was_paid(theatre: Theatre, bank: BankAtWork) -> None:
    """PAY-7: the last word is the database's."""
    queued_minor, errors = await ten_refunds_at_once(theatre, bank)
    assert queued_minor == 8_000
    assert len(errors) == 6
    assert all(isinstance(error, asyncpg.RaiseError) and "would exceed" in str(error) for error in errors)
    assert len(await waiting("send_refund")) == 4


@pytest.mark.race
async def test_without_the_trigger_the_same_harness_sees_too_much_go_back(theatre: Theatre, bank: BankAtWork) -> None:
    """Negative control of the test above."""
    async with connection() as ledger:
        await ledger.execute("DROP TRIGGER refund_within_payment ON sales.refund")
    assert await ten_refunds_at_once(theatre, bank) == (20_000, [])
