"""The replica of one performance: where it stands, and the recent steps that brought it there.

Pure. A change is taken only if it is the very next one; anything else is named (`Verdict`) and left to the room, which
knows how to ask for more. Steps are absolute, so replaying is harmless; skipping is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum

from realtime.messages import Change, Holder, Picture, Quota, SeatChange

HISTORY_STEPS = 1000


class Verdict(Enum):
    """What became of a change. Only APPLIED touched the board."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    GAP = "gap"
    OTHER_EPOCH = "other epoch"
    DIVERGED = "diverged"
    """The same version with another content: the log was rewound (a fail-over to a replica that lagged)."""


class Board:
    """States by ordinal, holders of what is held, counters, and the last steps for those who resume."""

    __slots__ = ("epoch", "history", "holders", "public_quotas", "quotas", "states", "version")

    def __init__(self, picture: Picture) -> None:
        self.epoch = picture.epoch
        self.version = picture.version
        self.states = bytearray(picture.states)
        self.holders: dict[int, Holder] = dict(picture.holders)
        self.quotas: dict[str, Quota] = dict(picture.quotas)
        self.public_quotas = picture.public_quotas
        self.history: deque[Change] = deque(maxlen=HISTORY_STEPS)

    @property
    def floor(self) -> int:
        """The oldest version that can be resumed from."""
        return self.history[0].version - 1 if self.history else self.version

    def judge(self, change: Change) -> Verdict:
        if change.epoch != self.epoch:
            return Verdict.OTHER_EPOCH
        if change.version > self.version + 1:
            return Verdict.GAP
        if change.version == self.version + 1:
            return Verdict.APPLIED
        if change.version > self.floor and self._step(change.version) != change:
            return Verdict.DIVERGED
        return Verdict.DUPLICATE

    def apply(self, change: Change) -> Verdict:
        verdict = self.judge(change)
        if verdict is not Verdict.APPLIED:
            return verdict
        for seat in self.seats_of(change):
            self.states[seat.ordinal] = seat.state
            holder = seat.holder()
            if holder is None:
                self.holders.pop(seat.ordinal, None)
            else:
                self.holders[seat.ordinal] = holder
        self.quotas.update(change.quotas)
        self.version = change.version
        self.history.append(change)
        return verdict

    def seats_of(self, change: Change) -> Iterator[SeatChange]:
        """The seats of a change that we know: one beyond our plan belongs to an epoch that is on its way."""
        return (seat for seat in change.seats if 0 <= seat.ordinal < len(self.states))

    def remember(self, past: list[Change]) -> None:
        """Prepend steps from before the picture, so that a room just opened can answer those who resume.

        They were read apart from the picture, later ones may be among them: only an unbroken run that ends where our
        history begins is taken.
        """
        older = [change for change in past if change.epoch == self.epoch and change.version <= self.floor]
        versions = [change.version for change in older]
        if older and versions == list(range(self.floor - len(older) + 1, self.floor + 1)):
            newer = list(self.history)
            self.history = deque([*older, *newer], maxlen=HISTORY_STEPS)

    def touched_since(self, version: int) -> tuple[set[int], set[str]] | None:
        """Ordinals and counters changed after `version`: the whole gap, or None when it reaches too far back."""
        if not self.floor <= version <= self.version:
            return None
        ordinals: set[int] = set()
        quotas: set[str] = set()
        for step in range(version + 1, self.version + 1):
            change = self._step(step)
            ordinals.update(seat.ordinal for seat in self.seats_of(change))
            quotas.update(change.quotas)
        return ordinals, quotas

    def _step(self, version: int) -> Change:
        return self.history[version - self.floor - 1]
