"""The provider's wire, without a network: signatures, amounts, what a session's state means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.bank.notifications import sign
from app.sales.methods._contract import BadNotification, MethodSettings, Notification, ProviderRefused
from app.sales.methods._reasons import PLAIN_NO, explain_refusal
from app.sales.methods._stripe import (
    Failure,
    Intent,
    Session,
    from_provider_amount,
    to_provider_amount,
)
from app.sales.methods.card import METHOD, outcome_of, session_fields
from tests.demo.bank_at_work import intent

NOW = datetime(2026, 12, 12, 20, 30, tzinfo=UTC)
SECRET = "whsec_theatre"
SETTINGS = MethodSettings(base_url="https://bank.example", secret_key="sk_test_x", webhook_secret=SECRET)


def event(kind: str = "checkout.session.completed", **thing: Any) -> bytes:
    session = {
        "id": "cs_1",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 8_850,
        "currency": "eur",
        "payment_intent": "pi_1",
        "metadata": {"payment": "17"},
        **thing,
    }
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": session}}).encode()


def read(body: bytes, header: str | None = None, *, at: datetime = NOW) -> Notification:
    signature = sign(body, SECRET, int(NOW.timestamp())) if header is None else header
    return METHOD.read_notification({"Stripe-Signature": signature}, body, at, settings=SETTINGS)


def test_a_signed_payment_is_believed() -> None:
    news = read(event())
    assert (news.event_id, news.payment, news.reference) == ("evt_1", "17", "cs_1")
    assert news.outcome is not None
    assert (news.outcome.status, news.outcome.final) == ("paid", True)
    assert (news.outcome.amount_minor, news.outcome.currency, news.outcome.charge_reference) == (8_850, "EUR", "pi_1")


def test_any_of_several_signatures_will_do_while_a_secret_changes() -> None:
    body = event()
    good = sign(body, SECRET, int(NOW.timestamp()))
    stamp, _, digest = good.partition(",")
    assert read(body, f"{stamp},v1={'0' * 64},v0=old,{digest}").event_id == "evt_1"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "unsigned"),
        ("v1=" + "0" * 64, "unsigned"),
        ("t=1,v0=" + "0" * 64, "unsigned"),
        ("t=soon,v1=" + "0" * 64, "unsigned"),
        (f"t={int(NOW.timestamp())},v1=" + "0" * 64, "forged"),
        (f"t={int(NOW.timestamp())},v1=é", "forged"),
    ],
)
def test_a_message_without_a_true_signature_is_refused(header: str, reason: str) -> None:
    with pytest.raises(BadNotification) as refusal:
        read(event(), header)
    assert refusal.value.reason == reason


def test_a_changed_byte_breaks_the_signature() -> None:
    body = event()
    with pytest.raises(BadNotification, match="forged"):
        read(body.replace(b"8850", b"8851"), sign(body, SECRET, int(NOW.timestamp())))


def test_a_signature_of_another_secret_is_forged() -> None:
    with pytest.raises(BadNotification, match="forged"):
        read(event(), sign(event(), "whsec_stranger", int(NOW.timestamp())))


def test_a_box_office_without_a_secret_believes_nobody() -> None:
    body, empty = event(), MethodSettings()
    header = sign(body, "", int(NOW.timestamp()))
    with pytest.raises(BadNotification):
        METHOD.read_notification({"Stripe-Signature": header}, body, NOW, settings=empty)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_message_played_again_is_stale(minutes: int) -> None:
    with pytest.raises(BadNotification, match="stale"):
        read(event(), at=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"id":1}', b'{"id":"e","type":"t","data":{}}', b"\xff"])
def test_a_signed_message_of_no_known_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(BadNotification, match="malformed"):
        read(body)


def test_news_of_other_things_are_authentic_and_settle_nothing() -> None:
    assert read(event("customer.created")).outcome is None
    assert read(event("checkout.session.something_new")).outcome is None


def test_a_completed_page_whose_money_is_still_on_its_way_is_pending() -> None:
    outcome = read(event(payment_status="unpaid")).outcome
    assert outcome is not None
    assert (outcome.status, outcome.final) == ("pending", False)


def test_money_that_never_arrived_is_a_final_refusal() -> None:
    outcome = read(event("checkout.session.async_payment_failed", payment_status="unpaid")).outcome
    assert outcome is not None
    assert (outcome.status, outcome.final) == ("refused", True)


def test_a_refused_card_is_told_with_its_reason_and_is_not_the_end() -> None:
    """PAY-10; the message names no session, so our own payment id leads to the row."""
    failure = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "Empty."}
    body = json.dumps(
        {
            "id": "evt_2",
            "type": "payment_intent.payment_failed",
            "data": {
                "object": {
                    "id": "pi_1",
                    "amount": 8_850,
                    "currency": "eur",
                    "metadata": {"payment": "17"},
                    "last_payment_error": failure,
                }
            },
        }
    ).encode()
    news = read(body)
    assert (news.payment, news.reference) == ("17", "")
    assert news.outcome is not None
    assert (news.outcome.status, news.outcome.final) == ("refused", False)
    assert (news.outcome.reason_code, news.outcome.reason_text) == ("insufficient_funds", "Empty.")


def test_an_old_refusal_says_nothing_while_a_new_attempt_runs() -> None:
    failed = Intent(id="pi_1", status="requires_action", last_payment_error=Failure(code="card_declined"))
    assert outcome_of(Session(id="cs_1", status="open", payment_intent=failed)).status == "pending"


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"),
    [
        (8_850, "EUR", 8_850),
        (500, "JPY", 500),
        (2_000, "XOF", 2_000),
        (500, "ISK", 50_000),
        (700, "UGX", 70_000),
        (12_340, "KWD", 12_340),
        (9_900, "HUF", 9_900),
    ],
)
def test_amounts_reach_the_provider_in_its_own_units(ours: int, currency: str, theirs: int) -> None:
    assert to_provider_amount(ours, currency) == theirs
    assert from_provider_amount(theirs, currency) == ours


def test_what_three_decimal_currencies_cannot_carry_is_refused_before_the_call() -> None:
    with pytest.raises(ProviderRefused) as refusal:
        to_provider_amount(12_345, "KWD")
    assert refusal.value.code == "amount_not_round"


@given(st.integers(1, 10**9), st.sampled_from(["EUR", "CHF", "JPY", "XOF", "ISK", "UGX", "MGA", "BHD", "LBP"]))
def test_no_amount_changes_on_the_way_there_and_back(amount: int, currency: str) -> None:
    try:
        sent = to_provider_amount(amount, currency)
    except ProviderRefused:
        assert currency == "BHD"
        return
    assert from_provider_amount(sent, currency) == amount


def test_the_form_depends_on_the_intent_alone() -> None:
    """A retry minutes later must send the very same form, or the provider takes it for another request."""
    asked = intent(created_at=NOW, expires_at=NOW + timedelta(minutes=10))
    assert session_fields(asked) == session_fields(asked)
    assert session_fields(asked)["expires_at"] == str(int((NOW + timedelta(minutes=35)).timestamp()))


def test_a_page_is_never_asked_to_stay_longer_than_a_day() -> None:
    asked = intent(created_at=NOW, expires_at=NOW + timedelta(days=7))
    assert int(session_fields(asked)["expires_at"]) < (NOW + timedelta(days=1)).timestamp()


@pytest.mark.parametrize(("locale", "asked"), [("fr", "fr"), ("pt-BR", "pt"), ("de_CH", "de"), ("br", "auto")])
def test_the_page_speaks_the_buyers_language_where_it_can(locale: str, asked: str) -> None:
    assert session_fields(intent(locale=locale))["locale"] == asked


def test_a_buyer_reads_what_to_do_next_and_a_thief_nothing() -> None:
    assert "another card" in explain_refusal("insufficient_funds")
    for code in ("stolen_card", "lost_card", "fraudulent", "invented_tomorrow", ""):
        assert explain_refusal(code) == PLAIN_NO
