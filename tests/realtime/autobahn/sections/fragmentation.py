"""5 Fragmentation: messages in parts, control frames between the parts, and parts that belong to nothing."""

from __future__ import annotations

from tests.realtime.autobahn.case import PROTOCOL_ERROR, Await, Case
from tests.realtime.autobahn.frames import PING, PONG, frame
from tests.realtime.autobahn.sections._tables import (
    HELLO,
    answer,
    at_once,
    echo,
    in_chops,
    last,
    more,
    one_by_one,
    ping,
    text,
)

TITLE = "Fragmentation"

_ONE, _TWO, _THREE, _FOUR, _FIVE = (f"fragment{n}".encode() for n in range(1, 6))
_LONE = b"non-continuation payload"
_ASIDE = b"ping payload"
_PARTS = text(_ONE, fin=False), last(_TWO)
_PARTS_AND_PING = text(_ONE, fin=False), ping(_ASIDE), last(_TWO)
_WHOLE = (echo(_ONE + _TWO),)
_PONG_THEN_WHOLE = (answer(_ASIDE), *_WHOLE)

_FIRST_HALF = text(_ONE, fin=False), more(_TWO), ping(b"pongme 1!")
_SECOND_HALF = more(_THREE), more(_FOUR), ping(b"pongme 2!"), last(_FIVE)
_BOTH_HALVES = (answer(b"pongme 1!"), answer(b"pongme 2!"), echo(_ONE + _TWO + _THREE + _FOUR + _FIVE))


def _refused(number: str, title: str, *frames: bytes) -> list[Case]:
    """Three cases in a row: at once, frame by frame, byte by byte."""
    section, _, first = number.partition(".")
    ways = (
        (at_once(*frames), "at once"),
        (one_by_one(*frames), "frame by frame"),
        (in_chops(1, *frames), "byte by byte"),
    )
    return [
        Case(f"{section}.{int(first) + n}", f"{title}, {how}", steps, ending=PROTOCOL_ERROR)
        for n, (steps, how) in enumerate(ways)
    ]


CASES = (
    Case("5.1", "ping in 2 fragments", at_once(frame(PING, _ONE, fin=False), last(_TWO)), ending=PROTOCOL_ERROR),
    Case("5.2", "pong in 2 fragments", at_once(frame(PONG, _ONE, fin=False), last(_TWO)), ending=PROTOCOL_ERROR),
    Case("5.3", "text in 2 fragments, at once", at_once(*_PARTS), ok=_WHOLE),
    Case("5.4", "text in 2 fragments, frame by frame", one_by_one(*_PARTS), ok=_WHOLE),
    Case("5.5", "text in 2 fragments, byte by byte", in_chops(1, *_PARTS), ok=_WHOLE),
    Case("5.6", "a ping between 2 fragments, at once", at_once(*_PARTS_AND_PING), ok=_PONG_THEN_WHOLE),
    Case("5.7", "a ping between 2 fragments, frame by frame", one_by_one(*_PARTS_AND_PING), ok=_PONG_THEN_WHOLE),
    Case("5.8", "a ping between 2 fragments, byte by byte", in_chops(1, *_PARTS_AND_PING), ok=_PONG_THEN_WHOLE),
    *_refused("5.9", "a final continuation of nothing, then text", last(_LONE), text(HELLO)),
    *_refused("5.12", "a continuation of nothing, then text", more(_LONE), text(HELLO)),
    Case(
        "5.15",
        "text in 2 fragments, a continuation of nothing, text",
        at_once(*_PARTS, more(_THREE), text(_FOUR)),
        ok=_WHOLE,
        non_strict=(),
        ending=PROTOCOL_ERROR,
    ),
    Case(
        "5.16",
        "twice: a continuation of nothing, then text in 2 fragments",
        at_once(*[more(_ONE), text(_TWO, fin=False), last(_THREE)] * 2),
        ending=PROTOCOL_ERROR,
    ),
    Case(
        "5.17",
        "twice: a final continuation of nothing, then text in 2 fragments",
        at_once(*[last(_ONE), text(_TWO, fin=False), last(_THREE)] * 2),
        ending=PROTOCOL_ERROR,
    ),
    Case("5.18", "2 fragments, both called text", at_once(text(_ONE, fin=False), text(_TWO)), ending=PROTOCOL_ERROR),
    Case(
        "5.19",
        "5 fragments and 2 pings; the first ping is answered before the rest is sent",
        (*at_once(*_FIRST_HALF), Await(1), *at_once(*_SECOND_HALF)),
        ok=_BOTH_HALVES,
    ),
    Case(
        "5.20",
        "the same, frame by frame",
        (*one_by_one(*_FIRST_HALF), Await(1), *one_by_one(*_SECOND_HALF)),
        ok=_BOTH_HALVES,
    ),
)
