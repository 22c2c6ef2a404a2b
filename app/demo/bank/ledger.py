"""What the bank knows: one SQLite file, one connection, one thread.

No method awaits, so each is alone from its first read to its commit: a double click, a replayed call and an expiry that
meets a payment are decided here by order of arrival, without locks.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.demo.bank.cards import BY_NUMBER, NOT_CONFIRMED, Decline, TestCard
from app.demo.bank.wire import (
    Charge,
    Form,
    Intent,
    Refund,
    Session,
    WireError,
    charge_object,
    intent_object,
    session_object,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, status TEXT NOT NULL, payment_status TEXT NOT NULL,
    created INTEGER NOT NULL, expires_at INTEGER NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    form TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS session_open ON session (expires_at) WHERE status = 'open';
CREATE TABLE IF NOT EXISTS intent (id TEXT PRIMARY KEY, session TEXT NOT NULL UNIQUE REFERENCES session,
    status TEXT NOT NULL, created INTEGER NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    attempt TEXT NOT NULL, card TEXT NOT NULL, error TEXT, charge TEXT, settles_at REAL, form TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS intent_late ON intent (settles_at) WHERE settles_at IS NOT NULL;
-- A page whose payment is in flight does not expire: the payment decides.
CREATE VIEW IF NOT EXISTS idle_session AS SELECT id, expires_at FROM session
    WHERE status = 'open' AND id NOT IN (SELECT session FROM intent WHERE status = 'processing');
CREATE TABLE IF NOT EXISTS charge (id TEXT PRIMARY KEY, intent TEXT NOT NULL UNIQUE REFERENCES intent,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, created INTEGER NOT NULL,
    refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND amount), brand TEXT NOT NULL, last4 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refund (id TEXT PRIMARY KEY, charge TEXT NOT NULL REFERENCES charge, intent TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, created INTEGER NOT NULL, reason TEXT);
CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, digest TEXT NOT NULL, body TEXT NOT NULL,
    created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, type TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
    created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (id INTEGER PRIMARY KEY, event TEXT NOT NULL REFERENCES event,
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL, delivered_at REAL, result TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL;
"""
KEY_KEPT_S = 86_400


