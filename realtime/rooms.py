"""The asyncio shell of the rooms: one task and one subscription per topic that somebody watches, none for the others.

The task looks at the source's head about once a second (jittered, so that processes and rooms do not look in step).
That is what makes everything else a mere matter of speed: a publication that was lost, a pub/sub connection that died
without a word, a Redis that was flushed or failed over show within that second, whatever caused them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Protocol, TypeVar

import msgspec

from realtime.board import HISTORY_STEPS, Board, Verdict
from realtime.messages import ALLOTTED, CLOSE_INTERNAL, CLOSE_RESTART, CLOSE_UNKNOWN, Change, Message, Picture
from realtime.protocol import Resume
from realtime.room import Member, Need, Room

log = logging.getLogger("placeur.feed")

T = TypeVar("T")
COMPARED_STEPS = 32
"""How many of our last steps are held against the source's when it may have been replaced."""


class Hint(Enum):
    """What is published besides changes: not news itself, only that there is some."""

    RETAINED = "what is retained has changed"


Deliver = Callable[[Change | Hint | None], None]
"""Called with each change as it is published; with None when some may have been missed."""
Unsubscribe = Callable[[], Awaitable[None]]


class SourceUnavailable(Exception):
    """The source cannot be reached now; the rooms try again and tell their viewers."""


class TopicMissing(Exception):
    """The source does not hold this topic now: `rebuild` may bring it back."""


class Source(Protocol):
    """Where a topic's truth comes from. Every call may raise SourceUnavailable."""

    async def snapshot(self, topic: str) -> Picture:
        """Raises TopicMissing."""

    async def changes_since(self, topic: str, epoch: str, version: int) -> list[Change] | None:
        """All changes after `version`, in order; None when not all are kept, or the epoch is another."""

    async def head(self, topic: str) -> tuple[str, int] | None:
        """Epoch and version now; None when the topic is missing."""

    async def retained(self, topic: str) -> Mapping[str, Message]:
        """What everybody is to know besides the seats, by kind (see `Room.retain`)."""

    async def subscribe(self, topic: str, deliver: Deliver) -> Unsubscribe: ...

    async def rebuild(self, topic: str) -> None:
        """The topic is missing: load it again, from whatever outlives the source. Many processes may ask at once."""


class RoomSettings(msgspec.Struct, frozen=True):
    """Times in seconds. `tick_s`: changes closer together than this travel as one delta. `answer_s`: a source that is
    silent for longer is out of reach; a dead network takes what is written and never says that nobody reads it.
    `recall_s`: what is retained is asked for again this often, should a hint have been lost; `recall_pause_s`: but
    never sooner than this, however many hints there are, since each change of it is a frame to everybody."""

    tick_s: float = 0.02
    check_s: float = 1.0
    beat_s: float = 10.0
    linger_s: float = 5.0
    retry_s: float = 0.25
    patience_s: float = 0.05
    answer_s: float = 5.0
    recall_s: float = 30.0
    recall_pause_s: float = 1.0
    doubt_after: int = 3


class Rooms:
    """All rooms of this process. Use from one event loop."""

    def __init__(
        self,
        source: Source,
        settings: RoomSettings | None = None,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        dice: random.Random | None = None,
    ) -> None:
        self._source = source
        self._settings = settings or RoomSettings()
        self._clock_ms = clock_ms
        self._dice = dice or random.Random()  # noqa: S311  jitter, not a secret
        self._live: dict[str, _Live] = {}

    def join(self, topic: str, member: Member, resume: Resume | None) -> Room:
        """Watch a topic; the answer comes through the member's socket. Also for a second hello."""
        live = self._live.get(topic)
        if live is None:
            room = Room(topic, self._clock_ms)
            live = _Live(room, self._source, self._settings, self._dice, self._forget)
            self._live[topic] = live
            live.start()
        live.room.join(member, resume)
        live.attend()
        return live.room

    def leave(self, topic: str, member: Member) -> None:
        live = self._live.get(topic)
        if live is not None:
            live.room.leave(member)
            if not live.room.members:
                live.wake.set()

    def identify(self, topic: str, member: Member, ref: str | None) -> None:
        """This viewer's cart became known, or another."""
        if (live := self._live.get(topic)) is not None:
            live.room.identify(member, ref)

    def watch(self, topic: str, member: Member, ordinals: frozenset[int]) -> list[int] | None:
        """This viewer is touched by changes of these seats; those of them that are kept (ALLOTTED) now, in order. None:
        not known at the moment."""
        if (live := self._live.get(topic)) is None:
            return None
        live.room.watch(member, ordinals)
        board = live.room.board
        if board is None or live.room.need is not Need.NOTHING:
            return None
        return sorted(o for o in ordinals if o < len(board.states) and board.states[o] == ALLOTTED)

    def beat_one(self, topic: str, member: Member) -> None:
        """Answer a ping."""
        if (live := self._live.get(topic)) is not None:
            live.room.beat_one(member)

    def topics(self) -> dict[str, int]:
        """What is watched now, by how many."""
        return {topic: live.room.members for topic, live in self._live.items()}

    async def close(self) -> None:
        """The process stops: send everybody elsewhere, at their own pace."""
        for live in list(self._live.values()):
            live.room.close_all(CLOSE_RESTART, "restarting")
            await live.stop()
        self._live.clear()

    def _forget(self, live: _Live) -> None:
        if self._live.get(live.room.topic) is live:
            del self._live[live.room.topic]


