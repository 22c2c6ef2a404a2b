"""Admitting a ticket once, at any gate, under any race (ACC-1, ACC-2, ACC-7), against real engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import admission
from app.access.admission import Scanned, admit
from app.access.keys import register_key
from app.access.rules.admitting import DETAILS, TITLES, WINDOW, Presented, judge
from app.access.tables import Gate, Verdict
from app.catalog.tables import BoxOffice, Performance
from app.core import journal
from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.core.ids import new_token
from app.sales.carts import Wish, add_to_cart
from app.sales.inventory import inventory, with_group
from app.sales.orders import place_order
from app.sales.tables import TicketStatus
from app.sales.ticket_codes import code_of
from seating.store import SOLD, USED
from tests.cast import CHLOE, Theatre, buyer_cart, counter_cart


async def ticket_of(theatre: Theatre, seat: int = 3, *, performance: int | None = None, paid: bool = True) -> str:
    """The code of a freshly made ticket."""
    cart = counter_cart(theatre.lea) if paid else buyer_cart()
    performance = performance or theatre.performance
    await add_to_cart(cart, Wish(performance=performance, seats=(seat,)), at=now())
    placed = await place_order(
        cart, CHLOE, method="cash" if paid else "card", expected_total_minor=None, settled=paid, at=now()
    )
    await register_key()
    async with connection() as reader:
        number = await reader.fetchval('SELECT number FROM sales.ticket WHERE "order" = $1', placed.id)
    return code_of(number, performance)


async def scan(theatre: Theatre, code: str, *, gate: int | None = None, scan_id: str | None = None) -> Scanned:
    return await admit(
        gate or theatre.gate, code, scan_id=scan_id or new_token(), scanned_at=now(), operator=theatre.doorkeeper
    )


async def count_scans(verdict: str) -> int:
    async with connection() as reader:
        return int(await reader.fetchval("SELECT count(*) FROM access.scan WHERE verdict = $1", verdict))


async def test_a_ticket_is_green_once_and_red_at_every_gate_after(theatre: Theatre) -> None:
    code = await ticket_of(theatre)
    first = await scan(theatre, code)
    assert first.verdict == "admitted"
    assert first.ticket is not None
    assert (first.ticket.seat, first.ticket.holder) == ("Parterre · A · 4", CHLOE.name)
    group = theatre.group
    seen = await with_group(group, lambda: inventory().snapshot(group, theatre.performance))
    assert seen.states[3] == USED
    for gate in (theatre.gate, theatre.second_gate):
        again = await scan(theatre, code.lower(), gate=gate)
        assert again.verdict == "already_used"
        assert again.first is not None
        assert again.first.gate == "Main entrance"
        assert "Main entrance" in again.detail
    assert (await count_scans("admitted"), await count_scans("already_used")) == (1, 2)
    assert (await journal.audit())[1] == []


async def test_the_same_scan_again_gets_the_same_answer(theatre: Theatre) -> None:
    """Its reply was lost: green must not turn into "already used"."""
    code = await ticket_of(theatre)
    answers = [await scan(theatre, code, scan_id="scan-0001") for _ in range(3)]
    assert [a.verdict for a in answers] == ["admitted"] * 3
    together = await asyncio.gather(*(scan(theatre, code, scan_id="scan-0002") for _ in range(5)))
    assert {a.verdict for a in together} == {"already_used"}
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM access.scan") == 2


async def test_a_scan_s_id_used_twice_lets_nobody_else_in_and_tells_nothing_elsewhere(theatre: Theatre) -> None:
    code, other = await ticket_of(theatre, 1), await ticket_of(theatre, 2)
    assert (await scan(theatre, code, scan_id="scan-0001")).verdict == "admitted"
    elsewhere = await gate_elsewhere(theatre)
    for gate, shown in ((theatre.gate, other), (theatre.gate, "nonsense"), (elsewhere, code)):
        with pytest.raises(Problem) as refused:
            await scan(theatre, shown, gate=gate, scan_id="scan-0001")
        assert refused.value.code == "idempotency_conflict"
    with pytest.raises(Problem) as refused:
        await scan(theatre, code, gate=10_000)
    assert refused.value.code == "not_found"


async def gate_elsewhere(theatre: Theatre) -> int:
    async with connection() as reader:
        organizer = await reader.fetchval(
            "SELECT organizer FROM accounts.membership WHERE account = $1", theatre.stranger
        )
    office = BoxOffice(organizer=organizer, name="Elsewhere", slug="else", currency="EUR", contact_email="a@b.example")
    await office.save()
    gate = Gate(box_office=office.id, name="Main entrance")
    await gate.save()
    return int(gate.id)


async def test_what_is_no_ticket_of_tonight_is_refused_with_its_reason(theatre: Theatre) -> None:
    code = await ticket_of(theatre, 1)
    unpaid = await ticket_of(theatre, 2, paid=False)
    cancelled = await ticket_of(theatre, 4)
    tomorrow = await ticket_of(theatre, 5, performance=theatre.other)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET status = 'cancelled' WHERE ordinal = 4")
    genuine_of_nobody = code_of("T0123456789", theatre.performance)
    number = code_of("T0123456789", theatre.performance)[:2]
    assert number == "P1"
    middle = len(code) // 2
    forged = code[:middle] + ("0" if code[middle] != "0" else "1") + code[middle + 1 :]
    wanted = {
        code[:-1]: "forged",
        code[:40]: "forged",
        "": "forged",
        "x" * 2000: "forged",
        "\x00": "forged",
        forged: "forged",
        genuine_of_nobody: "unknown",
        unpaid: "not_paid",
        cancelled: "cancelled",
        tomorrow: "not_today",
    }
    for shown, verdict in wanted.items():
        said = await scan(theatre, shown)
        assert said.verdict == verdict, shown
        assert (said.title, said.detail != "") == (TITLES[Verdict(verdict)], True)
        assert "{" not in said.detail
    assert (await scan(theatre, code, gate=await gate_elsewhere(theatre))).verdict == "wrong_event"
    assert (await scan(theatre, code)).verdict == "admitted"  # none of the above used it up
    async with connection() as reader:
        assert await reader.fetchval("SELECT count(*) FROM sales.ticket WHERE used_at IS NOT NULL") == 1


async def test_a_ticket_of_another_day_still_admits_on_its_own(theatre: Theatre) -> None:
    tomorrow = await ticket_of(theatre, 5, performance=theatre.other)
    assert (await scan(theatre, tomorrow)).verdict == "not_today"
    await Performance.update({Performance.starts_at: now() + timedelta(hours=1)}).where(Performance.id == theatre.other)
    assert (await scan(theatre, tomorrow)).verdict == "admitted"


async def test_a_clock_that_is_out_of_all_bounds_is_not_believed(theatre: Theatre) -> None:
    code = await ticket_of(theatre)
    long_ago = datetime(1, 1, 2, tzinfo=UTC)
    said = await admit(theatre.gate, code, scan_id="scan-0001", scanned_at=long_ago, operator=theatre.doorkeeper)
    assert said.verdict == "not_today"
    async with connection() as reader:
        kept = await reader.fetchval("SELECT scanned_at FROM access.scan")
    assert now() - admission.BELIEVED - timedelta(minutes=5) < kept < now()


async def twenty_gates_at_once(theatre: Theatre) -> list[str]:
    code = await ticket_of(theatre)
    gates = [theatre.gate, theatre.second_gate] * 10
    answers = await asyncio.gather(*(scan(theatre, code, gate=gate) for gate in gates))
    return sorted(answer.verdict for answer in answers)


@pytest.mark.race
async def test_twenty_gates_at_once_admit_exactly_one(theatre: Theatre) -> None:
    assert await twenty_gates_at_once(theatre) == ["admitted"] + ["already_used"] * 19
    async with connection() as reader:
        lines = await reader.fetchval("SELECT count(*) FROM core.journal_line WHERE action = 'ticket_admitted'")
    assert lines == 1


@pytest.mark.race
async def test_without_the_lock_the_same_harness_sees_several_come_in(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above: the ticket is read without being locked. The door is so crowded that nobody
    goes on before somebody else has read it too."""
    readers = 0
    two_have_read = asyncio.Event()

    async def read_only(ledger, claims):  # type: ignore[no-untyped-def]  # a stand-in for the query it lacks a lock of
        nonlocal readers
        row = await ledger.fetchrow(
            "SELECT t.id, t.number, t.status, t.used_at, t.performance, t.ordinal, s.box_office, s.event, p.starts_at,"
            ' p.ends_at FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
            " JOIN catalog.performance p ON p.id = t.performance WHERE t.number = $1",
            claims.ticket,
        )
        readers += 1
        if readers == 2:
            two_have_read.set()
        await two_have_read.wait()
        return row

    monkeypatch.setattr(admission, "_lock_ticket", read_only)
    assert (await twenty_gates_at_once(theatre)).count("admitted") > 1


