"""One performance and its viewers: who is told what, once, and in which order (LIVE-1, LIVE-2, LIVE-3)."""

from __future__ import annotations

import pytest

from realtime import messages
from realtime.messages import ALLOTTED, CLOSE_SLOW, FREE, PENDING, SOLD, USED, Picture
from realtime.protocol import Resume
from realtime.room import Member, Need, Room
from tests.realtime.world import LEA, ONLINE, Sink, became, change, held, open_room, picture, watch


def test_who_opens_a_map_gets_the_picture() -> None:
    _, buyer = watch(open_room(picture(n=9)))
    assert buyer.frames() == [
        {"t": "snapshot", "server_ms": 1000, "epoch": "e1", "version": 0, "n": 9, "bits": 1, "states": "AAA=",
         "quotas": {}},
    ]  # fmt: skip


def test_a_change_reaches_every_viewer_as_the_same_bytes() -> None:
    room = open_room()
    (_, one), (_, two) = watch(room), watch(room)
    room.deliver(change(1, held(3)))
    room.flush()
    assert one.got[-1] is two.got[-1]
    assert one.frames()[-1] == {
        "t": "delta", "epoch": "e1", "from": 0, "version": 1, "seats": [[3, 1]], "quotas": {},
    }  # fmt: skip


def test_changes_of_one_tick_travel_as_one_delta() -> None:
    room = open_room()
    _, buyer = watch(room)
    for version, ordinal in enumerate((1, 2, 3), start=1):
        room.deliver(change(version, held(ordinal)))
    room.flush()
    assert [(f["from"], f["version"], f["seats"]) for f in buyer.frames()[1:]] == [(0, 3, [[1, 1], [2, 1], [3, 1]])]


def test_an_audience_is_not_told_what_it_cannot_see() -> None:
    """A buyer's seat stays taken while it is paid for and sold: three quarters of all deliveries, not made."""
    room = open_room()
    (_, buyer), (_, cashier) = watch(room), watch(room, "cashier")
    for version, seat in enumerate((held(3), became(3, PENDING), became(3, SOLD), became(3, USED)), start=1):
        room.deliver(change(version, seat))
        room.flush()
    assert buyer.kinds() == ["snapshot", "delta"]
    assert [f["seats"] for f in cashier.frames()[1:]] == [
        [[3, 1, "buyer", "online", 2_000_000]], [[3, 2]], [[3, 3]], [[3, 5]],
    ]  # fmt: skip
    room.deliver(change(5, became(3, FREE)))
    room.flush()
    assert buyer.frames()[-1]["from"] == 1, "what was not sent leaves no gap"


def test_only_those_who_may_see_who_holds_a_seat() -> None:
    """LIVE-2: neither a buyer nor a gate ever gets a name or a cart, in no frame."""
    room = open_room(picture(holders={2: ONLINE}))
    sinks = {audience: watch(room, audience)[1] for audience in ("buyer", "gate", "cashier", "manager")}
    room.deliver(change(1, held(3, LEA)))
    room.flush()
    for audience, sink in sinks.items():
        said = b"".join(message.payload for message in sink.got).decode()
        assert ("Léa" in said, "online" in said) == ((audience in ("cashier", "manager")),) * 2
        assert LEA.ref not in said
        assert ONLINE.ref not in said


def test_counters_reach_buyers_where_they_are_public_and_the_house_always() -> None:
    """LIVE-3."""
    quotas = {"event:1": (1, 10), "tariff:2": (3, -1)}
    room = open_room(picture(quotas=quotas, public_quotas=frozenset({"event:1"})))
    (_, buyer), (_, manager) = watch(room), watch(room, "manager")
    room.deliver(change(1, quotas={"event:1": (2, 10), "tariff:2": (4, -1)}))
    room.flush()
    assert [f["quotas"] for f in buyer.frames()] == [{"event:1": [1, 10]}, {"event:1": [2, 10]}]
    assert [f["quotas"] for f in manager.frames()] == [
        {"event:1": [1, 10], "tariff:2": [3, -1]}, {"event:1": [2, 10], "tariff:2": [4, -1]},
    ]  # fmt: skip