class _Live:
    """A room with its task, its subscription and its timers."""

    def __init__(
        self,
        room: Room,
        source: Source,
        settings: RoomSettings,
        dice: random.Random,
        forget: Callable[[_Live], None],
    ) -> None:
        self.room = room
        self.wake = asyncio.Event()
        self._source = source
        self._settings = settings
        self._dice = dice
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._flush_handle: asyncio.Handle | None = None
        self._flush_from_s = 0.0
        self._look_s = 0.0
        self._beat_s = self._loop.time() + dice.uniform(0.5, 1) * settings.beat_s
        self._empty_since_s: float | None = None
        self._failures = 0
        self._unheard = False
        self._recall_s = self._recall_from_s = 0.0
        self._recalling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._loop.create_task(self._run(), name=f"room {self.room.topic}")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def deliver(self, change: Change | Hint | None) -> None:
        """From the bus, in the loop's thread. None: messages may have been missed, so look at once."""
        if change is None:
            self._unheard = True
            self._look_s = 0.0
            self._recall_s = self._recall_from_s
            self.wake.set()
        elif isinstance(change, Hint):
            self._recall_s = self._recall_from_s
            self.wake.set()
        else:
            self.room.deliver(change)
            self.attend()

    def attend(self) -> None:
        """The room may have something to fetch or to send."""
        if self.room.need is not Need.NOTHING:
            self.wake.set()
        if self.room.dirty and self._flush_handle is None:
            self._flush_handle = self._loop.call_at(max(self._loop.time(), self._flush_from_s), self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        started = self._loop.time()
        self.room.flush()
        # A flush to thousands takes longer than a tick: never spend more than half of the loop on writing.
        self._flush_from_s = started + max(self._settings.tick_s, 2 * (self._loop.time() - started))
        self.attend()

    async def _run(self) -> None:
        unsubscribe: Unsubscribe | None = None
        try:
            while not self._deserted():
                self.wake.clear()
                try:
                    if unsubscribe is None:
                        unsubscribe = await self._source.subscribe(self.room.topic, self.deliver)
                    await self._settle()
                    if self._loop.time() >= self._look_s:
                        await self._look()
                    self._reached()
                except SourceUnavailable as problem:
                    self._missed(problem)
                except TopicMissing:
                    self.room.close_all(CLOSE_UNKNOWN, "no such feed")
                    return
                self.attend()
                self._recall_if_due()
                self._beat_if_due()
                await self._sleep()
        finally:
            self._forget(self)
            if self._recalling is not None:
                self._recalling.cancel()
            if self._flush_handle is not None:
                self._flush_handle.cancel()
            if unsubscribe is not None:
                await unsubscribe()

    async def _settle(self) -> None:
        """Fetch what the room lacks. A few rounds: under a storm of changes the rest follows at the next turn."""
        room = self.room
        for _ in range(5):
            board = room.board
            if room.need is Need.NOTHING:
                return
            if room.need is Need.GAP and board is not None:
                await self._fill(board)
            else:
                await self._load()

    async def _fill(self, board: Board) -> None:
        """The gap, and our own last steps with it: a fail-over that lost some may have passed our version since, with
        other steps. Its numbers alone would look like ours."""
        known = min(COMPARED_STEPS, board.version - board.floor)
        gap = await self._answer(self._source.changes_since(self.room.topic, board.epoch, board.version - known))
        if gap is not None and any(board.judge(step) is Verdict.DIVERGED for step in gap):
            self.room.rewound()
        else:
            self.room.fill(gap)

    async def _load(self) -> None:
        room, source = self.room, self._source
        try:
            picture = await self._answer(source.snapshot(room.topic))
        except TopicMissing:
            await source.rebuild(room.topic)
            picture = await self._answer(source.snapshot(room.topic))
        fresh = room.board is None
        past: list[Change] | None = None
        if fresh and picture.version > 0:
            # The viewers of a process that died come here with versions from before our time.
            oldest = max(0, picture.version - HISTORY_STEPS)
            past = await self._answer(source.changes_since(room.topic, picture.epoch, oldest))
        room.load(picture, past)

    async def _look(self) -> None:
        """Compare with the source's head. Only what was true before the question was asked may be held against it."""
        room, board = self.room, self.room.board
        if board is None:
            return
        epoch, version, unheard = board.epoch, board.version, self._unheard
        head = await self._answer(self._source.head(room.topic))
        self._look_s = self._loop.time() + self._settings.check_s * self._dice.uniform(0.8, 1.2)
        if head is None:
            await self._source.rebuild(room.topic)
            room.need = Need.PICTURE
        elif head[0] != epoch:
            room.need = Need.PICTURE
        elif head[1] < version:
            room.rewound()
        elif unheard:
            self._unheard = False
            room.need = Need.GAP if room.need is Need.NOTHING else room.need
        elif head[1] > version and await self._still_behind(head):
            room.need = Need.GAP if room.need is Need.NOTHING else room.need
        await self._settle()

    async def _still_behind(self, head: tuple[str, int]) -> bool:
        """Mostly the publication is merely on its way by the other connection."""
        board = self.room.board
        if board is not None and board.version < head[1]:
            await asyncio.sleep(self._settings.patience_s)
        board = self.room.board
        return board is not None and board.epoch == head[0] and board.version < head[1]

    async def _answer(self, question: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._settings.answer_s):
                return await question
        except TimeoutError as problem:
            raise SourceUnavailable(f"no answer within {self._settings.answer_s:g} s") from problem

    def _reached(self) -> None:
        self._failures = 0
        self.room.trust()

    def _missed(self, problem: SourceUnavailable) -> None:
        self._failures += 1
        self._unheard = True
        self._look_s = 0.0
        if self._failures == self._settings.doubt_after:
            log.warning("feed %s: its source is out of reach: %s", self.room.topic, problem)
            self.room.doubt("source_unreachable")

    def _beat_if_due(self) -> None:
        now = self._loop.time()
        if now >= self._beat_s and not self._failures:
            self._beat_s = now + self._settings.beat_s
            self.room.beat()

    def _recall_if_due(self) -> None:
        """Beside the room's own work: it may be asked of another engine, and the seats do not wait for that one."""
        now = self._loop.time()
        if now >= self._recall_s and self._recalling is None:
            self._recall_from_s = now + self._settings.recall_pause_s
            self._recall_s = now + self._settings.recall_s * self._dice.uniform(0.8, 1.2)
            self._recalling = self._loop.create_task(self._recall(), name=f"recall {self.room.topic}")
            self._recalling.add_done_callback(self._recalled)

    async def _recall(self) -> None:
        try:
            self.room.retain(await self._answer(self._source.retained(self.room.topic)))
        except SourceUnavailable as problem:
            log.info("feed %s: what is retained stays as it was: %s", self.room.topic, problem)
            self._recall_s = min(self._recall_s, self._loop.time() + self._settings.check_s)

    def _recalled(self, task: asyncio.Task[None]) -> None:
        self._recalling = None
        self.wake.set()  # a hint may have come while we asked: then the answer is older, and it is due again
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("feed %s: what is retained stays as it was, on a defect", self.room.topic, exc_info=problem)

    async def _sleep(self) -> None:
        now = self._loop.time()
        if self._failures:
            await asyncio.sleep(self._settings.retry_s * self._dice.uniform(0.5, 1.5))
            return
        pause_s = min(self._look_s, self._beat_s, math.inf if self._recalling else self._recall_s) - now
        if self.room.need is not Need.NOTHING:
            pause_s = self._settings.patience_s
        if self._empty_since_s is not None:
            pause_s = min(pause_s, self._settings.linger_s)
        try:
            async with asyncio.timeout(max(pause_s, 0)):
                await self.wake.wait()
        except TimeoutError:
            return

    def _deserted(self) -> bool:
        """Nobody has watched for a while: a page that reloads finds the room still warm, then it goes."""
        if self.room.members:
            self._empty_since_s = None
            return False
        now = self._loop.time()
        if self._empty_since_s is None:
            self._empty_since_s = now
        return now - self._empty_since_s >= self._settings.linger_s

    def _ended(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("feed %s stopped on a defect; its viewers come back", self.room.topic, exc_info=problem)
            self.room.close_all(CLOSE_INTERNAL, "internal error")
