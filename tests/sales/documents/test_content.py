"""Texts of people, made printable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.sales.documents.content import one_line, paragraphs


def test_line_breaks_and_runs_of_space_become_one_space() -> None:
    assert one_line("  Ann\r\nB.\t Roe\u2028\u00a0 ") == "Ann B. Roe"


def test_control_and_direction_characters_go() -> None:
    assert one_line("a\x00b\x1bc\u202ed\u2066e\ufefff") == "abcdef"


def test_joiners_stay_since_names_are_spelt_with_them() -> None:
    assert one_line("می‌خواهم") == "می‌خواهم"


def test_paragraphs_lose_only_their_empty_lines() -> None:
    assert paragraphs("One.\n\n  Two\x07.\r\nThree.") == ["One.", "Two.", "Three."]
    assert paragraphs("") == []


@given(st.text())
def test_one_line_never_holds_anything_that_ends_a_line(text: str) -> None:
    made = one_line(text)
    assert len(made.splitlines()) <= 1
    assert one_line(made) == made