def test_who_comes_back_gets_what_was_missed() -> None:
    room = open_room()
    for version, ordinal in enumerate((1, 2, 3), start=1):
        room.deliver(change(version, held(ordinal)))
    room.flush()
    _, back = watch(room, resume=Resume("e1", 1))
    assert back.frames() == [
        {"t": "delta", "epoch": "e1", "from": 1, "version": 3, "seats": [[2, 1], [3, 1]], "quotas": {}}
    ]


def test_who_missed_nothing_is_told_so() -> None:
    room = open_room(picture(version=4))
    _, back = watch(room, resume=Resume("e1", 4))
    assert back.frames() == [{"t": "delta", "epoch": "e1", "from": 4, "version": 4, "seats": [], "quotas": {}}]


@pytest.mark.parametrize("resume", [Resume("e0", 4), Resume("e1", 3), Resume("e1~1", 4)])
def test_who_comes_from_too_far_takes_a_new_picture(resume: Resume) -> None:
    _, back = watch(open_room(picture(version=4)), resume=resume)
    assert back.kinds() == ["snapshot"]


def test_a_gap_larger_than_the_picture_is_answered_by_the_picture() -> None:
    room = open_room(picture(n=100))
    room.deliver(change(1, *(held(o) for o in range(100))))
    room.flush()
    _, back = watch(room, resume=Resume("e1", 0))
    assert back.kinds() == ["snapshot"]


def test_who_knows_more_than_we_do_waits_until_we_know_it_too() -> None:
    """It was on another process, which heard of version 1 first."""
    room = open_room()
    _, back = watch(room, resume=Resume("e1", 1))
    assert (back.kinds(), room.need) == ([], Need.GAP)
    room.fill([change(1, held(3))])
    room.flush()
    assert [(f["from"], f["version"]) for f in back.frames()] == [(1, 1)]


def test_nobody_is_answered_in_the_middle_of_a_tick() -> None:
    """Taken and given back within a tick is no change: who had been shown the middle would see it taken for ever."""
    room = open_room()
    watch(room)
    room.deliver(change(1, held(3)))
    _, late = watch(room)
    assert late.kinds() == []
    room.deliver(change(2, became(3, FREE)))
    room.flush()
    assert [(f["t"], f["version"], f["states"]) for f in late.frames()] == [("snapshot", 2, "AAA=")]


def test_a_change_out_of_turn_waits_for_the_gap() -> None:
    room = open_room()
    _, buyer = watch(room)
    room.deliver(change(3, held(3)))
    room.deliver(change(2, held(2)))
    room.flush()
    assert (room.need, buyer.kinds()) == (Need.GAP, ["snapshot"])
    room.fill([change(1, held(1)), change(2, held(2))])
    room.flush()
    assert room.need is Need.NOTHING
    assert buyer.frames()[-1]["seats"] == [[1, 1], [2, 1], [3, 1]]


def test_a_gap_that_is_not_kept_any_more_needs_the_picture_and_is_told_as_a_difference() -> None:
    room = open_room()
    _, buyer = watch(room)
    room.deliver(change(9, held(3)))
    room.fill(None)
    assert room.need is Need.PICTURE
    room.load(Picture("e1", 9, bytes([0, 0, 0, 1, 0, 0, 0, 0, 0, 3]), {}, {}, 1))
    room.flush()
    assert [(f["t"], f.get("from"), f["version"]) for f in buyer.frames()[1:]] == [("delta", 0, 9)]
    assert buyer.frames()[-1]["seats"] == [[3, 1], [9, 1]]


def test_a_new_epoch_is_a_new_picture_for_everybody() -> None:
    room = open_room(picture(version=7))
    _, buyer = watch(room)
    room.deliver(change(1, held(3), epoch="e2"))
    assert room.need is Need.PICTURE
    room.load(picture(epoch="e2"))
    room.flush()
    assert [(f["t"], f["epoch"], f["version"]) for f in buyer.frames()[1:]] == [
        ("snapshot", "e2", 0), ("delta", "e2", 1),
    ]  # fmt: skip


