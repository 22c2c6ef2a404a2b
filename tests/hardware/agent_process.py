"""An agent as a process of its own, for tests that kill it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hardware.agent import Agent
from hardware.keys import load_pair
from hardware.link import HubAddress
from hardware.printer_role import Printer
from hardware.printers import languages
from hardware.transports.tcp9100 import Tcp9100
from tests.hardware.venue import ANSWER_S, LINK_TIMINGS, PRINTER_TIMINGS


async def main(commands: str, events: str, hub_key: str, key_file: str, data: str, port: str) -> None:
    printer = Printer("window", languages()["zpl"], Tcp9100("127.0.0.1", int(port), answer_s=ANSWER_S))
    agent = Agent(
        HubAddress(commands, events, hub_key),
        load_pair(Path(key_file)),
        data=Path(data),
        printers=[printer],
        link_timings=LINK_TIMINGS,
        printer_timings=PRINTER_TIMINGS,
    )
    await agent.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
