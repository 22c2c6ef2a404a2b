"""The HTTP API of waitlists: joining, one's own entry, leaving, the managers' list (WTL-1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from app.audience.entries import forget_past_entries
from app.catalog.queries import forget_offers
from app.catalog.tables import Quota, Tariff
from app.core.clock import now
from app.core.db import connection
from app.sales import waitlist
from app.sales.allotments import AllotmentWish, make_allotment
from app.sales.inventory import rebuild
from app.sales.waitlist import look
from tests.audience.waiting import entries, free_places, joins, open_list, sell_out
from tests.cast import Theatre
from tests.shop import browser, open_shop, problem, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


@pytest.fixture
async def waited_for(theatre: Theatre, shop: str) -> str:
    """The shop, with the standing performance sold out and a list for its event."""
    await sell_out(theatre)
    await open_list(theatre)
    return shop


async def performance(client: httpx.AsyncClient, id: int) -> dict[str, object]:
    answer = await client.get(f"/api/v1/performances/{id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_sold_out_performance_offers_its_list_and_one_with_places_does_not(shop: str, theatre: Theatre) -> None:
    await open_list(theatre)
    async with browser(shop) as client:
        assert (await performance(client, theatre.standing))["waitlist"] is None
        told = problem(await joins(client, theatre.standing, "dora@example.org"), "not_sold_out")
        assert told["left"] == 20
        await sell_out(theatre)
        answer = await joins(client, theatre.standing, "dora@example.org", count=2)
        assert (answer.status_code, answer.json()) == (201, {"position": 1, "count": 2})
        assert (await joins(client, theatre.standing, "emil@example.org")).json() == {"position": 2, "count": 1}
    (dora, _) = await entries()
    assert (dora["name"], dora["email"], dora["places"], dora["state"]) == ("Dora", "dora@example.org", 2, "waiting")


async def test_without_a_list_nobody_waits(shop: str, theatre: Theatre) -> None:
    await sell_out(theatre)
    async with browser(shop) as client:
        assert (await performance(client, theatre.standing))["waitlist"] is None
        problem(await joins(client, theatre.standing, "dora@example.org"), "no_waitlist")


async def test_the_page_is_told_what_can_be_waited_for(waited_for: str, theatre: Theatre) -> None:
    async with browser(waited_for) as client:
        told = await performance(client, theatre.standing)
        assert (told["status"], told["waitlist"]) == ("sold_out", {"tariffs": None, "count_max": 10, "several": False})


async def test_whoever_joins_twice_keeps_the_place_and_learns_nothing_of_others(
    waited_for: str, theatre: Theatre
) -> None:
    async with browser(waited_for) as dora, browser(waited_for) as stranger:
        assert (await joins(dora, theatre.standing, "dora@example.org")).json()["position"] == 1
        await joins(dora, theatre.standing, "emil@example.org")
        # The same browser is told the truth.
        again = await joins(dora, theatre.standing, "Dora@Example.org", count=3)
        assert again.json() == {"position": 1, "count": 3}
        # A stranger is told what a newcomer is told.
        told = await joins(stranger, theatre.standing, "dora@example.org", count=7)
        assert told.json() == {"position": 3, "count": 7}
        assert (await joins(stranger, theatre.standing, "new@example.org", count=3)).json()["position"] == 3
    rows = await entries()
    assert [(row["name"], row["places"]) for row in rows] == [("Dora", 3), ("Emil", 1), ("New", 3)]


async def test_whoever_knows_an_address_changes_nothing_of_its_entry(waited_for: str, theatre: Theatre) -> None:
    """WTL-1: neither the first time, nor the second, when the stranger's browser is one that the entry knows. Only the
    browser that made the entry changes it."""
    async with (
        browser(waited_for) as dora,
        browser(waited_for, **{"Accept-Language": "fr"}) as stranger,
    ):
        await joins(dora, theatre.standing, "dora@example.org", count=4)
        (before,) = await entries()
        for _ in range(2):
            answer = await joins(stranger, theatre.standing, "Dora@example.org", name="Mallory", count=1)
            assert answer.json() == {"position": 2, "count": 1}
            assert [dict(row) for row in await entries()] == [dict(before)]
        await joins(dora, theatre.standing, "dora@example.org", name="Dora D.", count=2)
    (after,) = await entries()
    assert (after["name"], after["places"], after["joined_at"]) == ("Dora D.", 2, before["joined_at"])


async def test_a_lapsed_entry_is_put_in_line_again_from_anywhere_as_what_it_was(
    waited_for: str, theatre: Theatre
) -> None:
    async with browser(waited_for) as dora, browser(waited_for) as phone:
        await joins(dora, theatre.standing, "dora@example.org", count=4)
        async with connection() as ledger:
            await ledger.execute("UPDATE audience.waitlist_entry SET state = 'lapsed', offers = 1")
        await joins(phone, theatre.standing, "dora@example.org", name="D.", count=1)
    (row,) = await entries()
    assert (row["state"], row["offers"], row["name"], row["places"]) == ("waiting", 0, "Dora", 4)


async def test_one_s_own_entry_is_seen_and_left_by_its_key(waited_for: str, theatre: Theatre) -> None:
    async with browser(waited_for) as client:
        await joins(client, theatre.standing, "dora@example.org", count=2)
        (row,) = await entries()
        told = (await client.get(f"/api/v1/waitlist/{row['key']}")).json()
        assert (told["name"], told["count"], told["position"], told["state"]) == ("Dora", 2, 1, "waiting")
        assert told["title"] == "The Festival"
        for key in (row["key"], row["key"], "never-was"):
            assert (await client.post(f"/api/v1/waitlist/{key}/leave")).status_code == 204
        problem(await client.get(f"/api/v1/waitlist/{row['key']}"), "not_found")
    assert await entries() == []  # and with it name and address


async def test_only_the_organiser_s_managers_see_the_list(waited_for: str, theatre: Theatre) -> None:
    path = f"/api/v1/manage/waitlist?event={theatre.standing_event}"
    async with browser(waited_for) as client:
        await joins(client, theatre.standing, "dora@example.org")
        (row,) = await entries()
        problem(await client.get(path), "unauthenticated")
        for who, code in (("lea", "forbidden"), ("stranger", "not_found")):
            async with browser(waited_for) as other:
                await sign_in(other, who)
                problem(await other.get(path), code)
                problem(await other.get(path.replace("?", ".csv?")), code)
                problem(await other.patch(path, json={"waitlist": "off"}), code)
                problem(await other.delete(f"/api/v1/manage/waitlist/{row['id']}"), code)
                problem(await other.post("/api/v1/manage/waitlist/notify", json={"entries": [row["id"]]}), code)
    assert [row["state"] for row in await entries()] == ["waiting"]


async def test_a_manager_sets_the_list_up_reads_it_and_takes_somebody_off(waited_for: str, theatre: Theatre) -> None:
    path = f"/api/v1/manage/waitlist?event={theatre.standing_event}"
    async with browser(waited_for) as manager, browser(waited_for) as client:
        await sign_in(manager, "manager")
        for email in ("dora@example.org", "emil@example.org"):
            await joins(client, theatre.standing, email, count=2)
        changed = await manager.patch(path, json={"delay_minutes": 30, "automatic": False})
        assert changed.json() == {"waitlist": "event", "tariffs": [], "automatic": False, "delay_minutes": 30}
        told = (await manager.get(path)).json()
        assert told["settings"] == changed.json()
        assert [(e["name"], e["position"]) for e in told["entries"]] == [("Dora", 1), ("Emil", 2)]
        assert (told["totals"]["waiting_entries"], told["totals"]["waiting_places"]) == (2, 4)
        first = told["entries"][0]["id"]
        assert (await manager.delete(f"/api/v1/manage/waitlist/{first}")).status_code == 204
        problem(await manager.delete(f"/api/v1/manage/waitlist/{first}"), "not_found")
        assert [e["name"] for e in (await manager.get(f"{path}&state=waiting")).json()["entries"]] == ["Emil"]
        assert (await manager.get(f"{path}&state=offered")).json()["entries"] == []
        assert (await manager.get(f"{path}&performance={theatre.performance}")).json()["entries"] == []


async def test_settings_that_cannot_be_are_refused_by_field(waited_for: str, theatre: Theatre) -> None:
    path = f"/api/v1/manage/waitlist?event={theatre.standing_event}"
    async with browser(waited_for) as manager:
        await sign_in(manager, "manager")
        for asked, field in (
            ({"delay_minutes": 4}, "delay_minutes"),
            ({"delay_minutes": 10_081}, "delay_minutes"),
            ({"waitlist": "tariffs"}, "tariffs"),
            ({"waitlist": "tariffs", "tariffs": [theatre.full]}, "tariffs"),
        ):
            told = problem(await manager.patch(path, json=asked), "invalid")
            assert [error["field"] for error in told["errors"]] == [field]


async def test_who_joins_says_who_and_for_how_many(waited_for: str, theatre: Theatre) -> None:
    async with browser(waited_for) as client:
        for asked, field in (
            ({"name": " "}, "name"),
            ({"name": "Win at https://example.org"}, "name"),
            ({"email": "nowhere"}, "email"),
        ):
            told = problem(await joins(client, theatre.standing, "dora@example.org", **asked), "invalid")
            assert [error["field"] for error in told["errors"]] == [field]
        problem(await joins(client, theatre.standing, "dora@example.org", count=11), "too_many")
        assert (await joins(client, theatre.standing, "dora@example.org", count=0)).status_code in (400, 422)
        problem(await joins(client, 999_999, "dora@example.org"), "not_found")
    assert await entries() == []


async def test_an_address_is_not_flooded(waited_for: str, theatre: Theatre) -> None:
    async with browser(waited_for) as client:
        answers = [await joins(client, theatre.standing, "dora@example.org") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [201] * 6 + [429]
        assert (await joins(client, theatre.standing, "emil@example.org")).status_code == 201


async def test_a_tariff_has_a_list_of_its_own(shop: str, theatre: Theatre) -> None:
    """Of the seated event, only the child's price can be waited for; it is sold out by its own limit."""
    await open_list(theatre, theatre.event, waitlist="tariffs", tariffs=(theatre.child,))
    async with browser(shop) as client:
        assert (await performance(client, theatre.performance))["waitlist"] is None
        problem(await joins(client, theatre.performance, "dora@example.org", tariff=theatre.full), "no_waitlist")
        problem(await joins(client, theatre.performance, "dora@example.org"), "no_waitlist")
        told = problem(await joins(client, theatre.performance, "d@example.org", tariff=theatre.child), "not_sold_out")
        assert told["left"] == 30
        await Quota(event=theatre.event, tariff=theatre.child, name="Children", size=0).save()
        forget_offers()
        await rebuild(theatre.group, only_if_missing=False)
        await Tariff.update({Tariff.order_max: 4}).where(Tariff.id == theatre.child)
        forget_offers()
        waitlist._left.clear()
        told = await performance(client, theatre.performance)
        assert told["status"] == "open"  # at the full price
        assert told["waitlist"] == {"tariffs": [theatre.child], "count_max": 4, "several": True}
        problem(await joins(client, theatre.performance, "d@example.org", tariff=theatre.child, count=5), "too_many")
        for email, asked in (("dora@example.org", {}), ("emil@example.org", {"any_performance": True})):
            answer = await joins(client, theatre.performance, email, tariff=theatre.child, count=2, **asked)
            assert answer.status_code == 201, answer.text
    assert [(row["tariff"], row["performance"]) for row in await entries()] == [
        (theatre.child, theatre.performance),
        (theatre.child, None),
    ]
    async with connection() as ledger:
        await ledger.execute("UPDATE catalog.quota SET size = 3 WHERE tariff = $1", theatre.child)
    forget_offers()
    await rebuild(theatre.group, only_if_missing=False)
    assert [(each.performance, each.count) for each in (await look(theatre.event, at=now())).offered] == [
        (theatre.performance, 2),
        (theatre.performance, 1),  # the limit is the event's: both evenings share it
    ]


