"""Answers that many ask for at once: fetched once, and kept for a moment.

When the viewers of a process that died come to another, thousands of handshakes ask the same question in the same
second. Each asking by itself would be the herd that jitter was to prevent, only at the next engine.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
KEPT_MAX = 10_000
"""Strangers choose the keys; beyond this many all are forgotten."""


class Shared(Generic[K, T]):
    """`ask(key)`, with each answer kept for `kept_s`. A question that failed is asked again. One event loop."""

    def __init__(self, ask: Callable[[K], Awaitable[T]], kept_s: float) -> None:
        self._ask = ask
        self._kept_s = kept_s
        self._kept: dict[K, tuple[float, asyncio.Task[T]]] = {}

    async def __call__(self, key: K) -> T:
        """Raises what `ask` raised, to all who wait for the same answer."""
        loop = asyncio.get_running_loop()
        until_s, task = self._kept.get(key, (0.0, None))
        if task is None or (task.done() and (loop.time() >= until_s or _failed(task))):
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            # In a context of its own: it must not use the transaction of whoever happened to ask first.
            task = loop.create_task(self._fetch(key), context=contextvars.Context())
            self._kept[key] = (loop.time() + self._kept_s, task)
        # Whoever asked first may go away; the others still want to know.
        return await asyncio.shield(task)

    async def _fetch(self, key: K) -> T:
        return await self._ask(key)


def _failed(task: asyncio.Task[T]) -> bool:
    return task.cancelled() or task.exception() is not None
