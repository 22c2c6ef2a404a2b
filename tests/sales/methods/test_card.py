"""The card method against the bank, both over real HTTP (PAY-1, PAY-7, PAY-10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from app.demo.bank import LATE, NEEDS_CONFIRMING, SUCCEEDS, TWICE
from app.sales.methods._contract import BadNotification, Outcome, ProviderRefused, ProviderUnavailable
from app.sales.methods.card import METHOD
from tests.demo.bank_at_work import BankAtWork, bank_at_work, hidden, intent
from tests.sales.banks import LATE_BY_S, late_money_arrives, nobody_listens


@pytest.fixture
async def bank() -> AsyncIterator[BankAtWork]:
    async with bank_at_work() as bank:
        yield bank


async def pay(bank: BankAtWork, number: str = SUCCEEDS, key: str = "pay-1") -> Outcome:
    """The whole way of a buyer with one card; the state after it."""
    redirect = await METHOD.begin(intent(key), settings=bank.settings)
    async with bank.browser() as buyer:
        await buyer.press_pay(redirect.url, number)
    return await METHOD.look_up(redirect.reference, settings=bank.settings)


def told(bank: BankAtWork) -> list[Outcome]:
    return [news.outcome for news in bank.ear.news(bank.settings) if news.outcome]


async def test_a_card_pays_and_both_ways_of_knowing_agree(bank: BankAtWork) -> None:
    outcome = await pay(bank)
    assert (outcome.status, outcome.final, outcome.amount_minor, outcome.currency) == ("paid", True, 8_850, "EUR")
    await bank.ear.until(1)
    [news] = bank.ear.news(bank.settings)
    assert news.outcome == outcome
    assert (news.payment, news.reference) == ("17", outcome.reference)


async def test_a_page_nobody_has_touched_is_pending(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    outcome = await METHOD.look_up(redirect.reference, settings=bank.settings)
    assert (outcome.status, outcome.final) == ("pending", False)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000 0000 0000 9995", "insufficient_funds"),
        ("4000 0000 0000 0002", "generic_decline"),
        ("4000 0000 0000 0069", "expired_card"),
    ],
)
async def test_a_refusal_carries_the_banks_own_reason_and_leaves_the_page_open(
    bank: BankAtWork, number: str, reason: str
) -> None:
    """PAY-10."""
    outcome = await pay(bank, number)
    assert (outcome.status, outcome.final, outcome.reason_code) == ("refused", False, reason)
    assert outcome.reason_text.endswith(".")
    await bank.ear.until(1)
    assert [(each.status, each.final, each.reason_code) for each in told(bank)] == [("refused", False, reason)]


async def test_after_a_refusal_another_card_pays_on_the_same_page(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    async with bank.browser() as buyer:
        refused = await buyer.press_pay(redirect.url, "4000000000009995")
        assert refused.headers["location"] == redirect.url
        await buyer.press_pay(redirect.url, SUCCEEDS)
    assert (await METHOD.look_up(redirect.reference, settings=bank.settings)).status == "paid"


async def test_three_d_secure_approved_pays(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    async with bank.browser() as buyer:
        asked = await buyer.press_pay(redirect.url, NEEDS_CONFIRMING)
        assert (await METHOD.look_up(redirect.reference, settings=bank.settings)).status == "pending"
        back = await buyer.answer(asked.headers["location"], "approve")
    assert back.headers["location"] == f"https://theatre.example/orders/C7Q2M9XK4TD?session={redirect.reference}"
    assert (await METHOD.look_up(redirect.reference, settings=bank.settings)).status == "paid"


async def test_three_d_secure_refused_does_not(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    async with bank.browser() as buyer:
        asked = await buyer.press_pay(redirect.url, NEEDS_CONFIRMING)
        back = await buyer.answer(asked.headers["location"], "refuse")
        assert back.headers["location"] == redirect.url
    outcome = await METHOD.look_up(redirect.reference, settings=bank.settings)
    assert (outcome.status, outcome.reason_code) == ("refused", "payment_intent_authentication_failure")


async def test_the_same_key_twice_opens_one_page(bank: BankAtWork) -> None:
    asked = intent()
    first = await METHOD.begin(asked, settings=bank.settings)
    again = await METHOD.begin(asked, settings=bank.settings)
    other = await METHOD.begin(intent("pay-2"), settings=bank.settings)
    assert again == first
    assert other.reference != first.reference


async def test_the_same_key_at_the_same_moment_opens_one_page(bank: BankAtWork) -> None:
    asked = intent()
    pages = await asyncio.gather(*(METHOD.begin(asked, settings=bank.settings) for _ in range(5)))
    assert len({page.reference for page in pages}) == 1


async def test_the_same_key_for_another_amount_is_refused(bank: BankAtWork) -> None:
    await METHOD.begin(intent(), settings=bank.settings)
    with pytest.raises(ProviderRefused) as refusal:
        await METHOD.begin(intent(amount_minor=1_000), settings=bank.settings)
    assert refusal.value.code == "idempotency_error"


@dataclass
class BadLine:
    """Between the network and the bank: the bank does its work, but its first answers get lost or replaced."""

    bank: Any
    lose: int = 0
    replace_with: int = 0
    seen: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.bank(scope, receive, send)
            return
        self.seen.append(next(value.decode() for name, value in scope["headers"] if name == b"idempotency-key"))
        if len(self.seen) <= self.lose:

            async def into_the_void(message: Any) -> None:
                return

            await self.bank(scope, receive, into_the_void)
            if self.replace_with:
                await send({"type": "http.response.start", "status": self.replace_with, "headers": []})
                await send({"type": "http.response.body", "body": b"<h1>Bad gateway</h1>"})
                return
            raise ConnectionAbortedError("the answer is lost")  # the server drops the connection without a word
        await self.bank(scope, receive, send)


@pytest.mark.parametrize("instead", [0, 502])
async def test_an_answer_lost_on_the_way_is_asked_again_with_the_same_key(
    instead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PAY-10: retries never charge twice."""
    monkeypatch.setattr("app.sales.methods._stripe.RETRY_FIRST_S", 0.01)
    line = BadLine(None, lose=2, replace_with=instead)

    def between(app: Any) -> Any:
        line.bank = app
        return line

    async with bank_at_work(wrap=between) as bank:
        asked = intent()
        redirect = await METHOD.begin(asked, settings=bank.settings)
        assert line.seen == ["pay-1"] * 3
        assert await METHOD.begin(asked, settings=bank.settings) == redirect


