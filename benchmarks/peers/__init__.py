"""What the live feed is compared with, each a program of its own that serves one websocket endpoint.

All are driven alike (see `feed_processes.Server`): the first line they print is their port; `EMIT rate seconds frame`
on their standard input has them send `frame` to everybody `rate` times a second, and they print `DONE` and how often.
"""
