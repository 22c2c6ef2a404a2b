"""Each test has a database of its own; what this process remembers of the one before must not answer for it."""

from __future__ import annotations

import pytest

from app.audience import lists
from app.sales import waitlist


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_kept", {})
    monkeypatch.setattr(waitlist, "_left", {})
