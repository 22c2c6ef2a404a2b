"""What may happen to a print job (PRN-3): never twice unawares, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.print_jobs import (
    Handed,
    IllegalMove,
    LinkLost,
    Reported,
    Resolved,
    Retried,
    Standing,
    Word,
    advance,
    duplicata,
    may_reprint,
)
from tests.hardware.venue import ticket

HANDED = Handed(attempt=1, spool="s")
SENT = advance(Standing(), HANDED)
UNKNOWN = advance(SENT, LinkLost())


def reported(outcome: str, attempt: int = 1, detail: str = "") -> Reported:
    return Reported(attempt, outcome, detail)  # type: ignore[arg-type]  # parametrised by plain strings


words: st.SearchStrategy[Word] = st.one_of(
    st.builds(Handed, attempt=st.integers(1, 3), spool=st.just("s")),
    st.builds(
        Reported,
        attempt=st.integers(1, 3),
        outcome=st.sampled_from(["held", "printed", "unknown", "failed", "never"]),
    ),
    st.just(LinkLost()),
    st.builds(Resolved, printed=st.booleans()),
    st.just(Retried()),
)


def test_a_job_goes_from_the_queue_to_paper() -> None:
    assert advance(Standing(), HANDED) == Standing(state="sent", attempt=1, spool="s")
    assert advance(SENT, reported("printed")).state == "printed"


def test_a_job_is_handed_out_once() -> None:
    with pytest.raises(IllegalMove):
        advance(SENT, HANDED)


def test_an_old_view_of_the_attempt_does_not_hand_out_a_job() -> None:
    queued_again = advance(UNKNOWN, Resolved(printed=False))
    with pytest.raises(IllegalMove):
        advance(queued_again, HANDED)


@pytest.mark.parametrize("outcome", ["printed", "unknown", "failed"])
def test_the_same_report_twice_changes_nothing(outcome: str) -> None:
    once = advance(SENT, reported(outcome))
    assert advance(once, reported(outcome)) == once


def test_a_silent_agent_makes_what_it_was_sent_unknown_and_nothing_else() -> None:
    assert UNKNOWN.state == "unknown"
    for standing in (Standing(), advance(SENT, reported("printed")), advance(SENT, reported("failed"))):
        assert advance(standing, LinkLost()) == standing


@pytest.mark.parametrize(
    ("outcome", "state"), [("held", "sent"), ("printed", "printed"), ("unknown", "unknown"), ("failed", "failed")]
)
def test_an_agent_that_is_back_tells_what_became_of_an_unknown_job(outcome: str, state: str) -> None:
    assert advance(UNKNOWN, reported(outcome)).state == state


def test_a_job_its_spool_has_never_seen_goes_back_to_the_queue_as_the_same_attempt() -> None:
    assert advance(UNKNOWN, reported("never")) == Standing(state="queued", attempt=1)


def test_a_person_who_saw_the_paper_settles_it() -> None:
    assert advance(UNKNOWN, Resolved(printed=True)).state == "printed"


def test_a_person_who_saw_no_paper_lets_it_be_printed_again() -> None:
    assert advance(UNKNOWN, Resolved(printed=False)) == Standing(state="queued", attempt=2)


def test_a_paper_that_came_out_after_all_spares_the_next_one() -> None:
    queued_again = advance(UNKNOWN, Resolved(printed=False))
    assert advance(queued_again, reported("printed", attempt=1)).state == "printed"


def test_a_late_word_on_an_earlier_attempt_does_not_touch_the_one_under_way() -> None:
    second = advance(advance(UNKNOWN, Resolved(printed=False)), Handed(attempt=2, spool="s"))
    for outcome in ("held", "printed", "unknown", "failed", "never"):
        assert advance(second, reported(outcome, attempt=1)) == second


def test_only_what_is_unknown_is_resolved_and_only_what_failed_is_retried() -> None:
    for standing in (Standing(), SENT, advance(SENT, reported("printed"))):
        with pytest.raises(IllegalMove):
            advance(standing, Resolved(printed=True))
        with pytest.raises(IllegalMove):
            advance(standing, Retried())
    assert advance(advance(SENT, reported("failed")), Retried()) == Standing(state="queued", attempt=2)


@pytest.mark.parametrize("outcome", ["held", "printed", "unknown", "failed", "never"])
def test_a_report_on_a_job_that_was_not_handed_out_is_not_believed(outcome: str) -> None:
    with pytest.raises(IllegalMove):
        advance(Standing(), reported(outcome))
    with pytest.raises(IllegalMove):
        advance(SENT, reported(outcome, attempt=2))


@given(st.lists(words, max_size=12))
def test_whatever_is_said_a_job_returns_to_the_queue_only_by_its_spool_or_a_person(said: list[Word]) -> None:
    standing = Standing()
    for word in said:
        before = standing
        try:
            standing = advance(standing, word)
        except IllegalMove:
            continue
        if before.state != "queued" and standing.state == "queued":
            person = isinstance(word, Resolved | Retried)
            spool = isinstance(word, Reported) and word.outcome == "never" and word.attempt == before.attempt
            assert person or spool
            assert standing.attempt == before.attempt + person
        if before.state == "printed":
            assert standing.state == "printed"


def test_a_reprint_is_for_papers_that_exist_or_may_exist() -> None:
    assert may_reprint(UNKNOWN)
    assert may_reprint(advance(SENT, reported("printed")))
    assert not any(map(may_reprint, (Standing(), SENT, advance(SENT, reported("failed")))))


def test_a_reprint_carries_its_mark() -> None:
    assert duplicata(ticket(), "DUPLICATA 2").duplicata == "DUPLICATA 2"
    with pytest.raises(ValueError, match="mark"):
        duplicata(ticket(), "")
