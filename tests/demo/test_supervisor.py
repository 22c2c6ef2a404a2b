"""`placeur demo` from the outside: one sentence when it cannot run, everything up when it can, nothing left after."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.demo import ports
from app.demo.data_directory import MARK, claim

ROOT = Path(__file__).resolve().parents[2]
ENDING_S = 180
"""How long a demo may take that ends, or recovers: its parts are stopped one after the other."""
PARTS = {"world", "web", "worker", "hub", "printer-agent", "gate-agent", "PostgreSQL", "Redis"}


@pytest.fixture
def port() -> int:
    """The first of seven ports in a row that are free now, and that the kernel lends to nobody."""
    return next(
        candidate
        for candidate in range(31_000, 31_500, 10)
        if all(ports.is_free(candidate + offset) for offset in range(7))
    )


@pytest.fixture
def data() -> Iterator[Path]:
    # Short, and open to the user that PostgreSQL runs as; pytest's own directories are neither.
    with tempfile.TemporaryDirectory(prefix="placeur-demo-", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=60)


def start(data: Path, port: int, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "demo", f"--port={port}", f"--data={data}", "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**own, "PYTHONPATH": str(ROOT), **variables},
        start_new_session=True,
    )


def refusal(demo: subprocess.Popen[str]) -> str:
    """The one sentence that a demo ends with."""
    said, complained = demo.communicate(timeout=ENDING_S)
    assert demo.returncode == 1
    assert said == ""
    assert complained.startswith("placeur: ")
    assert complained.endswith(".\n")
    assert complained.count("\n") == 1
    return complained


def read_panel(demo: subprocess.Popen[str]) -> str:
    """All that a demo prints until it is open."""
    assert demo.stdout is not None
    lines: list[str] = []
    while not (lines and lines[-1].startswith("╰")):
        line = demo.stdout.readline()
        assert line, f"the demo ended instead of opening: {demo.communicate()[1]}"
        lines.append(line)
    return "".join(lines)


def processes_of(data: Path) -> list[psutil.Process]:
    """Everything that lives for this data directory: those told of it by environment or by argument."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            told = process.environ().get("PLACEUR_DATA_DIR") == str(data)
            if told or any(str(data) in argument for argument in process.cmdline()):
                found.append(process)
    return found


def wait_until_gone(data: Path) -> None:
    deadline = time.monotonic() + ENDING_S
    while found := processes_of(data):
        assert time.monotonic() < deadline, f"left behind: {[process.cmdline() for process in found]}"
        time.sleep(0.1)


def test_a_port_in_use_is_told(data: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, port))
        taken.listen()

        assert f"Port {port} is in use by another program" in refusal(start(data, port))


def test_a_directory_that_cannot_be_written_is_told(data: Path, port: int) -> None:
    place = Path("/sys/placeur") if os.geteuid() == 0 else Path("/usr/placeur")

    assert f"{place} cannot be written to" in refusal(start(place, port))


def test_a_directory_of_others_is_told_and_left_alone(data: Path, port: int) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("years of work")

    assert "not Placeur's (thesis.txt)" in refusal(start(data, port, "--fresh"))
    assert (data / "thesis.txt").exists()


def test_a_second_demo_on_the_same_data_is_told(data: Path, port: int) -> None:
    with claim(data):
        assert "Another Placeur" in refusal(start(data, port))


def test_data_of_another_version_are_told(data: Path, port: int) -> None:
    data.mkdir()
    (data / MARK).write_text('{"format": 0, "ready": true}')

    assert "another version of Placeur" in refusal(start(data, port))


def test_fresh_does_not_empty_servers_given_by_url(data: Path, port: int) -> None:
    said = refusal(start(data, port, "--fresh", DATABASE_URL="postgresql://production/box_office"))

    assert "--fresh only empties the demo's own servers" in said


@pytest.mark.fault
def test_a_demo_opens_stops_comes_back_and_dies_without_leaving_a_process(data: Path, port: int) -> None:
    """From nothing to open doors; Ctrl-C; a second start that keeps the season; kill -9; and a third start."""
    demo = start(data, port)
    panel = read_panel(demo)
    for place in ("/manage", "/counter", "/gate"):
        assert f"http://localhost:{port}{place}" in panel
    assert get(f"http://localhost:{port}/health/ready").is_success
    events = get(f"http://localhost:{port}/api/v1/events").json()
    assert len(events) >= 3
    assert "Mailbox" in get(f"http://localhost:{port + 1}/").text
    assert len(processes_of(data)) >= len(PARTS)
    secret = [data / "secrets.json", *(data / "keys").iterdir()]
    assert len(secret) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}

    demo.send_signal(signal.SIGINT)
    _, complained = demo.communicate(timeout=ENDING_S)
    assert demo.returncode == 0
    assert complained.endswith("placeur: Stopped.\n")
    assert "Traceback" not in complained
    assert processes_of(data) == []

    demo = start(data, port)
    read_panel(demo)
    assert get(f"http://localhost:{port}/api/v1/events").json() == events
    demo.kill()
    _, complained = demo.communicate(timeout=ENDING_S)
    assert "Demo season" not in complained
    wait_until_gone(data)

    demo = start(data, port)
    read_panel(demo)
    demo.terminate()
    demo.communicate(timeout=ENDING_S)
    assert demo.returncode == 0
    assert processes_of(data) == []


@pytest.mark.fault
def test_a_first_start_that_was_killed_is_begun_anew(data: Path, port: int) -> None:
    for _ in range(5):
        demo = start(data, port)
        deadline = time.monotonic() + 60
        while not (data / "postgres").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        demo.kill()
        demo.communicate()
        wait_until_gone(data)
        if not json.loads((data / MARK).read_text())["ready"]:
            break
        shutil.rmtree(data)  # it was quicker than we: once more
    else:
        pytest.fail("five times it was said to be ready as soon as it had begun")

    demo = start(data, port)
    read_panel(demo)
    demo.send_signal(signal.SIGINT)
    _, complained = demo.communicate(timeout=ENDING_S)

    assert "The last start stopped in the middle of its set-up; starting that over." in complained
    assert demo.returncode == 0


@pytest.mark.fault
def test_an_engine_that_dies_is_started_again(data: Path, port: int) -> None:
    """The shop is ready again by itself, with the same season."""
    demo = start(data, port)
    read_panel(demo)
    engine = next(process for process in processes_of(data) if "postgres" in process.name())
    top = next(each for each in [engine, *engine.parents()] if str(data / "postgres") in " ".join(each.cmdline()))

    top.kill()
    assert demo.stderr is not None
    while "PostgreSQL stopped; starting it again." not in (line := demo.stderr.readline()):
        assert line

    deadline = time.monotonic() + ENDING_S
    ready = False
    while not ready:
        assert time.monotonic() < deadline
        with contextlib.suppress(httpx.TransportError):
            ready = get(f"http://localhost:{port}/api/v1/events").is_success
        time.sleep(0.2)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=ENDING_S)
    assert demo.returncode == 0
    assert processes_of(data) == []
