"""SeatView over HTTP (SEA-4, LIVE-5): a manager's models and photos, what buyers get of them, and what is refused."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.cast import Theatre
from tests.pictures import BLUE, GREEN, RED, jpeg
from tests.shop import browser, open_shop, problem, sign_in

MODELS = "/api/v1/manage/seat-views"
FRONT, MIDDLE, BALCONY = "Parterre > A > 2", "Parterre > B > 9", "Balcon > C > 5"


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


@pytest.fixture
async def manager(shop: str) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(shop) as client:
        await sign_in(client, "manager")
        yield client


@pytest.fixture
async def model(manager: httpx.AsyncClient, theatre: Theatre) -> str:
    """The address of a model that the play uses."""
    made = await manager.post(MODELS, json={"name": "Main hall"})
    assert made.status_code == 201, made.text
    one = f"{MODELS}/{made.json()['id']}"
    assert (await manager.patch(one, json={"events": [theatre.event]})).status_code == 200
    return one


async def take(client: httpx.AsyncClient, model: str, seat: str, photo: bytes) -> httpx.Response:
    return await client.put(f"{model}/photos", params={"seat": seat}, content=photo)


async def shown(client: httpx.AsyncClient, performance: int) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/performances/{performance}/seat-view")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_photo_that_a_manager_took_is_what_every_buyer_sees(
    shop: str, manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    assert await shown(manager, theatre.performance) == {"version": "", "photos": []}
    taken = await take(manager, model, FRONT, jpeg(2000, 1000, (RED, GREEN)))
    assert taken.status_code == 201, taken.text
    async with browser(shop) as buyer:
        (photo,) = (await shown(buyer, theatre.performance))["photos"]
        assert (photo["ordinal"], photo["seat"], photo["label"]) == (1, FRONT, "Parterre · A · 2")
        assert (photo["width"], photo["height"]) == (1600, 800)
        sizes = []
        for address in (photo["url"], photo["small"]):
            got = await buyer.get(address)
            assert got.status_code == 200
            assert got.headers["content-type"] == "image/webp"
            assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert "content-encoding" not in got.headers
            sizes.append(Image.open(io.BytesIO(got.content)).size)
            again = await buyer.get(address, headers={"If-None-Match": got.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert sizes == [(1600, 800), (480, 240)]


async def test_one_model_serves_every_event_that_uses_it(
    manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    await take(manager, model, FRONT, jpeg())
    for performance in (theatre.performance, theatre.other):
        assert len((await shown(manager, performance))["photos"]) == 1
    assert (await shown(manager, theatre.standing))["photos"] == []
    (listed,) = (await manager.get(MODELS)).json()
    assert (listed["name"], listed["photos"]) == ("Main hall", 1)
    assert listed["events"] == [{"id": theatre.event, "title": "The Play", "performance": theatre.performance}]

    assert (await manager.patch(model, json={"events": []})).json()["events"] == []
    assert await shown(manager, theatre.performance) == {"version": "", "photos": []}
    assert (await manager.patch(model, json={"events": [theatre.event], "name": "Hall"})).json()["name"] == "Hall"
    assert len((await shown(manager, theatre.performance))["photos"]) == 1
    problem(await manager.patch(model, json={"events": [theatre.event, 999_999]}), "invalid")
    problem(await manager.patch(model, json={"name": " "}), "invalid")


async def test_a_second_photo_of_a_seat_takes_the_place_of_the_first(
    manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    first = (await take(manager, model, FRONT, jpeg(colours=(RED, GREEN)))).json()
    before = (await shown(manager, theatre.performance))["version"]
    second = await take(manager, model, FRONT, jpeg(colours=(BLUE, GREEN)))
    assert (second.status_code, second.json()["id"]) == (200, first["id"])
    now = await shown(manager, theatre.performance)
    assert [p["url"] for p in now["photos"]] == [second.json()["url"]] != [first["url"]]
    assert now["version"] != before
    assert (await manager.get(first["url"])).status_code == 404


async def test_the_version_is_that_of_what_is_shown(manager: httpx.AsyncClient, model: str, theatre: Theatre) -> None:
    """A change that is undone leaves nothing to fetch; what a version names may be kept for ever."""
    address = f"/api/v1/performances/{theatre.performance}/seat-view"
    await take(manager, model, FRONT, jpeg())
    first = await shown(manager, theatre.performance)
    more = (await take(manager, model, MIDDLE, jpeg())).json()
    assert (await shown(manager, theatre.performance))["version"] != first["version"]
    assert (await manager.delete(f"{model}/photos/{more['id']}")).status_code == 204
    assert await shown(manager, theatre.performance) == first

    told = await manager.get(address, params={"version": first["version"]})
    assert told.headers["cache-control"] == "public, max-age=31536000, immutable"
    old = await manager.get(address, params={"version": "0-0"})
    assert (old.json(), old.headers["cache-control"]) == (first, "public, no-cache")
    same = await manager.get(address, headers={"If-None-Match": told.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_a_seat_without_a_photo_is_shown_the_nearest(
    manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    near = f"/api/v1/performances/{theatre.performance}/seat-view"
    problem(await manager.get(f"{near}/3"), "not_found")
    await take(manager, model, FRONT, jpeg())
    await take(manager, model, BALCONY, jpeg())
    own = (await manager.get(f"{near}/1")).json()
    assert (own["ordinal"], own["distance"], own["own"]) == (1, 0, True)
    other = (await manager.get(f"{near}/3")).json()
    assert (other["ordinal"], other["seat"], other["distance"], other["own"]) == (1, FRONT, 60, False)
    assert (await manager.get(f"{near}/29")).json()["ordinal"] == 24
    for beyond in (30, -1, 10**30):
        problem(await manager.get(f"{near}/{beyond}"), "not_found")


async def test_photos_of_seats_that_the_plan_does_not_have_wait_for_another_name(
    manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    await take(manager, model, FRONT, jpeg())
    lost = (await take(manager, model, "Parterre > Z > 1", jpeg())).json()
    listed = (await manager.get(f"{model}/photos")).json()
    (plan,) = listed["plans"]
    assert (plan["name"], plan["performance"]) == ("Little house", theatre.performance)
    assert [(p["seat"], p["missing_from"]) for p in listed["photos"]] == [
        (FRONT, []),
        ("Parterre > Z > 1", [plan["id"]]),
    ]
    assert lost["missing_from"] == [plan["id"]]
    assert [p["seat"] for p in (await shown(manager, theatre.performance))["photos"]] == [FRONT]

    one = f"{model}/photos/{lost['id']}"
    assert problem(await manager.patch(one, json={"seat": FRONT}), "seat_photographed")["photo"] != lost["id"]
    problem(await manager.patch(one, json={"seat": " "}), "invalid")
    moved = await manager.patch(one, json={"seat": BALCONY})
    assert (moved.json()["seat"], moved.json()["missing_from"]) == (BALCONY, [])
    assert [p["ordinal"] for p in (await shown(manager, theatre.performance))["photos"]] == [1, 24]


async def test_a_form_will_do_as_well_as_the_bare_file(manager: httpx.AsyncClient, model: str) -> None:
    files = {"photo": ("IMG_0042.jpg", jpeg(), "image/jpeg")}
    assert (await manager.put(f"{model}/photos", params={"seat": FRONT}, files=files)).status_code == 201
    without = {"picture": ("IMG_0042.jpg", jpeg(), "image/jpeg")}
    problem(await manager.put(f"{model}/photos", params={"seat": FRONT}, files=without), "invalid")


async def test_what_is_no_photo_is_refused_with_a_word_on_what_to_do(manager: httpx.AsyncClient, model: str) -> None:
    for sent, word in (
        (b"", "JPEG"),
        (b"GIF89a" + bytes(100), "JPEG"),
        (jpeg()[:4_000], "JPEG"),
        (b"\0\0\0\x20ftypheic" + bytes(100), "Most compatible"),
        (jpeg(399, 600), "400"),
        (bytes(20_000_001), "20 MB"),
        (bytes(20_200_000), "20 MB"),
    ):
        told = problem(await take(manager, model, FRONT, sent), "invalid")
        assert word in told["errors"][0]["message"]
        assert told["errors"][0]["field"] == "photo"
    problem(await take(manager, model, "  ", jpeg()), "invalid")
    problem(await take(manager, model, "x" * 201, jpeg()), "invalid")
    assert (await manager.get(f"{model}/photos")).json()["photos"] == []


async def test_elsewhere_a_body_of_more_than_a_megabyte_is_still_refused(manager: httpx.AsyncClient) -> None:
    """The negative control of the limit that is raised for photos alone."""
    problem(await manager.post(MODELS, json={"name": "x" * 1_100_000}), "too_large")


async def test_a_model_goes_with_its_photos(manager: httpx.AsyncClient, model: str, theatre: Theatre) -> None:
    photo = (await take(manager, model, FRONT, jpeg())).json()
    assert (await manager.delete(model)).status_code == 204
    assert (await manager.get(MODELS)).json() == []
    assert await shown(manager, theatre.performance) == {"version": "", "photos": []}
    assert (await manager.get(photo["url"])).status_code == 404
    problem(await manager.delete(model), "not_found")
    problem(await take(manager, model, FRONT, jpeg()), "not_found")


async def test_only_managers_of_the_house_touch_its_photos(
    shop: str, manager: httpx.AsyncClient, model: str, theatre: Theatre
) -> None:
    photo = (await take(manager, model, FRONT, jpeg())).json()
    for person, code in ((None, "unauthenticated"), ("lea", "forbidden"), ("stranger", "not_found")):
        async with browser(shop) as someone:
            if person:
                await sign_in(someone, person)
            problem(await take(someone, model, FRONT, jpeg()), code)
            problem(await someone.get(f"{model}/photos"), code)
            problem(await someone.patch(model, json={"name": "Mine"}), code)
            problem(await someone.delete(f"{model}/photos/{photo['id']}"), code)
            problem(await someone.delete(model), code)
            if person == "stranger":
                assert (await someone.get(MODELS)).json() == []
                own = (await someone.post(MODELS, json={"name": "Mine"})).json()["id"]
                problem(await someone.patch(f"{MODELS}/{own}", json={"events": [theatre.event]}), "invalid")
    assert len((await shown(manager, theatre.performance))["photos"]) == 1


async def test_a_hidden_performance_shows_its_photos_to_its_own_staff_only(
    shop: str, manager: httpx.AsyncClient, model: str, theatre: Theatre, ledger: str
) -> None:
    from app.catalog.queries import forget_offers
    from app.catalog.tables import Event

    await take(manager, model, FRONT, jpeg())
    await Event.update({Event.visibility: "counter"}).where(Event.id == theatre.event)
    forget_offers()
    address = f"/api/v1/performances/{theatre.performance}/seat-view"
    kept = await manager.get(address)
    assert kept.headers["cache-control"] == "private, no-cache"
    async with browser(shop) as buyer, browser(shop) as stranger:
        await sign_in(stranger, "stranger")
        for someone in (buyer, stranger):
            problem(await someone.get(address), "not_found")
            problem(await someone.get(f"{address}/1"), "not_found")
