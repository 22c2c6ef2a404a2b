"""`python -m tests.faults.feed_web PORT [alone]`: the real web process, on the engines that the environment names.

With `alone` nothing is shared between viewers, neither rooms nor answers: the control of what sharing is worth.
"""

from __future__ import annotations

import sys

from app import feed
from app.catalog import queries
from app.cli import main
from realtime.protocol import Resume
from realtime.room import Member, Room
from realtime.rooms import Rooms, _Live
from realtime.shared import Shared


def join_alone(self: Rooms, topic: str, member: Member, resume: Resume | None) -> Room:
    live = _Live(Room(topic, self._clock_ms), self._source, self._settings, self._dice, self._forget)
    self._live[f"{topic} of {id(member)}"] = live
    live.start()
    live.room.join(member, resume)
    live.attend()
    return live.room


if __name__ == "__main__":
    if sys.argv[2:] == ["alone"]:
        Rooms.join = join_alone  # type: ignore[method-assign]  # the control's purpose
        queries.KEPT_S = feed.GROUP_KEPT_S = 0.0
        Shared.__call__ = Shared._fetch  # type: ignore[method-assign]  # as above
    sys.exit(main(["web", f"--port={sys.argv[1]}"]))
