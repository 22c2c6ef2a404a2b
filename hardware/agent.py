"""The venue agent (DEV-2): one process beside printers, beside a gate, or both; one line to the hub.

agent = Agent(hub, pair, data=Path("/var/lib/placeur-agent"), printers=[…])
await agent.run()
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO

from hardware.desk import DeviceStatus
from hardware.gate_memory import GateMemory
from hardware.gate_role import GateRole, GateTimings
from hardware.keys import KeyPair
from hardware.link import HubAddress, HubLink, LinkTimings
from hardware.printer_role import Printer, PrinterRole, PrinterTimings
from hardware.spool import Spool

SOFTWARE = "placeur-agent/1"


class Agent:
    """`printer` and `gate` are its roles, or None. Raises `SpoolBusy` or `GateBusy` when another agent runs on the
    same data directory."""

    def __init__(
        self,
        hub: HubAddress,
        pair: KeyPair,
        *,
        data: Path,
        printers: list[Printer] | None = None,
        gate: str = "",
        link_timings: LinkTimings = LinkTimings(),  # noqa: B008 - frozen
        printer_timings: PrinterTimings = PrinterTimings(),  # noqa: B008 - frozen
        gate_timings: GateTimings = GateTimings(),  # noqa: B008 - frozen
    ) -> None:
        self._spool = Spool(data / "spool.sqlite") if printers else None
        self._memory = GateMemory(data / "gate.sqlite") if gate else None
        self.link = HubLink(
            hub,
            pair,
            spool=self._spool.id if self._spool else "",
            software=SOFTWARE,
            status=self._status,
            timings=link_timings,
        )
        self.printer: PrinterRole | None = None
        self.gate: GateRole | None = None
        if printers and self._spool:
            self.printer = PrinterRole(self.link, self._spool, printers, printer_timings)
        if self._memory:
            self.gate = GateRole(self.link, self._memory, gate, gate_timings)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.link.run())
                if self.printer:
                    group.create_task(self.printer.run())
                if self.gate:
                    group.create_task(self.gate.run())
        finally:
            if self._spool:
                self._spool.close()
            if self._memory:
                self._memory.close()

    def _status(self) -> DeviceStatus:
        return DeviceStatus(
            printers=dict(self.printer.status) if self.printer else {},
            queue=self._spool.count_open() if self._spool else 0,
            unsynced_scans=self._memory.count_unsynced() if self._memory else 0,
            software=SOFTWARE,
        )


async def lines_of(stream: TextIO = sys.stdin) -> AsyncIterator[str]:
    """The lines of a terminal or a pipe, as a keyboard-wedge scanner types them; for `GateRole.read`.

    Nothing where nobody can type (a service whose input is /dev/null or a file): event loops refuse to watch those.
    """
    mode = os.fstat(stream.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()):
        return
    # Not readline() in a thread: that thread could not be told to stop, and Ctrl-C would wait for one more scan.
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    while line := await reader.readline():
        yield line.decode("utf-8", "replace")
