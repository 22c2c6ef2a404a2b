"""Frames on the wire: those of a client, right or wrong, and a strict reading of the server's (RFC 6455 §5)."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = b"\x37\xfa\x21\x3d"
"""One key for all frames: unmasking is the server's to get right, and no cache between us needs to be confused."""


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """One frame of a client. `rsv` is the three reserved bits as a number, RSV1 the highest."""
    first = bytes([fin << 7 | rsv << 4 | opcode])
    length, mask_bit = len(payload), masked << 7
    if length < 126:
        head = bytes([mask_bit | length])
    elif length < 1 << 16:
        head = bytes([mask_bit | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([mask_bit | 127]) + length.to_bytes(8, "big")
    return first + head + (KEY + mask(payload) if masked else payload)


def mask(payload: bytes) -> bytes:
    """`payload` under KEY; as two big numbers, since a loop over 16 MiB would be the slowest part of the suite."""
    length = len(payload)
    stream = (KEY * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(length, "big")


def close_frame(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


@dataclass(frozen=True, slots=True)
class Event:
    """What a server said: a whole message ("text", "binary"), "ping", "pong" or "close"."""

    kind: str
    payload: bytes = b""

    def __str__(self) -> str:
        shown = self.payload if len(self.payload) <= 40 else self.payload[:37] + b"..."
        return f"{self.kind} {shown!r} ({len(self.payload)} bytes)"


@dataclass(frozen=True, slots=True, eq=False)
class LargeMessage:
    """Equals the event of a message of `length` bytes of `pattern`, without holding megabytes before it is needed."""

    kind: str
    pattern: bytes
    length: int

    @property
    def payload(self) -> bytes:
        return (self.pattern * (self.length // len(self.pattern) + 1))[: self.length]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and (other.kind, other.payload) == (self.kind, self.payload)

    def __hash__(self) -> int:
        return hash((self.kind, self.pattern, self.length))

    def __str__(self) -> str:
        return f"{self.kind} of {self.length} bytes"


class ServerFault(Exception):
    """The server's own bytes are no websocket stream. The message says why."""


class ServerStream:
    """Reads what a server sends and finds fault with everything that RFC 6455 forbids it."""

    def __init__(self) -> None:
        self.frames = 0
        self._buffer = bytearray()
        self._message: tuple[str, bytearray] | None = None
        self._closed = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises ServerFault."""
        self._buffer += data
        events = []
        while (one := self._next_frame()) is not None:
            event = self._event(*one)
            if event is not None:
                events.append(event)
        return events

    def end(self) -> None:
        """The server's side of the connection has ended. Raises ServerFault if that was within a frame."""
        if self._buffer:
            raise ServerFault(f"the stream ends within a frame, {len(self._buffer)} bytes of it came")

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        have = self._buffer
        if len(have) < 2:
            return None
        fin, rsv, opcode = bool(have[0] & 0x80), have[0] >> 4 & 7, have[0] & 15
        _check_head(fin, rsv, opcode, have[1])
        if self._closed and opcode != PONG:  # pings are answered until a close frame is *received* (§5.5.2)
            raise ServerFault(f"a frame of opcode {opcode} after the close frame")
        start, length = 2, have[1]
        if length > 125:
            start = 4 if length == 126 else 10
            if len(have) < start:
                return None
            least = 126 if length == 126 else 1 << 16
            length = int.from_bytes(have[2:start], "big")
            if length < least:
                raise ServerFault(f"a length of {length} that is not in its shortest form")
        if len(have) < start + length:
            return None
        payload = bytes(have[start : start + length])
        del have[: start + length]
        self.frames += 1
        return fin, opcode, payload

    def _event(self, fin: bool, opcode: int, payload: bytes) -> Event | None:
        if opcode >= CLOSE:
            self._closed |= opcode == CLOSE
            if opcode == CLOSE:
                _check_close(payload)
            return Event({CLOSE: "close", PING: "ping", PONG: "pong"}[opcode], payload)
        if (opcode == CONT) != (self._message is not None):
            raise ServerFault("a fragment out of turn")
        kind, message = self._message or ({TEXT: "text", BINARY: "binary"}[opcode], bytearray())
        message += payload
        self._message = None if fin else (kind, message)
        if not fin:
            return None
        if kind == "text":
            _check_text(bytes(message))
        return Event(kind, bytes(message))


def _check_head(fin: bool, rsv: int, opcode: int, second: int) -> None:
    if opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG):
        raise ServerFault(f"a frame of reserved opcode {opcode}")
    if rsv:
        raise ServerFault(f"reserved bits {rsv:03b}")
    if second & 0x80:
        raise ServerFault("a server's frame must not be masked")
    if opcode >= CLOSE and (not fin or second > 125):
        raise ServerFault("a control frame that is fragmented or longer than 125 bytes")


def _check_close(payload: bytes) -> None:
    if len(payload) == 1:
        raise ServerFault("a close frame with half a code")
    _check_text(payload[2:])


def _check_text(payload: bytes) -> None:
    try:
        codecs.decode(payload, "utf-8", "strict")
    except UnicodeDecodeError as problem:
        raise ServerFault(f"text that is not UTF-8: {problem}") from problem
