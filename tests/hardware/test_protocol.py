"""The words on the wire: what is not a message is told apart, and no bytes do harm."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import protocol
from hardware.desk import DeviceStatus, GateBrief
from hardware.protocol import MAGIC, Beat, NotOurs, Print, Refused, Scan, Snapshot
from tests.hardware.venue import ticket


def refusal_of(frames: list[bytes]) -> str:
    with pytest.raises(NotOurs) as refused:
        protocol.read_from_device(frames)
    return refused.value.reason


def test_messages_arrive_as_they_were_sent() -> None:
    beat = Beat("s", 7, DeviceStatus(queue=2, battery=80))
    assert protocol.read_from_device(protocol.frames(beat)) == beat
    for message in (Print(1, 2, "window", ticket()), Snapshot("e", 3, GateBrief(keys=(b"k" * 32,), void=("T1",)))):
        assert protocol.read_to_device(protocol.frames(message)) == message


@given(st.lists(st.binary(max_size=64), max_size=4))
def test_any_frames_are_read_or_refused(frames: list[bytes]) -> None:
    assert refusal_of(frames) in ("malformed", "protocol")
    assert refusal_of([MAGIC, *frames, b"\xc1"]) == "malformed"


def test_a_message_of_the_hub_is_none_of_a_device() -> None:
    assert refusal_of(protocol.frames(Refused("revoked"))) == "malformed"


def test_deep_nesting_is_refused_and_not_followed() -> None:
    assert refusal_of([MAGIC, b"\x81\xa1t" + b"\x91" * 50_000]) == "malformed"


def test_another_version_is_named_as_such_and_its_refusal_is_understood() -> None:
    body = protocol.frames(Scan("1", "c", 0))[1]
    assert refusal_of([b"placeur/2", body]) == "protocol"
    assert protocol.read_to_device([b"placeur/2", msgspec.msgpack.encode(Refused("protocol", 2))]) == Refused(
        "protocol", 2
    )
    with pytest.raises(NotOurs):
        protocol.read_to_device([b"placeur/2", b"\xc1"])
