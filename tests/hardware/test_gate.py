"""A gate on the hub and a gate alone (ACC-1, ACC-2, ACC-7): green once, red the second time, at any gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from hardware.agent import Agent
from hardware.desk import FirstUse, GateBrief, ScanVerdict
from hardware.gate_memory import GateBusy, GateMemory
from hardware.gate_role import GateRole, GateTimings
from hardware.keys import make_pair
from hardware.protocol import BriefChanged, CatchUp, Missed, ScanConflict, TicketFree, TicketVoid
from tests.hardware.venue import GATE_TIMINGS, PUBLIC_KEY, TONIGHT, UNBROKEN, Venue, code_of, open_venue, until

CODE = code_of("T0123456789")
BRIEF = GateBrief(keys=(PUBLIC_KEY,), performances=(TONIGHT,), titles={"admitted": "Bienvenue"})


def open_gate(venue: Venue, name: str, timings: GateTimings = GATE_TIMINGS) -> tuple[Agent, GateRole]:
    pair = make_pair()
    venue.desk.register(name, pair)
    agent = venue.start_agent(name, pair, gate=name, gate_timings=timings)
    assert agent.gate is not None
    return agent, agent.gate


def alone(path: Path, brief: GateBrief = BRIEF) -> GateMemory:
    memory = GateMemory(path / "gate.sqlite")
    memory.learn(brief)
    return memory


async def test_green_once_and_red_the_second_time_at_any_gate(tmp_path: Path) -> None:
    async with open_venue(tmp_path, timings=UNBROKEN) as venue:
        (north_agent, north), (south_agent, south) = open_gate(venue, "North"), open_gate(venue, "South")
        await until(lambda: north_agent.link.alive and south_agent.link.alive)
        first = await north.scan(CODE)
        assert (first.verdict, first.offline) == ("admitted", False)
        second = await south.scan(f"  {CODE.lower()}\r\n")
        assert second.verdict == "already_used"
        assert second.first is not None
        assert second.first.gate == "North"
        assert (await north.scan(CODE)).verdict == "already_used"


async def test_a_gate_whose_hub_dies_goes_on_and_knows_what_was_used_elsewhere(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        (north_agent, north), (south_agent, south) = open_gate(venue, "North"), open_gate(venue, "South")
        await until(lambda: north_agent.link.alive and south_agent.link.alive)
        await until(lambda: south.memory.brief.titles, "the brief")
        await north.scan(CODE)
        await until(lambda: south.memory.first_use("T0123456789") is not None, "the stream")
        await venue.kill_hub()
        refused = await south.scan(CODE)
        assert (refused.verdict, refused.offline) == ("already_used", True)
        admitted = await south.scan(code_of("T1111111111"))
        assert (admitted.verdict, admitted.offline, admitted.title) == ("admitted", True, "Bienvenue")
        assert (await south.scan(code_of("T1111111111"))).verdict == "already_used"


async def test_what_a_gate_admitted_alone_reaches_the_box_office_when_the_hub_is_back(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        agent, gate = open_gate(venue, "North")
        await until(lambda: gate.memory.brief.titles, "the brief")
        await venue.kill_hub()
        assert (await gate.scan(CODE)).offline
        assert venue.desk.used == {}
        await venue.start_hub()
        await until(lambda: "T0123456789" in venue.desk.used, "synced")
        await until(lambda: agent.link.alive and venue.desk.statuses["North"].unsynced_scans == 0)
        assert venue.desk.conflicts == {}
        assert (await gate.scan(CODE)).verdict == "already_used"


async def test_two_gates_that_both_admitted_alone_are_reported_as_a_conflict(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        (_, north), (_, south) = open_gate(venue, "North"), open_gate(venue, "South")
        await until(lambda: north.memory.brief.titles and south.memory.brief.titles, "the briefs")
        await venue.kill_hub()
        assert (await north.scan(CODE)).verdict == "admitted"
        assert (await south.scan(CODE)).verdict == "admitted"
        await venue.start_hub()
        await until(lambda: venue.desk.conflicts, "the conflict")
        (verdict,) = venue.desk.conflicts.values()
        assert verdict.verdict == "already_used"


async def test_a_conflict_is_streamed_to_those_who_watch(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        _, gate = open_gate(venue, "North")
        await until(lambda: gate.memory.brief.titles, "the brief")
        await venue.kill_hub()
        await gate.scan(CODE)
        venue.desk.void.add("T0123456789")
        await venue.start_hub()
        watcher = make_pair()
        venue.desk.register("watcher", watcher)
        await until(lambda: venue.desk.conflicts, "the conflict")
        device = await venue.raw_device(watcher)
        await device.greet()
        await until(lambda: device.events, "the stream")
        device.say(CatchUp(device.events[0].epoch, 0))
        await until(lambda: device.of(Missed))
        (missed,) = device.of(Missed)
        assert isinstance(missed, Missed)
        conflicts = [streamed.event for streamed in missed.events if isinstance(streamed.event, ScanConflict)]
        # Once for each time that the gate asks: it does so again when the answer takes its time.
        assert {(conflict.gate, conflict.verdict, conflict.ticket) for conflict in conflicts} == {
            ("North", "cancelled", "T0123456789")
        }


async def test_a_reply_that_is_lost_with_its_hub_does_not_turn_the_visitor_away(tmp_path: Path) -> None:
    """The box office has recorded the admission and the hub dies before it says so: the gate decides alone, and its
    report finds the verdict of the very same scan."""
    async with open_venue(tmp_path) as venue:
        _, gate = open_gate(venue, "North", structs.replace(GATE_TIMINGS, patience_s=0.6))
        await until(lambda: gate.memory.brief.titles, "the brief")
        venue.desk.stands_still_at = "after admit"
        verdict = await gate.scan(CODE)
        assert (verdict.verdict, verdict.offline) == ("admitted", True)
        await until(lambda: "T0123456789" in venue.desk.used, "recorded, and never said")
        await venue.kill_hub()
        await venue.start_hub()
        await until(
            lambda: venue.desk.statuses["North"].unsynced_scans == 0 and gate.memory.count_unsynced() == 0, "synced"
        )
        assert venue.desk.conflicts == {}


async def test_a_box_office_that_is_away_leaves_the_gate_on_its_own(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        agent, gate = open_gate(venue, "North")
        await until(lambda: agent.link.alive and gate.memory.brief.titles)
        venue.desk.broken = True
        verdict = await gate.scan(CODE)
        assert (verdict.verdict, verdict.offline) == ("admitted", True)
        venue.desk.broken = False
        await until(lambda: "T0123456789" in venue.desk.used, "synced")


async def test_a_cancelled_ticket_and_new_keys_reach_the_gates(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        _, gate = open_gate(venue, "North")
        await until(lambda: gate.memory.brief.titles, "the brief")
        assert venue.hub is not None
        venue.hub.publish(TicketVoid("T0123456789"))
        venue.desk.void.add("T2222222222")
        venue.hub.publish(BriefChanged())
        venue.hub.publish(TicketVoid("T1111111111"))
        memory = gate.memory
        await until(lambda: memory.judge_alone(code_of("T2222222222"), 1, "x", "N").verdict == "cancelled")
        # The snapshot replaced what was streamed before it: it states all there is to know.
        assert memory.judge_alone(code_of("T0123456789"), 1, "y", "N").verdict == "admitted"


async def test_a_source_of_codes_is_read_to_its_end_and_each_verdict_is_shown(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        agent, gate = open_gate(venue, "North")
        await until(lambda: agent.link.alive)
        shown: list[tuple[str, str]] = []

        async def lines() -> AsyncIterator[str]:
            for line in (f"{CODE}\n", "\n", "4006381333931\n", f"{CODE}\n"):
                yield line

        async def show(code: str, verdict: ScanVerdict) -> None:
            shown.append((code.strip()[:3], verdict.verdict))

        await gate.read(lines(), show)
        assert shown == [(CODE[:3], "admitted"), ("400", "unknown"), (CODE[:3], "already_used")]


# ── a gate alone ─────────────────────────────────────────────────────────────────────────────────────────────────────


def verdict(memory: GateMemory, code: str, scan_id: str = "x") -> str:
    return memory.judge_alone(code, 1, scan_id, "North").verdict


def test_a_gate_alone_admits_a_signed_ticket_of_tonight_once(tmp_path: Path) -> None:
    memory = alone(tmp_path)
    assert verdict(memory, CODE) == "admitted"
    assert verdict(memory, CODE) == "already_used"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "unknown"),
        ("4006381333931", "unknown"),
        (CODE[:-1], "unknown"),
        (CODE[:-1] + ("0" if CODE[-1] != "0" else "1"), "forged"),
        (code_of("T0123456789", performance=TONIGHT + 1), "wrong_event"),
    ],
)
def test_a_gate_alone_refuses_what_is_not_for_tonight(tmp_path: Path, code: str, expected: str) -> None:
    memory = alone(tmp_path)
    assert verdict(memory, code) == expected
    assert memory.unsynced() == []


def test_a_gate_alone_refuses_what_it_was_told_is_used_or_cancelled_until_told_otherwise(tmp_path: Path) -> None:
    brief = GateBrief(keys=(PUBLIC_KEY,), used={"T0123456789": FirstUse("South", 7)}, void=("T1111111111",))
    memory = alone(tmp_path, brief)
    judged = memory.judge_alone(CODE, 9, "x", "North")
    assert (judged.verdict, judged.first) == ("already_used", FirstUse("South", 7))
    assert verdict(memory, code_of("T1111111111")) == "cancelled"
    memory.apply(TicketFree("T0123456789"))
    assert verdict(memory, CODE) == "admitted"


def test_a_gate_that_restarts_without_a_network_still_knows_everything(tmp_path: Path) -> None:
    memory = alone(tmp_path)
    assert verdict(memory, CODE, "first") == "admitted"
    memory.apply(TicketVoid("T1111111111"))
    memory.close()
    memory = GateMemory(tmp_path / "gate.sqlite")
    assert verdict(memory, CODE) == "already_used"
    assert verdict(memory, code_of("T1111111111")) == "cancelled"
    assert verdict(memory, code_of("T2222222222"), "second") == "admitted"
    assert [scan.scan_id for scan in memory.unsynced()] == ["first", "second"]


def test_a_new_brief_does_not_forget_what_was_admitted_alone(tmp_path: Path) -> None:
    memory = alone(tmp_path)
    verdict(memory, CODE)
    memory.learn(BRIEF)
    assert verdict(memory, CODE) == "already_used"
    memory.synced("x")
    memory.learn(BRIEF)
    assert verdict(memory, CODE) == "admitted"


def test_a_gate_that_was_never_briefed_admits_nobody(tmp_path: Path) -> None:
    assert verdict(GateMemory(tmp_path / "gate.sqlite"), CODE) == "unknown"


def test_two_agents_cannot_share_a_gates_memory(tmp_path: Path) -> None:
    memory = alone(tmp_path)
    with pytest.raises(GateBusy):
        GateMemory(tmp_path / "gate.sqlite")
    memory.close()
