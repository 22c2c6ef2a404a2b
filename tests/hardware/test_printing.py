"""From a queued job to paper, over real sockets (PRN-3): printed once, or known not to be known."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from hardware.desk import DeviceIdentity
from hardware.keys import make_pair, save_pair
from hardware.print_jobs import Resolved, Retried, Standing
from tests.hardware.venue import IMPATIENT_S, PRINTER_TIMINGS, Venue, VenueDesk, code_of, open_venue, until


def codes_on(venue: Venue) -> list[bool]:
    """Of each printed label, whether it carries the code of ticket T0123456789."""
    return [code_of("T0123456789") in label.read_text() for label in venue.printer.labels()]


async def printed_once(venue: Venue) -> None:
    await until(lambda: venue.desk.state() == "printed", "printed")
    assert codes_on(venue) == [True]
    # Nothing that is still on its way makes a second one: no queue anywhere holds this job.
    await until(lambda: venue.desk.statuses["window"].queue == 0, "an empty queue")
    assert venue.printer.pending == 0
    assert codes_on(venue) == [True]


def problems_of(venue: Venue) -> tuple[str, ...]:
    """What the counter sees of the printer; it sees nothing before the first heartbeat that speaks of it."""
    printers = venue.desk.statuses["window"].printers
    return printers["window"].problems if "window" in printers else ()


def is_well(venue: Venue) -> bool:
    return "window" in venue.desk.statuses["window"].printers and not problems_of(venue)


async def test_a_job_becomes_a_label_with_its_ticket(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.start_agent("window", pair, printers=True)
        await printed_once(venue)
        states = [standing.state for _, _, standing in venue.desk.told]
        assert states[0] == "sent"
        assert states[-1] == "printed"
        await until(lambda: is_well(venue), "a printer that is well")


async def test_jobs_come_out_in_their_order_and_a_new_one_at_once_when_the_hub_is_woken(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        agent = venue.start_agent("window", pair, printers=True)
        await until(lambda: agent.link.alive)
        numbers = [f"T000000000{digit}" for digit in range(5)]
        for job_id, number in enumerate(numbers, start=1):
            venue.desk.order(job_id, pair, number)
        assert venue.hub is not None
        venue.hub.wake()
        await until(lambda: len(venue.printer.labels()) == 5, "five labels")
        for label, number in zip(venue.printer.labels(), numbers, strict=True):
            assert code_of(number) in label.read_text()


@pytest.mark.fault
@pytest.mark.parametrize(
    "step",
    [
        "jobs waiting",
        "before handed",
        "after handed",
        "before reported held",
        "after reported held",
        "before reported printed",
        "after reported printed",
    ],
)
async def test_a_hub_killed_at_any_step_of_a_job_costs_no_ticket_and_prints_none_twice(
    tmp_path: Path, step: str
) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.desk.stands_still_at = step
        venue.start_agent("window", pair, printers=True)
        await until(venue.desk.stood_still.is_set, f"the hub at {step}")
        await venue.kill_hub()
        await venue.start_hub()
        await printed_once(venue)


@pytest.mark.fault
async def test_a_hub_and_an_agent_killed_together_lose_nothing_they_had_not_printed(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.paper = False
        agent = venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "paper_out", "waiting for paper")
        await venue.kill_hub()
        await venue.stop_agent(agent)
        venue.printer.refill()
        await venue.start_hub()
        assert venue.desk.state() == "unknown"
        venue.start_agent("window", pair, printers=True)
        await printed_once(venue)


async def test_a_printer_without_paper_is_waited_for_and_nothing_is_sent_to_it(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.paper = False
        venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "paper_out", "the counter sees why")
        await until(lambda: "paper_out" in problems_of(venue))
        assert venue.desk.state() == "sent"
        assert venue.printer.pending == 0
        venue.printer.refill()
        await printed_once(venue)
        assert venue.desk.detail() == ""


async def test_a_ticket_the_printer_kept_when_its_paper_ran_out_is_not_sent_again(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.labels_left = 0
        venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "paper_out", "the counter sees why")
        assert venue.printer.pending == 1
        assert venue.desk.state() == "sent"
        venue.printer.refill()
        await printed_once(venue)


@pytest.mark.parametrize("trouble", ["head_open", "paused"])
async def test_an_open_or_paused_printer_is_waited_for(tmp_path: Path, trouble: str) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        setattr(venue.printer, trouble, True)
        venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == trouble, "the counter sees why")
        venue.printer.refill()
        await printed_once(venue)


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.fault
async def test_a_printer_link_that_dies_under_a_ticket_makes_it_unknown(tmp_path: Path, arrived: bool) -> None:
    """Whether the label was whole or not cannot be told from this side; a person looks, and says."""
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        # Enough for the whole label and not for the question that follows it, or for part of it only.
        venue.printer.drop_after_bytes = 8 if not arrived else None
        venue.printer.keep_what_was_cut = False
        if arrived:
            venue.printer.labels_left = 0  # it has it as long as we like
        venue.start_agent("window", pair, printers=True)
        if arrived:
            await until(lambda: venue.printer.pending == 1, "the label has arrived")
            venue.printer.drop_after_bytes = 0
        await until(lambda: venue.desk.state() == "unknown", "unknown")
        assert venue.desk.detail() == "printer_link_lost"
        if arrived:
            venue.printer.refill()
            await until(lambda: codes_on(venue) == [True], "it came out all the same")
            venue.desk.say(1, Resolved(printed=True))
        else:
            assert codes_on(venue) == []
            venue.desk.say(1, Resolved(printed=False))
        await printed_once(venue)


@pytest.mark.fault
async def test_an_unknown_ticket_stays_unknown_over_restarts_until_a_person_looks(tmp_path: Path) -> None:
    """The hub asks after it each time; "never seen" must not be the answer, or it would be printed twice."""
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.drop_after_bytes = 8
        agent = venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.state() == "unknown", "unknown")
        await venue.kill_hub()
        await venue.stop_agent(agent)
        await venue.start_hub()
        agent = venue.start_agent("window", pair, printers=True)
        told = len(venue.desk.told)
        await until(lambda: len(venue.desk.told) > told, "the hub has asked, and been told")
        venue.desk.order(2, pair, "T1111111111")
        await until(lambda: venue.desk.state(2) == "printed", "the next one is printed")
        assert venue.desk.state() == "unknown"


@pytest.mark.fault
async def test_of_a_lost_spool_only_a_person_can_tell(tmp_path: Path) -> None:
    """The agent's disk was changed: the new spool has never seen the job, and that proves nothing."""
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.labels_left = 0
        agent = venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "paper_out")
        await venue.stop_agent(agent)
        await venue.until_lost("window")
        assert venue.desk.state() == "unknown"
        (tmp_path / "window").rename(tmp_path / "burnt")
        agent = venue.start_agent("window", pair, printers=True)
        venue.printer.refill()
        venue.desk.order(2, pair, "T1111111111")
        await until(lambda: venue.desk.state(2) == "printed", "the next one is printed")
        assert venue.desk.state() == "unknown"
        assert sorted(codes_on(venue)) == [False, True]


