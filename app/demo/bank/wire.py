"""The protocol's encodings: nested forms in, objects out, errors in the provider's shape."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

Form = dict[str, Any]
ID_PLACE = "{CHECKOUT_SESSION_ID}"


class WireError(Exception):
    """What the API answers with `status` and an `error` object."""

    def __init__(
        self, status: int, message: str, *, type: str = "invalid_request_error", code: str = "", param: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": type, "message": message}
        if code:
            self.error["code"] = code
        if param:
            self.error["param"] = param


class Terms(Struct, frozen=True):
    """How this bank is set up. `base_url` is where browsers and the box office reach it."""

    base_url: str
    secret_key: str
    session_s_min: int

    def __repr__(self) -> str:
        return f"Terms(base_url={self.base_url!r})"

    def page_url(self, session_id: str) -> str:
        return f"{self.base_url}/pay/{session_id}"


class Session(Struct):
    """A checkout session as kept. `form` is what it was opened with."""

    id: str
    status: str
    payment_status: str
    created: int
    expires_at: int
    amount: int
    currency: str
    form: Form


class Intent(Struct):
    """The payment inside a session, made at the first attempt. `error` is the last attempt's, as on the wire."""

    id: str
    session: str
    status: str
    created: int
    amount: int
    currency: str
    attempt: str
    card: str
    error: dict[str, Any] | None
    charge: str | None
    settles_at: float | None
    form: Form


class Charge(Struct):
    id: str
    intent: str
    amount: int
    currency: str
    created: int
    refunded: int
    brand: str
    last4: str


class Refund(Struct):
    id: str
    charge: str
    intent: str
    amount: int
    currency: str
    created: int
    reason: str | None


def read_form(body: str) -> Form:
    """`a[b][0]=x` -> {"a": {"b": {"0": "x"}}}; `a[]=x` -> {"a": ["x"]}."""
    form: Form = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        path = [part for part in re.split(r"[\[\]]+", name) if part]
        if not path:
            raise WireError(400, "A parameter without a name.")
        place = form
        for part in path[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise WireError(400, f"Parameter {name} is given in two shapes.", param=name)
        if name.endswith("[]"):
            values = place.setdefault(path[-1], [])
            if not isinstance(values, list):
                raise WireError(400, f"Parameter {name} is given in two shapes.", param=name)
            values.append(value)
        else:
            place[path[-1]] = value
    return form


def refuse_unknown(form: Form, known: set[str]) -> None:
    """A misspelt parameter is an error, as with the real provider: it would otherwise be a silent loss."""
    for name in form:
        if name not in known:
            raise WireError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def integer(form: Form, name: str) -> int:
    value = form.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,12}", value):
        raise WireError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def text(form: Form, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise WireError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def group(form: Form, name: str) -> Form:
    value = form.get(name)
    if not isinstance(value, dict):
        raise WireError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def session_object(session: Session, intent: Intent | None, charge: Charge | None, url: str, expand: list[str]) -> Form:
    inner: Form | str | None = intent.id if intent else None
    if intent and any(name.split(".")[0] == "payment_intent" for name in expand):
        inner = intent_object(intent, charge if "payment_intent.latest_charge" in expand else None)
    form = session.form
    return {
        "id": session.id,
        "object": "checkout.session",
        "amount_subtotal": session.amount,
        "amount_total": session.amount,
        "cancel_url": form.get("cancel_url"),
        "client_reference_id": form.get("client_reference_id"),
        "created": session.created,
        "currency": session.currency,
        "customer_email": form.get("customer_email"),
        "expires_at": session.expires_at,
        "livemode": False,
        "locale": form.get("locale"),
        "metadata": form.get("metadata", {}),
        "mode": "payment",
        "payment_intent": inner,
        "payment_method_types": ["card"],
        "payment_status": session.payment_status,
        "status": session.status,
        "success_url": form.get("success_url"),
        "url": url if session.status == "open" else None,
    }


def intent_object(intent: Intent, charge: Charge | None = None) -> Form:
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_received": intent.amount if intent.status == "succeeded" else 0,
        "created": intent.created,
        "currency": intent.currency,
        "description": intent.form.get("description"),
        "last_payment_error": intent.error,
        "latest_charge": charge_object(charge) if charge else intent.charge,
        "livemode": False,
        "metadata": intent.form.get("metadata", {}),
        "payment_method_types": ["card"],
        "status": intent.status,
    }


def charge_object(charge: Charge) -> Form:
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount,
        "amount_refunded": charge.refunded,
        "captured": True,
        "created": charge.created,
        "currency": charge.currency,
        "livemode": False,
        "paid": True,
        "payment_intent": charge.intent,
        "payment_method_details": {"type": "card", "card": {"brand": charge.brand, "last4": charge.last4}},
        "refunded": charge.refunded == charge.amount,
        "status": "succeeded",
    }


def refund_object(refund: Refund) -> Form:
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "status": "succeeded",
    }
