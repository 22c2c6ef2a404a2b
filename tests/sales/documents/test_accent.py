"""The box office's colour as ink."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sales.documents.accent import CONTRAST_MIN, FALLBACK, contrast_on_white, ink


def test_a_colour_that_reads_on_white_is_left_alone() -> None:
    assert ink("#8a1c36") == "#8a1c36"


def test_a_pale_colour_is_darkened_in_its_own_hue() -> None:
    red, green, blue = (int(ink("#ffd23f")[i : i + 2], 16) for i in (1, 3, 5))
    assert red > green > blue
    assert contrast_on_white((red, green, blue)) >= CONTRAST_MIN


@pytest.mark.parametrize("text", ["", "red", "#fff", "#12345g", "#8a1c36; background:url(x)", "#8a1c36\n"])
def test_what_is_no_colour_becomes_the_house_red(text: str) -> None:
    """The colour goes into style attributes and into the template: nothing but a colour may pass."""
    assert ink(text) == FALLBACK


@pytest.mark.parametrize(("colour", "ratio"), [((255, 255, 255), 1.0), ((0, 0, 0), 21.0), ((118, 118, 118), 4.54)])
def test_contrast_is_that_of_wcag(colour: tuple[int, int, int], ratio: float) -> None:
    assert contrast_on_white(colour) == pytest.approx(ratio, abs=0.01)


@given(st.integers(0, 0xFFFFFF))
def test_every_colour_becomes_readable(colour: int) -> None:
    made = ink(f"#{colour:06x}")
    assert contrast_on_white(tuple(int(made[i : i + 2], 16) for i in (1, 3, 5))) >= CONTRAST_MIN
