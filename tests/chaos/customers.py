"""People who buy over HTTP as the pages do, and who try again when the box office was away."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

import httpx

from app.demo.bank import SUCCEEDS
from tests.running import RunningDemo, eventually, log_in_of

ATTEMPT = re.compile(r'name="attempt" value="([^"]*)"')
AWAY = (httpx.TransportError,)
JSON = dict[str, Any]


class Buyer:
    """One browser's cookies, one order at most at a time."""

    def __init__(self, demo: RunningDemo, name: str) -> None:
        self.demo = demo
        self.email = f"{name}.{secrets.token_hex(4)}@example.org"
        self.http = httpx.AsyncClient(base_url=demo.url, trust_env=False, timeout=60, headers={"accept-language": "en"})
        self.key = secrets.token_hex(8)
        self.order: JSON = {}

    async def __aenter__(self) -> Buyer:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.http.aclose()

    async def holds_best(self, performance: int, count: int = 1) -> list[int]:
        """Returns the seats."""
        asked = {"performance": performance, "best": {"count": count}}
        cart = _told(await self.http.post("/api/v1/cart/items", json=asked))
        return [item["ordinal"] for item in cart["items"]]

    async def cart(self) -> JSON:
        cart: JSON = _told(await self.http.get("/api/v1/cart"))
        return cart

    async def asks_to_order(self) -> httpx.Response:
        """Presses Pay: the same key as long as nobody has answered, as the page does."""
        asked = {"name": "Ana Díaz", "email": self.email, "method": "card", "accept_terms": True}
        return await self.http.post("/api/v1/orders", json=asked, headers={"idempotency-key": self.key})

    async def orders(self) -> JSON:
        self.order = _told(await self.asks_to_order())
        return self.order

    async def orders_again(self) -> JSON:
        """Presses Pay until it is answered; a refusal makes the next press a new question, as on the page."""

        async def answered() -> bool:
            try:
                answer = await self.asks_to_order()
            except AWAY:
                return False
            if answer.status_code < 500 and answer.status_code != 201:
                self.key = secrets.token_hex(8)
            assert answer.status_code in (201, 409, 503), answer.text
            if answer.status_code == 201:
                self.order = answer.json()
            return answer.status_code == 201

        await eventually(answered, "the order is answered", 120)
        return self.order

    async def pays(self, card: str = SUCCEEDS) -> httpx.Response:
        """On the bank's page, up to its answer: the way back to the box office."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as bank:
            shown = await bank.get(self.order["pay_url"])
            attempt = ATTEMPT.search(shown.text)
            assert attempt is not None, shown.text
            form = {"attempt": attempt[1], "number": card, "expiry": "12 / 34", "code": "123"}
            answer = await bank.post(self.order["pay_url"], data=form)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        return answer

    async def looks(self) -> JSON:
        """At the order, as its page does while it waits."""
        key = {"key": self.order["key"]}
        order: JSON = _told(await self.http.get(f"/api/v1/orders/{self.order['code']}", params=key))
        return order

    async def waits_until(self, true: Callable[[JSON], bool], what: str, timeout_s: float = 180) -> JSON:
        async def looked() -> JSON | None:
            with contextlib.suppress(*AWAY):
                seen = await self.looks()
                return seen if true(seen) else None
            return None

        found = await eventually(looked, f"{what} ({self.email})", timeout_s)
        assert found is not None
        return found

    async def is_paid(self) -> JSON:
        return await self.waits_until(lambda order: order["status"] == "paid", "the order is paid")

    async def has_one_mail(self) -> None:
        """Waits for it; that no second one comes is seen at the end of all."""

        async def arrived() -> bool:
            return bool(self.demo.mails_to(self.email))

        await eventually(arrived, f"a mail for {self.email}", 180)
        assert len(self.demo.mails_to(self.email)) == 1


async def deadlines_pass(demo: RunningDemo, emails: str) -> None:
    """As if the time had passed that unpaid orders of these people (a pattern) wait for their payment."""
    await demo.ask(
        "WITH late AS (UPDATE sales.sale SET deadline_at = now() WHERE status = 'pending' AND email LIKE $1"
        " RETURNING id) UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'expire_order'"
        " AND (convert_from(payload, 'UTF8')::json ->> 'order')::bigint IN (SELECT id FROM late)",
        emails,
    )


class Cashier:
    """Sells at the counter against cash."""

    def __init__(self, demo: RunningDemo, http: httpx.AsyncClient) -> None:
        self.demo = demo
        self.http = http

    async def sells_best(self, performance: int, count: int, *, email: str = "", prints: bool = True) -> JSON:
        total = await self._takes_best(performance, count)
        sale: JSON = _told(await self._asks_to_sell(total, email, prints))
        return sale

    async def sells_whatever_happens(self, performance: int, count: int) -> JSON | None:
        """Presses Sell until it is answered; None when not even the seats were had."""
        try:
            total = await self._takes_best(performance, count)
        except (*AWAY, AssertionError):
            return None

        async def answered() -> JSON | None:
            with contextlib.suppress(*AWAY):
                answer = await self._asks_to_sell(total, "", prints=True)
                assert answer.status_code in (201, 503), answer.text
                return answer.json() if answer.is_success else None
            return None

        return await eventually(answered, "the sale is answered", 120)

    async def _takes_best(self, performance: int, count: int) -> int:
        """Returns what they cost."""
        asked = {"performance": performance, "best": {"count": count}}
        cart = _told(await self.http.post("/api/v1/counter/cart/items", json=asked))
        return int(cart["total_minor"])

    async def _asks_to_sell(self, total_minor: int, email: str, prints: bool) -> httpx.Response:
        sale = {"method": "cash", "expected_total_minor": total_minor, "email": email, "print": prints}
        return await self.http.post("/api/v1/counter/orders", json=sale)

    async def papers_are(self, jobs: list[int], state: str) -> None:
        async def are() -> bool:
            with contextlib.suppress(*AWAY):
                ids = ",".join(map(str, jobs))
                found = _told(await self.http.get("/api/v1/counter/print-jobs", params={"ids": ids}))
                return [job["state"] for job in found] == [state] * len(jobs)
            return False

        await eventually(are, f"the papers {jobs} are {state}", 180)


@contextlib.asynccontextmanager
async def cashier_at(demo: RunningDemo) -> AsyncIterator[Cashier]:
    async with httpx.AsyncClient(base_url=demo.url, trust_env=False, timeout=60) as http:
        answer = await http.post("/login", data=log_in_of("cashier"))
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        yield Cashier(demo, http)


def _told(answer: httpx.Response) -> Any:
    """What was answered, which must not be a refusal."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
    return answer.json()
