"""How often something may be tried: fixed windows counted in Redis, shared by all processes."""

from __future__ import annotations

from redis.asyncio import Redis

from app.core.errors import Problem

COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('TTL', KEYS[1])}
"""


async def count_try(redis: Redis, what: str, who: str, *, most: int, window_s: int) -> None:
    """Count one try of `who`. Raises Problem('too_many_requests') beyond `most` in `window_s` seconds."""
    tried, left_s = await redis.eval(COUNT, 1, f"tries:{what}:{who}", window_s)
    if tried > most:
        raise Problem("too_many_requests", params={"seconds": max(1, left_s)})


UNCOUNT = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
"""


async def uncount_try(redis: Redis, what: str, who: str) -> None:
    """One try of `who` was none after all."""
    await redis.eval(UNCOUNT, 1, f"tries:{what}:{who}")


async def forget_tries(redis: Redis, what: str, who: str) -> None:
    await redis.delete(f"tries:{what}:{who}")
