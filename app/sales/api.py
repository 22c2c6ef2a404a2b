"""The HTTP API of selling: performances, carts, orders, the provider's notifications (docs/api.md)."""

from typing import Annotated, Any
from unicodedata import category

from litestar import Request, Response, Router, delete, get, patch, post
from msgspec import Meta, Struct
from msgspec.structs import astuple

from app.catalog.offered import offered_to
from app.catalog.offers import Offer
from app.catalog.queries import plan_page_of, public_offers
from app.core.clock import now
from app.core.errors import Invalid, Problem
from app.core.i18n import N_
from app.core.idempotency import answer_once
from app.core.ratelimit import count_try
from app.core.redis import redis
from app.sales.cart_keys import KEY_LENGTH_MAX, OpenAllotment, present_key
from app.sales.carts import BestWish, Cart, CartView, Wish, add_to_cart, change_tariff, release, view_cart
from app.sales.offered_methods import method_of, method_settings
from app.sales.orders import Buyer, place_order
from app.sales.payments import begin_payment, receive_notification, try_again
from app.sales.queries import (
    EventSummary,
    OrderView,
    PerformanceView,
    find_order,
    snapshot_of,
    summarize_event,
    view_order,
    view_performance,
)
from app.sales.visitors import buyer_cart, cart_cookie, new_buyer_cart
from seating.store import FREE

HOLDS_PER_MINUTE = 120
KEYS_PER_MINUTE = 30  # a school class behind one address


class BestAsked(Struct, frozen=True):
    """The best seats: how many (at most 20), where, how many of the party come in a wheelchair, and in at most how many
    rows (0: any number). At a counter also up to 100 `row_by_row`, for printing stock."""

    count: Annotated[int, Meta(ge=1, le=100)]
    categories: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    wheelchairs: Annotated[int, Meta(ge=0, le=20)] = 0
    rows_max: Annotated[int, Meta(ge=0, le=20)] = 0
    row_by_row: bool = False


class ItemAsked(Struct, frozen=True, kw_only=True):
    """Exactly one of `seats` (ordinals of the plan), `best`, `quantity` (unnumbered); the last two out of an
    `allotment` that the cart has a key for, if one is given."""

    performance: int
    seats: Annotated[tuple[int, ...], Meta(max_length=100)] = ()
    best: BestAsked | None = None
    quantity: Annotated[int, Meta(ge=0, le=100)] = 0
    tariff: int | None = None
    allotment: int | None = None

    def wish(self) -> Wish:
        best = self.best
        return Wish(
            performance=self.performance,
            seats=self.seats,
            best=BestWish(*astuple(best)) if best else None,
            quantity=self.quantity,
            tariff=self.tariff,
            allotment=self.allotment,
        )


class KeyAsked(Struct, frozen=True):
    """A code, or the e-mail address of whoever had a seat last year."""

    key: Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]


class KeysOpen(Struct, frozen=True):
    allotments: tuple[OpenAllotment, ...]


class TariffAsked(Struct, frozen=True):
    tariff: int


class OrderAsked(Struct, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=160)]
    email: Annotated[str, Meta(max_length=254)]
    method: str
    accept_terms: bool = False
    expected_total_minor: int | None = None


class MethodAsked(Struct, frozen=True):
    method: str


class OrderPlaced(Struct, frozen=True, kw_only=True):
    code: str
    key: str
    status: str
    total_minor: int
    currency: str
    url: str
    pay_url: str | None


class PayAt(Struct, frozen=True):
    pay_url: str | None


class SeatStates(Struct, frozen=True):
    """0 free, 1 taken, by ordinal: for clients without websockets."""

    epoch: str
    version: int
    states: tuple[int, ...]


@get("/events", summary="Public events with their performances")
async def list_events() -> list[EventSummary]:
    by_event: dict[int, list[Offer]] = {}
    for offer in await public_offers():
        by_event.setdefault(offer.event, []).append(offer)
    at = now()
    return [await summarize_event(tuple(offers), at) for offers in by_event.values()]


