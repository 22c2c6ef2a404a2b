"""The one clock of the application. Rules take `now` as an argument; only workflows and pages read it here."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)


def local(moment: datetime, zone: str) -> str:
    """ISO 8601 with the event's own offset: times show in its zone everywhere (CAT-7)."""
    return moment.astimezone(ZoneInfo(zone)).isoformat()
