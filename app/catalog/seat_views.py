"""SeatView (SEA-4): models of photos by seat name, their changes, and what a performance shows of them (LIVE-5).

A change is one transaction under the model's row lock, which also writes the model's new `version`. After the commit
the performances that use the model are told on Redis to look again; what they find is the ledger's, so a word that was
lost or came late harms nothing (see `realtime.rooms`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog
from msgspec import Struct
from redis.exceptions import RedisError

from app.catalog.photos import Photo
from app.core.db import connection, transaction
from app.core.errors import Invalid, Problem
from app.core.i18n import N_
from app.core.redis import redis

log = structlog.get_logger()
PHOTOS_MAX = 10_000
ID_MAX = 2**63 - 1
SEAT_LENGTH_MAX = 200

# Equal photos give equal versions, whatever happened in between: nobody fetches again what is as it was.
NEW_VERSION = """
UPDATE catalog.seat_view SET version = coalesce((
    SELECT left(encode(sha256(convert_to(string_agg(seat || E'\\n' || digest, E'\\n' ORDER BY seat COLLATE "C"),
                                         'UTF8')), 'hex'), 24)
    FROM catalog.seat_view_photo WHERE seat_view = $1), '')
WHERE id = $1
"""
MODELS = """
SELECT v.id, v.name, v.version,
       (SELECT count(*) FROM catalog.seat_view_photo p WHERE p.seat_view = v.id) AS photos,
       array(SELECT e.id FROM catalog.event e WHERE e.seat_view = v.id ORDER BY e.position, e.id) AS events
FROM catalog.seat_view v
WHERE v.organizer = $1 AND ($2::bigint IS NULL OR v.id = $2) ORDER BY v.id
"""


class Model(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    version: str
    photos: int
    events: tuple[int, ...]


class SeatPhoto(Struct, frozen=True):
    """A photo without its bytes; `seat` is the label path that it was taken from."""

    id: int
    seat: str
    digest: str
    width: int
    height: int


async def list_models(organizer: int) -> tuple[Model, ...]:
    return await _models(organizer, None)


async def find_model(model: int, *, organizer: int) -> Model:
    """Raises Problem('not_found'), also for another organiser's."""
    found = await _models(organizer, model) if 0 < model <= ID_MAX else ()
    if not found:
        raise Problem("not_found")
    return found[0]


async def make_model(name: str, *, organizer: int, at: datetime) -> Model:
    """Raises Invalid without a name."""
    async with connection() as ledger:
        made = await ledger.fetchval(
            "INSERT INTO catalog.seat_view (organizer, name, version, created_at) VALUES ($1, $2, '', $3) RETURNING id",
            organizer, _clean_name(name), at,
        )  # fmt: skip
    return await find_model(made, organizer=organizer)


async def change_model(
    model: int, *, organizer: int, name: str | None = None, events: Sequence[int] | None = None
) -> Model:
    """What is not given stays; `events`: all that use it from now on. Raises Problem('not_found'), Invalid for a name
    that is none or an event that is not the organiser's."""
    async with transaction() as ledger:
        await _lock(ledger, model, organizer)
        if name is not None:
            await ledger.execute("UPDATE catalog.seat_view SET name = $2 WHERE id = $1", model, _clean_name(name))
        changed = await _use_in(ledger, model, organizer, events) if events is not None else []
    await announce(changed)
    return await find_model(model, organizer=organizer)


async def delete_model(model: int, *, organizer: int) -> None:
    """With its photos; events that used it show none any more. Raises Problem('not_found')."""
    async with transaction() as ledger:
        await _lock(ledger, model, organizer)
        changed = await _use_in(ledger, model, organizer, ())
        await ledger.execute("DELETE FROM catalog.seat_view_photo WHERE seat_view = $1", model)
        await ledger.execute("DELETE FROM catalog.seat_view WHERE id = $1", model)
    await announce(changed)


async def photos_of(model: int, *, organizer: int) -> tuple[SeatPhoto, ...]:
    """In order of seat names. Raises Problem('not_found')."""
    await find_model(model, organizer=organizer)
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT id, seat, digest, width, height FROM catalog.seat_view_photo WHERE seat_view = $1 ORDER BY seat",
            model,
        )
    return tuple(map(photo_of, rows))


async def photo_file(digest: str, *, small: bool) -> bytes | None:
    """The WebP of a photo in one of its sizes; None when no seat has it."""
    async with connection() as reader:
        found: bytes | None = await reader.fetchval(
            "SELECT CASE WHEN $2 THEN small ELSE large END FROM catalog.seat_view_photo WHERE digest = $1 LIMIT 1",
            digest, small,
        )  # fmt: skip
    return found


async def put_photo(model: int, seat: str, photo: Photo, *, organizer: int, at: datetime) -> tuple[SeatPhoto, bool]:
    """The view from `seat` is this from now on; True when the seat had none before. Raises Problem('not_found'),
    Invalid for a seat that cannot be one, or a model that is full."""
    seat = clean_seat(seat)
    async with transaction() as ledger:
        await _lock(ledger, model, organizer)
        count = await ledger.fetchval("SELECT count(*) FROM catalog.seat_view_photo WHERE seat_view = $1", model)
        # The row is the photo's place, so its id outlives the photo: whoever deletes it deletes what is there then.
        row = await ledger.fetchrow(
            "INSERT INTO catalog.seat_view_photo (seat_view, seat, digest, width, height, large, small, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (seat_view, seat) DO UPDATE SET"
            " digest = excluded.digest, width = excluded.width, height = excluded.height, large = excluded.large,"
            " small = excluded.small, created_at = excluded.created_at"
            " RETURNING id, seat, digest, width, height, (xmax = 0) AS new",
            model, seat, photo.digest, photo.width, photo.height, photo.large, photo.small, at,
        )  # fmt: skip
        if row["new"] and count >= PHOTOS_MAX:
            raise Invalid({"photo": N_("This model is full. Please use another one for the rest of the house.")})
        changed = await _changed(ledger, model)
    await announce(changed)
    return photo_of(row), bool(row["new"])


