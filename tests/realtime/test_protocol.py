"""What a client may say to the server, and what it hears when it says something else (LIVE-1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import messages
from realtime.protocol import Join, Limits, Pong, Refuse, Resume, Viewer


def viewer(**limits: float) -> Viewer:
    return Viewer(Limits(**limits), 0.0)  # type: ignore[arg-type]  # the integers among them are given as such


def test_hello_asks_for_the_picture() -> None:
    assert viewer().receive('{"t":"hello","v":1}', 0.0) == Join(None)


def test_hello_with_a_place_asks_for_what_came_after_it() -> None:
    said = viewer().receive('{"t":"hello","v":1,"epoch":"abc","version":12}', 0.0)
    assert said == Join(Resume("abc", 12))


def test_hello_may_be_said_again_on_the_same_connection() -> None:
    one = viewer()
    one.receive('{"t":"hello","v":1}', 0.0)
    assert one.receive('{"t":"hello","v":1,"epoch":"e","version":3}', 1.0) == Join(Resume("e", 3))


def test_fields_of_a_newer_client_are_left_alone() -> None:
    assert viewer().receive('{"t":"hello","v":1,"colour":"red"}', 0.0) == Join(None)


def test_ping_is_answered_after_hello() -> None:
    one = viewer()
    one.receive('{"t":"hello","v":1}', 0.0)
    assert one.receive('{"t":"ping"}', 1.0) == Pong()


@pytest.mark.parametrize(
    ("frame", "code", "close"),
    [
        ('{"t":"ping"}', "hello_first", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":2}', "unsupported_version", messages.CLOSE_MALFORMED),
        ('{"t":"hello"}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"epoch":"e"}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"version":4}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"epoch":"e","version":-1}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"epoch":"e","version":1e40}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"epoch":"e","version":9007199254740993}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"hello","v":1,"epoch":"' + "e" * 65 + '","version":1}', "malformed", messages.CLOSE_MALFORMED),
        ('{"t":"subscribe","v":1}', "malformed", messages.CLOSE_MALFORMED),
        ("", "malformed", messages.CLOSE_MALFORMED),
        ("[]", "malformed", messages.CLOSE_MALFORMED),
        ("{" * 500, "malformed", messages.CLOSE_MALFORMED),
        ("\ud800", "malformed", messages.CLOSE_MALFORMED),
        (b'{"t":"hello","v":1}', "malformed", messages.CLOSE_MALFORMED),
        ("x" * 4097, "too_big", messages.CLOSE_TOO_BIG),
    ],
)
def test_anything_else_is_refused_with_a_reason(frame: str | bytes, code: str, close: int) -> None:
    said = viewer().receive(frame, 0.0)
    assert isinstance(said, Refuse)
    assert (said.code, said.close) == (code, close)
    assert said.message


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_no_garbage_is_ever_an_exception(frame: str | bytes) -> None:
    assert isinstance(viewer().receive(frame, 0.0), Refuse)


def test_a_client_that_talks_too_much_is_refused() -> None:
    one = viewer(frames_burst=3, frames_per_s=1.0)
    said = [one.receive('{"t":"hello","v":1}', 0.0) for _ in range(4)]
    assert [isinstance(each, Join) for each in said] == [True, True, True, False]
    refusal = said[3]
    assert isinstance(refusal, Refuse)
    assert refusal.close == messages.CLOSE_TOO_MANY


def test_a_client_that_takes_its_time_may_talk_for_ever() -> None:
    one = viewer(frames_burst=2, frames_per_s=1.0)
    assert all(isinstance(one.receive('{"t":"hello","v":1}', float(at)), Join) for at in range(100))


def test_a_connection_that_never_says_hello_is_refused() -> None:
    one = viewer(hello_timeout_s=10.0)
    assert one.overdue(9.9) is None
    refusal = one.overdue(10.0)
    assert refusal is not None
    assert refusal.close == messages.CLOSE_HELLO_TIMEOUT


def test_a_connection_that_said_hello_may_be_silent() -> None:
    one = viewer(hello_timeout_s=10.0)
    one.receive('{"t":"hello","v":1}', 1.0)
    assert one.overdue(1e9) is None
