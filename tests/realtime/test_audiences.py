"""Conformance of every feed audience (LIVE-2): one test file for all members of the folder."""

from __future__ import annotations

import pytest

from realtime.audiences import AUDIENCES, Audience
from realtime.messages import FREE, STATES, pack, unpack
from tests.realtime.world import LEA


def test_the_four_audiences_are_found() -> None:
    assert {"buyer", "cashier", "gate", "manager"} <= set(AUDIENCES)


@pytest.mark.parametrize("audience", AUDIENCES.values(), ids=AUDIENCES)
class TestEveryAudience:
    def test_its_snapshot_and_its_delta_say_the_same(self, audience: Audience) -> None:
        codes = bytes(STATES).translate(audience.table())
        assert list(codes) == [audience.seat(o, s, None)[1] for o, s in enumerate(STATES)]
        assert unpack(pack(codes, audience.bits), audience.bits, len(codes)) == codes

    def test_its_file_is_its_name(self, audience: Audience) -> None:
        assert AUDIENCES[audience.name] is audience

    def test_a_state_of_a_newer_store_is_never_free(self, audience: Audience) -> None:
        assert audience.seat(0, 200, None)[1] != audience.code_of[FREE]
        assert bytes([200]).translate(audience.table())[0] == audience.seat(0, 200, None)[1]

    def test_it_sees_holders_only_if_it_says_so(self, audience: Audience) -> None:
        assert ("Léa" in str(audience.seat(0, 1, LEA))) == audience.sees_holders


def test_an_audience_whose_codes_do_not_fit_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="do not fit 1 bits"):
        Audience("x", ("a", "b", "c"), (0, 1, 2, 0, 0, 0), 1, False, False)
    with pytest.raises(ValueError, match="every state needs a code"):
        Audience("x", ("a", "b"), (0, 1), 1, False, False)