async def test_any_date_is_waited_for_when_all_are_sold_out(shop: str, theatre: Theatre) -> None:
    await open_list(theatre, theatre.event)
    wish = AllotmentWish(performance=theatre.performance, name="All", seats=tuple(range(30)))
    await make_allotment(wish, organizer=theatre.organizer, actor="test", at=now())
    async with browser(shop) as client:
        assert (await performance(client, theatre.performance))["waitlist"] == {
            "tariffs": None, "count_max": 10, "several": False,
        }  # fmt: skip
        answer = await joins(client, theatre.performance, "dora@example.org", any_performance=True)
        assert problem(answer, "not_sold_out")["left"] == 30
        assert (await joins(client, theatre.performance, "dora@example.org")).status_code == 201


async def test_a_manager_tells_by_hand_and_takes_the_list_along(waited_for: str, theatre: Theatre) -> None:
    event = theatre.standing_event
    async with browser(waited_for) as manager, browser(waited_for) as client:
        await sign_in(manager, "manager")
        for email in ("dora@example.org", "emil@example.org"):
            await joins(client, theatre.standing, email, count=2)
        (_, emil) = await entries()
        answer = await manager.post("/api/v1/manage/waitlist/notify", json={"entries": [emil["id"]]})
        assert answer.json() == {"told": 1}
        problem(await manager.post("/api/v1/manage/waitlist/notify", json={"entries": [999_999]}), "not_found")
        own = (await client.get(f"/api/v1/waitlist/{emil['key']}")).json()
        assert (own["state"], own["offered_performance"], own["offered_count"]) == ("offered", theatre.standing, 2)
        file = await manager.get(f"/api/v1/manage/waitlist.csv?event={event}")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["content-disposition"] == f'attachment; filename="waitlist-{event}.csv"'
        assert [line.split(",")[2] for line in file.text.splitlines()] == ['"Name"', '"Dora"', '"Emil"']
        only = await manager.get(f"/api/v1/manage/waitlist.csv?event={event}&state=offered")
        assert [line.split(",")[2] for line in only.text.splitlines()] == ['"Name"', '"Emil"']
        figures = (await manager.get(f"/api/v1/manage/figures?event={event}")).json()
        counted = {"waiting_entries": 1, "waiting_places": 2, "offered_entries": 1, "offered_places": 2}
        assert figures["waitlist"] == counted
        assert [each["waitlist"] for each in figures["performances"]] == [counted]


async def test_whoever_waited_for_what_is_long_over_is_forgotten(waited_for: str, theatre: Theatre) -> None:
    async with browser(waited_for) as client:
        await joins(client, theatre.standing, "dora@example.org")
    assert await forget_past_entries(now() + timedelta(days=29)) == 0
    assert await forget_past_entries(now() + timedelta(days=31)) == 1
    assert await entries() == []


async def test_places_that_appeared_close_the_list_again(waited_for: str, theatre: Theatre) -> None:
    await free_places(theatre, 3)
    async with browser(waited_for) as client:
        assert problem(await joins(client, theatre.standing, "dora@example.org"), "not_sold_out")["left"] == 3
