"""The HTTP API of managers: what is kept for whom (AHEAD-2), linked plans (SEA-7), limits (QUO-1, AHEAD-12), what
buyers are told of them (QUO-4), and who of the staff may see all orders (BOX-1)."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Router, delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.accounts.logins import require
from app.accounts.staff import StaffView, let_see_orders, staff_of
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
from app.sales.exchanges import Exchanged, exchange_seat
from app.sales.groups import (
    PlanLinkView,
    QuotaView,
    link_performances,
    links_of_event,
    part_inventory,
    quotas_of,
    quotas_with,
    resize_quota,
    share_quota,
    unlink_performances,
)
from app.sales.shown import Shown, ShownView, change_shown, shown_of

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


class LinksAsked(Struct, frozen=True):
    """`pass`: the performance whose seats are those of all `matches`."""

    season_pass: int = field(name="pass")
    matches: Annotated[tuple[int, ...], Meta(min_length=1, max_length=500)]


class QuotaChange(Struct, frozen=True, kw_only=True):
    """What is not given stays. `events`: all that it counts besides its own event."""

    size: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    events: Annotated[tuple[int, ...], Meta(max_length=500)] | None = None


@get("/links", summary="Which performances of an event share their seats with others")
async def get_links(request: Request[Any, Any, Any], event: int) -> list[PlanLinkView]:
    operator = await require(request, Role.MANAGER)
    return list(await links_of_event(event, organizer=operator.organizer))


@post("/links", summary="A seat of the pass is the same seat in each match")
async def post_links(request: Request[Any, Any, Any], data: LinksAsked) -> list[PlanLinkView]:
    operator = await require(request, Role.MANAGER)
    made = await link_performances(
        data.season_pass, data.matches, organizer=operator.organizer, actor=f"account:{operator.account}", at=now()
    )
    return list(made)


@delete("/links/{season_pass:int}/{match:int}", summary="The match's seats are its own again")
async def delete_link(request: Request[Any, Any, Any], season_pass: int, match: int) -> None:
    operator = await require(request, Role.MANAGER)
    await unlink_performances(
        season_pass, match, organizer=operator.organizer, actor=f"account:{operator.account}", at=now()
    )


@get("/quotas", summary="Every limit that an event counts in")
async def get_quotas(request: Request[Any, Any, Any], event: int) -> list[QuotaView]:
    operator = await require(request, Role.MANAGER)
    return list(await quotas_of(event, organizer=operator.organizer))


@patch("/quotas/{quota:int}", summary="Another size, or other events that it counts too")
async def patch_quota(request: Request[Any, Any, Any], quota: int, data: QuotaChange) -> list[QuotaView]:
    operator = await require(request, Role.MANAGER)
    who = f"account:{operator.account}"
    found = await quotas_with(quota, organizer=operator.organizer)
    if data.events is not None:
        found = await share_quota(quota, data.events, organizer=operator.organizer, actor=who, at=now())
    if data.size is not None:
        found = await resize_quota(quota, data.size, organizer=operator.organizer, actor=who, at=now())
    return list(found)


class ShownChange(Struct, frozen=True, kw_only=True):
    """What is not given stays. `sold_out_text` by language, all of them."""

    show: Shown | None = None
    sold_out_text: dict[str, Annotated[str, Meta(max_length=1_000)]] | None = None


@get("/events/{event:int}/shown", summary="What buyers are told of how many are left")
async def get_shown(request: Request[Any, Any, Any], event: int) -> ShownView:
    operator = await require(request, Role.MANAGER)
    return await shown_of(event, organizer=operator.organizer)


@patch("/events/{event:int}/shown", summary="Nothing, what is left or what is sold; and the words for sold out")
async def patch_shown(request: Request[Any, Any, Any], event: int, data: ShownChange) -> ShownView:
    operator = await require(request, Role.MANAGER)
    return await change_shown(
        event, organizer=operator.organizer, actor=f"account:{operator.account}", at=now(), show=data.show,
        sold_out_text=data.sold_out_text,
    )  # fmt: skip


@delete("/inventory/{event:int}", summary="An event that shares nothing any more has an inventory of its own again")
async def delete_inventory(request: Request[Any, Any, Any], event: int) -> None:
    operator = await require(request, Role.MANAGER)
    await part_inventory(event, organizer=operator.organizer, actor=f"account:{operator.account}", at=now())


class SeatAsked(Struct, frozen=True):
    """By ordinal or label path."""

    seat: int | SeatName


@post("/tickets/{number:str}/seat", status_code=200, summary="Another seat for a sold ticket, at the same price")
async def post_seat(request: Request[Any, Any, Any], number: str, data: SeatAsked) -> Exchanged:
    operator = await require(request, Role.MANAGER)
    return await exchange_seat(
        number, data.seat, organizer=operator.organizer, actor=f"account:{operator.account}", at=now()
    )


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


class StaffChange(Struct, frozen=True):
    may_see_orders: bool


@get("/staff", summary="Who works here, and what each of them may")
async def get_staff(request: Request[Any, Any, Any]) -> list[StaffView]:
    operator = await require(request, Role.MANAGER)
    return list(await staff_of(operator.organizer))


@patch("/staff/{account:int}", summary="Who may see all orders, besides managers")
async def patch_staff(request: Request[Any, Any, Any], account: int, data: StaffChange) -> list[StaffView]:
    operator = await require(request, Role.MANAGER)
    found = await let_see_orders(
        account, data.may_see_orders, organizer=operator.organizer, actor=f"account:{operator.account}", at=now()
    )
    return list(found)


router = Router(
    path="/api/v1/manage",
    route_handlers=[
        get_allotments, post_allotment, patch_allotment, post_release, get_links, post_links, delete_link, get_quotas,
        patch_quota, delete_inventory, post_seat, get_shown,
        patch_shown, get_staff, patch_staff,
    ],
    tags=["manage"],
)  # fmt: skip
