"""The replica moves by the very next change only."""

from __future__ import annotations

import pytest

from realtime.board import HISTORY_STEPS, Board, Verdict
from realtime.messages import FREE, HELD, SOLD
from tests.realtime.world import LEA, became, change, held, picture


def test_the_next_change_is_applied() -> None:
    board = Board(picture())
    assert board.apply(change(1, held(3, LEA), quotas={"event:1": (1, 5)})) is Verdict.APPLIED
    assert (board.version, board.states[3], board.holders, board.quotas) == (1, HELD, {3: LEA}, {"event:1": (1, 5)})


def test_a_seat_that_is_given_back_has_no_holder() -> None:
    board = Board(picture())
    board.apply(change(1, held(3, LEA)))
    board.apply(change(2, became(3, FREE)))
    assert (board.states[3], board.holders) == (FREE, {})


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        (change(4, became(1, SOLD)), Verdict.GAP),
        (change(2, became(1, SOLD)), Verdict.DUPLICATE),
        (change(2, became(1, FREE)), Verdict.DIVERGED),
        (change(3, became(1, SOLD), epoch="e2"), Verdict.OTHER_EPOCH),
    ],
)
def test_anything_but_the_next_change_leaves_the_board_alone(late: object, verdict: Verdict) -> None:
    board = Board(picture(version=1))
    board.apply(change(2, became(1, SOLD)))
    before = bytes(board.states)
    assert board.apply(late) is verdict  # type: ignore[arg-type]  # parametrize has no types
    assert (bytes(board.states), board.version) == (before, 2)


def test_a_seat_beyond_the_plan_is_not_ours() -> None:
    board = Board(picture(n=2))
    assert board.apply(change(1, became(2, SOLD), became(-1, SOLD), became(0, SOLD))) is Verdict.APPLIED
    assert bytes(board.states) == bytes([SOLD, FREE])
    assert board.touched_since(0) == ({0}, set())


def test_a_gap_is_told_whole_or_not_at_all() -> None:
    board = Board(picture(n=3))
    for version in range(1, HISTORY_STEPS + 3):
        board.apply(change(version, became(version % 2, SOLD)))
    assert board.floor == 2
    assert board.touched_since(1) is None
    assert board.touched_since(2) == ({0, 1}, set())
    assert board.touched_since(board.version) == (set(), set())
    assert board.touched_since(board.version + 1) is None


def test_steps_from_before_the_picture_answer_those_who_resume() -> None:
    board = Board(picture(version=5))
    board.apply(change(6, became(1, SOLD)))
    board.remember([change(v, became(v, SOLD)) for v in (3, 4, 5, 6)])
    assert board.touched_since(2) == ({1, 3, 4, 5}, set())


@pytest.mark.parametrize("versions", [(3, 5), (2, 3, 4), (5, 4)])
def test_a_broken_run_of_steps_is_not_remembered(versions: tuple[int, ...]) -> None:
    board = Board(picture(version=5))
    board.remember([change(v, became(v, SOLD)) for v in versions])
    assert board.floor == 5
