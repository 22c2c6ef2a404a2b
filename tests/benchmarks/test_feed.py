"""The figures of the live feed: what their crowd counts, and that a viewer who missed something fails the run."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from benchmarks import feed_fanout
from benchmarks.feed_crowd import Crowd, Viewer
from benchmarks.feed_fanout import DELTA, Cost, Load
from benchmarks.feed_processes import bare_frames, crowd, litestar_channels, node_ws
from benchmarks.feed_server import CHANGED, PROBED, stadium
from realtime.messages import delta, snapshot, snapshot_tail, text_frame

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Line(asyncio.Transport):
    """What a viewer writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.written.append(b"aborted")


def viewer(first: int = 1, *, resume: bool = False) -> tuple[Crowd, Viewer, Line]:
    one = Crowd("127.0.0.1", 1, "/")
    watching, line = Viewer(one, first, resume=resume), Line()
    watching.connection_made(line)
    return one, watching, line


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100, 100_000])
async def test_a_viewer_counts_frames_however_they_are_cut(cut: int) -> None:
    everybody, watching, _ = viewer(2)
    sizes = (0, 1, 125, 126, 300, 65_535, 65_536, 3)
    stream = HEAD + b"".join(text_frame(json.dumps({"x": "y" * size}).encode()) for size in sizes)
    for at in range(0, len(stream), cut):
        watching.data_received(stream[at : at + cut])
    assert everybody.frames == len(sizes)
    assert everybody.bytes == len(stream)
    assert watching.current.done()


async def test_a_viewer_is_current_only_after_as_many_frames_as_it_waits_for() -> None:
    _, watching, _ = viewer(2)
    watching.data_received(HEAD + text_frame(b"{}"))
    assert not watching.current.done()
    watching.data_received(text_frame(b"{}"))
    assert watching.current.done()


async def test_those_who_come_back_ask_to_resume_where_the_first_picture_was() -> None:
    everybody, watching, _ = viewer()
    tail = snapshot_tail("k3f", 41, bytes(8), 1, {}, None)
    watching.data_received(HEAD + text_frame(snapshot(tail, 1).payload))
    back = Viewer(everybody, 1, resume=True)
    line = Line()
    back.connection_made(line)
    back.data_received(HEAD)
    assert json.loads(line.written[-1][6:]) == {"t": "hello", "v": 1, "epoch": "k3f", "version": 41}


async def test_a_viewer_answers_pings_and_does_not_count_them() -> None:
    everybody, watching, line = viewer()
    watching.data_received(HEAD + text_frame(b"{}") + b"\x89\x02hi")
    assert line.written[-1] == b"\x8a\x82\0\0\0\0hi"
    assert everybody.frames == 1


async def test_a_viewer_whom_the_server_leaves_is_lost() -> None:
    everybody, watching, _ = viewer()
    watching.data_received(HEAD + text_frame(b"{}"))
    watching.connection_lost(None)
    assert everybody.count()["lost"] == 1


@pytest.mark.parametrize("start", [bare_frames, litestar_channels, node_ws])
async def test_each_peer_tells_everybody_each_round(start: Any) -> None:
    async with start() as server, crowd(server) as viewers:
        await viewers.open(5, 1)
        assert await viewers.count() == 5
        rounds = total = 0
        while not rounds:  # a machine may stand still for as long as they last
            rounds = await server.emit(100, 0.2, DELTA)
        async with asyncio.timeout(60):
            while total < 5 * rounds:
                total += await viewers.count()
                await asyncio.sleep(0.01)
        assert total == 5 * rounds
        assert server.cpu_s > 0
        assert server.resident_bytes > 1_000_000


class Forgetful:
    """Viewers one of whom missed the last frame."""

    def __init__(self) -> None:
        self._counts = iter([0, 19, 0])

    async def count(self) -> int:
        return next(self._counts)


class Source:
    cpu_s = 1.0

    async def emit(self, rate: float, seconds: float, text: str) -> int:
        return 2


async def test_a_viewer_who_missed_what_others_got_fails_the_figure() -> None:
    nobody: Any = Forgetful()
    source: Any = Source()
    with pytest.raises(RuntimeError, match="not the same to all"):
        await feed_fanout._cost(source, nobody, Load(10, 10, 0.01), source)


def test_a_cost_is_told_both_ways() -> None:
    cost = Cost(deliveries=100_000, cpu_s=0.8)
    assert (cost.per_cpu_s, cost.us) == (125_000, 8.0)


def test_the_peers_send_as_many_bytes_as_a_change_of_ours_has() -> None:
    said = json.loads(DELTA)
    ours = delta(said["epoch"], said["from"], said["version"], said["seats"], said["quotas"])
    assert len(ours.payload) == len(DELTA)


def test_the_stadium_has_its_seats_and_changes_none_that_is_measured() -> None:
    assert len(stadium().seats) == 60_000
    assert not set(PROBED) & set(CHANGED)
