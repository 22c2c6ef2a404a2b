"""Which language, and what is said where there is no translation (CAT-9)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import i18n
from app.core.i18n import LANGUAGES, current_locale, gettext, locale_of, negotiate, ngettext, translated


@pytest.mark.parametrize(
    ("forced", "remembered", "header", "language"),
    [
        ("de", "fr", "en", "de"),
        ("xx", "fr", "en", "fr"),
        (None, "xx", "it", "it"),
        (None, None, "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        (None, None, "en;q=0.1, nl;q=0.9", "nl"),
        (None, None, "fr;q=0, es", "es"),
        (None, None, "ja, pt-BR;q=0.5", "pt"),
        (None, None, "ja", "en"),
        (None, None, "*", "en"),
        (None, None, "", "en"),
        (None, None, None, "en"),
        ("", "", ";;;q=,,,=", "en"),
        (None, None, "fr;q=nonsense", "fr"),
    ],
)
def test_the_asked_language_wins_then_the_remembered_one_then_the_browser_s(
    forced: str | None, remembered: str | None, header: str | None, language: str
) -> None:
    assert negotiate(forced, remembered, header) == language


@given(st.text(), st.text(), st.text())
def test_whatever_a_client_says_a_language_comes_of_it(forced: str, remembered: str, header: str) -> None:
    assert negotiate(forced, remembered, header) in LANGUAGES


def test_what_has_no_translation_is_said_in_english() -> None:
    for language in LANGUAGES:
        with locale_of(language):
            assert gettext("A sentence that nobody has translated yet.") == "A sentence that nobody has translated yet."
            assert ngettext("one untranslated", "many untranslated", 1) == "one untranslated"
            assert ngettext("one untranslated", "many untranslated", 3) == "many untranslated"
    with locale_of("fr"):
        assert gettext("Please sign in") != "Please sign in"


def test_the_language_is_as_before_after_a_block_that_fails() -> None:
    before = current_locale()

    def fail_in_french() -> None:
        with locale_of("fr"):
            assert current_locale() == "fr"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_french()
    assert current_locale() == before


def test_french_and_portuguese_count_nothing_as_one() -> None:
    indexes = {lang: [i18n._plural_index(lang, n) for n in (0, 1, 2)] for lang in LANGUAGES}
    assert indexes["fr"] == indexes["pt"] == [0, 0, 1]
    assert all(indexes[lang] == [1, 0, 1] for lang in LANGUAGES if lang not in {"fr", "pt"})


def test_an_organiser_s_text_falls_back_to_english_and_then_to_any() -> None:
    assert translated({"fr": "La Pièce", "en": "The Play"}, "fr") == "La Pièce"
    assert translated({"fr": "La Pièce", "en": "The Play"}, "de") == "The Play"
    assert translated({"fr": "", "it": "La Commedia"}, "fr") == "La Commedia"
    assert translated({}, "fr") == ""
    assert translated("as it is", "fr") == "as it is"


def test_dates_and_times_are_those_of_the_venue() -> None:
    late = datetime(2026, 12, 12, 23, 30, tzinfo=UTC)
    assert i18n.show_date(late, "Europe/Paris", "full", "fr") == "dimanche 13 décembre 2026"
    assert i18n.show_time(late, "Europe/Paris", "fr") == "00:30"
    assert i18n.show_date(late, "America/Montreal", "long", "en") == "December 12, 2026"


def test_each_language_is_called_by_its_own_name() -> None:
    names = dict(i18n.language_names())
    assert (names["fr"], names["de"], names["pt"]) == ("Français", "Deutsch", "Português")
    assert list(names) == list(LANGUAGES)


def test_the_first_of_a_month_is_an_ordinal_in_french_only() -> None:
    """CAT-9: what a reader expects, which Babel's patterns cannot say; days like 21 and figures alone stay."""
    first, late = datetime(2027, 1, 1, 20, tzinfo=UTC), datetime(2027, 1, 21, 20, tzinfo=UTC)

    def day(moment: datetime, form: str, language: str = "fr") -> str:
        return i18n.show_date(moment, "Europe/Paris", form, language)

    assert day(first, "full") == "vendredi 1er janvier 2027"
    assert day(first, "EEE d MMM") == "ven. 1er janv."
    assert day(first, "d MMMM") == "1er janvier"
    assert day(first, "short") == "01/01/2027"
    assert day(first, "d") == "1"
    assert day(late, "full") == "jeudi 21 janvier 2027"
    assert day(first, "EEEE d MMMM", "es") == "viernes 1 enero"
