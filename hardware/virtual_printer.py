"""A network printer without paper: takes ZPL on a port, keeps each label as a file, answers `~HS` like a real one.

For the demo, for tests, and to try an agent without hardware. It misbehaves on request, in the ways printers do: what
it has received when the paper runs out it keeps, and prints when there is paper again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from pathlib import Path

import structlog

_log = structlog.get_logger("hardware.virtual_printer")

_LABEL = re.compile(rb"\^XA.*?\^XZ", re.DOTALL)
_LABEL_BYTES_MAX = 1024 * 1024


class VirtualPrinter:
    """Start it; `labels()` are the files printed so far, oldest first. Its troubles are plain attributes."""

    def __init__(self, directory: Path, *, host: str = "127.0.0.1", port: int = 9100, seconds_per_label: float = 0.0):
        self.directory = directory
        self.host = host
        self.port = port
        self.seconds_per_label = seconds_per_label
        self.paper = True
        self.labels_left: int | None = None
        """How many labels the roll still has; None: no end in sight. That it has run out shows at the next label."""
        self.head_open = False
        self.paused = False
        self.hangs = False
        """Takes connections and data, and does nothing with them."""
        self.mute_in_trouble = False
        """Does not answer `~HS` while out of paper or open, as some firmware does."""
        self.drop_after_bytes: int | None = None
        """Cuts the connection once it has carried so many bytes, then behaves again."""
        self.keep_what_was_cut = True
        """Whether a whole label that arrived before the cut is printed."""
        self._received: deque[bytes] = deque()
        self._work = asyncio.Event()
        self._unplugged = asyncio.Event()
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._press: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens; with port 0 the real one is in `port` afterwards. OSError when the port is taken."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._unplugged.clear()
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._press = asyncio.create_task(self._print())

    async def stop(self) -> None:
        """Like pulling the plug: received labels that were not printed are gone."""
        self._unplugged.set()
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        if self._press is not None:
            self._press.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._press
        self._received.clear()

    def labels(self) -> list[Path]:
        return sorted(self.directory.glob("*.zpl"))

    def refill(self) -> None:
        """New paper, lid closed, pause off."""
        self.paper = True
        self.labels_left = None
        self.head_open = False
        self.paused = False
        self._work.set()

    @property
    def pending(self) -> int:
        """Labels received and not printed."""
        return len(self._received)

    def host_status(self) -> bytes:
        """The three lines of `~HS`."""
        return (
            f"\x02030,{int(not self.paper)},{int(self.paused)},0400,{self.pending:03d},0,0,0,000,0,0,0\x03\r\n"
            f"\x02001,0,{int(self.head_open)},0,0,2,6,0,00000000,1,000\x03\r\n"
            "\x021234,0\x03\r\n"
        ).encode("ascii")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            await self._converse(reader, writer)
        except OSError:
            _log.debug("the connection was cut")
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        carried = 0
        while True:
            data = await reader.read(4096)
            if not data:
                return
            if self.hangs:
                # The connection stands and nothing happens, whatever the other side does, until the plug is pulled.
                await self._unplugged.wait()
                return
            if self.drop_after_bytes is not None and carried + len(data) > self.drop_after_bytes:
                data = data[: self.drop_after_bytes - carried]
                self.drop_after_bytes = None
                if self.keep_what_was_cut:
                    self._take(buffer + data)
                writer.transport.abort()
                return
            carried += len(data)
            buffer = self._take(buffer + data)
            while b"~HS" in buffer:
                buffer = buffer.replace(b"~HS", b"", 1)
                if not (self.mute_in_trouble and (self.head_open or not self.paper)):
                    writer.write(self.host_status())
                    await writer.drain()
            if len(buffer) > _LABEL_BYTES_MAX:
                _log.warning("endless label")
                return

    def _take(self, buffer: bytes) -> bytes:
        """Queues the whole labels; returns the rest."""
        while found := _LABEL.search(buffer):
            label = found.group()
            # A question that came inside a label is immediate, and no part of it.
            self._received.append(label.replace(b"~HS", b""))
            buffer = buffer[: found.start()] + b"~HS" * label.count(b"~HS") + buffer[found.end() :]
            self._work.set()
        return buffer

    async def _print(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._received and self.paper and not self.head_open and not self.paused:
                if self.labels_left == 0:
                    self.paper = False
                    break
                if self.seconds_per_label:
                    await asyncio.sleep(self.seconds_per_label)
                label = self._received[0]
                path = self.directory / f"{len(self.labels()) + 1:06d}.zpl"
                # Named when whole: whoever watches the directory never sees half a label.
                unfinished = path.with_suffix(".part")
                unfinished.write_bytes(label)
                unfinished.rename(path)
                self._received.popleft()
                if self.labels_left is not None:
                    self.labels_left -= 1
