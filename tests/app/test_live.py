"""The live feed end to end: the real inventory in a real Redis, behind Litestar on a real port (LIVE-1 … LIVE-7)."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import pytest
import websockets
from litestar import Litestar
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from app.live import Connection, Live, LiveSettings, LiveWiring, origin_allowed
from realtime.client import Feed, FeedEnded
from realtime.follower import Status
from realtime.messages import FREE, HELD, PENDING, SOLD
from realtime.protocol import Limits
from realtime.rooms import RoomSettings, SourceUnavailable
from realtime.sockets import uvicorn_options
from seating.store import (
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    QuotaState,
)
from tests.cast import house
from tests.realtime.server import serve
from tests.realtime.test_rooms import soon
from tests.seating.shop import lapse

GROUP, EVENING, MATINEE = "e1", 7, 8
ONLINE, DESK = Owner("buyer", "online"), Owner("counter", "Counter 2 · Léa")
SETTINGS = LiveSettings(
    recheck_s=0.05,
    cart_pause_s=0.01,
    limits=Limits(hello_timeout_s=60.0),
    rooms=RoomSettings(check_s=0.05, linger_s=30.0, retry_s=0.02, beat_s=0.5),
)


@dataclass(frozen=True)
class Somebody:
    id: int


class House:
    """A box office reduced to what the feed asks of it, over the real inventory."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.inventory = Inventory(redis)
        self.sold: dict[int, str] = {29: "C00000001"}
        self.operators: dict[str, Somebody] = {"lea": Somebody(1)}
        self.figures: dict[str, Any] | None = {"orders": 0}
        self.figures_asked = 0
        self.live = Live(self.inventory, redis, self.wiring(), SETTINGS)

    def wiring(self) -> LiveWiring:
        return LiveWiring(
            group_of=self.group_of,
            rebuild=self.rebuild,
            public_quotas=self.public_quotas,
            cart_of=self.cart_of,
            cart_view=self.cart_view,
            locale_of=lambda connection: "en",
            operator_of=self.operator_of,
            may_follow=self.may_follow,
            figures=self.figures_of,
        )

    async def rebuild(self, group: str) -> None:
        plan = house()
        states = bytes(SOLD if ordinal in self.sold else FREE for ordinal in range(len(plan.seats)))
        performances = tuple(
            PerformanceState(performance, plan, states, dict(self.sold)) for performance in (EVENING, MATINEE)
        )
        quotas = (QuotaState(f"performance:{EVENING}", 30, len(self.sold)), QuotaState("tariff:1", None, 0))
        await self.inventory.load(GroupState(group, performances, quotas))

    async def group_of(self, performance: int) -> str | None:
        return GROUP if performance in (EVENING, MATINEE) else None

    async def public_quotas(self, performance: int) -> frozenset[str]:
        return frozenset({f"performance:{EVENING}"})

    async def cart_of(self, connection: Connection, audience: str) -> str | None:
        return connection.cookies.get("cart")

    async def cart_view(self, cart: str, locale: str) -> dict[str, Any]:
        return {"items": [item.ordinal for item in await self.inventory.held(GROUP, cart)]}

    async def operator_of(self, connection: Connection) -> Somebody | None:
        return self.operators.get(connection.cookies.get("login", ""))

    async def may_follow(self, operator: Somebody, audience: str, subject: int) -> bool:
        return audience in ("cashier", "figures")

    async def figures_of(self, event: int, operator: Somebody, locale: str) -> dict[str, Any] | None:
        self.figures_asked += 1
        return self.figures

    async def hold(self, cart: str, *ordinals: int, owner: Owner = ONLINE) -> Held:
        line = NamedSeats(EVENING, ordinals, 1, (f"performance:{EVENING}", "tariff:1"))
        held = await self.inventory.hold(HoldRequest(GROUP, cart, owner, (line,), 900, random.randbytes(8).hex()))
        assert isinstance(held, Held)
        return held

    async def states(self) -> bytes:
        return (await self.inventory.snapshot(GROUP, EVENING)).states

    async def shown_by(self, feed: Feed) -> None:
        """Stand until a buyer's map equals the store."""
        async with asyncio.timeout(60):
            while True:
                expected = bytes(int(state != FREE) for state in await self.states())
                if feed.status is Status.LIVE and bytes(feed.codes) == expected:
                    return
                await asyncio.sleep(0.01)


@pytest.fixture
async def box_office(redis: Redis) -> AsyncIterator[House]:
    one = House(redis)
    await one.rebuild(GROUP)
    yield one
    await one.live.close()


