"""`placeur demo`: the whole box office on one machine, from engines to open doors, and back to nothing left running.

The processes are the very ones of production; only who starts them differs. Engines and processes end with this one
even when it is killed -9 (the kernel tells them), so that a next start never meets leftovers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx

from app.bootstrap.progress import Progress, SetupError
from app.core.process import PARENT_VARIABLE
from app.demo.children import ChildError, Children
from app.demo.data_directory import DataDirectory, DataError, claim, explained
from app.demo.engines import Engine, EngineError, start_postgres, start_redis
from app.demo.keys import DEVICES, demo_secrets, device_key_file, device_keys
from app.demo.panel import panel
from app.demo.people import GATE
from app.demo.ports import BANK_PATH, HOST, PortError, Ports, choose_ports

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 120
WATCH_S = 1.0
GIVEN = {"PostgreSQL": "DATABASE_URL", "Redis": "REDIS_URL"}
STARTERS = {"PostgreSQL": start_postgres, "Redis": start_redis}


@dataclass(slots=True)
class Demo:
    directory: DataDirectory
    ports: Ports
    browser: bool
    engines: dict[str, Engine]
    began: float

    @property
    def data(self) -> Path:
        return self.directory.path


def run(*, port: int, data: Path, fresh: bool, browser: bool) -> int:
    """Run the demo until Ctrl-C or SIGTERM; 0 then, and 1 after one sentence when it cannot run."""
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if fresh and any(os.environ.get(variable) for variable in GIVEN.values()):
            raise DataError(
                "--fresh only empties the demo's own servers: unset DATABASE_URL and REDIS_URL, or empty yours."
            )
        # The directory first: whoever starts the same demo twice hears that, and not of a port.
        with claim(data, fresh=fresh) as directory:
            ports = choose_ports(port)
            if directory.began_anew:
                _say("The last start stopped in the middle of its set-up; starting that over.")
            _run(Demo(directory, ports, browser, {}, began))
    except (DataError, EngineError, PortError, SetupError, ChildError) as error:
        for line in getattr(error, "tail", ()):
            print(f"    {line}", file=sys.stderr)
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Stopped.")
    return 0


def _run(demo: Demo) -> None:
    given = {name: url for name, variable in GIVEN.items() if (url := os.environ.get(variable))}
    ours = [name for name in STARTERS if name not in given]
    steps = len(ours) + 2 + (not demo.directory.ready)
    with explained(demo.data):
        logs = demo.directory.folder("logs")
        progress = Progress(steps, logs / "setup.log", sys.stderr)
        with _stopping_engines(demo):
            urls = {GIVEN[name]: url for name, url in given.items()}
            for name in ours:
                with progress.step(name):
                    demo.engines[name] = STARTERS[name](demo.data)
                    urls[GIVEN[name]] = demo.engines[name].url
            environment = environment_of(demo.data, demo.ports, urls)
            with progress.step("Database"):
                _run_verb("migrate", environment, progress)
            if not demo.directory.ready:
                with progress.step("Demo season"):
                    _run_verb("season", environment, progress)
                demo.directory.mark_ready()
            asyncio.run(_serve(demo, environment, progress))


def environment_of(data: Path, ports: Ports, urls: dict[str, str]) -> dict[str, str]:
    """What the processes of the demo are told; what the caller set stays, where the demo does not depend on it."""
    for name in DEVICES:
        device_keys(data, name)
    return {
        "PYTHONPATH": str(ROOT),
        **os.environ,
        **urls,
        **demo_secrets(data),
        "PLACEUR_DATA_DIR": str(data),
        "PLACEUR_PUBLIC_URL": f"http://localhost:{ports.web}",
        "PLACEUR_SMTP_URL": f"smtp://{HOST}:{ports.smtp}",
        "PLACEUR_CARD_API_URL": f"http://localhost:{ports.world}{BANK_PATH}",
        "PLACEUR_CARD_TEST_MODE": "true",
        "PLACEUR_HUB_URL": f"tcp://{HOST}:{ports.hub}",
        "PLACEUR_HUB_EVENTS_URL": f"tcp://{HOST}:{ports.hub_events}",
        "PLACEUR_HUB_KEY_FILE": str(device_key_file(data, "hub")),
        PARENT_VARIABLE: str(os.getpid()),
        "PYTHONUNBUFFERED": "1",
    }


async def _serve(demo: Demo, environment: dict[str, str], progress: Progress) -> None:
    """Start the processes, show the panel, and keep all alive until told to stop."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    children = Children(environment, _say)
    try:
        with progress.step("Box office"):
            for name, arguments in verbs_of(demo.data, demo.ports).items():
                children.start(name, [sys.executable, "-m", "app.cli", *arguments], demo.data / "logs" / f"{name}.log")
            await _await_ready(demo.ports, children, told)
        if not told.is_set():
            print(panel(demo.ports, data=str(demo.data), seconds=time.monotonic() - demo.began), flush=True)
            if demo.browser and _has_display():
                webbrowser.open(f"http://localhost:{demo.ports.web}/")
        while not told.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), WATCH_S)
            _revive_engines(demo)
        _say("Stopping …")
    finally:
        await children.stop()
    _say("Stopped.")


def verbs_of(data: Path, ports: Ports) -> dict[str, list[str]]:
    """The processes, by the name of their log."""

    def agent(name: str, *work: str) -> list[str]:
        hub_key, _ = device_keys(data, "hub")
        return [
            "agent",
            f"--key-file={device_key_file(data, name)}",
            f"--hub-key={hub_key}",
            f"--data={data / name}",
            *work,
        ]

    return {
        "world": ["world", f"--port={ports.world}", f"--smtp-port={ports.smtp}", f"--printer-port={ports.printer}"],
        "web": ["web", f"--port={ports.web}"],
        "worker": ["worker"],
        "hub": ["hub"],
        "printer-agent": agent("printer-agent", f"--printer={HOST}:{ports.printer}"),
        "gate-agent": agent("gate-agent", f"--gate={GATE}", f"--scanner-port={ports.scanner}"),
    }


async def _await_ready(ports: Ports, children: Children, told: asyncio.Event) -> None:
    """Until the shop and the world answer. Raises ChildError."""
    waiting = [f"http://{HOST}:{ports.web}/health/ready", f"http://{HOST}:{ports.world}/health/ready"]
    deadline = time.monotonic() + READY_TIMEOUT_S
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while waiting and not told.is_set():
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(waiting[0])).status_code == httpx.codes.OK:
                    waiting.pop(0)
                    continue
            children.refuse_stillborn()
            if time.monotonic() > deadline:
                raise ChildError(f"{waiting[0]} does not answer; see the logs of the processes.")
            await asyncio.sleep(0.1)


def _revive_engines(demo: Demo) -> None:
    """An engine that died is started again at the same address; the processes reconnect by themselves."""
    for name, engine in demo.engines.items():
        if engine.process.poll() is not None:
            _say(f"{name} stopped; starting it again.")
            demo.engines[name] = STARTERS[name](demo.data)


@contextlib.contextmanager
def _stopping_engines(demo: Demo) -> Iterator[None]:
    try:
        yield
    finally:
        for engine in reversed(demo.engines.values()):
            engine.stop()


def _run_verb(verb: str, environment: dict[str, str], progress: Progress) -> None:
    progress.run([sys.executable, "-m", "app.cli", verb], failing=f"`placeur {verb}` failed", env=environment)


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _say(sentence: str) -> None:
    print(f"placeur: {sentence}", file=sys.stderr, flush=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
