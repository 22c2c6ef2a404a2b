"""Whatever happens on the way, every client ends equal to the store (LIVE-1).

Hypothesis interleaves changes, flushes of the store, publications that are late, lost or doubled, ticks, looks at the
head, cuts, reconnects to another process, slow readers, restarts, and lines that lose, double and mix frames. In the
end the line is sound, everybody reconnects, and each follower must show exactly what its audience may see of the store.

A harness that cannot fail proves nothing: the last tests break the protocol in four places and must see it fail.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime.audiences import AUDIENCES
from realtime.board import Board, Verdict
from realtime.follower import JOIN_TIMEOUT_S, Follower, Reaction, Status
from realtime.messages import BLOCKED, FREE, HELD, PENDING, SOLD, USED, Change, Holder
from realtime.protocol import Join, Resume
from realtime.room import Member, Room
from tests.realtime.world import LEA, ONLINE, Line, Store, hear, look, settle

SEATS = 4
SERVERS = 2
AUDIENCE_OF = ("buyer", "buyer", "cashier", "gate")


class Viewer:
    """A follower, its line (None: cut), and where that leads."""

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self.follower = Follower()
        self.line: Line | None = None
        self.member: Member | None = None
        self.server = 0


class LiveFeed:
    """One store, two web processes, four viewers; each public method is something that may happen."""

    def __init__(self, log_max: int) -> None:
        self.now_s = 0.0
        self.store = Store(SEATS, log_max)
        self.rooms = [self._fresh_room() for _ in range(SERVERS)]
        self.published: list[deque[Change]] = [deque() for _ in range(SERVERS)]
        self.viewers = [Viewer(audience) for audience in AUDIENCE_OF]
        for number, viewer in enumerate(self.viewers):
            self._connect(viewer, number % SERVERS, 1000)
            self._read(viewer)

    # -- the house

    def change(self, dice: random.Random) -> None:
        states = [
            (FREE, None),
            (HELD, ONLINE),
            (HELD, LEA),
            (PENDING, None),
            (SOLD, None),
            (USED, None),
            (BLOCKED, None),
        ]
        self._change(dice.sample(range(SEATS), dice.randint(1, 2)), *dice.choice(states))

    def take_and_give_back_while_somebody_comes(self, dice: random.Random) -> None:
        """Within a tick, if its process hears both in one."""
        viewer = dice.choice(self.viewers)
        ordinal = dice.randrange(SEATS)
        self._change([ordinal], HELD, ONLINE)
        self._hear(viewer.server, 4)
        if viewer.line is not None:
            self._cut(viewer)
        self._connect(viewer, viewer.server, 1000)
        self._change([ordinal], FREE, None)

    def flush_the_store(self, dice: random.Random) -> None:
        self.store.flush()

    # -- the way from the store to the processes

    def hear_publications(self, dice: random.Random) -> None:
        self._hear(dice.randrange(SERVERS), dice.randint(1, 4))

    def hear_one_twice(self, dice: random.Random) -> None:
        server = dice.randrange(SERVERS)
        if self.published[server]:
            self.rooms[server].deliver(self.published[server][0])

    def lose_a_publication(self, dice: random.Random) -> None:
        server = dice.randrange(SERVERS)
        if self.published[server]:
            self.published[server].popleft()

    # -- the processes

    def tick(self, dice: random.Random) -> None:
        dice.choice(self.rooms).flush()

    def fetch_what_is_missing(self, dice: random.Random) -> None:
        settle(dice.choice(self.rooms), self.store)

    def look_at_the_head(self, dice: random.Random) -> None:
        look(dice.choice(self.rooms), self.store)

    def beat(self, dice: random.Random) -> None:
        dice.choice(self.rooms).beat()

    def lose_and_regain_the_source(self, dice: random.Random) -> None:
        room = dice.choice(self.rooms)
        room.doubt("gone")
        look(room, self.store)
        room.trust()

    def restart(self, dice: random.Random) -> None:
        server = dice.randrange(SERVERS)
        for viewer in self.viewers:
            if viewer.line is not None and viewer.server == server:
                self._cut(viewer)
        self.published[server].clear()
        self.rooms[server] = self._fresh_room()

    # -- the viewers

    def connect(self, dice: random.Random) -> None:
        viewer = dice.choice(self.viewers)
        if viewer.line is None:
            self._connect(viewer, dice.randrange(SERVERS), dice.choice([1, 3, 1000]))

    def cut(self, dice: random.Random) -> None:
        viewer = dice.choice(self.viewers)
        if viewer.line is not None:
            self._cut(viewer)

    def read(self, dice: random.Random) -> None:
        viewer = dice.choice(self.viewers)
        for _ in range(dice.randint(1, 5)):
            if viewer.line is not None:
                self._read(viewer)

    def lose_a_frame(self, dice: random.Random) -> None:
        line = dice.choice(self.viewers).line
        if line is not None and line.down:
            line.down.popleft()

    def mix_the_line(self, dice: random.Random) -> None:
        line = dice.choice(self.viewers).line
        if line is not None:
            line.shuffle(dice)

    # -- the end

    def end_well(self) -> None:
        """The line is sound from now on; a few looks and beats later everybody must see the store."""
        for _ in range(4):
            self.now_s += JOIN_TIMEOUT_S + 1
            for server, room in enumerate(self.rooms):
                self.published[server].clear()
                look(room, self.store)
                room.flush()
                room.trust()
            for viewer in self.viewers:
                if viewer.line is not None and (viewer.line.code or viewer.follower.tick(self.now_s).drop):
                    self._cut(viewer)
                if viewer.line is None:
                    self._connect(viewer, viewer.server, 1000)
                assert viewer.line is not None
                viewer.line.capacity = 1000
            for room in self.rooms:
                room.flush()
                room.beat()
            for viewer in self.viewers:
                while viewer.line is not None and viewer.line.down:
                    self._read(viewer)
        for viewer in self.viewers:
            self._compare(viewer)

    def _compare(self, viewer: Viewer) -> None:
        audience, follower, store = AUDIENCES[viewer.audience], viewer.follower, self.store
        assert follower.status is Status.LIVE
        assert bytes(follower.codes) == bytes(store.states).translate(audience.table())
        assert follower.quotas == store.quotas
        seen = {o: (h.kind, h.label, h.expires_at_ms) for o, h in follower.holders.items()}
        kept = {o: (h.kind, h.label, h.expires_at_ms) for o, h in store.holders.items()}
        assert seen == (kept if audience.sees_holders else {})

    # -- inside

    def _change(self, ordinals: list[int], state: int, holder: Holder | None) -> None:
        made = self.store.step(ordinals, state, holder)
        for queue in self.published:
            queue.append(made)

    def _hear(self, server: int, count: int) -> None:
        for _ in range(min(count, len(self.published[server]))):
            self.rooms[server].deliver(self.published[server].popleft())

    def _fresh_room(self) -> Room:
        room = Room("7", lambda: 0)
        picture = self.store.picture()
        past = self.store.changes_since(picture.epoch, max(0, picture.version - 10))
        room.load(picture, past)
        return room

    def _connect(self, viewer: Viewer, server: int, capacity: int) -> None:
        viewer.line, viewer.server = Line(capacity), server
        viewer.member = Member(viewer.line, viewer.audience)
        self._react(viewer, viewer.follower.opened(self.now_s))

    def _cut(self, viewer: Viewer) -> None:
        assert viewer.line is not None
        assert viewer.member is not None
        self.rooms[viewer.server].leave(viewer.member)
        code = viewer.line.code or 1006
        viewer.line = viewer.member = None
        viewer.follower.closed(code, random.Random(0))

    def _read(self, viewer: Viewer) -> None:
        assert viewer.line is not None
        if viewer.line.down:
            self._react(viewer, viewer.follower.receive(viewer.line.down.popleft(), self.now_s))
        elif viewer.line.code is not None:
            self._cut(viewer)

    def _react(self, viewer: Viewer, reaction: Reaction) -> None:
        for frame in reaction.send:
            if viewer.line is None or viewer.member is None or viewer.line.code is not None:
                return
            said = hear(viewer.line.viewer, frame)
            assert isinstance(said, Join)
            self.rooms[viewer.server].join(viewer.member, said.resume)
        if reaction.drop and viewer.line is not None:
            self._cut(viewer)


# How often each happens. Catastrophes heal everything (all take new pictures), so they must be rare for anything to go
# wrong before them.
OFTEN = [LiveFeed.change, LiveFeed.hear_publications, LiveFeed.tick, LiveFeed.read] * 6
SOMETIMES = [
    LiveFeed.take_and_give_back_while_somebody_comes, LiveFeed.hear_one_twice, LiveFeed.fetch_what_is_missing,
    LiveFeed.connect, LiveFeed.cut, LiveFeed.lose_a_frame, LiveFeed.mix_the_line, LiveFeed.lose_a_publication,
] * 2  # fmt: skip
RARELY = [
    LiveFeed.flush_the_store, LiveFeed.look_at_the_head, LiveFeed.beat, LiveFeed.lose_and_regain_the_source,
    LiveFeed.restart,
]  # fmt: skip
happenings = st.lists(
    st.tuples(st.sampled_from([*OFTEN, *SOMETIMES, *RARELY]), st.integers(0, 999)), min_size=10, max_size=80
)
log_sizes = st.sampled_from([1, 3, 50])


def live_through(log_max: int, story: list[tuple[Callable[[LiveFeed, random.Random], None], int]]) -> None:
    feed = LiveFeed(log_max)
    for happen, seed in story:
        happen(feed, random.Random(seed))
    feed.end_well()


# Derandomised: a defect found here must not come and go with the dice of a run of all tests.
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(log_sizes, happenings)
def test_every_interleaving_ends_with_every_client_equal_to_the_store(log_max: int, story: Any) -> None:
    live_through(log_max, story)


def believe_across_a_gap(patch: pytest.MonkeyPatch) -> None:
    whole = Follower._receive_delta

    def broken(self: Follower, delta: Any, reaction: Reaction) -> None:
        delta.since = min(delta.since, self.version)
        whole(self, delta, reaction)

    patch.setattr(Follower, "_receive_delta", broken)


def take_changes_out_of_turn(patch: pytest.MonkeyPatch) -> None:
    whole = Board.judge

    def broken(self: Board, change: Change) -> Verdict:
        verdict = whole(self, change)
        return Verdict.APPLIED if verdict is Verdict.GAP else verdict

    patch.setattr(Board, "judge", broken)


def answer_in_the_middle_of_a_tick(patch: pytest.MonkeyPatch) -> None:
    def broken(self: Room, member: Member, resume: Resume | None) -> None:
        self._groups[member.audience].members.add(member)
        self._answer(member, resume)

    patch.setattr(Room, "join", broken)


def resume_across_epochs(patch: pytest.MonkeyPatch) -> None:
    whole = Room._gap

    def broken(self: Room, audience: Any, resume: Resume) -> Any:
        return whole(self, audience, Resume(self.epoch, resume.version))

    def careless(self: Follower, delta: Any, reaction: Reaction) -> None:
        self.epoch = delta.epoch
        believe(self, delta, reaction)

    believe = Follower._receive_delta
    patch.setattr(Room, "_gap", broken)
    patch.setattr(Follower, "_receive_delta", careless)


@pytest.mark.parametrize(
    "defect",
    [believe_across_a_gap, take_changes_out_of_turn, answer_in_the_middle_of_a_tick, resume_across_epochs],
)
def test_the_harness_notices_a_broken_protocol(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    defect(monkeypatch)
    # Unshrunk: that one interleaving fails is all there is to see. The rarest defect shows in one of six hundred (the
    # mean of 12 seeds; the others in one of a hundred), and the search ends with the first.
    noticed = settings(
        max_examples=30_000, deadline=None, derandomize=True, phases=[Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )(given(log_sizes, happenings)(live_through))  # fmt: skip
    with pytest.raises((AssertionError, IndexError)):
        noticed()
