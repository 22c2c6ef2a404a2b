"""The test cards and what each does. Where the real provider documents a number for a behaviour, it is the same number;
the last two are ours, since a real bank has no card that is late or repeats itself on purpose."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from msgspec import Struct

Behaviour = Literal["pay", "late", "twice", "decline"]


class Decline(Struct, frozen=True):
    """A bank's no: `code` and `decline_code` as on the wire, `text` in the bank's words."""

    type: str
    code: str
    decline_code: str | None
    text: str


class TestCard(Struct, frozen=True):
    """`does` is a key of the page's words; `challenge`: the buyer must confirm first (3-D Secure)."""

    __test__ = False  # pytest: not a class of tests

    number: str
    brand: str
    does: str
    behaviour: Behaviour = "pay"
    challenge: bool = False
    decline: Decline | None = None


def _no(decline_code: str, text: str, code: str = "card_declined") -> Decline:
    return Decline("card_error", code, decline_code, text)


NOT_CONFIRMED = Decline(
    "invalid_request_error",
    "payment_intent_authentication_failure",
    None,
    "The cardholder did not confirm the payment.",
)

SUCCEEDS = "4242424242424242"
NEEDS_CONFIRMING = "4000002760003184"
LATE = "4000000000008005"
TWICE = "4000000000002008"

TEST_CARDS = (
    TestCard(SUCCEEDS, "visa", "succeeds"),
    TestCard(NEEDS_CONFIRMING, "visa", "needs_confirming", challenge=True),
    TestCard(
        "4000000000009995",
        "visa",
        "insufficient_funds",
        "decline",
        decline=_no("insufficient_funds", "The account of this card does not hold enough money."),
    ),
    TestCard(
        "4000000000000002",
        "visa",
        "generic_decline",
        "decline",
        decline=_no("generic_decline", "The bank declined this card."),
    ),
    TestCard(
        "4000000000000069",
        "visa",
        "expired_card",
        "decline",
        decline=_no("expired_card", "This card has expired.", code="expired_card"),
    ),
    TestCard(
        "4000008400001629",
        "visa",
        "declined_after_confirming",
        "decline",
        challenge=True,
        decline=_no("generic_decline", "The bank declined this card."),
    ),
    TestCard("5555555555554444", "mastercard", "succeeds_too"),
    TestCard(LATE, "visa", "late", "late"),
    TestCard(TWICE, "visa", "twice", "twice"),
)
BY_NUMBER = {card.number: card for card in TEST_CARDS}


def check_card(number: str, expiry: str, code: str, today: date) -> tuple[TestCard | None, dict[str, str]]:
    """The card, or what is wrong by field (keys of the page's words)."""
    problems: dict[str, str] = {}
    digits = re.sub(r"[\s-]", "", number)
    card = BY_NUMBER.get(digits)
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and passes_luhn(digits)):
        problems["number"] = "bad_number"
    elif card is None:
        problems["number"] = "no_test_card"
    if not expires_later(expiry, today):
        problems["expiry"] = "bad_expiry"
    if not re.fullmatch(r"[0-9]{3,4}", code.strip()):
        problems["code"] = "bad_code"
    return (None if problems else card), problems


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def expires_later(expiry: str, today: date) -> bool:
    """`12/34`, `12 / 2034` or `1234`; a card is good until the end of its month."""
    found = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})\s*", expiry)
    return found is not None and (2000 + int(found[2]), int(found[1])) >= (today.year, today.month)
