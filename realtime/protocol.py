"""The server's side of one connection, without IO: what a client may say, and what follows from it.

A client says little: `hello` first (with or without the place it stopped at), `hello` again when it found a gap, and
`ping`. Everything else is refused with one `error` frame and a close code; a client that talks too much is, too.
"""

from __future__ import annotations

import msgspec

from realtime.messages import (
    CLOSE_HELLO_TIMEOUT,
    CLOSE_MALFORMED,
    CLOSE_TOO_BIG,
    CLOSE_TOO_MANY,
    PROTOCOL_VERSION,
)


class Limits(msgspec.Struct, frozen=True):
    """What one connection may do. docs/feed.md states them; app settings may change them."""

    frame_bytes_max: int = 4096
    frames_burst: int = 20
    frames_per_s: float = 1.0
    hello_timeout_s: float = 10.0


class Resume(msgspec.Struct, frozen=True):
    """Where a client stopped."""

    epoch: str
    version: int


class Join(msgspec.Struct, frozen=True):
    """Send the picture, or what `resume` lacks."""

    resume: Resume | None


class Pong(msgspec.Struct, frozen=True):
    """Answer with a beat."""


class Refuse(msgspec.Struct, frozen=True):
    """Send an `error` frame with `code` and `message`, then close with `close`."""

    code: str
    message: str
    close: int


class _Hello(msgspec.Struct, tag_field="t", tag="hello"):
    v: int
    epoch: str | None = None
    version: int | None = None


class _Ping(msgspec.Struct, tag_field="t", tag="ping"):
    pass


_decoder = msgspec.json.Decoder(_Hello | _Ping)
_EPOCH_MAX = 64
_VERSION_MAX = 2**53 - 1  # what a JavaScript number holds exactly


class Viewer:
    """The state of one connection: has it said hello, and how much may it still say."""

    __slots__ = ("_allowance", "_at_s", "_limits", "_opened_s", "greeted")

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._allowance = float(limits.frames_burst)
        self._at_s = self._opened_s = now_s
        self.greeted = False

    def receive(self, data: str | bytes, now_s: float) -> Join | Pong | Refuse:
        """`data` as it came: str from a text frame, bytes from a binary one."""
        if not self._may_speak(now_s):
            return Refuse("too_many_frames", "This connection sends more frames than a client needs.", CLOSE_TOO_MANY)
        if isinstance(data, bytes):
            return Refuse("malformed", "Frames are JSON in text frames, this one is binary.", CLOSE_MALFORMED)
        if len(data) > self._limits.frame_bytes_max:
            limit = self._limits.frame_bytes_max
            return Refuse("too_big", f"A frame may have {limit} bytes, this one has {len(data)}.", CLOSE_TOO_BIG)
        try:
            said = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError) as problem:
            return Refuse("malformed", f"Not a frame of this protocol: {problem}", CLOSE_MALFORMED)
        if isinstance(said, _Hello):
            return self._greet(said)
        if not self.greeted:
            return Refuse("hello_first", "The first frame must be hello.", CLOSE_MALFORMED)
        return Pong()

    def overdue(self, now_s: float) -> Refuse | None:
        """A connection that says nothing costs memory; one that never said hello is refused after a while."""
        if self.greeted or now_s - self._opened_s < self._limits.hello_timeout_s:
            return None
        return Refuse("hello_timeout", "No hello came.", CLOSE_HELLO_TIMEOUT)

    def _greet(self, hello: _Hello) -> Join | Refuse:
        if hello.v != PROTOCOL_VERSION:
            return Refuse(
                "unsupported_version", f"This server speaks version {PROTOCOL_VERSION} of the feed.", CLOSE_MALFORMED
            )
        if (hello.epoch is None) != (hello.version is None):
            return Refuse("malformed", "To resume, give both epoch and version.", CLOSE_MALFORMED)
        if hello.epoch is None or hello.version is None:
            self.greeted = True
            return Join(None)
        if len(hello.epoch) > _EPOCH_MAX or not 0 <= hello.version <= _VERSION_MAX:
            return Refuse("malformed", "No feed ever had this epoch or version.", CLOSE_MALFORMED)
        self.greeted = True
        return Join(Resume(hello.epoch, hello.version))

    def _may_speak(self, now_s: float) -> bool:
        self._allowance = min(
            float(self._limits.frames_burst),
            self._allowance + (now_s - self._at_s) * self._limits.frames_per_s,
        )
        self._at_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
