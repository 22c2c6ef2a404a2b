"""The HTTP API of managers: what is kept for whom (AHEAD-2)."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Router, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.logins import require
from app.accounts.tables import Role
from app.core.clock import now
from app.sales.allotments import (
    AllotmentView,
    AllotmentWish,
    change_allotment,
    list_allotments,
    make_allotment,
    release_allotment,
)

Moment = Annotated[datetime, Meta(tz=True)]
SeatName = Annotated[str, Meta(max_length=200)]


class AllotmentAsked(Struct, frozen=True, kw_only=True):
    """`seats` by ordinal or label path of a numbered performance, or a `quantity` of another; `emails` by seat, as it
    is named in `seats`."""

    performance: int
    name: Annotated[str, Meta(max_length=120)]
    seats: Annotated[tuple[int | SeatName, ...], Meta(max_length=5_000)] = ()
    quantity: Annotated[int, Meta(ge=0, le=100_000)] = 0
    tariff: int | None = None
    category: Annotated[str, Meta(max_length=80)] | None = None
    release_at: Moment | None = None
    own_keys: bool = False
    emails: dict[str, Annotated[str, Meta(max_length=254)]] = {}


class AllotmentChange(Struct, frozen=True, kw_only=True):
    """What is not given stays; a `release_at` of null means never."""

    name: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    release_at: Moment | UnsetType | None = UNSET


class ReleaseAsked(Struct, frozen=True):
    """These seats only; none given: all that is left, and it ends."""

    seats: Annotated[tuple[int | SeatName, ...], Meta(min_length=1, max_length=5_000)] | None = None


@get("/allotments", summary="What is kept at a performance, with its keys")
async def get_allotments(request: Request[Any, Any, Any], performance: int) -> list[AllotmentView]:
    operator = await require(request, Role.MANAGER)
    return list(await list_allotments(performance, organizer=operator.organizer))


@post("/allotments", summary="Keep seats or a quantity for whoever has the key: all of it or nothing")
async def post_allotment(request: Request[Any, Any, Any], data: AllotmentAsked) -> AllotmentView:
    operator = await require(request, Role.MANAGER)
    wish = AllotmentWish(
        performance=data.performance, name=data.name, seats=data.seats, quantity=data.quantity, tariff=data.tariff,
        category=data.category, release_at=data.release_at, own_keys=data.own_keys, emails=data.emails,
    )  # fmt: skip
    return await make_allotment(wish, organizer=operator.organizer, actor=f"account:{operator.account}", at=now())


@patch("/allotments/{allotment:int}", summary="Another name or release date")
async def patch_allotment(request: Request[Any, Any, Any], allotment: int, data: AllotmentChange) -> AllotmentView:
    operator = await require(request, Role.MANAGER)
    date = data.release_at
    return await change_allotment(
        allotment, organizer=operator.organizer, actor=f"account:{operator.account}", at=now(), name=data.name,
        release_at=None if date is UNSET else date, keep_date=date is UNSET,
    )  # fmt: skip


@post("/allotments/{allotment:int}/release", status_code=200, summary="What is left goes on sale, wholly or in part")
async def post_release(request: Request[Any, Any, Any], allotment: int, data: ReleaseAsked) -> AllotmentView:
    operator = await require(request, Role.MANAGER)
    return await release_allotment(
        allotment, organizer=operator.organizer, actor=f"account:{operator.account}", at=now(), seats=data.seats
    )


router = Router(
    path="/api/v1/manage",
    route_handlers=[get_allotments, post_allotment, patch_allotment, post_release],
    tags=["manage"],
)
