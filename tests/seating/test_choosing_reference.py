"""Best seats against trying everything (LIVE-8): the same seats, or refused by both."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from seating import store
from seating.holds import Allotment, RowByRow
from seating.plan import Plan
from seating.pretix import plan_from_pretix
from seating.scripts import Script, script
from seating.store import FREE, SOLD, BestSeats, GroupState, Held, HoldRequest, Inventory, PerformanceState
from seating.theatre import italian_theatre
from tests.seating import best_reference
from tests.seating.best_houses import ELSEWHERE, Scene, scene
from tests.seating.best_reference import House, Party, best, row_by_row
from tests.seating.houses import CONCERT_HALL, THEATRE_738, sketch
from tests.seating.shop import GROUP, ONLINE, TONIGHT, index_is_exact

SCHOOL = "school"


async def load(redis: Redis, scene: Scene, *, allotted: bool = False) -> Inventory:
    """With `allotted`, the seats to be had are those of a school; of the others, some are free for everybody."""
    inventory = Inventory(redis)
    states = bytes(FREE if free else ELSEWHERE for free in scene.takeable)
    allotments: tuple[Allotment, ...] = ()
    if allotted:
        mine = tuple(o for o, free in enumerate(scene.takeable) if free)
        states = bytes(FREE if free or o % 3 else SOLD for o, free in enumerate(scene.takeable))
        allotments = (Allotment(SCHOOL, "School", TONIGHT, mine),) if mine else ()
    group = GroupState(GROUP, (PerformanceState(TONIGHT, scene.plan, states),), allotments=allotments)
    await inventory.load(group, only_if_missing=False)
    return inventory


async def seats_of(inventory: Inventory, party: Party, *, allotment: str = "", keep: bool = False) -> list[int] | None:
    """What the inventory gives, in the order in which it gives it; None when it refuses."""
    line = BestSeats(
        TONIGHT, party.count, 1, categories=party.categories, zones=party.zones, wheelchairs=party.wheelchairs,
        rows_max=party.rows_max, apart=party.apart, allotment=allotment,  # type: ignore[arg-type]  # dice draw words
    )  # fmt: skip
    keys = (allotment,) if allotment else ()
    answer = await inventory.hold(HoldRequest(GROUP, "a cart", ONLINE, (line,), 60, keys=keys))
    if not keep:
        await inventory.release(GROUP, "a cart")
    return [item.ordinal for item in answer.items] if isinstance(answer, Held) else None


async def differences(redis: Redis, scene: Scene) -> list[tuple[Party, list[int] | None, list[int] | None]]:
    """Where the store and the reference disagree: (who asked, the reference's seats, the store's)."""
    inventory, found = await load(redis, scene), []
    for party in scene.parties:
        expected = best(scene.house(), party)
        wanted = list(expected.seats) if expected else None
        got = await seats_of(inventory, party)
        if got != wanted:
            found.append((party, wanted, got))
    return found


def test_small_houses_of_every_kind_are_sold_as_if_everything_had_been_tried(redis_url: str) -> None:
    """LIVE-8: categories, zones, aisles, wheelchairs, limits of rows and of splitting."""

    @settings(max_examples=250, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def agree(dice: random.Random) -> None:
        with asyncio.Runner() as runner:
            runner.run(check(scene(dice)))

    async def check(drawn: Scene) -> None:
        redis = Redis.from_url(redis_url)
        try:
            assert await differences(redis, drawn) == []
        finally:
            await redis.aclose()

    agree()


async def test_a_house_is_sold_to_the_last_seat_as_if_everything_had_been_tried(redis: Redis) -> None:
    """Parties keep what they get: the index is exact after every one of them, and so is the choice."""
    for seed in range(12):
        dice = random.Random(seed)
        drawn = scene(dice, parties=14)
        inventory = await load(redis, drawn)
        takeable = list(drawn.takeable)
        for party in drawn.parties:
            expected = best(House(drawn.plan, takeable), party)
            got = await seats_of(inventory, party, keep=True)
            assert got == (list(expected.seats) if expected else None), (seed, party)
            for ordinal in got or ():
                takeable[ordinal] = False
            assert await index_is_exact(redis, drawn.plan)
        await inventory.release(GROUP, "a cart")
        assert await index_is_exact(redis, drawn.plan)


async def test_an_allotment_is_sold_by_the_same_rules_and_nothing_outside_it(redis: Redis) -> None:
    """AHEAD-2: seats that are free for everybody are as good as sold to those who choose within an allotment."""
    for seed in range(40):
        drawn = scene(random.Random(f"allotted {seed}"))
        if not any(drawn.takeable):
            continue
        inventory = await load(redis, drawn, allotted=True)
        for party in drawn.parties:
            expected = best(drawn.house(), party)
            got = await seats_of(inventory, party, allotment=SCHOOL)
            assert got == (list(expected.seats) if expected else None), (seed, party)


async def test_stock_is_taken_row_by_row_as_written_down(redis: Redis) -> None:
    """SEA-10: from one seat to more than there are."""
    for seed in range(60):
        dice = random.Random(f"stock {seed}")
        drawn = scene(dice)
        inventory = await load(redis, drawn)
        for party in drawn.parties:
            count = dice.randint(1, len(drawn.plan.seats))
            line = RowByRow(TONIGHT, count, 1, categories=party.categories, zones=party.zones)
            answer = await inventory.hold(HoldRequest(GROUP, "a cart", ONLINE, (line,), 60))
            await inventory.release(GROUP, "a cart")
            got = [item.ordinal for item in answer.items] if isinstance(answer, Held) else None
            assert got == row_by_row(drawn.house(), party.categories, party.zones, count), (seed, line)


# What is written, what is written instead, and a scene in which it matters; should the dice draw others, one is looked
# for.
MUTATIONS = {
    "lone seats do not matter": ("if left == 1 then cost = cost + LONE end", "", 1),
    "of equals the last one": ("return a[2][2] < b[2][2] end", "return a[2][2] > b[2][2] end", 208),
    "the middle row may hold any part": (
        "(block.position == middle and size >= need)",
        "(block.position == middle)",
        400,
    ),
    "rows are not counted": ("if begun <= rows_max then", "if true then", 568),
    "wheelchair places may lose their companion": (
        "is(run, beside, 1) and not is(run, beyond, 2)",
        "false",
        1412,
    ),
    "one block of each size is enough": ("for i = 1, math.min(parts, #windows) do", "for i = 1, 1 do", 3),
    "rows behind do not count": ("if byte > most and", "if byte > 99 and", 5),
    "a party is split into as many parts as can be": (
        "for k = 2, math.floor(n / 2) do",
        "for k = math.floor(n / 2), 2, -1 do",
        39,
    ),
}


@pytest.mark.parametrize("rule", MUTATIONS)
async def test_a_broken_rule_is_noticed(redis: Redis, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """The negative control: with any one rule broken, the same comparison finds a house where it matters."""
    right, wrong, known = MUTATIONS[rule]
    whole = script("hold_best").text
    assert right in whole
    broken = whole.replace(right, wrong)

    def scripts(name: str) -> Script:
        # Redis is asked for the script by its name first: a name of its own makes it load this one.
        return Script(name, broken, f"{hash(broken) & 2**64 - 1:040x}") if name == "hold_best" else script(name)

    monkeypatch.setattr(store, "script", scripts)
    for seed in (known, *range(10_000)):
        dice = random.Random(f"mutation {seed}")
        drawn = scene(dice, parties=6)
        if await differences(redis, drawn):
            return
    pytest.fail("no house was found in which this rule matters")


def _plan(name: str) -> Plan:
    if name == "italian":
        return italian_theatre()
    return plan_from_pretix({"738": THEATRE_738, "concert": CONCERT_HALL}[name].read_bytes(), renumber=name == "738")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["italian", "738", "concert"])
async def test_real_houses_are_sold_as_if_every_row_had_been_tried(redis: Redis, name: str, seed: int) -> None:
    plan, dice = _plan(name), random.Random(f"{name} {seed}")
    share = (0.3, 0.75, 0.9, 0.96)[seed]
    takeable = tuple(dice.random() >= share for _ in plan.seats)
    parties = (*(Party(count) for count in range(1, 7)), Party(2, wheelchairs=1), Party(4, wheelchairs=1))
    assert await differences(redis, Scene(plan, takeable, parties)) == []


async def test_a_party_is_placed_near_where_the_first_rows_that_can_seat_it_are(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds of what one request looks at are part of what is best: here a row without a lone seat is the 129th."""
    plan = sketch(*["..."] * 128, "....")
    drawn = Scene(plan, (True,) * len(plan.seats), (Party(2),))
    assert await differences(redis, drawn) == []
    # Looking further would have found it.
    monkeypatch.setattr(best_reference, "WINDOWS_MAX", 129)
    far = best(drawn.house(), Party(2))
    assert far is not None
    assert far.lone == 0
    assert await differences(redis, drawn) != []


async def test_who_may_sit_in_neighbouring_rows_only_is_looked_for_behind_any_number_of_rows(redis: Redis) -> None:
    """More rows with a pair and nothing beside it than are tried at most; only the last two are next to each other."""
    plan = sketch(*["..", "ss"] * 140, "..", "..", row_pitch=40.0)
    drawn = Scene(plan, (True,) * len(plan.seats), (Party(4, ("Gold",), apart="rows"),))
    expected = best(drawn.house(), drawn.parties[0])
    assert expected is not None
    assert expected.tier == 3
    assert await differences(redis, drawn) == []
    # Whoever may sit further apart gets two of the nearest pairs instead.
    assert await differences(redis, replace(drawn, parties=(Party(4, ("Gold",)),))) == []
