"""The shell of the rooms: one subscription a topic, none without viewers, every loss healed by a look at the head."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from realtime import messages
from realtime.follower import Follower, Status
from realtime.messages import CLOSE_INTERNAL, CLOSE_RESTART, CLOSE_UNKNOWN, HELD, SOLD, Change, Message, Picture
from realtime.protocol import Resume
from realtime.room import Member
from realtime.rooms import Deliver, Hint, Rooms, RoomSettings, SourceUnavailable, TopicMissing, Unsubscribe
from tests.realtime.world import ONLINE, Store

QUICK = RoomSettings(
    tick_s=0.001,
    check_s=0.02,
    beat_s=0.05,
    linger_s=0.05,
    retry_s=0.005,
    patience_s=0.001,
    doubt_after=2,
    recall_pause_s=0.001,
)


class MemorySource:
    """A store in memory as a source; it can fall silent, be out of reach, be missing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.store = Store(8, 50)
        self.listeners: list[Deliver] = []
        self.silent = self.down = self.missing = self.defective = False
        self.photos: str | None = None
        self.photos_away = self.photos_stuck = False
        self.asked: list[str] = []

    def change(self, ordinal: int, state: int = SOLD) -> None:
        made = self.store.step([ordinal], state, ONLINE if state == HELD else None)
        if not self.silent:
            for deliver in self.listeners:
                deliver(made)

    def take_photo(self, version: str) -> None:
        self.photos = version
        if not self.silent:
            for deliver in self.listeners:
                deliver(Hint.RETAINED)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.defective:
            raise ZeroDivisionError
        if self.down:
            raise SourceUnavailable("down")

    async def snapshot(self, topic: str) -> Picture:
        self._ask("snapshot")
        await asyncio.sleep(0)
        if self.missing:
            raise TopicMissing(topic)
        return self.store.picture()

    async def changes_since(self, topic: str, epoch: str, version: int) -> list[Change] | None:
        self._ask("changes_since")
        await asyncio.sleep(0)
        return self.store.changes_since(epoch, version)

    async def head(self, topic: str) -> tuple[str, int] | None:
        self._ask("head")
        await asyncio.sleep(0)
        return None if self.missing else (self.store.epoch, self.store.version)

    async def retained(self, topic: str) -> dict[str, Message]:
        self.asked.append("retained")
        if self.photos_away:
            raise SourceUnavailable("down")
        version = self.photos
        await (asyncio.Event().wait() if self.photos_stuck else asyncio.sleep(0))
        return {} if version is None else {"seat_view": messages.seat_view(version)}

    async def subscribe(self, topic: str, deliver: Deliver) -> Unsubscribe:
        self._ask("subscribe")
        self.listeners.append(deliver)

        async def unsubscribe() -> None:
            self.listeners.remove(deliver)

        return unsubscribe

    async def rebuild(self, topic: str) -> None:
        self._ask("rebuild")
        if topic == "7":
            self.missing = False
            self.store.flush()


class Person:
    """A follower right at the socket: no network between."""

    def __init__(self) -> None:
        self.follower = Follower()
        self.follower.opened(0.0)
        self.closed: int | None = None
        self.got: list[Message] = []

    def send(self, message: Message) -> bool:
        self.got.append(message)
        self.follower.receive(message.text, 0.0)
        return True

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def kinds(self) -> list[str]:
        return [json.loads(message.payload)["t"] for message in self.got]

    def sees(self, source: MemorySource) -> bool:
        shown = bytes(self.follower.codes) == bytes(int(state != 0) for state in source.store.states)
        return self.follower.status is Status.LIVE and shown and self.follower.quotas == source.store.quotas


async def soon(true: Callable[[], Any]) -> None:
    """No time is asserted: it happens, or the test stands until it is given up."""
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.002)


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
async def rooms(source: MemorySource) -> AsyncIterator[Rooms]:
    one = Rooms(source, QUICK)
    yield one
    await one.close()


def enter(rooms: Rooms, topic: str = "7", resume: Resume | None = None) -> tuple[Person, Member]:
    person = Person()
    member = Member(person, "buyer")
    rooms.join(topic, member, resume)
    return person, member


async def test_viewers_of_one_performance_share_one_subscription_and_one_picture(
    rooms: Rooms, source: MemorySource
) -> None:
    people = [enter(rooms)[0] for _ in range(100)]
    await soon(lambda: all(person.sees(source) for person in people))
    assert (len(source.listeners), source.asked.count("snapshot")) == (1, 1)
    late, _ = enter(rooms)
    assert late.sees(source)
    assert source.asked.count("snapshot") == 1
    source.change(3)
    await soon(lambda: all(person.sees(source) for person in [*people, late]))
    assert len({id(person.got[-1]) for person in people if b"delta" in person.got[-1].payload}) <= 1


