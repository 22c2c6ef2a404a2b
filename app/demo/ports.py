"""Where each part of a demo listens: seven ports in a row from the shop's."""

from __future__ import annotations

import socket
from dataclasses import dataclass

HOST = "127.0.0.1"
BANK_PATH = "/bank"
"""Of the bank, beside the mailbox at the world's port."""


class PortError(Exception):
    """The message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    web: int
    world: int
    smtp: int
    hub: int
    hub_events: int
    scanner: int
    printer: int


def choose_ports(first: int) -> Ports:
    """Raises PortError naming the port that somebody else has."""
    row = range(first, first + 7)
    for port in row:
        if not is_free(port):
            follows = "" if port == first else f" (the demo uses {first} to {first + 6})"
            raise PortError(f"Port {port} is in use by another program{follows}: name another with --port.")
    return Ports(*row)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do; without it the connections that a stopped demo left behind would count as use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
