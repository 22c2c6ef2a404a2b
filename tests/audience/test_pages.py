"""The waitlist's pages as a browser gets them: one's own place, leaving it without scripts, and whose list one may see
(WTL-1)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.core.db import connection
from tests.audience.waiting import entries, joins, open_list, sell_out
from tests.cast import Theatre
from tests.shop import browser, open_shop, sign_in


@pytest.fixture
async def waited_for(theatre: Theatre) -> AsyncIterator[str]:
    """The shop, with somebody who waits for the standing performance."""
    async with open_shop() as url, browser(url) as dora:
        await sell_out(theatre)
        await open_list(theatre)
        assert (await joins(dora, theatre.standing, "dora@example.org", count=2)).status_code == 201
        yield url


async def test_one_s_own_page_says_the_place_and_leaves_the_list_without_scripts(waited_for: str) -> None:
    (row,) = await entries()
    async with browser(waited_for) as dora:
        page = await dora.get(f"/waitlist/{row['key']}")
        assert page.status_code == 200
        assert "You are number 1 on the list" in page.text
        assert f'action="/waitlist/{row["key"]}/leave"' in page.text
        assert "private" in page.headers["cache-control"]

        answer = await dora.post(f"/waitlist/{row['key']}/leave")
        assert answer.status_code == 303
        after = await dora.get(answer.headers["location"])
        assert after.status_code == 200
        assert "You have left the list" in after.text
        again = await dora.post(f"/waitlist/{row['key']}/leave")
        assert again.status_code == 303, "a button that is pressed twice leaves once"
    assert await entries() == []


async def test_looking_leaves_nothing_and_another_site_cannot_press_the_button(waited_for: str) -> None:
    """Mail programs open links to look at them; only a press of the page's own button leaves."""
    (row,) = await entries()
    async with browser(waited_for) as program:
        await program.get(f"/waitlist/{row['key']}")
        assert (await program.get(f"/waitlist/{row['key']}/leave")).status_code in (404, 405)
        from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
        assert (await program.post(f"/waitlist/{row['key']}/leave", headers=from_elsewhere)).status_code == 403
    assert len(await entries()) == 1


async def test_an_offer_says_what_there_is_and_until_when(waited_for: str, theatre: Theatre) -> None:
    async with connection() as ledger:
        await ledger.execute(
            "UPDATE audience.waitlist_entry SET state = 'offered', offers = 1, notified_at = now(),"
            " until_at = now() + interval '1 hour', offered_performance = $1, offered_count = 1",
            theatre.standing,
        )
    (row,) = await entries()
    async with browser(waited_for) as dora:
        text = (await dora.get(f"/waitlist/{row['key']}")).text
    assert "A place is free for you" in text
    assert "1 of the 2 places that you wait for is there." in text
    assert f'href="/p/{theatre.standing}"' in text


@pytest.mark.parametrize("key", ["never-was", "%00", "'; --", "x" * 3_000])
async def test_a_key_that_opens_nothing_gets_a_page_that_says_so(waited_for: str, key: str) -> None:
    async with browser(waited_for) as somebody:
        answer = await somebody.get(f"/waitlist/{key}")
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.text


async def test_the_managers_page_is_for_the_organiser_s_managers(waited_for: str, theatre: Theatre) -> None:
    path = f"/manage/waitlist?event={theatre.standing_event}"
    async with browser(waited_for) as nobody, browser(waited_for) as lea, browser(waited_for) as stranger:
        answer = await nobody.get(path)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/login?next=/manage/waitlist%3Fevent%3D{theatre.standing_event}",
        )
        await sign_in(lea, "lea")
        assert (await lea.get(path)).status_code == 403
        await sign_in(stranger, "stranger")
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get("/manage/waitlist?event=99999999999999999999")).status_code == 404
    async with browser(waited_for) as manager:
        await sign_in(manager, "manager")
        assert (await manager.get(path)).status_code == 200
        first = await manager.get("/manage/waitlist")
        assert f'<option value="{theatre.event}" selected>' in first.text, "the first event's, when none is named"
