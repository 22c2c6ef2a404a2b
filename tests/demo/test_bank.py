"""The bank double over real HTTP: what it promises to the box office and to the buyer in front of its page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.demo.bank import LATE, NEEDS_CONFIRMING, SUCCEEDS, TEST_CARDS, TWICE
from app.demo.bank.cards import check_card, passes_luhn
from app.demo.bank.wire import WireError, read_form
from app.demo.bank.words import WORDS, choose_language, word
from app.sales.methods.card import METHOD
from tests.demo.bank_at_work import BankAtWork, Ear, bank_at_work, hidden, intent, loopback
from tests.sales.banks import LATE_BY_S, late_money_arrives

NOTICE = "Demo bank. No real money"
TODAY = date(2026, 12, 12)


@pytest.fixture
async def bank() -> AsyncIterator[BankAtWork]:
    async with bank_at_work() as bank:
        yield bank


def order_form(**changes: str) -> dict[str, str]:
    item = "line_items[0]"
    return {
        "mode": "payment",
        "success_url": "https://theatre.example/ok?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://theatre.example/left",
        f"{item}[quantity]": "2",
        f"{item}[price_data][currency]": "eur",
        f"{item}[price_data][unit_amount]": "2500",
        f"{item}[price_data][product_data][name]": "Two seats",
        **changes,
    }


@asynccontextmanager
async def shop(bank: BankAtWork) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {bank.settings.secret_key}"}
    async with httpx.AsyncClient(base_url=bank.url + "/v1", headers=headers, timeout=60, trust_env=False) as client:
        yield client


async def open_page(client: httpx.AsyncClient, **changes: str) -> dict[str, Any]:
    answer = await client.post("/checkout/sessions", data=order_form(**changes))
    assert answer.status_code == 200, answer.text
    opened: dict[str, Any] = answer.json()
    return opened


# -- the API -----------------------------------------------------------------------------------------------------------


async def test_a_session_shows_what_it_was_opened_with(bank: BankAtWork) -> None:
    async with shop(bank) as client:
        opened = await open_page(client, client_reference_id="C7Q2M9XK4TD", **{"metadata[payment]": "17"})
        shown = (await client.get(f"/checkout/sessions/{opened['id']}")).json()
    assert shown == opened
    assert (shown["amount_total"], shown["currency"]) == (5_000, "eur")
    assert (shown["status"], shown["payment_status"], shown["payment_intent"]) == ("open", "unpaid", None)
    assert shown["metadata"] == {"payment": "17"}
    assert shown["livemode"] is False


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk_test_stranger"}, {"Authorization": "Basic %%%"}])
async def test_a_stranger_gets_nothing(bank: BankAtWork, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=bank.url + "/v1", headers=headers, timeout=60, trust_env=False) as client:
        answer = await client.post("/checkout/sessions", data=order_form())
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "subscription"}, "mode"),
        ({"sucess_url": "https://theatre.example"}, "sucess_url"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"cancel_url": ""}, "cancel_url"),
        ({"line_items[0][quantity]": "two"}, "quantity"),
        ({"line_items[0][price_data][unit_amount]": "-5"}, "unit_amount"),
        ({"line_items[0][price_data][currency]": ""}, "currency"),
        ({"line_items[1][quantity]": "1"}, "price_data"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"expires_at": "1"}, "expires_at"),
    ],
)
async def test_a_wrong_form_is_refused_and_names_the_parameter(
    bank: BankAtWork, changes: dict[str, str], param: str
) -> None:
    async with shop(bank) as client:
        answer = await client.post("/checkout/sessions", data=order_form(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_a_page_stays_open_between_half_an_hour_and_a_day(bank: BankAtWork) -> None:
    async with shop(bank) as client:
        for ahead_s, status in ((1_700, 400), (1_860, 200), (86_000, 200), (90_000, 400)):
            answer = await client.post(
                "/checkout/sessions", data=order_form(expires_at=str(int(bank.clock()) + ahead_s))
            )
            assert answer.status_code == status


async def test_the_same_key_gives_the_same_answer_and_another_form_is_an_error(bank: BankAtWork) -> None:
    async with shop(bank) as client:
        key = {"Idempotency-Key": "k1"}
        answers = [await client.post("/checkout/sessions", data=order_form(), headers=key) for _ in range(2)]
        other = await client.post("/checkout/sessions", data=order_form(mode="setup"), headers=key)
        elsewhere = await client.post("/refunds", data={"payment_intent": "pi_1"}, headers=key)
    assert answers[0].json() == answers[1].json()
    for answer in (other, elsewhere):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"


async def test_a_refused_call_leaves_its_key_free(bank: BankAtWork) -> None:
    async with shop(bank) as client:
        key = {"Idempotency-Key": "k1"}
        assert (await client.post("/checkout/sessions", data=order_form(mode="x"), headers=key)).status_code == 400
        assert (await client.post("/checkout/sessions", data=order_form(), headers=key)).status_code == 200


async def test_payment_charge_and_refunds_can_be_looked_up(bank: BankAtWork) -> None:
    """PAY-7."""
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        await buyer.press_pay(opened["url"], SUCCEEDS)
        path = f"/checkout/sessions/{opened['id']}?expand[]=payment_intent.latest_charge"
        inner = (await client.get(path)).json()["payment_intent"]
        assert inner["status"] == "succeeded"
        assert inner["latest_charge"]["payment_method_details"]["card"] == {"brand": "visa", "last4": "4242"}
        refund = (await client.post("/refunds", data={"payment_intent": inner["id"], "amount": "1000"})).json()
        assert (refund["amount"], refund["status"]) == (1_000, "succeeded")
        over = await client.post("/refunds", data={"charge": inner["latest_charge"]["id"], "amount": "4001"})
        assert over.json()["error"]["param"] == "amount"
        rest = (await client.post("/refunds", data={"charge": inner["latest_charge"]["id"]})).json()
        assert rest["amount"] == 4_000
        charge = (await client.get(f"/charges/{inner['latest_charge']['id']}")).json()
        assert (charge["amount_refunded"], charge["refunded"]) == (5_000, True)
        listed = (await client.get("/refunds", params={"payment_intent": inner["id"]})).json()["data"]
        assert [each["id"] for each in listed] == [rest["id"], refund["id"]]
        assert (await client.get(f"/refunds/{refund['id']}")).json() == refund
        assert (await client.get(f"/payment_intents/{inner['id']}")).json()["latest_charge"] == charge["id"]


async def test_unknown_things_are_missing(bank: BankAtWork) -> None:
    async with shop(bank) as client:
        for path in ("/checkout/sessions/cs_x", "/payment_intents/pi_x", "/charges/ch_x", "/refunds/re_x"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


# -- the page ----------------------------------------------------------------------------------------------------------


async def test_every_page_says_that_no_real_money_moves(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client, locale="en")
        seen = [await buyer.client.get(bank.url), await buyer.client.get(opened["url"])]
        confirm = (await buyer.press_pay(opened["url"], NEEDS_CONFIRMING)).headers["location"]
        seen.append(await buyer.client.get(confirm))
        await buyer.answer(confirm, "refuse")
        seen.append(await buyer.client.get(opened["url"]))
        await buyer.press_pay(opened["url"], SUCCEEDS)
        seen.append(await buyer.client.get(opened["url"]))
        seen.append(await buyer.client.get(f"{bank.url}/pay/cs_unknown"))
    assert all(NOTICE in page.text for page in seen)
    assert [page.status_code for page in seen] == [200, 200, 200, 200, 200, 404]


async def test_the_page_lists_the_test_cards_and_shows_what_is_paid(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(), settings=bank.settings)
    async with bank.browser() as buyer:
        page = (await buyer.client.get(redirect.url)).text
    assert all(f'data-number="{card.number}"' in page for card in TEST_CARDS)
    for shown in ("€88.50", "Le Barbier de Séville, 3 places", "C7Q2M9XK4TD", "camille@theatre.example"):
        assert shown in page


async def test_what_the_box_office_sends_cannot_become_markup(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        name = "<script>alert(1)</script>"
        opened = await open_page(client, **{"line_items[0][price_data][product_data][name]": name})
        page = await buyer.client.get(opened["url"])
    assert name not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_page_speaks_french_and_english(bank: BankAtWork) -> None:
    redirect = await METHOD.begin(intent(locale="fr"), settings=bank.settings)
    async with bank.browser() as buyer:
        french = (await buyer.client.get(redirect.url)).text
        english = (await buyer.client.get(redirect.url + "?language=en")).text
    assert 'lang="fr"' in french
    assert "88,50\u00a0€" in french
    assert "Pay by card" in english


async def test_paying_leads_back_with_the_session_filled_in(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        answer = await buyer.press_pay(opened["url"], SUCCEEDS)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://theatre.example/ok?s={opened['id']}"


async def test_leaving_leads_to_the_cancel_address(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        assert 'href="https://theatre.example/left"' in (await buyer.client.get(opened["url"])).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": "4242 4242 4242 4241"}, "no card number"),
        ({"number": ""}, "no card number"),
        ({"number": "4111 1111 1111 1111"}, "not one of the test cards"),
        ({"expiry": "01/20"}, "Month and year to come"),
        ({"code": "1"}, "Three or four digits"),
    ],
)
async def test_a_wrong_entry_is_pointed_at_and_tries_nothing(
    bank: BankAtWork, fields: dict[str, str], sentence: str
) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client, locale="en")
        form = {"number": SUCCEEDS, "expiry": "12/34", "code": "123", "attempt": "a", **fields}
        answer = await buyer.client.post(opened["url"], data=form)
        shown = (await client.get(f"/checkout/sessions/{opened['id']}")).json()
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "4111" not in answer.text
    assert shown["payment_intent"] is None


async def test_a_double_clicked_pay_button_charges_once(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        attempt = hidden(await buyer.client.get(opened["url"]), "attempt")
        answers = await asyncio.gather(*(buyer.press_pay(opened["url"], SUCCEEDS, attempt=attempt) for _ in range(4)))
        assert len({answer.headers["location"] for answer in answers}) == 1
        await bank.ear.until(1)
        paid = (await client.get(f"/checkout/sessions/{opened['id']}")).json()
        refund = await client.post("/refunds", data={"payment_intent": paid["payment_intent"]})
        assert refund.json()["amount"] == 5_000
        await bank.ear.until(2)
    kinds = [json.loads(body)["type"] for _, body in bank.ear.heard]
    assert kinds == ["checkout.session.completed", "charge.refunded"]


async def test_a_double_clicked_refusal_is_one_refusal(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        attempt = hidden(await buyer.client.get(opened["url"]), "attempt")
        for _ in range(2):
            await buyer.press_pay(opened["url"], "4000000000009995", attempt=attempt)
        await buyer.press_pay(opened["url"], SUCCEEDS)
        await bank.ear.until(2)
    kinds = [json.loads(body)["type"] for _, body in bank.ear.heard]
    assert sorted(kinds) == ["checkout.session.completed", "payment_intent.payment_failed"]


async def test_the_first_answer_to_the_confirmation_counts(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        confirm = (await buyer.press_pay(opened["url"], NEEDS_CONFIRMING)).headers["location"]
        attempt = hidden(await buyer.client.get(confirm), "attempt")
        for answer in ("refuse", "approve"):
            await buyer.client.post(confirm, data={"answer": answer, "attempt": attempt})
        shown = (await client.get(f"/checkout/sessions/{opened['id']}")).json()
    assert shown["payment_status"] == "unpaid"


async def test_a_card_can_be_refused_after_confirming(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client, locale="en")
        confirm = (await buyer.press_pay(opened["url"], "4000008400001629")).headers["location"]
        await buyer.answer(confirm, "approve")
        assert "The bank gives no reason." in (await buyer.client.get(opened["url"])).text


async def test_a_late_payment_lets_the_buyer_go_back_at_once() -> None:
    async with bank_at_work(late_s=LATE_BY_S) as bank, shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client)
        answer = await buyer.press_pay(opened["url"], LATE)
        assert answer.headers["location"].startswith("https://theatre.example/ok")
        shown = (await client.get(f"/checkout/sessions/{opened['id']}?expand[]=payment_intent")).json()
        assert (shown["status"], shown["payment_status"]) == ("open", "unpaid")
        assert shown["payment_intent"]["status"] == "processing"
        assert bank.ear.heard == []
        await late_money_arrives(bank)
        await bank.ear.until(1)
        assert json.loads(bank.ear.heard[0][1])["data"]["object"]["payment_status"] == "paid"


async def test_the_journal_tells_what_happened(bank: BankAtWork) -> None:
    async with shop(bank) as client, bank.browser() as buyer:
        opened = await open_page(client, client_reference_id="C7Q2M9XK4TD")
        await buyer.press_pay(opened["url"], TWICE)
        await bank.ear.until(2)
        page = (await buyer.client.get(bank.url + "?language=en")).text
    assert "C7Q2M9XK4TD" in page
    assert page.count("checkout.session.completed") == 2


# -- notifications and restarts ----------------------------------------------------------------------------------------


async def test_a_notification_is_repeated_until_it_is_believed() -> None:
    async with bank_at_work(ear=Ear(refusals=3)) as bank:
        redirect = await METHOD.begin(intent(), settings=bank.settings)
        async with bank.browser() as buyer:
            await buyer.press_pay(redirect.url, SUCCEEDS)
        await bank.ear.until(4)
        assert len({news.event_id for news in bank.ear.news(bank.settings)}) == 1


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    """Open pages, late payments, idempotency keys and notifications not yet answered all outlive the process."""
    sock, address = loopback()
    port = sock.getsockname()[1]
    asked = intent("a")
    async with bank_at_work(tmp_path, late_s=LATE_BY_S, ear=Ear(refusals=10**6), sock=(sock, address)) as bank:
        waits = await METHOD.begin(asked, settings=bank.settings)
        late = await METHOD.begin(intent("b"), settings=bank.settings)
        paid = await METHOD.begin(intent("c"), settings=bank.settings)
        async with bank.browser() as buyer:
            await buyer.press_pay(late.url, LATE)
            await buyer.press_pay(paid.url, SUCCEEDS)
        await bank.ear.until(1)
    again = loopback(port)
    async with bank_at_work(tmp_path, late_s=LATE_BY_S, sock=again) as bank:
        assert (await METHOD.look_up(waits.reference, settings=bank.settings)).status == "pending"
        await late_money_arrives(bank)
        await bank.ear.until(2)
        told = {news.reference for news in bank.ear.news(bank.settings)}
        assert told == {late.reference, paid.reference}
        assert (await METHOD.look_up(late.reference, settings=bank.settings)).status == "paid"
        assert await METHOD.begin(asked, settings=bank.settings) == waits


# -- rules without a network -------------------------------------------------------------------------------------------


def test_every_test_card_passes_the_check_that_page_and_shops_make() -> None:
    for card in TEST_CARDS:
        assert check_card(card.number, "12/26", "123", TODAY) == (card, {})
        assert word(card.does, "fr")


def test_one_wrong_digit_is_noticed() -> None:
    assert passes_luhn(SUCCEEDS)
    assert not passes_luhn(SUCCEEDS[:-1] + "3")


@pytest.mark.parametrize(
    ("expiry", "good"),
    [("12/26", True), ("12 / 2026", True), ("1226", True), ("11/26", False), ("13/30", False), ("", False)],
)
def test_a_card_is_good_until_the_end_of_its_month(expiry: str, good: bool) -> None:
    assert ("expiry" in check_card(SUCCEEDS, expiry, "123", TODAY)[1]) is not good


def test_nested_forms_are_read() -> None:
    assert read_form("a=1&b[c][0]=2&b[c][1]=3&d[]=4&d[]=5") == {
        "a": "1",
        "b": {"c": {"0": "2", "1": "3"}},
        "d": ["4", "5"],
    }
    for twisted in ("a=1&a[b]=2", "a[b]=1&a[]=2", "[]=1"):
        with pytest.raises(WireError):
            read_form(twisted)


def test_texts_have_the_same_gaps_in_both_languages() -> None:
    for english, french in WORDS.values():
        assert sorted(part.split("}")[0] for part in english.split("{")[1:]) == sorted(
            part.split("}")[0] for part in french.split("{")[1:]
        )


def test_the_reader_chooses_the_language_then_the_box_office_then_the_browser() -> None:
    assert choose_language("en", "fr", "fr") == "en"
    assert choose_language(None, "fr-CH", "en") == "fr"
    assert choose_language(None, "auto", "de, fr;q=0.8") == "fr"
    assert choose_language(None, None, None) == "en"
