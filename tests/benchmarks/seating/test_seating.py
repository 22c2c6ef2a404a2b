"""The figures of the live inventory measure what they say: on a real Redis, in small houses, without a stopwatch."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from benchmarks.seating import best, expiry, hold_release, memory, rebuild
from benchmarks.seating.ground import (
    GROUP,
    PERFORMANCE,
    QUOTAS,
    LongestStep,
    filled,
    hold,
    lay,
    opened,
    parties,
    percentile,
    seats,
    up_to,
)
from benchmarks.stadium import stadium
from seating.seats import Plan
from seating.store import FREE, HELD, SOLD, Inventory, Refusal
from tests.seating.houses import sketch
from tests.seating.shop import lapse


@pytest.fixture
def plan() -> Plan:
    return sketch("..........", "..........", "ssssssssss")


@pytest.fixture
async def inventory(redis: Redis, redis_url: str, plan: Plan) -> AsyncIterator[Inventory]:
    async with opened(redis_url, plan) as (_, inventory):
        yield inventory


async def states(inventory: Inventory) -> bytes:
    return (await inventory.snapshot(GROUP, PERFORMANCE, owners=False)).states


async def used(inventory: Inventory) -> list[int]:
    quotas = (await inventory.snapshot(GROUP, PERFORMANCE)).quotas
    return [quotas[name][0] for name in QUOTAS]


# The ground they share ---------------------------------------------------------------------------------------------


async def test_a_house_is_gone_when_its_figure_is_done(redis: Redis, redis_url: str, plan: Plan) -> None:
    async with opened(redis_url, plan):
        assert [key async for key in redis.scan_iter(f"{{g:{GROUP}}}:*")]

    assert not [key async for key in redis.scan_iter(f"{{g:{GROUP}}}:*")]


async def test_seats_that_are_not_free_are_no_figure(inventory: Inventory) -> None:
    """A refused hold is cheaper than a hold: it must never be counted as one."""
    await hold(inventory, "a cart", (3, 4))

    with pytest.raises(AssertionError, match="another was refused"):
        await hold(inventory, "another", (4, 5))


def test_a_house_is_filled_to_the_seat() -> None:
    plan = stadium(1_000)

    half, nearly = filled(plan, 0.5, random.Random(1)), filled(plan, 0.95, random.Random(1))

    assert (half.count(SOLD), half.count(FREE)) == (500, 500)
    assert (nearly.count(SOLD), nearly.count(FREE)) == (950, 50)
    assert filled(plan, 0.5, random.Random(2)) != half


def test_parties_sit_side_by_side_and_take_every_seat_once() -> None:
    plan = stadium(1_000)
    found = parties(plan, random.Random(1))
    run_of = {ordinal: index for index, run in enumerate(plan.rows) for ordinal in run}

    assert Counter(ordinal for party in found for ordinal in party) == Counter(range(1_000))
    assert {len(party) for party in found} <= {1, 2, 3, 4}
    assert all(len({run_of[ordinal] for ordinal in party}) == 1 for party in found)
    assert all(party == tuple(range(party[0], party[0] + len(party))) for party in found)


def test_as_many_parties_come_as_there_are_seats_for() -> None:
    waiting = iter([(0, 1, 2), (3, 4), (5, 6, 7, 8)])

    assert list(up_to(6, waiting)) == [(0, 1, 2), (3, 4), (5,)]


async def test_the_longest_step_is_seen_and_the_slow_log_left_as_it_was(redis: Redis) -> None:
    slow = """
    local before, now = redis.call('TIME')
    repeat now = redis.call('TIME') until (now[1] - before[1]) * 1e6 + now[2] - before[2] > 5000
    """
    before = await redis.config_get("slowlog-*")

    async with LongestStep(redis) as longest:
        await redis.eval(slow, 0)
    idle_ms = []
    for _ in range(20):  # a machine may take Redis off its processor in the middle of any command
        async with LongestStep(redis) as nothing:
            pass
        idle_ms.append(nothing.ms)

    assert longest.ms >= 5
    assert min(idle_ms) < longest.ms
    assert await redis.config_get("slowlog-*") == before


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], 99) == 5.0
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], 0) == 1.0


# Hold and release --------------------------------------------------------------------------------------------------


async def test_the_tool_is_given_the_stores_own_two_commands(redis_url: str, inventory: Inventory) -> None:
    commands = await hold_release.overheard(redis_url, 3)

    assert len(commands) == 2
    assert [command[0] for command in commands] == [b"EVALSHA", b"EVALSHA"]
    assert await states(inventory) == bytes(30)


async def test_one_call_holds_and_releases(redis: Redis, redis_url: str, inventory: Inventory) -> None:
    """Its answer is a hold's; the house is as before, and everybody was told twice."""
    commands = await hold_release.overheard(redis_url, 3)
    keys = commands[0][3:9]
    before = await inventory.snapshot(GROUP, PERFORMANCE)
    together, _ = hold_release.composed(commands)

    answer = str(await redis.eval(together, 6, *keys))

    after = await inventory.snapshot(GROUP, PERFORMANCE)
    assert "held" in answer
    assert after.version == before.version + 2
    assert after.states == before.states
    assert after.quotas == before.quotas


