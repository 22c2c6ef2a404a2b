"""Each test has a database of its own; what this process remembers of the one before must not answer for it."""

from __future__ import annotations

import pytest

from app.audience import lists, telling
from app.sales import waitlist
from realtime.shared import Shared


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_kept", {})
    monkeypatch.setattr(waitlist, "_left", {})
    monkeypatch.setattr(telling, "_waiting", Shared(telling._read_waiting, telling.WAITING_KEPT_S))
