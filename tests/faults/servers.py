"""A Redis of a test's own, which it may kill."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from redis.asyncio import Redis


class Server:
    """Keeps what its `options` say that it keeps, in a directory of its own. One that `goes_back` is what it was when
    it was last told to `remember`."""

    def __init__(self, binary: str, directory: Path, *options: str, goes_back: bool = False) -> None:
        directory.mkdir()
        self._socket = directory / "s"
        self._command = [
            binary, "--port", "0", "--unixsocket", str(self._socket), "--dir", str(directory), "--logfile",
            str(directory / "log"), *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._goes_back = goes_back
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while b"+PONG" not in self._ping():
            assert time.monotonic() < deadline, "Redis does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """-9: nothing is written down any more."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    async def remember(self) -> None:
        if self._goes_back:
            client = Redis.from_url(self.url)
            await client.save()
            await client.aclose()

    def _ping(self) -> bytes:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64)
            except OSError:
                return b""
