"""The agent's memory of print jobs (PRN-3): a power cut at any point loses nothing and prints nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.protocol import Print
from hardware.spool import Spool, SpoolBusy, SpooledJob
from tests.hardware.venue import ticket


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


def job(job_id: int = 1, attempt: int = 1) -> Print:
    return Print(job_id, attempt, "", ticket())


def accept(spool: Spool, job_id: int = 1, attempt: int = 1) -> SpooledJob:
    spooled = spool.accept(job(job_id, attempt))
    assert spooled is not None
    return spooled


def reopened(spool: Spool, path: Path) -> Spool:
    spool.close()
    return Spool(path)


def outcomes(spool: Spool) -> dict[tuple[int, int], str]:
    return {spooled.key: spooled.report.outcome for spooled in spool.unconfirmed()}


def test_a_job_that_was_only_accepted_is_still_to_be_printed_after_a_restart(path: Path) -> None:
    spool = Spool(path)
    accept(spool)
    spool = reopened(spool, path)
    assert [waiting.key for waiting in spool.accepted()] == [(1, 1)]
    assert spool.accepted()[0].ticket == ticket()
    assert outcomes(spool) == {}


def test_a_job_whose_bytes_may_have_reached_the_printer_is_unknown_after_a_restart(path: Path) -> None:
    spool = Spool(path)
    assert spool.start(accept(spool))
    spool = reopened(spool, path)
    assert spool.accepted() == []
    assert outcomes(spool) == {(1, 1): "unknown"}


@pytest.mark.parametrize("state", ["printed", "unknown", "failed"])
def test_a_settled_job_is_reported_until_the_hub_knows(path: Path, state: str) -> None:
    spool = Spool(path)
    spooled = accept(spool)
    spool.start(spooled)
    spool.settle(spooled, state)  # type: ignore[arg-type]  # parametrised by plain strings
    spool = reopened(spool, path)
    assert outcomes(spool) == {(1, 1): state}
    spool.confirm(1, 1)
    assert outcomes(reopened(spool, path)) == {}


def test_a_job_that_comes_again_is_answered_and_not_printed_again(path: Path) -> None:
    spool = Spool(path)
    spooled = accept(spool)
    spool.start(spooled)
    spool.settle(spooled, "printed")
    spool.confirm(1, 1)
    spool = reopened(spool, path)
    assert accept(spool).report.outcome == "printed"
    assert spool.accepted() == []


def test_a_job_is_started_once(path: Path) -> None:
    spool = Spool(path)
    spooled = accept(spool)
    assert spool.start(spooled)
    assert not spool.start(spooled)


def test_the_next_attempt_replaces_one_that_was_not_begun(path: Path) -> None:
    spool = Spool(path)
    first = accept(spool)
    accept(spool, attempt=2)
    assert [waiting.key for waiting in spool.accepted()] == [(1, 2)]
    assert not spool.start(first)


def test_the_next_attempt_is_not_printed_when_the_first_did_come_out(path: Path) -> None:
    spool = Spool(path)
    first = accept(spool)
    spool.start(first)
    spool.settle(first, "printed")
    assert accept(spool, attempt=2).report.outcome == "printed"
    assert spool.accepted() == []


def test_the_next_attempt_waits_for_a_person_while_the_first_is_in_the_printer(path: Path) -> None:
    spool = Spool(path)
    spool.start(accept(spool))
    second = accept(spool, attempt=2)
    assert (second.report.outcome, second.detail) == ("failed", "earlier_attempt_printing")


def test_the_next_attempt_is_printed_when_a_person_has_looked_after_an_unknown_one(path: Path) -> None:
    spool = Spool(path)
    spool.start(accept(spool))
    spool = reopened(spool, path)
    assert accept(spool, attempt=2).state == "accepted"


def test_an_attempt_that_comes_late_is_ignored(path: Path) -> None:
    spool = Spool(path)
    accept(spool, attempt=2)
    assert spool.accept(job(attempt=1)) is None


def test_what_is_no_longer_wanted_is_given_up_and_may_come_back(path: Path) -> None:
    spool = Spool(path)
    accept(spool, job_id=1)
    accept(spool, job_id=2)
    spool.drop_unwanted({(2, 1)})
    assert [waiting.key for waiting in spool.accepted()] == [(2, 1)]
    dropped = spool.find(1, 1)
    assert dropped is not None
    assert dropped.report.outcome == "never"
    assert accept(spool, job_id=1).state == "accepted"


def test_two_agents_cannot_share_a_spool(path: Path) -> None:
    spool = Spool(path)
    with pytest.raises(SpoolBusy):
        Spool(path)
    spool.close()
    Spool(path).close()


def test_a_spool_keeps_its_id_and_another_one_has_another(path: Path) -> None:
    spool = Spool(path)
    first = spool.id
    assert reopened(spool, path).id == first
    assert Spool(path.with_name("other.sqlite")).id != first