class Ledger:
    """`page_url` makes a session's address, `late_s` is how long the late card takes, `changed` is called after each
    change that may have left something to send."""

    def __init__(
        self,
        data: Path | None,
        *,
        page_url: Callable[[str], str],
        late_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(data / "bank.sqlite3" if data else ":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL with NORMAL: what was answered survives a killed process; only a power cut could lose the last moments.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;" + SCHEMA)
        self._page_url = page_url
        self._late_s = late_s
        self.clock = clock
        self.changed: Callable[[], None] = lambda: None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self.changed()

    # -- idempotency --------------------------------------------------------------------------------------------------

    def once(self, key: str, digest: str, work: Callable[[], Form]) -> Form:
        """The stored answer of `key`, or that of `work`, in one transaction. Refusals are not kept."""
        with self._transaction():
            self._db.execute("DELETE FROM answer WHERE created < ?", (self._now() - KEY_KEPT_S,))
            known = self._one("SELECT digest, body FROM answer WHERE key = ?", key)
            if known is None:
                body = work()
                if key:
                    self._insert("answer", key=key, digest=digest, body=json.dumps(body), created=self._now())
                return body
            if known["digest"] != digest:
                raise WireError(400, "This idempotency key belongs to another request.", type="idempotency_error")
            answer: Form = json.loads(known["body"])
            return answer

    # -- sessions (inside `once`) -------------------------------------------------------------------------------------

    def open_session(self, form: Form, amount: int, currency: str, expires_at: int) -> Form:
        session = Session(
            id="cs_test_" + secrets.token_hex(24),
            status="open",
            payment_status="unpaid",
            created=self._now(),
            expires_at=expires_at,
            amount=amount,
            currency=currency,
            form=form,
        )
        self._insert(
            "session",
            id=session.id,
            status=session.status,
            payment_status=session.payment_status,
            created=session.created,
            expires_at=expires_at,
            amount=amount,
            currency=currency,
            form=json.dumps(form),
        )
        return self.show_session(session.id, [])

    def close_session(self, session_id: str, expand: list[str]) -> Form:
        session, intent = self.session(session_id), self.intent_of(session_id)
        if session.status != "open" or (intent and intent.status == "processing"):
            state = "processing a payment" if session.status == "open" else session.status
            raise WireError(400, f"Only an open checkout session can be expired; this one is {state}.")
        self._expire(session)
        return self.show_session(session_id, expand)

    def refund(self, intent_id: str, charge_id: str, amount: int | None, reason: str | None) -> Form:
        charge = self.charge(charge_id) if charge_id else self._charge_of(intent_id)
        left = charge.amount - charge.refunded
        if left == 0:
            raise WireError(
                400, f"Charge {charge.id} has already been refunded.", code="charge_already_refunded", param="charge"
            )
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            raise WireError(
                400, f"Refund amount ({wanted}) must be between 1 and what is left ({left}).", param="amount"
            )
        refund = Refund(
            id="re_" + secrets.token_hex(12),
            charge=charge.id,
            intent=charge.intent,
            amount=wanted,
            currency=charge.currency,
            created=self._now(),
            reason=reason,
        )
        self._insert("refund", **{name: getattr(refund, name) for name in refund.__struct_fields__})
        self._db.execute("UPDATE charge SET refunded = refunded + ? WHERE id = ?", (wanted, charge.id))
        self._tell("charge.refunded", charge.id, charge_object(self.charge(charge.id)))
        return {"id": refund.id}

    # -- what the buyer does on the page ------------------------------------------------------------------------------

    def pay(self, session_id: str, attempt: str, card: TestCard) -> None:
        """One press of the pay button. `attempt` is the page's own number: a second press with the same one, or on a
        session that is paid, closed or busy, changes nothing."""
        with self._transaction():
            session, intent = self._fresh(session_id), self.intent_of(session_id)
            if session.status != "open":
                return
            if intent is None:
                intent = self._make_intent(session, attempt, card)
            elif intent.attempt == attempt or intent.status not in {"requires_payment_method", "requires_action"}:
                return
            self._set_intent(intent.id, attempt=attempt, card=card.number, error=None)
            if card.challenge:
                self._set_intent(intent.id, status="requires_action")
            else:
                self._decide(session, intent.id, card)

    def confirm(self, session_id: str, attempt: str, *, approved: bool) -> None:
        """The buyer's answer to 3-D Secure. Only the first answer to the current attempt counts."""
        with self._transaction():
            session, intent = self._fresh(session_id), self.intent_of(session_id)
            waiting = intent is not None and intent.status == "requires_action" and intent.attempt == attempt
            if intent is None or not waiting or session.status != "open":
                return
            if approved:
                self._decide(session, intent.id, BY_NUMBER[intent.card])
            else:
                self._decline(intent.id, NOT_CONFIRMED)

    def _decide(self, session: Session, intent_id: str, card: TestCard) -> None:
        if card.decline:
            self._decline(intent_id, card.decline)
        elif card.behaviour == "late":
            self._set_intent(intent_id, status="processing", settles_at=self.clock() + self._late_s)
        else:
            self._capture(session, intent_id, copies=2 if card.behaviour == "twice" else 1)

    def _decline(self, intent_id: str, decline: Decline) -> None:
        error = {"type": decline.type, "code": decline.code, "message": decline.text}
        if decline.decline_code:
            error["decline_code"] = decline.decline_code
        self._set_intent(intent_id, status="requires_payment_method", error=json.dumps(error))
        self._tell("payment_intent.payment_failed", intent_id, intent_object(self.intent(intent_id)))

    def _capture(self, session: Session, intent_id: str, copies: int) -> None:
        card = BY_NUMBER[self.intent(intent_id).card]
        charge_id = "ch_" + secrets.token_hex(12)
        self._insert(
            "charge",
            id=charge_id,
            intent=intent_id,
            amount=session.amount,
            currency=session.currency,
            created=self._now(),
            refunded=0,
            brand=card.brand,
            last4=card.number[-4:],
        )
        self._set_intent(intent_id, status="succeeded", charge=charge_id, settles_at=None)
        self._db.execute("UPDATE session SET status='complete', payment_status='paid' WHERE id = ?", (session.id,))
        self._tell("checkout.session.completed", session.id, self.show_session(session.id, []), copies)

    def _expire(self, session: Session) -> None:
        self._db.execute("UPDATE session SET status='expired' WHERE id = ?", (session.id,))
        self._db.execute("UPDATE intent SET status='canceled' WHERE session = ?", (session.id,))
        self._tell("checkout.session.expired", session.id, self.show_session(session.id, []))

    def _fresh(self, session_id: str) -> Session:
        """The session by its clock: nobody pays on a page whose time is over, even if nothing has closed it yet."""
        session, intent = self.session(session_id), self.intent_of(session_id)
        busy = intent is not None and intent.status == "processing"
        if session.status == "open" and session.expires_at <= self.clock() and not busy:
            self._expire(session)
            return self.session(session_id)
        return session

    # -- what time does -----------------------------------------------------------------------------------------------

    def settle_due(self) -> None:
        """Late payments arrive, pages expire."""
        now = self.clock()
        late = self._db.execute("SELECT id, session FROM intent WHERE settles_at <= ?", (now,)).fetchall()
        closing = self._db.execute("SELECT id FROM idle_session WHERE expires_at <= ?", (now,)).fetchall()
        if not late and not closing:
            return
        with self._transaction():
            for row in late:
                self._capture(self.session(row["session"]), row["id"], copies=1)
            for row in closing:
                self._fresh(row["id"])

    def next_moment(self) -> float | None:
        """When time next has something to do."""
        row = self._one(
            "SELECT min(t) AS t FROM (SELECT min(settles_at) AS t FROM intent WHERE settles_at IS NOT NULL"
            " UNION ALL SELECT min(next_at) FROM delivery WHERE next_at IS NOT NULL"
            " UNION ALL SELECT min(expires_at) FROM idle_session)"
        )
        return row["t"] if row else None

    # -- notifications ------------------------------------------------------------------------------------------------

    def _tell(self, kind: str, subject: str, thing: Form, copies: int = 1) -> None:
        event_id = "evt_" + secrets.token_hex(12)
        body = {
            "id": event_id,
            "object": "event",
            "api_version": "2024-06-20",
            "created": self._now(),
            "data": {"object": thing},
            "livemode": False,
            "type": kind,
        }
        self._insert("event", id=event_id, type=kind, subject=subject, body=json.dumps(body), created=self._now())
        for _ in range(copies):
            self._insert("delivery", event=event_id, next_at=self.clock())

    def take_deliveries(self, count: int, lease_s: float) -> list[sqlite3.Row]:
        """Rows of delivery id, attempts, event type, body and creation. Each is due again after the lease, should
        whoever took it die with it."""
        rows = self._db.execute(
            "SELECT delivery.id, attempts, event.type, event.body, event.created FROM delivery"
            " JOIN event ON event.id = delivery.event WHERE next_at <= ? ORDER BY delivery.id LIMIT ?",
            (self.clock(), count),
        ).fetchall()
        for row in rows:
            self._db.execute("UPDATE delivery SET next_at = ? WHERE id = ?", (self.clock() + lease_s, row["id"]))
        return rows

    def hurry_deliveries(self) -> None:
        """All that waits is due now: after a restart, pauses and leases of the process before mean nothing."""
        self._db.execute("UPDATE delivery SET next_at = ? WHERE next_at IS NOT NULL", (self.clock(),))

    def note_delivery(self, delivery_id: int, *, result: str, delivered: bool, next_at: float | None) -> None:
        self._db.execute(
            "UPDATE delivery SET attempts = attempts + 1, result = ?, delivered_at = ?, next_at = ? WHERE id = ?",
            (result, self.clock() if delivered else None, next_at, delivery_id),
        )

    def stop_deliveries(self) -> None:
        """For a bank without an endpoint to tell."""
        self._db.execute("UPDATE delivery SET next_at = NULL, result = 'no endpoint' WHERE next_at IS NOT NULL")

    # -- reading ------------------------------------------------------------------------------------------------------

    def show_session(self, session_id: str, expand: list[str]) -> Form:
        session, intent = self.session(session_id), self.intent_of(session_id)
        charge = self.charge(intent.charge) if intent and intent.charge else None
        return session_object(session, intent, charge, self._page_url(session_id), expand)

    def look(self, session_id: str) -> Session:
        """The session with its clock applied."""
        self.settle_due()
        return self.session(session_id)

    def session(self, session_id: str) -> Session:
        row = self._known("SELECT * FROM session WHERE id = ?", session_id, "checkout session")
        return Session(**{**dict(row), "form": json.loads(row["form"])})

    def intent_of(self, session_id: str) -> Intent | None:
        row = self._one("SELECT * FROM intent WHERE session = ?", session_id)
        return _intent(row) if row else None

    def intent(self, intent_id: str) -> Intent:
        return _intent(self._known("SELECT * FROM intent WHERE id = ?", intent_id, "payment_intent"))

    def charge(self, charge_id: str) -> Charge:
        return Charge(**dict(self._known("SELECT * FROM charge WHERE id = ?", charge_id, "charge")))

    def _charge_of(self, intent_id: str) -> Charge:
        intent = self.intent(intent_id)
        if intent.charge is None:
            raise WireError(400, f"{intent_id} does not have a successful charge to refund.", param="payment_intent")
        return self.charge(intent.charge)

    def refund_by_id(self, refund_id: str) -> Refund:
        return Refund(**dict(self._known("SELECT * FROM refund WHERE id = ?", refund_id, "refund")))

    def refunds(self, intent_id: str) -> list[Refund]:
        rows = self._db.execute("SELECT * FROM refund WHERE intent = ? ORDER BY rowid DESC", (intent_id,))
        return [Refund(**dict(row)) for row in rows]

    def latest(self, count: int) -> list[dict[str, Any]]:
        """The newest sessions with what became of them and how their notifications fare, for the bank's own page."""
        rows = self._db.execute(
            "SELECT session.*, intent.status AS intent_status, intent.error, intent.card, charge.refunded FROM session"
            " LEFT JOIN intent ON intent.session = session.id LEFT JOIN charge ON charge.intent = intent.id"
            " ORDER BY session.rowid DESC LIMIT ?",
            (count,),
        ).fetchall()
        return [
            {
                **dict(row),
                "form": json.loads(row["form"]),
                "error": json.loads(row["error"]) if row["error"] else None,
                "told": self._db.execute(
                    "SELECT event.type, attempts, delivered_at, result FROM delivery"
                    " JOIN event ON event.id = delivery.event LEFT JOIN intent ON intent.id = event.subject"
                    " WHERE event.subject = ? OR intent.session = ? ORDER BY delivery.id",
                    (row["id"], row["id"]),
                ).fetchall(),
            }
            for row in rows
        ]

    # -- writing ------------------------------------------------------------------------------------------------------

    def _make_intent(self, session: Session, attempt: str, card: TestCard) -> Intent:
        intent_id = "pi_" + secrets.token_hex(12)
        self._insert(
            "intent",
            id=intent_id,
            session=session.id,
            status="requires_payment_method",
            created=self._now(),
            amount=session.amount,
            currency=session.currency,
            attempt=attempt,
            card=card.number,
            form=json.dumps(session.form.get("payment_intent_data", {})),
        )
        return self.intent(intent_id)

    def _set_intent(self, intent_id: str, **values: object) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE intent SET {names} WHERE id = ?", (*values.values(), intent_id))  # noqa: S608 - our names

    def _insert(self, table: str, **values: object) -> None:
        marks = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our names

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
        return row

    def _known(self, query: str, value: str, kind: str) -> sqlite3.Row:
        row = self._one(query, value)
        if row is None:
            raise WireError(404, f"No such {kind}: '{value}'", code="resource_missing", param="id")
        return row

    def _now(self) -> int:
        return int(self.clock())


def _intent(row: sqlite3.Row) -> Intent:
    error = json.loads(row["error"]) if row["error"] else None
    return Intent(**{**dict(row), "error": error, "form": json.loads(row["form"])})