async def rename_photo(model: int, photo: int, seat: str, *, organizer: int) -> SeatPhoto:
    """The photo shows the view from another seat. Raises Problem: not_found, seat_photographed; Invalid."""
    seat = clean_seat(seat)
    async with transaction() as ledger:
        await _lock(ledger, model, organizer)
        rival = await ledger.fetchval(
            "SELECT id FROM catalog.seat_view_photo WHERE seat_view = $1 AND seat = $2 AND id <> $3", model, seat, photo
        )
        if rival is not None:
            raise Problem("seat_photographed", extras={"photo": rival})
        row = await ledger.fetchrow(
            "UPDATE catalog.seat_view_photo SET seat = $3 WHERE seat_view = $1 AND id = $2"
            " RETURNING id, seat, digest, width, height",
            model, photo, seat,
        )  # fmt: skip
        if row is None:
            raise Problem("not_found")
        changed = await _changed(ledger, model)
    await announce(changed)
    return photo_of(row)


async def delete_photo(model: int, photo: int, *, organizer: int) -> None:
    """Raises Problem('not_found')."""
    async with transaction() as ledger:
        await _lock(ledger, model, organizer)
        gone = await ledger.fetchval(
            "DELETE FROM catalog.seat_view_photo WHERE seat_view = $1 AND id = $2 RETURNING id", model, photo
        )
        if gone is None:
            raise Problem("not_found")
        changed = await _changed(ledger, model)
    await announce(changed)


def photo_of(row: Any) -> SeatPhoto:
    """Of a row of `seat_view_photo` with the columns that are fields here."""
    return SeatPhoto(row["id"], row["seat"], row["digest"], row["width"], row["height"])


def clean_seat(seat: str) -> str:
    """A label path as plans write it. Raises Invalid."""
    seat = seat.strip()  # a plan's labels may have two spaces within, and are compared as they are
    if not seat or len(seat) > SEAT_LENGTH_MAX or not seat.isprintable():
        raise Invalid({"seat": N_("Please name the seat as the plan does, for example “Parterre > A > 12”.")})
    return seat


async def announce(performances: Iterable[int]) -> None:
    """After the commit: whoever shows these performances looks again. Redis may be away: they look by themselves too,
    only later."""
    try:
        async with redis().pipeline(transaction=False) as told:
            for performance in performances:
                told.publish(channel(performance), b"")
            await told.execute()
    except (RedisError, OSError) as error:
        log.info("seat_view_not_announced", error=repr(error))


def channel(performance: int) -> str:
    """Where it is said that the photos of a performance have changed; which, the ledger knows."""
    return f"placeur:seat-view:{performance}"


async def _models(organizer: int, only: int | None) -> tuple[Model, ...]:
    async with connection() as reader:
        rows = await reader.fetch(MODELS, organizer, only)
    return tuple(
        Model(id=r["id"], name=r["name"], version=r["version"], photos=r["photos"], events=tuple(r["events"]))
        for r in rows
    )


async def _lock(ledger: asyncpg.Connection, model: int, organizer: int) -> None:
    """One change of a model at a time: its version is that of all its photos."""
    found = 0 < model <= ID_MAX and await ledger.fetchval(
        "SELECT id FROM catalog.seat_view WHERE id = $1 AND organizer = $2 FOR UPDATE", model, organizer
    )
    if not found:
        raise Problem("not_found")


async def _changed(ledger: asyncpg.Connection, model: int) -> list[int]:
    """Write the new version; the performances that show it."""
    await ledger.execute(NEW_VERSION, model)
    rows = await ledger.fetch(
        "SELECT p.id FROM catalog.performance p JOIN catalog.event e ON e.id = p.event WHERE e.seat_view = $1", model
    )
    return [row["id"] for row in rows]


async def _use_in(ledger: asyncpg.Connection, model: int, organizer: int, events: Sequence[int]) -> list[int]:
    """Exactly these events use it from now on; the performances of those that changed."""
    owned = await ledger.fetch(
        "SELECT e.id FROM catalog.event e JOIN catalog.box_office b ON b.id = e.box_office"
        " WHERE b.organizer = $1 AND e.id = ANY($2::bigint[])",
        organizer, list(events),
    )  # fmt: skip
    if len(owned) != len(set(events)):
        raise Invalid({"events": N_("One of these events does not exist. Please reload the page.")})
    rows = await ledger.fetch(
        "WITH changed AS (UPDATE catalog.event SET seat_view = CASE WHEN id = ANY($2::bigint[]) THEN $1::bigint END"
        " WHERE (seat_view = $1) IS DISTINCT FROM (id = ANY($2::bigint[]))"
        " AND (seat_view = $1 OR id = ANY($2::bigint[])) RETURNING id)"
        " SELECT p.id FROM catalog.performance p JOIN changed c ON c.id = p.event",
        model, list(events),
    )  # fmt: skip
    return [row["id"] for row in rows]


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120 or not name.isprintable():
        raise Invalid({"name": N_("Please give it a name, of up to 120 characters.")})
    return name
