"""Telling one visitor something while they look at a page (LIVE-4): for workflows, jobs and the worker."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from app.core.redis import redis
from realtime import notices
from realtime.notices import Notice
from seating.store import cart_ref

__all__ = ["Notice", "notify", "stir"]
log = structlog.get_logger()


async def notify(ref: str, notice: Notice) -> str:
    """Tell whoever has the cart of this public name, at once where a page of theirs is open, else when the next one
    opens within the hour; the notice's id. It is a hint: what must arrive is mailed as well. Call it after the commit
    that made it true. Raises RedisError."""
    return await notices.send(redis(), ref, notice)


async def stir(cart: str, performance: int = 0) -> None:
    """Have this cart's open pages look at it, after a change that no map shows them: of a place without a number, of a
    tariff, of its keys. A map of `performance` is told by its seats. What is lost here shows at the next look."""
    try:
        await notices.stir(redis(), cart_ref(cart), performance)
    except (RedisError, OSError) as error:
        log.info("cart_not_stirred", error=repr(error))
