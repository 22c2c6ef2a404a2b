"""The one clock of the application. Rules take `now` as an argument; only workflows and pages read it here."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)
