"""The HTTP API of the counter: its own cart, sales against money in the till, print jobs."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, delete, get, patch, post
from msgspec import Meta, Struct
from msgspec.structs import replace

from app.accounts.logins import Operator, require
from app.accounts.tables import Role
from app.catalog.queries import offer_of, offers_of_organizer
from app.catalog.rules.selling import is_offered
from app.core.clock import local, now
from app.core.errors import Invalid, Problem
from app.core.i18n import N_
from app.core.idempotency import answer_once
from app.counter.desks import Desk, desk_of
from app.counter.printing import PrintJobView, reprint, resolve, retry, view_jobs
from app.counter.sales import sell_at_counter
from app.counter.sold_to import get_sold_to
from app.sales.allotments import AllotmentOnSale, allotments_on_sale
from app.sales.api import ItemAsked, KeyAsked, KeysOpen, TariffAsked, clean_name, looks_like_email
from app.sales.cart_keys import present_key
from app.sales.carts import Cart, CartView, change_tariff, hold_and_view, release, title_of, view_cart
from app.sales.kept import name_of
from app.sales.offered_methods import method_of, method_settings
from app.sales.orders import Buyer
from app.sales.queries import PerformanceView, status_of, view_performance
from app.sales.takeover import take_over
from app.sales.visitors import cart_cookie, counter_cart, new_counter_cart

SOLD_AHEAD = timedelta(days=400)
JOB_ID = re.compile(r"[0-9]{1,18}")


class CounterPerformance(Struct, frozen=True, kw_only=True):
    id: int
    event: str
    title: str
    venue: str
    starts_at: str
    status: str
    seated: bool


class CounterItemAsked(ItemAsked, frozen=True, kw_only=True):
    """`exceed`: limits that a manager passes over knowingly (QUO-5)."""

    exceed: tuple[Literal["quotas", "order_limits", "allotments"], ...] = ()


class SaleAsked(Struct, frozen=True, kw_only=True):
    """`received_minor` is what the customer handed over, for the change."""

    method: str
    expected_total_minor: int | None = None
    received_minor: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None
    name: Annotated[str, Meta(max_length=160)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    print: bool = True


class SaleMade(Struct, frozen=True, kw_only=True):
    code: str
    status: str
    total_minor: int
    currency: str
    change_minor: int
    url: str
    print_jobs: tuple[int, ...]


class TakeAsked(Struct, frozen=True):
    ref: Annotated[str, Meta(max_length=20)]


class Resolution(Struct, frozen=True):
    printed: bool


@get("/performances", summary="What this counter sells, soonest first")
async def list_performances(request: Request[Any, Any, Any]) -> list[CounterPerformance]:
    operator = await require(request, Role.CASHIER)
    return await performances_of(operator)


async def performances_of(operator: Operator) -> list[CounterPerformance]:
    at = now()
    offers = [
        o
        for o in await offers_of_organizer(operator.organizer)
        if is_offered(o, "counter") and at - timedelta(hours=6) < o.starts_at < at + SOLD_AHEAD
    ]
    return [
        CounterPerformance(
            id=o.id, event=o.slug, title=title_of(o), venue=o.venue, starts_at=local(o.starts_at, o.zone),
            status=await status_of(o, "counter", at), seated=o.plan is not None,
        )
        for o in sorted(offers, key=lambda o: (o.starts_at, o.id))
    ]  # fmt: skip


@get("/performances/{performance:int}", summary="One performance as the counter sells it")
async def get_performance(request: Request[Any, Any, Any], performance: int) -> PerformanceView:
    operator = await require(request, Role.CASHIER)
    await _must_be_ours(operator, performance)
    return await view_performance(performance, "counter", now(), counter_cart(request, operator, operator.name))


@get("/allotments", summary="What is kept at a performance, to sell from")
async def list_allotments(request: Request[Any, Any, Any], performance: int) -> list[AllotmentOnSale]:
    operator = await require(request, Role.CASHIER)
    return list(await allotments_on_sale(performance, organizer=operator.organizer, at=now()))


@get("/cart", summary="What this counter holds")
async def get_cart(request: Request[Any, Any, Any]) -> CartView:
    operator, desk = await _at_desk(request)
    return await view_cart(counter_cart(request, operator, desk.label_for(operator)))


@post("/cart/items", summary="Hold seats for the customer at the counter")
async def post_items(request: Request[Any, Any, Any], data: CounterItemAsked) -> Response[CartView]:
    operator, desk = await _at_desk(request)
    if data.exceed and not operator.may(Role.MANAGER):
        raise Problem("forbidden")
    await _must_be_ours(operator, data.performance)
    label = desk.label_for(operator)
    cart = counter_cart(request, operator, label) or new_counter_cart(operator, label)

    # Whoever works here may sell from what is kept, by naming it: nobody does so by accident.
    opens = (name_of(data.allotment),) if data.allotment is not None else ()

    async def hold() -> CartView:
        return await hold_and_view(cart, replace(data.wish(), opens=opens, exceed=data.exceed), at=now())

    answer = await answer_once(request, cart.token, hold)
    answer.set_cookie(cart_cookie(cart, counter=True))
    return answer


@post("/cart/keys", summary="A customer shows a code for what is kept")
async def post_key(request: Request[Any, Any, Any], data: KeyAsked) -> Response[KeysOpen]:
    operator, desk = await _at_desk(request)
    label = desk.label_for(operator)
    cart = counter_cart(request, operator, label) or new_counter_cart(operator, label)
    answer = Response(KeysOpen(await present_key(cart, data.key, at=now(), organizer=operator.organizer)))
    answer.set_cookie(cart_cookie(cart, counter=True))
    return answer


@post("/carts/take", status_code=200, summary="Take over what somebody holds online, by its public name")
async def post_take(request: Request[Any, Any, Any], data: TakeAsked) -> Response[CartView]:
    operator, desk = await _at_desk(request)
    label = desk.label_for(operator)
    cart = counter_cart(request, operator, label) or new_counter_cart(operator, label)
    await take_over(data.ref, cart, organizer=operator.organizer, actor=f"account:{operator.account}", at=now())
    answer = Response(await view_cart(cart))
    answer.set_cookie(cart_cookie(cart, counter=True))
    return answer


@delete("/cart/items/{item:str}", status_code=200, summary="Give one place back")
async def delete_item(request: Request[Any, Any, Any], item: str) -> CartView:
    cart = await _must_have_cart(request)
    await release(cart, (item,))
    return await view_cart(cart)


@patch("/cart/items/{item:str}", summary="Change the tariff of a held place")
async def patch_item(request: Request[Any, Any, Any], item: str, data: TariffAsked) -> CartView:
    cart = await _must_have_cart(request)
    await change_tariff(cart, item, data.tariff)
    return await view_cart(cart)


@delete("/cart", status_code=200, summary="Give everything back")
async def delete_cart(request: Request[Any, Any, Any]) -> CartView:
    operator, desk = await _at_desk(request)
    if cart := counter_cart(request, operator, desk.label_for(operator)):
        await release(cart)
    return await view_cart(None)


@post("/orders", summary="Sell what is held, against money in the till")
async def post_order(request: Request[Any, Any, Any], data: SaleAsked) -> Response[SaleMade]:
    operator, desk = await _at_desk(request)
    method = method_of(data.method)
    if method.settles != "at_once" or not method.takes(
        max(data.expected_total_minor or 1, 1), "operator", method_settings(method)
    ):
        raise Problem("unknown_method")
    email = data.email.strip()
    if email and not looks_like_email(email):
        raise Invalid({"email": N_("Please enter a valid e-mail address, or none.")})
    cart = await _must_have_cart(request)

    async def sell() -> SaleMade:
        sale = await sell_at_counter(
            cart, Buyer(clean_name(data.name), email), operator=operator, desk=desk, method=method.id,
            expected_total_minor=data.expected_total_minor, received_minor=data.received_minor,
            print_tickets=data.print, at=now(),
        )  # fmt: skip
        placed = sale.placed
        return SaleMade(
            code=placed.code, status=placed.status, total_minor=placed.total_minor, currency=placed.currency,
            change_minor=sale.change_minor, url=f"/orders/{placed.code}?key={placed.key}", print_jobs=sale.print_jobs,
        )  # fmt: skip

    answer = await answer_once(request, cart.token, sell)
    answer.set_cookie(cart_cookie(None, counter=True))
    return answer


@get("/print-jobs", summary="Where these papers are; ids separated by commas")
async def list_print_jobs(request: Request[Any, Any, Any], ids: str) -> list[PrintJobView]:
    operator = await require(request, Role.CASHIER)
    wanted = [int(part) for part in ids.split(",") if JOB_ID.fullmatch(part.strip())][:200]
    return await view_jobs(wanted, organizer=operator.organizer)


@post("/print-jobs/{job:int}/reprint", summary="A further paper, marked as a duplicata")
async def post_reprint(request: Request[Any, Any, Any], job: int) -> Response[list[PrintJobView]]:
    operator = await _owns_job(request, job)

    async def again() -> list[PrintJobView]:
        return await view_jobs([await reprint(job, operator=operator.account, at=now())], organizer=operator.organizer)

    return await answer_once(request, f"account:{operator.account}", again)


@post("/print-jobs/{job:int}/resolve", status_code=200, summary="Somebody looked: did the paper come out?")
async def post_resolve(request: Request[Any, Any, Any], job: int, data: Resolution) -> list[PrintJobView]:
    operator = await _owns_job(request, job)
    await resolve(job, printed=data.printed, operator=operator.account)
    return await view_jobs([job], organizer=operator.organizer)


@post("/print-jobs/{job:int}/retry", status_code=200, summary="Print a failed job again")
async def post_retry(request: Request[Any, Any, Any], job: int) -> list[PrintJobView]:
    operator = await _owns_job(request, job)
    await retry(job, operator=operator.account)
    return await view_jobs([job], organizer=operator.organizer)


async def _at_desk(request: Request[Any, Any, Any]) -> tuple[Operator, Desk]:
    operator = await require(request, Role.CASHIER)
    return operator, await desk_of(operator)


async def _must_be_ours(operator: Operator, performance: int) -> None:
    """A counter sells what is its organiser's. Raises Problem('not_found') for all else."""
    if (await offer_of(performance)).box_office.organizer != operator.organizer:
        raise Problem("not_found")


async def _must_have_cart(request: Request[Any, Any, Any]) -> Cart:
    operator, desk = await _at_desk(request)
    cart = counter_cart(request, operator, desk.label_for(operator))
    if cart is None:
        raise Problem("hold_expired")
    return cart


async def _owns_job(request: Request[Any, Any, Any], job: int) -> Operator:
    operator = await require(request, Role.CASHIER)
    if not await view_jobs([job], organizer=operator.organizer):
        raise Problem("not_found")
    return operator


router = Router(
    path="/api/v1/counter",
    route_handlers=[
        list_performances, get_performance, list_allotments, get_cart, post_items, post_key, post_take, delete_item,
        patch_item, delete_cart, post_order, get_sold_to,
        list_print_jobs, post_reprint, post_resolve, post_retry,
    ],
    tags=["counter"],
)  # fmt: skip
