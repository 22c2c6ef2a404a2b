"""Words for one visitor alone, through two web processes, a real Redis and real sockets (LIVE-4)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from itertools import groupby

import pytest
from litestar import Litestar
from redis.asyncio import Redis

from app.core.notices import visitor_of
from realtime import messages, notices
from realtime.bus import RedisBus
from realtime.client import Feed
from realtime.follower import Follower, NoticeTaken, Status, WaitlistTaken
from realtime.messages import Message
from realtime.notices import KEPT_MAX, Notice, NoticeTeller, key_of, send, stir, tell_waitlist
from realtime.rooms import SourceUnavailable
from realtime.sockets import uvicorn_options
from tests.app.test_live import EVENING, GROUP, House
from tests.realtime.server import serve

OFFER = Notice("waitlist_offer", "Two seats for you until eight.", "/waitlist")
ALICE = visitor_of("alice")


class Screen:
    """A page of somebody's, and the notices that it was told."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.told: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Screen:
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        await self.feed.__aenter__()
        await self.feed.until(lambda feed: feed.status is Status.LIVE and feed.cart is not None)
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.feed.__aexit__(None, None, None)
        assert self._task is not None
        await self._task

    async def has(self, *texts: str) -> None:
        async with asyncio.timeout(60):
            while len(self.told) < len(texts):
                await asyncio.sleep(0.01)
        assert self.told == list(texts)

    async def _watch(self) -> None:
        async for event in self.feed.events():
            if isinstance(event, NoticeTaken):
                self.told.append(event.text)


