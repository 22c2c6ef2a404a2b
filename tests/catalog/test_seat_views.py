"""Models of photos in the ledger (SEA-4): whatever happens at once, a version is that of the photos beside it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random

import asyncpg
import pytest

from app.catalog import seat_views
from app.catalog.photos import Photo
from app.catalog.queries import offer_of
from app.catalog.seat_views import (
    Model,
    SeatPhoto,
    change_model,
    delete_model,
    delete_photo,
    find_model,
    make_model,
    photo_file,
    photos_of,
    put_photo,
    rename_photo,
)
from app.catalog.shown_photos import photos_shown, version_shown
from app.core.clock import now
from app.core.db import UniqueViolationError
from app.core.errors import Invalid, Problem
from tests.cast import Theatre
from tests.running import eventually

SEATS = [f"Parterre > A > {n}" for n in range(1, 6)]


@pytest.fixture
async def model(theatre: Theatre) -> Model:
    made = await make_model("Main hall", organizer=theatre.organizer, at=now())
    return await change_model(made.id, organizer=theatre.organizer, events=[theatre.event])


def picture(word: str) -> Photo:
    """No picture, but stored like one."""
    return Photo(hashlib.sha256(word.encode()).hexdigest(), 1600, 900, b"large " + word.encode(), b"small")


async def put(theatre: Theatre, model: Model, seat: str, word: str) -> SeatPhoto:
    photo, _ = await put_photo(model.id, seat, picture(word), organizer=theatre.organizer, at=now())
    return photo


def version_of(photos: tuple[SeatPhoto, ...]) -> str:
    lines = sorted((photo.seat.encode(), photo.digest.encode()) for photo in photos)
    if not lines:
        return ""
    return hashlib.sha256(b"\n".join(seat + b"\n" + digest for seat, digest in lines)).hexdigest()[:24]


async def many_at_work(theatre: Theatre, model: Model) -> tuple[SeatPhoto, ...]:
    """What six managers leave who photograph, rename and delete at the same few seats."""

    async def work(number: int) -> None:
        dice = random.Random(number)
        for step in range(6):
            seat, other = dice.sample(SEATS, 2)
            with contextlib.suppress(Problem):  # somebody else was quicker
                photo = await put(theatre, model, seat, f"{number} {step}")
                if dice.random() < 0.3:
                    await rename_photo(model.id, photo.id, other, organizer=theatre.organizer)
                elif dice.random() < 0.3:
                    await delete_photo(model.id, photo.id, organizer=theatre.organizer)
        # Whoever is the last of all leaves a photo behind, in whatever order they came.
        await put(theatre, model, SEATS[number % len(SEATS)], f"{number} at last")

    for outcome in await asyncio.gather(*(work(number) for number in range(6)), return_exceptions=True):
        if outcome is not None:
            raise outcome
    return await photos_of(model.id, organizer=theatre.organizer)


async def test_managers_who_work_at_once_leave_a_version_that_is_true(theatre: Theatre, model: Model) -> None:
    photos = await many_at_work(theatre, model)
    assert photos
    assert len({photo.seat for photo in photos}) == len(photos)
    assert (await find_model(model.id, organizer=theatre.organizer)).version == version_of(photos)
    plan = (await offer_of(theatre.performance)).plan
    assert await version_shown(theatre.performance) == f"{version_of(photos)}-{plan}"


async def test_without_the_model_s_lock_they_get_into_each_other_s_way(
    theatre: Theatre, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both see that the seat has no photo, before either has given it one."""
    photos = [await put(theatre, model, seat, seat) for seat in SEATS[:2]]
    both_are_in = asyncio.Barrier(2)
    changed = seat_views._changed

    async def no_lock(*_: object) -> None:
        await both_are_in.wait()

    async def changed_when_the_other_waits(ledger: asyncpg.Connection, model: int) -> list[int]:
        async def waits() -> bool:
            return bool(await ledger.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await eventually(waits, "the other has seen no rival, and waits for the index")
        return await changed(ledger, model)

    monkeypatch.setattr(seat_views, "_lock", no_lock)
    monkeypatch.setattr(seat_views, "_changed", changed_when_the_other_waits)
    outcomes = await asyncio.gather(
        *(rename_photo(model.id, photo.id, SEATS[2], organizer=theatre.organizer) for photo in photos),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {SeatPhoto, UniqueViolationError}


async def test_seat_names_in_any_script_have_one_order_here_and_there(theatre: Theatre, model: Model) -> None:
    """The version does not depend on how a database sorts."""
    for seat in ("Éventail > a > 1", "Zone > b > 1", "балкон > А > 1", "eventail > B > 1", "客席 > 一 > 1"):
        await put(theatre, model, seat, seat)
    photos = await photos_of(model.id, organizer=theatre.organizer)
    assert (await find_model(model.id, organizer=theatre.organizer)).version == version_of(photos)


async def test_a_photo_s_bytes_are_gone_with_the_last_seat_that_has_it(theatre: Theatre, model: Model) -> None:
    one, two = [await put(theatre, model, seat, "the same") for seat in SEATS[:2]]
    assert one.digest == two.digest
    await delete_photo(model.id, one.id, organizer=theatre.organizer)
    assert await photo_file(one.digest, small=False) == b"large the same"
    assert await photo_file(one.digest, small=True) == b"small"
    await delete_photo(model.id, two.id, organizer=theatre.organizer)
    assert await photo_file(one.digest, small=False) is None


async def test_an_event_that_moves_to_another_model_shows_that_one_s_photos(theatre: Theatre, model: Model) -> None:
    await put(theatre, model, SEATS[0], "first")
    other = await make_model("Small hall", organizer=theatre.organizer, at=now())
    await put(theatre, other, SEATS[1], "second")
    offer = await offer_of(theatre.performance)
    assert [photo.seat for photo in (await photos_shown(offer)).photos.values()] == [SEATS[0]]
    await change_model(other.id, organizer=theatre.organizer, events=[theatre.event, theatre.standing_event])
    assert [photo.seat for photo in (await photos_shown(offer)).photos.values()] == [SEATS[1]]
    assert (await find_model(model.id, organizer=theatre.organizer)).events == ()
    await delete_model(model.id, organizer=theatre.organizer)
    assert [photo.seat for photo in (await photos_shown(offer)).photos.values()] == [SEATS[1]]


async def test_who_names_the_version_that_is_there_asks_the_ledger_nothing(
    theatre: Theatre, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands come at once after a change."""
    await put(theatre, model, SEATS[0], "first")
    offer = await offer_of(theatre.performance)
    version = await version_shown(theatre.performance)
    first = await photos_shown(offer, version)

    def no_ledger() -> None:
        raise AssertionError("the ledger was asked")

    monkeypatch.setattr("app.catalog.shown_photos.connection", no_ledger)
    assert await photos_shown(offer, version) is first
    with pytest.raises(AssertionError, match="the ledger was asked"):
        await photos_shown(offer)  # the control: who names none may have to be told of another
    monkeypatch.undo()
    await put(theatre, model, SEATS[0], "second")
    assert (await photos_shown(offer, await version_shown(theatre.performance))).version != version


async def test_a_crowd_that_comes_for_a_new_version_gets_it_from_one_reading(theatre: Theatre, model: Model) -> None:
    await put(theatre, model, SEATS[0], "first")
    offer = await offer_of(theatre.performance)
    await photos_shown(offer)
    await put(theatre, model, SEATS[1], "second")
    version = await version_shown(theatre.performance)
    crowd = await asyncio.gather(*(photos_shown(offer, version) for _ in range(200)))
    assert {shown.version for shown in crowd} == {version}
    assert all(shown is crowd[0] for shown in crowd)


async def test_a_full_model_takes_other_photos_of_the_same_seats_only(
    theatre: Theatre, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seat_views, "PHOTOS_MAX", 2)
    for seat in SEATS[:2]:
        await put(theatre, model, seat, seat)
    with pytest.raises(Invalid):
        await put(theatre, model, SEATS[2], "one too many")
    await put(theatre, model, SEATS[1], "another")
    photos = await photos_of(model.id, organizer=theatre.organizer)
    assert [photo.seat for photo in photos] == SEATS[:2]
    assert (await find_model(model.id, organizer=theatre.organizer)).version == version_of(photos)


@pytest.mark.parametrize("seat", ["", "   ", "x" * 201, "Parterre > A > \x00", "Parterre \u202e> A"])
async def test_a_seat_that_no_plan_can_have_is_refused(theatre: Theatre, model: Model, seat: str) -> None:
    with pytest.raises(Invalid) as told:
        await put(theatre, model, seat, "anything")
    assert told.value.errors.keys() == {"seat"}
