"""The live feed at the box office's door (LIVE-1 … LIVE-6): who may follow what, and where its truth comes from.

Litestar routes, reads cookies and decides; after that `realtime` talks to the socket. What is the business of other
parts (carts, operators, figures, loading a performance) comes in through `LiveWiring`, which app/main.py fills.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from litestar import Router, WebSocket, websocket
from litestar.params import FromPath
from redis.asyncio import Redis

from app.core.notices import visitor_of
from app.live_source import InventorySource, SeatViewWiring
from realtime import messages
from realtime.bus import RedisBus
from realtime.conversation import converse, listen, refuse
from realtime.figures import FiguresFeed
from realtime.messages import CLOSE_FORBIDDEN, CLOSE_SIGNED_OUT, CLOSE_UNKNOWN
from realtime.notices import NoticeTeller
from realtime.protocol import Limits, Refuse, Resume
from realtime.room import Member
from realtime.rooms import Rooms, RoomSettings, SourceUnavailable
from realtime.sockets import UNREAD_BYTES_MAX, Outlet, open_outlet
from seating.store import Inventory, cart_ref

log = logging.getLogger("placeur.feed")

Connection = WebSocket[Any, Any, Any]


class LiveOperator(Protocol):
    """Whoever is signed in. What they may see is decided by `LiveWiring.may_follow`."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class LiveWiring:
    """What the feed asks of the rest of the box office. What needs an engine raises SourceUnavailable without it."""

    group_of: Callable[[int], Awaitable[str | None]]
    """The inventory group of a performance; None: there is no such performance, or it is not public yet."""
    rebuild: Callable[[str], Awaitable[None]]
    """Load a group from PostgreSQL into the inventory if it is missing there."""
    public_quotas: Callable[[int], Awaitable[frozenset[str]]]
    """The counters of a performance that buyers may see (LIVE-3)."""
    cart_of: Callable[[Connection, str], Awaitable[str | None]]
    """(connection, audience) → the visitor's cart id from its cookie or header, if it has one."""
    cart_view: Callable[[str, str], Awaitable[dict[str, Any]]]
    """(cart id, locale) → the Cart object of the HTTP API."""
    locale_of: Callable[[Connection], str]
    operator_of: Callable[[Connection], Awaitable[LiveOperator | None]]
    """Who is signed in on this connection, asked again now and then."""
    may_follow: Callable[[Any, str, int], Awaitable[bool]]
    """(operator, audience, performance id; event id for "figures") → may this operator follow it so."""
    figures: Callable[[int, Any, str], Awaitable[dict[str, Any] | None]]
    """(event id, operator, locale) → the manager's figures as in the HTTP API; None: no such event."""
    opened_seats: Callable[[str, int], Awaitable[frozenset[int]]] | None = None
    """(cart id, performance) → the seats of allotments that the cart's keys open, whoever has them now."""
    waitlist_of: Callable[[str], Awaitable[list[dict[str, Any]]]] | None = None
    """A visitor's private name → where they stand on waitlists, as in the `waitlist` frame."""
    seat_view: SeatViewWiring | None = None
    """None: nobody is told of photos."""


class LiveSettings(msgspec.Struct, frozen=True):
    """Limits of the door; docs/feed.md states them. `origins`: pages of other hosts that may open the feed."""

    connections_max: int = 20_000
    connections_per_address_max: int = 200
    unread_bytes_max: int = UNREAD_BYTES_MAX
    recheck_s: float = 30.0
    cart_pause_s: float = 0.2
    origins: frozenset[str] = frozenset()
    limits: Limits = Limits()
    rooms: RoomSettings = RoomSettings()


def origin_allowed(origin: str | None, host: str | None, others: frozenset[str]) -> bool:
    """A browser sends cookies with a websocket of any page's making, and names that page (cross-site websocket
    hijacking): only our own pages may. Clients that are no browsers send no Origin and no cookies they do not hold."""
    if origin is None:
        return True
    if origin in others:
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    ports = {"http": ":80", "https": ":443"}
    default = ports.get(page.scheme)
    if default is None or not host:
        return False
    return page.netloc.lower().removesuffix(default) == host.lower().removesuffix(default)


