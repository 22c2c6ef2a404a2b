"""Frames: what is packed comes back, what is shared is one frame, what is small stays small."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import messages
from realtime.messages import Change, Message, SeatChange, pack, text_frame, unpack


@given(st.sampled_from([1, 2, 4]).flatmap(lambda bits: st.tuples(st.just(bits), st.binary(max_size=300))))
def test_packed_states_come_back(drawn: tuple[int, bytes]) -> None:
    bits, raw = drawn
    codes = bytes(byte % (1 << bits) for byte in raw)
    assert unpack(pack(codes, bits), bits, len(codes)) == codes


def test_the_first_seat_is_the_highest_bit_of_the_first_byte() -> None:
    """Written into docs/feed.md for clients that are not ours."""
    assert pack(bytes([1, 0, 0, 0, 0, 0, 0, 0, 1]), 1) == "gIA="
    assert pack(bytes([5, 1, 2]), 4) == "USA="


@pytest.mark.parametrize(("text", "bits", "n"), [("gIA=", 1, 8), ("gIA=", 3, 9), ("g", 1, 3), ("!!!!", 1, 24)])
def test_packed_states_that_do_not_fit_are_refused(text: str, bits: int, n: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(text, bits, n)


def test_a_house_of_60000_seats_is_a_picture_of_16_kilobytes_at_most() -> None:
    tail = messages.snapshot_tail("e1", 1, bytes(60_000), 1, {}, None)
    assert len(messages.snapshot(tail, 1_700_000_000_000).frame) < 16 * 1024


def test_a_snapshot_s_clock_is_its_reader_s_though_the_rest_is_shared() -> None:
    tail = messages.snapshot_tail("e1", 3, bytes(3), 1, {"event:1": (1, 2)}, None)
    first, second = (json.loads(messages.snapshot(tail, at).payload) for at in (10, 20))
    assert (first.pop("server_ms"), second.pop("server_ms")) == (10, 20)
    assert first == second
    assert first == {
        "t": "snapshot", "epoch": "e1", "version": 3, "n": 3, "bits": 1, "states": "AA==",
        "quotas": {"event:1": [1, 2]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "header"),
    [(0, b"\x81\x00"), (125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"), (65535, b"\x81\x7e\xff\xff"),
     (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00")],
)  # fmt: skip
def test_a_ready_made_frame_has_the_header_of_its_length(size: int, header: bytes) -> None:
    """RFC 6455 §5.2: the shortest form is the only right one."""
    payload = b"x" * size
    assert text_frame(payload) == header + payload


def test_a_frame_for_thousands_is_built_once() -> None:
    message = Message(b"{}")
    assert message.frame is message.frame


def test_a_change_is_read_as_the_store_writes_it() -> None:
    raw = (
        b'{"e":"k","v":4,"s":[[3,1,"counter","Counter 2","0011aabb",99],[4,0,"","","",0],[5,3]],"q":{"event:1":[2,-1]}}'
    )
    assert messages.decode_change(raw) == Change(
        "k", 4, (SeatChange(3, 1, "counter", "Counter 2", "0011aabb", 99), SeatChange(4, 0), SeatChange(5, 3)),
        {"event:1": (2, -1)},
    )  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"e":"k","v":"x"}', b'{"e":"k","v":1,"s":[[1]]}', b"\xff"])
def test_a_publication_that_is_no_change_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        messages.decode_change(raw)
