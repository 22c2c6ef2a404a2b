"""What every request passes through first: its id, its language, protection from other sites, the response's headers.

Cross-site requests: a browser says where a request comes from (`Sec-Fetch-Site`, else `Origin`), so an unsafe method
from another site is refused without tokens in forms. Clients that are no browsers send neither and carry no cookies
that somebody else could ride on. Cookies are SameSite=Lax besides.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core import i18n
from app.core.errors import Problem

SAFE = {"GET", "HEAD", "OPTIONS"}
LANGUAGE_COOKIE = "placeur_language"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'; object-src 'none'"
)


def comes_from_elsewhere(headers: Mapping[str, str], host: str) -> bool:
    """True when a browser says that another site sent this request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != host
    except ValueError:
        return True


def refuse_cross_site(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard of every route: what `Edge` found is refused before a handler sees it. Raises Problem('cross_site')."""
    if connection.scope["state"].get("cross_site"):
        raise Problem("cross_site")


class Edge(ASGIMiddleware):
    """Around the whole application, for HTTP and websocket alike: Litestar gives its middleware only what it can
    route, and an address that leads nowhere deserves its language and its headers too."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        headers = Headers.from_scope(scope)
        request_id = headers.get("x-request-id", "")[:64] or uuid.uuid4().hex[:16]
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, path=scope["path"])
        query = _query(scope, "language")
        cookie = _cookie(headers, LANGUAGE_COOKIE)
        language = i18n.negotiate(query, cookie, headers.get("accept-language"))
        i18n.set_locale(language)
        if scope["type"] == ScopeType.WEBSOCKET:
            await next_app(scope, receive, send)
            return
        scope["state"]["cross_site"] = scope["method"] not in SAFE and comes_from_elsewhere(
            headers, headers.get("host", "")
        )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableScopeHeaders.from_message(message)
                out["x-request-id"] = request_id
                out.setdefault("content-security-policy", POLICY)
                out["x-content-type-options"] = "nosniff"
                out["referrer-policy"] = "strict-origin-when-cross-origin"
                if query in i18n.LANGUAGES and query != cookie:
                    out.add("set-cookie", f"{LANGUAGE_COOKIE}={query}; Path=/; Max-Age=31536000; SameSite=Lax")
            await send(message)

        await next_app(scope, receive, send_with_headers)


def _query(scope: Scope, name: str) -> str | None:
    return next(iter(parse_qs(scope.get("query_string", b"").decode("latin-1")).get(name, [])), None)


def _cookie(headers: Headers, name: str) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None
