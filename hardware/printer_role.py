"""The printing half of a venue agent (PRN-3, DEV-2): one job at a time per printer, each step in the spool first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from msgspec import Struct

from hardware.link import HubLink
from hardware.printers._contract import PrinterLanguage, PrinterStatus, Stock
from hardware.protocol import Ask, JobReport, Print, Settled, Streamed, ToDevice
from hardware.spool import Spool, SpooledJob
from hardware.transports._contract import (
    PrinterConnection,
    PrinterLinkLost,
    PrinterSilent,
    PrinterUnreachable,
    Transport,
)

_log = structlog.get_logger("hardware.agent")


class PrinterTimings(Struct, frozen=True, kw_only=True):
    """In seconds. `poll_s`: between questions to a printer that works; `rest_s`: to one that is idle or in trouble;
    `silence_s`: how long a printer that has a ticket may say nothing before a person must look; `repeat_s`: between
    repetitions of a report that the hub has not confirmed."""

    poll_s: float = 0.15
    rest_s: float = 3.0
    silence_s: float = 120.0
    repeat_s: float = 2.0


@dataclass
class Printer:
    """A printer as configured. `talks`: it answers its language's status question; one that never does must be
    configured so, since from a silent one nothing is known."""

    name: str
    language: PrinterLanguage
    transport: Transport
    stock: Stock = field(default_factory=Stock)
    talks: bool = True


class PrinterRole:
    """Give it a link and printers, run it. The first printer takes the jobs that name none."""

    def __init__(
        self,
        link: HubLink,
        spool: Spool,
        printers: list[Printer],
        timings: PrinterTimings = PrinterTimings(),  # noqa: B008 - frozen
    ) -> None:
        self._link = link
        self._spool = spool
        self._printers = {printer.name: printer for printer in printers}
        self._first = printers[0].name
        self._timings = timings
        self._wanted: set[tuple[int, int]] = set()
        """Jobs the hub has named in this session. An accepted job of an earlier session may have been given up."""
        self._told: dict[tuple[int, int], str] = {}
        self._work = {printer.name: asyncio.Event() for printer in printers}
        self.status: dict[str, PrinterStatus] = {}
        """The last word of each printer."""
        link.listeners.append(self)

    async def run(self) -> None:
        """Until cancelled. A job being printed then is `unknown` at the next start."""
        async with asyncio.TaskGroup() as group:
            for printer in self._printers.values():
                group.create_task(self._serve(printer))
            group.create_task(self._repeat_reports())

    # ── what the hub says ────────────────────────────────────────────────────────────────────────────────────────────

    def session_opened(self) -> None:
        self._wanted.clear()

    def session_closed(self) -> None:
        self._wanted.clear()
        self._told.clear()

    def streamed(self, event: Streamed) -> None:
        """Printing follows commands, not the stream."""

    def heard(self, message: ToDevice) -> None:
        match message:
            case Print():
                self._take(message)
            case Ask():
                self._answer(message)
            case Settled():
                self._spool.confirm(message.job_id, message.attempt)
            case _:
                pass

    def _take(self, job: Print) -> None:
        if not self._link.alive:
            return  # this session has ended: the hub will ask, and hear "never"
        spooled = self._spool.accept(job)
        if spooled is None:
            return
        if spooled.state == "accepted":
            if self._printer_of(spooled) not in self._printers:
                self._settle_unprinted(spooled, "no_such_printer")
                return
            self._wanted.add(spooled.key)
            self._work[self._printer_of(spooled)].set()
        self._link.send(spooled.report)

    def _answer(self, ask: Ask) -> None:
        asked = {(job.job_id, job.attempt) for job in ask.jobs}
        if ask.all_wanted:
            self._spool.drop_unwanted(asked)
        for job_id, attempt in asked:
            spooled = self._spool.find(job_id, attempt)
            self._link.send(spooled.report if spooled else JobReport(job_id, attempt, "never"))
            if spooled is not None and spooled.state == "accepted":
                self._wanted.add(spooled.key)
        for work in self._work.values():
            work.set()

    async def _repeat_reports(self) -> None:
        while True:
            if self._link.alive:
                for job in self._spool.unconfirmed():
                    self._link.send(job.report)
            await asyncio.sleep(self._timings.repeat_s)

    # ── what the printers do ─────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, printer: Printer) -> None:
        work = self._work[printer.name]
        while True:
            work.clear()
            job = self._next(printer)
            try:
                printed = await self._print(printer, job) if job else await self._look(printer)
            except PrinterUnreachable as error:
                printed = False
                self._note(printer, PrinterStatus(problems=("unreachable",), pending=-1), job)
                _log.info("printer unreachable", printer=printer.name, why=str(error))
            if job is not None and printed:
                continue
            try:
                async with asyncio.timeout(self._timings.rest_s):
                    await work.wait()
            except TimeoutError:
                continue

    def _next(self, printer: Printer) -> SpooledJob | None:
        if not self._link.alive:
            return None
        return next(
            (
                job
                for job in self._spool.accepted()
                if job.key in self._wanted and self._printer_of(job) == printer.name
            ),
            None,
        )

    async def _look(self, printer: Printer) -> bool:
        """Nothing to print: how is it?"""
        async with self._conversation(printer) as connection:
            try:
                await self._ask(printer, connection)
            except PrinterLinkLost:
                self._note(printer, PrinterStatus(problems=("unreachable",), pending=-1))
        return False

    async def _print(self, printer: Printer, job: SpooledJob) -> bool:
        """One job, from accepted to settled. False: the printer is in no state to begin; nothing was sent."""
        try:
            data = printer.language.render(job.ticket, printer.stock)
        except ValueError as error:
            _log.error("a ticket cannot be printed", job=job.job_id, why=str(error))
            self._settle_unprinted(job, "cannot_be_printed")
            return True
        async with self._conversation(printer) as connection:
            try:
                status = await self._ask(printer, connection, job)
            except PrinterLinkLost:
                # It hung up on a mere question: nothing of the ticket was sent.
                self._note(printer, PrinterStatus(problems=("unreachable",), pending=-1), job)
                return False
            # The lease may have ended during the question. `pending`: the printer still has something of before, and
            # whether that comes out could not be told from whether ours does.
            if not status.ready or status.pending > 0 or not self._link.alive or job.key not in self._wanted:
                return False
            if not self._spool.start(job):
                return True
            try:
                await connection.write(data)
                detail = await self._follow(printer, connection, job)
            except PrinterLinkLost as error:
                _log.warning("the link to the printer died under a ticket", job=job.job_id, why=str(error))
                self._settle(job, "unknown", "printer_link_lost")
            except PrinterSilent:
                self._settle(job, "unknown", "printer_silent")
            else:
                self._settle(job, "printed", detail)
        return True

    async def _follow(self, printer: Printer, connection: PrinterConnection, job: SpooledJob) -> str:
        """Returns once the ticket is on paper. Trouble on the way (no paper) is waited out: the printer has the
        ticket and prints it when it can. Raises `PrinterLinkLost`, `PrinterSilent`."""
        if not printer.talks:
            return "unconfirmed"
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        idle = 0
        # Twice idle: the first answer may overtake the ticket between the printer's receiver and its interpreter.
        while idle < 2:
            await asyncio.sleep(self._timings.poll_s)
            status = await self._ask(printer, connection, job)
            if "silent" not in status.problems:
                heard_at = loop.time()
            elif loop.time() - heard_at > self._timings.silence_s:
                raise PrinterSilent(printer.name)
            idle = idle + 1 if status.ready and status.pending == 0 else 0
        return ""

    @asynccontextmanager
    async def _conversation(self, printer: Printer) -> AsyncIterator[PrinterConnection]:
        connection = await printer.transport.open()
        try:
            yield connection
        finally:
            await connection.close()

    async def _ask(
        self, printer: Printer, connection: PrinterConnection, job: SpooledJob | None = None
    ) -> PrinterStatus:
        """The printer's status, `silent` among its problems where it gives none. Raises `PrinterLinkLost`."""
        status = PrinterStatus()
        if printer.talks and printer.language.status_question:
            try:
                status = await connection.ask(printer.language.status_question, printer.language.read_status)
            except (PrinterSilent, ValueError):
                status = PrinterStatus(problems=("silent",), pending=-1)
        self._note(printer, status, job)
        return status

    def _note(self, printer: Printer, status: PrinterStatus, job: SpooledJob | None = None) -> None:
        """Keeps the status, and tells the hub what a job waits for, once."""
        self.status[printer.name] = status
        if job is None:
            return
        waits_for = status.problems[0] if status.problems else ""
        if self._told.get(job.key, "") != waits_for and self._link.alive:
            self._told[job.key] = waits_for
            self._link.send(JobReport(job.job_id, job.attempt, "held", waits_for))

    def _settle(self, job: SpooledJob, state: str, detail: str) -> None:
        assert state in ("printed", "unknown")
        self._spool.settle(job, "printed" if state == "printed" else "unknown", detail)
        self._report(job)

    def _settle_unprinted(self, job: SpooledJob, detail: str) -> None:
        self._spool.settle(job, "failed", detail)
        self._report(job)

    def _report(self, job: SpooledJob) -> None:
        self._told.pop(job.key, None)
        settled = self._spool.find(*job.key)
        assert settled is not None
        self._link.send(settled.report)

    def _printer_of(self, job: SpooledJob) -> str:
        return job.printer or self._first
