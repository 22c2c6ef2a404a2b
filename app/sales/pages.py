"""The shop's pages: agenda, event, performance, checkout, order, terms."""

import contextlib
from typing import Any

from litestar import Request, Response, Router, get
from litestar.response import Redirect

from app.accounts.logins import Operator, operator_of
from app.catalog.offers import BoxOfficeOffer, Offer
from app.catalog.queries import event_of_slug, offer_of, offers_of, public_offers
from app.core.clock import now
from app.core.errors import Problem
from app.core.i18n import gettext, translated
from app.core.web import page, plain, tell
from app.sales import confirmations
from app.sales.api import limit_keys, list_events
from app.sales.cart_keys import present_key
from app.sales.carts import Cart, view_cart
from app.sales.methods import find_methods, offer_methods
from app.sales.methods._contract import MethodSettings, ProviderUnavailable
from app.sales.offered_methods import method_settings
from app.sales.payments import abandon_payment, belongs_to, look_up_payment
from app.sales.queries import find_order, summarize_event, view_order, view_performance, waiting_order_of
from app.sales.visitors import buyer_cart, cart_cookie, new_buyer_cart


@get("/", include_in_schema=False)
async def show_agenda(request: Request[Any, Any, Any]) -> Response[str]:
    offers = await public_offers()
    events = await list_events.fn()
    return page(request, "shop/agenda.html", events=plain(events), **await shell(request, offers))


@get("/e/{slug:str}", include_in_schema=False)
async def show_event(request: Request[Any, Any, Any], slug: str) -> Response[str]:
    offers = await offers_of(await event_of_slug(slug))
    if not offers:
        raise Problem("not_found")
    event = plain(await summarize_event(offers, now()))
    return page(
        request, "shop/event.html", event=event, performances=event["performances"], **await shell(request, offers)
    )


@get("/p/{performance:int}", include_in_schema=False)
async def show_performance(request: Request[Any, Any, Any], performance: int, code: str = "") -> Response[str]:
    """`code`: the link that a school or the press was sent shows its key by itself (AHEAD-2)."""
    known = buyer_cart(request)
    mine = known or new_buyer_cart()
    key_problem = await _show_key(request, mine, code) if code else ""
    view = await view_performance(performance, "online", now(), mine)
    cart = await view_cart(known)
    offer = await offer_of(performance)
    answer = page(
        request, "shop/performance.html", performance=plain(view), cart=plain(cart), key_problem=key_problem,
        **await shell(request, (offer,)),
    )  # fmt: skip
    if known is None:
        # Named before the first seat is touched: the map's websocket says at its handshake whose cart it follows.
        answer.set_cookie(cart_cookie(mine))
    return answer


async def _show_key(request: Request[Any, Any, Any], cart: Cart, code: str) -> str:
    """What to tell about a link's key that opens nothing: the page itself is still worth seeing."""
    try:
        await limit_keys(request)
        await present_key(cart, code, at=now())
    except Problem as problem:
        return str(tell(problem)["detail"])
    return ""


@get("/checkout", include_in_schema=False)
async def show_checkout(request: Request[Any, Any, Any]) -> Response[Any]:
    known = buyer_cart(request)
    cart = await view_cart(known)
    if known is not None and not cart.items and (waiting := await waiting_order_of(known, at=now())) is not None:
        # Back from the bank by the browser's own button: the basket is an order now, and can still be paid.
        return Redirect(waiting, status_code=303)
    offers = tuple([await offer_of(p.id) for p in cart.performances]) or await public_offers()
    methods = offer_methods(cart.total_minor, "buyer", all_method_settings())
    return page(
        request,
        "shop/checkout.html",
        cart=plain(cart),
        methods=[
            {"id": m.id, "label": gettext(m.label_for(method_settings(m))), "description": gettext(m.description)}
            for m in methods
        ],
        terms_url="/terms",
        form={"name": "", "email": ""},
        errors={},
        **await shell(request, offers),
    )


@get("/orders/{code:str}", include_in_schema=False)
async def show_order(
    request: Request[Any, Any, Any], code: str, key: str = "", returned: int | None = None, abandoned: int | None = None
) -> Response[str]:
    """The buyer's own page of an order. `returned` and `abandoned` name the attempt they come back from."""
    order = await find_order(code, key)
    await _hear_back(order, returned, abandoned)
    view = await view_order(order, at=now())
    offer = await offer_of(view.performance.id)
    # Whoever comes from the bank waits for its word; whoever comes otherwise has not paid, and is shown how.
    waiting = returned is not None
    return page(request, "shop/order.html", order=plain(view), waiting=waiting, **await shell(request, (offer,)))


async def _hear_back(order: int, returned: int | None, abandoned: int | None) -> None:
    """Ask the provider before showing the page; when it does not answer, the page waits and asks by itself."""
    payment = abandoned if abandoned is not None else returned
    if payment is None or not await belongs_to(payment, order):
        return
    with contextlib.suppress(ProviderUnavailable):
        if abandoned is not None:
            await abandon_payment(payment)
        else:
            await look_up_payment(payment)


@get("/orders/{code:str}/tickets.pdf", include_in_schema=False)
async def get_tickets(code: str, key: str = "") -> Response[bytes]:
    order = await find_order(code, key)
    return _pdf(await confirmations.order_pdf(order), f"tickets-{code}.pdf")


@get("/orders/{code:str}/tickets/{file:str}", include_in_schema=False)
async def get_ticket(code: str, file: str, key: str = "") -> Response[bytes]:
    """`file` is a ticket's number and .pdf: a parameter is a whole part of a path, its ending is ours to take off."""
    number = file.removesuffix(".pdf")
    order = await find_order(code, key)
    return _pdf(await confirmations.order_pdf(order, number=number), f"ticket-{number}.pdf")


@get("/terms", include_in_schema=False)
async def show_terms(request: Request[Any, Any, Any]) -> Response[str]:
    offers = await public_offers()
    terms = translated(offers[0].box_office.terms) if offers else ""
    return page(request, "shop/terms.html", terms=terms, **await shell(request, offers))


async def shell(request: Request[Any, Any, Any], offers: tuple[Offer, ...]) -> dict[str, Any]:
    """What the frame of each shop page needs."""
    return {
        "operator": await operator_of(request),
        "box_office": office_view(offers[0].box_office) if offers else None,
    }


async def office_of(operator: Operator) -> dict[str, str] | None:
    """The box office that a member of the staff works for, for the frame of their pages."""
    mine = [o for o in await public_offers() if o.box_office.organizer == operator.organizer]
    return office_view(mine[0].box_office) if mine else None


def office_view(office: BoxOfficeOffer) -> dict[str, str]:
    return {"name": office.name, "contact_email": office.contact_email, "accent": office.accent}


def all_method_settings() -> dict[str, MethodSettings]:
    return {id: method_settings(method) for id, method in find_methods().items()}


def _pdf(content: bytes, name: str) -> Response[bytes]:
    return Response(
        content,
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{name}"', "cache-control": "private, no-store"},
    )


router = Router(
    path="/",
    route_handlers=[
        show_agenda, show_event, show_performance, show_checkout, show_order, get_tickets, get_ticket, show_terms,
    ],
)  # fmt: skip
