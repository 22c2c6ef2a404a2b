"""The hub of a venue (LIVE-9, DEV-1): where its devices meet the box office.

Two sockets. A ROUTER takes what devices say and answers each; a PUB streams events to all of them. Both are encrypted,
and both let in only keys that the desk knows. Who speaks is told by the authenticated key of each message, never by
anything inside it.

The hub remembers nothing that matters: sessions, a cache of verdicts and the last events. It may be killed at any
moment; the desk and the agents' spools know the rest, and devices greet the next hub as soon as they hear it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from hardware import protocol, sockets
from hardware.desk import DeviceIdentity, DeviceStatus, FirstUse, HubDesk, ScanVerdict
from hardware.event_log import EventLog
from hardware.hub_jobs import JobServer
from hardware.hub_session import Session
from hardware.keys import KeyPair
from hardware.protocol import (
    Beat,
    BeatTaken,
    CatchUp,
    DeviceMoved,
    Event,
    FromDevice,
    Hello,
    JobReport,
    Missed,
    NotOurs,
    Refused,
    Scan,
    ScanConflict,
    ScanRefused,
    Snapshot,
    TicketUsed,
    ToDevice,
    Unavailable,
    Verdict,
    Welcome,
)

_log = structlog.get_logger("hardware.hub")

R = TypeVar("R")
Work = Callable[[], Coroutine[Any, Any, None]]

_VERDICTS_KEPT = 5_000
_SCANS_AT_ONCE = 64
_WAITING_MAX = 256
"""Messages of one device that wait for their turn; one that says more is repeating itself."""


class HubTimings(Struct, frozen=True, kw_only=True):
    """How long is what, in milliseconds. An agent's lease must end before the hub gives its jobs up: see `Welcome`."""

    beat_ms: int = 2_000
    lease_ms: int = 6_000
    lost_after_ms: int = 8_000
    jobs_poll_ms: int = 5_000
    """How often a device's jobs are looked up even though nobody called `wake`."""

    def __post_init__(self) -> None:
        if not self.beat_ms < self.lease_ms < self.lost_after_ms:
            raise ValueError("a lease covers some beats, and ends before its device counts as lost")


