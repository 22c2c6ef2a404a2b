"""The websocket endpoint against the cases of the Autobahn test-suite (LIVE-1, docs/conformance.md).

`frames.py` and `wire.py` are a client that can be wrong on purpose and is strict about what it gets; `case.py` says
what a case is and judges what came of it; `sections/` are the cases, by Autobahn's numbers; `endpoints.py` runs what is
examined, in a process of its own; `genuine.py` drives the suite itself where Python 2.7 is.

It owns no part of the websocket: everything under examination is `realtime/sockets.py` behind the web server.
"""
