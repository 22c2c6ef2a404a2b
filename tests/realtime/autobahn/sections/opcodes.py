"""4 Opcodes that are reserved, for data (3 to 7) and for control (11 to 15)."""

from __future__ import annotations

from tests.realtime.autobahn.case import PROTOCOL_ERROR, Case
from tests.realtime.autobahn.frames import frame
from tests.realtime.autobahn.sections._tables import HELLO, at_once, echo, in_chops, ping, text

TITLE = "Opcodes"

_RESERVED = {"4.1": (3, 4, 5, 6, 7), "4.2": (11, 12, 13, 14, 15)}


def _cases(group: str, bare: int, loaded: int, after_text: int, loaded_after_text: int, by_byte: int) -> list[Case]:
    def after(opcode: int, payload: bytes) -> tuple[bytes, ...]:
        return text(HELLO), frame(opcode, payload), ping()

    def mixed(number: int, title: str, payload: bytes, opcode: int, chop: int = 0) -> Case:
        frames = after(opcode, payload)
        return Case(
            f"{group}.{number}",
            title,
            in_chops(chop, *frames) if chop else at_once(*frames),
            ok=(echo(HELLO),),
            non_strict=(),
            ending=PROTOCOL_ERROR,
        )

    return [
        Case(f"{group}.1", f"opcode {bare}", at_once(frame(bare)), ending=PROTOCOL_ERROR),
        Case(f"{group}.2", f"opcode {loaded} with payload", at_once(frame(loaded, HELLO)), ending=PROTOCOL_ERROR),
        mixed(3, f"text, then opcode {after_text}, then a ping", b"", after_text),
        mixed(4, f"text, then opcode {loaded_after_text} with payload, then a ping", HELLO, loaded_after_text),
        mixed(5, f"text, then opcode {by_byte} with payload, then a ping, byte by byte", HELLO, by_byte, chop=1),
    ]


CASES = tuple(case for group, opcodes in _RESERVED.items() for case in _cases(group, *opcodes))
