"""The client's side of the feed, without IO: frontend/ts/core/follower.ts is the same machine in TypeScript.

The shell around it (client.py) opens sockets and sleeps; this decides what to say, what to believe and what to drop:
older and doubled input is dropped, what comes before the picture is kept for after it, a gap is never papered over.
"""

from __future__ import annotations

import random
from collections import deque
from enum import Enum
from typing import Any

import msgspec

from realtime import messages
from realtime.messages import PROTOCOL_VERSION, Quota, unpack

BEAT_TIMEOUT_S = 25.0  # the server beats every 10 s
JOIN_TIMEOUT_S = 15.0  # a server that cannot reach its source leaves hello unanswered; another one may reach it
PARKED_MAX = 1000
NOTICED_MAX = 100
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 20.0

FINAL_CLOSES = frozenset(
    {
        messages.CLOSE_MALFORMED,
        messages.CLOSE_SIGNED_OUT,
        messages.CLOSE_FORBIDDEN,
        messages.CLOSE_UNKNOWN,
        messages.CLOSE_TOO_BIG,
        1009,  # the websocket library's own word for too big
    }
)
"""Coming back would only be refused again."""


class Status(Enum):
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"


class SeatView(msgspec.Struct, frozen=True, array_like=True):
    ordinal: int
    code: int
    kind: str = ""
    label: str = ""
    expires_at_ms: int = 0


class HolderView(msgspec.Struct, frozen=True, array_like=True):
    ordinal: int
    kind: str
    label: str
    expires_at_ms: int


class SnapshotTaken(msgspec.Struct, frozen=True):
    """Everything was replaced: read the follower."""


class DeltaTaken(msgspec.Struct, frozen=True):
    seats: tuple[SeatView, ...]
    quotas: dict[str, Quota]


class CartTaken(msgspec.Struct, frozen=True):
    cart: dict[str, Any] | None


class KeptSeats(msgspec.Struct, frozen=True):
    """All that is kept for this visitor and can be had now, by ordinal."""

    seats: tuple[int, ...]


class FiguresTaken(msgspec.Struct, frozen=True):
    figures: dict[str, Any]


class NoticeTaken(msgspec.Struct, frozen=True):
    """Words for this visitor alone."""

    id: str
    kind: str
    text: str
    href: str = ""


class OwnEntry(msgspec.Struct, frozen=True):
    """One's own place on a waitlist; performance, tariff: None is any. `until_ms` and what follows: of an offer."""

    id: int
    event: int
    performance: int | None
    tariff: int | None
    count: int
    position: int
    state: str
    until_ms: int | None = None
    offered_performance: int | None = None
    offered_count: int = 0


class WaitlistTaken(msgspec.Struct, frozen=True):
    """All that this visitor waits for."""

    entries: tuple[OwnEntry, ...]


class SeatViewChanged(msgspec.Struct, frozen=True):
    """Other photos show the views from the seats now; "": none."""

    version: str


class StatusChanged(msgspec.Struct, frozen=True):
    status: Status


class Refused(msgspec.Struct, frozen=True):
    """The server's own words before it closes."""

    code: str
    message: str


Event = (
    SnapshotTaken
    | DeltaTaken
    | CartTaken
    | KeptSeats
    | FiguresTaken
    | NoticeTaken
    | WaitlistTaken
    | SeatViewChanged
    | StatusChanged
    | Refused
)


class Reaction(msgspec.Struct):
    """Send these frames, tell these events, and `drop` the connection (then come back) when it cannot be trusted."""

    send: list[str] = msgspec.field(default_factory=list)
    events: list[Event] = msgspec.field(default_factory=list)
    drop: bool = False


class _Snapshot(msgspec.Struct):
    epoch: str
    version: int
    n: int
    bits: int
    states: str
    server_ms: int
    quotas: dict[str, Quota]
    holders: list[HolderView] = msgspec.field(default_factory=list)


class _Delta(msgspec.Struct):
    epoch: str
    since: int = msgspec.field(name="from")
    version: int
    seats: tuple[SeatView, ...]
    quotas: dict[str, Quota]


class _Beat(msgspec.Struct):
    server_ms: int
    epoch: str = ""
    version: int = 0


class _Mine(msgspec.Struct):
    cart: dict[str, Any] | None


