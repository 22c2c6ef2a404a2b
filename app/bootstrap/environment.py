"""The virtual environment `.venv`, made from a lock file and never left half-made.

While pip writes, a marker stands in the environment; an environment with a marker was killed in the middle and is made
anew. When pip is done, a stamp per lock file holds the lock's hash. An environment without stamps (made by hand, by
another tool) is adopted when it already holds every pin of the lock, and otherwise topped up.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from app.bootstrap.packages import install_debian
from app.bootstrap.progress import Progress, SetupError

MARKER = "placeur.making"
PYTHONS = ("3.11", "3.12", "3.13")
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)([^\n]*)", re.MULTILINE)

State = Literal["ready", "complete", "lacking", "absent", "broken"]


def judge(venv: Path, lock: Path) -> State:
    """What there is. `complete`: all pins, but no stamp of ours; `lacking`: sound, but older than the lock."""
    if not venv.exists():
        return "absent"
    if (venv / MARKER).exists() or not (venv / "bin" / "python").exists() or not version_of(venv).startswith(PYTHONS):
        return "broken"
    stamp = _stamp(venv, lock)
    if stamp.exists() and stamp.read_text() == digest(lock):
        return "ready"
    wanted = pins(lock.read_text())
    found = installed(venv)
    return "complete" if all(found.get(name) == version for name, version in wanted.items()) else "lacking"


def make_environment(venv: Path, lock: Path, progress: Progress) -> None:
    """Bring `venv` to what `lock` says. Raises SetupError."""
    state = judge(venv, lock)
    if state == "ready":
        return
    if state == "complete":
        _stamp(venv, lock).write_text(digest(lock))
        return
    if state == "broken":
        shutil.rmtree(venv)
    if state in {"absent", "broken"}:
        _require_venv_module(progress)
        venv.mkdir()
        (venv / MARKER).touch()
        progress.run([sys.executable, "-m", "venv", str(venv)], failing="Python could not make its virtual environment")
    (venv / MARKER).touch()
    install(venv, lock, progress)
    _stamp(venv, lock).write_text(digest(lock))
    (venv / MARKER).unlink()


def install(venv: Path, lock: Path, progress: Progress) -> None:
    """Install every pin of a lock file, each checked against its hashes. Raises SetupError."""
    progress.run(
        [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
         "--no-deps", "--require-hashes", "-r", str(lock)],
        failing=f"The packages of {lock.name} could not be installed",
        read=reader(len(pins(lock.read_text()))),
    )  # fmt: skip


def reader(total: int) -> Callable[[str], str | None]:
    """Turns pip's lines into "12/90 litestar"."""
    seen = 0

    def read(line: str) -> str | None:
        nonlocal seen
        if line.startswith("Installing collected packages"):
            return f"{total}/{total} unpacking"
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
            seen += 1
            return f"{seen}/{total} {match[1].split('==')[0]}"
        return None

    return read


def pins(lock: str) -> dict[str, str]:
    """Normalised name → version. A pin with a marker may not be meant for this machine, so it is left out."""
    return {normalise(name): version for name, version, rest in PIN.findall(lock) if ";" not in rest}


def installed(venv: Path) -> dict[str, str]:
    """Normalised name → version of what is wholly there: an installer writes RECORD last."""
    found = {}
    for record in venv.glob("lib/python3.*/site-packages/*.dist-info/RECORD"):
        name, _, version = record.parent.name.removesuffix(".dist-info").rpartition("-")
        found[normalise(name)] = version
    return found


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def version_of(venv: Path) -> str:
    """The environment's Python, such as "3.11.2"; empty when it does not say."""
    try:
        text = (venv / "pyvenv.cfg").read_text()
    except OSError:
        return ""
    match = re.search(r"^version(?:_info)?\s*=\s*(\S+)", text, re.MULTILINE)
    return match[1] if match else ""


def site_packages(venv: Path) -> Path:
    major, minor = version_of(venv).split(".")[:2]
    return venv / "lib" / f"python{major}.{minor}" / "site-packages"


def _stamp(venv: Path, lock: Path) -> Path:
    return venv / f"placeur.{lock.name}.sha256"


def _require_venv_module(progress: Progress) -> None:
    """Debian ships `venv` and `ensurepip` apart from Python."""
    if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(
            f"This Python ({sys.executable}) cannot make virtual environments: "
            f"run `sudo apt-get install {package}` (or your system's equivalent), then start again."
        )
    install_debian([package], progress)
