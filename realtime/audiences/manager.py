"""A manager: everything, and every counter (LIVE-3)."""

from __future__ import annotations

from realtime.audiences._contract import Audience

AUDIENCE = Audience(
    name="manager",
    legend=("free", "held", "pending", "sold", "blocked", "used", "allotted", "linked"),
    code_of=(0, 1, 2, 3, 4, 5, 6, 7),
    bits=4,
    sees_holders=True,
    sees_all_quotas=True,
)