class _Kept(msgspec.Struct):
    seats: tuple[int, ...]


class _SeatView(msgspec.Struct):
    version: str


class _Error(msgspec.Struct):
    code: str
    message: str


class _Kind(msgspec.Struct):
    t: str


class Follower:
    """What one client knows. `codes[ordinal]` is this audience's code; `epoch` "" means: no picture yet."""

    def __init__(self) -> None:
        self.status = Status.CONNECTING
        self.epoch = ""
        self.version = 0
        self.bits = 1
        self.codes = bytearray()
        self.holders: dict[int, SeatView] = {}
        self.quotas: dict[str, Quota] = {}
        self.cart: dict[str, Any] | None = None
        self.kept: tuple[int, ...] = ()
        self.waitlist: tuple[OwnEntry, ...] = ()
        self.seat_view = ""
        self.ahead_ms = 0
        self._joining = False
        self._gaps_in_a_row = 0
        self._doubted = False
        self._parked: list[_Delta] = []
        self._noticed: deque[str] = deque(maxlen=NOTICED_MAX)
        self._heard_s = 0.0
        self._asked_s = 0.0
        self._attempts = 0

    def opened(self, now_s: float) -> Reaction:
        """The socket is open: say hello, with where we stopped if we were anywhere."""
        self._heard_s = now_s
        self._doubted = False  # of the server before; this one says so itself
        reaction = Reaction()
        self._hello(reaction, resume=bool(self.epoch))
        return reaction

    def receive(self, text: str, now_s: float) -> Reaction:
        """Any frame of the server. One that does not parse, or does not fit, drops the connection."""
        self._heard_s = now_s
        reaction = Reaction()
        try:
            self._dispatch(text, now_s, reaction)
        except (msgspec.DecodeError, ValueError, IndexError):
            self.epoch = ""  # what we have was built by frames like this one
            reaction.drop = True
        return reaction

    def tick(self, now_s: float) -> Reaction:
        """Call about once a second: a server that fell silent is gone, whatever the socket says."""
        reaction = Reaction()
        unanswered = self._joining and now_s - self._asked_s > JOIN_TIMEOUT_S
        if unanswered or now_s - self._heard_s > BEAT_TIMEOUT_S:
            self._become(Status.STALE, reaction)
            reaction.drop = True
        return reaction

    def closed(self, code: int, dice: random.Random) -> tuple[float | None, Reaction]:
        """The socket is gone: seconds to wait before the next, None if the server does not want us back.

        Waits are spread over their whole range: 10,000 viewers of a process that died must not return as one.
        """
        reaction = Reaction()
        self._parked.clear()
        self._joining = False
        if self.status is Status.LIVE:
            self._become(Status.CONNECTING, reaction)
        if code in FINAL_CLOSES:
            self._become(Status.STALE, reaction)
            return None, reaction
        longest = min(RETRY_MAX_S, RETRY_FIRST_S * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 10)
        return dice.uniform(0, longest), reaction

    def _dispatch(self, text: str, now_s: float, reaction: Reaction) -> None:
        kind = msgspec.json.decode(text, type=_Kind).t
        if kind == "delta":
            self._receive_delta(msgspec.json.decode(text, type=_Delta), reaction)
        elif kind == "snapshot":
            self._receive_snapshot(msgspec.json.decode(text, type=_Snapshot), now_s, reaction)
        elif kind == "beat":
            self._receive_beat(msgspec.json.decode(text, type=_Beat), now_s, reaction)
        elif kind == "mine":
            self.cart = msgspec.json.decode(text, type=_Mine).cart
            reaction.events.append(CartTaken(self.cart))
        elif kind == "kept":
            self.kept = msgspec.json.decode(text, type=_Kept).seats
            reaction.events.append(KeptSeats(self.kept))
        elif kind == "waitlist":
            own = msgspec.json.decode(text, type=WaitlistTaken)
            self.waitlist = own.entries
            reaction.events.append(own)
        elif kind == "notice":
            notice = msgspec.json.decode(text, type=NoticeTaken)
            if notice.id not in self._noticed:
                self._noticed.append(notice.id)
                reaction.events.append(notice)
        elif kind == "seat_view":
            version = msgspec.json.decode(text, type=_SeatView).version
            if version != self.seat_view:
                self.seat_view = version
                reaction.events.append(SeatViewChanged(version))
        elif kind == "resnapshot":
            self._doubted = True
            self._become(Status.STALE, reaction)
        elif kind == "figures":
            self._joining = self._doubted = False
            self._attempts = 0
            reaction.events.append(FiguresTaken(msgspec.json.decode(text, type=dict[str, Any])))
            self._become(Status.LIVE, reaction)
        elif kind == "error":
            said = msgspec.json.decode(text, type=_Error)
            reaction.events.append(Refused(said.code, said.message))
        # Kinds we do not know are of a newer server, which may add some.

    def _receive_snapshot(self, snapshot: _Snapshot, now_s: float, reaction: Reaction) -> None:
        if not self._joining and snapshot.epoch == self.epoch and snapshot.version < self.version:
            return
        self.codes = bytearray(unpack(snapshot.states, snapshot.bits, snapshot.n))
        self.bits = snapshot.bits
        self.holders = {
            h.ordinal: SeatView(h.ordinal, self.codes[h.ordinal], h.kind, h.label, h.expires_at_ms)
            for h in snapshot.holders
        }
        self.quotas = snapshot.quotas
        self.epoch, self.version = snapshot.epoch, snapshot.version
        self._set_clock(snapshot.server_ms, now_s)
        self._doubted = False
        reaction.events.append(SnapshotTaken())
        self._joined(reaction)

    def _receive_delta(self, delta: _Delta, reaction: Reaction) -> None:
        if delta.epoch != self.epoch:
            if self._joining:
                self._park(delta)  # perhaps of the picture that is on its way
            return
        if delta.since > self.version:
            self._park(delta)
            if not self._joining:
                self._gap(reaction)
            return
        if delta.version > self.version:
            self._apply(delta, reaction)
        if self._joining and delta.version >= self.version:
            self._joined(reaction)

    def _receive_beat(self, beat: _Beat, now_s: float, reaction: Reaction) -> None:
        self._set_clock(beat.server_ms, now_s)
        self._doubted = False  # a server in doubt does not beat
        if beat.epoch and not self._joining and (beat.epoch != self.epoch or beat.version > self.version):
            self._gap(reaction)
        elif not self._joining and self.status is Status.STALE:
            self._become(Status.LIVE, reaction)

    def _apply(self, delta: _Delta, reaction: Reaction) -> None:
        for seat in delta.seats:
            self.codes[seat.ordinal] = seat.code
            if seat.kind:
                self.holders[seat.ordinal] = seat
            else:
                self.holders.pop(seat.ordinal, None)
        self.quotas.update(delta.quotas)
        self.version = delta.version
        reaction.events.append(DeltaTaken(delta.seats, delta.quotas))

    def _joined(self, reaction: Reaction) -> None:
        """The answer to hello is here; what came before it follows, if it still says anything new."""
        self._joining = False
        self._attempts = 0
        parked, self._parked = self._parked, []
        for delta in parked:
            if delta.epoch == self.epoch and delta.version > self.version:
                if delta.since > self.version:
                    self._gap(reaction)
                    return
                self._apply(delta, reaction)
        self._gaps_in_a_row = 0
        self._become(Status.STALE if self._doubted else Status.LIVE, reaction)

    def _gap(self, reaction: Reaction) -> None:
        """Ask for what is missing; if that leaves a gap again, for everything."""
        self._gaps_in_a_row += 1
        self._hello(reaction, resume=self._gaps_in_a_row < 2)

    def _hello(self, reaction: Reaction, *, resume: bool) -> None:
        if not self._joining:
            self._asked_s = self._heard_s
        self._joining = True
        hello: dict[str, Any] = {"t": "hello", "v": PROTOCOL_VERSION}
        if resume:
            hello |= {"epoch": self.epoch, "version": self.version}
        reaction.send.append(msgspec.json.encode(hello).decode())

    def _park(self, delta: _Delta) -> None:
        if len(self._parked) >= PARKED_MAX:
            self._parked.clear()  # what follows the picture will show the gap
        self._parked.append(delta)

    def _set_clock(self, server_ms: int, now_s: float) -> None:
        self.ahead_ms = server_ms - int(now_s * 1000)

    def _become(self, status: Status, reaction: Reaction) -> None:
        if status is not self.status:
            self.status = status
            reaction.events.append(StatusChanged(status))
