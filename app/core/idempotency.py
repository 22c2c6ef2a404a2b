"""Idempotency keys on writes (AHEAD-9): the same key and request twice gives the first answer, and does the work once.

The row is written before the work, so a second request that arrives meanwhile is told to wait; a worker that died in
between frees its key after a minute. Refusals are not kept: a seat that was taken may be free on the next try.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request, Response

from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.core.i18n import N_

ABANDONED_AFTER = timedelta(seconds=60)
KEPT = timedelta(days=1)


async def answer_once(
    request: Request[Any, Any, Any], principal: str, work: Callable[[], Awaitable[Any]], *, status: int = 201
) -> Response[Any]:
    """Run `work` and answer with its result; with an Idempotency-Key, at most once for this `principal`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return Response(await work(), status_code=status)
    if not 1 <= len(key) <= 255:
        raise Problem("bad_request", params={"reason": N_("Idempotency-Key must have 1 to 255 characters.")})
    scope = hashlib.sha256(f"{principal} {request.method} {request.url.path}".encode()).hexdigest()
    digest = hashlib.sha256(await request.body()).hexdigest()
    stored = await _claim(scope, key, digest)
    if stored is not None:
        return stored
    try:
        result = await work()
    except BaseException:
        async with connection() as opened:
            await opened.execute("DELETE FROM core.idempotency_key WHERE scope = $1 AND key = $2", scope, key)
        raise
    body = msgspec.json.encode(result)
    async with connection() as opened:
        await opened.execute(
            "UPDATE core.idempotency_key SET status = $3, body = $4 WHERE scope = $1 AND key = $2",
            scope, key, status, body,
        )  # fmt: skip
    return Response(body, status_code=status, media_type="application/json")


async def _claim(scope: str, key: str, digest: str) -> Response[Any] | None:
    """None when the work is ours to do; else the answer to give."""
    at = now()
    async with connection() as opened:
        claimed = await opened.fetchval(
            "INSERT INTO core.idempotency_key (scope, key, request_digest, created_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (scope, key) DO UPDATE SET created_at = $4, request_digest = $3, status = NULL, body = NULL"
            " WHERE core.idempotency_key.created_at < $5"
            " OR (core.idempotency_key.status IS NULL AND core.idempotency_key.created_at < $6) RETURNING id",
            scope, key, digest, at, at - KEPT, at - ABANDONED_AFTER,
        )  # fmt: skip
        if claimed is not None:
            return None
        row = await opened.fetchrow(
            "SELECT request_digest, status, body FROM core.idempotency_key WHERE scope = $1 AND key = $2", scope, key
        )
    if row is None or row["status"] is None:
        raise Problem("in_progress")
    if row["request_digest"] != digest:
        raise Problem("idempotency_conflict")
    return Response(
        row["body"], status_code=row["status"], media_type="application/json", headers={"idempotent-replay": "true"}
    )


async def forget_old_keys() -> int:
    """Drop answers that nobody may ask for any more; how many."""
    async with connection() as opened:
        done: str = await opened.execute("DELETE FROM core.idempotency_key WHERE created_at < $1", now() - KEPT)
    return int(done.rpartition(" ")[2])
