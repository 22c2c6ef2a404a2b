"""Starts endpoints, plays cases against them, and counts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.realtime.autobahn.case import Case, Verdict, play
from tests.realtime.autobahn.frames import TEXT, frame
from tests.realtime.autobahn.sections.feed import HELLO, SNAPSHOT, feed_event
from tests.realtime.autobahn.wire import PATIENCE_S, Wire

ROOT = Path(__file__).resolve().parents[3]
FEED_PATH = "/live/performances/7"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running server. `log` is what it has said on standard error so far."""

    host: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def log(self) -> str:
        # Not by seeking: the process writes where the file's one position is, which is ours as well.
        return os.pread(self.errors.fileno(), os.fstat(self.errors.fileno()).st_size, 0).decode()

    def play(self, case: Case) -> Verdict:
        return play(case, Wire(self.host))

    def play_on_feed(self, case: Case, *, greeted: bool = True) -> Verdict:
        """On a feed's connection, after hello and its answer, or from the first frame on."""
        wire = Wire(self.host, FEED_PATH, translate=feed_event)
        if greeted:
            wire.send(frame(TEXT, HELLO))
            wire.read_until(lambda: SNAPSHOT in wire.events)
        return play(case, wire)


@contextlib.contextmanager
def running(name: str, *, redis_url: str = "") -> Iterator[Endpoint]:
    """An endpoint of endpoints.py in its own process, until the block ends."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.realtime.autobahn.endpoints", name],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": redis_url},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            assert process.stdout is not None
            host = process.stdout.readline().decode().strip()
            endpoint = Endpoint(host, process, errors)
            if not host:
                process.wait(PATIENCE_S)
                raise RuntimeError(f"the endpoint {name} did not start:\n{endpoint.log()}")
            yield endpoint
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            if process.stdout is not None:
                process.stdout.close()
