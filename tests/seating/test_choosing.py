"""Best seats (LIVE-8): chosen inside the step that takes them, compared here with looking at every window."""

from __future__ import annotations

import random
from itertools import groupby

import pytest
from redis.asyncio import Redis

from seating import geometry
from seating.house import scaled_distances
from seating.plan import Plan
from seating.store import (
    FREE,
    SOLD,
    BestSeats,
    GroupState,
    Held,
    HoldRequest,
    Inventory,
    NamedSeats,
    Owner,
    PerformanceState,
    Refusal,
)
from seating.theatre import italian_theatre
from tests.seating.houses import labels, sketch

GROUP, PERFORMANCE = "e1", 7
BUYER = Owner("buyer", "online")


async def ask(redis: Redis, plan: Plan, states: bytes, wish: BestSeats) -> Held | Refusal:
    inventory = Inventory(redis)
    await inventory.load(GroupState(GROUP, (PerformanceState(PERFORMANCE, plan, states),)), only_if_missing=False)
    answer = await inventory.hold(HoldRequest(GROUP, "a cart", BUYER, (wish,), ttl_s=60))
    await inventory.release(GROUP, "a cart")
    return answer


def best(count: int, **wish: object) -> BestSeats:
    return BestSeats(PERFORMANCE, count, 1, **wish)  # type: ignore[arg-type]  # the wishes are BestSeats' own members


def given(plan: Plan, answer: Held | Refusal) -> list[str]:
    assert isinstance(answer, Held), answer
    return labels(plan, (item.ordinal for item in answer.items))


def taken(plan: Plan, *sketched: str) -> bytes:
    """States drawn like the house: `x` is sold, anything else free."""
    marks = [mark for row in sketched for mark in row if mark != " "]
    return bytes(SOLD if mark == "x" else FREE for mark in marks)


async def test_seats_in_one_row_nearest_to_the_stage(redis: Redis) -> None:
    plan = sketch(".........", ".........")
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["A4", "A5", "A6"]


async def test_an_aisle_is_never_sat_across(redis: Redis) -> None:
    plan = sketch("..  ..", ".......")
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["B3", "B4", "B5"]


async def test_nobody_is_left_alone_between_two_taken_seats_when_that_can_be_avoided(redis: Redis) -> None:
    plan = sketch("x...x....", ".........")
    states = taken(plan, "x...x...x", ".........")
    # Two of A2-A4 would leave the third alone; so would two of A6-A8.
    assert given(plan, await ask(redis, plan, states, best(2))) == ["B4", "B5"]


async def test_a_lone_seat_is_left_when_there_is_no_other_way(redis: Redis) -> None:
    plan = sketch("x...x")
    assert given(plan, await ask(redis, plan, taken(plan, "x...x"), best(2))) == ["A2", "A3"]


async def test_the_end_of_a_row_is_not_left_as_a_single_seat_either(redis: Redis) -> None:
    plan = sketch("........")
    assert given(plan, await ask(redis, plan, b"", best(6))) in (
        [f"A{n}" for n in range(1, 7)],
        [f"A{n}" for n in range(3, 9)],
    )


async def test_a_group_too_large_for_any_row_sits_in_neighbouring_rows_nobody_alone(redis: Redis) -> None:
    plan = sketch("....", "....", "....")
    seats = given(plan, await ask(redis, plan, b"", best(5)))
    by_row = [len(list(row)) for _, row in groupby(sorted(seats), key=lambda label: label[0])]
    assert sorted(by_row) == [2, 3]
    assert {label[0] for label in seats} in ({"A", "B"}, {"B", "C"})


async def test_a_group_is_not_torn_over_rows_far_apart(redis: Redis) -> None:
    plan = sketch("....", "xxxx", "xxxx", "xxxx", "....")
    states = taken(plan, "....", "xxxx", "xxxx", "xxxx", "....")
    answer = await ask(redis, plan, states, best(6))
    assert isinstance(answer, Refusal)
    assert [(reason.code, reason.left) for reason in answer.reasons] == [("no_adjacent", 8)]


async def test_three_are_never_split_since_one_would_sit_alone(redis: Redis) -> None:
    plan = sketch("..", "..")
    answer = await ask(redis, plan, b"", best(3))
    assert isinstance(answer, Refusal)
    assert [(reason.code, reason.left) for reason in answer.reasons] == [("no_adjacent", 4)]


async def test_fewer_seats_than_asked(redis: Redis) -> None:
    plan = sketch("...", "...")
    answer = await ask(redis, plan, taken(plan, "x..", "xxx"), best(3))
    assert isinstance(answer, Refusal)
    assert [(reason.code, reason.left) for reason in answer.reasons] == [("not_enough_seats", 2)]


async def test_only_of_the_category_asked_for(redis: Redis) -> None:
    plan = sketch("....", "..ss", "ssss")
    assert given(plan, await ask(redis, plan, b"", best(2, categories=("Silver",)))) == ["B3", "B4"]
    assert given(plan, await ask(redis, plan, b"", best(4, categories=("Silver",)))) == ["C1", "C2", "C3", "C4"]
    answer = await ask(redis, plan, b"", best(2, categories=("Bronze",)))
    assert isinstance(answer, Refusal)


async def test_only_in_the_zone_asked_for(redis: Redis) -> None:
    house = italian_theatre()
    answer = await ask(redis, house, b"", best(2, zones=("2e balcon",)))
    assert isinstance(answer, Held)
    assert {house.seats[item.ordinal].zone for item in answer.items} == {"2e balcon"}