class Hub:
    """Start it, keep it, stop it. All methods belong to one event loop."""

    def __init__(
        self,
        desk: HubDesk,
        pair: KeyPair,
        *,
        commands: str = "tcp://0.0.0.0:5571",
        events: str = "tcp://0.0.0.0:5572",
        timings: HubTimings = HubTimings(),  # noqa: B008 - frozen
    ) -> None:
        self._desk = desk
        self._pair = pair
        self.commands_endpoint = commands
        self.events_endpoint = events
        self._timings = timings
        self._events = EventLog()
        self._sessions: dict[str, Session] = {}
        self._verdicts: dict[tuple[str, str], asyncio.Task[ScanVerdict]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._reopening = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._jobs = JobServer(desk, self._answer, self.publish, unacknowledged_s=timings.beat_ms / 1000)

    # ── what the box office calls ────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Opens both sockets; with port 0 (`tcp://…:*`) the endpoints then tell the real ones. OSError: port taken."""
        # Whatever an earlier hub had sent is unknown until the agents tell.
        await self._desk.links_lost(None)
        self._context = sockets.make_context()
        self._doorkeeper = sockets.Doorkeeper(self._context, self._allows)
        await self._doorkeeper.start()
        try:
            self._router = await sockets.open_router(
                self._context, self.commands_endpoint, self._pair, protocol.MAX_MESSAGE_BYTES, self._receive
            )
            self._publisher = await sockets.open_publisher(self._context, self.events_endpoint, self._pair)
        except OSError:
            if hasattr(self, "_router"):
                await self._router.close()
            await self._doorkeeper.stop()
            sockets.close_context(self._context)
            raise
        self.commands_endpoint = self._router.endpoint
        self.events_endpoint = self._publisher.endpoint
        self._spawn(self._keep_time())

    async def stop(self) -> None:
        """Cuts everybody off at once. Nothing is lost by it that devices would not say again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._router.close()
        await self._publisher.close()
        await self._doorkeeper.stop()
        sockets.close_context(self._context)
        self._sessions.clear()

    def publish(self, event: Event) -> None:
        """Streams a fact to every device; also for what happened elsewhere: a ticket scanned in a browser, cancelled,
        or set free again; `BriefChanged` after a change of keys or performances."""
        self._publisher.send(protocol.frames(self._events.append(event)))

    def wake(self) -> None:
        """There may be new print jobs, for whichever device."""
        for session in self._sessions.values():
            self._do(partial(self._jobs.serve, session), session)

    async def revoke(self, public_key: str) -> None:
        """Cuts a device off now. The desk must already refuse its key, or it will be let in again."""
        session = self._sessions.pop(public_key, None)
        if session is not None:
            self._send(session.route, Refused("revoked"))
            await self._lose(session)
        # Its commands are refused by key from here on. A subscriber cannot be dropped one by one, so the stream is
        # closed and opened again: the others catch up what they missed, and this one is turned away at the door.
        async with self._reopening:
            await self._publisher.close()
            self._publisher = await sockets.open_publisher(self._context, self.events_endpoint, self._pair)

    def online(self) -> list[DeviceIdentity]:
        """Who is connected."""
        return [session.device for session in self._sessions.values()]

    # ── what devices say ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _allows(self, key: str) -> bool:
        return await self._desk.authorize(key) is not None

    def _receive(self, key: str, route: bytes, frames: list[bytes]) -> None:
        try:
            message = protocol.read_from_device(frames)
        except NotOurs as garbage:
            _log.warning("garbage from a device", key=key, reason=garbage.reason)
            self._send(route, Refused(garbage.reason))
            return
        session = self._sessions.get(key)
        if session is not None and not isinstance(message, Hello):
            session.route = route
        if self._waiting[key] >= _WAITING_MAX and not isinstance(message, Scan):
            return
        if isinstance(message, Hello):
            self._waiting[key] += 1
            self._do(partial(self._in_turn, key, partial(self._greet, key, route, message)), session)
        elif session is None or (isinstance(message, Beat) and message.session != session.id):
            self._send(route, Refused("hello_first"))
        elif isinstance(message, Scan):
            # A gate must not wait behind a printer's reports; and one gate alone must not fill the hub either.
            if session.scans < _SCANS_AT_ONCE:
                session.scans += 1
                self._do(partial(self._judge, session, message), session)
        else:
            self._waiting[key] += 1
            self._do(partial(self._in_turn, key, partial(self._hear, session, message)), session)

    async def _greet(self, key: str, route: bytes, hello: Hello) -> None:
        device = await self._desk.authorize(key)
        if device is None:
            self._send(route, Refused("revoked"))
            return
        known = self._sessions.get(key)
        if known is not None and known.spool != hello.spool:
            _log.warning(
                "a device's key is used with another spool: is the key file in two places?", device=device.name
            )
        session = Session(device=device, id=hello.session, spool=hello.spool, route=route, seen_at=time.monotonic())
        self._sessions[key] = session
        self._answer(
            session, Welcome(hello.session, device.name, beat_ms=self._timings.beat_ms, lease_ms=self._timings.lease_ms)
        )
        await self._desk.device_seen(device, DeviceStatus(software=hello.software))
        if known is None:
            self.publish(DeviceMoved(device.name, online=True))
        if hello.spool:
            await self._jobs.reconcile(session)

    async def _hear(self, session: Session, message: FromDevice) -> None:
        match message:
            case Beat():
                await self._take_beat(session, message)
            case JobReport():
                await self._jobs.take_report(session, message)
            case CatchUp():
                await self._fill_gap(session, message)

    async def _take_beat(self, session: Session, beat: Beat) -> None:
        # Asked again each time: a revocation that nobody told this hub still works within a beat.
        device = await self._desk.authorize(session.device.public_key)
        if device is None:
            await self.revoke(session.device.public_key)
            return
        session.device = device
        session.seen_at = time.monotonic()
        self._answer(session, BeatTaken(beat.session, beat.number))
        await self._desk.device_seen(device, beat.status)
        await self._jobs.ask_unacknowledged(session)

    async def _judge(self, session: Session, scan: Scan) -> None:
        try:
            verdict = await self._verdict(session.device, scan)
            # Looked at here and not where the scan is judged: the gate may have asked first, and given up waiting.
            if scan.admitted_alone and verdict.verdict != "admitted":
                await self._report_conflict(session.device, scan, verdict)
        except Exception:  # noqa: BLE001 - whatever ails the desk, the gate must hear at once that it is on its own
            _log.exception("a scan could not be judged", device=session.device.name)
            self._answer(session, Unavailable(scan.scan_id))
        else:
            self._answer(session, Verdict(scan.scan_id, verdict))
        finally:
            session.scans -= 1

    async def _report_conflict(self, device: DeviceIdentity, scan: Scan, verdict: ScanVerdict) -> None:
        await self._desk.conflict_found(device, scan.code, scan.scanned_at_ms, scan.scan_id, verdict)
        number = verdict.ticket.number if verdict.ticket else ""
        self.publish(ScanConflict(device.place or device.name, scan.scanned_at_ms, verdict.verdict, number))

    async def _verdict(self, device: DeviceIdentity, scan: Scan) -> ScanVerdict:
        """One judgement per scan id, however often it is asked for and however long it takes."""
        asked = (device.public_key, scan.scan_id)
        task = self._verdicts.get(asked)
        if task is None:
            task = self._spawn(self._admit(device, scan))
            self._verdicts[asked] = task
            while len(self._verdicts) > _VERDICTS_KEPT:
                self._verdicts.pop(next(iter(self._verdicts)))
        try:
            return await asyncio.shield(task)
        except Exception:
            self._verdicts.pop(asked, None)  # the next try is a new one
            raise

    async def _admit(self, device: DeviceIdentity, scan: Scan) -> ScanVerdict:
        verdict = await self._desk.admit(device, scan.code, scan.scanned_at_ms, scan.scan_id)
        number = verdict.ticket.number if verdict.ticket else ""
        gate = device.place or device.name
        if verdict.verdict == "admitted":
            if number:
                self.publish(TicketUsed(number, FirstUse(gate, scan.scanned_at_ms)))
        elif not scan.admitted_alone:
            self.publish(ScanRefused(gate, verdict.verdict, number))
        return verdict

    async def _fill_gap(self, session: Session, gap: CatchUp) -> None:
        missed = self._events.since(gap.epoch, gap.after)
        if missed is not None:
            self._answer(session, Missed(missed))
            return
        # Numbered before it is taken: what happens meanwhile is told twice, which harms nobody; the other way round
        # it might not be told at all.
        head = self._events.head()
        brief = await self._desk.gate_brief(session.device)
        self._answer(session, Snapshot(head.epoch, head.seq, brief))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_time(self) -> None:
        polled_at = time.monotonic()
        while True:
            await asyncio.sleep(self._timings.beat_ms / 2000)
            self._publisher.send(protocol.frames(self._events.head()))
            now = time.monotonic()
            for key, session in list(self._sessions.items()):
                if now - session.seen_at > self._timings.lost_after_ms / 1000:
                    del self._sessions[key]
                    self._do(partial(self._lose, session), session)
            if now - polled_at > self._timings.jobs_poll_ms / 1000:
                polled_at = now
                self.wake()

    async def _lose(self, session: Session) -> None:
        _log.warning("a device has fallen silent", device=session.device.name)
        self.publish(DeviceMoved(session.device.name, online=False))
        await self._desk.links_lost(session.device)
        await self._desk.device_seen(session.device, DeviceStatus(online=False))

    # ── plumbing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _answer(self, session: Session, message: ToDevice) -> None:
        # Late answers to a device that was cut off meanwhile go nowhere.
        if self._sessions.get(session.device.public_key) is session:
            self._send(session.route, message)

    def _send(self, route: bytes, message: ToDevice) -> None:
        self._router.send([route, *protocol.frames(message)])

    def _spawn(self, work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever awaits it has it too; unawaited, it must not be reported a second time

    def _do(self, work: Work, session: Session | None) -> None:
        self._spawn(self._guarded(work, session))

    async def _in_turn(self, key: str, work: Work) -> None:
        """What one device says is heard in the order it was said: "held" after "unknown" would revive a job."""
        try:
            async with self._turns.setdefault(key, asyncio.Lock()):
                await work()
        finally:
            self._waiting[key] -= 1

    async def _guarded(self, work: Work, session: Session | None) -> None:
        """The desk may fail in any way (a database that is away): that device gets no answer and asks again."""
        try:
            await work()
        except Exception:  # noqa: BLE001 - see above; the hub serves the others
            _log.exception("a device could not be served", device=session.device.name if session else None)