def test_a_belated_message_of_a_dead_epoch_does_not_make_us_load_for_ever() -> None:
    room = open_room(picture(epoch="e2"))
    room.deliver(change(8, held(3), epoch="e1"))
    room.load(picture(epoch="e2"))
    assert room.need is Need.NOTHING


@pytest.mark.parametrize("how", ["head went back", "another content"])
def test_a_log_that_was_rewound_is_not_resumed_from(how: str) -> None:
    """A fail-over to a replica that lagged keeps the epoch but not the last versions."""
    room = open_room()
    room.deliver(change(1, held(1)))
    room.deliver(change(2, held(2)))
    room.flush()
    _, buyer = watch(room)
    if how == "head went back":
        room.rewound()
    else:
        room.deliver(change(2, held(5)))
    room.load(picture(version=2))
    last = buyer.frames()[-1]
    assert (last["t"], last["version"], last["states"]) == ("snapshot", 2, "AAA=")
    assert watch(room, resume=Resume("e1", 1))[1].kinds() == ["snapshot"]
    assert watch(room, resume=Resume(last["epoch"], 2))[1].kinds() == ["delta"]


def test_a_slow_reader_is_cut_off_and_the_others_are_not() -> None:
    room = open_room()
    (_, slow), (_, quick) = watch(room), watch(room)
    slow.full = True
    room.deliver(change(1, held(3)))
    room.flush()
    assert (slow.closed, quick.closed, room.members) == (CLOSE_SLOW, None, 1)
    assert quick.kinds() == ["snapshot", "delta"]


def test_a_beat_says_how_far_everybody_should_be() -> None:
    room = open_room()
    (_, buyer), (_, cashier) = watch(room), watch(room, "cashier")
    room.deliver(change(1, held(3)))
    room.flush()
    room.deliver(change(2, became(3, SOLD)))
    room.flush()
    room.beat()
    assert [s.frames()[-1] for s in (buyer, cashier)] == [
        {"t": "beat", "epoch": "e1", "version": version, "server_ms": 1000} for version in (1, 2)
    ]


def test_while_the_source_is_out_of_reach_viewers_are_warned_once_and_no_beat_lies() -> None:
    room = open_room()
    _, buyer = watch(room)
    room.doubt("source_unreachable")
    room.doubt("source_unreachable")
    room.beat()
    assert buyer.kinds() == ["snapshot", "resnapshot"]
    assert watch(room)[1].kinds() == ["snapshot", "resnapshot"]
    room.fill([change(1, held(3))])
    room.trust()
    assert buyer.kinds() == ["snapshot", "resnapshot", "delta", "beat"]


def test_who_comes_before_the_first_picture_waits_for_it() -> None:
    room = open_room()
    room.board, room.need = None, Need.PICTURE
    _, early = watch(room, resume=Resume("e1", 0))
    room.deliver(change(1, held(3)))
    assert early.kinds() == []
    room.load(picture())
    room.flush()
    assert early.frames()[0]["seats"] == [[3, 1]]


def test_a_cart_s_own_viewers_are_told_that_its_seats_changed() -> None:
    """LIVE-7: also when somebody else's act, or time, took them away."""
    room = open_room()
    told: list[str] = []
    watch(room, ref=ONLINE.ref, touched=lambda: told.append("mine"))
    watch(room, ref="cccccccc", touched=lambda: told.append("a stranger's"))
    room.deliver(change(1, held(3)))
    room.flush()
    room.deliver(change(2, became(3, FREE)))
    room.flush()
    assert told == ["mine", "mine"]


