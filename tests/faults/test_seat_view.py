"""A new photo and whatever may befall its way to open maps (SEA-4, LIVE-5, LIVE-10)."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import AsyncIterator, Iterable
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from litestar import Litestar

from app import feed
from app.catalog import seat_views
from app.catalog.photos import Photo, develop_now
from app.catalog.shown_photos import version_shown
from app.core.clock import now
from app.core.redis import redis
from app.live import Live, LiveSettings
from app.sales.inventory import inventory
from realtime.client import Feed
from realtime.follower import Status
from realtime.rooms import RoomSettings
from realtime.sockets import uvicorn_options
from tests.cast import Theatre
from tests.faults.feed_network import Switch, switch_to
from tests.faults.test_feed_herd import take, two_webs
from tests.pictures import BLUE, GREEN, RED, jpeg
from tests.realtime.server import serve
from tests.running import PATIENCE_S
from tests.shop import browser, sign_in

pytestmark = pytest.mark.fault

SEAT, OTHER = "Parterre > A > 4", "Parterre > B > 4"


@pytest.fixture
async def model(theatre: Theatre) -> int:
    """One that the play uses, with one photo."""
    made = await seat_views.make_model("Main hall", organizer=theatre.organizer, at=now())
    await seat_views.change_model(made.id, organizer=theatre.organizer, events=[theatre.event])
    await put(theatre, made.id, SEAT, developed(RED))
    return made.id


def developed(colour: tuple[int, int, int]) -> Photo:
    return develop_now(jpeg(colours=(colour, GREEN)))


async def put(theatre: Theatre, model: int, seat: str, photo: Photo) -> str:
    """From this process, which is none of those that are watched; the version from then on."""
    await seat_views.put_photo(model, seat, photo, organizer=theatre.organizer, at=now())
    return await version_shown(theatre.performance)


@contextlib.asynccontextmanager
async def ledger_by_switch() -> AsyncIterator[Switch]:
    address = urlsplit(os.environ["DATABASE_URL"])
    async with switch_to(f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.5432") as switch:
        yield switch


async def test_a_photo_taken_at_one_web_process_reaches_the_maps_of_both(theatre: Theatre, model: int) -> None:
    async with (
        ledger_by_switch() as ledger,
        two_webs(ledger) as webs,
        Feed(webs[0].url_of(theatre.performance), dice=random.Random(1)) as here,
        Feed(webs[1].url_of(theatre.performance), dice=random.Random(2)) as there,
        browser(f"http://127.0.0.1:{webs[0].port}") as manager,
        browser(f"http://127.0.0.1:{webs[1].port}") as buyer,
    ):
        first = await version_shown(theatre.performance)
        for viewer in (here, there):
            await viewer.until(lambda viewer: viewer.seat_view == first, PATIENCE_S)
        assert [photo["seat"] for photo in await shown(buyer, theatre, first)] == [SEAT]

        await sign_in(manager, "manager")
        photos = f"/api/v1/manage/seat-views/{model}/photos"
        taken = await manager.put(photos, params={"seat": OTHER}, content=jpeg(colours=(BLUE, GREEN)))
        assert taken.status_code == 201, taken.text
        second = await version_shown(theatre.performance)
        assert second != first
        for viewer in (here, there):
            await viewer.until(lambda viewer: viewer.seat_view == second, PATIENCE_S)
            assert viewer.reconnects == 0
        by_seat = {photo["seat"]: photo for photo in await shown(buyer, theatre, second)}
        assert set(by_seat) == {SEAT, OTHER}
        got = await buyer.get(by_seat[OTHER]["small"])
        assert (got.status_code, got.headers["content-type"]) == (200, "image/webp")

        assert (await manager.delete(f"/api/v1/manage/seat-views/{model}")).status_code == 204
        for viewer in (here, there):
            await viewer.until(lambda viewer: viewer.seat_view == "", PATIENCE_S)
        assert await shown(buyer, theatre, "") == []


async def shown(buyer: httpx.AsyncClient, theatre: Theatre, version: str) -> list[dict[str, str]]:
    """As a page asks that was told this version: it gets that one at once, at whichever process."""
    answer = await buyer.get(f"/api/v1/performances/{theatre.performance}/seat-view", params={"version": version})
    body = answer.json()
    assert body["version"] == version
    photos: list[dict[str, str]] = body["photos"]
    return photos


@contextlib.asynccontextmanager
async def viewer_at(theatre: Theatre, recall_s: float) -> AsyncIterator[Feed]:
    """On a web process that asks again for what is retained after `recall_s`."""
    settings = LiveSettings(rooms=msgspec.structs.replace(RoomSettings(), recall_s=recall_s, check_s=0.1))
    live = Live(inventory(), redis(), feed._wiring(), settings)
    app = Litestar([live.router()], logging_config=None)
    try:
        async with serve(app, lifespan="off", **uvicorn_options(4096)) as host:
            url = f"ws://{host}/live/performances/{theatre.performance}"
            async with Feed(url, dice=random.Random(3)) as viewer:
                await viewer.until(lambda viewer: viewer.status is Status.LIVE, PATIENCE_S)
                yield viewer
    finally:
        await live.close()


async def test_an_announcement_that_is_lost_is_made_up_for(
    theatre: Theatre, model: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault: whoever took the photo dies between the commit and the word about it. The control: a process that does
    not ask again goes on showing what it had."""
    first = await version_shown(theatre.performance)
    async with viewer_at(theatre, 0.2) as healed, viewer_at(theatre, 3_600) as left:
        for viewer in (healed, left):
            await viewer.until(lambda viewer: viewer.seat_view == first, PATIENCE_S)

        async def nobody_is_told(performances: Iterable[int]) -> None:
            assert theatre.performance in performances

        monkeypatch.setattr(seat_views, "announce", nobody_is_told)
        second = await put(theatre, model, OTHER, developed(BLUE))
        await healed.until(lambda viewer: viewer.seat_view == second, PATIENCE_S)
        taken = await take(theatre, 3)  # which both hear of: the process is alive and listens
        await left.until(lambda viewer: bytes(viewer.codes) == taken, PATIENCE_S)
        assert left.seat_view == first
        monkeypatch.undo()
        third = await put(theatre, model, OTHER, developed(RED))
        for viewer in (healed, left):
            await viewer.until(lambda viewer: viewer.seat_view == third, PATIENCE_S)


