"""Whose data directory it is, and the one sentence for each that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from app.demo.data_directory import LOCK, MARK, DataError, claim, explained


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A demo's directory that was ready once, with something worth keeping in it."""
    path = tmp_path / "data"
    with claim(path) as directory:
        (directory.folder("mailbox") / "mail").write_text("kept")
        directory.mark_ready()
    return path


def refusal(path: Path, *, fresh: bool = False) -> str:
    with pytest.raises(DataError) as refused, claim(path, fresh=fresh):
        pass
    said = str(refused.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


def unwritable(tmp_path: Path) -> Path:
    """A directory where even root may not write, if we are root."""
    if os.geteuid() == 0:
        return Path("/sys/placeur-demo")
    tmp_path.chmod(0o555)
    return tmp_path / "data"


def test_a_directory_is_made_marked_and_kept(data: Path) -> None:
    with claim(data) as directory:
        assert directory.ready
        assert not directory.began_anew
        assert (data / "mailbox" / "mail").read_text() == "kept"


def test_a_start_that_never_got_ready_is_begun_anew(tmp_path: Path) -> None:
    """Half a season is none: killed between its first write and its last, nothing of it is used."""
    with claim(tmp_path / "data") as directory:
        (directory.folder("postgres") / "half").touch()

    with claim(tmp_path / "data") as directory:
        assert directory.began_anew
        assert not directory.ready
        assert not (tmp_path / "data" / "postgres").exists()


def test_fresh_starts_over(data: Path) -> None:
    with claim(data, fresh=True) as directory:
        assert not directory.ready
        assert {each.name for each in data.iterdir()} == {MARK, LOCK}


def test_fresh_killed_in_the_middle_is_no_demo_any_more(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", die)
    with pytest.raises(KeyboardInterrupt), claim(data, fresh=True):
        pass
    monkeypatch.undo()

    with claim(data) as directory:
        assert directory.began_anew
        assert not (data / "mailbox").exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_directory_with_other_files_is_never_touched(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    assert "thesis.txt" in refusal(tmp_path, fresh=fresh)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_demos_on_one_directory_are_refused(data: Path) -> None:
    with claim(data):
        said = refusal(data)

    assert f"process {os.getpid()}" in said
    assert "--data" in said


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    try:
        assert "cannot be written to" in refusal(unwritable(tmp_path))
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_its_place_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    assert "is no directory" in refusal(tmp_path / name)


def test_data_of_another_version_are_refused(data: Path) -> None:
    (data / MARK).write_text(json.dumps({"format": 99, "ready": True}))

    said = refusal(data)
    assert "another version" in said
    assert "--fresh" in said
    assert (data / "mailbox" / "mail").exists()


@pytest.mark.parametrize("mark", ["", "{", "[]"])
def test_a_damaged_mark_is_refused(data: Path, mark: str) -> None:
    (data / MARK).write_text(mark)

    assert "damaged" in refusal(data)
    assert (data / "mailbox" / "mail").exists()


def test_a_cluster_with_a_part_missing_is_refused_not_overwritten(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres" / "PG_VERSION").write_text("15")

    assert "a part of it is missing" in refusal(data)
    assert (data / "postgres" / "PG_VERSION").exists()


def test_a_full_disk_is_told_before_anything_is_begun(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 7_000_000))

    assert "Only 7 MB are free" in refusal(data)


def test_a_disk_that_fills_up_meanwhile_gets_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is full"), explained(tmp_path):
        Path("/dev/full").write_text("anything")