@pytest.fixture
async def hosts(redis: Redis) -> AsyncIterator[list[str]]:
    """Two web processes' feeds over one Redis."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            house = House(redis)
            await house.rebuild(GROUP)
            app = Litestar([house.live.router()], logging_config=None)
            stack.push_async_callback(house.live.close)
            found.append(await stack.enter_async_context(serve(app, lifespan="off", **uvicorn_options(4096))))
        yield found


def page(host: str, cart: str) -> Screen:
    url = f"ws://{host}/live/performances/{EVENING}"
    return Screen(Feed(url, headers={"Cookie": f"cart={cart}"}, dice=random.Random(4)))


async def listeners(redis: Redis) -> int:
    ((_, count),) = await redis.pubsub_numsub(key_of(ALICE))
    return int(count)


async def test_a_notice_reaches_every_page_of_its_visitor_and_nobody_else(redis: Redis, hosts: list[str]) -> None:
    async with page(hosts[0], "alice") as here, page(hosts[1], "alice") as there, page(hosts[0], "basile") as other:
        await send(redis, ALICE, OFFER)
        await here.has(OFFER.text)
        await there.has(OFFER.text)
        await send(redis, visitor_of("basile"), Notice("other", "For Basile."))
        await other.has("For Basile.")
        # By the same way, behind his: what came by mistake would have come before.
        await send(redis, ALICE, Notice("late", "Afterwards."))
        await here.has(OFFER.text, "Afterwards.")
        await there.has(OFFER.text, "Afterwards.")


async def test_who_is_between_two_connections_or_pages_misses_nothing_and_hears_nothing_twice(
    redis: Redis, hosts: list[str]
) -> None:
    await send(redis, ALICE, Notice("early", "Before the page opened."))
    async with page(hosts[0], "alice") as screen:
        await screen.has("Before the page opened.")
        await screen.feed.cut()
        await send(redis, ALICE, OFFER)
        await screen.has("Before the page opened.", OFFER.text)
        await send(redis, ALICE, Notice("late", "Afterwards."))
        await screen.has("Before the page opened.", OFFER.text, "Afterwards.")
        assert screen.feed.reconnects == 1


async def test_a_lost_subscription_costs_no_notice(redis: Redis, hosts: list[str]) -> None:
    async with page(hosts[0], "alice") as screen:
        await send(redis, ALICE, OFFER)
        await screen.has(OFFER.text)
        await redis.client_kill_filter(_type="pubsub")
        await send(redis, ALICE, Notice("late", "Afterwards."))
        await screen.has(OFFER.text, "Afterwards.")


async def test_nobody_listens_for_a_visitor_who_is_not_connected(redis: Redis, hosts: list[str]) -> None:
    async with page(hosts[0], "alice"), page(hosts[0], "alice"):
        while not await listeners(redis):
            await asyncio.sleep(0.01)
        assert await listeners(redis) == 1, "a process listens once, however many pages"
    async with asyncio.timeout(60):
        while await listeners(redis):
            await asyncio.sleep(0.01)


async def test_only_the_last_notices_are_kept_and_not_for_ever(redis: Redis) -> None:
    for n in range(KEPT_MAX + 5):
        await send(redis, ALICE, Notice("n", f"{n}"))
    kept = [json.loads(frame)["text"] for frame in await redis.lrange(key_of(ALICE), 0, -1)]
    assert kept == [f"{n}" for n in range(5, KEPT_MAX + 5)]
    assert 0 < await redis.ttl(key_of(ALICE)) <= notices.KEPT_S


class Ledger:
    """Where Alice stands, and one connection of hers."""

    def __init__(self, redis: Redis) -> None:
        self.bus = RedisBus(redis)
        self.stands: list[dict[str, object]] = []
        self.away = False
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.answer.set()
        self.told: list[object] = []
        self.stirs: list[int] = []
        self.teller = NoticeTeller(
            redis, self.bus, self._tell, pause_s=0.01, waitlist_of=self._waitlist_of, stirred=self.stirs.append
        )

    async def _waitlist_of(self, visitor: str) -> list[dict[str, object]]:
        assert visitor == ALICE
        self.asked.set()
        stands = self.stands
        await self.answer.wait()
        if self.away:
            self.away = False
            raise SourceUnavailable("for a moment")
        return stands

    def _tell(self, message: Message) -> bool:
        self.told.append(json.loads(message.payload).get("entries", "a notice"))
        return True

    async def has(self, *told: object) -> None:
        """A place may be told twice in a row: once more when it is certain from when on it is listened for."""
        async with asyncio.timeout(60):
            while len(self._news()) < len(told):
                await asyncio.sleep(0.01)
        assert self._news() == list(told)

    async def listens(self, redis: Redis) -> None:
        """Until what is published is heard, and all that had to be asked once it was is answered."""
        async with asyncio.timeout(60):
            while not self.stirs:
                await stir(redis, ALICE)
                await asyncio.sleep(0.01)
            while self.teller._task is not None:
                await asyncio.sleep(0.01)

    def _news(self) -> list[object]:
        return [told for told, _ in groupby(self.told)]


@pytest.fixture
async def ledger(redis: Redis) -> AsyncIterator[Ledger]:
    ledger = Ledger(redis)
    yield ledger
    ledger.teller.follow(None)
    await ledger.bus.close()


FIRST: list[dict[str, object]] = [{"id": 1, "position": 1}]
SECOND: list[dict[str, object]] = [{"id": 1, "position": 2}]


async def test_where_one_stands_is_told_on_connecting_and_whenever_it_moves(redis: Redis, ledger: Ledger) -> None:
    """Also when it moves back: it is a fact, and not told once like a notice."""
    ledger.stands = SECOND
    ledger.away = True
    ledger.teller.follow(ALICE)
    await ledger.has(SECOND)
    await ledger.listens(redis)
    for place in (FIRST, SECOND, []):
        await tell_waitlist(redis, {ALICE: place, visitor_of("basile"): FIRST})
    await ledger.has(SECOND, FIRST, SECOND, [])


async def test_who_waits_for_nothing_any_more_is_told_so(redis: Redis, ledger: Ledger) -> None:
    """A page that was cut off may still show what has been left meanwhile."""
    ledger.teller.follow(ALICE)
    await ledger.has([])


async def test_what_was_published_is_newer_than_what_was_being_read(redis: Redis, ledger: Ledger) -> None:
    ledger.stands = SECOND
    ledger.answer.clear()
    ledger.teller.follow(ALICE)
    await ledger.asked.wait()
    while not await listeners(redis):
        await asyncio.sleep(0.01)
    ledger.stands = FIRST
    await tell_waitlist(redis, {ALICE: FIRST})
    await ledger.has(FIRST)
    ledger.answer.set()
    async with asyncio.timeout(60):
        while "a notice" not in ledger.told:
            await send(redis, ALICE, OFFER)
            await asyncio.sleep(0.01)
    assert SECOND not in ledger.told


def test_the_client_s_machine_knows_where_its_visitor_stands() -> None:
    follower = Follower()
    entry = {
        "id": 1, "event": 2, "performance": None, "tariff": 4, "count": 2, "position": 3, "state": "waiting",
        "later": "fields are not minded",
    }  # fmt: skip
    (event,) = follower.receive(messages.waitlist([entry]).decode(), 0).events
    assert isinstance(event, WaitlistTaken)
    assert event.entries == follower.waitlist
    assert (follower.waitlist[0].performance, follower.waitlist[0].position) == (None, 3)
    assert follower.receive('{"t":"waitlist","entries":[{"id":"x"}]}', 0).drop


def test_the_client_s_machine_tells_a_notice_once() -> None:
    follower = Follower()
    frame = '{"t":"notice","id":"a","kind":"x","text":"y","href":"","later":"fields are not minded"}'
    assert [type(event) for event in follower.receive(frame, 0).events] == [NoticeTaken]
    assert follower.receive(frame, 0).events == []
