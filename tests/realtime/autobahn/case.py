"""What a case is, how it is played over a connection, and what is said of it, in Autobahn's words.

Two things are judged harder than Autobahn does: a refusal must say its close code (Autobahn also takes a connection
that is just dropped), and the connection must end in order, not by a TCP reset, which can destroy the close frame on
its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.realtime.autobahn.frames import PING, Event, LargeMessage, frame
from tests.realtime.autobahn.wire import QUIET_S, Wire

Behaviour = Literal["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]
Closing = Literal["OK", "INFORMATIONAL", "UNCLEAN", "WRONG CODE", "FAILED"]
PASSES = ("OK", "NON-STRICT", "INFORMATIONAL")
SILENCE = Event("silence")
NO_CODE = 1005
"""What a close frame without a code means (RFC 6455 §7.1.5)."""


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes of the client's, written at once or in pieces of `chop` bytes."""

    data: bytes
    chop: int = 0


@dataclass(frozen=True, slots=True)
class Await:
    """Go on when so many events have come."""

    events: int


@dataclass(frozen=True, slots=True)
class Processed:
    """Go on when the server has read everything so far, as its pong shows. Without `ping` (none may be sent while a
    frame is under way) after a while of silence, which then is an event. A server that fails fast closes here."""

    ping: bytes = b""


Step = Send | Await | Processed
Expected = tuple[Event | LargeMessage, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """Who closes, which codes the server's close frame may have, and whether both close frames must have been seen.

    `by`: "us": the client closes with 1000 once everything expected came; "steps": the steps contain the close frame;
    "server": it must refuse.
    """

    by: Literal["us", "steps", "server"]
    codes: tuple[int, ...]


GOODBYE = Ending("us", (1000,))
PROTOCOL_ERROR = Ending("server", (1002,))
INVALID_TEXT = Ending("server", (1007,))
TOO_BIG = Ending("server", (1009,))


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `steps` may be a function's result made anew at each iteration, for those of many megabytes."""

    number: str
    title: str
    steps: Iterable[Step]
    ok: Expected = ()
    ending: Ending = GOODBYE
    non_strict: Expected | None = None
    informational: bool = False

    @property
    def section(self) -> str:
        return self.number.split(".")[0]

    @property
    def refused(self) -> bool:
        """Must the server say that something was wrong?"""
        return 1000 not in self.ending.codes

    def possible(self, events: list[Event], since: int = 0) -> bool:
        """Can these events still become what is expected? Those before `since` are known to."""
        return any(
            len(events) <= len(wanted) and events[since:] == list(wanted[since : len(events)])
            for wanted in (self.ok, self.non_strict)
            if wanted is not None
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` is empty where there is nothing to say."""

    number: str
    behaviour: Behaviour
    closing: Closing
    why: str = ""

    @property
    def passes(self) -> bool:
        return self.behaviour in PASSES and self.closing in ("OK", "INFORMATIONAL")


def play(case: Case, wire: Wire) -> Verdict:
    """Play `case` over a connection that is open and of which nothing was used yet, and drop it."""
    try:
        # What a feed said before the case began is none of its events.
        wire.events.clear()
        seen = 0
        for step in case.steps:
            _take(step, case, wire)
            if wire.over or wire.server_close is not None or not case.possible(wire.events, seen):
                break
            seen = len(wire.events)
        _end(case, wire)
        return judge(case, wire)
    finally:
        wire.drop()


def _take(step: Step, case: Case, wire: Wire) -> None:
    if isinstance(step, Send):
        if case.ending.by == "steps":
            wire.note_close()
        wire.send(step.data, step.chop)
    elif isinstance(step, Await):
        wire.read_until(lambda: len(wire.events) >= step.events or wire.server_close is not None)
    elif step.ping:
        before = len(wire.events)
        wire.send(frame(PING, step.ping))
        wire.read_until(lambda: len(wire.events) > before or wire.server_close is not None)
    elif not wire.read_until(lambda: wire.server_close is not None, QUIET_S) and not wire.over:
        wire.events.append(SILENCE)


def _end(case: Case, wire: Wire) -> None:
    if not case.possible(wire.events):
        return  # failed already; how such a connection may end is nobody's rule
    if case.ending.by == "us":
        wire.read_until(
            lambda: tuple(wire.events) == case.ok or not case.possible(wire.events) or wire.server_close is not None
        )
        if wire.server_close is None:
            wire.close()
    if case.ending.by == "server":
        wire.read_until(lambda: wire.server_close is not None or not case.possible(wire.events), QUIET_S)
        if not case.possible(wire.events):
            return  # it was taken instead of refused
    wire.read_to_end(probe=case.ending.by == "server")


def judge(case: Case, wire: Wire) -> Verdict:
    if wire.fault is not None:
        return Verdict(case.number, "FAILED", "FAILED", f"the server's own stream is wrong: {wire.fault}")
    behaviour, why = _behaviour(case, wire)
    closing, problem = _closing(case, wire)
    if case.informational:
        return Verdict(case.number, "INFORMATIONAL", "INFORMATIONAL", why or problem)
    # Where the close is what is examined, a wrong one fails the case.
    if closing != "OK" and case.section in ("6", "7"):
        behaviour = "FAILED"
    return Verdict(case.number, behaviour, closing, "; ".join(filter(None, [why, problem])))


def _behaviour(case: Case, wire: Wire) -> tuple[Behaviour, str]:
    said = tuple(wire.events)
    if said == case.ok:
        return "OK", ""
    if case.non_strict is not None and said == case.non_strict:
        return "NON-STRICT", ""
    wanted = ", ".join(map(str, case.ok)) or "nothing"
    return "FAILED", f"expected {wanted}, got {', '.join(map(str, said)) or 'nothing'}"


def _closing(case: Case, wire: Wire) -> tuple[Closing, str]:
    if wire.server_close is None:
        return ("UNCLEAN" if wire.ended else "FAILED"), f"no close frame came, the connection's end: {wire.ended}"
    by_server = wire.closed_first == "server"
    if by_server != (case.ending.by == "server"):
        return "FAILED", f"closed first by the {wire.closed_first}"
    code = int.from_bytes(wire.server_close[:2], "big") if wire.server_close else NO_CODE
    if code not in case.ending.codes:
        return "WRONG CODE", f"closed with {code}, not {' or '.join(map(str, case.ending.codes))}"
    if wire.ended != "eof":
        return "FAILED", f"the server's end of the connection: {wire.ended or 'left open'}"
    return "OK", ""
