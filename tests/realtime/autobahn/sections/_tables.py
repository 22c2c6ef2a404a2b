"""Short words for tables of frames."""

from __future__ import annotations

from tests.realtime.autobahn.case import Send
from tests.realtime.autobahn.frames import BINARY, CONT, PING, PONG, TEXT, Event, frame

HELLO = b"Hello, world!"
ODD_BYTES = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"


def text(payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    return frame(TEXT, payload, fin=fin, rsv=rsv)


def binary(payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    return frame(BINARY, payload, fin=fin, rsv=rsv)


def more(payload: bytes, *, fin: bool = False) -> bytes:
    """A continuation."""
    return frame(CONT, payload, fin=fin)


def last(payload: bytes) -> bytes:
    """The final continuation."""
    return more(payload, fin=True)


def ping(payload: bytes = b"", *, rsv: int = 0) -> bytes:
    return frame(PING, payload, rsv=rsv)


def pong(payload: bytes = b"") -> bytes:
    return frame(PONG, payload)


def at_once(*frames: bytes) -> tuple[Send, ...]:
    return (Send(b"".join(frames)),)


def one_by_one(*frames: bytes) -> tuple[Send, ...]:
    return tuple(Send(each) for each in frames)


def in_chops(size: int, *frames: bytes) -> tuple[Send, ...]:
    return (Send(b"".join(frames), chop=size),)


def echo(payload: bytes) -> Event:
    return Event("text", payload)


def echo_binary(payload: bytes) -> Event:
    return Event("binary", payload)


def answer(payload: bytes = b"") -> Event:
    """The pong for a ping."""
    return Event("pong", payload)
