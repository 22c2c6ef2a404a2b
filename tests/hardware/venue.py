"""A venue for tests: a desk that keeps its promises in memory, a hub on real sockets, agents, a printer without paper.

`VenueDesk` is no mock: it is the smallest box office that honours `HubDesk` (jobs advanced by the rules, scans
idempotent by id, devices revocable). What it remembers outlives every hub, like a database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hardware import protocol, sockets
from hardware.agent import Agent
from hardware.desk import DeviceIdentity, DeviceStatus, FirstUse, GateBrief, ScannedTicket, ScanVerdict
from hardware.gate_role import GateTimings
from hardware.hub import Hub, HubTimings
from hardware.keys import KeyPair, make_pair
from hardware.link import HubAddress, LinkTimings
from hardware.print_jobs import LinkLost, PrintJob, Standing, Word, advance
from hardware.printer_role import Printer, PrinterTimings
from hardware.printers import languages
from hardware.printers._contract import PrintableTicket, SeatPart
from hardware.protocol import FromDevice, Hello, Streamed, ToDevice
from hardware.ticket_code import BadCode, TicketClaims, key_ring, sign, verify
from hardware.transports.tcp9100 import Tcp9100
from hardware.virtual_printer import VirtualPrinter

SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = SIGNING_KEY.public_key().public_bytes_raw()
TONIGHT = 34

# Nothing is given up here because a busy machine took its time: whoever must be is by `until_lost`, or by a test's own
# timings. A lease that ends early means only that its agent greets again.
HUB_TIMINGS = HubTimings(beat_ms=100, lease_ms=500, lost_after_ms=120_000, jobs_poll_ms=300)
UNBROKEN = msgspec.structs.replace(HUB_TIMINGS, lease_ms=100_000)
"""For whoever must be on the hub, all the time; once it is gone he does not notice."""
LINK_TIMINGS = LinkTimings(answer_s=0.6, rest_s=0.3, refused_s=0.3)
PRINTER_TIMINGS = PrinterTimings(poll_s=0.03, rest_s=0.1, silence_s=120, repeat_s=0.2)
GATE_TIMINGS = GateTimings(retry_s=0.15, patience_s=60, sync_s=0.1)
ANSWER_S = 60.0
"""How long a printer may think about a question."""
IMPATIENT_S = 0.2


def code_of(number: str, performance: int = TONIGHT) -> str:
    return sign(TicketClaims(number, performance), SIGNING_KEY)


def ticket(number: str = "T0123456789") -> PrintableTicket:
    return PrintableTicket(
        number=number,
        code=code_of(number),
        event="Les Noces de Figaro",
        subtitle="Opéra bouffe de W. A. Mozart",
        date="vendredi 12 juin 2026 · 20:30",
        venue="Théâtre à l’italienne",
        doors="Portes 19:30",
        seat=(SeatPart("Zone", "Premier balcon"), SeatPart("Rang", "Ж"), SeatPart("Place", "112")),
        tariff="Plein tarif",
        price="42,00 €",
        organizer="Théâtre municipal",
        order="C7Q2MX41ZK",
        issued="Guichet 2 · Léa · 12.06.2026 19:58",
        small_print="Ni repris ni échangé.",
    )


async def until(true: Callable[[], object], what: str = "", within_s: float = 60) -> None:
    """Waits for something that is bound to happen; the limit only turns a hang into a failure."""
    try:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not happen: {what or true}") from None


class VenueDesk:
    def __init__(self) -> None:
        self.devices: dict[str, DeviceIdentity] = {}
        self.jobs: dict[int, PrintJob] = {}
        self.owners: dict[int, str] = {}
        self.told: list[tuple[int, Word, Standing]] = []
        self.used: dict[str, FirstUse] = {}
        self.void: set[str] = set()
        self.scans: dict[str, ScanVerdict] = {}
        self.conflicts: dict[str, ScanVerdict] = {}
        self.statuses: dict[str, DeviceStatus] = {}
        self.broken = False
        self.stands_still_at = ""
        """The step (`before handed`, `after reported printed` …) at which the process freezes, as if killed there."""
        self.stood_still = asyncio.Event()

    def register(self, name: str, pair: KeyPair, *, place: str = "") -> DeviceIdentity:
        device = DeviceIdentity(len(self.devices) + 1, name, pair.public, ("printer", "gate"), place or name)
        self.devices[pair.public] = device
        return device

    def order(self, job_id: int, pair: KeyPair, number: str = "T0123456789", printer: str = "") -> None:
        self.jobs[job_id] = PrintJob(job_id, ticket(number), printer)
        self.owners[job_id] = pair.public

    def say(self, job_id: int, word: Word) -> Standing:
        job = self.jobs[job_id]
        standing = advance(job.standing, word)
        self.jobs[job_id] = msgspec.structs.replace(job, standing=standing)
        self.told.append((job_id, word, standing))
        return standing

    def state(self, job_id: int = 1) -> str:
        return self.jobs[job_id].standing.state

    def detail(self, job_id: int = 1) -> str:
        return self.jobs[job_id].standing.detail

    async def step(self, name: str) -> None:
        if self.broken:
            raise ConnectionError("the database is away")
        if name == self.stands_still_at:
            self.stands_still_at = ""
            self.stood_still.set()
            await asyncio.Event().wait()

    # ── HubDesk ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def authorize(self, public_key: str) -> DeviceIdentity | None:
        await self.step("authorize")
        return self.devices.get(public_key)

    async def device_seen(self, device: DeviceIdentity, status: DeviceStatus) -> None:
        self.statuses[device.name] = status

    async def jobs_waiting(self, device: DeviceIdentity) -> list[PrintJob]:
        await self.step("jobs waiting")
        return [
            job
            for job_id, job in sorted(self.jobs.items())
            if self.owners[job_id] == device.public_key and job.standing.state in ("queued", "sent", "unknown")
        ]

    async def job_changed(self, device: DeviceIdentity, job_id: int, word: Word) -> Standing:
        if self.owners.get(job_id) != device.public_key:
            raise LookupError(job_id)
        name = " ".join((type(word).__name__.lower(), getattr(word, "outcome", ""))).strip()
        await self.step(f"before {name}")
        standing = self.say(job_id, word)
        await self.step(f"after {name}")
        return standing

    async def links_lost(self, device: DeviceIdentity | None) -> None:
        for job_id, job in self.jobs.items():
            if job.standing.state == "sent" and (device is None or self.owners[job_id] == device.public_key):
                self.say(job_id, LinkLost())

    async def admit(self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str) -> ScanVerdict:
        await self.step("before admit")
        if scan_id not in self.scans:
            self.scans[scan_id] = self._judge(device, code, scanned_at_ms)
        await self.step("after admit")
        return self.scans[scan_id]

    def _judge(self, device: DeviceIdentity, code: str, scanned_at_ms: int) -> ScanVerdict:
        try:
            claims = verify(code, key_ring([PUBLIC_KEY]))
        except BadCode as bad:
            return ScanVerdict("forged" if bad.reason == "forged" else "unknown")
        shown = ScannedTicket(claims.ticket)
        if claims.ticket in self.void:
            return ScanVerdict("cancelled", ticket=shown)
        if claims.ticket in self.used:
            return ScanVerdict("already_used", ticket=shown, first=self.used[claims.ticket])
        self.used[claims.ticket] = FirstUse(device.place, scanned_at_ms)
        return ScanVerdict("admitted", ticket=shown)

    async def conflict_found(
        self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str, verdict: ScanVerdict
    ) -> None:
        self.conflicts[scan_id] = verdict

    async def gate_brief(self, device: DeviceIdentity) -> GateBrief:
        return GateBrief(
            keys=(PUBLIC_KEY,), performances=(TONIGHT,), used=dict(self.used), void=tuple(self.void),
            titles={"admitted": "Bienvenue"},
        )  # fmt: skip


class Venue:
    """Everything on one machine's loopback, and torn down at the end."""

    def __init__(self, directory: Path, desk: VenueDesk | None = None, timings: HubTimings = HUB_TIMINGS) -> None:
        self.directory = directory
        self.desk = desk or VenueDesk()
        self._timings = timings
        self.hub_pair = make_pair()
        self.hub: Hub | None = None
        self.printer = VirtualPrinter(directory / "labels", port=0)
        self._commands = "tcp://127.0.0.1:*"
        self._events = "tcp://127.0.0.1:*"
        self._running: dict[Agent, asyncio.Task[None]] = {}
        self._devices: list[RawDevice] = []

    @property
    def address(self) -> HubAddress:
        return HubAddress(self._commands, self._events, self.hub_pair.public)

    async def start_hub(self) -> Hub:
        """The next one listens where the last one did."""
        self.hub = Hub(self.desk, self.hub_pair, commands=self._commands, events=self._events, timings=self._timings)
        await self.hub.start()
        self._commands, self._events = self.hub.commands_endpoint, self.hub.events_endpoint
        return self.hub

    async def kill_hub(self) -> None:
        if self.hub is not None:
            await self.hub.stop()
            self.hub = None

    async def until_lost(self, name: str) -> None:
        """The hub loses its patience with a device that has fallen silent, and after that is patient again."""
        assert self.hub is not None
        self.hub._timings = msgspec.structs.replace(self._timings, lease_ms=500, lost_after_ms=800)
        await until(lambda: not self.desk.statuses[name].online, f"the hub notices that {name} is silent")
        self.hub._timings = self._timings

    def start_agent(
        self,
        name: str,
        pair: KeyPair,
        *,
        printers: bool = False,
        gate: str = "",
        talks: bool = True,
        answer_s: float = ANSWER_S,
        printer_timings: PrinterTimings = PRINTER_TIMINGS,
        gate_timings: GateTimings = GATE_TIMINGS,
    ) -> Agent:
        transport = Tcp9100("127.0.0.1", self.printer.port, connect_s=60, write_s=60, answer_s=answer_s)
        agent = Agent(
            self.address,
            pair,
            data=self.directory / name,
            printers=[Printer("window", languages()["zpl"], transport, talks=talks)] if printers else None,
            gate=gate,
            link_timings=LINK_TIMINGS,
            printer_timings=printer_timings,
            gate_timings=gate_timings,
        )
        self._running[agent] = asyncio.create_task(agent.run())
        return agent

    async def stop_agent(self, agent: Agent) -> None:
        task = self._running.pop(agent)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def raw_device(self, pair: KeyPair, server: str = "") -> RawDevice:
        device = RawDevice()
        await device.open(msgspec.structs.replace(self.address, public_key=server or self.hub_pair.public), pair)
        self._devices.append(device)
        return device

    async def close(self) -> None:
        for device in self._devices:
            await device.close()
        for agent in list(self._running):
            await self.stop_agent(agent)
        await self.kill_hub()
        await self.printer.stop()


