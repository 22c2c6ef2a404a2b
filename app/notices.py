"""Telling one visitor something while they look at a page (LIVE-4): for workflows, jobs and the worker."""

from __future__ import annotations

from app.core.redis import redis
from realtime import notices
from realtime.notices import Notice
from seating.store import cart_ref

__all__ = ["Notice", "notify"]


async def notify(cart: str, notice: Notice) -> str:
    """Tell whoever has this cart, at once where a page of theirs is open, else when the next one opens within the hour;
    the notice's id. It is a hint: what must arrive is mailed as well. Call it after the commit that made it true.
    Raises RedisError."""
    return await notices.send(redis(), cart_ref(cart), notice)
