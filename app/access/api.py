"""The HTTP API of the gates."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from msgspec import Meta, Struct

from app.access.admission import Scanned, admit, gates_of
from app.accounts.logins import require
from app.accounts.tables import Role
from app.core.clock import now
from app.core.errors import Problem


class GateView(Struct, frozen=True):
    id: int
    name: str


class ScanAsked(Struct, frozen=True):
    """`scan_id` makes a retry safe; without one, the Idempotency-Key header or a fresh id is used."""

    code: Annotated[str, Meta(max_length=2_000)]
    scan_id: Annotated[str, Meta(min_length=8, max_length=60)] | None = None
    scanned_at: datetime | None = None


@get("/", summary="The gates of the operator's organiser")
async def list_gates(request: Request[Any, Any, Any]) -> list[GateView]:
    operator = await require(request, Role.GATE)
    return [GateView(**gate) for gate in await gates_of(operator.organizer)]


@post("/{gate:int}/scans", summary="Judge a ticket's code", status_code=200)
async def post_scan(request: Request[Any, Any, Any], gate: int, data: ScanAsked) -> Response[Scanned]:
    operator = await require(request, Role.GATE)
    if gate not in {g["id"] for g in await gates_of(operator.organizer)}:
        raise Problem("not_found")
    at = now()
    scanned_at = data.scanned_at if data.scanned_at and data.scanned_at.tzinfo else at
    scan_id = data.scan_id or request.headers.get("idempotency-key", "")[:60] or uuid.uuid4().hex
    answer = await admit(gate, data.code, scan_id=scan_id, scanned_at=min(scanned_at, at), operator=operator.account)
    return Response(answer)


router = Router(path="/api/v1/gates", route_handlers=[list_gates, post_scan], tags=["gates"])
