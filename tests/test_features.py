"""docs/features.md is what we tell users: it names every feature once, and proofs that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([A-Z]+-\d+) \| (.+?) \| (\*\*works\*\*|part|missing)(: .+?)? \| (.*) \|$", re.MULTILINE)
AREAS = {
    "LIVE": 10, "CAT": 13, "TAR": 5, "QUO": 5, "SEA": 10, "ORD": 10, "PAY": 16, "PAS": 5, "PRO": 4, "LST": 2, "INV": 4,
    "BOX": 7, "PRN": 3, "DEV": 3, "ACC": 7, "WTL": 2, "FRM": 1, "COM": 1, "CRM": 2, "SHO": 5, "STA": 1, "API": 1,
    "CSH": 1, "AHEAD": 12,
}  # fmt: skip


def rows() -> list[tuple[str, str, str]]:
    """(id, state, proofs) of every row."""
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    return [(m[1], m[3].strip("*"), m[5]) for m in ROW.finditer(text)]


def test_every_feature_stands_there_once() -> None:
    expected = sorted(f"{area}-{number}" for area, count in AREAS.items() for number in range(1, count + 1))
    assert sorted(id for id, _, _ in rows()) == expected


def test_what_works_is_proved_by_a_test_that_names_it() -> None:
    for id, state, proofs in rows():
        files = [ROOT / path for path in re.findall(r"`([^`]+)`", proofs)]
        assert bool(files) == (state != "missing"), f"{id} is {state} with {len(files)} proofs"
        assert all(file.is_file() for file in files), f"{id}: {proofs}"
        if state == "works":
            texts = [file.read_text(encoding="utf-8") for file in files]
            assert any(re.search(rf"\b{id}\b", text) for text in texts), f"no proof of {id} names it: {proofs}"


def test_the_sum_at_the_top_is_true() -> None:
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    states = [state for _, state, _ in rows()]
    count = {state: states.count(state) for state in ("works", "part", "missing")}
    parts = (f"{count['works']} work", f"{count['part']} work in part", f"{count['missing']} are missing")
    assert f"Of {len(states)} features, {', '.join(parts)}." in text