def test_whoever_watches_kept_seats_is_told_that_they_changed() -> None:
    """AHEAD-2: to others they look the same whoever has them, so no delta tells of it."""
    room = open_room(Picture("e1", 0, bytes([FREE, ALLOTTED, ALLOTTED]), {}, {}, 1_000))
    told: list[str] = []
    pupil, sink = watch(room, touched=lambda: told.append("pupil"))
    watch(room, touched=lambda: told.append("a stranger"))
    room.watch(pupil, frozenset({1}))
    for version, ordinal in enumerate((1, 2, 0), start=1):
        room.deliver(change(version, held(ordinal)))
        room.flush()
    assert (told, sink.kinds()) == (["pupil"], ["snapshot", "delta"])
    room.watch(pupil, frozenset({2}))
    room.deliver(change(4, became(1, ALLOTTED)))
    room.flush()
    assert told == ["pupil"]
    room.load(picture(n=3, epoch="e2"))
    assert told == ["pupil"] * 2
    room.leave(pupil)
    room.watch(pupil, frozenset({2}))
    room.deliver(change(1, held(2), epoch="e2"))
    room.flush()
    assert told == ["pupil"] * 2


def test_all_carts_are_looked_at_again_when_holds_may_have_gone() -> None:
    room = open_room()
    told: list[str] = []
    watch(room, ref=ONLINE.ref, touched=lambda: told.append("mine"))
    room.load(picture(epoch="e2"))
    assert told == ["mine"]


def test_who_left_is_not_written_to() -> None:
    room = open_room()
    told: list[str] = []
    member, sink = watch(room, ref=ONLINE.ref, touched=lambda: told.append("mine"))
    room.leave(member)
    room.identify(member, ONLINE.ref)
    room.deliver(change(1, held(3)))
    room.flush()
    room.beat()
    assert (sink.kinds(), told, room.members) == (["snapshot"], [], 0)


def test_many_who_resume_from_one_place_share_one_frame() -> None:
    room = open_room()
    room.deliver(change(1, held(3)))
    room.flush()
    first, second = (watch(room, resume=Resume("e1", 0))[1] for _ in range(2))
    assert first.got[0] is second.got[0]


# -- what is retained (LIVE-5)

PHOTOS = {"seat_view": messages.seat_view("a")}


def test_what_is_retained_comes_behind_the_answer_to_each_hello() -> None:
    room = open_room()
    room.retain(PHOTOS)
    member, sink = watch(room)
    assert sink.kinds() == ["snapshot", "seat_view"]
    room.join(member, Resume("e1", 0))
    assert sink.kinds() == ["snapshot", "seat_view", "delta", "seat_view"]


def test_everybody_is_told_when_it_changes_and_nobody_when_it_does_not() -> None:
    room = open_room()
    _, early = watch(room)
    _, cashier = watch(room, "cashier")
    room.retain(PHOTOS)
    room.retain({"seat_view": messages.seat_view("a")})
    room.retain({"seat_view": messages.seat_view("b")})
    for sink in (early, cashier):
        assert [frame["version"] for frame in sink.frames() if frame["t"] == "seat_view"] == ["a", "b"]
    assert early.got[-1] is cashier.got[-1]


def test_who_waits_for_a_picture_is_told_behind_it() -> None:
    """Also when the picture is another's: an answer and a replacement for all are the same to who waits."""
    room = Room("7", lambda: 5_000)
    room.retain(PHOTOS)
    _, first = watch(room)
    assert first.kinds() == []
    room.load(picture())
    assert first.kinds() == ["snapshot", "seat_view"]
    room.need = Need.PICTURE
    _, second = watch(room)
    room.load(picture(epoch="e2"))
    assert second.kinds() == ["snapshot", "seat_view"]
    assert first.kinds() == ["snapshot", "seat_view", "snapshot"]


def test_a_delta_carries_nothing_of_it() -> None:
    """The same bytes and the same number of frames as in a room that retains nothing."""
    rooms = [open_room(), open_room()]
    rooms[0].retain(PHOTOS)
    sinks = [watch(room)[1] for room in rooms]
    for room, sink in zip(rooms, sinks, strict=True):
        sink.got.clear()
        room.deliver(change(1, held(3)))
        room.flush()
    assert [message.payload for message in sinks[0].got] == [message.payload for message in sinks[1].got] != []


def test_a_reader_that_is_cut_off_by_the_answer_is_told_nothing_more() -> None:
    room = open_room()
    room.retain(PHOTOS)
    sink = Sink()
    sink.full = True
    room.join(Member(sink, "buyer"), None)
    assert (sink.got, sink.closed, room.members) == ([], CLOSE_SLOW, 0)
