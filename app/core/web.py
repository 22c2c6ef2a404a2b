"""Pages and problems: templates with their helpers, and how a refusal reaches a person or a client."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException, ValidationException
from litestar.response import Redirect
from piccolo.engine.exceptions import TransactionError
from redis.exceptions import RedisError

from app.core import i18n
from app.core.errors import Invalid, Problem
from app.core.i18n import N_, gettext
from app.core.money import show_money

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
BUILD = FRONTEND / "static" / "build"
STATUS_PROBLEMS = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
log = structlog.get_logger()


@functools.cache
def _manifest(stamp: float) -> dict[str, str]:
    found: dict[str, str] = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return found


def static(name: str) -> str:
    """The address of a built file by its source name; content-hashed, so it may be cached for ever."""
    try:
        manifest = _manifest((BUILD / "manifest.json").stat().st_mtime)
    except OSError:
        raise RuntimeError("The browser code is not built: run `npm ci && npm run build` in frontend/.") from None
    return f"/static/build/{manifest.get(name, name)}"


def _date(moment: datetime | str, form: str = "full", zone: str = "Europe/Paris") -> str:
    return i18n.show_date(_moment(moment), zone, form)


def _time(moment: datetime | str, zone: str = "Europe/Paris") -> str:
    return i18n.show_time(_moment(moment), zone)


def _moment(moment: datetime | str) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment


@functools.cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FRONTEND / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension at run time
        gettext, i18n.ngettext, newstyle=True
    )
    made.globals |= {
        "static": static,
        "money": lambda minor, currency: show_money(minor, currency, i18n.current_locale()),
        "date": _date,
        "time": _time,
        "languages": i18n.language_names(),
    }
    return made


def render(template: str, **context: Any) -> str:
    language = i18n.current_locale()
    context.setdefault("operator", None)
    context.setdefault("box_office", None)
    context.setdefault("request_path", "/")
    return (
        environment()
        .get_template(template)
        .render(locale=language, ts_strings=i18n.strings_for_scripts(language), **context)
    )


def page(request: Request[Any, Any, Any], template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """A page for a person. Pages are private by default: carts and log-ins show on all of them."""
    html = render(template, request_path=request.url.path, **context)
    return Response(html, media_type=MediaType.HTML, status_code=status, headers={"cache-control": "private, no-cache"})


def plain(value: Any) -> Any:
    """Structs to dicts and lists for templates and page data."""
    return msgspec.to_builtins(value)


def tell(problem: Problem) -> dict[str, Any]:
    """RFC 9457 problem details in the reader's language."""
    title, detail = gettext(problem.kind.title), gettext(problem.kind.detail)
    told: dict[str, Any] = {
        "type": f"urn:placeur:problem:{problem.code}",
        "title": title,
        "status": problem.kind.status,
        "detail": detail.format_map(_spoken(problem.params)) if problem.params else detail,
        "code": problem.code,
    }
    if isinstance(problem, Invalid):
        told["errors"] = [{"field": f, "message": gettext(m)} for f, m in problem.errors.items()]
    return told | problem.extras


def _spoken(params: Mapping[str, Any]) -> dict[str, Any]:
    """A reason is a sentence of its own, in the reader's language too."""
    return {name: gettext(value) if name == "reason" else value for name, value in params.items()}


def answer_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """JSON for the API, a page for a person; to whoever is not signed in, the log-in, which leads back here."""
    told = tell(problem)
    headers = {"retry-after": "2"} if problem.kind.status == 503 else {}
    if seconds := problem.params.get("seconds"):
        headers["retry-after"] = str(seconds)
    if request.url.path.startswith(("/api/", "/webhooks/", "/health/")):
        return Response(
            msgspec.json.encode(told),
            media_type="application/problem+json",
            status_code=problem.kind.status,
            headers=headers,
        )
    if problem.code == "unauthenticated" and request.method in {"GET", "HEAD"}:
        return Redirect(f"/login?next={_address_of(request)}", status_code=303)
    html = render(
        "errors/problem.html",
        request_path=request.url.path,
        status=problem.kind.status,
        title=told["title"],
        detail=told["detail"],
    )
    return Response(html, media_type=MediaType.HTML, status_code=problem.kind.status, headers=headers)


def _address_of(request: Request[Any, Any, Any]) -> str:
    """Path and query on this site, ready to stand in a query itself."""
    return quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def handle_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The one exception handler: everything becomes a Problem, nothing shows its insides."""
    return answer_problem(request, problem_of(request, error))


def problem_of(request: Request[Any, Any, Any], error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case ValidationException():
            return _from_validation(error)
        case NotFoundException():
            return Problem("not_found")
        case NotAuthorizedException():
            return Problem("unauthenticated")
        case HTTPException() if error.status_code in STATUS_PROBLEMS:
            return Problem(STATUS_PROBLEMS[error.status_code])
        case HTTPException() if error.status_code < 500:
            return Problem("bad_request", params={"reason": error.detail})
        case RecursionError():
            return Problem("bad_request", params={"reason": N_("it is nested too deeply.")})
        case asyncpg.DataError():
            # A number beyond its column, a NUL in a text: nothing that a sound client sends.
            log.warning("value_refused", error=repr(error))
            return Problem("bad_request", params={"reason": N_("a value is out of range.")})
        case asyncpg.PostgresConnectionError() | asyncpg.InterfaceError() | RedisError() | ConnectionError():
            log.warning("engine_unavailable", error=repr(error))
            return Problem("store_unavailable")
        case asyncpg.OperatorInterventionError() | asyncpg.InsufficientResourcesError():
            # It is being stopped or started amid our question, or has no connection, memory or disk to spare.
            log.warning("engine_unavailable", error=repr(error))
            return Problem("store_unavailable")
        case asyncpg.ReadOnlySQLTransactionError() | TransactionError() | TimeoutError():
            log.warning("engine_unavailable", error=repr(error))
            return Problem("store_unavailable")
        case OSError() if isinstance(error, OSError) and error.errno in {2, 111}:
            # A unix socket that is gone, a port that refuses: the engine is being restarted.
            log.warning("engine_unavailable", error=repr(error))
            return Problem("store_unavailable")
        case _:
            request_id = request.scope["state"].get("request_id", "?")
            log.error("unforeseen_error", exc_info=error, request_id=request_id)
            return Problem("internal", params={"request_id": request_id})


def _from_validation(error: ValidationException) -> Problem:
    if isinstance(error.extra, list):
        fields = {str(e.get("key") or "body"): str(e.get("message")) for e in error.extra if isinstance(e, dict)}
        if fields:
            return Invalid(fields)
    return Problem("bad_request", params={"reason": error.detail})
