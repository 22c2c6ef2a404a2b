"""A gate: who is expected and who is inside. Holds and payments do not concern it; a seat taken through a linked
performance is a season pass's, whose holder is expected."""

from __future__ import annotations

from realtime.audiences._contract import Audience

AUDIENCE = Audience(
    name="gate",
    legend=("empty", "expected", "inside", "blocked"),
    code_of=(0, 0, 0, 1, 3, 2, 0, 1),
    bits=2,
    sees_holders=False,
    sees_all_quotas=False,
)
