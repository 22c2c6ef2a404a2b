"""The frame of every figure that the project claims: each beside its limit and its peer, measured in the same run.

A figure is a coroutine in a module of this folder, or in a folder of modules, named as its area:

    @benchmark("seating.hold_release", unit="holds/s", better="higher")
    async def hold_release(ctx: Context) -> Result: ...

The machine is shared and noisy, so a figure is measured several times and its median run is kept whole: ours, limit and
peer always come from one and the same run, or their ratio would mean nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import math
import os
import pkgutil
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvloop

import benchmarks
from app.demo.engines import Engine, start_postgres, start_redis

Better = Literal["higher", "lower"]
RUNS = 3


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement. `limit`: what the machine can do at all at this; `peer`: what others do."""

    ours: float
    limit: float | None = None
    peer: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a benchmark may use: servers that are its own while it runs, and how much to do."""

    servers: Servers
    smoke: bool

    @property
    def redis_url(self) -> str:
        return self.servers.redis_url

    @property
    def postgres_url(self) -> str:
        return self.servers.postgres_url


Measure = Callable[[Context], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    unit: str
    better: Better
    measure: Measure


@dataclass(frozen=True, slots=True)
class Figure:
    """A benchmark's outcome: its median run, or why there is none."""

    benchmark: Benchmark
    result: Result | None
    failure: str = ""

    @property
    def to_limit(self) -> float | None:
        return _ratio(self.result, self.result.limit if self.result else None)

    @property
    def to_peer(self) -> float | None:
        return _ratio(self.result, self.result.peer if self.result else None)


REGISTRY: dict[str, Benchmark] = {}


def benchmark(name: str, *, unit: str, better: Better) -> Callable[[Measure], Measure]:
    """Declare a figure; `name` is `area.what`. Raises ValueError when another one has it."""

    def register(measure: Measure) -> Measure:
        if name in REGISTRY and REGISTRY[name].measure is not measure:
            raise ValueError(f"Two benchmarks are called {name!r}.")
        REGISTRY[name] = Benchmark(name, unit, better, measure)
        return measure

    return register


def run(names: Sequence[str] = (), *, smoke: bool = False, json_file: Path | None = None) -> int:
    """Measure what `names` select (all without any), print one table, write the JSON. 0, or 1 when one failed, or 2
    when a name selects nothing."""
    discover()
    unknown = [name for name in names if not select([name], REGISTRY)]
    if unknown:
        known = ", ".join(sorted(REGISTRY)) or "none"
        print(f"placeur bench: no figure is called {unknown[0]!r}; there are {known}.", file=sys.stderr)
        return 2
    chosen = select(names, REGISTRY)
    with servers() as started:
        figures = [measure(each, Context(started, smoke), runs=1 if smoke else RUNS) for each in chosen]
    print(table(figures))
    if json_file is not None:
        json_file.write_text(to_json(figures), encoding="utf-8")
    failed = [figure.benchmark.name for figure in figures if figure.result is None]
    if failed:
        print(f"placeur bench: failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def discover() -> None:
    """Import every module of the folder and of the folders in it, so that their figures register."""
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks."):
        importlib.import_module(module.name)


def select(names: Sequence[str], registry: dict[str, Benchmark]) -> list[Benchmark]:
    """By full name or by a beginning that ends at a dot: "seating" takes seating.hold_release, not seatingplan.x."""
    return [
        registry[full]
        for full in sorted(registry)
        if not names or any(full == name or full.startswith(f"{name.rstrip('.')}.") for name in names)
    ]


def measure(chosen: Benchmark, context: Context, *, runs: int) -> Figure:
    """Run a benchmark; its failure is told and kept, so that the others still run."""
    results: list[Result] = []
    print(f"{chosen.name} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        for _ in range(runs):
            results.append(uvloop.run(_measure(chosen.measure, context)))
    except Exception as error:  # noqa: BLE001 - whatever a benchmark raises, it is told, and the others run
        traceback.print_exc()
        return Figure(chosen, None, f"{type(error).__name__}: {error}".splitlines()[0])
    print(f"{chosen.name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return Figure(chosen, median_run(results))


async def _measure(measure: Measure, context: Context) -> Result:
    async with asyncio.timeout(60 if context.smoke else 600):
        result = await measure(context)
    numbers = [number for number in (result.ours, result.limit, result.peer) if number is not None]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"measured {result}, in which a number is none")
    return result


def median_run(results: Sequence[Result]) -> Result:
    """The run whose own figure is the (lower) median."""
    middle = statistics.median_low(result.ours for result in results)
    return next(result for result in results if result.ours == middle)


def table(figures: Sequence[Figure]) -> str:
    """One line a figure: ours, the limit, the peer, and the ratios."""
    head = ["figure", "ours", "limit", "peer", "÷ limit", "÷ peer", "unit", ""]
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if 1 <= column <= 5 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("─" * width for width in widths[:-1]))
    return "\n".join(lines)


def _cells(figure: Figure) -> list[str]:
    unit = f"{figure.benchmark.unit} {'↑' if figure.benchmark.better == 'higher' else '↓'}"
    if figure.result is None:
        return [figure.benchmark.name, "FAILED", "", "", "", "", unit, figure.failure]
    result = figure.result
    return [
        figure.benchmark.name,
        *(_number(value) for value in (result.ours, result.limit, result.peer)),
        *(_times(value) for value in (figure.to_limit, figure.to_peer)),
        unit,
        result.note,
    ]


def to_json(figures: Sequence[Figure]) -> str:
    """What scripts read: a list of objects, null where there is no number."""
    rows = [
        {
            "name": figure.benchmark.name,
            "unit": figure.benchmark.unit,
            "better": figure.benchmark.better,
            "ours": figure.result and figure.result.ours,
            "limit": figure.result and figure.result.limit,
            "peer": figure.result and figure.result.peer,
            "to_limit": figure.to_limit,
            "to_peer": figure.to_peer,
            "note": figure.result.note if figure.result else f"failed: {figure.failure}",
        }
        for figure in figures
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


class Servers:
    """The engines of a run, each started when a benchmark first asks for it; by URL where the environment has one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._engines: dict[str, Engine] = {}

    @property
    def redis_url(self) -> str:
        return os.environ.get("REDIS_URL") or self._started("redis", start_redis)

    @property
    def postgres_url(self) -> str:
        return os.environ.get("DATABASE_URL") or self._started("postgres", start_postgres)

    def _started(self, name: str, start: Callable[[Path], Engine]) -> str:
        # Durable, as in production: a figure without fsync would be a lie.
        if name not in self._engines:
            self._engines[name] = start(self._directory)
        return self._engines[name].url

    def stop(self) -> None:
        for engine in self._engines.values():
            engine.stop()


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    # A short path, for a unix socket, that PostgreSQL's unprivileged user may enter.
    with tempfile.TemporaryDirectory(prefix="placeur-bench-", dir="/tmp", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        started = Servers(directory)
        try:
            yield started
        finally:
            started.stop()


def _ratio(result: Result | None, reference: float | None) -> float | None:
    if result is None or not reference:
        return None
    return result.ours / reference


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