async def test_a_seat_whose_map_cannot_be_told_is_admitted_all_the_same(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await ticket_of(theatre)

    async def away(*_: object) -> None:
        raise ConnectionError("Redis is away")

    with monkeypatch.context() as cut:
        cut.setattr(inventory(), "mark_used", away)
        assert (await scan(theatre, code)).verdict == "admitted"
    seen = await inventory().snapshot(theatre.group, theatre.performance)
    assert seen.states[3] == SOLD  # to be mended; the ledger has it


# -- the rule ---------------------------------------------------------------------------------------------------------

TONIGHT = datetime(2026, 12, 12, 19, 30, tzinfo=UTC)


def test_every_verdict_has_its_words() -> None:
    assert set(TITLES) == set(DETAILS) == set(Verdict)


@given(
    st.sampled_from(list(TicketStatus)),
    st.booleans(),
    st.booleans(),
    st.timedeltas(-timedelta(days=3), timedelta(days=3)),
)
def test_only_a_sold_unused_ticket_of_this_house_and_night_is_admitted(
    status: TicketStatus, used: bool, ours: bool, off: timedelta
) -> None:
    presented = Presented(status, used, 1 if ours else 2, TONIGHT, TONIGHT + timedelta(hours=2))
    verdict = judge(presented, box_office=1, at=TONIGHT + off)
    tonight = -WINDOW <= off <= WINDOW + timedelta(hours=2)
    assert (verdict == Verdict.ADMITTED) == (status == TicketStatus.SOLD and not used and ours and tonight)
    assert (verdict == Verdict.NOT_TODAY) == (status == TicketStatus.SOLD and not used and ours and not tonight)


def test_a_genuine_code_without_a_ticket_is_unknown() -> None:
    assert judge(None, box_office=1, at=TONIGHT) == Verdict.UNKNOWN


async def test_the_number_under_the_code_opens_too_when_somebody_signed_in_types_it(theatre: Theatre) -> None:
    """ACC-1: for the paper that no scanner reads; a device alone must show the signed code."""
    await ticket_of(theatre)
    async with connection() as reader:
        number = str(await reader.fetchval("SELECT number FROM sales.ticket"))
    by_device = await admit(theatre.gate, number, scan_id=new_token(), scanned_at=now(), device=theatre.printer)
    assert by_device.verdict == "forged"
    assert (await scan(theatre, f" {number[:4].lower()} {number[4:].lower()} ")).verdict == "admitted"
    assert (await scan(theatre, number, gate=theatre.second_gate)).verdict == "already_used"
    assert (await scan(theatre, "T0000000000")).verdict == "forged"
