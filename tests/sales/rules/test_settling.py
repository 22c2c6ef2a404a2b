"""What a payment's outcome means for its order, as a table and as a property (PAY-1, PAY-10). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sales.methods._contract import Outcome, Status
from app.sales.rules.settling import Decision, decide
from app.sales.tables import OrderStatus, PaymentStatus

ASKED = 8_000


def outcome(status: Status, *, final: bool = True, amount_minor: int = ASKED, currency: str = "EUR") -> Outcome:
    return Outcome(status=status, final=final, amount_minor=amount_minor, currency=currency)


def decision_on(order: str, payment: str, said: Outcome) -> Decision:
    return decide(OrderStatus(order), PaymentStatus(payment), said, amount_minor=ASKED, currency="EUR")


@pytest.mark.parametrize(
    ("order", "payment", "decision"),
    [
        ("pending", "pending", "complete"),
        ("pending", "refused", "complete"),  # one card refused, the next one paid on the same page
        ("pending", "abandoned", "complete"),  # the money was under way when the buyer came back
        ("expired", "pending", "revive"),
        ("expired", "expired", "revive"),
        ("cancelled", "expired", "revive"),
        ("paid", "pending", "refund"),  # another attempt was quicker
        ("paid", "expired", "refund"),
        ("paid", "paid", "nothing"),
        ("paid", "refunded", "nothing"),
        ("expired", "refunded", "nothing"),
        ("pending", "paid", "nothing"),  # wrong amount, which is on its way back
    ],
)
def test_money_that_came(order: str, payment: str, decision: Decision) -> None:
    assert decision_on(order, payment, outcome("paid")) == decision


@pytest.mark.parametrize("order", list(OrderStatus))
@pytest.mark.parametrize("said", [outcome("paid", amount_minor=ASKED - 1), outcome("paid", currency="USD")])
def test_another_amount_or_currency_never_buys_tickets(order: str, said: Outcome) -> None:
    assert decision_on(order, "pending", said) == "refund"


def test_a_currency_is_the_same_in_small_letters() -> None:
    assert decision_on("pending", "pending", outcome("paid", currency="eur")) == "complete"


@pytest.mark.parametrize(
    ("payment", "said", "decision"),
    [
        ("pending", outcome("pending", final=False), "nothing"),
        ("pending", outcome("refused", final=False), "note_refusal"),
        ("pending", outcome("refused"), "close_attempt"),
        ("pending", outcome("abandoned"), "close_attempt"),
        ("pending", outcome("expired"), "close_attempt"),
        ("refused", outcome("refused"), "nothing"),
        ("paid", outcome("expired"), "nothing"),
        ("refunded", outcome("refused"), "nothing"),
    ],
)
def test_no_money_came(payment: str, said: Outcome, decision: Decision) -> None:
    assert decision_on("pending", payment, said) == decision


@dataclass
class Books:
    """An order with two attempts, kept by nothing but the decisions."""

    order: str = "pending"
    payments: list[str] = field(default_factory=lambda: ["pending", "pending"])
    completions: int = 0
    taken: int = 0
    given_back: int = 0
    told: set[int] = field(default_factory=set)

    def hear(self, attempt: int, said: Outcome, *, seats_free: bool) -> None:
        if said.status == "paid" and attempt not in self.told:
            self.told.add(attempt)  # a charge happens once, however often it is told
            self.taken += said.amount_minor
        decision = decision_on(self.order, self.payments[attempt], said)
        if decision == "revive":
            decision = "complete" if seats_free and self.order == "expired" else "refund"
        if decision == "complete":
            self.order, self.payments[attempt] = "paid", "paid"
            self.completions += 1
        elif decision == "refund":
            self.payments[attempt] = "paid"
            self.given_back += said.amount_minor
        elif decision == "close_attempt":
            self.payments[attempt] = said.status


STEPS = st.tuples(
    st.integers(0, 1),
    st.sampled_from(
        [
            outcome("paid"),
            outcome("pending", final=False),
            outcome("refused", final=False),
            outcome("refused"),
            outcome("abandoned"),
            outcome("expired"),
        ]
    ),
    st.booleans(),
)


@given(st.lists(st.one_of(STEPS, st.just("expire")), max_size=12))
def test_whatever_is_told_and_however_often_what_is_kept_is_one_price_or_nothing(
    steps: list[tuple[int, Outcome, bool] | str],
) -> None:
    """PAY-7: refunds never exceed what was paid; nobody pays twice; nobody pays for nothing."""
    books = Books()
    for step in steps:
        if isinstance(step, str):
            books.order = "expired" if books.order == "pending" else books.order
        else:
            books.hear(step[0], step[1], seats_free=step[2])
        assert books.completions <= 1
        assert books.given_back <= books.taken
        assert books.taken - books.given_back == (ASKED if books.order == "paid" else 0)
