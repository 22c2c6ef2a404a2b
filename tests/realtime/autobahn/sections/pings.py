"""2 Pings and pongs."""

from __future__ import annotations

from tests.realtime.autobahn.case import PROTOCOL_ERROR, Case
from tests.realtime.autobahn.sections._tables import HELLO, ODD_BYTES, answer, at_once, in_chops, ping, pong

TITLE = "Pings/Pongs"

_LONGEST = b"\xfe" * 125
_TEN = tuple(f"payload-{n}".encode() for n in range(10))
_UNASKED = b"unsolicited pong payload"

CASES = (
    Case("2.1", "ping without payload", at_once(ping()), ok=(answer(),)),
    Case("2.2", "ping with text", at_once(ping(HELLO)), ok=(answer(HELLO),)),
    Case("2.3", "ping with bytes that are no UTF-8", at_once(ping(ODD_BYTES)), ok=(answer(ODD_BYTES),)),
    Case("2.4", "ping of 125 bytes", at_once(ping(_LONGEST)), ok=(answer(_LONGEST),)),
    Case("2.5", "ping of 126 bytes", at_once(ping(b"\xfe" * 126)), ending=PROTOCOL_ERROR),
    Case("2.6", "ping of 125 bytes, byte by byte", in_chops(1, ping(_LONGEST)), ok=(answer(_LONGEST),)),
    Case("2.7", "pong that nobody asked for", at_once(pong())),
    Case("2.8", "the same with payload", at_once(pong(_UNASKED))),
    Case("2.9", "the same, then a ping", at_once(pong(_UNASKED), ping(HELLO)), ok=(answer(HELLO),)),
    Case("2.10", "ten pings", at_once(*map(ping, _TEN)), ok=tuple(map(answer, _TEN))),
    Case("2.11", "ten pings, byte by byte", in_chops(1, *map(ping, _TEN)), ok=tuple(map(answer, _TEN))),
)
