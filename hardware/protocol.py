"""The words devices and hub say to each other (LIVE-9), and how they are written on the wire.

A message is two frames, `MAGIC` and one MessagePack map with its kind under `t`. The magic carries the version of the
protocol: a device of another version gets a `Refused` it can read (that struct never changes) instead of nonsense.
On the event stream the frames are `MAGIC` and `Streamed`.

Nothing here relies on delivery. Every command can be lost or come twice: reports are repeated until `Settled`, scans
until `Verdict`, prints are asked after, events have numbers.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from hardware.desk import DeviceStatus, FirstUse, GateBrief, ScanVerdict, VerdictCode
from hardware.print_jobs import JobState, Outcome
from hardware.printers._contract import PrintableTicket

T = TypeVar("T")

PROTOCOL: Final = 1
MAGIC: Final = b"placeur/%d" % PROTOCOL
MAX_MESSAGE_BYTES: Final = 64 * 1024
"""The most a hub takes from a device; ZeroMQ hangs up on more."""


class NotOurs(Exception):
    """Frames that are no message. `reason` is what to answer: `protocol` (another version) or `malformed`."""

    def __init__(self, reason: Literal["protocol", "malformed"]) -> None:
        super().__init__(reason)
        self.reason: Literal["protocol", "malformed"] = reason


# ── device to hub ────────────────────────────────────────────────────────────────────────────────────────────────────


class Hello(Struct, frozen=True, tag="hello", tag_field="t"):
    """Opens a session, which the device names. `spool`: id of its print spool, empty for a device that has none."""

    session: str
    spool: str = ""
    software: str = ""


class Beat(Struct, frozen=True, tag="beat", tag_field="t"):
    """Heartbeat. `number` comes back in `BeatTaken`, so that the device can date its lease by the sending."""

    session: str
    number: int
    status: DeviceStatus


class JobReport(Struct, frozen=True, tag="job", tag_field="t"):
    """What became of one attempt at a print job; repeated until `Settled` unless the outcome is `held`."""

    job_id: int
    attempt: int
    outcome: Outcome
    detail: str = ""


class Scan(Struct, frozen=True, tag="scan", tag_field="t"):
    """A code read at the gate; repeated under the same id until `Verdict`. `admitted_alone`: the gate let the holder
    in without the hub, and now reports it."""

    scan_id: str
    code: str
    scanned_at_ms: int
    admitted_alone: bool = False


class CatchUp(Struct, frozen=True, tag="catch_up", tag_field="t"):
    """The device holds the events of `epoch` up to `after` and misses something (or everything: empty epoch)."""

    epoch: str = ""
    after: int = 0


FromDevice = Hello | Beat | JobReport | Scan | CatchUp


# ── hub to device ────────────────────────────────────────────────────────────────────────────────────────────────────


class Welcome(Struct, frozen=True, tag="welcome", tag_field="t"):
    """The session is open. The device beats every `beat_ms`; it starts printing nothing later than `lease_ms` after
    the sending of the last beat that was taken, since the hub may then be giving its jobs up."""

    session: str
    name: str
    beat_ms: int
    lease_ms: int


class BeatTaken(Struct, frozen=True, tag="beat_taken", tag_field="t"):
    session: str
    number: int


class Refused(Struct, frozen=True, tag="refused", tag_field="t"):
    """`hello_first`: the hub does not know this session (it restarted, or gave it up); the others need a person."""

    reason: Literal["hello_first", "revoked", "protocol", "malformed"]
    protocol: int = PROTOCOL


class Print(Struct, frozen=True, tag="print", tag_field="t"):
    """Print this once. The same job and attempt again is answered from the spool, not printed again."""

    job_id: int
    attempt: int
    printer: str
    ticket: PrintableTicket


class Asked(Struct, frozen=True):
    job_id: int
    attempt: int


class Ask(Struct, frozen=True, tag="ask", tag_field="t"):
    """Where are these? They are still wanted. `all_wanted`: what is held and not listed here is wanted no more (said
    once per session, before its first `Print`)."""

    jobs: tuple[Asked, ...]
    all_wanted: bool = False


class Settled(Struct, frozen=True, tag="settled", tag_field="t"):
    """The box office has stored the report; it need not be repeated."""

    job_id: int
    attempt: int


class Verdict(Struct, frozen=True, tag="verdict", tag_field="t"):
    scan_id: str
    verdict: ScanVerdict


class Unavailable(Struct, frozen=True, tag="unavailable", tag_field="t"):
    """The box office cannot judge this scan now; the gate is on its own."""

    scan_id: str


class Missed(Struct, frozen=True, tag="missed", tag_field="t"):
    """The whole gap, never part of it; empty when nothing was missed."""

    events: tuple[Streamed, ...]


class Snapshot(Struct, frozen=True, tag="snapshot", tag_field="t"):
    """Where the gap is too long or of another epoch: all there is to know, as of event `seq` of `epoch`."""

    epoch: str
    seq: int
    brief: GateBrief


ToDevice = Welcome | BeatTaken | Refused | Print | Ask | Settled | Verdict | Unavailable | Missed | Snapshot


# ── the event stream; every event states a fact and may be applied twice ─────────────────────────────────────────────


class TicketUsed(Struct, frozen=True, tag="ticket_used", tag_field="t"):
    ticket: str
    first: FirstUse


class TicketVoid(Struct, frozen=True, tag="ticket_void", tag_field="t"):
    """Cancelled, exchanged or transferred: this number admits nobody any more."""

    ticket: str


class TicketFree(Struct, frozen=True, tag="ticket_free", tag_field="t"):
    """Valid and unused again (a scan undone, ACC-3)."""

    ticket: str


class ScanRefused(Struct, frozen=True, tag="scan_refused", tag_field="t"):
    gate: str
    verdict: VerdictCode
    ticket: str = ""


class ScanConflict(Struct, frozen=True, tag="scan_conflict", tag_field="t"):
    """A gate that was alone admitted a ticket that must not have been."""

    gate: str
    at_ms: int
    verdict: VerdictCode
    ticket: str = ""


class JobMoved(Struct, frozen=True, tag="job_moved", tag_field="t"):
    job_id: int
    state: JobState
    detail: str = ""


class DeviceMoved(Struct, frozen=True, tag="device_moved", tag_field="t"):
    name: str
    online: bool


class BriefChanged(Struct, frozen=True, tag="brief_changed", tag_field="t"):
    """Keys or performances changed: gates ask for a new snapshot."""


Event = (
    TicketUsed | TicketVoid | TicketFree | ScanRefused | ScanConflict | JobMoved | DeviceMoved | BriefChanged
)  # fmt: skip


class Streamed(Struct, frozen=True):
    """One event with its number; without an event, the number of the last one (so that a lost tail is noticed)."""

    epoch: str
    seq: int
    event: Event | None = None


_encoder = msgspec.msgpack.Encoder()
_from_device: msgspec.msgpack.Decoder[FromDevice] = msgspec.msgpack.Decoder(FromDevice)
_to_device: msgspec.msgpack.Decoder[ToDevice] = msgspec.msgpack.Decoder(ToDevice)
_streamed = msgspec.msgpack.Decoder(Streamed)


def frames(message: FromDevice | ToDevice | Streamed) -> list[bytes]:
    return [MAGIC, _encoder.encode(message)]


def read_from_device(received: list[bytes]) -> FromDevice:
    """Raises `NotOurs`."""
    return _read(received, _from_device)


def read_to_device(received: list[bytes]) -> ToDevice:
    """Raises `NotOurs`. A `Refused` is read whatever version sent it."""
    if len(received) == 2 and received[0] != MAGIC:
        try:
            message = _to_device.decode(received[1])
        except msgspec.DecodeError:
            raise NotOurs("protocol") from None
        if isinstance(message, Refused):
            return message
    return _read(received, _to_device)


def read_streamed(received: list[bytes]) -> Streamed:
    """Raises `NotOurs`."""
    return _read(received, _streamed)


def _read(received: list[bytes], decoder: msgspec.msgpack.Decoder[T]) -> T:
    if len(received) != 2:
        raise NotOurs("malformed")
    magic, body = received
    if magic != MAGIC:
        raise NotOurs("protocol" if magic.startswith(b"placeur/") else "malformed")
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise NotOurs("malformed") from None
