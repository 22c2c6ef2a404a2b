"""What the feed's tests share: a store that keeps its log like the real one, sockets that keep what they were given,
and a line between a room and a follower that delays, cuts and clogs."""

from __future__ import annotations

import json
import random
from collections import deque
from typing import Any

from realtime.messages import FREE, HELD, Change, Holder, Message, Picture, Quota, SeatChange
from realtime.protocol import Join, Limits, Pong, Refuse, Resume, Viewer
from realtime.room import Member, Need, Room

LEA = Holder("counter", "Counter 2 · Léa", "aaaaaaaa", 1_000_000)
ONLINE = Holder("buyer", "online", "bbbbbbbb", 2_000_000)


def change(version: int, *seats: SeatChange, epoch: str = "e1", quotas: dict[str, Quota] | None = None) -> Change:
    return Change(epoch, version, tuple(seats), quotas or {})


def held(ordinal: int, by: Holder = ONLINE) -> SeatChange:
    return SeatChange(ordinal, HELD, by.kind, by.label, by.ref, by.expires_at_ms)


def became(ordinal: int, state: int) -> SeatChange:
    return SeatChange(ordinal, state)


def picture(n: int = 10, *, epoch: str = "e1", version: int = 0, **more: Any) -> Picture:
    return Picture(epoch, version, bytes(n), more.pop("holders", {}), more.pop("quotas", {}), 1_000, **more)


class Sink:
    """A socket that keeps what it is given, until it is told to be full."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.closed: int | None = None
        self.full = False

    def send(self, message: Message) -> bool:
        if self.full:
            return False
        self.got.append(message)
        return True

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.got]

    def kinds(self) -> list[str]:
        return [frame["t"] for frame in self.frames()]


def open_room(first: Picture | None = None) -> Room:
    room = Room("7", lambda: 5_000)
    room.load(first or picture())
    return room


def watch(room: Room, audience: str = "buyer", resume: Resume | None = None, **more: Any) -> tuple[Member, Sink]:
    sink = Sink()
    member = Member(sink, audience, **more)
    room.join(member, resume)
    return member, sink


class Store:
    """One performance as the real store keeps it: states, holders, counters, epoch, version and a capped log."""

    def __init__(self, seats: int, log_max: int) -> None:
        self.seats = seats
        self.states = bytearray(seats)
        self.holders: dict[int, Holder] = {}
        self.quotas: dict[str, Quota] = {"performance:7": (0, seats)}
        self.epoch = "e0"
        self.version = 0
        self.log: deque[Change] = deque(maxlen=log_max)
        self._epochs = 0

    def step(self, ordinals: list[int], state: int, holder: Holder | None) -> Change:
        seats = [held(o, holder) if state == HELD and holder else became(o, state) for o in ordinals]
        for seat in seats:
            self.states[seat.ordinal] = seat.state
            self.holders.pop(seat.ordinal, None)
            if kept := seat.holder():
                self.holders[seat.ordinal] = kept
        self.version += 1
        self.quotas["performance:7"] = (sum(s != FREE for s in self.states), self.seats)
        made = Change(self.epoch, self.version, tuple(seats), dict(self.quotas))
        self.log.append(made)
        return made

    def flush(self) -> None:
        """Flushed and loaded again: what was held is free, the epoch is another, versions begin anew."""
        self.states = bytearray(FREE if s == HELD else s for s in self.states)
        self.holders.clear()
        self._epochs += 1
        self.epoch, self.version = f"e{self._epochs}", 0
        self.log.clear()
        self.quotas["performance:7"] = (sum(s != FREE for s in self.states), self.seats)

    def picture(self) -> Picture:
        return Picture(
            self.epoch, self.version, bytes(self.states), dict(self.holders), dict(self.quotas), 0,
            frozenset(self.quotas),
        )  # fmt: skip

    def changes_since(self, epoch: str, version: int) -> list[Change] | None:
        if epoch != self.epoch or version > self.version:
            return None
        gap = [each for each in self.log if each.version > version]
        return gap if len(gap) == self.version - version else None


def settle(room: Room, store: Store) -> None:
    """What the asyncio shell does until nothing is missing."""
    for _ in range(20):
        if room.need is Need.GAP and room.board is not None:
            room.fill(store.changes_since(room.board.epoch, room.board.version))
        elif room.need is Need.PICTURE:
            room.load(store.picture())
        else:
            break
    assert room.need is Need.NOTHING


def look(room: Room, store: Store) -> None:
    """The shell's look at the head, with nothing on its way."""
    assert room.board is not None
    if store.epoch != room.board.epoch:
        room.need = Need.PICTURE
    elif store.version > room.board.version:
        room.need = Need.GAP
    settle(room, store)


class Line:
    """One connection between a room and whoever follows: frames lie in it until they are read, or are lost with it."""

    def __init__(self, capacity: int) -> None:
        self.down: deque[str] = deque()
        self.code: int | None = None
        self.capacity = capacity
        self.viewer = Viewer(Limits(frames_burst=1_000_000), 0.0)

    def send(self, message: Message) -> bool:
        if len(self.down) >= self.capacity:
            return False
        if self.code is None:
            self.down.append(message.text)
        return True

    def close(self, code: int, reason: str) -> None:
        if self.code is None:
            self.code = code

    def shuffle(self, dice: random.Random) -> None:
        """A broken middlebox: what lies in the line is doubled and mixed."""
        frames = [*self.down, *dice.sample(list(self.down), len(self.down) // 2)]
        dice.shuffle(frames)
        self.down = deque(frames)


def hear(viewer: Viewer, frame: str) -> Join | Pong | Refuse:
    return viewer.receive(frame, 0.0)
