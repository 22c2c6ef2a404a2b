"""The whole web process on a loopback port, and browsers in front of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from app.core import db
from app.main import create_app
from app.settings import get_settings
from realtime.sockets import uvicorn_options
from tests.cast import PASSWORD
from tests.realtime.server import serve


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[str]:
    """Its address. It lives in this process and shares its pool, so a test may look into the ledger meanwhile."""
    settings = get_settings()
    await db.stop_pool()  # the application opens its own, and closes it
    async with serve(create_app(settings), **uvicorn_options(settings.live_frame_bytes_max)) as host:
        yield f"http://{host}"


def browser(shop: str, **headers: str) -> httpx.AsyncClient:
    """A browser with its own cookies, on the shop's own pages. It follows no redirect."""
    own = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    return httpx.AsyncClient(base_url=shop, headers={**own, **headers}, timeout=60, trust_env=False)


async def sign_in(client: httpx.AsyncClient, name: str) -> httpx.Response:
    answer = await client.post("/login", data={"email": f"{name}@example.org", "password": PASSWORD})
    assert answer.status_code == 303, answer.text[:300]
    return answer


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    """The problem details of a refusal, which must have their shape (RFC 9457) and none of our insides."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
    told: dict[str, Any] = answer.json()
    assert told["code"] == code, told
    assert told["type"] == f"urn:placeur:problem:{code}"
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["detail"]
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"]
    return told
