"""Both ends of the event stream (LIVE-9), after ZeroMQ's Clone pattern. Pure.

The log numbers events and keeps the last ones; the follower applies them in order, exactly the ones it has not had, and
notices every gap. A gap is answered as a whole or by a snapshot, never in part.
"""

from __future__ import annotations

import secrets
from collections import deque

from hardware.protocol import Event, Streamed

EVENTS_KEPT = 2_000
"""Many minutes of a full house streaming in; a gap beyond is cheaper as a snapshot."""


class EventLog:
    """The hub's side. A new log is a new epoch: its numbers say nothing to who followed another."""

    def __init__(self, kept: int = EVENTS_KEPT) -> None:
        self.epoch = secrets.token_hex(8)
        self.seq = 0
        self._last: deque[Streamed] = deque(maxlen=kept)

    def append(self, event: Event) -> Streamed:
        self.seq += 1
        streamed = Streamed(self.epoch, self.seq, event)
        self._last.append(streamed)
        return streamed

    def head(self) -> Streamed:
        return Streamed(self.epoch, self.seq)

    def since(self, epoch: str, after: int) -> tuple[Streamed, ...] | None:
        """All events after this one; None when they are not all here, or of another epoch."""
        if epoch != self.epoch or not 0 <= after <= self.seq:
            return None
        missing = self.seq - after
        if missing > len(self._last):
            return None
        return tuple(self._last)[len(self._last) - missing :]


class Follower:
    """The device's side."""

    def __init__(self) -> None:
        self.epoch = ""
        self.seq = 0

    def reset(self, epoch: str, seq: int) -> None:
        """A snapshot says all up to here."""
        self.epoch = epoch
        self.seq = seq

    def take(self, streamed: Streamed) -> Event | None:
        """The event to apply, if it is the next one. Otherwise see `misses`."""
        if streamed.event is None or streamed.epoch != self.epoch or streamed.seq != self.seq + 1:
            return None
        self.seq = streamed.seq
        return streamed.event

    def misses(self, streamed: Streamed) -> bool:
        """Whether this (after having been taken) tells of events that have not come."""
        return streamed.epoch != self.epoch or streamed.seq > self.seq
