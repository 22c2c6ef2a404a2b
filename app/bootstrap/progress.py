"""What a person sees while the set-up runs: step n of m, what it is doing, and for how long."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TICK_S = 0.1
PLAIN_EVERY_S = 15
"""Without a terminal a line is printed this often, so that a log shows that something still moves."""
TAIL_LINES = 12


class SetupError(Exception):
    """The set-up cannot go on. The message is one sentence that says what to do; `tail` is what the tool said last."""

    def __init__(self, message: str, tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.tail = tuple(tail)


class Progress:
    """One line per step. On a terminal the line moves; elsewhere (CI, a file) plain lines are appended."""

    def __init__(self, total: int, log: Path, stream: TextIO, *, held: Sequence[int] = ()) -> None:
        """`held` are file descriptors that started tools keep open: see `set_up_once`."""
        self._total = total
        self._log = log
        self._stream = stream
        self._held = tuple(held)
        self._moves = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._number = 0
        self._title = ""
        self._detail = ""
        self._began = 0.0
        self._ticks = 0
        self._said_at = 0.0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._number += 1
        self._title, self._detail = title, ""
        self._began = self._said_at = time.monotonic()
        if not self._moves:
            self._line(f"{self._place()} {title} …")
        try:
            yield
        except BaseException:
            self._finish("✗")
            raise
        self._finish("✓")

    def run(
        self,
        command: Sequence[str],
        *,
        failing: str,
        read: Callable[[str], str | None] = lambda line: None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Run a tool to its end, its output going to the log; `read` turns a line of it into what the step shows.

        Raises SetupError(`failing`) with the last lines when it fails, and when it cannot be started at all.
        """
        tail: list[str] = []
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n")
            try:
                process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=dict(env) if env is not None else None,
                    cwd=cwd,
                    pass_fds=self._held,
                )
            except OSError as error:
                raise SetupError(f"{failing}: {command[0]} cannot be started ({error.strerror}).") from None
            try:
                for line in self._lines(process):
                    log.write(line + "\n")
                    tail = [*tail, line][-TAIL_LINES:]
                    if shown := read(line):
                        self._detail = shown
                code = process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if code:
            raise SetupError(f"{failing}; all of what it said is in {self._log}.", [line for line in tail if line])

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """The output line by line, ticking while none comes."""
        assert process.stdout is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                if selector.select(TICK_S):
                    chunk = os.read(process.stdout.fileno(), 65_536)
                    if not chunk:
                        break
                    *whole, rest = (rest + chunk).split(b"\n")
                    yield from (line.decode(errors="replace").rstrip() for line in whole)
                self._tick()
        if rest:
            yield rest.decode(errors="replace").rstrip()

    def _tick(self) -> None:
        now = time.monotonic()
        self._ticks += 1
        if self._moves:
            sign = SPINNER[int((now - self._began) / TICK_S) % len(SPINNER)]
            self._draw(f"{self._place()} {sign} {self._title}  {self._elapsed()}  {self._detail}")
        elif now - self._said_at >= PLAIN_EVERY_S:
            self._said_at = now
            self._line(f"{self._place()} {self._title}  {self._elapsed()}  {self._detail}".rstrip())

    def _finish(self, sign: str) -> None:
        text = f"{self._place()} {sign} {self._title}  {self._elapsed()}"
        if self._moves:
            self._draw(text)
            self._stream.write("\n")
            self._stream.flush()
        else:
            self._line(text)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[2K" + text[:width])
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    def _place(self) -> str:
        return f"[{self._number}/{self._total}]"

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02d} s"
