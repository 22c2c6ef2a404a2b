"""The public: a seat can be had or it cannot. Why not (held, sold, blocked, kept for somebody) is nobody's business:
1 bit a seat."""

from __future__ import annotations

from realtime.audiences._contract import Audience

AUDIENCE = Audience(
    name="buyer",
    legend=("free", "taken"),
    code_of=(0, 1, 1, 1, 1, 1, 1, 1),
    bits=1,
    sees_holders=False,
    sees_all_quotas=False,
)
