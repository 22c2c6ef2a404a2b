"""Signing in and out, and who is signed in (BOX-1).

A browser holds a random token in an HttpOnly cookie; the ledger keeps its digest, so that a stolen database opens no
session. Tries are limited per e-mail and per address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from litestar.connection import ASGIConnection
from redis.asyncio import Redis

from app.accounts.passwords import nobodys_hash, password_fits
from app.accounts.tables import Account, Role, WebSession
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.core.ids import digest_of, new_token
from app.core.ratelimit import count_try, forget_tries, uncount_try

COOKIE = "placeur_session"
LASTS = timedelta(hours=14)  # a long day at the counter, and no second one
TRIES_PER_EMAIL, TRIES_PER_ADDRESS, TRIES_WINDOW_S = 5, 30, 300


class Operator(msgspec.Struct, frozen=True):
    """Somebody of the staff, as this request knows them."""

    account: int
    name: str
    email: str
    role: Role
    organizer: int
    organizer_name: str
    session: int
    may_see_orders: bool = False

    @property
    def id(self) -> int:
        return self.account

    @property
    def sees_orders(self) -> bool:
        """All orders, whoever sold them: a right of its own, which managers always have (BOX-1)."""
        return self.may_see_orders or self.may(Role.MANAGER)

    def may(self, role: Role) -> bool:
        return self.role in (role, Role.MANAGER)


async def sign_in(redis: Redis, email: str, password: str, *, address: str) -> str:
    """Returns the session token. Raises Problem: wrong_login, too_many_requests."""
    email = email.strip().lower().replace("\x00", "")  # PostgreSQL takes no NUL, and nobody has one
    await count_try(redis, "login-address", address, most=TRIES_PER_ADDRESS, window_s=TRIES_WINDOW_S)
    await count_try(redis, "login", email, most=TRIES_PER_EMAIL, window_s=TRIES_WINDOW_S)
    account = await Account.objects().where(Account.email == email, Account.closed_at.is_null()).first()
    stored = account.password_hash if account else nobodys_hash()
    # Argon2 takes tens of milliseconds on purpose: not on the loop that serves everybody's seat map.
    fits = await asyncio.to_thread(password_fits, stored, password)
    if account is None or not fits:
        raise Problem("wrong_login")
    await forget_tries(redis, "login", email)
    # A house has one address, and all of its people begin at the same hour.
    await uncount_try(redis, "login-address", address)
    token, at = new_token(), now()
    await WebSession(token_digest=digest_of(token), account=account.id, created_at=at, expires_at=at + LASTS).save()
    return token


async def sign_out(token: str) -> None:
    await WebSession.update({WebSession.ended_at: now()}).where(WebSession.token_digest == digest_of(token))


FIND = """
SELECT s.id AS session, a.id AS account, a.name, a.email, m.role, m.may_see_orders,
       o.id AS organizer, o.name AS organizer_name
FROM accounts.web_session s
JOIN accounts.account a ON a.id = s.account AND a.closed_at IS NULL
JOIN accounts.membership m ON m.account = a.id
JOIN accounts.organizer o ON o.id = m.organizer
WHERE s.token_digest = $1 AND s.ended_at IS NULL AND s.expires_at > $2
ORDER BY o.id LIMIT 1
"""


async def find_operator(token: str, at: datetime) -> Operator | None:
    async with connection() as reader:
        row = await reader.fetchrow(FIND, digest_of(token), at)
    if row is None:
        return None
    return Operator(
        account=row["account"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
        organizer=row["organizer"],
        organizer_name=row["organizer_name"],
        session=row["session"],
        may_see_orders=row["may_see_orders"],
    )


async def operator_of(request: ASGIConnection) -> Operator | None:  # type: ignore[type-arg]  # any handler, user, state
    """Who is signed in on this connection; asked once per connection."""
    if "operator" not in request.scope["state"]:
        token = request.cookies.get(COOKIE)
        request.scope["state"]["operator"] = await find_operator(token, now()) if token else None
    found: Operator | None = request.scope["state"]["operator"]
    return found


async def require(request: ASGIConnection, *roles: Role) -> Operator:  # type: ignore[type-arg]  # as above
    """The operator, with one of `roles` or a manager. Raises Problem: unauthenticated, forbidden."""
    operator = await operator_of(request)
    if operator is None:
        raise Problem("unauthenticated")
    _check(operator, roles)
    return operator


def _check(operator: Operator, roles: Collection[Role]) -> None:
    if not any(operator.may(role) for role in roles):
        raise Problem("forbidden")
