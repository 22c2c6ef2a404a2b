"""`./placeur VERB …`: the steps that VERB still needs, then VERB itself in the virtual environment."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from app.bootstrap import browser_code, environment
from app.bootstrap.packages import install_debian, may_install_debian
from app.bootstrap.progress import Progress, SetupError

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
FRONTEND = ROOT / "frontend"
WORKERS_MAX = 4  # each starts its own PostgreSQL, Redis and Chromium
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb is for, and what it needs set up beside the packages that serve the box office."""

    says: str
    tests: bool = False
    """The packages of the tests too."""
    pages: bool = False
    """The built browser code."""
    browser: bool = False


VERBS = {
    "demo": Verb("set everything up and run the whole box office here, with a demo season", pages=True),
    "test": Verb("run the tests; further arguments go to pytest", tests=True, pages=True, browser=True),
    "bench": Verb("measure every figure that the project claims", tests=True, pages=True),
    "lint": Verb("ruff and mypy over everything", tests=True),
    "web": Verb("serve pages, the HTTP API and the live feed", pages=True),
    "worker": Verb("mails, expiring holds, late payments"),
    "hub": Verb("the hub that a venue's devices talk to"),
    "agent": Verb("drive a desk's printers or a gate's scanner"),
    "world": Verb("the demo's bank, mailbox and printer"),
    "migrate": Verb("bring the database to this version"),
    "season": Verb("load the demo season into an empty box office"),
    "check": Verb("explain what is wrong with the settings, if anything"),
    "audit": Verb("check that the sales journal is whole"),
    "inventory": Verb("the live inventory: where it differs from the ledger, and its repair"),
    "plan": Verb("import a seating plan, or say what is wrong with it"),
}


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    done: Callable[[], bool]
    do: Callable[[Progress], None]


def run(arguments: Sequence[str]) -> int:
    """Set up, then become the verb's process; returns an exit code only when it does not come to that."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in VERBS:
        print(f"placeur: {name!r} is no verb of Placeur; it has {', '.join(VERBS)}.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    asks_help = any(word in {"-h", "--help"} for word in rest)
    try:
        set_up(steps_of(VERBS[name], light=asks_help))
        if VERBS[name].browser:
            announce_chromium()
    except SetupError as error:
        for line in error.tail:
            print(f"    {line}", file=sys.stderr)
        print(f"placeur: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nplaceur: stopped; the next start goes on from here.", file=sys.stderr)
        return 130
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print(f"placeur: the set-up cannot write here: {error.strerror}{place}.", file=sys.stderr)
        return 1
    return become(name, rest)


def usage() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {verb.says}" for name, verb in VERBS.items()]
    return "\n".join(["usage: placeur VERB [options]", "", *lines, "", "`placeur VERB --help` says more."])


def steps_of(verb: Verb, *, light: bool = False) -> list[Step]:
    """All steps of a verb, in order; `light` leaves out what only its work would need, as for --help."""
    lock = ROOT / ("requirements-test.lock" if verb.tests else "requirements.lock")
    steps = [
        Step(
            "Python packages",
            lambda: environment.judge(VENV, lock) == "ready",
            lambda progress: environment.make_environment(VENV, lock, progress),
        )
    ]
    if verb.pages and not light:
        steps += _page_steps()
    if verb.browser and not light:
        steps.append(Step("Chromium for the browser tests", _chromium_is_settled, _get_chromium))
    return steps


def _page_steps() -> list[Step]:
    node_lock = ROOT / "requirements-node.lock"
    return [
        Step(
            "Node",
            # Only a build needs it.
            lambda: browser_code.build_is_current(FRONTEND) or browser_code.node_directory(VENV) is not None,
            lambda progress: browser_code.get_node(VENV, node_lock, progress),
        ),
        Step(
            "Browser packages",
            lambda: browser_code.build_is_current(FRONTEND) or browser_code.packages_are_current(FRONTEND),
            lambda progress: browser_code.get_packages(FRONTEND, VENV, progress),
        ),
        Step(
            "Browser code",
            lambda: browser_code.build_is_current(FRONTEND),
            lambda progress: browser_code.build(FRONTEND, VENV, progress),
        ),
    ]


def set_up(steps: Sequence[Step]) -> None:
    """Do the steps that are not done yet, one process at a time. Raises SetupError."""
    if all(step.done() for step in steps):
        return
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with alone(cache / "setup.lock") as lock:
        # Another process may have done them while this one waited.
        missing = [step for step in steps if not step.done()]
        progress = Progress(len(missing), cache / "setup.log", sys.stderr, held=[lock])
        for step in missing:
            with progress.step(step.title):
                step.do(progress)


@contextmanager
def alone(path: Path) -> Iterator[int]:
    """Hold the set-up's lock. The tools started meanwhile inherit it: when this process is killed and pip lives on,
    the next set-up waits for pip instead of writing into the same environment."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another placeur is setting up this checkout; waiting for it …", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def find_chromium() -> str | None:
    return next((path for path in map(shutil.which, CHROMIUM) if path), None)


def announce_chromium() -> None:
    """Skipped browser tests must not pass unseen, and in CI not at all. Raises SetupError."""
    if find_chromium():
        return
    if os.environ.get("CI"):
        raise SetupError("CI must run the browser tests, and Chromium can be neither found nor installed here.")
    bar = "!" * 100
    print(
        f"{bar}\n! The browser tests will be SKIPPED: there is no Chromium here, and it takes root and apt-get to get "
        f"it.\n! Run `sudo apt-get install chromium` to have them.\n{bar}",
        file=sys.stderr,
    )


def _chromium_is_settled() -> bool:
    return find_chromium() is not None or not may_install_debian()


def _get_chromium(progress: Progress) -> None:
    try:
        # The fonts are what the pages are measured and drawn with; Debian's Chromium brings none.
        install_debian(["chromium", "fonts-dejavu-core"], progress)
    except SetupError:
        if os.environ.get("CI"):
            raise


def become(name: str, rest: Sequence[str]) -> NoReturn:
    """Replace this process by the verb's."""
    python = str(VENV / "bin" / "python")
    # The caller's directory stays: `placeur plan import FILE` is relative to it.
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {**os.environ, "PYTHONPATH": path}
    if name in {"test", "bench", "lint"}:
        os.chdir(ROOT)
    module = ["pytest", *side_by_side(rest, os.environ, os.cpu_count() or 1)] if name == "test" else ["app.cli", name]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(python, [python, "-m", *module, *rest], variables)


def side_by_side(rest: Sequence[str], environ: Mapping[str, str], cores: int) -> list[str]:
    """pytest's options for one worker a core, whole files each; `-n` among `rest` says otherwise. None for a few files,
    nor for somebody who looks on; nor on engines named in the environment, which a worker empties as if they were its.
    """
    looked_at = any(word.startswith(("-s", "--pdb", "--trace", "--capture")) for word in rest)
    few = any(word.partition("::")[0].endswith(".py") for word in rest)
    given = {"DATABASE_URL", "REDIS_URL"} & environ.keys()
    if looked_at or few or given or cores < 2:
        return []
    return [f"--numprocesses={min(cores, WORKERS_MAX)}", "--dist=loadfile"]


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
