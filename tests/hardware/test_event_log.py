"""The event stream (LIVE-9): in order, none lost, none applied twice, whatever the wire does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardware.event_log import EventLog, Follower
from hardware.protocol import Event, Streamed, TicketVoid


def filled(count: int, kept: int = 100) -> EventLog:
    log = EventLog(kept)
    for number in range(1, count + 1):
        log.append(TicketVoid(str(number)))
    return log


def test_a_gap_is_answered_as_a_whole() -> None:
    log = filled(5)
    missed = log.since(log.epoch, 2)
    assert missed is not None
    assert [streamed.seq for streamed in missed] == [3, 4, 5]
    assert log.since(log.epoch, 5) == ()


def test_a_gap_that_is_not_all_there_is_answered_by_nothing() -> None:
    log = filled(5, kept=2)
    assert log.since(log.epoch, 2) is None
    assert log.since(log.epoch, 3) is not None


def test_another_epoch_or_a_number_from_the_future_needs_a_snapshot() -> None:
    log = filled(5)
    assert log.since(filled(5).epoch, 5) is None
    assert log.since(log.epoch, 6) is None
    assert log.since(log.epoch, -1) is None


def test_a_lost_tail_is_noticed_by_the_number_alone() -> None:
    log = filled(5)
    follower = Follower()
    follower.reset(log.epoch, 4)
    assert follower.take(log.head()) is None
    assert follower.misses(log.head())


@given(st.data())
def test_a_follower_applies_every_event_once_and_in_order(data: st.DataObject) -> None:
    """Events are dropped, doubled and shuffled on the way; gaps are asked for, as the gate does."""
    log = filled(0, kept=1000)
    follower = Follower()
    follower.reset(log.epoch, 0)
    applied: list[Event] = []
    wire: list[Streamed] = []
    for number in range(1, 21):
        wire.append(log.append(TicketVoid(str(number))))
    arriving = data.draw(st.lists(st.sampled_from(wire), max_size=40))
    for streamed in [*arriving, log.head()]:
        if (event := follower.take(streamed)) is not None:
            applied.append(event)
        if follower.misses(streamed):
            for missed in log.since(follower.epoch, follower.seq) or ():
                if (event := follower.take(missed)) is not None:
                    applied.append(event)
    assert applied == [streamed.event for streamed in wire]
