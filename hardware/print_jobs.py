"""What may happen to a print job (PRN-3). Pure: decides, does nothing.

    queued ──Handed──▶ sent ──printed──▶ printed
      ▲                 │ ├──failed────▶ failed      nothing reached the printer
      │                 │ └──unknown───▶ unknown     the printer's link died under the bytes
      │                 └────LinkLost──▶ unknown     the agent fell silent; its spool will tell when it is back
      ├──never──── sent, unknown                     the agent's spool swears the job never arrived
      ├──Resolved(printed=False)── unknown           a person looked: attempt + 1
      └──Retried── failed                            attempt + 1

A job becomes `sent` *before* it is sent, and an agent writes down that it prints before it prints: whatever dies, the
answer is "printed", "not printed" or "a person must look", never a guess. Nothing goes from `sent`, `unknown` or
`printed` back to `queued` but by the word of the one spool that would know, or of a person. Printers keep what they
had received when the paper ran out, so "no paper came out" is no proof that none will.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from hardware.printers._contract import PrintableTicket

JobState = Literal["queued", "sent", "printed", "unknown", "failed"]
Outcome = Literal["held", "printed", "unknown", "failed", "never"]


class Standing(Struct, frozen=True):
    """Where a job stands. `attempt` counts from 1 the times it was let go to a printer; `spool` is the id of the spool
    it was last handed to; `detail` is a code for people's screens to translate (`paper_out`, `link_lost`…)."""

    state: JobState = "queued"
    attempt: int = 1
    spool: str = ""
    detail: str = ""


class PrintJob(Struct, frozen=True):
    """A job as the desk hands it to the hub. `printer` names one of the agent's printers; empty: its first."""

    id: int
    ticket: PrintableTicket
    printer: str = ""
    standing: Standing = Standing()


class Handed(Struct, frozen=True, tag="handed"):
    """The hub is about to send this attempt to the agent whose spool is named."""

    attempt: int
    spool: str


class Reported(Struct, frozen=True, tag="reported"):
    """An agent's word on one attempt. `held`: it has it and will print it once it can (`detail` says what it waits
    for); `never`: its spool has never seen it; `failed`: not one byte reached the printer."""

    attempt: int
    outcome: Outcome
    detail: str = ""


class LinkLost(Struct, frozen=True, tag="link_lost"):
    """The agent has not been heard of for longer than its lease."""


class Resolved(Struct, frozen=True, tag="resolved"):
    """A person has looked at the printer."""

    printed: bool


class Retried(Struct, frozen=True, tag="retried"):
    """A person asks for a failed job again; nothing of it was ever printed."""


Word = Handed | Reported | LinkLost | Resolved | Retried


class IllegalMove(Exception):
    """This cannot happen to a job in that state; the caller has an old view of it, or somebody was quicker."""

    def __init__(self, standing: Standing, word: Word) -> None:
        super().__init__(f"{type(word).__name__} cannot happen to a job that is {standing.state}")
        self.standing = standing
        self.word = word


def advance(standing: Standing, word: Word) -> Standing:
    """Where the job stands after this word. Raises `IllegalMove`. The same report twice changes nothing."""
    match word:
        case Handed():
            if standing.state != "queued" or word.attempt != standing.attempt:
                raise IllegalMove(standing, word)
            return msgspec.structs.replace(standing, state="sent", spool=word.spool, detail="")
        case Reported():
            return _believe(standing, word)
        case LinkLost():
            if standing.state == "sent":
                return msgspec.structs.replace(standing, state="unknown", detail="link_lost")
            return standing
        case Resolved():
            if standing.state != "unknown":
                raise IllegalMove(standing, word)
            if word.printed:
                return msgspec.structs.replace(standing, state="printed", detail="seen")
            return _again(standing)
        case Retried():
            if standing.state != "failed":
                raise IllegalMove(standing, word)
            return _again(standing)


def may_reprint(standing: Standing) -> bool:
    """Whether a further paper may be asked for. It is a new job, marked as a duplicata: from `unknown` too, since the
    first paper may exist. A job on its way, or one that printed nothing, is waited for, resolved or retried instead."""
    return standing.state in ("printed", "unknown")


def duplicata(ticket: PrintableTicket, mark: str) -> PrintableTicket:
    """The same ticket as it shall be reprinted; `mark` is the localised word, with its number from the second on."""
    if not mark:
        raise ValueError("a reprint carries a mark")
    return msgspec.structs.replace(ticket, duplicata=mark)


def _again(standing: Standing) -> Standing:
    return Standing(state="queued", attempt=standing.attempt + 1)


def _believe(standing: Standing, report: Reported) -> Standing:
    if report.attempt > standing.attempt:
        raise IllegalMove(standing, report)
    if report.attempt < standing.attempt:
        # A late word on a paper that somebody has given up. If it did come out and the next one has not been let go
        # (or printed nothing), that one is not needed any more; otherwise it cannot be undone.
        if report.outcome == "printed" and standing.state in ("queued", "failed"):
            return msgspec.structs.replace(standing, state="printed", detail="earlier_attempt")
        return standing
    if standing.state in ("printed", "failed"):
        return standing
    if standing.state == "queued":
        # A report on an attempt that was never handed out: only a forged or confused agent says so.
        raise IllegalMove(standing, report)
    match report.outcome:
        case "held":
            return msgspec.structs.replace(standing, state="sent", detail=report.detail)
        case "never":
            return msgspec.structs.replace(standing, state="queued", spool="", detail="")
        case outcome:
            return msgspec.structs.replace(standing, state=outcome, detail=report.detail)