async def test_while_the_ledger_is_out_of_reach_seats_move_and_the_photo_comes_afterwards(
    theatre: Theatre, model: int
) -> None:
    """Connections to PostgreSQL carry nothing any more, and for a while nobody says so."""
    async with (
        ledger_by_switch() as ledger,
        two_webs(ledger) as (web, _),
        Feed(web.url_of(theatre.performance), dice=random.Random(1)) as viewer,
    ):
        first = await version_shown(theatre.performance)
        await viewer.until(lambda viewer: viewer.seat_view == first, PATIENCE_S)
        ledger.freeze(dark=True)
        second = await put(theatre, model, OTHER, developed(BLUE))
        for seat in (3, 5, 8):
            taken = await take(theatre, seat)
            await viewer.until(lambda viewer, taken=taken: bytes(viewer.codes) == taken, PATIENCE_S)  # type: ignore[misc]  # bound at once
            assert (viewer.seat_view, viewer.status, viewer.reconnects) == (first, Status.LIVE, 0)
        ledger.light()
        await viewer.until(lambda viewer: viewer.seat_view == second, 90)
        assert viewer.reconnects == 0


async def test_redis_away_keeps_no_photo_from_being_stored(
    theatre: Theatre, model: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word about it is lost, the photo is not."""
    monkeypatch.setattr(seat_views, "redis", lambda: _Gone())
    second = await put(theatre, model, OTHER, developed(BLUE))
    assert second == await version_shown(theatre.performance)
    assert len(await seat_views.photos_of(model, organizer=theatre.organizer)) == 2


class _Gone:
    def pipeline(self, **_: object) -> None:
        raise ConnectionRefusedError
