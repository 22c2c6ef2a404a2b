"""The counter's and the manager's pages."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, Router, get

from app.accounts.logins import Operator, require
from app.accounts.staff import staff_of
from app.accounts.tables import Role
from app.catalog.offers import Offer
from app.catalog.queries import offer_of, offers_of_organizer
from app.core.clock import local, now
from app.core.errors import Problem
from app.core.i18n import translated
from app.core.web import page, plain
from app.counter.api import performances_of
from app.counter.desks import desk_of
from app.counter.figures import Figures, figures_of
from app.sales.carts import title_of
from app.sales.pages import office_of
from app.sales.queries import view_performance
from app.sales.shown import shown_of
from app.sales.visitors import cart_cookie, counter_cart, new_counter_cart

STILL_WATCHED = timedelta(days=1)


@get("/counter", include_in_schema=False)
async def show_counter(request: Request[Any, Any, Any]) -> Response[Any]:
    operator = await require(request, Role.CASHIER)
    desk = await desk_of(operator)
    answer = page(
        request,
        "counter/sell.html",
        operator=operator,
        desk=plain(desk),
        performances=plain(await performances_of(operator)),
        box_office=await office_of(operator),
    )
    label = desk.label_for(operator)
    if counter_cart(request, operator, label) is None:
        answer.set_cookie(cart_cookie(new_counter_cart(operator, label), counter=True))
    return answer


@get("/manage", include_in_schema=False)
async def show_dashboard(request: Request[Any, Any, Any], event: int | None = None) -> Response[Any]:
    operator = await require(request, Role.MANAGER)
    offers = await offers_of_organizer(operator.organizer)
    chosen, figures = await _figures_shown(operator, offers, event)
    return page(
        request,
        "manage/dashboard.html",
        operator=operator,
        events=_events(offers),
        event=chosen,
        figures=plain(figures),
        evenings=_evenings(offers, now()),
        box_office=await office_of(operator),
    )


@get("/manage/allotments", include_in_schema=False)
async def show_allotments(request: Request[Any, Any, Any], performance: int | None = None) -> Response[Any]:
    """What is kept at a performance (AHEAD-2); the next one when none is named."""
    operator = await require(request, Role.MANAGER)
    performances = await performances_of(operator)
    chosen = performance if performance is not None else next((p.id for p in performances), None)
    if chosen is not None and (await offer_of(chosen)).box_office.organizer != operator.organizer:
        raise Problem("not_found")
    return page(
        request,
        "manage/allotments.html",
        operator=operator,
        performance=plain(await view_performance(chosen, "counter", now())) if chosen is not None else None,
        performances=plain(performances),
        box_office=await office_of(operator),
    )


@get("/manage/limits", include_in_schema=False)
async def show_limits(request: Request[Any, Any, Any], event: int | None = None) -> Response[Any]:
    """How many of what an event sells, and what buyers are told of it (QUO-1, QUO-4)."""
    operator = await require(request, Role.MANAGER)
    offers = await offers_of_organizer(operator.organizer)
    chosen, figures = await _figures_shown(operator, offers, event)
    return page(
        request,
        "manage/limits.html",
        operator=operator,
        events=_events(offers),
        event=chosen,
        figures=plain(figures),
        shown=plain(await shown_of(chosen, organizer=operator.organizer)) if chosen is not None else None,
        box_office=await office_of(operator),
    )


@get("/manage/staff", include_in_schema=False)
async def show_staff(request: Request[Any, Any, Any]) -> Response[Any]:
    """Who may see all orders (BOX-1)."""
    operator = await require(request, Role.MANAGER)
    return page(
        request,
        "manage/staff.html",
        operator=operator,
        staff=plain(await staff_of(operator.organizer)),
        box_office=await office_of(operator),
    )


@get("/api/v1/manage/figures", summary="What moves, for one event", tags=["manage"])
async def get_figures(request: Request[Any, Any, Any], event: int) -> Figures:
    operator = await require(request, Role.MANAGER)
    found = await figures_of(event, organizer=operator.organizer)
    if found is None:
        raise Problem("not_found")
    return found


async def _figures_shown(
    operator: Operator, offers: Sequence[Offer], event: int | None
) -> tuple[int | None, Figures | None]:
    """The event asked for, or the first, and its figures; nothing of a house that has none. Raises
    Problem('not_found')."""
    chosen = event if event is not None else next((offer.event for offer in offers), None)
    if chosen is None:
        return None, None
    if (figures := await figures_of(chosen, organizer=operator.organizer)) is None:
        raise Problem("not_found")
    return chosen, figures


def _events(offers: Sequence[Offer]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for offer in offers:
        found.setdefault(offer.event, {"id": offer.event, "title": translated(offer.title)})
    return list(found.values())


def _evenings(offers: Sequence[Offer], at: datetime) -> list[dict[str, Any]]:
    """What may stand side by side: every performance of any event that is still to come, or was not long ago."""
    return [
        {
            "id": o.id, "event": o.event, "event_title": translated(o.title), "title": title_of(o),
            "starts_at": local(o.starts_at, o.zone),
        }
        for o in offers
        if o.starts_at > at - STILL_WATCHED
    ]  # fmt: skip


router = Router(
    path="/", route_handlers=[show_counter, show_dashboard, show_allotments, show_limits, show_staff, get_figures]
)
