"""The inventory against a model in dictionaries, over any sequence of steps that Hypothesis can think of; and scripts
with one guard taken out, which it must catch.

It mixes all there is: LIVE-1, LIVE-8, LIVE-10, QUO-1, QUO-5, AHEAD-2, SEA-7, SEA-8, SEA-9, SEA-10, TAR-1, TAR-5.
MODEL_EXAMPLES=1000 makes a longer run of it, by other dice each time; without it the dice are always the same.
"""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from seating.scripts import Script, script
from tests.seating.machine import InventoryMachine

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "40"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    derandomize="MODEL_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def machine(redis_url: str) -> type[InventoryMachine]:
    return type("Machine", (InventoryMachine,), {"redis_url": redis_url})


def test_no_sequence_of_steps_makes_the_inventory_differ_from_the_model(redis: Redis, redis_url: str) -> None:
    run_state_machine_as_test(machine(redis_url), settings=SETTINGS)


# Which steps, what they say, and what they say without the guard.
HOLDING = ("hold", "hold_best")
WITHOUT: dict[str, tuple[tuple[str, ...], str, str]] = {
    "the check of quotas": (HOLDING, "\ncheck_quotas()\n", "\n"),
    "the comparison with what a seat is": (
        HOLDING, "  refuse('seat_taken', house.perf, ordinal)\n  return nil", "  return ''",
    ),
    "telling linked performances": (
        (), "if house.linked and not is_taken(before) then tell_links(house, ordinal, true) end", "",
    ),
    "the index": ((), "call('SETRANGE', key(perf, 'i' .. byte),", "tostring(key(perf, 'i' .. byte),"),
    "gapless versions": ((), "known.version = known.version + 1", "known.version = known.version + 2"),
    "giving back to a quantity": ((), "then draw(line[5], -unnumbered) end", "then end"),
    "the rules of an order": (("promise",), "if #reasons > 0 then", "if false then"),
    "holds that survive a load": (("load",), "survivors = redis.call('HGETALL', KEYS[3])", "survivors = {}"),
    "the return of quotas": ((), "  add_quotas(line[3], -#places / 2)\n", ""),
}  # fmt: skip


@pytest.mark.parametrize("guard", WITHOUT)
def test_the_machine_catches_scripts_without(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """The negative control: one guard is taken out of the scripts, and the same machine must fail."""
    steps, before, after = WITHOUT[guard]
    harmed = set()

    def without(name: str) -> Script:
        whole = script(name)
        if before not in whole.text or (steps and name not in steps):
            return whole
        harmed.add(name)
        text = whole.text.replace(before, after)
        return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    monkeypatch.setattr("seating.store.script", without)
    quick = settings(SETTINGS, max_examples=5_000, phases=[Phase.generate], derandomize=True)
    with pytest.raises((AssertionError, ExceptionGroup)) as raised:
        run_state_machine_as_test(machine(redis_url), settings=quick)
    assert harmed, f"no step says {before!r} any more"
    assert "user_script" not in repr(raised.value), "it is caught by what it does, not by how it is written"
