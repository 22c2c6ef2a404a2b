"""The command line: what it takes, and the one sentence for what it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.main import VERBS
from app.cli import main, parser
from app.settings import get_settings


@pytest.fixture(autouse=True)
def read_settings_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said to arguments that are refused, which must be one line and exit code 2."""
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_the_bootstrap_and_the_command_line_know_the_same_verbs() -> None:
    """All but `test`, which is pytest."""
    said = parser().format_help()
    told = set(re.findall(r"^    ([a-z]+)(?: |$)", said, re.MULTILINE))
    assert told == set(VERBS) - {"test"}
    assert "    test " not in said


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "test"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: placeur {verb}")


def test_an_unknown_verb_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    said = refuse(capsys, "sell")

    assert "'sell'" in said
    assert "'demo'" in said


def test_no_verb_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "VERB" in refuse(capsys)


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1", "8000.5", ""])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no port" in refuse(capsys, "web", f"--port={port}")


def test_a_demo_needs_room_for_the_ports_that_follow(capsys: pytest.CaptureFixture[str]) -> None:
    assert "65529" in refuse(capsys, "demo", "--port=65530")
    assert parser().parse_args(["demo", "--port=65529"]).port == 65529


def test_a_plan_without_a_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "FILE" in refuse(capsys, "plan", "import")


def test_every_wrong_setting_gets_its_own_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere")
    monkeypatch.setenv("PLACEUR_HOLD_TTL_S", "soon")
    monkeypatch.setenv("PLACEUR_HOLD_TTL", "900")

    assert main(["check"]) == 2

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert any("DATABASE_URL" in line for line in said)
    assert any("PLACEUR_HOLD_TTL_S ('soon')" in line for line in said)
    assert any("PLACEUR_HOLD_TTL is no setting" in line for line in said)


def test_check_makes_a_ticket_key_that_settings_accept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ACC-7: the key that signs tickets, new each time."""
    assert main(["check", "--new-key"]) == 0
    assert main(["check", "--new-key"]) == 0
    first, second = capsys.readouterr().out.split()
    assert first != second

    monkeypatch.setenv("PLACEUR_TICKET_KEY", first)
    assert get_settings().ticket_key == first


def test_check_says_what_answers_and_what_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@localhost:1/nothing")

    assert main(["check"]) == 1

    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("✓ Redis: version ") for line in said)
    assert any(line.startswith("✗ PostgreSQL: DATABASE_URL leads nowhere") for line in said)
    assert any("`placeur check --new-key`" in line for line in said)


def test_asking_for_help_imports_none_of_the_work() -> None:
    """A hub needs no web framework; a tired cashier's `--help` needs no second."""
    probe = (
        "import sys, contextlib, app.cli\n"
        "with contextlib.suppress(SystemExit): app.cli.main(['--help'])\n"
        "print(sorted({'litestar', 'piccolo', 'asyncpg', 'zmq'} & sys.modules.keys()), file=sys.stderr)"
    )
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )

    assert said.stderr.strip() == "[]"
