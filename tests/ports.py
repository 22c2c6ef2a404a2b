"""Ports for servers that a test starts in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle

from app.demo.ports import is_free

# Below those that the kernel lends to whoever connects (from 32,768 on): a server binds its port seconds after it was
# found free, and one that a test kills binds it again, while everybody knocks there all the time. With a port of the
# kernel's, one of those connections may have got it meanwhile, or even be connected to itself.
_ROW = range(11_000, 20_000)
_begin = os.getpid() * 97 % len(_ROW)
_row: Iterator[int] = cycle([*_ROW[_begin:], *_ROW[:_begin]])


def free_port() -> int:
    """One that is free now, and that nobody else of this process was given lately."""
    return next(port for port in _row if is_free(port))
