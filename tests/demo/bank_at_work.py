"""A bank on a loopback port and the box office's ear for its notifications, both over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from app.demo.bank import create_bank
from app.sales.methods import _stripe
from app.sales.methods._contract import MethodSettings, Notification, PaymentIntent
from app.sales.methods.card import METHOD

SECRET_KEY = "sk_test_theatre"
WEBHOOK_SECRET = "whsec_theatre"


@asynccontextmanager
async def serving(*apps: tuple[Any, socket.socket]) -> AsyncIterator[None]:
    """Each application answers on its socket for as long as the block lasts."""
    servers = [uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2)) for app, _ in apps]
    tasks = [asyncio.create_task(server.serve([sock])) for server, (_, sock) in zip(servers, apps, strict=True)]
    try:
        while not all(server.started for server in servers):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def loopback(port: int = 0) -> tuple[socket.socket, str]:
    # With its protocol named: asyncio turns Nagle off only for sockets that say they are TCP, and each answer on a kept
    # connection would wait 40 ms for an acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen()
    return sock, f"http://127.0.0.1:{sock.getsockname()[1]}"


@dataclass
class Ear:
    """Where the bank sends its notifications. `refusals`: how many to answer with 503 before believing any."""

    url: str = ""
    refusals: int = 0
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answered: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.heard.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        status = 503 if self.refusals > 0 else 200
        self.refusals -= 1
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        async with self.answered:
            self.answered.notify_all()

    async def until(self, count: int) -> None:
        """Wait for so many requests; the limit only ends a test that would never end."""
        async with asyncio.timeout(60), self.answered:
            await self.answered.wait_for(lambda: len(self.heard) >= count)

    def news(self, settings: MethodSettings) -> list[Notification]:
        """Everything heard, checked and read as the box office does."""
        return [METHOD.read_notification(h, body, datetime.now(UTC), settings=settings) for h, body in self.heard]


@dataclass
class Clock:
    """Real time, which can be put forward."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return datetime.now(UTC).timestamp() + self.ahead_s


@dataclass
class BankAtWork:
    url: str
    settings: MethodSettings
    ear: Ear
    clock: Clock

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Buyer]:
        async with httpx.AsyncClient(trust_env=False, timeout=60, headers={"Accept-Language": "en"}) as client:
            yield Buyer(client)


@dataclass
class Buyer:
    """Someone in front of the bank's page; follows redirects within the bank and notes where they lead out."""

    client: httpx.AsyncClient

    async def press_pay(self, page: str, number: str, *, attempt: str = "", **fields: str) -> httpx.Response:
        attempt = attempt or hidden(await self.client.get(page), "attempt")
        form = {"number": number, "expiry": "12 / 34", "code": "123", "attempt": attempt, **fields}
        return await self.client.post(page, data=form)

    async def answer(self, confirm_page: str, answer: str) -> httpx.Response:
        attempt = hidden(await self.client.get(confirm_page), "attempt")
        return await self.client.post(confirm_page, data={"answer": answer, "attempt": attempt})


def hidden(page: httpx.Response, name: str) -> str:
    return page.text.partition(f'name="{name}" value="')[2].partition('"')[0]


def intent(key: str = "pay-1", **changes: Any) -> PaymentIntent:
    """Three seats for the Barber of Seville. Made anew it has another moment of creation: keep it to ask twice."""
    created = datetime.now(UTC).replace(microsecond=0)
    values: dict[str, Any] = {
        "payment": "17",
        "idempotency_key": key,
        "order_code": "C7Q2M9XK4TD",
        "amount_minor": 8_850,
        "currency": "EUR",
        "description": "Le Barbier de Séville, 3 places",
        "return_url": "https://theatre.example/orders/C7Q2M9XK4TD?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://theatre.example/orders/C7Q2M9XK4TD?left=1",
        "email": "camille@theatre.example",
        "locale": "en",
        "created_at": created,
        "expires_at": created + timedelta(minutes=10),
    }
    return PaymentIntent(**{**values, **changes})


@asynccontextmanager
async def bank_at_work(
    data: Path | None = None,
    *,
    late_s: float = 0.3,
    session_s_min: int = 1_800,
    ear: Ear | None = None,
    sock: tuple[socket.socket, str] | None = None,
    wrap: Callable[[Any], Any] = lambda app: app,
) -> AsyncIterator[BankAtWork]:
    """`wrap` puts something between the network and the bank."""
    ear = ear or Ear()
    ear_sock, ear.url = loopback()
    bank_sock, address = sock or loopback()
    url, clock = address + "/bank", Clock()
    bank = create_bank(
        secret_key=SECRET_KEY,
        webhook_secret=WEBHOOK_SECRET,
        webhook_url=ear.url,
        data=data,
        base_url=url,
        late_s=late_s,
        session_s_min=session_s_min,
        first_pause_s=0.02,
        clock=clock,
    )
    settings = MethodSettings(base_url=url, secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, test_mode=True)
    async with serving((ear, ear_sock), (wrap(bank), bank_sock)):
        try:
            yield BankAtWork(url, settings, ear, clock)
        finally:
            await _stripe.close_connections()
