"""`python -m tests.seating.seat_view_cases`: write anew what tests/seating/seat_view_cases.json holds.

The answers come from looking at every photographed seat in exact fractions, not from the rule that they are held
against; the browser's tests read the same file (frontend/tests/seatmap/seat_view.test.ts).
"""

from __future__ import annotations

import json
import math
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("seat_view_cases.json")
SEED = 20261122


def cases() -> list[dict[str, Any]]:
    """`x`, `y` as the browser's plan has them, `photographed` in no order, `nearest`: for each seat the ordinal of the
    photo's seat and the distance to it, or null."""
    dice = random.Random(SEED)
    grid = [(float(20 * (n % 6)), float(24 * (n // 6))) for n in range(24)]
    made = [
        _case("nothing is photographed", grid[:3], []),
        _case("one photo serves the whole house", grid[:4], [2]),
        _case("ties go to the lower ordinal", grid, [1, 3, 13, 15]),
        _case("every seat has its own", grid[:5], [4, 2, 0, 1, 3]),
        # 0.1 + 0.2 is not 0.3 in binary: in whole tenths both photos are equally far.
        _case(
            "equally far, if tenths are tenths", [(0.3, 0.0), (0.1, 0.0), (0.5, 0.0), (0.6, 0.0), (0.0, 0.0)], [3, 4]
        ),
        _case("a seat's own photo, though another lies as close", [(5.0, 5.0), (5.0, 5.0), (9.0, 5.0)], [1, 0]),
    ]
    for number in range(14):
        count = dice.randrange(2, 40)
        span = dice.choice([3, 40, 400, 4_000])
        seats = [(dice.randrange(-span, span) / 10, dice.randrange(-span, span) / 10) for _ in range(count)]
        photographed = dice.sample(range(count), dice.randrange(1, count))
        made.append(_case(f"scattered {number}", seats, photographed))
    return made


def _case(name: str, seats: list[tuple[float, float]], photographed: list[int]) -> dict[str, Any]:
    exact = [(Decimal(repr(x)), Decimal(repr(y))) for x, y in seats]
    nearest = []
    for asked, (x, y) in enumerate(exact):
        best = None
        for photo in sorted(photographed):
            squared = (exact[photo][0] - x) ** 2 + (exact[photo][1] - y) ** 2
            if photo == asked or best is None or (best[0] != asked and squared < best[1]):
                best = (photo, squared)
        nearest.append([best[0], math.sqrt(best[1])] if best else None)
    return {
        "name": name, "x": [x for x, _ in seats], "y": [y for _, y in seats], "photographed": photographed,
        "nearest": nearest,
    }  # fmt: skip


def document() -> str:
    lines = ",\n".join(f"  {json.dumps(case)}" for case in cases())
    return f'{{"cases": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
