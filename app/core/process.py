"""What a process of the box office owes those around it: to end when told, and when whoever started it is gone."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop

PARENT_VARIABLE = "PLACEUR_DEMO_PARENT"
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Where a supervisor named itself in the environment, have the kernel end us with it, even if it is killed -9."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if not parent.isdigit() or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        # It died before the line above: the kernel will not tell us any more.
        os.kill(os.getpid(), signal.SIGTERM)


def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run a service's coroutine on uvloop; SIGTERM and SIGINT cancel it, so that its `finally` blocks clean up."""
    uvloop.run(_cancel_when_told(work))


async def _cancel_when_told(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
