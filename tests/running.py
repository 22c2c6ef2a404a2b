"""A whole demo as a test meets it: the real supervisor in a process of its own, with everything that it starts.

Tests talk to it as the world does (HTTP, websockets, mail, a scanner's port), look into its ledger and its Redis, and
kill its parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default as modern
from itertools import chain
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import psutil
from redis.asyncio import Redis

from app.core.process import PARENT_VARIABLE
from app.demo import ports
from app.demo.engines import running_postgres
from app.demo.mailbox import RECIPIENTS
from app.demo.people import LOG_INS

ROOT = Path(__file__).resolve().parents[1]
OPEN_WITHIN_S = 300
PATIENCE_S = 60.0
"""How long something may take that happens by itself. Generous: nothing here is measured."""
ENGINE_AWAY = (
    "ConnectionRefusedError", "ConnectionResetError", "FileNotFoundError", "redis.exceptions.ConnectionError",
    "redis.exceptions.BusyLoadingError", "redis.exceptions.TimeoutError",
    "asyncpg.exceptions._base.InterfaceError: connection is closed",
    "asyncpg.exceptions._base.InterfaceError: cannot perform operation: connection is closed",
    "asyncpg.exceptions._base.InterfaceError: the underlying connection is closed",
    "asyncpg.exceptions.CrashShutdownError", "asyncpg.exceptions._base.InternalClientError",
    "asyncpg.exceptions.CannotConnectNowError", "asyncpg.exceptions.ConnectionDoesNotExistError",
    "asyncpg.exceptions.AdminShutdownError",
)  # fmt: skip
T = TypeVar("T")


class RunningDemo:
    """A demo that is open. `pid_of`, `kill` and `freeze` name its processes as its logs do: web, worker, hub, …"""

    def __init__(self, supervisor: psutil.Popen, data: Path, port: int) -> None:
        self.supervisor = supervisor
        self.data = data
        self.url = f"http://localhost:{port}"
        self.world_url = f"http://localhost:{port + 1}"
        self.live_url = f"ws://localhost:{port}/live"
        self.scanner_port = port + 5

    # ── what is inside ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ledger_url(self) -> str:
        url = running_postgres(self.data)
        assert url is not None, "PostgreSQL is not up"
        return url

    @contextlib.asynccontextmanager
    async def ledger(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.ledger_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def ask(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.ledger() as ledger:
            return list(await ledger.fetch(query, *arguments))

    @contextlib.asynccontextmanager
    async def redis(self) -> AsyncIterator[Redis]:
        client = Redis.from_url(f"unix://{self.data}/run/redis.sock")
        try:
            yield client
        finally:
            await client.aclose()

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What has arrived for somebody, oldest first."""
        found = []
        for path in sorted((self.data / "mailbox" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns):
            message = email.message_from_bytes(path.read_bytes(), policy=modern)
            if address in str(message[RECIPIENTS]):
                found.append(message)
        return found

    def mails_by_recipient(self) -> Counter[str]:
        """How many mails everybody got."""
        headers = BytesHeaderParser(policy=modern)
        paths = (self.data / "mailbox" / "new").glob("*")
        return Counter(str(headers.parsebytes(path.read_bytes())[RECIPIENTS]) for path in paths)

    def labels(self) -> list[Path]:
        """What came out of the printer, oldest first."""
        return sorted((self.data / "labels").glob("*.zpl"))

    async def scan(self, code: str) -> str:
        """What the gate agent's scanner answers to a code: one line, its verdict first."""
        reader, writer = await asyncio.open_connection(ports.HOST, self.scanner_port)
        try:
            writer.write(code.encode() + b"\n")
            return (await asyncio.wait_for(reader.readline(), PATIENCE_S)).decode().strip()
        finally:
            writer.close()

    # ── what can befall it ───────────────────────────────────────────────────────────────────────────────────────────

    def process(self, name: str) -> psutil.Process:
        """The living process of a part: web, worker, hub, world, printer-agent, gate-agent, PostgreSQL or Redis."""
        for process in self.supervisor.children():
            with contextlib.suppress(psutil.Error):
                line = process.cmdline()
                words = {
                    "PostgreSQL": f"{self.data}/postgres", "Redis": f"unixsocket:{self.data}/run/redis.sock",
                    "printer-agent": f"--data={self.data}/printer-agent",
                    "gate-agent": f"--data={self.data}/gate-agent",
                }  # fmt: skip
                if name in words:
                    if any(words[name] in word for word in line):
                        return process
                elif line[1:4] == ["-m", "app.cli", name]:
                    return process
        raise LookupError(f"no {name} is running")

    def kill(self, name: str) -> None:
        """kill -9, and nothing left of it."""
        victim = self.process(name)
        victim.kill()
        deadline = time.monotonic() + 10
        while is_alive(victim) and time.monotonic() < deadline:
            time.sleep(0.02)

    @contextlib.contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stopped in the middle of whatever they did, for as long as the block runs."""
        frozen = [each for name in names for part in [self.process(name)] for each in [part, *part.children(True)]]
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in frozen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    async def wait_until_open(self) -> None:
        """Until the web process answers and says that its engines do."""

        async def is_open() -> bool:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get(f"{self.url}/health/ready")).is_success
            return False

        await eventually(is_open, "the web process is open again")

    def tails(self, lines: int = 25) -> str:
        """The ends of all logs, for whoever must understand a failure."""
        found = []
        for path in [
            *sorted((self.data / "logs").glob("*.log")),
            self.data / "postgres.log",
            self.data.parent / "demo.log",
        ]:
            if path.exists():
                said = path.read_text(errors="replace").splitlines()[-lines:]
                found.append(f"── {path.name}\n" + "\n".join(said))
        return "\n".join(found)

    def complaints(self) -> list[str]:
        """Unforeseen errors in the logs, and tracebacks of anything but an engine that was away, these with the line
        before them and their last line."""
        found = []
        for path in sorted((self.data / "logs").glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()
            for n, line in enumerate(lines):
                if "unforeseen_error" in line:
                    found.append(f"{path.name}: {line}")  # somebody was shown a 500
                elif "Traceback" in line:
                    end = next((each for each in lines[n + 1 :] if not each.startswith((" ", "Traceback"))), "")
                    if not end.startswith(ENGINE_AWAY):
                        found.append(f"{path.name}: {lines[n - 1] if n else ''} | {line} | {end}")
        return found


@contextlib.contextmanager
def running_demo(**settings: str) -> Iterator[RunningDemo]:
    """A fresh demo on free ports, with `settings` in its environment. It ends with the block, and with this process."""
    port = free_row()
    # Short, and open to the user that PostgreSQL runs as; pytest's own directories are neither.
    with tempfile.TemporaryDirectory(prefix="placeur-e2e-", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        data, log = Path(name) / "data", Path(name) / "demo.log"
        own = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "PLACEUR_CONFIG"}}
        with log.open("wb") as sink:
            supervisor = psutil.Popen(
                [sys.executable, "-m", "app.cli", "demo", f"--port={port}", f"--data={data}", "--no-browser"],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
                env={**own, "PYTHONPATH": str(ROOT), PARENT_VARIABLE: str(os.getpid()), **settings},
            )  # fmt: skip
        try:
            _await_panel(supervisor, log)
            yield RunningDemo(supervisor, data, port)
        finally:
            supervisor.terminate()
            try:
                supervisor.wait(60)
            except psutil.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()


def free_row() -> int:
    """Seven ports in a row that are free now; not where `tests/demo` looks for its own. A demo takes its ports seconds
    after they were found free, so each process begins its search elsewhere: two sessions must not end on one row, where
    the one would look at the shop of the other."""
    rows = range(21_000, 31_000, 10)
    begin = os.getpid() * 7 % len(rows)
    return next(
        first
        for first in chain(rows[begin:], rows[:begin])
        if all(ports.is_free(first + offset) for offset in range(7))
    )


def is_alive(process: psutil.Process) -> bool:
    """Not one whose parent has only not looked at its end yet: a supervisor that is stopped never does."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def eventually(true: Callable[[], Awaitable[T]], what: str, timeout_s: float = PATIENCE_S) -> T:
    """Wait until `true()` is, and return it. The sentence `what` is what a failure says did not happen."""
    deadline = time.monotonic() + timeout_s
    while not (found := await true()):
        assert time.monotonic() < deadline, f"never came true: {what}"
        await asyncio.sleep(0.1)
    return found


def log_in_of(role: str) -> dict[str, str]:
    """E-mail and password of the demo's first person with a role, as the log-in form takes them."""
    person = next(each for each in LOG_INS if each.role == role)
    return {"email": person.email, "password": person.password}


def _await_panel(supervisor: psutil.Popen, log: Path) -> None:
    deadline = time.monotonic() + OPEN_WITHIN_S
    while "╰" not in (said := log.read_text(errors="replace")):
        assert supervisor.poll() is None, f"the demo ended instead of opening:\n{said}"
        assert time.monotonic() < deadline, f"the demo does not open:\n{said}"
        time.sleep(0.1)
