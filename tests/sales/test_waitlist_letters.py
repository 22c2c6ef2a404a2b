"""What those who wait are sent, by a real mail server and from real rows (WTL-1, WTL-2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from app.audience.entries import leave
from app.core.clock import now
from app.core.i18n import locale_of, show_date, show_time
from app.sales.mails import MailUnavailable
from app.sales.waitlist import JoinWish, join_waitlist, look
from app.sales.waitlist_letters import send_offer, show_offer
from app.settings import get_settings
from realtime.notices import key_of
from tests.audience.waiting import entries, free_places, open_list, sell_out
from tests.cast import Theatre
from tests.sales.test_mails import Server, parsed, receiving, words_of
from tests.work import waiting, work_off


@pytest.fixture
async def mailbox(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """Where every mail of this process goes."""
    async with receiving() as server:
        monkeypatch.setenv("PLACEUR_SMTP_URL", server.url)
        get_settings.cache_clear()
        await sell_out(theatre)
        await open_list(theatre)
        yield server
    get_settings.cache_clear()


async def dora_waits(theatre: Theatre, count: int = 2, *, visitor: str = "dora's browser") -> None:
    with locale_of("fr"):
        await join_waitlist(
            JoinWish(
                performance=theatre.standing, tariff=None, any_performance=False, name="Dora", email="dora@example.org",
                count=count, visitor=visitor,
            ),
            at=now(),
        )  # fmt: skip


def mails(server: Server) -> list[tuple[str, str]]:
    """(subject, text) of all that came."""
    messages = [parsed(envelope.content) for envelope in server.received if isinstance(envelope.content, bytes)]
    return [(str(message["Subject"]), words_of(message, "plain")) for message in messages]


async def test_whoever_waits_is_mailed_on_joining_and_when_places_come_free(theatre: Theatre, mailbox: Server) -> None:
    """In the language in which they joined, with links that open what they say."""
    await dora_waits(theatre)
    await work_off("mail_waitlist_place")
    (row,) = await entries()
    await free_places(theatre, 1)
    await look(theatre.standing_event, at=now())
    await work_off("mail_waitlist_offer")
    (joined, place), (subject, offer) = mails(mailbox)
    base = get_settings().public_url
    assert joined == "Vous êtes sur la liste d’attente pour Le Festival"
    assert "Votre numéro sur la liste en ce moment: 1" in place
    assert subject == "Une place s’est libérée : Le Festival"
    assert f"{base}/p/{theatre.standing}" in offer
    for text in (place, offer):
        assert f"{base}/waitlist/{row['key']}" in text


async def test_the_open_page_says_until_when_and_on_which_day_unless_it_is_today(
    theatre: Theatre, mailbox: Server, redis: Redis
) -> None:
    await open_list(theatre, delay_minutes=3 * 24 * 60)
    await dora_waits(theatre)
    await free_places(theatre, 1)
    await look(theatre.standing_event, at=now())
    (job,) = await waiting("notify_waitlist_offer")
    (row,) = await entries()
    for at in (row["until_at"], now()):
        await show_offer(**job, at=at)
    today, other_day = [json.loads(frame)["text"] for frame in await redis.lrange(key_of("dora's browser"), 0, -1)]
    time = show_time(row["until_at"], "Europe/Paris", "fr")
    assert today.endswith(f"prévenus : {time}.")
    assert other_day.endswith(f"prévenus : {show_date(row['until_at'], 'Europe/Paris', 'long', 'fr')}, {time}.")


async def test_joining_again_is_mailed_as_that(theatre: Theatre, mailbox: Server) -> None:
    await dora_waits(theatre)
    await dora_waits(theatre, 3)
    await work_off("mail_waitlist_place")
    assert ["déjà" in text for _, text in mails(mailbox)] == [False, True]


async def test_a_stranger_s_try_is_mailed_with_what_was_kept_and_the_way_out(theatre: Theatre, mailbox: Server) -> None:
    await dora_waits(theatre)
    await dora_waits(theatre, 7, visitor="a stranger's")
    await work_off("mail_waitlist_place")
    (row,) = await entries()
    (_, first), (_, second) = mails(mailbox)
    assert "restent ce qu’ils étaient" not in first
    for wanted in ("vous êtes déjà", "restent ce qu’ils étaient", "2 places", f"/waitlist/{row['key']}"):
        assert wanted in second


async def test_whoever_has_left_is_written_to_no_more(theatre: Theatre, mailbox: Server) -> None:
    await dora_waits(theatre)
    await free_places(theatre, 1)
    await look(theatre.standing_event, at=now())
    await leave((await entries())[0]["key"])
    for job in ("mail_waitlist_place", "mail_waitlist_offer", "notify_waitlist_offer"):
        assert await work_off(job) == 1
    assert mailbox.received == []


async def test_a_worker_that_died_after_the_commit_leaves_the_mail_to_another(
    theatre: Theatre, mailbox: Server
) -> None:
    """The job is a row of the wave's own transaction: nothing of the mail was in the process that is gone. One that
    died after sending sends again, and the mailbox knows the message by its id."""
    await dora_waits(theatre)
    await free_places(theatre, 1)
    await look(theatre.standing_event, at=now())
    (job,) = await waiting("mail_waitlist_offer")
    for _ in range(2):
        await send_offer(**job, at=now())
    ids = [parsed(e.content)["Message-ID"] for e in mailbox.received if isinstance(e.content, bytes)]
    assert len(ids) == 2
    assert ids[0] == ids[1]


async def test_an_offer_that_could_not_be_mailed_in_time_was_none(theatre: Theatre, mailbox: Server) -> None:
    await open_list(theatre, delay_minutes=5)
    await dora_waits(theatre)
    await free_places(theatre, 1)
    at = now()
    await look(theatre.standing_event, at=at)
    (job,) = await waiting("mail_waitlist_offer")
    mailbox.answers["RCPT"] = "451 try later"
    with pytest.raises(MailUnavailable):
        await send_offer(**job, at=at)
    mailbox.answers.clear()
    late = at + timedelta(minutes=6)
    await look(theatre.standing_event, at=late)
    assert [row["state"] for row in await entries()] == ["lapsed"]
    await send_offer(**job, at=late)
    assert [(row["state"], row["offers"]) for row in await entries()] == [("waiting", 0)]
    assert mailbox.received == []
    assert len((await look(theatre.standing_event, at=late)).offered) == 1
