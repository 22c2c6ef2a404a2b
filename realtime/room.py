"""One performance and those who watch it, without IO or clock: what each change makes each audience see.

Invariants, which the property test in tests/realtime/test_convergence.py breaks one by one to see the harness notice:
- The board is only ever moved by the very next change, by a whole gap, or by a whole picture (`Need` says which is
  missing; what arrives meanwhile is parked).
- A viewer is answered only between two flushes. Inside one, a seat may have been taken and given back: a viewer who
  had seen the taken half would never be told of the other, since the flush compares ends only.
- `group.top` is at most the version of every viewer of the group, so `from: top` never makes a gap of our own.
- Bytes are built once an audience and written to all; nothing private passes here (a cart's own viewers are only told
  *that* they were touched, through `Member.touched`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from realtime import messages
from realtime.audiences import AUDIENCES, Audience
from realtime.board import Board, Verdict
from realtime.messages import CLOSE_SLOW, Change, Holder, Message, Picture, Quota
from realtime.protocol import Resume

PARKED_MAX = 2000
# A gap of so many seats costs more bytes than the picture (a seat in a delta: about 8 characters; packed: bits / 6).
_DELTA_CHARS_PER_SEAT = 8


class Socket(Protocol):
    """Where frames go. Neither call blocks or raises, whatever the peer does."""

    def send(self, message: Message) -> bool:
        """False: so much is unread already that this reader must be cut off; nothing was queued."""

    def close(self, code: int, reason: str) -> None: ...


@dataclass(eq=False, slots=True)
class Member:
    """One viewer. `ref`: its cart's public name, if it has one; `touched` is called after a change of that cart's
    seats or of those in `watches`, and when all holds may have gone."""

    socket: Socket
    audience: str
    ref: str | None = None
    watches: frozenset[int] = frozenset()
    touched: Callable[[], None] | None = None
    answered: bool = False


class Need(Enum):
    NOTHING = "nothing"
    GAP = "gap"
    PICTURE = "picture"


@dataclass(eq=False, slots=True)
class _Group:
    audience: Audience
    members: set[Member] = field(default_factory=set)
    top: int = 0


class Room:
    """See the module. `clock_ms` is this process's clock; pictures bring the source's, and frames carry the latter."""

    def __init__(self, topic: str, clock_ms: Callable[[], int]) -> None:
        self.topic = topic
        self.board: Board | None = None
        self.need = Need.PICTURE
        self.trusted = True
        self._clock_ms = clock_ms
        self._ahead_ms = 0
        self._twist = ""
        self._diverged = False
        self._groups = {name: _Group(audience) for name, audience in AUDIENCES.items()}
        self._carts: dict[str, set[Member]] = {}
        self._watchers: dict[int, set[Member]] = {}
        self._waiting: dict[Member, Resume | None] = {}
        self._parked: list[Change] = []
        self._before: dict[int, tuple[int, Holder | None]] = {}
        self._quotas_before: dict[str, Quota | None] = {}
        self._refs: set[str] = set()
        self._dirty = False
        self._tails: dict[str, bytes] = {}
        self._gaps: dict[tuple[str, int], Message | None] = {}
        self._retained: Mapping[str, Message] = {}

    # -- who watches

    @property
    def members(self) -> int:
        return sum(len(group.members) for group in self._groups.values())

    @property
    def dirty(self) -> bool:
        return self._dirty or (bool(self._waiting) and self.board is not None and self.need is Need.NOTHING)

    def join(self, member: Member, resume: Resume | None) -> None:
        """Also for a second hello of the same member. The answer comes now, or after the flush or load under way."""
        group = self._groups[member.audience]
        if not group.members and self.board is not None:
            group.top = self.board.version
        group.members.add(member)
        self.identify(member, member.ref)
        if (
            resume is not None
            and self.board is not None
            and self.need is Need.NOTHING
            and resume.epoch == self.epoch
            and resume.version > self.board.version
        ):
            self.need = Need.GAP  # another process told it more than we have heard yet
        if self.board is None or self._dirty or self.need is not Need.NOTHING:
            self._waiting[member] = resume
        else:
            self._answer(member, resume)

    def leave(self, member: Member) -> None:
        self._groups[member.audience].members.discard(member)
        self._waiting.pop(member, None)
        self._forget_cart(member)
        self.watch(member, frozenset())

    def identify(self, member: Member, ref: str | None) -> None:
        """From now on this viewer's cart is `ref`."""
        self._forget_cart(member)
        member.ref = ref
        if ref is not None and member in self._groups[member.audience].members:
            self._carts.setdefault(ref, set()).add(member)

    def watch(self, member: Member, ordinals: frozenset[int]) -> None:
        """From now on this viewer is touched when one of these seats changes: what is kept for it (AHEAD-2) looks the
        same to everybody else, whoever has it."""
        for ordinal in member.watches - ordinals:
            watchers = self._watchers[ordinal]
            watchers.discard(member)
            if not watchers:
                del self._watchers[ordinal]
        if member not in self._groups[member.audience].members:
            ordinals = frozenset()
        for ordinal in ordinals - member.watches:
            self._watchers.setdefault(ordinal, set()).add(member)
        member.watches = ordinals

    def close_all(self, code: int, reason: str) -> None:
        for group in self._groups.values():
            for member in list(group.members):
                self.leave(member)
                member.socket.close(code, reason)

    # -- what the source says

    @property
    def epoch(self) -> str:
        """As viewers know it. A log that was rewound keeps its epoch at the source, but must not be resumed from."""
        return f"{self.board.epoch}{self._twist}" if self.board else ""

    def deliver(self, change: Change) -> None:
        """A change as it was published: in order, doubled, late, early, or of another epoch."""
        if self.board is None or self.need is not Need.NOTHING:
            if len(self._parked) >= PARKED_MAX:
                self._parked.clear()  # the next change after the load will show the gap
            self._parked.append(change)
            return
        verdict = self._take(change)
        if verdict is Verdict.GAP:
            self.need = Need.GAP
            self._parked.append(change)
        elif verdict is Verdict.OTHER_EPOCH or verdict is Verdict.DIVERGED:
            self.need = Need.PICTURE
            self._parked.append(change)
            if verdict is Verdict.DIVERGED:
                self.rewound()

    def fill(self, gap: Iterable[Change] | None) -> None:
        """The changes after our version, all of them; None when the source has not kept them."""
        if gap is None or self.board is None:
            self.need = Need.PICTURE
            return
        for change in gap:
            verdict = self._take(change)
            if verdict is not Verdict.APPLIED and verdict is not Verdict.DUPLICATE:
                self.need = Need.PICTURE
                return
        self._settled()

    def load(self, picture: Picture, past: list[Change] | None = None) -> None:
        """A whole picture. Within an epoch its viewers get what differs; in a new one they get it all.

        `past`: the steps that led to it, for those who come with versions from before this room opened.
        """
        self._ahead_ms = picture.server_ms - self._clock_ms()
        old = self.board
        later = old is not None and not self._diverged and _continues(old, picture)
        self.board = Board(picture)
        self.board.remember(past or [])
        self._stale_caches()
        if old is None:
            for group in self._groups.values():
                group.top = picture.version
        elif later:
            self._compare(old, picture)
        else:
            self._twist = f"~{picture.server_ms:x}" if picture.epoch == old.epoch else ""
            self._replace_all()
        self._diverged = False
        # Read before the picture was, so a change of another epoch is older than it. (Were it of a still newer one, the
        # next look at the head shows it; kept, a belated message of a dead epoch would have us load for ever.)
        self._parked = [change for change in self._parked if change.epoch == picture.epoch]
        self._settled()

    def rewound(self) -> None:
        """The source has less, or other, than it had within the same epoch: nothing we know is worth keeping."""
        self._diverged = True
        self.need = Need.PICTURE

    def doubt(self, reason: str) -> None:
        """The source cannot be reached: tell everybody once that the picture may be out of date."""
        if self.trusted:
            self.trusted = False
            self._broadcast_all(messages.resnapshot(reason))

    def trust(self) -> None:
        """The source is back and the board is settled: what was missed, and a beat to say that this is all."""
        if not self.trusted and self.board is not None and self.need is Need.NOTHING:
            self.trusted = True
            self.flush()
            self.beat()

    def retain(self, kept: Mapping[str, Message]) -> None:
        """What everybody is to know besides the seats, by kind: told to whoever is here when it changes, and to whoever
        comes, behind the answer to each hello. It has no version and is in no delta: a client that was away hears the
        present ones and compares."""
        before, self._retained = self._retained, kept
        for kind, message in kept.items():
            if kind not in before or before[kind].payload != message.payload:
                self._broadcast_all(message)

    # -- what viewers get

    def flush(self) -> None:
        """Everything since the last flush, once an audience; then those who waited for its end."""
        board = self.board
        if board is None:
            return
        if self._dirty:
            for group in self._groups.values():
                if not group.members:
                    continue
                message = self._delta(group, board)
                if message is not None:
                    group.top = board.version
                    self._broadcast(group, message)
            concerned = self._concerned()
            self._clean()
            for member in concerned:
                if member.touched:
                    member.touched()
        if self.need is Need.NOTHING:
            self._answer_waiting()

    def beat(self) -> None:
        """Alive, and up to here. Not said while the source is out of reach: silence is how viewers find out."""
        if self.board is None or not self.trusted:
            return
        for group in self._groups.values():
            if group.members:
                self._broadcast(group, messages.beat(self.epoch, group.top, self.server_ms()))

    def beat_one(self, member: Member) -> None:
        if self.board is not None and member.answered and self.trusted:
            top = self._groups[member.audience].top
            self._send(member, messages.beat(self.epoch, top, self.server_ms()))

    def server_ms(self) -> int:
        return self._clock_ms() + self._ahead_ms

    # -- inside

    def _take(self, change: Change) -> Verdict:
        board = self.board
        assert board is not None
        verdict = board.judge(change)
        if verdict is Verdict.APPLIED:
            for seat in board.seats_of(change):
                self._touch(seat.ordinal, board.states[seat.ordinal], board.holders.get(seat.ordinal), seat.ref)
            for name in change.quotas:
                self._quotas_before.setdefault(name, board.quotas.get(name))
            board.apply(change)
            self._dirty = True
            self._stale_caches()
        return verdict

    def _touch(self, ordinal: int, state: int, holder: Holder | None, ref: str) -> None:
        self._before.setdefault(ordinal, (state, holder))
        if ref:
            self._refs.add(ref)
        if holder is not None and holder.ref:
            self._refs.add(holder.ref)

    def _compare(self, old: Board, picture: Picture) -> None:
        for ordinal, state in enumerate(picture.states):
            holder = picture.holders.get(ordinal)
            if state != old.states[ordinal] or holder != old.holders.get(ordinal):
                self._touch(ordinal, old.states[ordinal], old.holders.get(ordinal), holder.ref if holder else "")
        for name, quota in picture.quotas.items():
            if quota != old.quotas.get(name):
                self._quotas_before.setdefault(name, old.quotas.get(name))
        self._dirty = self._dirty or picture.version != old.version

    def _settled(self) -> None:
        """Nothing is missing: what was parked follows, and may show that something is."""
        self.need = Need.NOTHING
        parked, self._parked = self._parked, []
        for change in parked:
            self.deliver(change)
        if self.need is Need.NOTHING and not self._dirty:
            self._answer_waiting()

    def _delta(self, group: _Group, board: Board) -> Message | None:
        see = group.audience.seat
        seats = []
        for ordinal, (state, holder) in self._before.items():
            now = see(ordinal, board.states[ordinal], board.holders.get(ordinal))
            if now != see(ordinal, state, holder):
                seats.append(now)
        changed = {
            name: board.quotas[name]
            for name, before in self._quotas_before.items()
            if name in board.quotas and board.quotas[name] != before
        }
        quotas = group.audience.quotas(changed, board.public_quotas)
        if not seats and not quotas:
            return None
        return messages.delta(self.epoch, group.top, board.version, seats, quotas)

    def _answer(self, member: Member, resume: Resume | None) -> None:
        group = self._groups[member.audience]
        message = self._gap(group.audience, resume) if resume is not None else None
        member.answered = True
        if self._send(member, message or self._snapshot(group.audience)) and not self.trusted:
            self._send(member, messages.resnapshot("source_unreachable"))
        self._tell_retained(member)

    def _tell_retained(self, member: Member) -> None:
        for message in self._retained.values():
            if member in self._groups[member.audience].members:  # else it was cut off by the frame before
                self._send(member, message)

    def _answer_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for member, resume in waiting.items():
            group = self._groups[member.audience]
            if member in group.members:
                self._answer(member, resume)

    def _gap(self, audience: Audience, resume: Resume) -> Message | None:
        """The whole gap, or None: take the picture instead. Kept, since many resume from the same place at once."""
        board = self.board
        if board is None or resume.epoch != self.epoch:
            return None
        key = (audience.name, resume.version)
        if key not in self._gaps:
            touched = board.touched_since(resume.version)
            self._gaps[key] = None
            if touched is not None:
                ordinals, quotas = touched
                if len(ordinals) * _DELTA_CHARS_PER_SEAT <= max(64, len(board.states) * audience.bits // 6):
                    seats = [audience.seat(o, board.states[o], board.holders.get(o)) for o in sorted(ordinals)]
                    counters = audience.quotas(
                        {q: board.quotas[q] for q in quotas if q in board.quotas}, board.public_quotas
                    )
                    self._gaps[key] = messages.delta(self.epoch, resume.version, board.version, seats, counters)
        return self._gaps[key]

    def _snapshot(self, audience: Audience) -> Message:
        board = self.board
        assert board is not None
        tail = self._tails.get(audience.name)
        if tail is None:
            holders = None
            if audience.sees_holders:
                holders = [(o, h.kind, h.label, h.expires_at_ms) for o, h in sorted(board.holders.items())]
            codes = bytes(board.states).translate(audience.table())
            quotas = audience.quotas(board.quotas, board.public_quotas)
            tail = messages.snapshot_tail(self.epoch, board.version, codes, audience.bits, quotas, holders)
            self._tails[audience.name] = tail
        return messages.snapshot(tail, self.server_ms())

    def _replace_all(self) -> None:
        """A snapshot to everybody; it covers what was not flushed yet and answers those who waited."""
        assert self.board is not None
        self._clean()
        self._waiting.clear()
        for group in self._groups.values():
            group.top = self.board.version
            if group.members:
                fresh = [member for member in group.members if not member.answered]
                for member in group.members:
                    member.answered = True
                self._broadcast(group, self._snapshot(group.audience))
                for member in fresh:
                    self._tell_retained(member)
        for member in set[Member]().union(*self._carts.values(), *self._watchers.values()):
            if member.touched:
                member.touched()

    def _concerned(self) -> set[Member]:
        """Whose cart's seats, or whose kept seats, are among what changed since the last flush."""
        concerned: set[Member] = set()
        for ref in self._refs:
            concerned.update(self._carts.get(ref, ()))
        if self._watchers:
            for ordinal in self._before:
                concerned.update(self._watchers.get(ordinal, ()))
        return concerned

    def _clean(self) -> None:
        self._before.clear()
        self._quotas_before.clear()
        self._refs = set()
        self._dirty = False

    def _stale_caches(self) -> None:
        self._tails.clear()
        self._gaps.clear()

    def _broadcast_all(self, message: Message) -> None:
        for group in self._groups.values():
            self._broadcast(group, message)

    def _broadcast(self, group: _Group, message: Message) -> None:
        """To everybody who has a picture; those who wait get theirs later, and it will include this."""
        slow = [member for member in group.members if member.answered and not member.socket.send(message)]
        for member in slow:
            self._cut(member)

    def _send(self, member: Member, message: Message) -> bool:
        if member.socket.send(message):
            return True
        self._cut(member)
        return False

    def _cut(self, member: Member) -> None:
        """It reads slower than things change: cheaper for everybody to let it come back and take a picture."""
        self.leave(member)
        member.socket.close(CLOSE_SLOW, "reads too slowly")

    def _forget_cart(self, member: Member) -> None:
        if member.ref is not None and (members := self._carts.get(member.ref)) is not None:
            members.discard(member)
            if not members:
                del self._carts[member.ref]


def _continues(old: Board, picture: Picture) -> bool:
    """May the picture be told as a difference? Not in another epoch, not backwards, not when one version has two
    contents: then viewers would keep what they have and believe it."""
    if old.epoch != picture.epoch or len(old.states) != len(picture.states) or picture.version < old.version:
        return False
    return picture.version > old.version or (old.states == picture.states and old.holders == picture.holders)
