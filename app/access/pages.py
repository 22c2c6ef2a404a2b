"""The gate's page: for a scanner that types, a camera, or a person."""

from typing import Any

from litestar import Request, Response, Router, get

from app.access.admission import gates_of
from app.accounts.logins import require
from app.accounts.tables import Role
from app.core.web import page
from app.sales.pages import office_of


@get("/gate", include_in_schema=False)
async def show_gate(request: Request[Any, Any, Any]) -> Response[Any]:
    operator = await require(request, Role.GATE)
    return page(
        request,
        "gate/gate.html",
        operator=operator,
        gates=await gates_of(operator.organizer),
        box_office=await office_of(operator),
    )


router = Router(path="/", route_handlers=[show_gate])
