"""Printers on the network, by their raw port (DEV-2): what is written is printed, and some of them answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from hardware.transports._contract import PrinterLinkLost, PrinterSilent, PrinterUnreachable

T = TypeVar("T")


class Tcp9100:
    """A printer's address. Timeouts in seconds: to connect, to get rid of a ticket's bytes, to be answered."""

    def __init__(
        self,
        host: str,
        port: int = 9100,
        *,
        connect_s: float = 3.0,
        write_s: float = 15.0,
        answer_s: float = 2.0,
    ) -> None:
        self._host = host
        self._port = port
        self._connect_s = connect_s
        self._write_s = write_s
        self._answer_s = answer_s

    async def open(self) -> TcpConnection:
        try:
            async with asyncio.timeout(self._connect_s):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise PrinterUnreachable(f"{self._host}:{self._port}: {error or 'no answer'}") from error
        return TcpConnection(reader, writer, write_s=self._write_s, answer_s=self._answer_s)


class TcpConnection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, write_s: float, answer_s: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._write_s = write_s
        self._answer_s = answer_s
        # drain() shall mean "with the kernel", so that a printer that has stopped reading is noticed.
        writer.transport.set_write_buffer_limits(0)

    async def write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._write_s):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise PrinterLinkLost("the printer stopped taking data") from None
        except OSError as error:
            raise PrinterLinkLost(str(error)) from error

    async def ask(self, question: bytes, read: Callable[[bytes], T | None]) -> T:
        await self.write(question)
        answer = b""
        try:
            async with asyncio.timeout(self._answer_s):
                while True:
                    more = await self._reader.read(4096)
                    if not more:
                        raise PrinterLinkLost("the printer hung up")
                    answer += more
                    found = read(answer)
                    if found is not None:
                        return found
        except TimeoutError:
            raise PrinterSilent(f"no answer within {self._answer_s} s") from None
        except OSError as error:
            raise PrinterLinkLost(str(error)) from error

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):  # it is gone either way
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
