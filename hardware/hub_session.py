"""What the hub remembers of a connected device, until it falls silent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hardware.desk import DeviceIdentity


@dataclass(eq=False)
class Session:
    """`route` is where its last message came from: a reconnected device has a new one."""

    device: DeviceIdentity
    id: str
    spool: str
    route: bytes
    seen_at: float
    scans: int = 0
    """Being judged now."""
    unacknowledged: dict[tuple[int, int], float] = field(default_factory=dict)
    """(job, attempt) → when it was sent; until the agent says that it holds it."""
    reconciled: bool = False
    """Its spool has been told which jobs are still wanted; nothing is sent before."""
    jobs_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