async def test_a_bank_that_stays_silent_is_unavailable_and_may_be_asked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sales.methods._stripe.RETRY_FIRST_S", 0.01)
    line = BadLine(None, lose=3)

    def between(app: Any) -> Any:
        line.bank = app
        return line

    async with bank_at_work(wrap=between) as bank:
        asked = intent()
        with pytest.raises(ProviderUnavailable) as failure:
            await METHOD.begin(asked, settings=bank.settings)
        assert failure.value.sentence.endswith(".")
        assert (await METHOD.begin(asked, settings=bank.settings)).reference.startswith("cs_")
        assert set(line.seen) == {"pay-1"}


async def test_a_bank_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch, bank: BankAtWork) -> None:
    monkeypatch.setattr("app.sales.methods._stripe.RETRY_FIRST_S", 0.01)
    with nobody_listens() as address, pytest.raises(ProviderUnavailable):
        await METHOD.look_up("cs_1", settings=msgspec.structs.replace(bank.settings, base_url=address))


async def test_a_wrong_key_is_a_refusal_that_says_whose_fault_it_is(bank: BankAtWork) -> None:
    stranger = msgspec.structs.replace(bank.settings, secret_key="sk_test_stranger")
    with pytest.raises(ProviderRefused, match="401") as refusal:
        await METHOD.begin(intent(), settings=stranger)
    assert "key" in refusal.value.sentence
    assert "sk_test_stranger" not in str(refusal.value)


