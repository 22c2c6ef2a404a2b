"""A double of a card bank, for machines from which no real one can be reached: the demo and the tests.

It stands for the provider only, and speaks its protocol for real over HTTP: Stripe's Checkout Sessions with their
hosted page, 3-D Secure, signed notifications and refunds. The box office runs the same code against it as against the
real thing. No money moves, no real card is accepted (any number but the test cards is refused, and none is stored), and
each of its pages says so. Never part of a production box office.

    cards.py          the test cards and what each does
    ledger.py         sessions, payments, charges, refunds, idempotency: one SQLite file, a restart loses nothing
    wire.py           the JSON and the form encoding of the protocol
    api.py            what the box office calls
    pages.py          what the buyer sees; words.py and templates/ are its texts and looks
    notifications.py  signed messages to the box office, repeated until they are answered
"""

from __future__ import annotations

from app.demo.bank.app import Bank, create_bank
from app.demo.bank.cards import LATE, NEEDS_CONFIRMING, SUCCEEDS, TEST_CARDS, TWICE

__all__ = ["LATE", "NEEDS_CONFIRMING", "SUCCEEDS", "TEST_CARDS", "TWICE", "Bank", "create_bank"]
