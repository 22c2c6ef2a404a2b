"""Whatever happens on the way, every map ends with the photos that there are (LIVE-5).

The same happenings as in test_convergence.py, with photos taken among them, and processes that hear of them late or
not at all until they ask again. Lines lose and mix nothing here: a socket delivers in order or is cut, and what is
retained has no version by which a client could notice anything else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime import messages
from realtime.follower import Follower
from realtime.room import Member, Room
from tests.realtime.test_convergence import OFTEN, RARELY, SOMETIMES, LiveFeed, Viewer, log_sizes


class Photographed(LiveFeed):
    """A live feed whose seats are photographed."""

    def __init__(self, log_max: int) -> None:
        self.photos = 0
        super().__init__(log_max)

    def take_a_photo(self, dice: random.Random) -> None:
        """Now and then one that is taken back, so that the version is one of before."""
        self.photos += dice.choice([1, 1, 1, -1])

    def hear_of_photos(self, dice: random.Random) -> None:
        self._recall(dice.choice(self.rooms))

    def end_well(self) -> None:
        for room in self.rooms:
            self._recall(room)
        super().end_well()

    def _recall(self, room: Room) -> None:
        room.retain({"seat_view": messages.seat_view(self._version())})

    def _compare(self, viewer: Viewer) -> None:
        super()._compare(viewer)
        assert viewer.follower.seat_view == self._version()

    def _version(self) -> str:
        return str(self.photos) if self.photos else ""


BROKEN_LINES = (LiveFeed.lose_a_frame, LiveFeed.mix_the_line)
HAPPENINGS = [each for each in (*OFTEN, *SOMETIMES, *RARELY) if each not in BROKEN_LINES]
happenings = st.lists(
    st.tuples(
        st.sampled_from([*HAPPENINGS, *[Photographed.take_a_photo, Photographed.hear_of_photos] * 6]),
        st.integers(0, 999),
    ),
    min_size=10,
    max_size=60,
)


def live_through(log_max: int, story: list[tuple[Callable[[Any, random.Random], None], int]]) -> None:
    feed = Photographed(log_max)
    for happen, seed in story:
        happen(feed, random.Random(seed))
    feed.end_well()


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(log_sizes, happenings)
def test_every_interleaving_ends_with_every_map_showing_the_photos_that_there_are(log_max: int, story: Any) -> None:
    live_through(log_max, story)


def tell_only_who_comes(patch: pytest.MonkeyPatch) -> None:
    def broken(self: Room, kept: Any) -> None:
        self._retained = kept

    patch.setattr(Room, "retain", broken)


def tell_only_who_is_here(patch: pytest.MonkeyPatch) -> None:
    def broken(self: Room, member: Member) -> None: ...

    patch.setattr(Room, "_tell_retained", broken)


def believe_the_first(patch: pytest.MonkeyPatch) -> None:
    whole = Follower._dispatch

    def broken(self: Follower, text: str, now_s: float, reaction: Any) -> None:
        if not (self.seat_view and '"seat_view"' in text):
            whole(self, text, now_s, reaction)

    patch.setattr(Follower, "_dispatch", broken)


@pytest.mark.parametrize("defect", [tell_only_who_comes, tell_only_who_is_here, believe_the_first])
def test_the_harness_notices_a_map_that_is_not_told(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control. The rarest shows in one of eleven interleavings (the mean of 12 seeds)."""
    defect(monkeypatch)
    noticed = settings(
        max_examples=1000, deadline=None, derandomize=True, phases=[Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )(given(log_sizes, happenings)(live_through))  # fmt: skip
    with pytest.raises(AssertionError):
        noticed()
