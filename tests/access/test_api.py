"""The HTTP API of the gates, and signing in to use it: roles, strangers, wrong log-ins, sessions that end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app.accounts import logins
from app.accounts.logins import TRIES_PER_EMAIL
from app.accounts.tables import WebSession
from app.core.clock import now
from app.core.db import connection
from app.settings import get_settings
from tests.access.test_admission import ticket_of
from tests.cast import PASSWORD, Theatre
from tests.shop import browser, open_shop, problem, sign_in


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


async def test_a_gate_scans_and_every_bad_input_has_its_answer(shop: str, theatre: Theatre) -> None:
    code = await ticket_of(theatre)
    scans = f"/api/v1/gates/{theatre.gate}/scans"
    async with browser(shop) as gate:
        await sign_in(gate, "doorkeeper")
        assert (await gate.get("/api/v1/gates")).json() == [
            {"id": theatre.gate, "name": "Main entrance"},
            {"id": theatre.second_gate, "name": "Balcony"},
        ]
        for shown in (code[:-3], "", "P1" + "0" * 128):
            said = (await gate.post(scans, json={"code": shown})).json()
            assert (said["verdict"], said["ticket"]) == ("forged", None)
        first = await gate.post(scans, json={"code": code}, headers={"Idempotency-Key": "scan-0001"})
        assert (first.status_code, first.json()["verdict"]) == (200, "admitted")
        assert first.json()["ticket"]["seat"] == "Parterre · A · 4"
        retry = await gate.post(scans, json={"code": code}, headers={"Idempotency-Key": "scan-0001"})
        assert retry.json() == first.json()
        second = await gate.post(scans, json={"code": code, "scan_id": "scan-0002"}, params={"language": "fr"})
        assert second.json()["verdict"] == "already_used"
        assert second.json()["title"] == "Déjà utilisé"
        assert second.json()["first"]["gate"] == "Main entrance"
        problem(await gate.post(scans, json={"code": "x" * 2001}), "invalid")
        problem(await gate.post(scans, json={"code": 7}), "invalid")
        problem(await gate.post(scans, json={}), "invalid")
        problem(await gate.post(scans, content=b"{"), "bad_request")
        problem(await gate.post(scans, json={"code": code, "scan_id": "short"}), "invalid")
        problem(await gate.post(scans, json={"code": code, "scanned_at": "yesterday"}), "invalid")
        for odd in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-01T00:00:00"):
            answer = await gate.post(scans, json={"code": code, "scanned_at": odd})
            assert answer.status_code == 200, answer.text
        for nowhere in (0, 999, 2**63):
            problem(await gate.post(f"/api/v1/gates/{nowhere}/scans", json={"code": code}), "not_found")


async def test_everyone_has_their_own_doors(shop: str, theatre: Theatre) -> None:
    """A cashier cannot open the dashboard, a gate cannot sell, a stranger sees nothing of this house."""
    pages = {"/manage": "manager", "/counter": "lea", "/gate": "doorkeeper"}
    calls = {
        f"/api/v1/manage/figures?event={theatre.event}": "manager",
        "/api/v1/counter/performances": "lea",
        f"/api/v1/counter/performances/{theatre.performance}": "lea",
        "/api/v1/counter/cart": "lea",
        "/api/v1/counter/print-jobs?ids=1": "lea",
        "/api/v1/gates": "doorkeeper",
    }
    async with browser(shop) as nobody:
        for path in pages:
            answer = await nobody.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
            asked = await nobody.get(path, params={"event": "7", "say": "a&b"})
            back = parse_qs(urlsplit(asked.headers["location"]).query)["next"]
            assert back == [f"{path}?event=7&say=a%26b"], "they come back to what they asked for"
        for path in calls:
            problem(await nobody.get(path), "unauthenticated")
    for name in ("manager", "lea", "doorkeeper"):
        async with browser(shop) as person:
            await sign_in(person, name)
            for path, owner in pages.items():
                assert (await person.get(path)).status_code == (200 if name in (owner, "manager") else 403), (
                    name,
                    path,
                )
            for path, owner in calls.items():
                answer = await person.get(path)
                if name in (owner, "manager"):
                    assert answer.status_code == 200, (name, path, answer.text)
                else:
                    problem(answer, "forbidden")
    async with browser(shop) as stranger:
        await sign_in(stranger, "stranger")
        assert (await stranger.get("/api/v1/gates")).json() == []
        assert (await stranger.get("/api/v1/counter/performances")).json() == []
        problem(await stranger.get(f"/api/v1/manage/figures?event={theatre.event}"), "not_found")
        problem(await stranger.get(f"/api/v1/counter/performances/{theatre.performance}"), "not_found")
        assert (await stranger.get(f"/manage?event={theatre.event}")).status_code == 404
        home = await stranger.get("/manage")
        assert home.status_code == 200
        assert "The Play" not in home.text
        problem(await stranger.post(f"/api/v1/gates/{theatre.gate}/scans", json={"code": "x"}), "not_found")


async def test_signing_in_leads_home_and_never_to_another_site(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as person:
        homes = {"manager": "/manage", "lea": "/counter", "doorkeeper": "/gate"}
        for name, home in homes.items():
            assert (await sign_in(person, name)).headers["location"] == home
        form = {"email": " LEA@Example.org ", "password": PASSWORD}
        wanted = await person.post("/login", data={**form, "next": "/counter?x=1"})
        assert wanted.headers["location"] == "/counter?x=1"
        for away in (
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "\\/evil.example",
            "http:evil.example",
        ):
            answer = await person.post("/login", data={**form, "next": away})
            assert answer.headers["location"] == "/counter", away
            assert "evil" not in (await person.get("/login", params={"next": away})).text
        split = await person.post("/login", data={**form, "next": "/counter\r\nSet-Cookie: a=b"})
        assert split.status_code == 303
        assert "a=b" not in str(split.headers.get_list("set-cookie"))


async def test_a_wrong_log_in_tells_nothing_and_can_be_tried_a_few_times(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as person:
        sentences = set()
        for email in ("lea@example.org", "nobody@example.org", "", "\x00", "x" * 300, "lea@example.org' OR 1=1 --"):
            answer = await person.post("/login", data={"email": email, "password": "wrong password"})
            assert answer.status_code == 401, email
            sentences.add("E-mail or password is wrong" in answer.text)
            assert "placeur_session" not in answer.headers.get("set-cookie", "")
        assert sentences == {True}
        for _ in range(TRIES_PER_EMAIL - 1):
            await person.post("/login", data={"email": "hugo@example.org", "password": "wrong password"})
        assert (await sign_in(person, "hugo")).status_code == 303  # the last try is the right one
        for _ in range(TRIES_PER_EMAIL):
            await person.post("/login", data={"email": "manager@example.org", "password": "wrong password"})
        blocked = await person.post("/login", data={"email": "Manager@example.org", "password": PASSWORD})
        assert blocked.status_code == 429
        assert "Too many tries" in blocked.text
        for body in ({"email": ["a", "b"], "password": "x"}, {}):
            assert (await person.post("/login", data=body)).status_code in (400, 401, 422)
        assert (await person.post("/login", json={"email": 1})).status_code < 500


async def test_an_address_is_counted_for_its_wrong_tries_alone(
    shop: str, theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A house has one address, and its people begin at the same hour."""
    monkeypatch.setattr(logins, "TRIES_PER_ADDRESS", 3)
    async with browser(shop) as person:
        for _ in range(5):
            await sign_in(person, "lea")
        for number in range(3):
            wrong = await person.post("/login", data={"email": f"nobody{number}@example.org", "password": "x"})
            assert wrong.status_code == 401
        right = await person.post("/login", data={"email": "lea@example.org", "password": PASSWORD})
        assert right.status_code == 429


