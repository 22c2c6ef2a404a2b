"""Papers in the ledger: each ticket once, a reprint is a duplicata and leaves a trace (PRN-3, AHEAD-5)."""

from __future__ import annotations

import asyncio

import pytest

from app.core.clock import now
from app.core.db import connection
from app.core.errors import Problem
from app.counter.printing import move_job, reprint, resolve, retry, view_jobs
from hardware.print_jobs import Handed, IllegalMove, LinkLost, Reported
from tests.cast import Theatre
from tests.counter.people import cart_with, journaled, sell


async def printed(theatre: Theatre) -> int:
    """A job whose paper is out."""
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    await move_job(job, Handed(1, "spool-1"), actor="device:1", printer=theatre.printer)
    await move_job(job, Reported(1, "printed"), actor="device:1", printer=theatre.printer)
    return job


async def test_a_reprint_is_a_numbered_duplicata_in_the_journal(theatre: Theatre) -> None:
    job = await printed(theatre)
    first = await reprint(job, operator=theatre.lea, at=now())
    async with connection() as ledger:
        await ledger.execute("UPDATE counter.print_job SET state = 'printed' WHERE id = $1", first)
    again = await asyncio.gather(
        reprint(job, operator=theatre.lea, at=now()), reprint(first, operator=theatre.lea, at=now())
    )
    views = await view_jobs([job, first, *again], organizer=theatre.organizer)
    assert [view.copy_number for view in views] == [0, 1, 2, 3]
    assert len({view.ticket for view in views}) == 1
    assert await journaled("ticket_reprinted") == 3


async def test_what_is_still_on_its_way_is_waited_for(theatre: Theatre) -> None:
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    for ask in (
        reprint(job, operator=theatre.lea, at=now()),
        resolve(job, printed=True, operator=theatre.lea),
        retry(job, operator=theatre.lea),
    ):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.code == "print_not_finished"
    assert await journaled("ticket_reprinted") == 0
    with pytest.raises(Problem) as refused:
        await retry(10_000, operator=theatre.lea)
    assert refused.value.code == "not_found"


async def test_somebody_looks_whether_the_paper_came_out(theatre: Theatre) -> None:
    for out, state, attempt in ((True, "printed", 1), (False, "queued", 2)):
        [job] = (await sell(theatre, await cart_with(theatre, int(out)))).print_jobs
        await move_job(job, Handed(1, "spool-1"), actor="device:1", printer=theatre.printer)
        await move_job(job, LinkLost(), actor="hub", printer=theatre.printer)
        standing = await resolve(job, printed=out, operator=theatre.lea)
        assert (standing.state, standing.attempt) == (state, attempt)
        with pytest.raises(Problem):
            await resolve(job, printed=out, operator=theatre.lea)  # somebody has already dealt with it
    assert await journaled("print_unknown") == 2


async def test_a_failed_job_is_retried_by_its_number_of_attempt(theatre: Theatre) -> None:
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    await move_job(job, Handed(1, "spool-1"), actor="device:1", printer=theatre.printer)
    await move_job(job, Reported(1, "failed", "paper_out"), actor="device:1", printer=theatre.printer)
    [view] = await view_jobs([job], organizer=theatre.organizer)
    assert (view.state, view.detail, view.printer) == ("failed", "paper_out", "Printer 1")
    assert (await retry(job, operator=theatre.lea)).attempt == 2


async def test_a_device_moves_its_own_jobs_and_legal_moves_only(theatre: Theatre) -> None:
    [job] = (await sell(theatre, await cart_with(theatre, 0))).print_jobs
    with pytest.raises(LookupError):
        await move_job(job, Handed(1, "spool-1"), actor="device:9", printer=theatre.printer + 1)
    with pytest.raises(IllegalMove):
        await move_job(job, Reported(1, "printed"), actor="device:1", printer=theatre.printer)
    async with connection() as reader:
        assert await reader.fetchval("SELECT state FROM counter.print_job") == "queued"
    assert await view_jobs([job], organizer=theatre.organizer + 1) == []
