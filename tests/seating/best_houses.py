"""Small random houses for the tests of best seats: aisles, two categories, two zones, places for wheelchairs and
companions, rows numbered from either end. Made from dice, so that Hypothesis and plain loops draw the same ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

from seating.assembly import DrawnRow, DrawnSeat, assemble
from seating.seats import Plan, SeatKind
from tests.seating.best_reference import House, Party
from tests.seating.houses import GOLD, SILVER

_KINDS: dict[str, SeatKind] = {"w": "wheelchair", "c": "companion"}
ELSEWHERE = 3
"""The state of seats that are not to be had."""


@dataclass(frozen=True)
class Scene:
    """A house, which of its seats are to be had, and who asks."""

    plan: Plan
    takeable: tuple[bool, ...]
    parties: tuple[Party, ...]

    def house(self) -> House:
        return House(self.plan, self.takeable)


def scene(dice: random.Random, parties: int = 4) -> Scene:
    plan = random_plan(dice)
    share = dice.choice([0.0, 0.2, 0.4, 0.6])
    takeable = tuple(dice.random() >= share for _ in plan.seats)
    return Scene(plan, takeable, tuple(random_party(dice) for _ in range(parties)))


def random_plan(dice: random.Random) -> Plan:
    rows: list[DrawnRow] = []
    left, places = 0.0, dice.choice([0.18, 0.18, 0.6])
    for zone in ("Parterre", "Balcon")[: dice.choice([1, 1, 2])]:
        for line in range(dice.randint(1, 5 if zone == "Parterre" else 3)):
            rows.append(DrawnRow(zone, str(line), _row(dice, left, line * 24.0, places, zone == "Balcon")))
        left += dice.choice([260.0, 400.0])
    return assemble("Random", (GOLD, SILVER), rows, focal=(dice.choice([0.0, 37.0, 100.0, 300.0]), -40.0))


def _row(dice: random.Random, left: float, y: float, places: float, reverse: bool) -> tuple[DrawnSeat, ...]:
    signs = ".....s" if dice.random() < 0.4 else ".......... "
    text = "".join(dice.choice(signs if dice.random() > places else "w c") for _ in range(dice.randint(1, 10)))
    silver_places = "s" in text and dice.random() < 0.5
    return tuple(
        DrawnSeat(
            number=str(100 - column if reverse else column + 1),
            category="Silver" if sign == "s" or (silver_places and sign in "wc") else "Gold",
            x=left + column * 20.0,
            y=y,
            kind=_KINDS.get(sign, "standard"),
        )
        for column, sign in enumerate(text if text.strip() else "..")
        if sign != " "
    )


def random_party(dice: random.Random) -> Party:
    count = dice.choice([1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 9])
    return Party(
        count=count,
        categories=dice.choice([(), (), ("Gold",), ("Silver", "Gold"), ("Silver",)]),
        zones=dice.choice([(), (), ("Parterre",), ("Balcon",), ("Balcon", "Parterre")]),
        wheelchairs=min(count, dice.choice([0, 0, 0, 1, 2])),
        rows_max=dice.choice([0, 0, 0, 1, 2, 3]),
        apart=dice.choice(["row", "rows", "zone", "house", "house"]),
    )
