"""The frame of the benchmarks: which figures are measured, which run counts, and what is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import frame
from benchmarks.frame import Benchmark, Context, Figure, Result, Servers


async def seven(ctx: Context) -> Result:
    return Result(7.0, limit=14.0, peer=3.5, note="as in the book")


async def fail(ctx: Context) -> Result:
    raise RuntimeError("no seat is free")


async def measure_nonsense(ctx: Context) -> Result:
    return Result(float("nan"))


SEVEN = Benchmark("seating.seven", "holds/s", "higher", seven)
FAILING = Benchmark("seating.failing", "ms", "lower", fail)
REGISTRY = {name: Benchmark(name, "s", "lower", seven) for name in ("seating.hold", "seating.best", "seatingplan.x")}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Servers(tmp_path), smoke=True)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that knows these two figures and no others."""
    monkeypatch.setattr(frame, "REGISTRY", {SEVEN.name: SEVEN, FAILING.name: FAILING})
    monkeypatch.setattr(frame, "discover", lambda: None)


def test_a_name_selects_itself_or_its_whole_area() -> None:
    def names(*wanted: str) -> list[str]:
        return [each.name for each in frame.select(wanted, REGISTRY)]

    assert names() == ["seating.best", "seating.hold", "seatingplan.x"]
    assert names("seating") == names("seating.") == ["seating.best", "seating.hold"]
    assert names("seating.hold") == ["seating.hold"]
    assert names("seating.ho") == []


def test_the_median_run_is_kept_whole() -> None:
    """Ours, limit and peer of one run; a median of each would be a run that never was."""
    runs = [Result(3, limit=30), Result(1, limit=99), Result(2, limit=20)]

    assert frame.median_run(runs) == Result(2, limit=20)
    assert frame.median_run(runs[:2]) == Result(1, limit=99)


def test_ratios_are_ours_over_theirs_and_none_where_there_is_nothing() -> None:
    figure = Figure(SEVEN, Result(7.0, limit=14.0))

    assert figure.to_limit == 0.5
    assert figure.to_peer is None
    assert Figure(SEVEN, Result(7.0, limit=0.0)).to_limit is None


def test_json_says_what_scripts_read() -> None:
    rows = json.loads(frame.to_json([Figure(SEVEN, Result(7.0, 14.0, None, "é")), Figure(FAILING, None, "no seat")]))

    assert rows == [
        {
            "name": "seating.seven", "unit": "holds/s", "better": "higher", "ours": 7.0, "limit": 14.0, "peer": None,
            "to_limit": 0.5, "to_peer": None, "note": "é",
        },
        {
            "name": "seating.failing", "unit": "ms", "better": "lower", "ours": None, "limit": None, "peer": None,
            "to_limit": None, "to_peer": None, "note": "failed: no seat",
        },
    ]  # fmt: skip


def test_the_table_has_one_line_a_figure() -> None:
    lines = frame.table([Figure(SEVEN, Result(12_345.6, 24_691.2, 0.5)), Figure(FAILING, None, "no seat")]).splitlines()

    assert len(lines) == 4
    assert lines[2].split() == ["seating.seven", "12,346", "24,691", "0.5", "0.50", "24691.20", "holds/s", "↑"]
    assert lines[3].split()[:2] == ["seating.failing", "FAILED"]


def test_a_failure_is_told_and_the_others_still_run(
    only: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"

    assert frame.run([], smoke=True, json_file=file) == 1

    said = capsys.readouterr()
    assert "no seat is free" in said.out
    assert "failed: seating.failing" in said.err
    assert {row["name"]: row["ours"] for row in json.loads(file.read_text())} == {
        "seating.failing": None,
        "seating.seven": 7.0,
    }


def test_all_well_is_zero(only: None) -> None:
    assert frame.run(["seating.seven"], smoke=True) == 0


def test_an_unknown_name_is_answered_with_those_there_are(only: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.run(["sea"], smoke=True) == 2
    assert "seating.failing, seating.seven" in capsys.readouterr().err


def test_a_figure_that_is_no_number_is_a_failure(context: Context) -> None:
    figure = frame.measure(Benchmark("x.y", "s", "lower", measure_nonsense), context, runs=1)

    assert figure.result is None
    assert "nan" in figure.failure


def test_two_figures_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "REGISTRY", {})
    frame.benchmark("x.y", unit="s", better="lower")(seven)

    with pytest.raises(ValueError, match=r"x\.y"):
        frame.benchmark("x.y", unit="s", better="lower")(fail)


def test_every_module_of_the_folder_registers_figures_of_its_own_area() -> None:
    """`placeur bench feed` must find what benchmarks/feed.py and feed_*.py measure; a folder is an area like a file."""
    frame.discover()
    own = {name: benchmark.measure.__module__ for name, benchmark in frame.REGISTRY.items()}

    assert {
        name: module for name, module in own.items() if module.split(".")[1].split("_")[0] != name.split(".")[0]
    } == {}
    assert own["feed.hold_to_delta"] == "benchmarks.feed"
    assert own["seating.hold_release"] == "benchmarks.seating.hold_release"


def test_servers_given_by_url_are_used_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")

    assert Context(Servers(tmp_path), smoke=True).redis_url == "redis://elsewhere"
    assert list(tmp_path.iterdir()) == []
