"""The processes of a demo: revived when they die, none left when it ends, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.core.process import PARENT_VARIABLE
from app.demo import children as module
from app.demo.children import ChildError, Children, last_words

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


PAUSE_S = 0.05
SLEEP = python("import time; print('up', flush=True); time.sleep(600)")
STUBBORN = python("import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)")
FAMILY = python(
    "import subprocess, time\n"
    "child = subprocess.Popen(['sleep', '600']); print('child', child.pid, flush=True); time.sleep(600)"
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def children(said: list[str]) -> Children:
    return Children(ENVIRONMENT, said.append)


def start_without_pauses(children: Children, name: str, command: list[str], log: Path) -> None:
    """It is revived after a moment, not a second. (Its keeper has not begun before we wait for something.)"""
    children.start(name, command, log)
    children.members[name].pause_s = PAUSE_S


async def until_logged(log: Path, text: str, times: int = 1) -> str:
    async with asyncio.timeout(60):
        while not log.exists() or log.read_text().count(text) < times:
            await asyncio.sleep(0.02)
    return log.read_text()


async def pids_of(children: Children) -> list[int]:
    """A child may speak before its keeper has heard that it was born."""
    async with asyncio.timeout(60):
        while not all(child.process for child in children.members.values()):
            await asyncio.sleep(0.02)
    return [child.process.pid for child in children.members.values() if child.process]


async def test_a_clean_stop_leaves_no_process(children: Children, tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("a.log", "b.log")]
    for log in logs:
        children.start(log.stem, SLEEP, log)
    for log in logs:
        await until_logged(log, "up")
    pids = await pids_of(children)

    await children.stop()

    assert len(pids) == 2
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


async def test_what_a_child_started_goes_with_it(children: Children, tmp_path: Path) -> None:
    children.start("family", FAMILY, tmp_path / "family.log")
    pid = int((await until_logged(tmp_path / "family.log", "\n")).split()[1])

    await children.stop()

    assert await gone(pid)


async def test_a_child_that_will_not_stop_is_killed(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.2)
    children.start("stubborn", STUBBORN, tmp_path / "stubborn.log")
    await until_logged(tmp_path / "stubborn.log", "up")
    await pids_of(children)
    process = children.members["stubborn"].process

    await children.stop()

    assert process is not None
    assert process.returncode == -signal.SIGKILL


async def test_a_child_that_dies_is_started_again_and_it_is_said(
    children: Children, said: list[str], tmp_path: Path
) -> None:
    start_without_pauses(children, "web", SLEEP, tmp_path / "web.log")
    await until_logged(tmp_path / "web.log", "up")
    (first,) = await pids_of(children)

    os.kill(first, signal.SIGKILL)
    await until_logged(tmp_path / "web.log", "up", times=2)

    async with asyncio.timeout(60):
        while await pids_of(children) == [first]:
            await asyncio.sleep(0.02)
    await children.stop()
    assert len(said) == 1
    assert said[0].startswith("web stopped (killed by SIGKILL); starting it again")


async def test_a_child_that_never_comes_up_is_given_up_with_its_last_words(children: Children, tmp_path: Path) -> None:
    start_without_pauses(children, "hub", python("raise SystemExit('no key file')"), tmp_path / "hub.log")
    await until_logged(tmp_path / "hub.log", "no key file", times=module.STILLBORN_MAX)

    async with asyncio.timeout(60):
        while children.members["hub"].deaths < module.STILLBORN_MAX:
            await asyncio.sleep(0.02)
    with pytest.raises(ChildError, match="hub does not start: no key file"):
        children.refuse_stillborn()
    await children.stop()


async def test_pauses_grow(children: Children, said: list[str], tmp_path: Path) -> None:
    """A process that cannot run must not eat the machine."""
    start_without_pauses(children, "worker", python("raise SystemExit(1)"), tmp_path / "worker.log")
    worker, pauses = children.members["worker"], [PAUSE_S]
    async with asyncio.timeout(60):
        while len(pauses) < 4:
            if worker.pause_s != pauses[-1]:
                pauses.append(worker.pause_s)
            await asyncio.sleep(PAUSE_S / 10)

    await children.stop()

    assert pauses == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S, 8 * PAUSE_S]
    assert len(said) >= 3


async def test_stopping_during_a_pause_starts_nothing_more(
    children: Children, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children.start("agent", python("raise SystemExit(1)"), tmp_path / "agent.log")
    children.members["agent"].pause_s = 600
    async with asyncio.timeout(60):
        while not said:
            await asyncio.sleep(0.02)

    await children.stop()

    assert len(said) == 1


@pytest.mark.fault
def test_a_supervisor_killed_hard_takes_its_processes_along(tmp_path: Path) -> None:
    """kill -9 leaves no moment to clean up: the kernel tells each process that its parent is gone."""
    service = python(
        "import asyncio; from app.core.process import end_with_parent, run_until_told\n"
        "end_with_parent()\n"
        "async def serve():\n  print('up', flush=True); await asyncio.sleep(600)\n"
        "run_until_told(serve())"
    )
    supervisor = subprocess.Popen(
        python(
            "import os, subprocess, time\n"
            f"os.environ[{PARENT_VARIABLE!r}] = str(os.getpid())\n"
            f"child = subprocess.Popen({service!r}, stdout=subprocess.PIPE, start_new_session=True)\n"
            "child.stdout.readline(); print(child.pid, flush=True); time.sleep(600)"
        ),
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert supervisor.stdout is not None
    with supervisor.stdout:
        pid = int(supervisor.stdout.readline())

    supervisor.kill()
    supervisor.wait()

    assert asyncio.run(gone(pid))


@pytest.mark.fault
def test_a_process_whose_parent_died_before_it_looked_ends_too() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()

    orphan = subprocess.run(
        python("from app.core.process import end_with_parent; end_with_parent(); print('still here')"),
        env={**ENVIRONMENT, PARENT_VARIABLE: str(ended.pid)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert orphan.returncode == -signal.SIGTERM
    assert orphan.stdout == ""


def test_the_last_words_are_the_last_line_with_something_in_it(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_words(log) == "it said nothing"
    log.write_text("Traceback\nValueError: no\n\n  \n")
    assert last_words(log) == "ValueError: no"


async def gone(pid: int) -> bool:
    """Whether the process ends; one that nobody reaped yet has ended."""
    async with asyncio.timeout(60):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            while process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
    return True
