"""Whose cart a request is about: the buyer's cookie, an API client's header, or the counter's own cookie."""

from __future__ import annotations

import re

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from app.accounts.logins import Operator
from app.core.errors import Problem
from app.core.i18n import N_
from app.core.ids import new_token
from app.sales.carts import Cart
from app.settings import get_settings
from seating.store import Owner

BUYER_COOKIE = "placeur_cart"
COUNTER_COOKIE = "placeur_counter_cart"
BUYER = Owner("buyer", "online")
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def buyer_cart(request: ASGIConnection) -> Cart | None:  # type: ignore[type-arg]  # any handler, user, state
    token = request.headers.get("cart") or request.cookies.get(BUYER_COOKIE)
    return Cart(_checked(token), "online", BUYER) if token else None


def counter_cart(request: ASGIConnection, operator: Operator, label: str) -> Cart | None:  # type: ignore[type-arg]  # as above
    """The cart of this browser at a counter. It is bound to its operator: a cookie left behind opens nothing."""
    token = request.cookies.get(COUNTER_COOKIE)
    whose, _, secret = (token or "").partition(".")
    if token is None or whose != str(operator.account) or not TOKEN.fullmatch(secret):
        return None
    return Cart(token, "counter", Owner("counter", label))


def new_buyer_cart() -> Cart:
    return Cart(new_token(), "online", BUYER)


def new_counter_cart(operator: Operator, label: str) -> Cart:
    return Cart(f"{operator.account}.{new_token()}", "counter", Owner("counter", label))


def cart_cookie(cart: Cart | None, *, counter: bool = False) -> Cookie:
    """Remember the cart, or (None) forget it."""
    return Cookie(
        COUNTER_COOKIE if counter else BUYER_COOKIE,
        value=cart.token if cart else "",
        path="/",
        max_age=86_400 if cart else 0,
        httponly=True,
        samesite="lax",
        secure=get_settings().secure_cookies,
    )


def _checked(token: str) -> str:
    # A client that makes up short tokens could read a stranger's cart by chance.
    if not TOKEN.fullmatch(token):
        raise Problem("bad_request", params={"reason": N_("the cart token must be 16 to 64 letters, digits, - or _.")})
    return token
