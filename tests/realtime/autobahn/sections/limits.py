"""9 Limits: large messages, whole, in fragments and in chops, and a thousand small ones, one after the other's echo.

Autobahn also reports how long each took. That is no conformance: figures of speed are what `placeur bench` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.realtime.autobahn.case import Await, Case, Send, Step
from tests.realtime.autobahn.frames import BINARY, CONT, TEXT, LargeMessage, frame

TITLE = "Limits"

KI, MI = 1 << 10, 1 << 20
SIZES = (64 * KI, 256 * KI, MI, 4 * MI, 8 * MI, 16 * MI)
FRAGMENTS = (64, 256, KI, 4 * KI, 16 * KI, 64 * KI, 256 * KI, MI, 4 * MI)
CHOPS = (64, 128, 256, 512, KI, 2 * KI)
SMALL_SIZES = (0, 16, 64, 256, KI, 4 * KI)
ROUND_TRIPS = 1_000
_KINDS = {TEXT: ("text", b"BAsd7&jh23"), BINARY: ("binary", b"\x00\xfe\x23\xfa\xf0")}


def message(opcode: int, length: int) -> LargeMessage:
    return LargeMessage(*_KINDS[opcode], length)


@dataclass(frozen=True, slots=True)
class Large(Iterable[Step]):
    """One message, whole or in fragments of `fragment` bytes, written in chops of `chop`."""

    opcode: int
    length: int
    fragment: int = 0
    chop: int = 0

    def __iter__(self) -> Iterator[Step]:
        whole = message(self.opcode, self.length).payload
        size = self.fragment or self.length
        starts = range(0, self.length, size)
        frames = [
            frame(CONT if start else self.opcode, whole[start : start + size], fin=start == starts[-1])
            for start in starts
        ]
        yield Send(b"".join(frames), self.chop)


@dataclass(frozen=True, slots=True)
class RoundTrips(Iterable[Step]):
    """The same message again and again, each after the echo of the one before."""

    opcode: int
    length: int

    def __iter__(self) -> Iterator[Step]:
        data = frame(self.opcode, message(self.opcode, self.length).payload)
        for n in range(1, ROUND_TRIPS + 1):
            yield Send(data)
            yield Await(n)


def _large(group: str, opcode: int, steps: dict[str, Large]) -> list[Case]:
    kind = _KINDS[opcode][0]
    return [
        Case(f"{group}.{n}", f"{kind}, {title}", large, ok=(message(opcode, large.length),))
        for n, (title, large) in enumerate(steps.items(), 1)
    ]


def _whole(group: str, opcode: int) -> list[Case]:
    return _large(group, opcode, {f"{size // KI} KiB": Large(opcode, size) for size in SIZES})


def _fragmented(group: str, opcode: int) -> list[Case]:
    steps = {f"4 MiB in fragments of {size}": Large(opcode, 4 * MI, fragment=size) for size in FRAGMENTS}
    return _large(group, opcode, steps)


def _chopped(group: str, opcode: int) -> list[Case]:
    return _large(group, opcode, {f"1 MiB in chops of {size}": Large(opcode, MI, chop=size) for size in CHOPS})


def _round_trips(group: str, opcode: int) -> list[Case]:
    kind = _KINDS[opcode][0]
    return [
        Case(
            f"{group}.{n}",
            f"{kind}, {ROUND_TRIPS} times {size} bytes",
            RoundTrips(opcode, size),
            ok=(message(opcode, size),) * ROUND_TRIPS,
        )
        for n, size in enumerate(SMALL_SIZES, 1)
    ]


CASES = (
    *_whole("9.1", TEXT),
    *_whole("9.2", BINARY),
    *_fragmented("9.3", TEXT),
    *_fragmented("9.4", BINARY),
    *_chopped("9.5", TEXT),
    *_chopped("9.6", BINARY),
    *_round_trips("9.7", TEXT),
    *_round_trips("9.8", BINARY),
)

QUICK = frozenset(
    {"9.1.1", "9.1.3", "9.2.1", "9.2.3", "9.3.3", "9.3.9", "9.4.3", "9.4.9", "9.5.4", "9.6.4", "9.7.3", "9.8.6"}
)
"""What the tests play of them: each way of cutting up, small."""
