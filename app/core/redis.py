"""The process's one Redis client."""

from __future__ import annotations

import functools

from redis.asyncio import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from app.settings import get_settings


@functools.cache
def redis() -> Redis:
    """Connects on first use; reconnects by itself. Only connection errors that happen before a reply are retried by
    the callers that know their step to be idempotent, never here."""
    return Redis.from_url(
        get_settings().redis_url,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 2, supported_errors=(RedisConnectionError,)),
        health_check_interval=15,
    )


async def close_redis() -> None:
    if redis.cache_info().currsize:
        await redis().aclose()
        redis.cache_clear()