@pytest.mark.fault
async def test_a_printer_that_hangs_with_a_ticket_makes_it_unknown(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.printer.labels_left = 0
        venue.desk.order(1, pair)
        timings = msgspec.structs.replace(PRINTER_TIMINGS, silence_s=3 * IMPATIENT_S)
        venue.start_agent("window", pair, printers=True, answer_s=IMPATIENT_S, printer_timings=timings)
        await until(lambda: venue.printer.pending == 1, "the label has arrived")
        venue.printer.hangs = True
        await until(lambda: venue.desk.state() == "unknown", "unknown")
        assert venue.desk.detail() == "printer_silent"


async def test_a_printer_that_says_nothing_gets_no_ticket(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.hangs = True
        venue.start_agent("window", pair, printers=True, answer_s=IMPATIENT_S)
        await until(lambda: venue.desk.detail() == "silent", "the counter sees why")
        venue.printer.hangs = False
        await printed_once(venue)


async def test_firmware_that_is_mute_while_out_of_paper_is_waited_for(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.printer.mute_in_trouble = True
        venue.printer.paper = False
        venue.start_agent("window", pair, printers=True, answer_s=IMPATIENT_S)
        await until(lambda: venue.desk.detail() == "silent", "the counter sees why")
        venue.printer.refill()
        await printed_once(venue)


async def test_a_printer_that_is_switched_off_is_waited_for(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        await venue.printer.stop()
        venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "unreachable", "the counter sees why")
        await venue.printer.start()
        await printed_once(venue)


async def test_a_printer_that_never_answers_can_be_used_if_configured_so(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        venue.start_agent("window", pair, printers=True, talks=False)
        await until(lambda: venue.desk.state() == "printed")
        assert venue.desk.detail() == "unconfirmed"
        await until(lambda: codes_on(venue) == [True], "the label")


async def test_a_ticket_that_cannot_be_printed_fails_and_does_not_hold_up_the_next(tmp_path: Path) -> None:
    async with open_venue(tmp_path) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair, printer="nowhere")
        venue.desk.order(2, pair)
        job = venue.desk.jobs[2]
        bad = msgspec.structs.replace(job.ticket, code="not for a QR code: é")
        venue.desk.jobs[2] = msgspec.structs.replace(job, ticket=bad)
        venue.desk.order(3, pair)
        venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.state(3) == "printed")
        assert (venue.desk.state(1), venue.desk.detail(1)) == ("failed", "no_such_printer")
        assert (venue.desk.state(2), venue.desk.detail(2)) == ("failed", "cannot_be_printed")
        assert codes_on(venue) == [True]
        venue.desk.jobs[2] = msgspec.structs.replace(venue.desk.jobs[2], ticket=job.ticket)
        venue.desk.say(2, Retried())
        await until(lambda: venue.desk.state(2) == "printed", "the second try")


async def test_an_agent_away_from_its_hub_prints_nothing_that_may_have_been_given_up(tmp_path: Path) -> None:
    """The counter gives a job up while its agent is cut off, and prints it elsewhere; the agent must not print it
    too once it has paper."""
    async with open_venue(tmp_path) as venue:
        pair, other = make_pair(), make_pair()
        venue.desk.register("window", pair)
        venue.desk.register("elsewhere", other)
        venue.desk.order(1, pair)
        venue.printer.paper = False
        agent = venue.start_agent("window", pair, printers=True)
        await until(lambda: venue.desk.detail() == "paper_out")
        await venue.kill_hub()
        await until(lambda: not agent.link.alive, "the lease ends")
        venue.printer.refill()
        asked = venue.desk.statuses["window"]
        await venue.desk.links_lost(None)
        venue.desk.say(1, Resolved(printed=False))
        venue.desk.owners[1] = other.public
        await venue.start_hub()
        await until(lambda: agent.link.alive, "it is back")
        await until(lambda: venue.desk.statuses["window"] is not asked, "a word of it")
        await until(lambda: is_well(venue) and venue.desk.statuses["window"].queue == 0, "it holds nothing any more")
        assert venue.printer.labels() == []
        assert venue.printer.pending == 0


class BlindDesk(VenueDesk):
    """Breaks the one rule: what it does not know, it sends again."""

    async def links_lost(self, device: DeviceIdentity | None) -> None:
        for job_id, job in self.jobs.items():
            if job.standing.state == "sent":
                again = Standing(attempt=job.standing.attempt + 1)
                self.jobs[job_id] = msgspec.structs.replace(job, standing=again)


@pytest.mark.fault
@pytest.mark.parametrize(("desk", "papers"), [(VenueDesk, 1), (BlindDesk, 2)])
async def test_an_agent_killed_with_a_ticket_in_the_printer_leaves_it_unknown(
    tmp_path: Path, desk: type[VenueDesk], papers: int
) -> None:
    """A real process, killed with -9 after the bytes left. With a desk that sends again what it does not know, the same
    story ends with two papers: that is what this test would see."""
    async with open_venue(tmp_path, desk()) as venue:
        pair = make_pair()
        venue.desk.register("window", pair)
        venue.desk.order(1, pair)
        save_pair(pair, tmp_path / "agent.key")
        venue.printer.labels_left = 0
        process = await start_agent_process(venue, tmp_path)
        try:
            await until(lambda: venue.printer.pending == 1, "the bytes have left")
            await until(lambda: venue.desk.detail() == "paper_out", "the agent waits for paper")
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await venue.until_lost("window")

        venue.printer.refill()
        process = await start_agent_process(venue, tmp_path)
        try:
            if desk is VenueDesk:
                await until(lambda: venue.desk.detail() == "agent_stopped", "the spool tells")
                assert venue.desk.state() == "unknown"
            else:
                await until(lambda: venue.desk.state() == "printed", "sent again")
            await until(lambda: venue.desk.statuses["window"].online, "heartbeats")
            await until(lambda: venue.printer.pending == 0, "the printer has printed what it had")
            await until(lambda: len(venue.printer.labels()) == papers, "the papers")
        finally:
            process.terminate()
            await process.wait()
        assert codes_on(venue) == [True] * papers


async def start_agent_process(venue: Venue, directory: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.hardware.agent_process",
        venue.address.commands, venue.address.events, venue.address.public_key,
        str(directory / "agent.key"), str(directory / "agent"), str(venue.printer.port),
        cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