class Live:
    """The feed of this process. `router` goes to Litestar, `close` to its shutdown hooks."""

    def __init__(
        self, inventory: Inventory, redis: Redis, wiring: LiveWiring, settings: LiveSettings | None = None
    ) -> None:
        self._wiring = wiring
        self._settings = settings or LiveSettings()
        self._redis = redis
        self._bus = RedisBus(redis)
        source = InventorySource(
            inventory, self._bus, group_of=wiring.group_of, rebuild=wiring.rebuild,
            public_quotas=wiring.public_quotas, seat_view=wiring.seat_view,
        )  # fmt: skip
        self.rooms = Rooms(source, self._settings.rooms)
        self.figures = FiguresFeed()
        self._addresses: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        return self._addresses.total()

    async def close(self) -> None:
        await self.rooms.close()
        await self.figures.close()
        await self._bus.close()

    def router(self) -> Router:
        """`/live/performances/{id}` for buyers, and the signed-in audiences beside it."""

        @websocket("/performances/{performance:int}")
        async def follow_as_buyer(socket: Connection, performance: FromPath[int]) -> None:
            await self._admit(socket, lambda outlet, off: self._follow(socket, outlet, off, performance, "buyer"))

        @websocket("/counter/performances/{performance:int}")
        async def follow_as_cashier(socket: Connection, performance: FromPath[int]) -> None:
            await self._admit(socket, lambda outlet, off: self._follow(socket, outlet, off, performance, "cashier"))

        @websocket("/gate/performances/{performance:int}")
        async def follow_as_gate(socket: Connection, performance: FromPath[int]) -> None:
            await self._admit(socket, lambda outlet, off: self._follow(socket, outlet, off, performance, "gate"))

        @websocket("/manage/performances/{performance:int}")
        async def follow_as_manager(socket: Connection, performance: FromPath[int]) -> None:
            await self._admit(socket, lambda outlet, off: self._follow(socket, outlet, off, performance, "manager"))

        @websocket("/manage/{event:int}")
        async def follow_figures(socket: Connection, event: FromPath[int]) -> None:
            await self._admit(socket, lambda outlet, off: self._follow_figures(socket, outlet, event))

        return Router(
            path="/live",
            route_handlers=[follow_as_buyer, follow_as_cashier, follow_as_gate, follow_as_manager, follow_figures],
        )

    async def _admit(
        self, connection: Connection, serve: Callable[[Outlet, Callable[[], None]], Awaitable[bool]]
    ) -> None:
        """Origin and numbers are checked before the handshake: a refusal costs no websocket.

        `serve` gets what counts the connection off, and says whether it has left that to whoever listens.
        """
        if not origin_allowed(connection.headers.get("origin"), connection.headers.get("host"), self._settings.origins):
            await _refuse_handshake(connection, 403)
            return
        # No address: a unix socket, which is a proxy of ours that counts for itself.
        address = connection.client.host if connection.client else ""
        if self.connections >= self._settings.connections_max:
            await _refuse_handshake(connection, 503)
            return
        if address and self._addresses[address] >= self._settings.connections_per_address_max:
            await _refuse_handshake(connection, 429)
            return
        self._addresses[address] += 1
        kept = False
        try:
            await connection.accept()
            task = asyncio.current_task()
            assert task is not None
            outlet = open_outlet(
                connection.scope["state"], connection.send, lambda: _cancel(task), self._settings.unread_bytes_max
            )
            kept = await serve(outlet, partial(self._count_off, address))
            if not kept:
                await outlet.closed()
        finally:
            if not kept:
                self._count_off(address)

    def _count_off(self, address: str) -> None:
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    async def _follow(
        self, connection: Connection, outlet: Outlet, count_off: Callable[[], None], performance: int, audience: str
    ) -> bool:
        try:
            refusal = await self._may(connection, audience, performance)
            if refusal is None and await self._wiring.group_of(performance) is None:
                refusal = Refuse("unknown_performance", "There is no such performance.", CLOSE_UNKNOWN)
        except SourceUnavailable:
            refusal = _TRY_LATER
        if refusal is not None:
            refuse(outlet, refusal)
            return False
        cart = _CartTeller(connection, outlet, audience, performance, self._wiring, self._settings.cart_pause_s)
        member = Member(outlet, audience, touched=cart.touched)
        notices = NoticeTeller(
            self._redis,
            self._bus,
            outlet.send,
            pause_s=self._settings.cart_pause_s,
            waitlist_of=self._wiring.waitlist_of if audience == "buyer" else None,
            stirred=lambda other: None if other == performance else cart.touched(),
        )
        topic = str(performance)

        def join(resume: Resume | None) -> None:
            self.rooms.join(topic, member, resume)
            cart.touched()

        def identify(token: str | None) -> None:
            self.rooms.identify(topic, member, token and cart_ref(token))
            notices.follow(token and visitor_of(token))

        def pong() -> None:
            self.rooms.beat_one(topic, member)

        def leave() -> None:
            self.rooms.leave(topic, member)
            cart.stop()
            notices.follow(None)

        def gone() -> None:
            leave()
            count_off()

        cart.identify = identify
        cart.watch = lambda ordinals: self.rooms.watch(topic, member, ordinals)
        if audience == "buyer" and listen(outlet, self._settings.limits, join=join, pong=pong, gone=gone):
            return True
        try:
            await self._converse(connection, outlet, join, pong, audience, performance)
        finally:
            leave()
        return False

    async def _converse(
        self,
        connection: Connection,
        outlet: Outlet,
        join: Callable[[Resume | None], None],
        pong: Callable[[], None],
        audience: str,
        performance: int,
    ) -> None:
        """For those who are checked again, and on servers that know nothing of ours."""
        await converse(
            connection.receive,
            outlet,
            self._settings.limits,
            join=join,
            pong=pong,
            recheck=None if audience == "buyer" else lambda: self._still_may(connection, audience, performance),
            recheck_s=self._settings.recheck_s,
        )

    async def _follow_figures(self, connection: Connection, outlet: Outlet, event: int) -> bool:
        try:
            refusal = await self._may(connection, "figures", event)
            operator = await self._wiring.operator_of(connection)
        except SourceUnavailable:
            refusal, operator = _TRY_LATER, None
        if refusal is not None or operator is None:
            refuse(outlet, refusal or _SIGNED_OUT)
            return False
        locale = self._wiring.locale_of(connection)
        key = (event, operator.id, locale)  # they tell names: a French telephone and an English screen are two
        try:
            await converse(
                connection.receive,
                outlet,
                self._settings.limits,
                join=lambda _: self.figures.join(key, outlet, lambda: self._wiring.figures(event, operator, locale)),
                pong=lambda: None,
                recheck=lambda: self._still_may(connection, "figures", event),
                recheck_s=self._settings.recheck_s,
            )
        finally:
            self.figures.leave(key, outlet)
        return False

    async def _may(self, connection: Connection, audience: str, subject: int) -> Refuse | None:
        if audience == "buyer":
            return None
        operator = await self._wiring.operator_of(connection)
        if operator is None:
            return _SIGNED_OUT
        if not await self._wiring.may_follow(operator, audience, subject):
            return Refuse("forbidden", "This log-in may not follow this feed.", CLOSE_FORBIDDEN)
        return None

    async def _still_may(self, connection: Connection, audience: str, subject: int) -> Refuse | None:
        try:
            return await self._may(connection, audience, subject)
        except SourceUnavailable:
            return None  # cannot be asked now; it was allowed, and is asked again soon


