"""`placeur check`: can these settings run a box office? One line per question, each saying what to do when not."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.settings import Settings

TIMEOUT_S = 5
POSTGRES_MIN = 15
REDIS_MIN = 7

BUILT = Path(__file__).resolve().parents[1] / "frontend" / "static" / "build"

Question = Callable[[Settings], Awaitable[str]]


class Unfit(Exception):
    """The answer is no; the message says why and what to do."""


def new_ticket_key() -> str:
    """An Ed25519 private key for PLACEUR_TICKET_KEY (ACC-7): any 32 random bytes are one, in hex."""
    return secrets.token_bytes(32).hex()


def report(settings: Settings) -> int:
    """Print the answers; 0 when all is well, else 1. The settings themselves have been checked by being read."""
    return asyncio.run(_report(settings))


async def _report(settings: Settings) -> int:
    code = 0
    for title, ask in QUESTIONS.items():
        try:
            async with asyncio.timeout(TIMEOUT_S):
                print(f"✓ {title}: {await ask(settings)}")
        except Unfit as reason:
            code = 1
            print(f"✗ {title}: {reason}")
        except TimeoutError:
            code = 1
            print(f"✗ {title}: no answer within {TIMEOUT_S} s.")
    return code


async def _ask_postgres(settings: Settings) -> str:
    try:
        connection = await asyncpg.connect(settings.database_url)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise Unfit(f"DATABASE_URL leads nowhere: {str(error).rstrip('.')}.") from None
    try:
        version = connection.get_server_version()
        if version.major < POSTGRES_MIN:
            raise Unfit(f"PostgreSQL {version.major} is too old; it takes {POSTGRES_MIN} or newer.")
        if await connection.fetchval("SELECT to_regclass('catalog.event')") is None:
            raise Unfit("the database is empty; run `placeur migrate`.")
        return f"PostgreSQL {version.major}.{version.minor}"
    finally:
        await connection.close()


async def _ask_redis(settings: Settings) -> str:
    client = Redis.from_url(settings.redis_url)
    try:
        version = str((await client.info("server"))["redis_version"])
        policy = str((await client.config_get("maxmemory-policy")).get("maxmemory-policy", "noeviction"))
    except (OSError, RedisError) as error:
        raise Unfit(f"REDIS_URL leads nowhere: {str(error).rstrip('.')}.") from None
    finally:
        await client.aclose()
    if int(version.split(".")[0]) < REDIS_MIN:
        raise Unfit(f"Redis {version} is too old; it takes {REDIS_MIN} or newer.")
    if policy != "noeviction":
        raise Unfit(f"its maxmemory-policy is {policy}, which may evict carts; set it to noeviction.")
    return f"version {version}"


async def _ask_mail(settings: Settings) -> str:
    parts = urlsplit(settings.smtp_url)
    host, port = parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)
    try:
        _, writer = await asyncio.open_connection(host, port)
    except (OSError, socket.gaierror) as error:
        raise Unfit(f"PLACEUR_SMTP_URL leads nowhere ({host}:{port}): {error}; tickets could not be mailed.") from None
    writer.close()
    return f"{host}:{port} answers"


async def _ask_ticket_key(settings: Settings) -> str:
    if not settings.ticket_key:
        raise Unfit("PLACEUR_TICKET_KEY is empty; `placeur check --new-key` makes one. Keep it for good.")
    return "tickets can be signed"


async def _ask_cards(settings: Settings) -> str:
    if not settings.card_api_url:
        return "none (PLACEUR_CARD_API_URL is empty)"
    return f"{urlsplit(settings.card_api_url).hostname}{', test mode' if settings.card_test_mode else ''}"


async def _ask_pages(settings: Settings) -> str:
    if not BUILT.is_dir():
        raise Unfit("the browser code is not built; `placeur web` does it, or `npm ci && npm run build` in frontend/.")
    return "browser code is built"


QUESTIONS: dict[str, Question] = {
    "PostgreSQL": _ask_postgres,
    "Redis": _ask_redis,
    "Mail": _ask_mail,
    "Ticket key": _ask_ticket_key,
    "Card payments": _ask_cards,
    "Pages": _ask_pages,
}
