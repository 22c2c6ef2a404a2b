"""Where a demo listens, and what is said when somebody else does already."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from app.demo import ports
from app.demo.ports import HOST, PortError, choose_ports


@pytest.fixture
def first() -> int:
    """The first of seven ports in a row that are free now; two runs on one machine look in different places. Not where
    demos of tests begin theirs, which take a port seconds after they found it free (tests/running.py)."""
    for candidate in range(31_500 + os.getpid() % 50 * 10, 32_700, 10):
        if all(ports.is_free(candidate + offset) for offset in range(7)):
            return candidate
    raise AssertionError("no seven free ports in a row")


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        yield listener


def test_seven_ports_in_a_row(first: int) -> None:
    chosen = choose_ports(first)

    assert (chosen.web, chosen.world, chosen.smtp, chosen.hub, chosen.hub_events, chosen.scanner, chosen.printer) == (
        *range(first, first + 7),
    )


@pytest.mark.parametrize("offset", [0, 1, 5, 6])
def test_a_port_in_use_is_named(first: int, taken: socket.socket, offset: int) -> None:
    taken.bind((HOST, first + offset))
    taken.listen()

    with pytest.raises(PortError, match=rf"^Port {first + offset} is in use .* name another with --port\.$"):
        choose_ports(first)
