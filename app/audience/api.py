"""The HTTP API of waitlists (docs/api.md): one's own entry by its key, and the managers' list. Joining and telling need
to know what is sold: `app.sales.waitlist_api`."""

from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from app.accounts.logins import require
from app.accounts.tables import Role
from app.audience.entries import EntryView, Filter, ManagedList, find_entry, leave, read_list, remove_entry
from app.audience.lists import ListChange, ListSettings, change_settings
from app.audience.spreadsheet import waitlist_csv
from app.audience.tables import EntryState, Mode
from app.core.clock import now
from app.core.ratelimit import count_try
from app.core.redis import redis

LEAVES_PER_MINUTE = 60
State = Annotated[EntryState | None, Parameter(query="state", description="waiting, offered, lapsed or served")]


class SettingsAsked(Struct, frozen=True, kw_only=True):
    """What is not given stays."""

    waitlist: Mode | None = None
    tariffs: Annotated[tuple[int, ...], Meta(max_length=500)] | None = None
    automatic: bool | None = None
    delay_minutes: Annotated[int, Meta(ge=0, le=100_000)] | None = None


@get("/waitlist/{key:str}", summary="One's own entry on a waiting list, by the key of its mail")
async def get_entry(key: str) -> EntryView:
    return await find_entry(key)


@post("/waitlist/{key:str}/leave", status_code=204, summary="Leave a waiting list; name and address are deleted")
async def post_leave(request: Request[Any, Any, Any], key: str) -> None:
    address = request.client.host if request.client else "unknown"
    await count_try(redis(), "waitlist-leave", address, most=LEAVES_PER_MINUTE, window_s=60)
    await leave(key)


@get("/manage/waitlist", summary="An event's waiting list and its settings")
async def get_list(
    request: Request[Any, Any, Any],
    event: int,
    performance: int | None = None,
    tariff: int | None = None,
    entry_state: State = None,
) -> ManagedList:
    operator = await require(request, Role.MANAGER)
    asked = Filter(performance=performance, tariff=tariff, state=entry_state)
    return await read_list(event, asked, organizer=operator.organizer)


@patch("/manage/waitlist", summary="Whether an event has a waiting list, and how it tells")
async def patch_list(request: Request[Any, Any, Any], event: int, data: SettingsAsked) -> ListSettings:
    operator = await require(request, Role.MANAGER)
    change = ListChange(
        waitlist=data.waitlist, tariffs=data.tariffs, automatic=data.automatic, delay_minutes=data.delay_minutes
    )
    return await change_settings(
        event, change, organizer=operator.organizer, actor=f"account:{operator.account}", at=now()
    )


@delete("/manage/waitlist/{entry:int}", summary="Take an entry off the list; name and address are deleted")
async def delete_entry(request: Request[Any, Any, Any], entry: int) -> None:
    operator = await require(request, Role.MANAGER)
    await remove_entry(entry, organizer=operator.organizer)


@get("/manage/waitlist.csv", summary="The waiting list as a file for spreadsheet programs")
async def get_csv(
    request: Request[Any, Any, Any],
    event: int,
    performance: int | None = None,
    tariff: int | None = None,
    entry_state: State = None,
) -> Response[bytes]:
    operator = await require(request, Role.MANAGER)
    asked = Filter(performance=performance, tariff=tariff, state=entry_state)
    shown = await read_list(event, asked, organizer=operator.organizer)
    return Response(
        waitlist_csv(shown),
        media_type="text/csv",
        headers={
            "content-disposition": f'attachment; filename="waitlist-{event}.csv"',
            "cache-control": "private, no-store",
        },
    )


router = Router(
    path="/api/v1",
    route_handlers=[get_entry, post_leave, get_list, patch_list, delete_entry, get_csv],
    tags=["waitlist"],
)