@pytest.fixture
async def host(box_office: House) -> AsyncIterator[str]:
    app = Litestar([box_office.live.router()], logging_config=None)
    async with serve(app, lifespan="off", **uvicorn_options(4096)) as address:
        yield address


def buyer(host: str, cart: str | None = None, performance: int = EVENING) -> Feed:
    headers = {"Cookie": f"cart={cart}"} if cart else {}
    return Feed(f"ws://{host}/live/performances/{performance}", headers=headers, dice=random.Random(4))


def cashier(host: str, login: str = "lea") -> Feed:
    return Feed(f"ws://{host}/live/counter/performances/{EVENING}", headers={"Cookie": f"login={login}"})


async def test_a_hold_turns_the_seat_on_every_other_map(host: str, box_office: House) -> None:
    async with buyer(host) as one, buyer(host) as two:
        await one.until(lambda feed: feed.status is Status.LIVE)
        await two.until(lambda feed: feed.status is Status.LIVE)
        assert (one.codes[3], one.codes[29]) == (0, 1)
        await box_office.hold("alice", 3, 4)
        for feed in (one, two):
            await feed.until(lambda feed: feed.codes[3] == feed.codes[4] == 1)
            assert feed.quotas == {f"performance:{EVENING}": (3, 30)}, "counters that are not public stay inside"
        await box_office.inventory.release(GROUP, "alice")
        await two.until(lambda feed: feed.codes[3] == feed.codes[4] == 0)


async def test_another_performance_of_the_event_is_another_feed(host: str, box_office: House) -> None:
    async with buyer(host) as evening, buyer(host, performance=MATINEE) as matinee:
        await matinee.until(lambda feed: feed.status is Status.LIVE)
        await box_office.hold("alice", 3)
        await evening.until(lambda feed: feed.status is Status.LIVE and feed.codes[3] == 1)
        await box_office.shown_by(evening)
        assert matinee.codes[3] == 0


async def test_a_cashier_sees_who_holds_what_and_for_how_long(host: str, box_office: House) -> None:
    """LIVE-2."""
    held = await box_office.hold("alice", 3)
    async with cashier(host) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        view = feed.follower.holders[3]
        assert (view.kind, view.label, view.expires_at_ms) == ("buyer", "online", held.expires_at_ms)
        await box_office.hold("a desk", 5, owner=DESK)
        await feed.until(lambda feed: feed.codes[5] == HELD)
        assert feed.follower.holders[5].label == "Counter 2 · Léa"
        await box_office.inventory.promise(GROUP, "alice", "C00000002")
        await feed.until(lambda feed: feed.codes[3] == PENDING)
        await box_office.inventory.sell(GROUP, "C00000002")
        await feed.until(lambda feed: feed.codes[3] == SOLD)
        assert 3 not in feed.follower.holders
        async with cashier(host) as late:
            await late.until(lambda feed: feed.status is Status.LIVE)
            assert (late.codes, late.follower.holders) == (feed.codes, feed.follower.holders)
        assert "tariff:1" in feed.quotas


async def test_whoever_is_not_signed_in_or_not_permitted_is_told_and_turned_away(host: str, box_office: House) -> None:
    for path, login, code in (
        (f"counter/performances/{EVENING}", "nobody", 4401),
        (f"gate/performances/{EVENING}", "lea", 4403),
        (f"manage/performances/{EVENING}", "lea", 4403),
        ("manage/1", "nobody", 4401),
        ("performances/404", "lea", 4404),
    ):
        async with Feed(f"ws://{host}/live/{path}", headers={"Cookie": f"login={login}"}) as feed:
            with pytest.raises(FeedEnded, match=str(code)):
                await feed.until(lambda feed: False)
    await soon(lambda: box_office.live.connections == 0)


async def test_a_log_in_that_ends_closes_the_open_counter(host: str, box_office: House) -> None:
    async with cashier(host) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        box_office.operators.clear()
        with pytest.raises(FeedEnded, match="4401"):
            await feed.until(lambda feed: False)


async def test_a_buyer_is_told_of_the_own_cart_and_nobody_else_s(host: str, box_office: House) -> None:
    """LIVE-7: at hello, when it changes in another tab, when it lapses."""
    async with buyer(host, "alice") as alice, buyer(host, "basile") as basile, buyer(host) as stranger:
        await alice.until(lambda feed: feed.cart == {"items": []})
        await box_office.hold("alice", 3, 4)
        await alice.until(lambda feed: feed.cart == {"items": [3, 4]})
        his = await box_office.hold("basile", 6)
        await basile.until(lambda feed: feed.cart == {"items": [6]})
        await box_office.shown_by(stranger)
        await lapse(box_office.redis, *his.items, tag=f"{{g:{GROUP}}}")
        assert await box_office.inventory.expire_due(GROUP) == 1
        await basile.until(lambda feed: feed.cart == {"items": []})
        assert (alice.cart, stranger.cart) == ({"items": [3, 4]}, None)


