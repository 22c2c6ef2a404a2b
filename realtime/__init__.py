"""The live feed (LIVE-1 … LIVE-6): every change of a performance on every open screen, in order, none lost.

Owns: the wire protocol (`messages`, `protocol`, `follower`), what each audience may see (`audiences/`), the replica of
a performance that answers snapshots and resumes (`board`), the rooms that write one change to many sockets (`room` is
pure, `rooms` is its asyncio shell), the Redis pub/sub connection (`bus`), the two kinds of socket (`sockets`) and a
Python client (`client`).

Never touches: what a seat costs, who may sit there, how it is held. It knows ordinals, one-byte states, holders and
counters, and takes them from a `Source` that somebody else implements. It imports neither `app`, `seating` nor
`hardware`, holds no truth (all of it can be dropped at any moment), and never puts what is private to one person into
bytes that are shared.
"""
