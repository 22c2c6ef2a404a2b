"""Stripe's wire: form-encoded calls, idempotency keys, signed notifications, amounts. The meaning is card.py's affair.

One HTTP client per event loop, kept open: a new TLS context for each call costs more than the call.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar
from weakref import WeakKeyDictionary

import httpx
import msgspec
from babel.numbers import get_currency_precision
from msgspec import Struct

from app.core.i18n import N_
from app.sales.methods._contract import (
    LOOPBACK,
    BadNotification,
    MethodSettings,
    ProviderRefused,
    ProviderUnavailable,
)

# The shape of answers is pinned, so that a change of the account's default version cannot change what we read.
API_VERSION = "2024-06-20"
TRIES_MAX = 3
RETRY_FIRST_S = 0.3
SIGNATURE_TOLERANCE_S = 300

T = TypeVar("T")


class Failure(Struct):
    """An error as the provider words it: of a call, or of the last attempt of a payment."""

    type: str = ""
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None

    @property
    def reason(self) -> str:
        return self.decline_code or self.code or self.type


class Intent(Struct):
    """The payment inside a checkout session."""

    id: str
    status: str = ""
    amount: int = 0
    currency: str = ""
    last_payment_error: Failure | None = None
    metadata: dict[str, str] = {}


class Session(Struct):
    """A checkout session. `payment_intent` is null until a card was tried, an id, or the whole thing when expanded."""

    id: str
    status: str | None = None
    payment_status: str = ""
    amount_total: int | None = None
    currency: str | None = None
    url: str | None = None
    payment_intent: Intent | str | None = None
    metadata: dict[str, str] | None = None


class Refund(Struct):
    id: str
    status: str | None = None
    amount: int = 0
    failure_reason: str | None = None


class _EventData(Struct):
    object: msgspec.Raw


class Event(Struct):
    id: str
    type: str
    data: _EventData


class _FailureBody(Struct):
    error: Failure


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


def _client() -> httpx.AsyncClient:
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = httpx.AsyncClient(
            # Shorter than the servers' own keep-alive: a connection they close under us costs a retry.
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=10, keepalive_expiry=4.0),
            # A proxy of the machine's environment is for the outside, never for loopback.
            mounts={f"all://[{host}]" if ":" in host else f"all://{host}": None for host in LOOPBACK},
        )
    return _clients[loop]


async def close_connections() -> None:
    """Close this loop's connections; call it when the process stops."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


async def get(settings: MethodSettings, path: str, fields: Mapping[str, str], answer: type[T]) -> T:
    return await _call(settings, "GET", path, fields, answer, key=None)


async def post(settings: MethodSettings, path: str, fields: Mapping[str, str], answer: type[T], *, key: str) -> T:
    """`key` is required: without one, a retry after a lost answer could charge twice (PAY-10)."""
    return await _call(settings, "POST", path, fields, answer, key=key)


async def _call(
    settings: MethodSettings, verb: str, path: str, fields: Mapping[str, str], answer: type[T], *, key: str | None
) -> T:
    headers = {"Authorization": f"Bearer {settings.secret_key}", "Stripe-Version": API_VERSION}
    if key is not None:
        headers["Idempotency-Key"] = key
    detail = ""
    for attempt in range(TRIES_MAX):
        if attempt:
            # Jitter: many buyers who met the same outage must not come back in one wave.
            await asyncio.sleep(RETRY_FIRST_S * 3 ** (attempt - 1) * random.uniform(0.7, 1.3))  # noqa: S311 - no secret
        try:
            response = await _client().request(
                verb,
                settings.base_url.rstrip("/") + path,
                headers=headers,
                params=dict(fields) if verb == "GET" else None,
                data=dict(fields) if verb == "POST" else None,
                timeout=httpx.Timeout(settings.timeout_s, connect=min(settings.timeout_s, 4.0)),
            )
        except httpx.TransportError as error:
            detail = f"{type(error).__name__}: {error}"
            continue
        if response.is_success:
            try:
                return msgspec.json.decode(response.content, type=answer)
            except msgspec.DecodeError as error:
                raise _unavailable(f"An answer that cannot be read: {error}") from error
        failure = _failure(response)
        detail = f"{response.status_code} {failure.reason}: {failure.message or ''}"
        if not _worth_a_retry(response):
            break
    else:
        raise _unavailable(detail)
    raise _refused(response.status_code, failure, detail)