async def test_a_first_cart_is_followed_after_rejoining(host: str, box_office: House) -> None:
    """The cookie came after the socket: a page says so by connecting anew, and misses nothing."""
    async with buyer(host) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        await box_office.hold("alice", 3)
        feed._headers["Cookie"] = "cart=alice"
        await feed.rejoin()
        await feed.until(lambda feed: feed.cart == {"items": [3]} and feed.codes[3] == 1)


async def test_after_a_cut_what_was_missed_arrives(host: str, box_office: House) -> None:
    async with buyer(host) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        epoch = feed.follower.epoch
        await feed.cut()
        await feed.until(lambda feed: feed.status is Status.CONNECTING)
        await box_office.hold("alice", 3)
        await feed.until(lambda feed: feed.status is Status.LIVE and feed.codes[3] == 1)
        assert (feed.follower.epoch, feed.reconnects) == (epoch, 1)


async def test_a_flushed_redis_is_rebuilt_and_every_map_recovers(host: str, box_office: House) -> None:
    """Sold stays sold; what was only held is free again, and its holder is told."""
    async with buyer(host, "alice") as feed:
        await box_office.hold("alice", 3)
        await feed.until(lambda feed: feed.cart == {"items": [3]})
        epoch = feed.follower.epoch
        await box_office.redis.flushall()
        await feed.until(lambda feed: feed.follower.epoch != epoch)
        await feed.until(lambda feed: feed.status is Status.LIVE and feed.cart == {"items": []})
        assert (feed.codes[3], feed.codes[29]) == (0, 1)
        await box_office.hold("basile", 8)
        await feed.until(lambda feed: feed.codes[8] == 1)


async def test_a_killed_pub_sub_connection_loses_nothing(host: str, box_office: House) -> None:
    async with buyer(host) as feed:
        await feed.until(lambda feed: feed.status is Status.LIVE)
        for ordinal in range(10):
            await box_office.redis.client_kill_filter(_type="pubsub")
            await box_office.hold("alice", ordinal)
        await box_office.shown_by(feed)
        assert sum(feed.codes) == 11


async def test_two_processes_tell_the_same_story(host: str, box_office: House) -> None:
    """A viewer moves from one web process to another between changes."""
    other = House(box_office.redis)
    app = Litestar([other.live.router()], logging_config=None)
    async with serve(app, lifespan="off", **uvicorn_options(4096)) as second, buyer(host) as feed:
        for turn in range(6):
            await box_office.hold("alice", turn)
            await box_office.shown_by(feed)
            feed.url = feed.url.replace(host, second) if turn % 2 == 0 else feed.url.replace(second, host)
            await feed.cut()
            await feed.until(lambda feed: feed.status is Status.CONNECTING)
        await box_office.shown_by(feed)
    await other.live.close()


async def test_a_storm_of_changes_ends_with_every_map_equal_to_the_store(host: str, box_office: House) -> None:
    dice = random.Random(7)
    feeds = [buyer(host) for _ in range(5)]
    for feed in feeds:
        await feed.__aenter__()
    for turn in range(300):
        cart = f"cart {dice.randrange(4)}"
        if dice.random() < 0.5:
            free = [o for o, state in enumerate(await box_office.states()) if state == FREE]
            await box_office.hold(cart, *dice.sample(free, min(len(free), 2))) if free else None
        else:
            await box_office.inventory.release(GROUP, cart)
        if turn % 40 == 0:
            await dice.choice(feeds).cut()
        if turn == 150:
            await box_office.redis.client_kill_filter(_type="pubsub")
    for feed in feeds:
        await box_office.shown_by(feed)
        await feed.__aexit__(None, None, None)


async def test_figures_are_pushed_when_they_change_and_computed_only_while_watched(
    host: str, box_office: House
) -> None:
    """LIVE-6."""
    url, headers = f"ws://{host}/live/manage/1", {"Cookie": "login=lea"}
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send('{"t":"hello","v":1}')
        assert await next_figures(socket) == {"t": "figures", "orders": 0}
        box_office.figures = {"orders": 1}
        assert await next_figures(socket) == {"t": "figures", "orders": 1}
    await soon(lambda: box_office.live.figures.watched() == 0)
    asked = box_office.figures_asked
    await asyncio.sleep(1.2)
    assert box_office.figures_asked == asked


