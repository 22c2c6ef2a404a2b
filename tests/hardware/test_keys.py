"""Key files (DEV-1): born private, refused when they are not, never overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hardware.keys import KeyFileRefused, KeyPair, load_or_make_pair, load_pair, make_pair, save_pair


def test_a_key_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "agent.key"
    pair = load_or_make_pair(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_pair(path) == load_pair(path) == pair


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.key"
    save_pair(make_pair(), path)
    path.chmod(0o640)
    with pytest.raises(KeyFileRefused, match="chmod 600"):
        load_pair(path)


def test_a_devices_identity_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "agent.key"
    save_pair(make_pair(), path)
    with pytest.raises(FileExistsError):
        save_pair(make_pair(), path)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"\xff", b'{"public":"a","secret":"b"}', b'{"public":"a","secret":"\xc3\xa9"}']
)
def test_a_file_that_holds_no_pair_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "agent.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused):
        load_pair(path)


def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.key"
    save_pair(KeyPair(make_pair().public, make_pair().secret), path)
    with pytest.raises(KeyFileRefused, match="belong"):
        load_pair(path)


def test_a_log_line_does_not_give_the_secret_away() -> None:
    pair = make_pair()
    assert pair.secret not in repr(pair)