async def test_wheelchair_places_and_companions_seats_are_given_on_request_only(redis: Redis) -> None:
    plan = sketch("wc..", "....")
    assert given(plan, await ask(redis, plan, b"", best(3))) == ["B1", "B2", "B3"]
    assert given(plan, await ask(redis, plan, b"", best(2, accessible=True))) == ["A1", "A2"]


async def test_a_party_with_one_wheelchair_takes_one_wheelchair_place(redis: Redis) -> None:
    plan = sketch("wwc.", "wc..")
    seats = given(plan, await ask(redis, plan, b"", best(2, accessible=True)))
    assert seats == ["A2", "A3"]


async def test_a_large_party_with_a_wheelchair_keeps_it_with_its_companion(redis: Redis) -> None:
    plan = sketch("....", "wc")
    seats = given(plan, await ask(redis, plan, b"", best(5, accessible=True)))
    assert {"B1", "B2"} <= set(seats)
    assert len(seats) == 5


async def test_without_a_wheelchair_place_left_the_request_is_refused(redis: Redis) -> None:
    plan = sketch("wc....")
    answer = await ask(redis, plan, taken(plan, "x....."), best(2, accessible=True))
    assert isinstance(answer, Refusal)


async def test_best_seats_avoid_those_that_the_same_request_names(redis: Redis) -> None:
    plan = sketch(".....")
    inventory = Inventory(redis)
    await inventory.load(GroupState(GROUP, (PerformanceState(PERFORMANCE, plan),)))
    lines = (best(2), NamedSeats(PERFORMANCE, (2,), 1), best(2))
    held = await inventory.hold(HoldRequest(GROUP, "c", BUYER, lines, ttl_s=60))
    assert isinstance(held, Held)
    assert [item.ordinal for item in held.items] in ([0, 1, 2, 3, 4], [3, 4, 2, 0, 1])


def windows(plan: Plan, states: bytes, n: int) -> list[tuple[int, int, int, int, tuple[int, ...]]]:
    """Every window of n free ordinary seats: (run, alone between taken, alone at an end, distance, ordinals)."""
    far = scaled_distances(plan)
    free = {seat.ordinal for seat in plan.seats if states[seat.ordinal] == FREE}
    found = []
    for index, run in enumerate(plan.rows):
        for i in range(len(run) - n + 1):
            seats = run[i : i + n]
            if any(o not in free or plan.seats[o].kind != "standard" for o in seats):
                continue
            hard = soft = 0
            for beside, beyond in ((i - 1, i - 2), (i + n, i + n + 1)):
                if 0 <= beside < len(run) and run[beside] in free:
                    if not 0 <= beyond < len(run):
                        soft += 1
                    elif run[beyond] not in free:
                        hard += 1
            found.append((index, hard, soft, sum(far[o] for o in seats), tuple(seats)))
    return found


def best_of_all(plan: Plan, states: bytes, n: int) -> tuple[int, int] | None:
    """(alone, distance) of the best window: within a run also avoiding single ends, between runs only the distance."""
    by_run: dict[int, tuple[int, int, int]] = {}
    for run, hard, soft, cost, _ in windows(plan, states, n):
        by_run[run] = min(by_run.get(run, (hard, soft, cost)), (hard, soft, cost))
    return min(((hard, cost) for hard, _, cost in by_run.values()), default=None)


def splits_in_two(plan: Plan, states: bytes, n: int) -> bool:
    """Whether n can sit in two groups of two and more, in one run or in neighbouring ones, by trying all."""
    points = [[(plan.seats[o].x, plan.seats[o].y) for o in run] for run in plan.rows]
    near = geometry.neighbouring_runs(points, [(plan.seats[r[0]].zone, plan.seats[r[0]].row) for r in plan.rows])
    of_size = {size: windows(plan, states, size) for size in range(2, n - 1)}
    for size, firsts in of_size.items():
        for run, _, _, _, seats in firsts:
            for other, _, _, _, more in of_size.get(n - size, []):
                if (other == run or other in near[run]) and not set(seats) & set(more):
                    return True
    return False


@pytest.mark.parametrize("seed", range(12))
async def test_it_agrees_with_looking_at_every_window_of_a_half_sold_theatre(redis: Redis, seed: int) -> None:
    dice = random.Random(seed)
    house = italian_theatre()
    share = dice.choice([0.0, 0.3, 0.6, 0.8, 0.9, 0.97])
    states = bytes(SOLD if dice.random() < share else FREE for _ in house.seats)
    for n in (1, 2, 3, 4, 6, 9):
        answer = await ask(redis, house, states, best(n))
        expected = best_of_all(house, states, n)
        if isinstance(answer, Refusal):
            assert expected is None
            assert n < 4 or not splits_in_two(house, states, n)
            continue
        ordinals = tuple(item.ordinal for item in answer.items)
        assert len(set(ordinals)) == n
        assert all(states[o] == FREE and house.seats[o].kind == "standard" for o in ordinals)
        if expected is not None:
            mine = next(w for w in windows(house, states, n) if w[4] == ordinals)
            assert (mine[1], mine[3]) == expected
        else:
            runs = [next(i for i, run in enumerate(house.rows) if o in run) for o in ordinals]
            pieces = [list(piece) for _, piece in groupby(range(n), key=lambda i: (runs[i], ordinals[i] - i))]
            assert min(len(piece) for piece in pieces) >= 2
            if splits_in_two(house, states, n):
                assert len({(runs[piece[0]], ordinals[piece[0]]) for piece in pieces}) <= 2
