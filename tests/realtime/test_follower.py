"""The client's machine: what it believes, drops, keeps for later and asks for (LIVE-1).

frontend/tests/core/follower.test.ts asks the same of the TypeScript one.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from realtime import messages
from realtime.follower import (
    BEAT_TIMEOUT_S,
    JOIN_TIMEOUT_S,
    CartTaken,
    DeltaTaken,
    FiguresTaken,
    Follower,
    Reaction,
    Refused,
    SeatView,
    SeatViewChanged,
    SnapshotTaken,
    Status,
    StatusChanged,
)

DICE = random.Random(1)


def snapshot(version: int, codes: bytes, epoch: str = "e1", **more: Any) -> str:
    tail = messages.snapshot_tail(epoch, version, codes, 1, more.get("quotas", {}), more.get("holders"))
    return messages.snapshot(tail, more.get("server_ms", 0)).text


def delta(since: int, version: int, *seats: tuple[Any, ...], epoch: str = "e1") -> str:
    return messages.delta(epoch, since, version, seats, {}).text


def beat(version: int, epoch: str = "e1") -> str:
    return messages.beat(epoch, version, 0).text


def joined(version: int = 5, codes: bytes = bytes(8)) -> Follower:
    follower = Follower()
    follower.opened(0.0)
    follower.receive(snapshot(version, codes), 0.0)
    return follower


def asked(reaction: Reaction) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in reaction.send]


def test_it_says_hello_and_takes_the_picture() -> None:
    follower = Follower()
    assert asked(follower.opened(0.0)) == [{"t": "hello", "v": 1}]
    reaction = follower.receive(snapshot(5, bytes([0, 1, 0])), 0.0)
    assert reaction.events == [SnapshotTaken(), StatusChanged(Status.LIVE)]
    assert (bytes(follower.codes), follower.version, follower.status) == (bytes([0, 1, 0]), 5, Status.LIVE)


def test_it_follows_changes() -> None:
    follower = joined()
    reaction = follower.receive(delta(5, 7, (2, 1)), 0.0)
    assert reaction.events == [DeltaTaken((SeatView(2, 1),), {})]
    assert (follower.codes[2], follower.version) == (1, 7)


@pytest.mark.parametrize("old", [delta(3, 5, (2, 1)), delta(5, 6, (2, 1), epoch="e0"), snapshot(4, bytes([1] * 8))])
def test_it_drops_what_is_older_than_what_it_has(old: str) -> None:
    follower = joined()
    assert follower.receive(old, 0.0) == Reaction()
    assert (bytes(follower.codes), follower.version) == (bytes(8), 5)


def test_a_change_that_overlaps_is_taken_since_changes_are_absolute() -> None:
    follower = joined()
    follower.receive(delta(3, 6, (2, 1)), 0.0)
    assert (follower.codes[2], follower.version) == (1, 6)


def test_it_never_papers_over_a_gap() -> None:
    follower = joined()
    reaction = follower.receive(delta(6, 7, (2, 1)), 0.0)
    assert asked(reaction) == [{"t": "hello", "v": 1, "epoch": "e1", "version": 5}]
    assert (follower.codes[2], follower.version) == (0, 5)
    follower.receive(delta(5, 6, (3, 1)), 0.0)
    assert (follower.codes[2], follower.codes[3], follower.version) == (1, 1, 7), "what it kept follows the gap"


def test_a_gap_after_a_gap_asks_for_everything() -> None:
    follower = joined()
    follower.receive(delta(6, 7), 0.0)
    follower.receive(delta(9, 10), 0.0)
    reaction = follower.receive(delta(5, 6), 0.0)
    assert asked(reaction) == [{"t": "hello", "v": 1}]


def test_changes_that_come_before_the_picture_are_kept_for_after_it() -> None:
    follower = Follower()
    follower.opened(0.0)
    for frame in (delta(4, 5, (0, 1)), delta(5, 6, (1, 1)), delta(6, 7, (2, 1))):
        assert follower.receive(frame, 0.0).events == []
    follower.receive(snapshot(6, bytes([0, 1, 0])), 0.0)
    assert (bytes(follower.codes), follower.version) == (bytes([0, 1, 1]), 7)


def test_a_beat_shows_what_was_missed() -> None:
    follower = joined()
    assert asked(follower.receive(beat(5), 0.0)) == []
    assert asked(follower.receive(beat(4), 0.0)) == [], "what we cannot see has no version of its own"
    assert asked(follower.receive(beat(6), 0.0)) == [{"t": "hello", "v": 1, "epoch": "e1", "version": 5}]
    assert asked(follower.receive(beat(6), 0.0)) == [], "it has asked already"


def test_a_beat_of_another_epoch_asks_too() -> None:
    assert len(asked(joined().receive(beat(1, epoch="e2"), 0.0))) == 1


def test_a_new_epoch_s_picture_replaces_everything() -> None:
    follower = joined()
    follower.receive(snapshot(1, bytes([1, 1]), epoch="e2"), 0.0)
    assert (follower.epoch, follower.version, bytes(follower.codes)) == ("e2", 1, bytes([1, 1]))


def test_after_a_cut_it_resumes_from_where_it_stopped() -> None:
    follower = joined()
    pause_s, reaction = follower.closed(1006, DICE)
    assert pause_s is not None
    assert reaction.events == [StatusChanged(Status.CONNECTING)]
    assert asked(follower.opened(1.0)) == [{"t": "hello", "v": 1, "epoch": "e1", "version": 5}]
    assert follower.receive(delta(5, 5), 1.0).events == [StatusChanged(Status.LIVE)]


def test_waits_grow_and_are_spread_and_end_where_it_is_not_wanted() -> None:
    follower = joined()
    waits = [[follower.closed(1012, DICE)[0] or 0.0 for _ in range(3)] for _ in range(4)]
    assert all(0 <= wait <= 20 for row in waits for wait in row)
    assert len({round(wait, 6) for row in waits for wait in row}) == 12
    for code in (1009, 4400, 4401, 4403, 4404, 4413):
        assert follower.closed(code, DICE)[0] is None
    for code in (1001, 1006, 1011, 1012, 1013, 4408, 4420, 4429):
        assert follower.closed(code, DICE)[0] is not None


def test_a_silent_server_is_a_dead_one() -> None:
    follower = joined()
    assert follower.tick(BEAT_TIMEOUT_S) == Reaction()
    reaction = follower.tick(BEAT_TIMEOUT_S + 0.1)
    assert reaction.drop
    assert reaction.events == [StatusChanged(Status.STALE)]


def test_a_hello_that_is_not_answered_is_said_elsewhere() -> None:
    follower = Follower()
    follower.opened(0.0)
    follower.receive(messages.mine(None).text, JOIN_TIMEOUT_S)
    assert not follower.tick(JOIN_TIMEOUT_S).drop
    assert follower.tick(JOIN_TIMEOUT_S + 0.1).drop


@pytest.mark.parametrize("word", [snapshot(6, bytes(8)), beat(6)])
def test_it_is_stale_until_the_server_trusts_its_source_again(word: str) -> None:
    follower = joined()
    assert follower.receive(messages.resnapshot("x").text, 0.0).events == [StatusChanged(Status.STALE)]
    assert follower.receive(delta(5, 6, (1, 1)), 0.0).events == [DeltaTaken((SeatView(1, 1),), {})]
    assert follower.receive(word, 0.0).events[-1] == StatusChanged(Status.LIVE)


def test_another_server_s_answer_ends_the_doubt() -> None:
    follower = joined()
    follower.receive(messages.resnapshot("x").text, 0.0)
    follower.closed(1006, DICE)
    follower.opened(1.0)
    follower.receive(delta(5, 5), 1.0)
    assert follower.status is Status.LIVE


def test_private_and_last_words_are_told() -> None:
    follower = joined()
    assert follower.receive(messages.mine({"items": []}).text, 0.0).events == [CartTaken({"items": []})]
    assert follower.receive(messages.error("forbidden", "No.").text, 0.0).events == [Refused("forbidden", "No.")]
    assert follower.receive('{"t":"of a newer server"}', 0.0) == Reaction()


def test_the_server_s_clock_is_known() -> None:
    follower = Follower()
    follower.opened(100.0)
    follower.receive(snapshot(1, b"", server_ms=103_000), 100.0)
    assert follower.ahead_ms == 3_000


def test_who_holds_what_follows_the_changes() -> None:
    follower = Follower()
    follower.opened(0.0)
    follower.receive(snapshot(1, bytes([0, 1]), holders=[(1, "buyer", "online", 9)]), 0.0)
    assert follower.holders == {1: SeatView(1, 1, "buyer", "online", 9)}
    follower.receive(delta(1, 2, (0, 1, "counter", "Counter 1", 8), (1, 0)), 0.0)
    assert follower.holders == {0: SeatView(0, 1, "counter", "Counter 1", 8)}


@pytest.mark.parametrize(
    "frame",
    ["", "[]", "{", '{"t":"delta"}', '{"t":"snapshot","epoch":"e"}', delta(5, 6, (99, 1)), delta(5, 6, ("x", 1)),
     snapshot(6, bytes(8)).replace("AA==", "AAAA")],
)  # fmt: skip
def test_a_frame_that_does_not_fit_drops_the_connection_and_what_was_built_on_it(frame: str) -> None:
    follower = joined()
    assert follower.receive(frame, 0.0).drop
    follower.closed(1006, DICE)
    assert asked(follower.opened(1.0)) == [{"t": "hello", "v": 1}]


def test_figures_make_a_follower_of_figures_live() -> None:
    follower = Follower()
    follower.opened(0.0)
    reaction = follower.receive(messages.figures({"orders": 3}).text, 0.0)
    assert reaction.events == [FiguresTaken({"orders": 3, "t": "figures"}), StatusChanged(Status.LIVE)]
    assert not follower.tick(JOIN_TIMEOUT_S + 0.1).drop


def test_other_photos_are_an_event_and_the_same_ones_are_none() -> None:
    """LIVE-5."""
    follower = joined()
    told = [follower.receive(messages.seat_view(version).text, 0.0).events for version in ("", "a", "a", "b", "")]
    assert told == [[], [SeatViewChanged("a")], [], [SeatViewChanged("b")], [SeatViewChanged("")]]
    assert follower.receive('{"t":"seat_view"}', 0.0).drop
