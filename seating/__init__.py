"""Seats: plans of houses, the geometry of rows, and who has which seat right now.

Owns: the plan model and its documents (`plan`, `pretix`, `theatre`), the geometry that turns drawn seats into rows a
group can sit in (`geometry`), and the inventory: seat states, holds, quotas and the log of their changes, all of them
in Redis, changed by one atomic script at a time (`store`).

Never touches: PostgreSQL, money, orders beyond their code, buyers beyond an opaque cart id, the web, sockets of
browsers, devices. Nothing in Redis is the last copy of anything: the caller can rebuild a group from its own records
at any moment, and is asked to (`GroupMissing`) when Redis has forgotten it. Imports neither app, realtime nor hardware.
"""
