"""Signed messages to the box office, repeated until they are answered with 2xx: after 1, 2, 4, 8 … seconds.

What is due stands in the ledger, so a restart of either side loses none. A repeat is signed anew but carries the same
event id; receivers tell repeats by it. Order is not kept, as with the real provider.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3

import httpx
import structlog

from app.demo.bank.ledger import Ledger

log = structlog.get_logger(__name__)

PAUSE_S_MAX = 60.0
GIVEN_UP_AFTER_S = 3 * 86_400
AT_A_TIME = 8
TIMEOUT_S = 10.0
LEASE_S = 30.0


def sign(body: bytes, secret: str, at: int) -> str:
    """The signature header for `body` sent at `at` (Unix seconds)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Notifier:
    """The bank's clock and postman: one task that wakes when time or a payment has left something to do."""

    def __init__(self, ledger: Ledger, *, url: str, secret: str, first_pause_s: float) -> None:
        self._ledger = ledger
        self._url = url
        self._secret = secret
        self._first_pause_s = first_pause_s
        self._news = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        ledger.changed = self._news.set

    async def run(self) -> None:
        """Until cancelled."""
        if self._url:
            self._ledger.hurry_deliveries()
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            try:
                while True:
                    self._news.clear()
                    self._ledger.settle_due()
                    if not self._url:
                        self._ledger.stop_deliveries()
                    for row in self._ledger.take_deliveries(AT_A_TIME - len(self._under_way), LEASE_S):
                        task = asyncio.create_task(self._deliver(client, row))
                        self._under_way.add(task)
                        task.add_done_callback(self._one_is_back)
                    await self._sleep()
            finally:
                for task in self._under_way:
                    task.cancel()
                await asyncio.gather(*self._under_way, return_exceptions=True)

    def _one_is_back(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._news.set()

    async def _sleep(self) -> None:
        moment = self._ledger.next_moment()
        full = len(self._under_way) >= AT_A_TIME  # then the next one to come back wakes us
        pause = PAUSE_S_MAX if moment is None or full else max(moment - self._ledger.clock(), 0.0)
        try:
            # Never for ever: a laptop's sleep or a set clock must not stop the postman.
            await asyncio.wait_for(self._news.wait(), min(pause, PAUSE_S_MAX))
        except TimeoutError:
            return

    async def _deliver(self, client: httpx.AsyncClient, row: sqlite3.Row) -> None:
        body: bytes = row["body"].encode()
        try:
            response = await client.post(
                self._url,
                content=body,
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Stripe-Signature": sign(body, self._secret, int(self._ledger.clock())),
                    "User-Agent": "Placeur demo bank",
                },
            )
            delivered, result = response.is_success, str(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivered, result = False, type(error).__name__
        pause = min(self._first_pause_s * 2 ** row["attempts"], PAUSE_S_MAX)
        again = not delivered and self._ledger.clock() - row["created"] < GIVEN_UP_AFTER_S
        self._ledger.note_delivery(
            row["id"], result=result, delivered=delivered, next_at=self._ledger.clock() + pause if again else None
        )
        log.info("bank_notification", type=row["type"], result=result, attempt=row["attempts"] + 1)
