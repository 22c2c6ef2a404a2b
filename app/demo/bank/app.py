"""The bank put together: as an application of its own, or as a router inside another one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from litestar import Litestar, Router
from litestar.di import Provide

from app.demo.bank import api, pages
from app.demo.bank.ledger import Ledger
from app.demo.bank.notifications import Notifier
from app.demo.bank.wire import Terms, WireError

LATE_S = 8.0


class Bank:
    """One bank. Inside another application: add `router(path)` to its handlers, `lifespan` to its lifespans, and let
    `base_url` end in the same path. `data` None keeps everything in memory."""

    def __init__(
        self,
        *,
        secret_key: str,
        webhook_secret: str,
        webhook_url: str,
        base_url: str,
        data: Path | None,
        late_s: float = LATE_S,
        session_s_min: int = 1_800,
        first_pause_s: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.terms = Terms(base_url=base_url.rstrip("/"), secret_key=secret_key, session_s_min=session_s_min)
        self.ledger = Ledger(data, page_url=self.terms.page_url, late_s=late_s, clock=clock)
        self._tell = (webhook_url, webhook_secret, first_pause_s)

    def router(self, path: str) -> Router:
        return Router(
            path=path,
            route_handlers=[api.router, pages.router],
            dependencies={
                "bank_ledger": Provide(lambda: self.ledger, sync_to_thread=False),
                "bank_terms": Provide(lambda: self.terms, sync_to_thread=False),
            },
            exception_handlers={WireError: api.say_error},
            include_in_schema=False,
        )

    @asynccontextmanager
    async def lifespan(self, app: Litestar) -> AsyncIterator[None]:
        app.state.bank_terms = self.terms
        url, secret, first_pause_s = self._tell
        notifier = Notifier(self.ledger, url=url, secret=secret, first_pause_s=first_pause_s)
        task = asyncio.create_task(notifier.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self.ledger.close()


def create_bank(
    *,
    secret_key: str,
    webhook_secret: str,
    webhook_url: str,
    data: Path | None,
    base_url: str,
    late_s: float = LATE_S,
    session_s_min: int = 1_800,
    first_pause_s: float = 1.0,
    clock: Callable[[], float] = time.time,
) -> Litestar:
    """The bank as an application at `base_url`, whose path it answers under (`http://127.0.0.1:8105/bank` -> /bank)."""
    bank = Bank(
        secret_key=secret_key,
        webhook_secret=webhook_secret,
        webhook_url=webhook_url,
        data=data,
        base_url=base_url,
        late_s=late_s,
        session_s_min=session_s_min,
        first_pause_s=first_pause_s,
        clock=clock,
    )
    path = urlsplit(base_url).path.rstrip("/") or "/"
    return Litestar(route_handlers=[bank.router(path)], lifespan=[bank.lifespan], openapi_config=None)
