"""What a feed audience must say (LIVE-2). One file of this folder is one audience; the folder finds its members.

An audience is a pure projection: it maps what the board knows to what these people may see. What it leaves out is never
encoded for them, so no client can be asked to hide it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from realtime.messages import BLOCKED, STATES, Holder, Quota


class Audience(msgspec.Struct, frozen=True):
    """`legend[code]` names a code; `code_of[state]` gives the code of a store's state; `bits` packs codes in snapshots.

    `sees_holders`: who holds a seat and until when (ms) goes along. `sees_all_quotas`: every counter, else only those
    the organiser shows to the public.
    """

    name: str
    legend: tuple[str, ...]
    code_of: tuple[int, ...]
    bits: int
    sees_holders: bool
    sees_all_quotas: bool

    def __post_init__(self) -> None:
        if self.bits not in (1, 2, 4) or len(self.legend) > 1 << self.bits:
            raise ValueError(f"audience {self.name}: {len(self.legend)} codes do not fit {self.bits} bits")
        if len(self.code_of) != len(STATES) or not set(self.code_of) <= set(range(len(self.legend))):
            raise ValueError(f"audience {self.name}: every state needs a code of the legend")

    def table(self) -> bytes:
        """For bytes.translate; a state that is not known yet reads as blocked, never as free."""
        unknown = self.code_of[BLOCKED]
        return bytes(self.code_of[state] if state < len(self.code_of) else unknown for state in range(256))

    def seat(self, ordinal: int, state: int, holder: Holder | None) -> tuple[Any, ...]:
        """One seat as this audience reads it in a delta."""
        code = self.code_of[state] if state < len(self.code_of) else self.code_of[BLOCKED]
        if holder is None or not self.sees_holders:
            return (ordinal, code)
        return (ordinal, code, holder.kind, holder.label, holder.expires_at_ms)

    def quotas(self, quotas: dict[str, Quota], public: frozenset[str]) -> dict[str, Quota]:
        if self.sees_all_quotas:
            return quotas
        return {name: quota for name, quota in quotas.items() if name in public}