async def test_an_unknown_reference_is_a_refusal(bank: BankAtWork) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        await METHOD.look_up("cs_unknown", settings=bank.settings)
    assert refusal.value.code == "resource_missing"
    for reference in ("../refunds/x", "a b?c=d", "cs/../../refunds"):
        with pytest.raises(ProviderRefused, match="404"):
            await METHOD.look_up(reference, settings=bank.settings)


async def test_an_amount_below_the_banks_minimum_is_refused_in_words(bank: BankAtWork) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        await METHOD.begin(intent(amount_minor=20), settings=bank.settings)
    assert refusal.value.code == "amount_too_small"
    assert "too small" in refusal.value.sentence


async def test_withdrawing_an_untouched_page_names_our_reason(bank: BankAtWork) -> None:
    for key, because in (("a", "abandoned"), ("b", "expired")):
        redirect = await METHOD.begin(intent(key), settings=bank.settings)
        outcome = await METHOD.withdraw(redirect.reference, because=because, settings=bank.settings)  # type: ignore[arg-type]  # both literals
        assert (outcome.status, outcome.final) == (because, True)


async def test_a_withdrawn_page_cannot_be_paid_any_more(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    async with bank.browser() as buyer:
        attempt = hidden(await buyer.client.get(redirect.url), "attempt")
        await METHOD.withdraw(redirect.reference, because="abandoned", settings=bank.settings)
        answer = await buyer.press_pay(redirect.url, SUCCEEDS, attempt=attempt)
        closed = await buyer.client.get(answer.headers["location"])
    assert "This page is closed" in closed.text
    outcome = await METHOD.look_up(redirect.reference, settings=bank.settings)
    assert (outcome.status, outcome.final) == ("expired", True)


async def test_withdrawing_twice_is_one_withdrawal(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    outcomes = [await METHOD.withdraw(redirect.reference, because="abandoned", settings=bank.settings) for _ in "12"]
    assert outcomes[0] == outcomes[1]


async def test_withdrawing_a_page_that_was_paid_says_so(bank: BankAtWork) -> None:
    """The buyer was quicker than our deadline: the money is there, and must be seen."""
    paid = await pay(bank)
    assert await METHOD.withdraw(paid.reference, because="expired", settings=bank.settings) == paid


async def test_withdrawing_after_a_refusal_keeps_the_banks_reason(bank: BankAtWork) -> None:
    refused = await pay(bank, "4000000000009995")
    outcome = await METHOD.withdraw(refused.reference, because="abandoned", settings=bank.settings)
    assert (outcome.status, outcome.final, outcome.reason_code) == ("refused", True, "insufficient_funds")


async def test_a_new_start_after_a_withdrawal_needs_a_new_payment() -> None:
    """The bank answers an old key with the old page; its buyer would be sent to a closed door."""
    async with bank_at_work() as bank:
        first = await METHOD.begin(intent("pay-1"), settings=bank.settings)
        await METHOD.withdraw(first.reference, because="abandoned", settings=bank.settings)
        second = await METHOD.begin(intent("pay-2"), settings=bank.settings)
        assert second.reference != first.reference


async def test_a_payment_in_flight_cannot_be_withdrawn_and_arrives() -> None:
    async with bank_at_work(late_s=LATE_BY_S) as bank:
        outcome = await pay(bank, LATE)
        assert (outcome.status, outcome.final) == ("pending", False)
        withdrawn = await METHOD.withdraw(outcome.reference, because="expired", settings=bank.settings)
        assert (withdrawn.status, withdrawn.final) == ("pending", False)
        await late_money_arrives(bank)
        await bank.ear.until(1)
        assert [each.status for each in told(bank)] == ["paid"]
        assert (await METHOD.look_up(outcome.reference, settings=bank.settings)).status == "paid"


async def test_a_page_past_its_time_expires_and_says_so(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    bank.clock.ahead_s = 36 * 60
    outcome = await METHOD.look_up(redirect.reference, settings=bank.settings)
    assert (outcome.status, outcome.final) == ("expired", True)


async def test_a_page_nobody_comes_back_to_is_told_as_expired() -> None:
    async with bank_at_work(session_s_min=1) as bank:
        form = {
            "mode": "payment",
            "success_url": "https://theatre.example/ok",
            "cancel_url": "https://theatre.example/left",
            "metadata[payment]": "17",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "8850",
            "line_items[0][price_data][product_data][name]": "Three seats",
        }
        async with httpx.AsyncClient(auth=(bank.settings.secret_key, ""), trust_env=False, timeout=60) as shop:
            for lasts_s in (2, 4, 8, 16, 32):  # one is longer than this machine takes to ask for it
                closes = {"expires_at": str(int(bank.clock()) + lasts_s)}
                opened = await shop.post(f"{bank.url}/v1/checkout/sessions", data={**form, **closes})
                if opened.status_code == 200:
                    break
            assert opened.status_code == 200, opened.text
        await bank.ear.until(1)
        [news] = bank.ear.news(bank.settings)
        assert news.payment == "17"
        assert news.outcome is not None
        assert (news.outcome.status, news.outcome.final) == ("expired", True)


async def test_a_notification_that_comes_twice_has_one_event_id(bank: BankAtWork) -> None:
    await pay(bank, TWICE)
    await bank.ear.until(2)
    first, second = bank.ear.news(bank.settings)
    assert first.event_id == second.event_id
    assert first == second


async def test_a_captured_notification_played_again_later_is_stale(bank: BankAtWork) -> None:
    await pay(bank)
    await bank.ear.until(1)
    headers, body = bank.ear.heard[0]
    with pytest.raises(BadNotification, match="stale"):
        METHOD.read_notification(headers, body, datetime.now(UTC) + timedelta(minutes=10), settings=bank.settings)
    with pytest.raises(BadNotification, match="forged"):
        METHOD.read_notification(headers, body.replace(b"8850", b"1"), datetime.now(UTC), settings=bank.settings)


async def test_money_goes_back_in_parts_and_never_more_than_was_taken(bank: BankAtWork) -> None:
    """PAY-7."""
    charge = (await pay(bank)).charge_reference
    part = await METHOD.refund(charge, 3_850, "EUR", "refund-1", settings=bank.settings)
    assert (part.status, part.amount_minor) == ("done", 3_850)
    with pytest.raises(ProviderRefused):
        await METHOD.refund(charge, 5_001, "EUR", "refund-2", settings=bank.settings)
    rest = await METHOD.refund(charge, 5_000, "EUR", "refund-3", settings=bank.settings)
    assert rest.status == "done"
    with pytest.raises(ProviderRefused) as refusal:
        await METHOD.refund(charge, 1, "EUR", "refund-4", settings=bank.settings)
    assert refusal.value.code == "charge_already_refunded"
    assert refusal.value.sentence == "This payment has already been refunded."


async def test_a_refund_asked_twice_goes_back_once(bank: BankAtWork) -> None:
    charge = (await pay(bank)).charge_reference
    first = await METHOD.refund(charge, 8_850, "EUR", "refund-1", settings=bank.settings)
    assert await METHOD.refund(charge, 8_850, "EUR", "refund-1", settings=bank.settings) == first


async def test_what_was_not_paid_cannot_be_refunded(bank: BankAtWork) -> None:
    refused = await pay(bank, "4000000000009995")
    with pytest.raises(ProviderRefused):
        await METHOD.refund(refused.charge_reference, 8_850, "EUR", "refund-1", settings=bank.settings)
