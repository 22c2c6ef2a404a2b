"""The processes of a demo: started, watched, started again when they die, and stopped without leaving one behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAUSE_S_FIRST = 1.0
PAUSE_S_MAX = 30.0
SETTLED_S = 60.0
"""Whoever lived this long has earned short pauses again."""
STOP_TIMEOUT_S = 10.0
STILLBORN_MAX = 3
LOG_BYTES_MAX = 5_000_000


class ChildError(Exception):
    """A process that never came up; the message is one sentence with its last words."""


@dataclass(slots=True)
class Child:
    """One process that is kept alive. `log` receives all that it says."""

    name: str
    command: Sequence[str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    pause_s: float = PAUSE_S_FIRST
    deaths: int = 0


class Children:
    """Keeps its processes alive between `start` and `stop`; `say` gets a sentence for each death."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._say = say
        self._stopping = asyncio.Event()
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self.members: dict[str, Child] = {}

    def start(self, name: str, command: Sequence[str], log: Path) -> None:
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        child = self.members[name] = Child(name, tuple(command), log)
        self._keepers[name] = asyncio.get_running_loop().create_task(self._keep(child), name=f"keep {name}")

    def refuse_stillborn(self) -> None:
        """Before all is up, somebody who dies again and again will not come up. Raises ChildError."""
        for child in self.members.values():
            if child.deaths >= STILLBORN_MAX:
                raise ChildError(f"{child.name} does not start: {last_words(child.log)} (all of it is in {child.log}).")
        for keeper in self._keepers.values():
            if keeper.done():
                keeper.result()

    async def stop(self) -> None:
        """Ask all at once, then insist. Returns when none is left."""
        self._stopping.set()
        for child in self.members.values():
            self._signal(child, signal.SIGTERM)
        if self._keepers:
            _, late = await asyncio.wait(self._keepers.values(), timeout=STOP_TIMEOUT_S)
            if late:
                for child in self.members.values():
                    self._signal(child, signal.SIGKILL)
            await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    async def _keep(self, child: Child) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            with child.log.open("ab") as sink:
                child.process = await asyncio.create_subprocess_exec(
                    *child.command,
                    # A pipe that nothing comes through, since a gate agent watches it for a scanner's lines, and the
                    # event loop cannot watch /dev/null.
                    stdin=asyncio.subprocess.PIPE,
                    stdout=sink,
                    stderr=sink,
                    env=self._environment,
                    # Out of the terminal's process group: Ctrl-C is for us, who stop everybody in order.
                    start_new_session=True,
                )
            if self._stopping.is_set():
                # `stop` looked while this one was being born.
                self._signal(child, signal.SIGTERM)
            code = await child.process.wait()
            if self._stopping.is_set():
                return
            lived_s = time.monotonic() - began
            child.pause_s = PAUSE_S_FIRST if lived_s > SETTLED_S else child.pause_s
            child.deaths += 1
            self._say(
                f"{child.name} stopped ({_how(code)}); starting it again in {child.pause_s:.0f} s. See {child.log}."
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), child.pause_s)
            child.pause_s = min(child.pause_s * 2, PAUSE_S_MAX)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        """To the child's whole session, so that what it started goes with it."""
        if child.process is not None and child.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, number)


def last_words(log: Path) -> str:
    """The last line with something in it."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace")[-4_000:].splitlines() if line.strip()]
        if lines:
            return lines[-1]
    return "it said nothing"


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
