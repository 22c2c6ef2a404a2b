"""`placeur plan import`: every seat arrives, or every row that stands in the way is named (AHEAD-4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.accounts.tables import Organizer
from app.catalog.plan_import import ImportRefused, import_file, keep
from app.catalog.tables import PlanVersion
from seating.plan import plan_from_document
from seating.pretix import plan_from_pretix

PLANS = Path(__file__).resolve().parents[2] / "app" / "demo" / "plans"
REPEATING = PLANS / "theatre-738.pretix.json"
SOUND = PLANS / "concert-hall-1115.pretix.json"


def check(path: Path, *, renumber: bool = False) -> int:
    return import_file(path, renumber=renumber, organizer="", check_only=True)


def test_repeated_seats_are_named_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    """The real file has 738 seats and 318 identifiers: 420 seats would be lost in silence."""
    assert check(REPEATING) == 1

    said = capsys.readouterr()
    rows = [line for line in said.err.splitlines() if line.startswith("zones[")]
    assert said.out == ""
    assert sum(int(row.split(" seats repeat")[0].rsplit(" ", 1)[1]) for row in rows) == 420
    assert f"{len(rows)} problems, listed above. --renumber keeps every seat" in said.err


def test_renumbered_all_arrive(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(REPEATING, renumber=True) == 0
    assert "738 seats in 90 rows" in capsys.readouterr().out


def test_a_file_that_is_no_plan_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "plan.json"
    broken.write_text('{"name": "Hall", "zones": [{"name": "Parterre", "rows": 3}]}')

    assert check(broken) == 1
    said = capsys.readouterr().err
    assert "zones[0].rows: " in said
    assert "--renumber" not in said  # it would not help


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_gets_a_sentence(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path / name) == 1
    assert capsys.readouterr().err.startswith(f"placeur: {tmp_path / name} cannot be read: ")


async def test_a_plan_is_kept_whole_and_once(ledger: str) -> None:
    """SEA-6: the same plan twice is the same version."""
    await Organizer(name="Les Scènes", slug="scenes").save()
    plan = plan_from_pretix(SOUND.read_bytes())

    first, second = await keep(plan, ""), await keep(plan, "scenes")

    assert first == second
    (kept,) = await PlanVersion.select()
    assert kept["seats"] == 1115
    assert plan_from_document(kept["document"]) == plan


async def test_a_plan_needs_somebody_to_keep_it_for(ledger: str) -> None:
    plan = plan_from_pretix(SOUND.read_bytes())
    with pytest.raises(ImportRefused, match="none yet"):
        await keep(plan, "")
    await Organizer(name="One", slug="one").save()
    await Organizer(name="Two", slug="two").save()

    with pytest.raises(ImportRefused, match=r"--organizer .* one, two"):
        await keep(plan, "")
    with pytest.raises(ImportRefused, match="'three'"):
        await keep(plan, "three")
    assert await PlanVersion.count() == 0
