"""The HTTP API of SeatView (SEA-4, LIVE-5): what buyers see from a seat, the photos, and a manager's models."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.datastructures import UploadFile
from msgspec import Meta, Struct

from app.accounts.logins import require
from app.accounts.tables import Role
from app.catalog.offered import offered_to
from app.catalog.photos import BYTES_MAX, LARGE, SMALL, TOO_MANY_BYTES, UNREADABLE, develop, refusal
from app.catalog.rules.selling import is_offered
from app.catalog.seat_view_uses import EventUse, PlanUse, plans_shown, uses_of
from app.catalog.seat_views import (
    Model,
    SeatPhoto,
    change_model,
    clean_seat,
    delete_model,
    delete_photo,
    find_model,
    list_models,
    make_model,
    photo_file,
    photos_of,
    put_photo,
    rename_photo,
)
from app.catalog.shown_photos import ShownPhotos, nearest_shown, photos_shown
from app.core.clock import now
from app.core.errors import Problem
from seating.seats import LABEL_SEPARATOR

FILE = re.compile(rf"([0-9a-f]{{64}})-({LARGE}|{SMALL})\.webp")
FOREVER = "max-age=31536000, immutable"
NO_COMPRESSION = {"skip_compression": True}
MULTIPART_MAX = 100_000
"""What a form may add to the photo."""


class PhotoView(Struct, frozen=True, kw_only=True):
    """`seat` is the label path, `label` the same for people; `url` and `small` never change what they show."""

    seat: str
    label: str
    url: str
    small: str
    width: int
    height: int


class ShownPhoto(PhotoView, frozen=True, kw_only=True):
    ordinal: int


class NearestView(ShownPhoto, frozen=True, kw_only=True):
    """`ordinal` is the photographed seat's, `distance` to it in plan units; `own`: it is the asked seat."""

    distance: float
    own: bool


class SeatViewShown(Struct, frozen=True):
    version: str
    photos: tuple[ShownPhoto, ...]


class ModelView(Struct, frozen=True, kw_only=True):
    """`photos`: how many."""

    id: int
    name: str
    version: str
    photos: int
    events: tuple[EventUse, ...]


class ManagedPhoto(PhotoView, frozen=True, kw_only=True):
    """`missing_from`: the plans (ids of `ManagedPhotos.plans`) that have no seat of this name."""

    id: int
    missing_from: tuple[int, ...]


class ManagedPhotos(Struct, frozen=True):
    version: str
    photos: tuple[ManagedPhoto, ...]
    plans: tuple[PlanUse, ...]


class ModelAsked(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=1_000)]


class ModelChange(Struct, frozen=True, kw_only=True):
    """What is not given stays. `events`: all that use it from now on."""

    name: Annotated[str, Meta(max_length=1_000)] | None = None
    events: Annotated[tuple[int, ...], Meta(max_length=500)] | None = None


class SeatAsked(Struct, frozen=True):
    """By label path."""

    seat: Annotated[str, Meta(max_length=1_000)]


# -- for buyers


@get("/performances/{performance:int}/seat-view", summary="Photos of the view, by seat; unchanging by `version`")
async def get_seat_view(request: Request[Any, Any, Any], performance: int, version: str = "") -> Response[bytes]:
    offer = await offered_to(request, performance)
    shown = await photos_shown(offer, version)
    audience = "public" if is_offered(offer, "online") else "private"
    fresh = FOREVER if version and version == shown.version else "no-cache"
    headers = {"etag": f'"{shown.version or "none"}"', "cache-control": f"{audience}, {fresh}"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, headers=headers)
    return Response(_page(performance, shown), media_type="application/json", headers=headers)


@get("/performances/{performance:int}/seat-view/{ordinal:int}", summary="The photo for one seat: its own or nearest")
async def get_nearest(request: Request[Any, Any, Any], performance: int, ordinal: int) -> NearestView:
    offer = await offered_to(request, performance)
    try:
        found = await nearest_shown(offer, ordinal)
    except IndexError:
        raise Problem("not_found") from None
    if found is None:
        raise Problem("not_found")
    photo, nearest = found
    return NearestView(**_view(photo), ordinal=nearest.ordinal, distance=nearest.distance, own=nearest.own)


@get("/seat-views/photos/{file:str}", include_in_schema=False, opt=NO_COMPRESSION)
async def get_photo_file(request: Request[Any, Any, Any], file: str) -> Response[bytes]:
    named = FILE.fullmatch(file)
    if named is None:
        raise Problem("not_found")
    headers = {"etag": f'"{file}"', "cache-control": f"public, {FOREVER}"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, headers=headers)
    found = await photo_file(named[1], small=named[2] == str(SMALL))
    if found is None:
        raise Problem("not_found")
    return Response(found, media_type="image/webp", headers=headers)


# -- for managers


@get("/", summary="Every SeatView model, how many photos it has and which events use it")
async def get_models(request: Request[Any, Any, Any]) -> list[ModelView]:
    operator = await require(request, Role.MANAGER)
    uses = await uses_of(operator.organizer)
    return [_model(model, uses) for model in await list_models(operator.organizer)]


@post("/", summary="A new model, without photos")
async def post_model(request: Request[Any, Any, Any], data: ModelAsked) -> ModelView:
    operator = await require(request, Role.MANAGER)
    return _model(await make_model(data.name, organizer=operator.organizer, at=now()), {})


