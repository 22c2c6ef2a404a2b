"""The scanning half of a venue agent (ACC-1, ACC-2): the hub's verdict when it answers, the gate's own when not."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterable, Awaitable, Callable

import structlog
from msgspec import Struct

from hardware.desk import FirstUse, ScanVerdict
from hardware.event_log import Follower
from hardware.gate_memory import GateMemory
from hardware.link import HubLink
from hardware.protocol import (
    BriefChanged,
    CatchUp,
    Missed,
    Scan,
    Snapshot,
    Streamed,
    TicketUsed,
    ToDevice,
    Unavailable,
    Verdict,
)

_log = structlog.get_logger("hardware.agent")

_CODE_LENGTH_MAX = 4_000
"""Longer than anything a scanner reads; what is longer did not come from one."""


class GateTimings(Struct, frozen=True, kw_only=True):
    """In seconds. `retry_s`: between repetitions of a scan; `patience_s`: how long a visitor waits for the hub before
    the gate decides alone; `sync_s`: between reports of what was decided alone."""

    retry_s: float = 0.4
    patience_s: float = 1.5
    sync_s: float = 2.0


class GateRole:
    """Give it a link and a memory, run it, call `scan`."""

    def __init__(
        self,
        link: HubLink,
        memory: GateMemory,
        gate: str,
        timings: GateTimings = GateTimings(),  # noqa: B008 - frozen
    ) -> None:
        self._link = link
        self.memory = memory
        self._gate = gate
        self._timings = timings
        self._follower = Follower()
        self._waiting: dict[str, asyncio.Future[ScanVerdict | None]] = {}
        self._asked_at = 0.0
        link.listeners.append(self)

    async def scan(self, code: str) -> ScanVerdict:
        """The verdict on a code as it was read. Always answers, within the patience of a queue at a door."""
        code = code.strip()[:_CODE_LENGTH_MAX]
        scan = Scan(secrets.token_hex(10), code, time.time_ns() // 1_000_000)
        if self._link.alive:
            verdict = await self._ask_hub(scan, self._timings.patience_s)
            if verdict is not None:
                if verdict.verdict == "admitted" and verdict.ticket is not None:
                    # The stream says so too, but the line may die before it does.
                    self.memory.apply(TicketUsed(verdict.ticket.number, FirstUse(self._gate, scan.scanned_at_ms)))
                return verdict
        # The hub may have judged this scan and the answer been lost. The same id goes with it when it is reported, so
        # the hub will find its own verdict, not a second use.
        return self.memory.judge_alone(code, scan.scanned_at_ms, scan.scan_id, self._gate)

    async def read(self, codes: AsyncIterable[str], show: Callable[[str, ScanVerdict], Awaitable[None]]) -> None:
        """Scans all that a source gives (lines of standard input, a scanner's device) and shows each verdict."""
        async for code in codes:
            if code.strip():
                await show(code, await self.scan(code))

    async def run(self) -> None:
        """Reports what was decided alone, as soon as there is a hub again. Until cancelled."""
        while True:
            if self._link.alive:
                for scan in self.memory.unsynced():
                    verdict = await self._ask_hub(scan, self._timings.patience_s)
                    if verdict is None:
                        break
                    if verdict.verdict != "admitted":
                        _log.warning("admitted alone, and should not have been", verdict=verdict.verdict)
                    self.memory.synced(scan.scan_id)
            await asyncio.sleep(self._timings.sync_s)

    async def _ask_hub(self, scan: Scan, patience_s: float) -> ScanVerdict | None:
        """The hub's verdict, asked for again and again under one id; None when it does not come."""
        waiting: asyncio.Future[ScanVerdict | None] = asyncio.get_running_loop().create_future()
        self._waiting[scan.scan_id] = waiting
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    self._link.send(scan)
                    done, _ = await asyncio.wait({waiting}, timeout=self._timings.retry_s)
                    if done:
                        return waiting.result()
                    if not self._link.alive:
                        return None
        except TimeoutError:
            return None
        finally:
            del self._waiting[scan.scan_id]

    # ── what the hub says ────────────────────────────────────────────────────────────────────────────────────────────

    def session_opened(self) -> None:
        self._catch_up()

    def session_closed(self) -> None:
        """Scans under way are tried until their patience ends."""

    def heard(self, message: ToDevice) -> None:
        match message:
            case Verdict():
                self._answer(message.scan_id, message.verdict)
            case Unavailable():
                self._answer(message.scan_id, None)
            case Missed():
                self._asked_at = 0.0
                for streamed in message.events:
                    self._apply(streamed)
            case Snapshot():
                self._asked_at = 0.0
                self.memory.learn(message.brief)
                self._follower.reset(message.epoch, message.seq)
            case _:
                pass

    def streamed(self, event: Streamed) -> None:
        self._apply(event)
        if self._follower.misses(event):
            self._catch_up()

    def _apply(self, streamed: Streamed) -> None:
        event = self._follower.take(streamed)
        if isinstance(event, BriefChanged):
            # What changed is not in the event: take all anew.
            self._follower.reset("", 0)
            self._catch_up()
        elif event is not None:
            self.memory.apply(event)

    def _catch_up(self) -> None:
        # One question at a time: every event that comes while it is under way would ask again.
        now = time.monotonic()
        if now - self._asked_at > self._timings.retry_s:
            self._asked_at = now
            self._link.send(CatchUp(self._follower.epoch, self._follower.seq))

    def _answer(self, scan_id: str, verdict: ScanVerdict | None) -> None:
        waiting = self._waiting.get(scan_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(verdict)
