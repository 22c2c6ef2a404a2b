"""What a performance shows of its SeatView model (SEA-4, LIVE-5): for buyers, read from the ledger and kept by version.

A new photo sends everybody whose map is open here within two seconds. They name the version that they were told, so all
of them but the first are answered from memory, without a question to the ledger.
"""

from __future__ import annotations

from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import offer_of, plan_of
from app.catalog.seat_views import SeatPhoto, photo_of
from app.core.db import connection
from realtime.shared import Shared
from seating.seat_view import NearestPhoto, nearest_photo, place_photos

KEPT_MAX = 500
"""Performances; beyond this many all are forgotten."""
# A plan's seats are numbered by its version: photos by ordinal are others on another plan.
VERSION = """
CASE WHEN v.version <> '' AND p.plan IS NOT NULL THEN v.version || '-' || p.plan ELSE '' END AS version
FROM catalog.performance p JOIN catalog.event e ON e.id = p.event LEFT JOIN catalog.seat_view v ON v.id = e.seat_view
"""


class ShownPhotos(Struct, frozen=True):
    """`version`: another for every change of what is shown, "" when there is nothing; `photos` by ordinal."""

    version: str
    photos: dict[int, SeatPhoto]


NOTHING = ShownPhotos("", {})
_kept: dict[int, ShownPhotos] = {}


async def version_shown(performance: int) -> str:
    """The version of what a performance shows now; "" also for one that does not exist."""
    async with connection() as reader:
        found: str | None = await reader.fetchval(f"SELECT {VERSION} WHERE p.id = $1", performance)
    return found or ""


async def photos_shown(offer: Offer, told: str = "") -> ShownPhotos:
    """The photos of a performance: those of the version `told` where we have it, else the present ones."""
    kept = _kept.get(offer.id)
    if told and kept is not None and kept.version == told:
        return kept
    shown = await _reading(offer.id)
    if told and shown.version != told:
        shown = await _read(offer.id)  # the reading that we shared may have begun before the change
    return shown


async def nearest_shown(offer: Offer, ordinal: int) -> tuple[SeatPhoto, NearestPhoto] | None:
    """The photo for a seat, and whose it is; None without any. Raises IndexError for a seat that there is not."""
    plan = await plan_of(offer)
    if plan is None or not 0 <= ordinal < len(plan.seats):
        raise IndexError(ordinal)
    shown = await photos_shown(offer)
    nearest = nearest_photo(plan, ordinal, shown.photos)
    return (shown.photos[nearest.ordinal], nearest) if nearest is not None else None


async def _read(performance: int) -> ShownPhotos:
    version = await version_shown(performance)
    if (kept := _kept.get(performance)) is not None and kept.version == version:
        return kept
    plan = await plan_of(await offer_of(performance, exact=True))
    async with connection() as reader:
        # Version and photos of one moment: one statement.
        rows = await reader.fetch(
            f"SELECT f.id, f.seat, f.digest, f.width, f.height, {VERSION}"
            " JOIN catalog.seat_view_photo f ON f.seat_view = v.id WHERE p.id = $1",
            performance,
        )
    shown = NOTHING
    if plan is not None and rows:
        placed, _ = place_photos(plan, {row["seat"]: photo_of(row) for row in rows})
        shown = ShownPhotos(rows[0]["version"], dict(sorted(placed.items())))
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    _kept[performance] = shown
    return shown


_reading = Shared(_read, 0.0)
