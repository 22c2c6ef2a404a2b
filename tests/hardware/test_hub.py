"""The hub on real sockets (LIVE-9, DEV-1): who is let in, who is cut off, and what it does with nonsense."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardware import protocol
from hardware.desk import DeviceStatus, FirstUse
from hardware.hub import Hub, HubTimings
from hardware.keys import make_pair
from hardware.protocol import Beat, CatchUp, JobReport, Refused, Scan, TicketVoid, Verdict
from tests.hardware.venue import RawDevice, code_of, open_venue, until


async def verdict_on(device: RawDevice, scan_id: str, code: str) -> str:
    device.heard.clear()
    device.say(Scan(scan_id, code, 1))
    await until(lambda: device.of(Verdict), "verdict")
    verdict = device.of(Verdict)[0]
    assert isinstance(verdict, Verdict)
    return verdict.verdict.verdict


async def test_a_registered_device_is_welcomed_and_watched(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        device.say(Beat("s1", 1, DeviceStatus(battery=40)))
        await until(lambda: venue.desk.statuses["window"].battery == 40)
        assert venue.hub is not None
        assert [known.name for known in venue.hub.online()] == ["window"]


async def test_a_device_that_falls_silent_is_reported(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        await venue.until_lost("window")
        device.say(Beat("s1", 1, DeviceStatus()))
        await until(lambda: Refused("hello_first") in device.heard, "the hub wants a greeting")


async def test_a_key_that_nobody_registered_is_not_let_in(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        stranger, friend = make_pair(), make_pair()
        venue.desk.register("window", friend)
        uninvited = await venue.raw_device(stranger)
        uninvited.say(protocol.Hello("s1"))
        invited = await venue.raw_device(friend)
        await invited.greet()
        await until(lambda: len(invited.events) > 3, "the friend's heartbeats")
        assert uninvited.heard == []
        assert uninvited.events == []


async def test_a_device_does_not_talk_to_a_hub_with_another_key(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        fooled, friend = make_pair(), make_pair()
        venue.desk.register("fooled", fooled)
        venue.desk.register("window", friend)
        misled = await venue.raw_device(fooled, server=make_pair().public)
        misled.say(protocol.Hello("s1"))
        other = await venue.raw_device(friend)
        await other.greet()
        await until(lambda: len(other.events) > 3, "the friend's heartbeats")
        assert misled.heard == []
        assert "fooled" not in venue.desk.statuses


async def test_an_agent_that_was_turned_away_gets_in_once_it_is_registered(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair, friend = make_pair(), make_pair()
        venue.desk.register("window", friend)
        agent = venue.start_agent("late", pair, gate="North")
        other = await venue.raw_device(friend)
        await other.greet()
        await until(lambda: len(other.events) > 20, "time passes")
        assert not agent.link.alive
        venue.desk.register("late", pair)
        await until(lambda: agent.link.alive, "the agent's session")


async def test_a_revoked_device_is_cut_off_at_once_and_the_others_miss_nothing(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        thief, friend = make_pair(), make_pair()
        venue.desk.register("stolen", thief)
        venue.desk.register("window", friend)
        stolen, other = await venue.raw_device(thief), await venue.raw_device(friend)
        await stolen.greet()
        await other.greet()
        await until(lambda: stolen.events and other.events, "both hear the stream")
        hub = venue.hub
        assert hub is not None

        del venue.desk.devices[thief.public]
        await hub.revoke(thief.public)
        heard = len(stolen.events)
        hub.publish(TicketVoid("T1"))
        await until(lambda: Refused("revoked") in stolen.heard, "it is told why")

        before = len(other.events)
        await until(lambda: len(other.events) > before + 5, "the friend hears the stream again")
        other.say(CatchUp(other.events[0].epoch, 0))
        await until(lambda: other.of(protocol.Missed), "what was missed")
        (missed,) = other.of(protocol.Missed)
        assert isinstance(missed, protocol.Missed)
        assert TicketVoid("T1") in [streamed.event for streamed in missed.events]

        assert TicketVoid("T1") not in [streamed.event for streamed in stolen.events[heard:]]
        stolen.heard.clear()
        stolen.say(Scan("x", code_of("T0123456789"), 1))
        stolen.say(protocol.Hello("s2"))
        await until(lambda: Refused("revoked") in stolen.heard, "and told again")
        assert venue.desk.used == {}


async def test_a_revocation_nobody_told_the_hub_works_within_a_heartbeat(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("stolen", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        del venue.desk.devices[pair.public]
        device.say(Beat("s1", 1, DeviceStatus()))
        await until(lambda: Refused("revoked") in device.heard, "cut off")


async def test_a_device_cannot_report_on_another_ones_job(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        mine, yours = make_pair(), make_pair()
        venue.desk.register("mine", mine)
        venue.desk.register("yours", yours)
        venue.desk.order(1, mine)
        device = await venue.raw_device(yours)
        await device.greet()
        device.say(JobReport(1, 1, "printed"))
        await until(lambda: device.of(protocol.Settled), "an answer")
        assert venue.desk.state() == "queued"


async def test_garbage_from_a_registered_device_does_not_stop_the_hub(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        vandal, friend = make_pair(), make_pair()
        venue.desk.register("vandal", vandal)
        venue.desk.register("window", friend)
        device = await venue.raw_device(vandal)
        await device.greet()
        for frames in (
            [b""],
            [b"", b"", b""],
            [protocol.MAGIC],
            [protocol.MAGIC, b""],
            [protocol.MAGIC, os.urandom(200)],
            [protocol.MAGIC, b"\x81\xa1t" + b"\x91" * 20_000],
            [b"placeur/9", b"x"],
            protocol.frames(protocol.Settled(1, 1)),
            protocol.frames(JobReport(2**60, -1, "printed")),
            protocol.frames(CatchUp("nonsense", -5)),
            protocol.frames(Scan("", "\x00" * 500, -1)),
        ):
            device.say_frames(frames)
        await until(lambda: len(device.of(Refused)) >= 8, "each is refused")
        assert {refused.reason for refused in device.of(Refused) if isinstance(refused, Refused)} == {
            "malformed",
            "protocol",
        }
        other = await venue.raw_device(friend)
        await other.greet()
        assert await verdict_on(other, "a", code_of("T0123456789")) == "admitted"


async def test_a_device_that_talks_without_end_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        chatterer, friend = make_pair(), make_pair()
        venue.desk.register("chatterer", chatterer)
        venue.desk.register("window", friend)
        device = await venue.raw_device(chatterer)
        await device.greet()
        other = await venue.raw_device(friend)
        await other.greet()
        for number in range(3_000):
            device.say(JobReport(number, 1, "printed"))
        assert await verdict_on(other, "a", code_of("T0123456789")) == "admitted"
        device.say(Scan("b", code_of("T0123456789"), 1))
        await until(lambda: device.of(Verdict), "its own scans go on as well")


async def test_too_large_a_message_costs_its_sender_the_connection_and_nobody_else(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        vandal, friend = make_pair(), make_pair()
        venue.desk.register("vandal", vandal)
        venue.desk.register("window", friend)
        device = await venue.raw_device(vandal)
        await device.greet()
        device.say_frames([protocol.MAGIC, b"x" * (2 * protocol.MAX_MESSAGE_BYTES)])
        other = await venue.raw_device(friend)
        await other.greet()
        assert await verdict_on(other, "a", code_of("T0123456789")) == "admitted"
        assert device.of(Refused) == []


async def test_a_desk_that_fails_costs_an_answer_and_not_the_hub(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("gate", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        venue.desk.broken = True
        device.say(Scan("a", code_of("T0123456789"), 1))
        await until(lambda: device.of(protocol.Unavailable), "the gate hears that it is on its own")
        venue.desk.broken = False
        assert await verdict_on(device, "a", code_of("T0123456789")) == "admitted"


async def test_a_lost_reply_to_a_scan_does_not_turn_green_into_already_used(tmp_path: Path) -> None:
    """The same scan id gets the same verdict, from this hub and from the next one; another scan does not."""
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("gate", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        code = code_of("T0123456789")
        assert await verdict_on(device, "first", code) == "admitted"
        assert await verdict_on(device, "first", code) == "admitted"
        await venue.kill_hub()
        await venue.start_hub()
        again = await venue.raw_device(pair)
        await again.greet()
        assert await verdict_on(again, "first", code) == "admitted"
        assert await verdict_on(again, "second", code) == "already_used"


async def test_retries_that_overtake_a_slow_verdict_wait_for_the_same_one(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("gate", pair)
        device = await venue.raw_device(pair)
        await device.greet()
        for _ in range(5):
            device.say(Scan("first", code_of("T0123456789"), 1))
        await until(lambda: len(device.of(Verdict)) == 5, "five answers")
        assert {answer.verdict.verdict for answer in device.of(Verdict) if isinstance(answer, Verdict)} == {"admitted"}
        assert [event for event in device.happened() if isinstance(event, protocol.ScanRefused)] == []


async def test_what_a_device_missed_is_told_whole_or_as_a_snapshot(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("gate", pair)
        venue.desk.used["T7777777777"] = FirstUse("South", 5)
        device = await venue.raw_device(pair)
        await device.greet()
        device.say(CatchUp())
        await until(lambda: device.of(protocol.Snapshot), "a snapshot")
        (snapshot,) = device.of(protocol.Snapshot)
        assert isinstance(snapshot, protocol.Snapshot)
        assert snapshot.brief.used == {"T7777777777": FirstUse("South", 5)}
        assert venue.hub is not None
        for number in range(3):
            venue.hub.publish(TicketVoid(str(number)))
        device.say(CatchUp(snapshot.epoch, snapshot.seq))
        await until(lambda: device.of(protocol.Missed), "the gap")
        (missed,) = device.of(protocol.Missed)
        assert isinstance(missed, protocol.Missed)
        assert [streamed.event for streamed in missed.events] == [TicketVoid(str(number)) for number in range(3)]


async def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        assert venue.hub is not None
        second = Hub(venue.desk, make_pair(), commands=venue.hub.commands_endpoint, events="tcp://127.0.0.1:*")
        with pytest.raises(OSError, match="in use"):
            await second.start()


def test_a_lease_that_outlives_the_hubs_patience_is_refused() -> None:
    with pytest.raises(ValueError, match="lease"):
        HubTimings(beat_ms=100, lease_ms=900, lost_after_ms=800)
