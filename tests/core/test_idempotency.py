"""Keys whose worker died, and keys that are old (AHEAD-9). Over HTTP: tests/sales/test_api.py."""

from __future__ import annotations

import pytest

from app.core import idempotency
from app.core.db import connection
from app.core.errors import Problem


async def age(seconds: float) -> None:
    async with connection() as ledger:
        await ledger.execute(
            "UPDATE core.idempotency_key SET created_at = created_at - make_interval(secs => $1)", float(seconds)
        )


async def test_a_key_whose_worker_died_is_free_after_a_minute(ledger: str) -> None:
    assert await idempotency._claim("scope", "key", "digest") is None
    with pytest.raises(Problem) as busy:
        await idempotency._claim("scope", "key", "digest")
    assert busy.value.code == "in_progress"
    await age(idempotency.ABANDONED_AFTER.total_seconds() + 1)
    assert await idempotency._claim("scope", "key", "digest") is None


async def test_an_answer_is_kept_a_day_and_then_forgotten(ledger: str) -> None:
    assert await idempotency._claim("scope", "key", "digest") is None
    async with connection() as opened:
        await opened.execute("UPDATE core.idempotency_key SET status = 201, body = 'x'")
    await age(idempotency.ABANDONED_AFTER.total_seconds() + 1)
    kept = await idempotency._claim("scope", "key", "digest")
    assert kept is not None
    assert (kept.status_code, kept.content) == (201, b"x")
    with pytest.raises(Problem) as other:
        await idempotency._claim("scope", "key", "another digest")
    assert other.value.code == "idempotency_conflict"
    assert await idempotency._claim("another scope", "key", "another digest") is None
    await age(idempotency.KEPT.total_seconds())
    assert await idempotency._claim("scope", "key", "another digest") is None


async def test_yesterday_s_answers_are_forgotten_and_today_s_are_kept(ledger: str) -> None:
    async with connection() as opened:
        await opened.execute(
            "INSERT INTO core.idempotency_key (scope, key, request_digest, created_at) VALUES"
            " ('s', 'old', '', now() - interval '25 hours'), ('s', 'new', '', now())"
        )
        assert await idempotency.forget_old_keys() == 1
        assert await opened.fetchval("SELECT key FROM core.idempotency_key") == "new"
