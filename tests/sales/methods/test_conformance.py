"""Every member of the folder keeps the contract (PAY-1). A new file is covered by being there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from app.sales import methods
from app.sales.methods import find_method, find_methods, offer_methods
from app.sales.methods._contract import (
    AtOnceMethod,
    Audience,
    BadNotification,
    Fees,
    MethodSettings,
    NotAccepted,
    PaymentMethod,
    RedirectMethod,
)
from tests.demo.bank_at_work import intent

MEMBERS = list(find_methods().values())
KEYS = MethodSettings(base_url="https://bank.example", secret_key="sk_test_x", webhook_secret="whsec_x")
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
FAMILIES = {"redirect": RedirectMethod, "at_once": AtOnceMethod, "later": PaymentMethod}

each = pytest.mark.parametrize("method", MEMBERS, ids=lambda method: method.id)
each_at_once = pytest.mark.parametrize(
    "method", [method for method in MEMBERS if isinstance(method, AtOnceMethod)], ids=lambda method: method.id
)
each_redirecting = pytest.mark.parametrize(
    "method", [method for method in MEMBERS if isinstance(method, RedirectMethod)], ids=lambda method: method.id
)


def test_the_folder_finds_each_of_its_files() -> None:
    files = {path.stem for path in Path(methods.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert set(find_methods()) == files


def test_an_unknown_method_is_not_found() -> None:
    assert find_method("seashells") is None
    assert find_method("_contract") is None


@each
def test_it_says_what_it_is(method: PaymentMethod) -> None:
    assert method.label.strip() == method.label != ""
    assert method.description.endswith(".")
    assert method.audience
    assert method.audience <= set(AUDIENCES)
    assert isinstance(method, FAMILIES[method.settles])


@each
def test_it_serves_its_audience_only(method: PaymentMethod) -> None:
    total = 0 if method.minimum_minor == 0 else 10_000
    for audience in AUDIENCES:
        assert method.takes(total, audience, KEYS) == (audience in method.audience)


@each
def test_it_is_not_offered_when_switched_off(method: PaymentMethod) -> None:
    off = MethodSettings(
        enabled=False, base_url="https://bank.example", secret_key="sk_test_x", webhook_secret="whsec_x"
    )
    assert not any(method.takes(total, audience, off) for total in (0, 10_000) for audience in AUDIENCES)


@each
def test_its_minimum_holds_and_can_be_raised(method: PaymentMethod) -> None:
    audience = next(iter(method.audience))
    if method.minimum_minor == 0:
        assert not method.takes(1, audience, KEYS)
        return
    assert method.takes(method.minimum_minor, audience, KEYS)
    assert not method.takes(method.minimum_minor - 1, audience, KEYS)
    assert not method.takes(0, audience, MethodSettings(minimum_minor=0))
    raised = MethodSettings(
        base_url="https://bank.example", secret_key="sk_test_x", webhook_secret="whsec_x", minimum_minor=2_000
    )
    assert not method.takes(1_999, audience, raised)


@each
def test_its_fees_can_be_set_and_are_whole_minor_units(method: PaymentMethod) -> None:
    settings = MethodSettings(fees=Fees(per_order_minor=29, per_ticket_minor=10, rate_bp=150))
    assert method.fee_minor(8_850, 3, settings) == 29 + 30 + 133
    assert method.fee_minor(0, 3, settings) == 0
    assert method.fee_minor(8_850, 3, MethodSettings()) == method.fees.on(8_850, 3)


@each_at_once
def test_an_at_once_method_settles_exactly_what_is_due(method: AtOnceMethod) -> None:
    due = 0 if method.minimum_minor == 0 else 8_850
    settlement = method.settle(intent(amount_minor=due), reference="A-42")
    assert settlement.change_minor == 0
    outcome = settlement.outcome
    assert (outcome.status, outcome.final, outcome.amount_minor, outcome.currency) == ("paid", True, due, "EUR")


@each_at_once
def test_an_at_once_method_refuses_a_wrong_amount_in_words(method: AtOnceMethod) -> None:
    with pytest.raises(NotAccepted) as refusal:
        method.settle(intent(amount_minor=8_850), received_minor=8_849)
    assert refusal.value.sentence.endswith(".")
    assert refusal.value.code


@each_redirecting
def test_a_redirecting_method_believes_no_unsigned_message(method: RedirectMethod) -> None:
    for headers in ({}, {"Stripe-Signature": ""}, {"stripe-signature": "t=1,v1=00"}):
        with pytest.raises(BadNotification):
            method.read_notification(headers, b'{"id":"evt_1"}', datetime.now(UTC), settings=KEYS)


def test_methods_that_need_keys_are_offered_only_with_them() -> None:
    assert [method.id for method in offer_methods(8_850, "buyer", {})] == []
    assert [method.id for method in offer_methods(8_850, "buyer", {"card": KEYS})] == ["card"]


def test_a_cashier_takes_cash_and_cards_and_gives_away_what_is_free() -> None:
    assert [method.id for method in offer_methods(8_850, "operator", {"card": KEYS})] == ["cash", "terminal"]
    assert [method.id for method in offer_methods(0, "operator", {"card": KEYS})] == ["free"]
    assert [method.id for method in offer_methods(0, "buyer", {"card": KEYS})] == ["free"]


def test_play_money_is_called_so() -> None:
    card = find_methods()["card"]
    assert card.label_for(MethodSettings(test_mode=True)) == "Test card"
    assert card.label_for(MethodSettings()) == "Bank card"


def test_secrets_are_not_shown_and_not_sent_in_clear() -> None:
    assert "sk_test_x" not in repr(KEYS)
    assert "whsec_x" not in repr(KEYS)
    with pytest.raises(ValueError, match="https"):
        MethodSettings(base_url="http://bank.example")
    assert MethodSettings(base_url="http://127.0.0.1:8105/bank").base_url