class RawDevice:
    """A device that says exactly what a test wants it to say."""

    def __init__(self) -> None:
        self.heard: list[ToDevice] = []
        self.events: list[Streamed] = []

    async def open(self, hub: HubAddress, pair: KeyPair) -> None:
        self._context = sockets.make_context()
        self._dealer = await sockets.open_dealer(
            self._context, hub.commands, pair, hub.public_key,
            lambda frames: self.heard.append(protocol.read_to_device(frames)),
        )  # fmt: skip
        self._stream = await sockets.open_subscriber(
            self._context, hub.events, pair, hub.public_key,
            lambda frames: self.events.append(protocol.read_streamed(frames)),
        )  # fmt: skip

    async def close(self) -> None:
        await self._dealer.close()
        await self._stream.close()
        sockets.close_context(self._context)

    def say(self, message: FromDevice) -> None:
        self._dealer.send(protocol.frames(message))

    def say_frames(self, frames: list[bytes]) -> None:
        self._dealer.send(frames)

    async def greet(self, spool: str = "") -> None:
        self.heard.clear()
        self.say(Hello("s1", spool))
        await until(lambda: self.of(protocol.Welcome), "welcome")

    def of(self, kind: type[ToDevice]) -> list[ToDevice]:
        return [message for message in self.heard if isinstance(message, kind)]

    def happened(self) -> Iterator[protocol.Event]:
        return (streamed.event for streamed in self.events if streamed.event is not None)


@contextlib.asynccontextmanager
async def open_venue(
    directory: Path, desk: VenueDesk | None = None, timings: HubTimings = HUB_TIMINGS
) -> AsyncIterator[Venue]:
    """With its hub and its printer running."""
    venue = Venue(directory, desk, timings)
    try:
        await venue.printer.start()
        await venue.start_hub()
        yield venue
    finally:
        await venue.close()
