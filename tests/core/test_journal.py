"""A chain of lines that shows every later change (AHEAD-5). Pure; the table itself: tests/sales/test_orders.py."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.core.journal import GENESIS, Line, canonical, check_chain, digest_line

Stored = tuple[Line, bytes, bytes]
BODIES = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(-(2**53), 2**53), st.text(max_size=8)), max_size=3)


def chain(bodies: list[dict[str, Any]]) -> list[Stored]:
    stored: list[Stored] = []
    previous = GENESIS
    for sequence, body in enumerate(bodies, start=1):
        line = Line(
            "box-office:1", sequence, f"2026-12-12T20:00:{sequence:02d}", "shop", "order_paid", "C1", canonical(body)
        )
        digest = digest_line(previous, line)
        stored.append((line, previous, digest))
        previous = digest
    return stored


@given(st.lists(BODIES, max_size=8))
def test_an_untouched_chain_holds(bodies: list[dict[str, Any]]) -> None:
    assert check_chain(chain(bodies)) is None


@given(st.lists(BODIES, min_size=1, max_size=8), st.data())
def test_any_altered_field_is_found_where_it_is(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    stored = chain(bodies)
    at = data.draw(st.integers(0, len(stored) - 1))
    field = data.draw(st.sampled_from(["chain", "at", "actor", "action", "subject", "body"]))
    line, previous, digest = stored[at]
    stored[at] = (msgspec.structs.replace(line, **{field: getattr(line, field) + "x"}), previous, digest)
    found = check_chain(stored)
    assert found is not None
    assert (found.sequence, found.reason) == (at + 1, "the line was altered")


@given(st.lists(BODIES, min_size=2, max_size=8), st.data())
def test_a_line_that_was_removed_is_missed_unless_it_was_the_last(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    stored = chain(bodies)
    at = data.draw(st.integers(0, len(stored) - 2))
    del stored[at]
    found = check_chain(stored)
    assert found is not None
    assert (found.sequence, found.reason) == (at + 1, f"line {at + 1} is missing")


@given(st.lists(BODIES, min_size=1, max_size=8), BODIES, st.data())
def test_a_line_that_was_slipped_in_breaks_the_chain(
    bodies: list[dict[str, Any]], extra: dict[str, Any], data: st.DataObject
) -> None:
    """Even with a right digest of its own and every later line renumbered."""
    stored = chain(bodies)
    at = data.draw(st.integers(0, len(stored) - 1))
    previous = stored[at][1]
    forged = Line("box-office:1", at + 1, "2026-12-12T20:00:00", "shop", "order_paid", "C9", canonical(extra))
    later = [
        (msgspec.structs.replace(line, sequence=line.sequence + 1), before, digest)
        for line, before, digest in stored[at:]
    ]
    assert check_chain([*stored[:at], (forged, previous, digest_line(previous, forged)), *later]) is not None


@given(st.lists(BODIES, min_size=2, max_size=8), st.data())
def test_two_lines_that_changed_places_are_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    stored = chain(bodies)
    one, two = data.draw(st.lists(st.integers(0, len(stored) - 1), min_size=2, max_size=2, unique=True))
    first, second = stored[one], stored[two]
    swapped = list(stored)
    swapped[one] = (msgspec.structs.replace(second[0], sequence=one + 1), *second[1:])
    swapped[two] = (msgspec.structs.replace(first[0], sequence=two + 1), *first[1:])
    assert check_chain(swapped) is not None


def test_a_whole_new_tail_does_not_follow_the_line_before() -> None:
    stored = chain([{"a": 1}, {"a": 2}, {"a": 3}])
    elsewhere = chain([{"a": 9}, {"a": 2}, {"a": 3}])
    found = check_chain([stored[0], *elsewhere[1:]])
    assert found is not None
    assert (found.sequence, found.reason) == (2, "the line does not follow the one before")


@given(BODIES)
def test_the_same_facts_always_give_the_same_bytes(body: dict[str, Any]) -> None:
    assert canonical(body) == canonical(dict(reversed(list(body.items()))))
