"""What the box office answers when a device of the venue asks (LIVE-9, DEV-1, PRN-3, ACC-7)."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from app.access.keys import register_key
from app.access.tables import Verdict
from app.accounts.tables import Device
from app.core.clock import now
from app.core.db import connection
from app.counter.figures import figures_of
from app.counter.printing import reprint
from app.counter.venue import VenueDesk, event_of_scan
from hardware.desk import DeviceIdentity, DeviceStatus, VerdictCode
from hardware.print_jobs import Handed, IllegalMove, Reported
from hardware.printers._contract import PrinterStatus
from hardware.protocol import ScanRefused, TicketUsed
from hardware.ticket_code import key_ring, verify
from tests.access.test_admission import ticket_of
from tests.cast import Theatre
from tests.counter.people import cart_with, journaled, sell


@pytest.fixture
def desk() -> VenueDesk:
    return VenueDesk()


async def device(theatre: Theatre, kind: str, place: str, key: str) -> DeviceIdentity:
    await Device(organizer=theatre.organizer, name=f"A {kind}", kind=kind, public_key=key * 40, place=place).save()
    known = await VenueDesk().authorize(key * 40)
    assert known is not None
    return known


def test_both_lists_of_verdicts_are_the_same() -> None:
    assert set(get_args(VerdictCode)) == {str(verdict) for verdict in Verdict}


async def test_a_device_is_known_by_its_key_until_it_is_revoked(theatre: Theatre, desk: VenueDesk) -> None:
    printer = await desk.authorize("p" * 40)
    assert printer == DeviceIdentity(theatre.printer, "Printer 1", "p" * 40, ("printer",), "Counter 1")
    assert await desk.authorize("x" * 40) is None
    assert await desk.authorize("") is None
    await Device.update({Device.revoked_at: now()}).where(Device.id == theatre.printer)
    assert await desk.authorize("p" * 40) is None


async def test_a_printer_gets_its_papers_with_the_right_ticket_on_them(theatre: Theatre, desk: VenueDesk) -> None:
    await register_key()
    sale = await sell(theatre, await cart_with(theatre, 4, 20))
    printer = await desk.authorize("p" * 40)
    assert printer is not None
    jobs = await desk.jobs_waiting(printer)
    assert [job.id for job in jobs] == list(sale.print_jobs)
    first, second = (job.ticket for job in jobs)
    assert [part.label for part in first.seat] == ["Parterre", "A", "5"]
    assert (first.price, second.price) == ("€40.00", "€25.00")
    assert (first.event, first.order, first.duplicata) == ("The Play", sale.placed.code, "")
    keys = key_ring((await desk.gate_brief(printer)).keys)
    assert verify(first.code, keys).ticket == first.number
    other = await device(theatre, "printer", "Counter 2", "q")
    assert await desk.jobs_waiting(other) == []


async def test_a_duplicata_says_so_on_paper(theatre: Theatre, desk: VenueDesk) -> None:
    printer = await desk.authorize("p" * 40)
    assert printer is not None
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    assert (await desk.job_changed(printer, job, Handed(1, "s1"))).state == "sent"
    assert (await desk.job_changed(printer, job, Reported(1, "printed"))).state == "printed"
    assert await desk.jobs_waiting(printer) == []
    for mark in ("DUPLICATA", "DUPLICATA 2"):
        again = await reprint(job, operator=theatre.lea, at=now())
        [paper] = [j.ticket for j in await desk.jobs_waiting(printer) if j.id == again]
        assert paper.duplicata == mark


async def test_a_device_cannot_speak_for_another_one(theatre: Theatre, desk: VenueDesk) -> None:
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    other = await device(theatre, "printer", "Counter 2", "q")
    for wrong in (job, 10_000):
        with pytest.raises(LookupError):
            await desk.job_changed(other, wrong, Handed(1, "s1"))
    printer = await desk.authorize("p" * 40)
    assert printer is not None
    with pytest.raises(IllegalMove):
        await desk.job_changed(printer, job, Reported(1, "printed"))


async def test_lost_links_leave_a_question_and_not_a_second_paper(theatre: Theatre, desk: VenueDesk) -> None:
    printer = await desk.authorize("p" * 40)
    assert printer is not None
    sent, queued = (await sell(theatre, await cart_with(theatre, 0, 1))).print_jobs
    await desk.job_changed(printer, sent, Handed(1, "s1"))
    await desk.links_lost(None)
    await desk.links_lost(printer)
    states = {job.id: job.standing.state for job in await desk.jobs_waiting(printer)}
    assert states == {sent: "unknown", queued: "queued"}
    assert await journaled("print_unknown") == 1


async def test_how_a_device_is_shows_on_the_dashboard(theatre: Theatre, desk: VenueDesk) -> None:
    printer = await desk.authorize("p" * 40)
    assert printer is not None
    trouble = DeviceStatus(printers={"one": PrinterStatus(problems=("paper_out", "head_open"))}, queue=2)
    await desk.device_seen(printer, trouble)
    shown = await figures_of(theatre.event, organizer=theatre.organizer)
    assert shown is not None
    assert [(d.name, d.status, d.detail) for d in shown.devices] == [("Printer 1", "online", "head_open, paper_out")]
    await Device.update({Device.revoked_at: now()}).where(Device.id == theatre.printer)
    shown = await figures_of(theatre.event, organizer=theatre.organizer)
    assert shown is not None
    assert shown.devices[0].status == "revoked"


async def test_a_gate_device_admits_at_the_gate_it_stands_at(theatre: Theatre, desk: VenueDesk) -> None:
    code = await ticket_of(theatre)
    gate = await device(theatre, "gate", "Balcony", "g")
    ms = int(now().timestamp() * 1000)
    first = await desk.admit(gate, code, ms, "scan-0001")
    assert (first.verdict, first.title) == ("admitted", "Bienvenue")
    assert await desk.admit(gate, code, ms, "scan-0001") == first
    second = await desk.admit(gate, code, ms, "scan-0002")
    assert second.verdict == "already_used"
    assert second.first is not None
    assert second.first.gate == "Balcony"
    for wild in (2**62, -(2**62), 0):
        assert (await desk.admit(gate, code, wild, f"scan-wild-{wild}")).verdict == "already_used"
    nowhere = await device(theatre, "gate", "A door that was bricked up", "h")
    with pytest.raises(LookupError, match="bricked up"):
        await desk.admit(nowhere, code, ms, "scan-0003")


async def test_a_gate_is_told_what_it_needs_to_go_on_alone(theatre: Theatre, desk: VenueDesk) -> None:
    used, void = await ticket_of(theatre, 1), await ticket_of(theatre, 2)
    gate = await device(theatre, "gate", "Main entrance", "g")
    await desk.admit(gate, used, int(now().timestamp() * 1000), "scan-0001")
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET status = 'cancelled' WHERE ordinal = 2")
    brief = await desk.gate_brief(gate)
    assert set(brief.performances) == {theatre.performance, theatre.standing}  # tonight's, not tomorrow's
    keys = key_ring(brief.keys)
    assert list(brief.used) == [verify(used, keys).ticket]
    assert brief.void == (verify(void, keys).ticket,)
    assert set(brief.titles) == set(get_args(VerdictCode))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(brief)) is not None


async def test_a_conflict_of_a_gate_that_was_alone_is_noted_once(theatre: Theatre, desk: VenueDesk) -> None:
    """ACC-2: two gates without a network let the same ticket in; the second one is found and shown."""
    code = await ticket_of(theatre)
    gate = await device(theatre, "gate", "Main entrance", "g")
    ms = int(now().timestamp() * 1000)
    await desk.admit(gate, code, ms, "scan-0001")
    verdict = await desk.admit(gate, code, ms, "scan-0002")
    for _ in range(2):
        await desk.conflict_found(gate, code, ms, "scan-0002", verdict)
    await desk.conflict_found(gate, code, ms, "scan-nobody-knows", verdict)
    assert await journaled("scan_conflict") == 1


def test_a_scan_in_the_event_stream() -> None:
    row: dict[str, Any] = {"number": "T0123456789", "verdict": "admitted", "gate": "Main", "scanned_at": now()}
    assert isinstance(event_of_scan(row), TicketUsed)
    refused = event_of_scan({**row, "number": None, "verdict": "forged"})
    assert refused == ScanRefused("Main", "forged", "")
