"""`placeur agent`: the venue's end of the hub, beside a printer, beside a gate, or both (DEV-2).

Needs no ledger and no Redis: only its own key file, the hub's address and public key. Codes come from whoever types
lines on standard input (a keyboard-wedge scanner) and from network scanners that connect to a port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from msgspec import Struct

from app.core.logs import configure_logs
from app.settings import Settings
from hardware.agent import Agent, lines_of
from hardware.desk import ScanVerdict
from hardware.gate_role import GateRole
from hardware.keys import KeyFileRefused, load_or_make_pair
from hardware.link import HubAddress
from hardware.printer_role import Printer
from hardware.printers import languages
from hardware.transports.tcp9100 import Tcp9100

log = structlog.get_logger()
CODE_BYTES_MAX = 4_096


class AgentWish(Struct, frozen=True, kw_only=True):
    """What this machine is for. `printer`: HOST:PORT of a network printer; `gate`: the gate's name as registered."""

    key_file: Path
    hub_public_key: str
    data: Path
    printer: str = ""
    language: str = "zpl"
    gate: str = ""
    scanner_port: int | None = None


class AgentRefused(Exception):
    """The agent cannot start; the message is one sentence."""


async def run(settings: Settings, wish: AgentWish) -> None:
    """Until cancelled."""
    configure_logs(settings.log_format, settings.log_level)
    if not wish.printer and not wish.gate:
        raise AgentRefused("An agent needs work: give --printer HOST:PORT, --gate NAME, or both.")
    try:
        pair = load_or_make_pair(wish.key_file)
    except KeyFileRefused as refused:
        raise AgentRefused(f"{refused}.") from None
    wish.data.mkdir(parents=True, exist_ok=True)
    hub = HubAddress(settings.hub_url, settings.hub_events_url, wish.hub_public_key)
    agent = Agent(hub, pair, data=wish.data, printers=_printers(wish), gate=wish.gate)
    log.info("agent_starts", public_key=pair.public, printer=wish.printer, gate=wish.gate)
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run())
        if agent.gate is not None:
            group.create_task(agent.gate.read(_typed_codes(), _show))
            if wish.scanner_port is not None:
                group.create_task(_serve_scanners(agent.gate, wish.scanner_port))


def _printers(wish: AgentWish) -> list[Printer]:
    if not wish.printer:
        return []
    host, _, port = wish.printer.rpartition(":")
    if not host or not port.isdecimal():
        raise AgentRefused(f"--printer takes HOST:PORT, not {wish.printer!r}.")
    language = languages().get(wish.language)
    if language is None:
        raise AgentRefused(f"No printer language is called {wish.language!r}.")
    return [Printer(wish.printer, language, Tcp9100(host, int(port)))]


async def _typed_codes() -> AsyncIterator[str]:
    async for line in lines_of(sys.stdin):
        if line.strip():
            yield line


async def _show(code: str, verdict: ScanVerdict) -> None:
    print(sentence(verdict), flush=True)  # noqa: T201 - the verdict is what this program is for


def sentence(verdict: ScanVerdict) -> str:
    """One line for a terminal or a scanner's display: the verdict first."""
    parts = [verdict.verdict.upper(), verdict.title]
    if verdict.ticket is not None:
        parts += [verdict.ticket.seat, verdict.ticket.tariff_name, verdict.ticket.number]
    if verdict.offline:
        parts.append("offline")
    return " | ".join(part for part in parts if part)


async def _serve_scanners(gate: GateRole, port: int) -> None:
    """Network scanners: one code a line in, one verdict a line out. Loopback only: a venue's scanners reach it
    through their cradle's own machine."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                code = line.decode("utf-8", "replace").strip()
                if code:
                    writer.write(sentence(await gate.scan(code)).encode() + b"\n")
                    await writer.drain()
        except (ConnectionError, ValueError):
            log.warning("scanner_dropped")  # gone, or sent a line without end
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", port, limit=CODE_BYTES_MAX)
    async with server:
        await server.serve_forever()
