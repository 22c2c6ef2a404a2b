"""The waitlist's pages: a visitor's own place in it, by the link of a mail, and the managers' list."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.response import Redirect

from app.accounts.logins import require
from app.accounts.tables import Role
from app.audience.api import LEAVES_PER_MINUTE
from app.audience.entries import find_entry, leave
from app.catalog.queries import offers_of, offers_of_organizer, public_offers
from app.core.clock import local
from app.core.errors import Problem
from app.core.i18n import translated
from app.core.ratelimit import count_try
from app.core.redis import redis
from app.core.web import page, plain


@get("/waitlist/{key:str}", include_in_schema=False)
async def show_entry(request: Request[Any, Any, Any], key: str, left: bool = False) -> Response[str]:
    """One's place on the list. An entry that is gone is no mistake of whoever has its link: it is said kindly."""
    try:
        entry = await find_entry(key)
    except Problem as problem:
        if problem.code != "not_found":
            raise
        offers = await public_offers()
        office = offers[0].box_office if offers else None
        status = 200 if left else 404
        return page(request, "shop/waitlist.html", status=status, entry=None, left=left, key=key, box_office=office)
    offers = await offers_of(entry.event)
    return page(request, "shop/waitlist.html", entry=plain(entry), left=False, key=key, box_office=offers[0].box_office)


@post("/waitlist/{key:str}/leave", include_in_schema=False)
async def leave_list(request: Request[Any, Any, Any], key: str) -> Redirect:
    """The page's own button, which works without scripts."""
    address = request.client.host if request.client else "unknown"
    await count_try(redis(), "waitlist-leave", address, most=LEAVES_PER_MINUTE, window_s=60)
    await leave(key)
    return Redirect(f"/waitlist/{key}?left=true", status_code=303)


@get("/manage/waitlist", include_in_schema=False)
async def show_list(request: Request[Any, Any, Any], event: int | None = None) -> Response[Any]:
    """An event's list; the first event's when none is named."""
    operator = await require(request, Role.MANAGER)
    offers = await offers_of_organizer(operator.organizer)
    chosen = event if event is not None else next((offer.event for offer in offers), None)
    here = [offer for offer in offers if offer.event == chosen]
    if chosen is not None and not here:
        raise Problem("not_found")
    return page(
        request,
        "manage/waitlist.html",
        operator=operator,
        event=chosen,
        events=[{"id": id, "title": title} for id, title in {o.event: translated(o.title) for o in offers}.items()],
        performances=[{"id": o.id, "starts_at": local(o.starts_at, o.zone)} for o in here],
        tariffs=[{"id": t.id, "name": translated(t.name)} for t in here[0].tariffs] if here else [],
        box_office=here[0].box_office if here else None,
    )


router = Router(path="/", route_handlers=[show_entry, leave_list, show_list])
