"""1 Framing: messages of every form of length, and one that arrives in small pieces."""

from __future__ import annotations

from tests.realtime.autobahn.case import Case
from tests.realtime.autobahn.sections._tables import at_once, binary, echo, echo_binary, in_chops, text

TITLE = "Framing"

LENGTHS = (0, 125, 126, 127, 128, 65_535, 65_536)
CHOP = 997


def _texts() -> list[Case]:
    cases = [
        Case(f"1.1.{n}", f"text of {length} bytes", at_once(text(b"*" * length)), ok=(echo(b"*" * length),))
        for n, length in enumerate(LENGTHS, 1)
    ]
    whole = b"*" * 65_536
    return [*cases, Case("1.1.8", f"the same in chops of {CHOP}", in_chops(CHOP, text(whole)), ok=(echo(whole),))]


def _binaries() -> list[Case]:
    cases = [
        Case(
            f"1.2.{n}",
            f"binary of {length} bytes",
            at_once(binary(b"\xfe" * length)),
            ok=(echo_binary(b"\xfe" * length),),
        )
        for n, length in enumerate(LENGTHS, 1)
    ]
    whole = b"\xfe" * 65_536
    title = f"the same in chops of {CHOP}"
    return [*cases, Case("1.2.8", title, in_chops(CHOP, binary(whole)), ok=(echo_binary(whole),))]


CASES = (*_texts(), *_binaries())