async def next_figures(socket: ClientConnection) -> dict[str, Any]:
    while (frame := json.loads(await socket.recv()))["t"] == "beat":
        pass
    return dict(frame)


async def test_figures_of_no_event_are_refused(host: str, box_office: House) -> None:
    box_office.figures = None
    async with Feed(f"ws://{host}/live/manage/9", headers={"Cookie": "login=lea"}) as feed:
        with pytest.raises(FeedEnded, match="4404"):
            await feed.until(lambda feed: False)


@pytest.mark.parametrize(
    ("origin", "answer"),
    [
        (None, 101),
        ("http://{host}", 101),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://{host}.evil.example", 403),
    ],
)
async def test_only_our_own_pages_may_open_the_feed(
    host: str, box_office: House, origin: str | None, answer: int
) -> None:
    """Cross-site websocket hijacking: another site's page would otherwise read along with the visitor's cookies."""
    said = origin.format(host=host) if origin else None
    assert await handshake(host, {"Origin": said} if said else {}) == answer
    await soon(lambda: box_office.live.connections == 0)


async def test_the_door_closes_when_it_is_full(box_office: House, caplog: pytest.LogCaptureFixture) -> None:
    """And whoever is turned away writes no errors into our log."""
    for settings, answer in (
        (msgspec.structs.replace(SETTINGS, connections_per_address_max=1), 429),
        (msgspec.structs.replace(SETTINGS, connections_max=1), 503),
    ):
        live = Live(box_office.inventory, box_office.redis, box_office.wiring(), settings)
        app = Litestar([live.router()], logging_config=None)
        async with serve(app, lifespan="off", **uvicorn_options(4096)) as host:
            logging.getLogger("uvicorn.error").addHandler(caplog.handler)  # what uvicorn says goes nowhere else
            async with buyer(host) as feed:
                await feed.until(lambda feed: feed.status is Status.LIVE)
                assert await handshake(host, {}) == answer
            await soon(partial(no_connections, live))
            assert await handshake(host, {}) == 101
        await live.close()
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_garbage_is_refused_and_nothing_else_suffers(host: str, box_office: House) -> None:
    async with buyer(host) as bystander:
        await bystander.until(lambda feed: feed.status is Status.LIVE)
        for garbage in ("", "{", "null", '{"t":"delta"}', b"\xff\xfe", '{"t":"hello","v":1,"epoch":7,"version":"x"}'):
            async with connect(f"ws://{host}/live/performances/{EVENING}", proxy=None) as socket:
                await socket.send(garbage)
                assert json.loads(await socket.recv())["code"] == "malformed"
                with pytest.raises(websockets.ConnectionClosedError):
                    await socket.recv()
                assert socket.close_code == 4400
        await box_office.hold("alice", 3)
        await box_office.shown_by(bystander)
        assert bystander.reconnects == 0


async def test_an_engine_that_is_away_asks_the_viewer_to_try_later(box_office: House) -> None:
    async def away(performance: int) -> str | None:
        raise SourceUnavailable("PostgreSQL is away")

    live = Live(box_office.inventory, box_office.redis, replace(box_office.wiring(), group_of=away), SETTINGS)
    app = Litestar([live.router()], logging_config=None)
    async with (
        serve(app, lifespan="off", **uvicorn_options(4096)) as host,
        connect(f"ws://{host}/live/performances/{EVENING}", proxy=None) as socket,
    ):
        assert json.loads(await socket.recv())["code"] == "try_later"
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.recv()
        assert socket.close_code == 1013
    await live.close()


def no_connections(live: Live) -> bool:
    return live.connections == 0


async def handshake(host: str, headers: dict[str, str]) -> int:
    """The HTTP status of opening a buyer's feed."""
    try:
        async with connect(f"ws://{host}/live/performances/{EVENING}", additional_headers=headers, proxy=None):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "shop.example", True),
        ("https://shop.example", "shop.example", True),
        ("https://shop.example:443", "shop.example", True),
        ("http://shop.example", "shop.example:80", True),
        ("https://SHOP.example", "shop.example", True),
        ("https://embed.example", "shop.example", True),
        ("https://shop.example:8443", "shop.example", False),
        ("https://shop.example.evil.org", "shop.example", False),
        ("https://evil.org", "shop.example", False),
        ("null", "shop.example", False),
        ("file://shop.example", "shop.example", False),
        ("https://shop.example", None, False),
        ("https://[", "shop.example", False),
    ],
)
def test_an_origin_is_ours_or_named(origin: str | None, host: str | None, allowed: bool) -> None:
    assert origin_allowed(origin, host, frozenset({"https://embed.example"})) is allowed
