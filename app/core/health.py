"""Is the process alive, can it serve, and how much does it do."""

from typing import Any

from litestar import Response, Router, get
from litestar.plugins.prometheus import PrometheusController
from redis.exceptions import RedisError

from app.core.db import connection
from app.core.redis import redis


@get("/health/live", sync_to_thread=False, include_in_schema=False)
def live() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "live"}


@get("/health/ready", include_in_schema=False)
async def ready() -> Response[dict[str, Any]]:
    """Both engines answer: send buyers here."""
    engines = {"postgresql": await _answers_postgresql(), "redis": await _answers_redis()}
    ok = all(engines.values())
    return Response({"status": "ready" if ok else "waiting", "engines": engines}, status_code=200 if ok else 503)


async def _answers_postgresql() -> bool:
    try:
        async with connection() as reader:
            return bool(await reader.fetchval("SELECT 1", timeout=2) == 1)
    except Exception:  # noqa: BLE001 - whatever the reason, the answer is no
        return False


async def _answers_redis() -> bool:
    try:
        return bool(await redis().ping())
    except (RedisError, OSError):
        return False


class Metrics(PrometheusController):
    """Prometheus' text format."""

    path = "/metrics"
    include_in_schema = False


router = Router(path="/", route_handlers=[live, ready, Metrics])
