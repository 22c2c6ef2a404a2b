"""3 Reserved bits: none means anything here, so each is refused. What came before it is echoed first, by the book."""

from __future__ import annotations

from tests.realtime.autobahn.case import PROTOCOL_ERROR, Case
from tests.realtime.autobahn.frames import CLOSE, frame
from tests.realtime.autobahn.sections._tables import (
    HELLO,
    ODD_BYTES,
    at_once,
    binary,
    echo,
    in_chops,
    one_by_one,
    ping,
    text,
)

TITLE = "Reserved Bits"

_ECHOED = (echo(HELLO),)
_LOST = ()

CASES = (
    Case("3.1", "text, RSV 1", at_once(text(HELLO, rsv=1)), ending=PROTOCOL_ERROR),
    Case(
        "3.2",
        "text, then text with RSV 2, then a ping, at once",
        at_once(text(HELLO), text(HELLO, rsv=2), ping()),
        ok=_ECHOED,
        non_strict=_LOST,
        ending=PROTOCOL_ERROR,
    ),
    Case(
        "3.3",
        "text, then text with RSV 3, then a ping, frame by frame",
        one_by_one(text(HELLO), text(HELLO, rsv=3), ping()),
        ok=_ECHOED,
        non_strict=_LOST,
        ending=PROTOCOL_ERROR,
    ),
    Case(
        "3.4",
        "text, then text with RSV 4, then a ping, byte by byte",
        in_chops(1, text(HELLO), text(HELLO, rsv=4), ping()),
        ok=_ECHOED,
        non_strict=_LOST,
        ending=PROTOCOL_ERROR,
    ),
    Case("3.5", "binary, RSV 5", at_once(binary(ODD_BYTES, rsv=5)), ending=PROTOCOL_ERROR),
    Case("3.6", "ping, RSV 6", at_once(ping(HELLO, rsv=6)), ending=PROTOCOL_ERROR),
    Case("3.7", "close, RSV 7", at_once(frame(CLOSE, rsv=7)), ending=PROTOCOL_ERROR),
)
