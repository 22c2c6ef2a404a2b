"""A venue agent's line to its hub (DEV-1, DEV-2): a session with heartbeats, a lease, and a new try after every cut."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec import Struct

from hardware import protocol, sockets
from hardware.desk import DeviceStatus
from hardware.keys import KeyPair
from hardware.protocol import (
    Beat,
    BeatTaken,
    FromDevice,
    Hello,
    NotOurs,
    Refused,
    Streamed,
    ToDevice,
    Welcome,
)

_log = structlog.get_logger("hardware.agent")


class HubAddress(Struct, frozen=True):
    """Where the hub is and the public key (Z85) that proves it is the hub."""

    commands: str
    events: str
    public_key: str


class LinkTimings(Struct, frozen=True, kw_only=True):
    """In seconds. `answer_s`: how long a greeting may stay unanswered before the line is opened anew; `rest_s`: the
    longest pause between tries; `refused_s`: the pause after the hub has turned this device away for good."""

    answer_s: float = 3.0
    rest_s: float = 5.0
    refused_s: float = 15.0


class Listener(Protocol):
    """A role of the agent."""

    def session_opened(self) -> None: ...
    def session_closed(self) -> None: ...
    def heard(self, message: ToDevice) -> None: ...
    def streamed(self, event: Streamed) -> None: ...


class HubLink:
    """`run` keeps the line up for ever. `alive` is the lease: until it ends, the hub surely still counts on us."""

    def __init__(
        self,
        hub: HubAddress,
        pair: KeyPair,
        *,
        spool: str = "",
        software: str = "",
        status: Callable[[], DeviceStatus] = DeviceStatus,
        timings: LinkTimings = LinkTimings(),  # noqa: B008 - frozen
    ) -> None:
        self._hub = hub
        self._pair = pair
        self._spool = spool
        self._software = software
        self._status = status
        self._timings = timings
        self.listeners: list[Listener] = []
        self.refusal: str = ""
        """Why the hub turned this device away; empty while it does not."""
        self._dealer: sockets.Line | None = None
        self._session = ""
        self._welcome: Welcome | None = None
        self._lease_until = 0.0
        self._said_at: dict[int, float] = {}
        self._beats = 0
        self._changed = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self._welcome is not None and time.monotonic() < self._lease_until

    def send(self, message: FromDevice) -> None:
        """Says it, if there is anyone to say it to; delivery is the caller's business."""
        if self._dealer is not None:
            self._dealer.send(protocol.frames(message))

    async def run(self) -> None:
        """Until cancelled."""
        misses = 0
        while True:
            try:
                served = await self._one_connection()
            finally:
                self._close_session()
            misses = 0 if served else misses + 1
            pause = self._timings.refused_s if self.refusal else min(self._timings.rest_s, 0.1 * 2 ** min(misses, 10))
            # Every agent of a venue loses its hub at the same instant; they need not all come back at the same one.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _one_connection(self) -> bool:
        """Opens both sockets and stays while the hub answers. Returns whether it ever did."""
        served = False
        # A context per connection: closing it takes whatever still waited to be sent with it.
        context = sockets.make_context()
        dealer = await sockets.open_dealer(
            context, self._hub.commands, self._pair, self._hub.public_key, self._on_command
        )
        stream = await sockets.open_subscriber(
            context, self._hub.events, self._pair, self._hub.public_key, self._on_event
        )
        self._dealer = dealer
        try:
            while await self._greet():
                served = True
                if not await self._beat():
                    break
        finally:
            self._dealer = None
            await dealer.close()
            await stream.close()
            sockets.close_context(context)
        return served

    async def _greet(self) -> bool:
        """Asks for a session. True once it is open."""
        self._session = secrets.token_hex(8)
        self._said_at = {0: time.monotonic()}
        self._beats = 0
        self._changed.clear()
        self.send(Hello(self._session, self._spool, self._software))
        try:
            async with asyncio.timeout(self._timings.answer_s):
                while self._welcome is None:
                    await self._changed.wait()
                    self._changed.clear()
                    if self.refusal:
                        return False
        except TimeoutError:
            return False
        for listener in self.listeners:
            listener.session_opened()
        return True

    async def _beat(self) -> bool:
        """Heartbeats until the session ends. True: the hub wants a new greeting; False: it is not there."""
        while (welcome := self._welcome) is not None:
            if time.monotonic() >= self._lease_until:
                _log.warning("the hub has fallen silent")
                self._close_session()
                return False
            self._beats += 1
            self._said_at[self._beats] = time.monotonic()
            self.send(Beat(self._session, self._beats, self._status()))
            try:
                async with asyncio.timeout(welcome.beat_ms / 1000):
                    await self._changed.wait()
            except TimeoutError:
                continue
            self._changed.clear()
        return not self.refusal

    def _close_session(self) -> None:
        if self._welcome is None:
            return
        self._welcome = None
        self._lease_until = 0.0
        for listener in self.listeners:
            listener.session_closed()

    def _on_command(self, frames: list[bytes]) -> None:
        try:
            message = protocol.read_to_device(frames)
        except NotOurs as garbage:
            _log.warning("garbage from the hub", reason=garbage.reason)
            return
        match message:
            case Welcome(session=session) if session == self._session:
                self.refusal = ""
                self._welcome = message
                # Counted from our asking, not from its answer: the hub's own clock for us began no earlier.
                self._lease_until = self._said_at[0] + message.lease_ms / 1000
                self._changed.set()
            case BeatTaken(session=session, number=number) if session == self._session and self._welcome:
                said_at = self._said_at.get(number)
                if said_at is not None:
                    self._lease_until = max(self._lease_until, said_at + self._welcome.lease_ms / 1000)
                    self._said_at = {n: at for n, at in self._said_at.items() if n > number}
            case Refused():
                self._take_refusal(message)
            case Welcome() | BeatTaken():
                pass  # of a session we have left
            case _:
                for listener in self.listeners:
                    listener.heard(message)

    def _take_refusal(self, refused: Refused) -> None:
        if refused.reason in ("revoked", "protocol"):
            if refused.reason != self.refusal:
                _log.error("the hub refuses this device", reason=refused.reason, protocol=refused.protocol)
            self.refusal = refused.reason
        elif refused.reason == "malformed":
            _log.error("the hub could not read what we said")
            return
        elif self._welcome is None:
            return  # we are greeting already
        self._close_session()
        self._changed.set()

    def _on_event(self, frames: list[bytes]) -> None:
        try:
            event = protocol.read_streamed(frames)
        except NotOurs as garbage:
            _log.warning("garbage on the event stream", reason=garbage.reason)
            return
        for listener in self.listeners:
            listener.streamed(event)
