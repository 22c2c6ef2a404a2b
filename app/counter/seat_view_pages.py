"""The manager's page of SeatView: models of photos of the view (SEA-4)."""

from typing import Any

from litestar import Request, Response, Router, get

from app.accounts.logins import require
from app.accounts.tables import Role
from app.catalog.seat_view_uses import uses_of
from app.core.web import page, plain
from app.sales.pages import office_of


@get("/manage/seat-views", include_in_schema=False)
async def show_seat_views(request: Request[Any, Any, Any]) -> Response[Any]:
    operator = await require(request, Role.MANAGER)
    return page(
        request,
        "manage/seat_views.html",
        operator=operator,
        events=plain(list((await uses_of(operator.organizer)).values())),
        box_office=await office_of(operator),
    )


router = Router(path="/", route_handlers=[show_seat_views])