@patch("/{model:int}", summary="Another name, or other events that use it")
async def patch_model(request: Request[Any, Any, Any], model: int, data: ModelChange) -> ModelView:
    operator = await require(request, Role.MANAGER)
    changed = await change_model(model, organizer=operator.organizer, name=data.name, events=data.events)
    return _model(changed, await uses_of(operator.organizer))


@delete("/{model:int}", summary="A model with its photos; events that used it show none any more")
async def delete_one(request: Request[Any, Any, Any], model: int) -> None:
    operator = await require(request, Role.MANAGER)
    await delete_model(model, organizer=operator.organizer)


@get("/{model:int}/photos", summary="A model's photos, and which plans have no seat of their names")
async def get_photos(request: Request[Any, Any, Any], model: int) -> ManagedPhotos:
    operator = await require(request, Role.MANAGER)
    found = await find_model(model, organizer=operator.organizer)
    photos = await photos_of(model, organizer=operator.organizer)
    plans = await plans_shown(model)
    return ManagedPhotos(
        version=found.version,
        photos=tuple(
            ManagedPhoto(
                **_view(photo), id=photo.id,
                missing_from=tuple(plan.id for plan, seats in plans if photo.seat not in seats),
            )
            for photo in photos
        ),
        plans=tuple(plan for plan, _ in plans),
    )  # fmt: skip


@put(
    "/{model:int}/photos",
    summary="The view from a seat: a JPEG, PNG or WebP as the body, or as `photo` of a form; 201 when it is the first",
    request_max_body_size=BYTES_MAX + MULTIPART_MAX,
)
async def put_one_photo(request: Request[Any, Any, Any], model: int, seat: str) -> Response[ManagedPhoto]:
    operator = await require(request, Role.MANAGER)
    clean_seat(seat)  # before megabytes are read for nothing, like what follows
    await find_model(model, organizer=operator.organizer)
    photo = await develop(await _uploaded(request))
    put, new = await put_photo(model, seat, photo, organizer=operator.organizer, at=now())
    return Response(await _managed(model, put), status_code=201 if new else 200)


@patch("/{model:int}/photos/{photo:int}", summary="The photo shows the view from another seat")
async def patch_photo(request: Request[Any, Any, Any], model: int, photo: int, data: SeatAsked) -> ManagedPhoto:
    operator = await require(request, Role.MANAGER)
    return await _managed(model, await rename_photo(model, photo, data.seat, organizer=operator.organizer))


@delete("/{model:int}/photos/{photo:int}", summary="The seat has no photo of its own any more")
async def delete_one_photo(request: Request[Any, Any, Any], model: int, photo: int) -> None:
    operator = await require(request, Role.MANAGER)
    await delete_photo(model, photo, organizer=operator.organizer)


async def _uploaded(request: Request[Any, Any, Any]) -> bytes:
    """The file of a request, whole. Raises Invalid."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > BYTES_MAX + MULTIPART_MAX:
        raise refusal(TOO_MANY_BYTES)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    field = (await request.form()).get("photo")
    if not isinstance(field, UploadFile):
        raise refusal(UNREADABLE)
    return await field.read()


async def _managed(model: int, photo: SeatPhoto) -> ManagedPhoto:
    missing = tuple(plan.id for plan, seats in await plans_shown(model) if photo.seat not in seats)
    return ManagedPhoto(**_view(photo), id=photo.id, missing_from=missing)


def _model(model: Model, uses: Mapping[int, EventUse]) -> ModelView:
    return ModelView(
        id=model.id, name=model.name, version=model.version, photos=model.photos,
        events=tuple(uses[event] for event in model.events if event in uses),
    )  # fmt: skip


def _view(photo: SeatPhoto) -> dict[str, Any]:
    """What every view of a photo has."""
    return {
        "seat": photo.seat,
        "label": " · ".join(filter(None, photo.seat.split(LABEL_SEPARATOR))),
        "url": f"/seat-views/photos/{photo.digest}-{LARGE}.webp",
        "small": f"/seat-views/photos/{photo.digest}-{SMALL}.webp",
        "width": photo.width,
        "height": photo.height,
    }


_pages: dict[int, tuple[ShownPhotos, bytes]] = {}


def _page(performance: int, shown: ShownPhotos) -> bytes:
    """Encoded once for all who come after a change."""
    kept = _pages.get(performance)
    if kept is None or kept[0] is not shown:
        if len(_pages) >= 500:
            _pages.clear()
        photos = tuple(ShownPhoto(**_view(photo), ordinal=ordinal) for ordinal, photo in shown.photos.items())
        kept = (shown, msgspec.json.encode(SeatViewShown(shown.version, photos)))
        _pages[performance] = kept
    return kept[1]


buyers = Router(path="/api/v1", route_handlers=[get_seat_view, get_nearest], tags=["selling"])
managers = Router(
    path="/api/v1/manage/seat-views",
    route_handlers=[
        get_models, post_model, patch_model, delete_one, get_photos, put_one_photo, patch_photo, delete_one_photo,
    ],
    tags=["manage"],
)  # fmt: skip
router = Router(path="/", route_handlers=[buyers, managers, get_photo_file])