async def test_two_calls_hold_and_then_release(redis: Redis, redis_url: str, inventory: Inventory) -> None:
    commands = await hold_release.overheard(redis_url, 3)
    keys = [*commands[0][3:9], f"{{g:{GROUP}}}:turn".encode()]
    _, in_turn = hold_release.composed(commands)

    await redis.eval(in_turn, 7, *keys)
    assert [ordinal for ordinal, state in enumerate(await states(inventory)) if state == HELD] == [6, 7]
    assert await used(inventory) == [2, 2, 2]

    await redis.eval(in_turn, 7, *keys)
    assert await states(inventory) == bytes(30)
    assert await used(inventory) == [0, 0, 0]


async def test_a_pair_is_refused_where_the_tools_script_would_be(
    redis: Redis, redis_url: str, inventory: Inventory
) -> None:
    """The negative control of the script that holds and releases: it does not answer "held" come what may."""
    commands = await hold_release.overheard(redis_url, 3)
    await hold(inventory, "somebody else", (6,))
    together, _ = hold_release.composed(commands)

    assert "refused" in str(await redis.eval(together, 6, *commands[0][3:9]))


async def test_the_bytes_over_one_socket_are_carried_out(redis: Redis, redis_url: str, inventory: Inventory) -> None:
    pairs = [await hold_release.overheard(redis_url, number) for number in range(4)]
    before = (await inventory.snapshot(GROUP, PERFORMANCE)).version

    rate = await hold_release.one_socket(redis, redis_url, pairs, turns=5)

    assert rate.pairs == 20
    assert (await inventory.snapshot(GROUP, PERFORMANCE)).version == before + 40
    assert await states(inventory) == bytes(30)


def test_rounds_are_added_up_not_averaged() -> None:
    rounds = [hold_release.Rate(100, 1.0, 500.0), hold_release.Rate(100, 3.0, 1500.0)]

    whole = hold_release.Rate.of(rounds)

    assert (whole.per_s, whole.redis_us) == (50.0, 10.0)


# Best seats --------------------------------------------------------------------------------------------------------


async def outcome(redis: Redis, inventory: Inventory, plan: Plan, free: tuple[int, ...]) -> tuple[str, best.Measured]:
    """What becomes of a party of four where only these seats are free."""
    house = bytes(FREE if ordinal in free else SOLD for ordinal in range(len(plan.seats)))
    await lay(inventory, plan, house)
    found = best.Measured()
    found.next_house()
    await best.both(redis, inventory, found, {o: run for run in plan.rows for o in run}, free[:4])
    assert await states(inventory) == house
    return found.went.most_common(1)[0][0], found


async def test_parties_are_counted_by_what_became_of_them(redis: Redis, inventory: Inventory, plan: Plan) -> None:
    """The house is afterwards as it was, and the named hold was made each time."""
    side_by_side, found = await outcome(redis, inventory, plan, (2, 3, 4, 5))
    in_pairs, _ = await outcome(redis, inventory, plan, (2, 3, 12, 13))
    two_prices, refused = await outcome(redis, inventory, plan, (2, 3, 22, 23))

    assert (side_by_side, in_pairs, two_prices) == ("together", "split", "refused")
    for each in (found, refused):
        assert len(each.best.wall_us[0]) == len(each.named.wall_us[0]) == len(each.named.redis_us[0]) == 1


