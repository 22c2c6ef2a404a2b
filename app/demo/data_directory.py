"""The directory that holds everything a demo keeps between runs: whose it is, and whether it can be used.

Nothing is ever deleted from a directory that does not carry our mark, whatever was asked for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "placeur.json"
LOCK = "lock"
FORMAT = 2
"""Raised when a demo's data of before cannot be taken over by migrations alone."""
FREE_MB_MIN = 300


class DataError(Exception):
    """The directory cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    path: Path
    began_anew: bool
    """The last start never got ready; what it had written is gone."""

    @property
    def ready(self) -> bool:
        """The season has been loaded to its end at least once."""
        mark = _read_mark(self.path)
        return bool(mark and mark.get("ready"))

    def mark_ready(self) -> None:
        _write_mark(self.path, ready=True)

    def folder(self, name: str) -> Path:
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path


@contextlib.contextmanager
def claim(path: Path, *, fresh: bool = False) -> Iterator[DataDirectory]:
    """Have the directory to ourselves while the block runs, made, checked and emptied as need be. Raises DataError."""
    path = path.absolute()
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
        _refuse_strangers(path)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock_or_refuse(lock, path)
        with explained(path):
            directory = _prepare(path, fresh=fresh)
        yield directory
    finally:
        os.close(lock)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence about the directory."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(f"The disk of {path} is full: free some space, or name a directory with --data.") from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise DataError(f"{path} cannot be written to: name a directory that can with --data.") from error
        if error.errno in {errno.ENOTDIR, errno.EEXIST, errno.ENOENT}:
            raise DataError(f"{path} is no directory and cannot become one: name another with --data.") from error
        raise


def _refuse_strangers(path: Path) -> None:
    found = {each.name for each in path.iterdir()} - {LOCK}
    if found and MARK not in found:
        raise DataError(
            f"{path} holds files that are not Placeur's ({sorted(found)[0]}): name an empty directory with --data."
        )


def _lock_or_refuse(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip()
        raise DataError(
            f"Another Placeur (process {owner or 'unknown'}) is running on {path}: stop it, or name another directory "
            "with --data."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _prepare(path: Path, *, fresh: bool) -> DataDirectory:
    began_anew = False
    if fresh:
        _empty(path)
    if (path / MARK).exists():
        mark = _read_mark(path)
        if mark is None:
            raise DataError(
                f"{path / MARK} is damaged: start over with --fresh, or name another directory with --data."
            )
        if mark.get("format") != FORMAT:
            raise DataError(
                f"{path} was written by another version of Placeur (format {mark.get('format')}, not {FORMAT}): "
                "start over with --fresh, or name another directory with --data."
            )
        if not mark.get("ready"):
            began_anew = True
            _empty(path)
    if not (path / MARK).exists():
        _write_mark(path, ready=False)
    _refuse_damage(path)
    _refuse_full_disk(path)
    return DataDirectory(path, began_anew)


def _empty(path: Path) -> None:
    """Delete everything but the lock, which we hold. Killed in between, the mark says that what is left is no demo."""
    _write_mark(path, ready=False)
    for each in sorted(path.iterdir(), key=lambda entry: entry.name == MARK):
        if each.name == LOCK:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _refuse_damage(path: Path) -> None:
    """PostgreSQL would be initialised anew over a cluster without its control file: sold seats would be gone unsaid."""
    cluster = path / "postgres"
    if cluster.exists() and not (cluster / "global" / "pg_control").exists():
        raise DataError(
            f"{cluster} is damaged, a part of it is missing: start over with --fresh, or name another directory with "
            "--data."
        )


def _refuse_full_disk(path: Path) -> None:
    free_mb = shutil.disk_usage(path).free // 1_000_000
    if free_mb < FREE_MB_MIN:
        raise DataError(
            f"Only {free_mb} MB are free on the disk of {path}, and the demo needs {FREE_MB_MIN}: free some space, or "
            "name a directory elsewhere with --data."
        )


def _read_mark(path: Path) -> dict[str, object] | None:
    try:
        mark = json.loads((path / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) else None


def _write_mark(path: Path, *, ready: bool) -> None:
    # Renamed into place: a start killed here must not leave half a mark.
    half = path / f"{MARK}.half"
    half.write_text(json.dumps({"format": FORMAT, "ready": ready}), encoding="utf-8")
    half.replace(path / MARK)
