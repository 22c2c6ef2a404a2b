"""The example of docs/seating.md works as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

DOCUMENT = Path(__file__).parents[2] / "docs" / "seating.md"


async def test_the_example_of_the_document_runs(
    redis: Redis, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)  # noqa: S102 - our own document is what is under test
    await names["main"](redis_url)
    assert "4 of 1200 are gone" in capsys.readouterr().out
