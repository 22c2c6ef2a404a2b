"""Something terrible happens just before or just after a step of the inventory, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from seating.store import Inventory

POINTS = [(when, verb) for verb in ("hold", "extend", "promise", "sell", "give_back") for when in ("before", "after")]


class Strike:
    """Waits for its step. `fell` tells whether it came."""

    def __init__(self, when: str, verb: str, blow: Callable[[], Awaitable[None]]) -> None:
        self.when, self.verb = when, verb
        self.fell = False
        self._blow = blow

    async def now_if(self, when: str, verb: str) -> None:
        if not self.fell and (when, verb) == (self.when, self.verb):
            self.fell = True
            await self._blow()


def arm(monkeypatch: pytest.MonkeyPatch, strike: Strike) -> None:
    for verb in {verb for _, verb in POINTS}:
        monkeypatch.setattr(Inventory, verb, struck_around(getattr(Inventory, verb), verb, strike))


def struck_around(step: Callable[..., Awaitable[Any]], verb: str, strike: Strike) -> Callable[..., Awaitable[Any]]:
    async def struck(*arguments: Any, **more: Any) -> Any:
        await strike.now_if("before", verb)
        answer = await step(*arguments, **more)
        await strike.now_if("after", verb)
        return answer

    return struck