@get("/performances/{performance:int}", summary="One performance: prices, categories, sale status")
async def get_performance(request: Request[Any, Any, Any], performance: int) -> PerformanceView:
    return await view_performance(performance, "online", now(), buyer_cart(request))


@get("/performances/{performance:int}/plan", summary="The seating plan as the map draws it; unchanging, by ETag")
async def get_plan(request: Request[Any, Any, Any], performance: int) -> Response[bytes]:
    offer = await offered_to(request, performance)
    page = await plan_page_of(offer)
    tag = f'"plan-{offer.plan}"'
    headers = {"etag": tag, "cache-control": "public, max-age=60"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(page, media_type="application/json", headers=headers)


@get("/performances/{performance:int}/seats", summary="Which seats are taken now, for clients without websockets")
async def get_seats(request: Request[Any, Any, Any], performance: int) -> SeatStates:
    offer = await offered_to(request, performance)
    snapshot = await snapshot_of(offer)
    return SeatStates(snapshot.epoch, snapshot.version, tuple(int(s != FREE) for s in snapshot.states))


@get("/cart", summary="What this buyer holds")
async def get_cart(request: Request[Any, Any, Any]) -> CartView:
    return await view_cart(buyer_cart(request))


@post("/cart/items", summary="Hold seats: named, best, or a quantity; all or nothing")
async def post_items(request: Request[Any, Any, Any], data: ItemAsked) -> Response[CartView]:
    await limit_holds(request)
    cart = buyer_cart(request) or new_buyer_cart()

    async def hold() -> CartView:
        added = await add_to_cart(cart, data.wish(), at=now())
        return await view_cart(cart, added=added)

    answer = await answer_once(request, cart.token, hold)
    answer.set_cookie(cart_cookie(cart))
    return answer


@post("/cart/keys", summary="Show a code: what is kept for whoever has it may be held")
async def post_key(request: Request[Any, Any, Any], data: KeyAsked) -> Response[KeysOpen]:
    await limit_keys(request)
    cart = buyer_cart(request) or new_buyer_cart()
    answer = Response(KeysOpen(await present_key(cart, data.key, at=now())))
    answer.set_cookie(cart_cookie(cart))
    return answer


@delete("/cart/items/{item:str}", status_code=200, summary="Give one place back")
async def delete_item(request: Request[Any, Any, Any], item: str) -> CartView:
    cart = _must_have_cart(request)
    await release(cart, (item,))
    return await view_cart(cart)


@patch("/cart/items/{item:str}", summary="Change the tariff of a held place")
async def patch_item(request: Request[Any, Any, Any], item: str, data: TariffAsked) -> CartView:
    cart = _must_have_cart(request)
    await change_tariff(cart, item, data.tariff)
    return await view_cart(cart)


@delete("/cart", status_code=200, summary="Give everything back")
async def delete_cart(request: Request[Any, Any, Any]) -> CartView:
    if cart := buyer_cart(request):
        await release(cart)
    return await view_cart(None)


@post("/orders", summary="Order what the cart holds; the answer says where to pay")
async def post_order(request: Request[Any, Any, Any], data: OrderAsked) -> Response[OrderPlaced]:
    buyer = check_buyer(data)
    method = method_of("free" if data.expected_total_minor == 0 else data.method)
    # The total is checked under lock; here, only whether a buyer may pay like this at all.
    likely_total = 10_000 if data.expected_total_minor is None else data.expected_total_minor
    if not method.takes(likely_total, "buyer", method_settings(method)):
        raise Problem("unknown_method")
    cart = _must_have_cart(request)

    async def order() -> OrderPlaced:
        placed = await place_order(
            cart, buyer, method=method.id, expected_total_minor=data.expected_total_minor, at=now()
        )
        return OrderPlaced(
            code=placed.code,
            key=placed.key,
            status=placed.status,
            total_minor=placed.total_minor,
            currency=placed.currency,
            url=f"/orders/{placed.code}?key={placed.key}",
            pay_url=await _pay_url(placed.payment, placed.status),
        )

    answer = await answer_once(request, cart.token, order)
    # The spent cart keeps its name: whoever comes back from the bank by the browser's own button, or presses Pay in
    # another tab, is led to the order that it has become, and not told that their time is up.
    answer.set_cookie(cart_cookie(cart))
    return answer


@get("/orders/{code:str}", summary="An order, by its code and key")
async def get_order(code: str, key: str = "") -> OrderView:
    return await view_order(await find_order(code, key), at=now())


@post("/orders/{code:str}/payments", summary="Pay again after a refusal, while the order waits")
async def post_payment(request: Request[Any, Any, Any], code: str, data: MethodAsked, key: str = "") -> Response[PayAt]:
    order = await find_order(code, key)
    method = method_of(data.method)

    async def pay() -> PayAt:
        return PayAt(await begin_payment(await try_again(order, method.id, at=now())))

    return await answer_once(request, key, pay)


@post("/webhooks/{method:str}", status_code=200, include_in_schema=False)
async def post_notification(request: Request[Any, Any, Any], method: str) -> dict[str, str]:
    decision = await receive_notification(method, request.headers, await request.body(), at=now())
    return {"received": decision}


async def limit_holds(request: Request[Any, Any, Any]) -> None:
    """One address cannot hold a house to ransom by script: generous for people behind one router."""
    address = request.client.host if request.client else "unknown"
    await count_try(redis(), "hold", address, most=HOLDS_PER_MINUTE * 5, window_s=300)


async def limit_keys(request: Request[Any, Any, Any]) -> None:
    """Right and wrong ones alike, so that whoever has one code cannot guess others at leisure."""
    address = request.client.host if request.client else "unknown"
    await count_try(redis(), "key", address, most=KEYS_PER_MINUTE, window_s=60)


def check_buyer(data: OrderAsked) -> Buyer:
    """Raises Invalid with every field that needs attention."""
    errors = {}
    name, email = clean_name(data.name), data.email.strip()
    if not name:
        errors["name"] = N_("Please tell us your name: it is printed on the tickets.")
    if not looks_like_email(email):
        errors["email"] = N_("Please enter a valid e-mail address: your tickets are sent to it.")
    if not data.accept_terms:
        errors["accept_terms"] = N_("Please accept the terms of sale.")
    if errors:
        raise Invalid(errors)
    return Buyer(name, email)


def clean_name(text: str) -> str:
    """One line without control characters: it is printed, mailed and stored, and PostgreSQL takes no NUL."""
    return " ".join("".join(" " if category(c) == "Cc" else c for c in text).split())


def looks_like_email(text: str) -> bool:
    """A plausible address: only sending to it proves more."""
    local, at, domain = text.rpartition("@")
    return bool(
        at and local and "." in domain and not domain.startswith(".") and not domain.endswith(".")
        and not any(c.isspace() or not c.isprintable() or c in ",;<>\"'()" for c in text)
    )  # fmt: skip


async def _pay_url(payment: int | None, status: str) -> str | None:
    return await begin_payment(payment) if payment is not None and status == "pending" else None


def _must_have_cart(request: Request[Any, Any, Any]) -> Cart:
    cart = buyer_cart(request)
    if cart is None:
        raise Problem("hold_expired")
    return cart


api = Router(
    path="/api/v1",
    route_handlers=[
        list_events, get_performance, get_plan, get_seats, get_cart, post_items, post_key, delete_item, patch_item,
        delete_cart, post_order, get_order, post_payment,
    ],
    tags=["selling"],
)  # fmt: skip
router = Router(path="/", route_handlers=[api, post_notification])
