"""What the box office calls: sessions, payment intents, charges, refunds. Form-encoded in, JSON out, bearer key."""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from app.demo.bank.ledger import Ledger
from app.demo.bank.wire import (
    Form,
    Terms,
    WireError,
    charge_object,
    group,
    integer,
    intent_object,
    read_form,
    refund_object,
    refuse_unknown,
    text,
)

SESSION_FIELDS = {
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_types",
    "success_url",
}
SESSION_S_MAX = 86_400
AMOUNT_MIN, AMOUNT_MAX = 50, 99_999_999

Wire = Request[Any, Any, Any]
TheLedger: TypeAlias = NamedDependency[Ledger]
TheTerms: TypeAlias = NamedDependency[Terms]


def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Bearer, or the key as user name of Basic, as curl -u sends it."""
    terms: Terms = connection.app.state.bank_terms
    kind, _space, value = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            value = b64decode(value, validate=True).decode().partition(":")[0]
        except (NotBase64, UnicodeDecodeError):
            value = ""
    if not value or not hmac.compare_digest(value.encode(), terms.secret_key.encode()):
        raise WireError(401, "Invalid API Key provided.", code="api_key_invalid")


@post("/checkout/sessions", status_code=200)
async def open_session(request: Wire, bank_ledger: TheLedger, bank_terms: TheTerms) -> Response[Form]:
    form, key, digest = await _read(request)

    def work() -> Form:
        refuse_unknown(form, SESSION_FIELDS)
        return bank_ledger.open_session(
            form, *_priced(form), _closing_time(form, bank_ledger.clock(), bank_terms.session_s_min)
        )

    return _answer(bank_ledger.once(key, digest, work))


@get("/checkout/sessions/{session_id:str}")
async def show_session(request: Wire, session_id: FromPath[str], bank_ledger: TheLedger) -> Response[Form]:
    bank_ledger.look(session_id)
    return _answer(bank_ledger.show_session(session_id, _expand(read_form(request.url.query))))


@post("/checkout/sessions/{session_id:str}/expire", status_code=200)
async def close_session(request: Wire, session_id: FromPath[str], bank_ledger: TheLedger) -> Response[Form]:
    form, key, digest = await _read(request)
    refuse_unknown(form, {"expand"})
    bank_ledger.look(session_id)
    return _answer(bank_ledger.once(key, digest, lambda: bank_ledger.close_session(session_id, _expand(form))))


@get("/payment_intents/{intent_id:str}")
async def show_intent(request: Wire, intent_id: FromPath[str], bank_ledger: TheLedger) -> Response[Form]:
    intent = bank_ledger.intent(intent_id)
    wanted = "latest_charge" in _expand(read_form(request.url.query)) and intent.charge
    return _answer(intent_object(intent, bank_ledger.charge(wanted) if wanted else None))


@get("/charges/{charge_id:str}")
async def show_charge(charge_id: FromPath[str], bank_ledger: TheLedger) -> Response[Form]:
    return _answer(charge_object(bank_ledger.charge(charge_id)))


@post("/refunds", status_code=200)
async def refund(request: Wire, bank_ledger: TheLedger) -> Response[Form]:
    form, key, digest = await _read(request)

    def work() -> Form:
        refuse_unknown(form, {"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
        charge = form.get("charge", "")
        made = bank_ledger.refund(
            "" if charge else text(form, "payment_intent"),
            charge,
            integer(form, "amount") if "amount" in form else None,
            form.get("reason"),
        )
        return refund_object(bank_ledger.refund_by_id(made["id"]))

    return _answer(bank_ledger.once(key, digest, work))


@get("/refunds/{refund_id:str}")
async def show_refund(refund_id: FromPath[str], bank_ledger: TheLedger) -> Response[Form]:
    return _answer(refund_object(bank_ledger.refund_by_id(refund_id)))


@get("/refunds")
async def list_refunds(request: Wire, bank_ledger: TheLedger) -> Response[Form]:
    intent_id = text(read_form(request.url.query), "payment_intent")
    made = [refund_object(each) for each in bank_ledger.refunds(intent_id)]
    return _answer({"object": "list", "data": made, "has_more": False, "url": "/v1/refunds"})


def say_error(_: Wire, error: WireError) -> Response[Form]:
    return Response({"error": error.error}, status_code=error.status, media_type="application/json")


async def _read(request: Wire) -> tuple[Form, str, str]:
    """The form, the idempotency key, and a digest of everything that must be the same for the same key."""
    body = await request.body()
    try:
        form = read_form(body.decode())
    except UnicodeDecodeError as error:
        raise WireError(400, "The body is not UTF-8.") from error
    key = request.headers.get("idempotency-key", "")
    if len(key) > 255:
        raise WireError(400, "Idempotency keys have at most 255 characters.", type="idempotency_error")
    return form, key, hashlib.sha256(request.url.path.encode() + b"\n" + body).hexdigest()


def _priced(form: Form) -> tuple[int, str]:
    """Total and currency of the lines."""
    if text(form, "mode") != "payment":
        raise WireError(400, "This bank knows mode=payment only.", param="mode")
    for name in ("success_url", "cancel_url"):
        if urlsplit(text(form, name)).scheme not in {"http", "https"}:
            raise WireError(400, "Not a valid URL", code="url_invalid", param=name)
    total, currencies = 0, set()
    lines = group(form, "line_items")
    for index, line in lines.items():
        if not isinstance(line, dict):
            raise WireError(400, "Invalid object", param=f"line_items[{index}]")
        price = group(line, "price_data")
        text(group(price, "product_data"), "name")
        currencies.add(text(price, "currency").lower())
        total += integer(price, "unit_amount") * integer(line, "quantity")
    if len(currencies) != 1:
        raise WireError(400, "All line items must have the same currency.", param="line_items")
    if total < AMOUNT_MIN:
        raise WireError(400, "The total is below the minimum charge amount.", code="amount_too_small")
    if total > AMOUNT_MAX:
        raise WireError(400, "The total is above the maximum charge amount.", code="amount_too_large")
    email = form.get("customer_email")
    if email is not None and "@" not in email:
        raise WireError(400, f"Invalid email address: {email}", code="email_invalid", param="customer_email")
    return total, currencies.pop()


def _closing_time(form: Form, now: float, shortest_s: int) -> int:
    if "expires_at" not in form:
        return int(now) + SESSION_S_MAX
    closes = integer(form, "expires_at")
    if not int(now) + shortest_s <= closes <= now + SESSION_S_MAX:
        raise WireError(
            400, f"expires_at must be between {shortest_s} seconds and 24 hours from now.", param="expires_at"
        )
    return closes


def _expand(form: Form) -> list[str]:
    wanted = form.get("expand", [])
    return list(wanted.values()) if isinstance(wanted, dict) else wanted if isinstance(wanted, list) else [wanted]


def _answer(body: Form) -> Response[Form]:
    return Response(body, status_code=200, media_type="application/json")


router = Router(
    path="/v1",
    route_handlers=[
        open_session,
        show_session,
        close_session,
        show_intent,
        show_charge,
        refund,
        show_refund,
        list_refunds,
    ],
    guards=[require_key],
)