async def test_a_performance_nobody_watches_costs_nothing(rooms: Rooms, source: MemorySource) -> None:
    person, member = enter(rooms)
    await soon(lambda: person.sees(source))
    rooms.leave("7", member)
    await soon(lambda: not source.listeners and not rooms.topics())
    asked = len(source.asked)
    await asyncio.sleep(4 * QUICK.check_s)
    assert len(source.asked) == asked


async def test_who_comes_while_a_room_lingers_finds_it_warm(rooms: Rooms, source: MemorySource) -> None:
    person, member = enter(rooms)
    await soon(lambda: person.sees(source))
    rooms.leave("7", member)
    assert enter(rooms)[0].sees(source)
    assert source.asked.count("snapshot") == 1


async def test_publications_lost_without_a_word_are_found_at_the_head(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    source.silent = True
    source.change(3)
    source.change(4)
    await soon(lambda: person.sees(source))


async def test_a_log_that_was_cut_short_is_replaced_by_a_picture(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    source.silent = True
    for turn in range(60):
        source.change(turn % 8, turn % 4)
    await soon(lambda: person.sees(source))


async def test_a_flushed_store_is_built_again_and_shown(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    source.change(3)
    source.change(4, HELD)
    await soon(lambda: person.sees(source))
    source.missing = True
    await soon(lambda: person.sees(source) and person.follower.epoch == source.store.epoch != "e0")
    assert "rebuild" in source.asked
    assert list(person.follower.codes[3:5]) == [1, 0], "sold is sold; what was held is free"


async def test_a_store_that_is_empty_at_the_start_is_built(rooms: Rooms, source: MemorySource) -> None:
    source.missing = True
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))


async def test_a_rewound_store_is_shown_as_it_is(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    source.change(3)
    source.change(4)
    await soon(lambda: person.sees(source))
    source.store.states[4] = 0
    source.store.version -= 1
    source.store.quotas["performance:7"] = (1, 8)
    source.store.log.pop()
    await soon(lambda: person.sees(source))


async def test_while_the_source_is_down_the_map_says_so_and_then_catches_up(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    source.down = source.silent = True
    await soon(lambda: person.follower.status is Status.STALE)
    late, _ = enter(rooms)
    assert late.follower.status is Status.STALE
    source.change(3)
    source.down = False
    await soon(lambda: person.sees(source) and late.sees(source))


async def test_a_source_that_is_down_at_first_is_waited_for(rooms: Rooms, source: MemorySource) -> None:
    source.down = True
    person, _ = enter(rooms)
    await soon(lambda: len(source.asked) > 5)
    source.down = False
    await soon(lambda: person.sees(source))


async def test_the_viewers_of_a_process_that_died_get_what_they_missed_from_the_next(
    rooms: Rooms, source: MemorySource
) -> None:
    for ordinal in range(5):
        source.change(ordinal)
    person, _ = enter(rooms, resume=Resume("e0", 3))
    await soon(lambda: person.got)
    assert b'"from":3' in person.got[0].payload


async def test_a_performance_that_does_not_exist_is_closed_for_good(rooms: Rooms, source: MemorySource) -> None:
    source.missing = True
    person, _ = enter(rooms, topic="404")
    await soon(lambda: person.closed)
    assert person.closed == CLOSE_UNKNOWN
    await soon(lambda: not rooms.topics())


async def test_a_defect_sends_the_viewers_away_instead_of_leaving_them_in_the_dark(
    rooms: Rooms, source: MemorySource
) -> None:
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    source.defective = True
    await soon(lambda: person.closed)
    assert person.closed == CLOSE_INTERNAL
    source.defective = False
    back, _ = enter(rooms)
    await soon(lambda: back.sees(source))


async def test_a_process_that_stops_sends_everybody_elsewhere(source: MemorySource) -> None:
    rooms = Rooms(source, QUICK)
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    await rooms.close()
    assert (person.closed, source.listeners) == (CLOSE_RESTART, [])


async def test_it_beats(rooms: Rooms, source: MemorySource) -> None:
    person, _ = enter(rooms)
    await soon(lambda: sum(b'"beat"' in message.payload for message in person.got) >= 2)
    assert person.follower.status is Status.LIVE


async def test_a_storm_of_changes_loses_none(rooms: Rooms, source: MemorySource) -> None:
    people = [enter(rooms)[0] for _ in range(5)]
    for turn in range(2000):
        source.silent = turn % 7 == 0
        source.change(turn % 8, turn % 4)
        if turn % 50 == 0:
            await asyncio.sleep(0)
    await soon(lambda: all(person.sees(source) for person in people))


# -- what is retained (LIVE-5)


async def test_what_is_retained_is_told_to_who_comes_and_when_it_changes(rooms: Rooms, source: MemorySource) -> None:
    source.take_photo("a")
    first, _ = enter(rooms)
    await soon(lambda: first.follower.seat_view == "a")
    second, _ = enter(rooms)
    await soon(lambda: second.follower.seat_view == "a")
    source.take_photo("b")
    await soon(lambda: first.follower.seat_view == second.follower.seat_view == "b")
    assert first.kinds().count("seat_view") == 2


async def test_a_hint_that_was_lost_is_made_up_for(source: MemorySource) -> None:
    """The fault: nothing that is published gets through. The control: a room that does not ask again is not healed."""
    told: dict[float, str] = {}
    for recall_s in (0.02, 3_600.0):
        source.take_photo("a")
        rooms = Rooms(source, msgspec.structs.replace(QUICK, recall_s=recall_s))
        person, _ = enter(rooms)
        await soon(lambda person=person: person.follower.seat_view == "a")  # type: ignore[misc]  # bound at once
        source.silent = True
        source.take_photo("b")
        if recall_s < 1:
            await soon(lambda person=person: person.follower.seat_view == "b")  # type: ignore[misc]  # as above
        else:
            looked = source.asked.count("head")
            await soon(lambda looked=looked: source.asked.count("head") > looked + 5)  # type: ignore[misc]  # as above
        told[recall_s] = person.follower.seat_view
        source.silent = False
        await rooms.close()
    assert told == {0.02: "b", 3_600.0: "a"}


async def test_a_connection_that_may_have_missed_something_has_it_asked_again(source: MemorySource) -> None:
    rooms = Rooms(source, msgspec.structs.replace(QUICK, recall_s=3_600.0))
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    source.photos = "a"
    for deliver in source.listeners:
        deliver(None)
    await soon(lambda: person.follower.seat_view == "a")
    await rooms.close()


async def test_seats_do_not_wait_for_what_is_retained(source: MemorySource) -> None:
    """It may be another engine's to say: away or stuck, the map is as live as before."""
    source.photos_stuck = True
    rooms = Rooms(source, msgspec.structs.replace(QUICK, answer_s=0.05))
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    for away in (False, True):
        source.photos_away = away
        source.silent = True
        source.change(3 + away)  # only the room's own look can find it
        source.silent = False
        await soon(lambda: person.sees(source))
    assert person.kinds().count("resnapshot") == 0
    source.photos_stuck = source.photos_away = False
    source.take_photo("a")
    await soon(lambda: person.follower.seat_view == "a")
    await rooms.close()


async def test_a_room_asks_for_what_is_retained_now_and_then_and_not_with_every_change(source: MemorySource) -> None:
    rooms = Rooms(source, msgspec.structs.replace(QUICK, recall_s=3_600.0))
    person, _ = enter(rooms)
    await soon(lambda: person.sees(source))
    await soon(lambda: "retained" in source.asked)
    asked = source.asked.count("retained")
    for ordinal in range(8):
        source.change(ordinal)
        await soon(lambda: person.sees(source))
    assert source.asked.count("retained") == asked
    assert "seat_view" not in person.kinds()[-8:]
    await rooms.close()


async def test_a_storm_of_hints_is_asked_about_once_in_a_while(source: MemorySource) -> None:
    """Somebody imports a hundred photos during a sale. The control: without a pause each is a question and a frame."""
    told: dict[float, int] = {}
    for pause_s in (3_600.0, 0.0):
        rooms = Rooms(source, msgspec.structs.replace(QUICK, recall_pause_s=pause_s, recall_s=3_600.0))
        source.take_photo("first")
        person, _ = enter(rooms)
        await soon(lambda person=person: person.follower.seat_view == "first")  # type: ignore[misc]  # bound at once
        asked = source.asked.count("retained")
        for number in range(50):
            before = source.asked.count("retained")
            source.take_photo(f"{number}")
            if not pause_s:
                await soon(lambda before=before: source.asked.count("retained") > before)  # type: ignore[misc]  # as above
            elif number % 10 == 0:
                # A room that looks at the head a second time has done whatever it had to do before that.
                looked = source.asked.count("head")
                await soon(lambda looked=looked: source.asked.count("head") > looked + 1)  # type: ignore[misc]  # as above
        told[pause_s] = source.asked.count("retained") - asked
        await rooms.close()
    assert told == {3_600.0: 0, 0.0: 50}
