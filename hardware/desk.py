"""The business behind the hub, as it is handed in: what the box office answers when a device speaks.

The hub itself knows no database. Whoever runs it implements `HubDesk` (eight coroutines); a method that raises is
logged, the device gets no answer, and asks again.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from hardware.print_jobs import PrintJob, Standing, Word
from hardware.printers._contract import PrinterStatus

Role = Literal["printer", "gate"]
VerdictCode = Literal[
    "admitted", "already_used", "unknown", "forged", "cancelled", "not_paid", "wrong_event", "not_today"
]


class DeviceIdentity(Struct, frozen=True):
    """A registered device (DEV-1). `public_key`: CURVE key in Z85, 40 characters; `place`: its gate's or counter's
    name."""

    id: int
    name: str
    public_key: str
    roles: tuple[Role, ...]
    place: str = ""


class DeviceStatus(Struct, frozen=True, kw_only=True):
    """How a device is, as it says so itself. `online` is the hub's word: False once it has fallen silent."""

    online: bool = True
    printers: dict[str, PrinterStatus] = {}
    queue: int = 0
    """Print jobs it holds and has not printed."""
    unsynced_scans: int = 0
    battery: int | None = None
    """Per cent."""
    software: str = ""


class ScannedTicket(Struct, frozen=True):
    """What a gate's screen shows of a ticket."""

    number: str
    seat: str = ""
    tariff_name: str = ""
    performance: str = ""
    starts_at: str = ""
    holder: str = ""


class FirstUse(Struct, frozen=True):
    """Where and when a ticket was first admitted (milliseconds since 1970)."""

    gate: str
    at_ms: int


class ScanVerdict(Struct, frozen=True):
    """The answer to a scan. `offline`: found by the gate alone, from signature and cached lists; to be synced."""

    verdict: VerdictCode
    title: str = ""
    detail: str = ""
    ticket: ScannedTicket | None = None
    first: FirstUse | None = None
    offline: bool = False


class GateBrief(Struct, frozen=True, kw_only=True):
    """What a gate must know to go on alone (ACC-7): raw public keys of ticket codes, the performances it admits to now
    (none: any), tickets already used, tickets no longer valid, and the titles of verdicts in the gate's language."""

    keys: tuple[bytes, ...] = ()
    performances: tuple[int, ...] = ()
    used: dict[str, FirstUse] = {}
    void: tuple[str, ...] = ()
    titles: dict[str, str] = {}


class HubDesk(Protocol):
    """What the hub asks of the box office. Times are milliseconds since 1970."""

    async def authorize(self, public_key: str) -> DeviceIdentity | None:
        """Whose key this is; None: unknown or revoked. Asked at every new connection, greeting and heartbeat."""

    async def device_seen(self, device: DeviceIdentity, status: DeviceStatus) -> None:
        """Called at every heartbeat, and once with `online=False` when they stop."""

    async def jobs_waiting(self, device: DeviceIdentity) -> list[PrintJob]:
        """This device's jobs that are queued, sent or unknown, oldest first."""

    async def job_changed(self, device: DeviceIdentity, job_id: int, word: Word) -> Standing:
        """Lock the job, check that it is this device's, `print_jobs.advance` it by the word, store and journal it.
        Returns where it stands now; lets `IllegalMove` through; LookupError for a job that is not this device's."""

    async def links_lost(self, device: DeviceIdentity | None) -> None:
        """Apply `LinkLost` to every sent job of this device; with None (at the hub's start) to all of the venue."""

    async def admit(self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str) -> ScanVerdict:
        """Judge and record a scan. The same scan id again returns the first verdict: a reply may have been lost, and
        a retry must not turn green into "already used"."""

    async def conflict_found(
        self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str, verdict: ScanVerdict
    ) -> None:
        """A gate had admitted alone what `admit` now judges like this (ACC-2). May be called again for one scan."""

    async def gate_brief(self, device: DeviceIdentity) -> GateBrief:
        """What this gate must know to go on alone."""
