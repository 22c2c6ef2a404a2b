"""The live feed's questions, answered by the rest of the box office (see `app.live.LiveWiring`)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import asyncpg
from litestar import Router
from redis.exceptions import RedisError

from app.accounts.logins import COOKIE, Operator, find_operator
from app.accounts.tables import Role
from app.audience.telling import PlacesAsked
from app.catalog import seat_views
from app.catalog.queries import offer_of, offers_of, offers_of_group
from app.catalog.shown_photos import version_shown
from app.core import i18n
from app.core.clock import now
from app.core.edge import LANGUAGE_COOKIE
from app.core.errors import Problem
from app.core.redis import redis
from app.core.web import plain
from app.counter.desks import desk_of
from app.counter.figures import figures_of
from app.live import Connection, Live, LiveSettings, LiveWiring
from app.live_source import SeatViewWiring
from app.sales.cart_keys import open_allotments
from app.sales.carts import Cart, view_cart
from app.sales.inventory import inventory, mend
from app.sales.queries import shows_use
from app.sales.visitors import BUYER, buyer_cart, counter_cart
from app.settings import Settings
from realtime.protocol import Limits
from realtime.rooms import SourceUnavailable
from realtime.shared import Shared
from seating.store import GroupMissing, Owner, StoreUnavailable

T = TypeVar("T")
GROUP_KEPT_S = 2.0
"""As long as offers are kept: a performance that was hidden is closed to newcomers after this."""
ID_MAX = 2**63 - 1
"""The ledger's; a larger number is nobody's, and must not be taken for a ledger that is away."""
ROLES = {"cashier": Role.CASHIER, "gate": Role.GATE, "manager": Role.MANAGER, "figures": Role.MANAGER}


def build_feed(settings: Settings) -> tuple[Router, Callable[[], AbstractAsyncContextManager[None]]]:
    """The feed's routes, and what opens and closes it with the process."""
    live = Live(
        inventory(),
        redis(),
        _wiring(),
        LiveSettings(
            connections_max=settings.live_connections_max,
            connections_per_address_max=settings.live_connections_per_address_max,
            unread_bytes_max=settings.live_unread_bytes_max,
            limits=Limits(
                frame_bytes_max=settings.live_frame_bytes_max,
                frames_burst=settings.live_frames_burst,
                hello_timeout_s=settings.live_hello_timeout_s,
            ),
        ),
    )

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await live.close()

    return live.router(), lifespan


async def _ask(question: Awaitable[T]) -> T:
    """An engine that is away makes the feed wait, not fail."""
    try:
        return await question
    except (RedisError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, StoreUnavailable) as error:
        raise SourceUnavailable(repr(error)) from error


async def _group_of(performance: int) -> str | None:
    if performance > ID_MAX:
        return None
    try:
        offer = await _ask(offer_of(performance))
    except Problem:
        return None
    return offer.group if offer.visibility != "hidden" else None


async def _rebuild(group: str) -> None:
    offers = await _ask(offers_of_group(group))
    try:
        await _ask(inventory().pulse(group, *(offer.id for offer in offers)))
    except GroupMissing as missing:
        await _ask(mend(missing))


async def _public_quotas(performance: int) -> frozenset[str]:
    # Asked once a picture; one that a change of the catalogue has brought about must not be of before it.
    offer = await _ask(offer_of(performance, exact=True))
    return frozenset(q.key for q in offer.quotas) if shows_use(offer) else frozenset()


async def _operator_of(connection: Connection) -> Operator | None:
    """Asked afresh each time: a log-in may end while its socket is open."""
    token = connection.cookies.get(COOKIE)
    return await _ask(find_operator(token, now())) if token else None


async def _may_follow(operator: Operator, audience: str, subject: int) -> bool:
    if not operator.may(ROLES[audience]) or subject > ID_MAX:
        return False
    offers = await _ask(offers_of(subject)) if audience == "figures" else (await _ask(offer_of(subject)),)
    return bool(offers) and offers[0].box_office.organizer == operator.organizer


async def _cart_of(connection: Connection, audience: str) -> str | None:
    try:
        if audience == "buyer":
            cart = buyer_cart(connection)
            return cart.token if cart else None
        operator = await _operator_of(connection)
        if operator is None or audience != "cashier":
            return None
        desk = await _ask(desk_of(operator))
        cart = counter_cart(connection, operator, desk.label_for(operator))
        return cart.token if cart else None
    except Problem:
        return None


async def _cart_view(token: str, locale: str) -> dict[str, Any]:
    # A counter's token begins with its operator's id and a dot, which no buyer's token has.
    is_counter = "." in token
    cart = Cart(token, "counter" if is_counter else "online", Owner("counter", "") if is_counter else BUYER)
    with i18n.locale_of(locale):
        try:
            view: dict[str, Any] = plain(await _ask(view_cart(cart)))
        except GroupMissing as missing:
            raise SourceUnavailable("the group is being rebuilt") from missing
    return view


async def _opened_seats(token: str, performance: int) -> frozenset[int]:
    opened = await _ask(open_allotments(Cart(token, "online", BUYER), performance=performance))
    return frozenset(seat for each in opened for seat in each.seats)


def _locale_of(connection: Connection) -> str:
    return i18n.negotiate(
        connection.query_params.get("language"),
        connection.cookies.get(LANGUAGE_COOKIE),
        connection.headers.get("accept-language"),
    )


async def _figures(event: int, operator: Operator, locale: str) -> dict[str, Any] | None:
    with i18n.locale_of(locale):
        found = await _ask(figures_of(event, organizer=operator.organizer))
    return plain(found) if found else None


async def _seat_view_of(performance: int) -> str:
    return await _ask(version_shown(performance))


def _wiring() -> LiveWiring:
    places = PlacesAsked()
    return LiveWiring(
        group_of=Shared(_group_of, GROUP_KEPT_S),
        rebuild=_rebuild,
        public_quotas=_public_quotas,
        cart_of=_cart_of,
        cart_view=_cart_view,
        opened_seats=_opened_seats,
        locale_of=_locale_of,
        operator_of=_operator_of,
        may_follow=_may_follow,
        figures=_figures,
        waitlist_of=lambda visitor: _ask(places(visitor)),
        seat_view=SeatViewWiring(_seat_view_of, seat_views.channel),
    )
