"""The vocabulary: what comes from the source of changes, and every frame of the wire, one function a frame.

Frames are JSON objects in websocket text frames, `t` names the kind; docs/feed.md is written from this file. A frame
that many connections get is built once, as a `Message` that keeps both its text and its ready-made websocket frame.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

PROTOCOL_VERSION = 1

# States as the store knows them, one byte a seat.
FREE, HELD, PENDING, SOLD, BLOCKED, USED, ALLOTTED, LINKED = range(8)
STATES = (FREE, HELD, PENDING, SOLD, BLOCKED, USED, ALLOTTED, LINKED)

# Close codes of our own (4000–4999 is the application's range, RFC 6455 §7.4.2) beside the registered ones we use.
CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL = 1011
CLOSE_RESTART = 1012
CLOSE_TRY_LATER = 1013
CLOSE_MALFORMED = 4400
CLOSE_SIGNED_OUT = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_UNKNOWN = 4404
CLOSE_HELLO_TIMEOUT = 4408
CLOSE_TOO_BIG = 4413
CLOSE_SLOW = 4420
CLOSE_TOO_MANY = 4429

Quota = tuple[int, int]
"""(used, limit); limit -1: none."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a seat. `ref` names the cart without being it; it never leaves the server."""

    kind: str
    label: str
    ref: str = ""
    expires_at_ms: int = 0


class SeatChange(msgspec.Struct, frozen=True, array_like=True):
    """What a seat is from now on (absolute). The last four are empty when nobody holds it."""

    ordinal: int
    state: int
    kind: str = ""
    label: str = ""
    ref: str = ""
    expires_at_ms: int = 0

    def holder(self) -> Holder | None:
        return Holder(self.kind, self.label, self.ref, self.expires_at_ms) if self.kind else None


class Change(msgspec.Struct, frozen=True):
    """One step of a performance's log: version is that of the step before plus one."""

    epoch: str = msgspec.field(name="e")
    version: int = msgspec.field(name="v")
    seats: tuple[SeatChange, ...] = msgspec.field(name="s", default=())
    quotas: dict[str, Quota] = msgspec.field(name="q", default_factory=dict)


class Picture(msgspec.Struct, frozen=True):
    """A performance at one version, as the source knows it. `public_quotas`: the counters that buyers may see."""

    epoch: str
    version: int
    states: bytes
    holders: dict[int, Holder]
    quotas: dict[str, Quota]
    server_ms: int
    public_quotas: frozenset[str] = frozenset()


_change_decoder = msgspec.json.Decoder(Change)
_encode = msgspec.json.Encoder().encode


def decode_change(raw: bytes) -> Change:
    """A change as the store publishes and logs it. Raises ValueError (msgspec's errors are)."""
    return _change_decoder.decode(raw)


class Message:
    """One frame for any number of connections: `payload` is the JSON, `frame` the same as an unmasked text frame."""

    __slots__ = ("_frame", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            self._frame = text_frame(self.payload)
        return self._frame

    @property
    def text(self) -> str:
        return self.payload.decode()


def text_frame(payload: bytes) -> bytes:
    """RFC 6455 §5.2: FIN, opcode 1, no mask (a server never masks), no extension bits."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def pack(codes: bytes, bits: int) -> str:
    """Codes of `bits` bits each (1, 2 or 4), first seat in the highest bits of the first byte, in base64.

    A power-of-two base makes `int()` linear, which packs 60,000 seats in well under a millisecond without numpy.
    """
    if not codes:
        return ""
    digits = codes.translate(_DIGITS)
    padding = -len(codes) * bits % 8
    packed = int(digits, 1 << bits) << padding
    return base64.b64encode(packed.to_bytes((len(codes) * bits + padding) // 8, "big")).decode()


def unpack(text: str, bits: int, n: int) -> bytes:
    """The codes back, one byte a seat. Raises ValueError where the text is not what `pack` makes of n seats."""
    packed = base64.b64decode(text, validate=True)
    if bits not in _UNPACKED or len(packed) != (n * bits + 7) // 8:
        raise ValueError("the packed states do not fit the number of seats")
    table = _UNPACKED[bits]
    return b"".join([table[byte] for byte in packed])[:n]


_DIGITS = bytes(b"0123456789abcdef"[code] if code < 16 else 0 for code in range(256))
_UNPACKED = {
    bits: [bytes((byte >> shift) & ((1 << bits) - 1) for shift in range(8 - bits, -1, -bits)) for byte in range(256)]
    for bits in (1, 2, 4)
}


def snapshot_tail(
    epoch: str,
    version: int,
    codes: bytes,
    bits: int,
    quotas: dict[str, Quota],
    holders: Iterable[Sequence[Any]] | None,
) -> bytes:
    """Everything of a snapshot but the clock: shared by all who join at this version (see `snapshot`)."""
    body: dict[str, Any] = {
        "epoch": epoch,
        "version": version,
        "n": len(codes),
        "bits": bits,
        "states": pack(codes, bits),
        "quotas": quotas,
    }
    if holders is not None:
        body["holders"] = list(holders)
    return _encode(body)[1:]


def snapshot(tail: bytes, server_ms: int) -> Message:
    """The whole picture. Its clock is fresh although the rest is cached: countdowns are set by it."""
    return Message(b'{"t":"snapshot","server_ms":%d,%b' % (server_ms, tail))


def delta(epoch: str, since: int, version: int, seats: Sequence[Sequence[Any]], quotas: dict[str, Quota]) -> Message:
    """What changed after `since` up to and with `version`, absolute: [ordinal, code] or
    [ordinal, code, kind, label, expires_at_ms]."""
    return Message(
        _encode({"t": "delta", "epoch": epoch, "from": since, "version": version, "seats": seats, "quotas": quotas})
    )


def beat(epoch: str, version: int, server_ms: int) -> Message:
    """The feed is alive and this is the last version you should have."""
    return Message(_encode({"t": "beat", "epoch": epoch, "version": version, "server_ms": server_ms}))


def resnapshot(reason: str) -> Message:
    """What you have may be out of date; say so to your user, until a beat or a snapshot says it is not."""
    return Message(_encode({"t": "resnapshot", "reason": reason}))


def seat_view(version: str) -> Message:
    """Retained: which photos show the views from the seats now; "" when there are none (SEA-4, LIVE-5)."""
    return Message(_encode({"t": "seat_view", "version": version}))


def mine(cart: dict[str, Any] | None) -> Message:
    """Private: the cart of this connection's own visitor, None when there is none. Never sent to two connections."""
    return Message(_encode({"t": "mine", "cart": cart}))


def kept(ordinals: Sequence[int]) -> Message:
    """Private: the seats kept for this visitor that can be had now."""
    return Message(_encode({"t": "kept", "seats": ordinals}))


def waitlist(entries: Sequence[dict[str, Any]]) -> bytes:
    """Private: where a visitor stands on the waitlists, all of it. Bytes, since it also comes over the bus."""
    return _encode({"t": "waitlist", "entries": entries})


def figures(body: dict[str, Any]) -> Message:
    """Private to whoever may see them: a manager's figures."""
    return Message(_encode({**body, "t": "figures"}))


def error(code: str, message: str) -> Message:
    """Why the connection is about to be closed; `code` is stable, `message` is English for a developer."""
    return Message(_encode({"t": "error", "code": code, "message": message}))
