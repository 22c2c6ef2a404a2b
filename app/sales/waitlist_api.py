"""The HTTP API of joining a waitlist, and of telling by hand (docs/api.md)."""

from typing import Annotated, Any

from litestar import Request, Response, Router, post
from msgspec import Meta, Struct

from app.accounts.logins import require
from app.accounts.tables import Role
from app.core.clock import now
from app.core.errors import Invalid
from app.core.i18n import N_
from app.core.idempotency import answer_once
from app.core.ids import digest_of
from app.core.notices import visitor_of
from app.core.ratelimit import count_try
from app.core.redis import redis
from app.sales.api import clean_name, looks_like_email
from app.sales.visitors import buyer_cart, cart_cookie, new_buyer_cart
from app.sales.waitlist import JoinWish, join_waitlist, notify

JOINS_PER_ADDRESS, JOINS_PER_EMAIL = 60, 6  # each one sends a mail; a school class sits behind one address
JOINS_WINDOW_S = 3_600


class JoinAsked(Struct, frozen=True, kw_only=True):
    """`tariff` where each tariff has its list; `any_performance`: any other date of the event would do as well."""

    name: Annotated[str, Meta(max_length=160)]
    email: Annotated[str, Meta(max_length=254)]
    count: Annotated[int, Meta(ge=1, le=100)] = 1
    tariff: int | None = None
    any_performance: bool = False


class JoinedView(Struct, frozen=True):
    """The number on the list, and for how many places."""

    position: int
    count: int


class NotifyAsked(Struct, frozen=True):
    entries: Annotated[tuple[int, ...], Meta(min_length=1, max_length=1_000)]


class Notified(Struct, frozen=True):
    """How many were told."""

    told: int


@post("/performances/{performance:int}/waitlist", summary="Wait for places; no reservation")
async def post_join(request: Request[Any, Any, Any], performance: int, data: JoinAsked) -> Response[JoinedView]:
    name, email = check_who(data.name, data.email)
    address = request.client.host if request.client else "unknown"
    await count_try(redis(), "waitlist", address, most=JOINS_PER_ADDRESS, window_s=JOINS_WINDOW_S)
    # Whoever's address it is must not be flooded by a stranger.
    who = digest_of(email.lower())
    await count_try(redis(), "waitlist-email", who, most=JOINS_PER_EMAIL, window_s=JOINS_WINDOW_S)
    cart = buyer_cart(request) or new_buyer_cart()
    wish = JoinWish(
        performance=performance, tariff=data.tariff, any_performance=data.any_performance, name=name, email=email,
        count=data.count, visitor=visitor_of(cart.token),
    )  # fmt: skip

    async def join() -> JoinedView:
        return JoinedView((await join_waitlist(wish, at=now())).position, data.count)

    answer = await answer_once(request, cart.token, join)
    answer.set_cookie(cart_cookie(cart))
    return answer


@post("/manage/waitlist/notify", status_code=200, summary="Tell these by hand that there are places")
async def post_notify(request: Request[Any, Any, Any], data: NotifyAsked) -> Notified:
    operator = await require(request, Role.MANAGER)
    return Notified(
        await notify(data.entries, organizer=operator.organizer, actor=f"account:{operator.account}", at=now())
    )


def check_who(asked_name: str, asked_email: str) -> tuple[str, str]:
    """The name on one line, and the address. Raises Invalid with every field that needs attention."""
    errors = {}
    name, email = clean_name(asked_name), asked_email.strip()
    if not name:
        errors["name"] = N_("Please tell us your name: it heads the mail that tells you of places.")
    elif "://" in name or "www." in name.lower():
        # It is mailed to an address that nobody has confirmed yet.
        errors["name"] = N_("Please give a name without a web address.")
    if not looks_like_email(email):
        errors["email"] = N_("Please enter a valid e-mail address: you are told of places by it.")
    if errors:
        raise Invalid(errors)
    return name, email


router = Router(path="/api/v1", route_handlers=[post_join, post_notify], tags=["waitlist"])
