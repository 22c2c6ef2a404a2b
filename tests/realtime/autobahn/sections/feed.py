"""The feed itself. Most of the suite's cases hold for it as they are (`applies`); `CASES` are the rest, in its terms:
its hello in fragments, and its limits. Their numbers are ours.
"""

from __future__ import annotations

import json

from tests.realtime.autobahn.case import PROTOCOL_ERROR, TOO_BIG, Case, Ending, Send
from tests.realtime.autobahn.frames import KEY, TEXT, Event, frame
from tests.realtime.autobahn.sections._tables import (
    answer,
    at_once,
    binary,
    in_chops,
    last,
    more,
    one_by_one,
    ping,
    text,
)

TITLE = "The feed"

HELLO = b'{"t":"hello","v":1}'
SNAPSHOT = Event("snapshot")
SERVER_BYTES_MAX = 16_384
"""What the web server takes at all: four times what the feed allows (docs/feed.md)."""


def feed_event(event: Event) -> Event | None:
    """The feed speaks by itself (beats, deltas, the cart); only snapshots and errors are answers."""
    if event.kind != "text":
        return event
    said = json.loads(event.payload)
    if said["t"] == "error":
        return _error(said["code"])
    return SNAPSHOT if said["t"] == "snapshot" else None


def _error(code: str) -> Event:
    return Event("error", code.encode())


def applies(case: Case) -> bool:
    """Whether a case of the suite means the same to the feed: it must expect no echo, and say no whole message before
    its point, which the feed would refuse as none of its own."""
    outcomes = (*case.ok, *(case.non_strict or ()))
    return not case.informational and all(event.kind in ("pong", "silence") for event in outcomes)


_PARTS = text(HELLO[:7], fin=False), last(HELLO[7:])
_ANNOUNCED = b"\x81\xff" + (1 << 62).to_bytes(8, "big") + KEY
_HALF = b"x" * (SERVER_BYTES_MAX // 2)


def _refused(close: int) -> Ending:
    return Ending("server", (close,))


CASES = (
    Case("F.1", "hello in 2 fragments, at once", at_once(*_PARTS), ok=(SNAPSHOT,)),
    Case("F.2", "hello in 2 fragments, frame by frame", one_by_one(*_PARTS), ok=(SNAPSHOT,)),
    Case("F.3", "hello in 2 fragments, byte by byte", in_chops(1, *_PARTS), ok=(SNAPSHOT,)),
    Case(
        "F.4",
        "hello, each byte a fragment, empty ones between, and a ping",
        at_once(
            text(b"", fin=False),
            *(more(HELLO[at : at + 1]) + more(b"") for at in range(len(HELLO))),
            ping(b"amid"),
            last(b""),
        ),
        ok=(answer(b"amid"), SNAPSHOT),
    ),
    Case("F.5", "a frame that is not masked", (Send(frame(TEXT, HELLO, masked=False)),), ending=PROTOCOL_ERROR),
    Case("F.6", "a binary frame", at_once(binary(HELLO)), ok=(_error("malformed"),), ending=_refused(4400)),
    Case(
        "F.7", "text that is none of its frames", at_once(text(b"hi")), ok=(_error("malformed"),), ending=_refused(4400)
    ),
    Case(
        "F.8",
        "the largest frame that the server takes",
        at_once(text(_HALF * 2)),
        ok=(_error("too_big"),),
        ending=_refused(4413),
    ),
    Case("F.9", "one byte more", at_once(text(_HALF * 2 + b"x")), ending=TOO_BIG),
    Case(
        "F.10", "one byte more, in fragments", at_once(text(_HALF, fin=False), more(_HALF), last(b"x")), ending=TOO_BIG
    ),
    Case("F.11", "5 MiB, which nobody reads", at_once(text(b"x" * (5 << 20))), ending=TOO_BIG),
    Case("F.12", "a frame that announces 4 EiB", (Send(_ANNOUNCED),), ending=TOO_BIG),
    Case(
        "F.13",
        "empty fragments without end",
        (Send(text(b"", fin=False) + more(b"") * (SERVER_BYTES_MAX + 2)),),
        ending=TOO_BIG,
    ),
)