async def test_a_session_ends_by_leaving_by_time_and_by_closing_the_account(shop: str, theatre: Theatre) -> None:
    async with browser(shop) as lea, browser(shop) as thief:
        await sign_in(lea, "lea")
        thief.cookies.set("placeur_session", lea.cookies["placeur_session"])
        assert (await thief.get("/api/v1/counter/cart")).status_code == 200
        left = await lea.post("/logout")
        assert (left.status_code, left.headers["location"]) == (303, "/login")
        assert "placeur_session" not in lea.cookies
        problem(await thief.get("/api/v1/counter/cart"), "unauthenticated")  # the ledger ended it, not the cookie
        await sign_in(lea, "lea")
        await WebSession.update({WebSession.expires_at: now() - timedelta(seconds=1)}).where(
            WebSession.ended_at.is_null()
        )
        problem(await lea.get("/api/v1/counter/cart"), "unauthenticated")
        await sign_in(lea, "lea")
        async with connection() as ledger:
            stored = [r["token_digest"] for r in await ledger.fetch("SELECT token_digest FROM accounts.web_session")]
            await ledger.execute("UPDATE accounts.account SET closed_at = now() WHERE id = $1", theatre.lea)
        assert lea.cookies["placeur_session"] not in stored
        problem(await lea.get("/api/v1/counter/cart"), "unauthenticated")
        refused = await lea.post("/login", data={"email": "lea@example.org", "password": PASSWORD})
        assert refused.status_code == 401


async def test_the_session_s_cookie_is_kept_from_scripts_and_other_sites(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, secure in (("http://localhost:8000", False), ("https://tickets.example", True)):
        monkeypatch.setenv("PLACEUR_PUBLIC_URL", address)
        get_settings.cache_clear()
        async with open_shop() as shop, browser(shop) as lea:
            cookie = (await sign_in(lea, "lea")).headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie
            assert ("secure" in cookie) == secure