async def test_redis_own_time_is_that_of_the_hold_alone(redis: Redis, inventory: Inventory) -> None:
    """Nothing is counted of a call that was not made, and something of one that was."""
    cost = best.Cost([[]], [[]])

    answer = await best.timed(redis, inventory, cost, seats(0, 1))

    assert not isinstance(answer, Refusal)
    assert 0 < cost.redis_us[0][0] < cost.wall_us[0][0]


def test_every_house_counts_alike_and_one_bad_moment_does_not() -> None:
    assert best.usual([[10.0, 10.0, 9_000.0], [30.0, 30.0, 30.0]]) == 20.0


# Expiry ------------------------------------------------------------------------------------------------------------


async def test_holds_that_lapse_under_load_are_all_gone_and_refuse_nobody(redis: Redis, redis_url: str) -> None:
    """Some go by the loop, some by the buyers' own calls."""
    async with opened(redis_url, stadium(1_000)) as (_, inventory):
        await expiry.hold_many(inventory, 150, ttl_s=600)
        carts = [await inventory.held(GROUP, f"lapses {number}") for number in range(150)]
        await lapse(redis, *(item for items in carts for item in items), tag=f"{{g:{GROUP}}}")
        assert (await states(inventory)).count(HELD) == 150

        met = await expiry.load(inventory, 0.3)

        assert met.calls
        assert 0 < met.freed_by_loop <= 150
        assert await states(inventory) == bytes(1_000)
        assert await used(inventory) == [0, 0, 0]


async def test_an_idle_load_frees_nothing(redis: Redis, redis_url: str) -> None:
    async with opened(redis_url, stadium(1_000)) as (_, inventory):
        await expiry.hold_many(inventory, 20, ttl_s=600)

        met = await expiry.load(inventory, 0.1)

        assert (met.freed_by_loop, met.gone_after_s) == (0, 0.0)
        assert (await states(inventory)).count(HELD) == 20


def test_waits_are_those_of_calls_begun_in_time() -> None:
    met = expiry.Load(calls=[(0.0, 0.010), (0.5, 0.540), (2.0, 2.001)])

    assert met.waits_ms() == pytest.approx([10, 40, 1])
    assert met.waits_ms(0.5) == pytest.approx([10, 40])


# Memory ------------------------------------------------------------------------------------------------------------


async def test_half_is_sold_and_a_tenth_held_when_seats_are_weighed(redis_url: str, redis: Redis) -> None:
    plan = stadium(1_000)
    async with opened(redis_url, plan) as (_, inventory):
        empty = await memory.weights(redis)
        await memory.half_sold(inventory, plan)

        found = await states(inventory)
        assert (found.count(SOLD), found.count(HELD), found.count(FREE)) == (500, 100, 400)
        assert await used(inventory) == [600, 600, 600]
        weights = await memory.weights(redis)
        assert set(weights) == {key.decode() async for key in redis.scan_iter(f"{{g:{GROUP}}}:*")}
        assert sum(weights.values()) > sum(empty.values())


async def test_what_redis_forgets_is_weighed_no_more(redis_url: str, redis: Redis) -> None:
    await redis.set("heavy", bytes(1_000_000))
    heavy = await memory.used_bytes(redis)
    await redis.unlink("heavy")

    assert heavy - await memory.used_bytes(redis) > 900_000


# Rebuild -----------------------------------------------------------------------------------------------------------


def test_the_longest_wait_is_of_those_who_asked_meanwhile() -> None:
    answers = [(0.0, 0.9), (1.0, 1.1), (1.9, 2.4), (3.0, 9.0)]

    assert rebuild.longest_wait_ms(answers, rebuild.Span(1.0, 2.0, 0.0)) == pytest.approx(500)
    assert rebuild.longest_wait_ms(answers, rebuild.Span(0.5, 0.6, 0.0)) == pytest.approx(900)
    assert rebuild.longest_wait_ms(answers, rebuild.Span(0.0, math.inf, 0.0)) == pytest.approx(6000)


def test_nobody_asking_is_no_figure() -> None:
    with pytest.raises(AssertionError, match="not asked"):
        rebuild.longest_wait_ms([(0.0, 0.1)], rebuild.Span(1.0, 2.0, 0.0))
