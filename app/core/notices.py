"""Telling one visitor something while they look at a page (LIVE-4): for workflows, jobs and the worker."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from app.core.ids import digest_of
from app.core.redis import redis
from realtime import notices
from realtime.notices import Notice

__all__ = ["Notice", "notify", "stir", "visitor_of"]
log = structlog.get_logger()


def visitor_of(cart: str) -> str:
    """The name of whoever has this cart, for their ears alone: 40 hexadecimal digits. A cart's public name (`cart_ref`)
    is short enough for somebody to find another cart that shares it, who would then hear what is said."""
    return digest_of(f"visitor {cart}")[:40]


async def notify(visitor: str, notice: Notice) -> str:
    """Tell one visitor something, at once where a page of theirs is open, else when the next one opens within the
    hour; the notice's id. It is a hint: what must arrive is mailed as well. Call it after the commit that made it true.
    Raises RedisError."""
    return await notices.send(redis(), visitor, notice)


async def stir(cart: str, performance: int = 0) -> None:
    """Have this cart's open pages look at it, after a change that no map shows them: of a place without a number, of a
    tariff, of its keys. A map of `performance` is told by its seats. What is lost here shows at the next look."""
    try:
        await notices.stir(redis(), visitor_of(cart), performance)
    except (RedisError, OSError) as error:
        log.info("cart_not_stirred", error=repr(error))