_SIGNED_OUT = Refuse("signed_out", "Sign in to follow this feed.", CLOSE_SIGNED_OUT)
_TRY_LATER = Refuse("try_later", "The box office cannot look this up now.", messages.CLOSE_TRY_LATER)


class _CartTeller:
    """Sends `mine` to one connection: at hello, and after each change of its cart's seats, one at a time; and `kept`,
    where its keys open seats that others have no use for (AHEAD-2).

    A task runs only while there is something to tell; an idle connection has none. A buyer's cart is that of the
    handshake's cookie: once known, the connection itself and all that Litestar keeps with it are let go.
    """

    __slots__ = (
        "_again", "_audience", "_connection", "_known", "_opened", "_outlet", "_pause_s", "_performance", "_task",
        "_wiring", "identify", "watch",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        outlet: Outlet,
        audience: str,
        performance: int,
        wiring: LiveWiring,
        pause_s: float,
    ) -> None:
        self.identify: Callable[[str | None], None] = lambda cart: None
        self.watch: Callable[[frozenset[int]], list[int] | None] = lambda ordinals: []
        self._performance = performance
        self._opened: frozenset[int] = frozenset()
        self._connection: Connection | None = connection
        self._known: tuple[str | None, str] = (None, "")
        self._outlet = outlet
        self._audience = audience
        self._wiring = wiring
        self._pause_s = pause_s
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def touched(self) -> None:
        self._again = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._tell())
            self._task.add_done_callback(self._told)

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tell(self) -> None:
        while self._again:
            self._again = False
            try:
                cart, locale = await self._whose()
                self.identify(cart)
                view = None if cart is None else await self._wiring.cart_view(cart, locale)
                self._outlet.send(messages.mine(view))
                if cart is not None and self._audience == "buyer" and self._wiring.opened_seats is not None:
                    await self._tell_kept(await self._wiring.opened_seats(cart, self._performance))
            except SourceUnavailable:
                self._again = True
            # A script that takes and gives back in a loop must not make us render its cart at that pace.
            await asyncio.sleep(self._pause_s)

    async def _tell_kept(self, opened: frozenset[int]) -> None:
        """Raises SourceUnavailable while their states are not known."""
        if opened or self._opened:
            self._opened = opened
            can_be_had = self.watch(opened)
            if can_be_had is None:
                raise SourceUnavailable("the room is loading")
            self._outlet.send(messages.kept(can_be_had))

    async def _whose(self) -> tuple[str | None, str]:
        """The cart's id, and the language to show it in."""
        if self._connection is None:
            return self._known
        cart = await self._wiring.cart_of(self._connection, self._audience)
        self._known = cart, self._wiring.locale_of(self._connection)
        if self._audience == "buyer":
            self._connection = None
        return self._known

    def _told(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a cart could not be told to its own viewer", exc_info=problem)
            self._outlet.close(messages.CLOSE_INTERNAL, "internal error")


def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


async def _refuse_handshake(connection: Connection, status: int) -> None:
    """An HTTP answer instead of a handshake where the server can give one, else what ASGI makes of a close (403)."""
    if "websocket.http.response" in (connection.scope.get("extensions") or {}):
        await connection.receive()
        send: Any = connection.send
        headers = [] if status == 403 else [(b"retry-after", b"10")]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await connection.close()
