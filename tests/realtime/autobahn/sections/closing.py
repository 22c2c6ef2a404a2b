"""7 Close handling: the handshake, what comes after a close frame, and which close frames may be said at all."""

from __future__ import annotations

from tests.realtime.autobahn.case import NO_CODE, Case, Ending
from tests.realtime.autobahn.frames import CLOSE, close_frame, frame
from tests.realtime.autobahn.sections._tables import HELLO, at_once, echo, last, ping, text

TITLE = "Close Handling"

_ANSWERED = Ending("steps", (1000,))
_REFUSED = Ending("steps", (1002,))
_GOODBYE = close_frame(1000)
_NOT_UTF8 = "κόσμε".encode() + b"\xed\xa0\x80" + b"edited"

VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)

CASES = (
    Case("7.1.1", "a message, then close", at_once(text(HELLO)), ok=(echo(HELLO),)),
    Case("7.1.2", "two close frames", at_once(_GOODBYE, close_frame()), ending=_ANSWERED),
    Case("7.1.3", "a ping after close", at_once(_GOODBYE, ping()), ending=_ANSWERED),
    Case("7.1.4", "text after close", at_once(_GOODBYE, text(HELLO)), ending=_ANSWERED),
    Case(
        "7.1.5",
        "close between two fragments",
        at_once(text(b"fragment1", fin=False), _GOODBYE, last(b"fragment2")),
        ending=_ANSWERED,
    ),
    Case(
        "7.1.6",
        "256 KiB, a message, close and a ping at once",
        at_once(text(b"BAsd7&jh23" * 26_215), text(HELLO), _GOODBYE, ping()),
        ending=_ANSWERED,
        informational=True,
    ),
    Case("7.3.1", "close without code", at_once(close_frame()), ending=Ending("steps", (NO_CODE, 1000))),
    Case("7.3.2", "close with half a code", at_once(frame(CLOSE, b"a")), ending=_REFUSED),
    Case("7.3.3", "close with a code", at_once(_GOODBYE), ending=_ANSWERED),
    Case("7.3.4", "close with code and reason", at_once(close_frame(1000, HELLO)), ending=_ANSWERED),
    Case("7.3.5", "close with the longest reason", at_once(close_frame(1000, b"*" * 123)), ending=_ANSWERED),
    Case("7.3.6", "close with a reason too long by one byte", at_once(close_frame(1000, b"*" * 124)), ending=_REFUSED),
    Case(
        "7.5.1",
        "close with a reason that is no UTF-8",
        at_once(close_frame(1000, _NOT_UTF8)),
        ending=Ending("steps", (1002, 1007)),
    ),
    *(
        Case(f"7.7.{n}", f"close with {code}", at_once(close_frame(code)), ending=Ending("steps", (1000, code)))
        for n, code in enumerate(VALID_CODES, 1)
    ),
    *(
        Case(f"7.9.{n}", f"close with {code}, which may not be said", at_once(close_frame(code)), ending=_REFUSED)
        for n, code in enumerate(INVALID_CODES, 1)
    ),
    *(
        Case(
            f"7.13.{n}",
            f"close with {code}, beyond all ranges",
            at_once(close_frame(code)),
            ending=Ending("steps", (1000, code, 1002)),
            informational=True,
        )
        for n, code in enumerate((5_000, 65_535), 1)
    ),
)