def _worth_a_retry(response: httpx.Response) -> bool:
    """409: the same key is being worked on. The provider's own advice, where given, wins."""
    if advice := response.headers.get("stripe-should-retry"):
        return bool(advice == "true")
    return response.status_code in {409, 429} or response.status_code >= 500


def _failure(response: httpx.Response) -> Failure:
    try:
        return msgspec.json.decode(response.content, type=_FailureBody).error
    except msgspec.DecodeError:
        # Not the provider but something before it: a proxy's error page.
        return Failure(type="unreadable", message=response.text[:200])


def _unavailable(detail: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        N_("The payment service cannot be reached. Please try again in a moment."), code="unavailable", detail=detail
    )


def _refused(status: int, failure: Failure, detail: str) -> ProviderRefused | ProviderUnavailable:
    if status >= 500:  # the provider itself advised against a retry: what happened is as unknown as ever
        return _unavailable(detail)
    sentence = {
        401: N_("The payment service does not accept this box office's key. Please contact the box office."),
        403: N_("The payment service does not accept this box office's key. Please contact the box office."),
        404: N_("The payment service does not know this payment."),
    }.get(status, SENTENCES.get(failure.reason, N_("The payment service refused the request.")))
    return ProviderRefused(sentence, code=failure.reason, detail=detail)


SENTENCES = {
    "amount_too_small": N_("This amount is too small to be paid by card. Please choose another way to pay."),
    "amount_too_large": N_("This amount is too large to be paid by card. Please choose another way to pay."),
    "email_invalid": N_("The payment service does not accept this e-mail address. Please check it."),
    "charge_already_refunded": N_("This payment has already been refunded."),
    "charge_disputed": N_("The buyer's bank has taken this payment back, so it cannot be refunded."),
}


# -- notifications ----------------------------------------------------------------------------------------------------


def open_event(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Event:
    """Check signature, then age, then shape. Raises BadNotification.

    The age limits how long a stolen message can be played again; event ids, kept by the caller, stop the rest.
    """
    header = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
    stamp, signatures = "", []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == "v1":  # several while a secret is being rotated
            signatures.append(value)
    if not secret or not stamp.isascii() or not stamp.isdigit() or not signatures:
        raise BadNotification("unsigned")
    expected = _digest(body, secret, stamp).encode()
    if not any(hmac.compare_digest(expected, given.encode()) for given in signatures):
        raise BadNotification("forged")
    if len(stamp) > 12 or abs(now.timestamp() - int(stamp)) > SIGNATURE_TOLERANCE_S:
        raise BadNotification("stale")
    return read_object(body, Event)


def _digest(body: bytes, secret: str, stamp: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_object(body: bytes | msgspec.Raw, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise BadNotification("malformed") from error


# -- amounts ----------------------------------------------------------------------------------------------------------

ZERO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def to_provider_amount(amount_minor: int, currency: str) -> int:
    """Our minor units (those of CLDR) in the provider's. They differ: the provider counts ISK and UGX, which have no
    cents, in hundredths, and takes three-decimal currencies only in steps of ten."""
    shift = _shift(currency)
    amount, rest = divmod(amount_minor * _power(shift), _power(-shift))
    if rest or (currency in THREE_DECIMALS and amount % 10):
        raise ProviderRefused(
            N_("This amount cannot be paid by card. Please choose another way to pay."), code="amount_not_round"
        )
    return amount


def from_provider_amount(amount: int, currency: str) -> int:
    shift = _shift(currency)
    return amount * _power(-shift) // _power(shift)


def _shift(currency: str) -> int:
    """By how many decimals the provider counts finer than we do."""
    decimals = 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return decimals - int(get_currency_precision(currency))


def _power(exponent: int) -> int:
    return int(10 ** max(exponent, 0))
