"""French and English are complete (CAT-9): every message that the code can show has its translation."""

from __future__ import annotations

import io
import re
import string
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from app.core.i18n import CATALOGUES, LANGUAGES, script_messages

ROOT = Path(__file__).parents[2]
PYTHON = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
TEMPLATE = {"_": None, "gettext": None, "ngettext": (1, 2)}


def messages() -> dict[str, str]:
    """Every message id with one place where it stands."""
    found: dict[str, str] = {}

    def note(path: Path, message: object) -> None:
        text = message[0] if isinstance(message, tuple) else message
        if isinstance(text, str) and text:
            found.setdefault(text, str(path.relative_to(ROOT)))

    for path in sorted((ROOT / "app").rglob("*.py")):
        for _, _, message, _ in extract_python_messages(path):
            note(path, message)
    for path in sorted((ROOT / "frontend" / "templates").rglob("*.*")):
        for _, _, message, _ in babel_extract(io.BytesIO(path.read_bytes()), list(TEMPLATE), [], TEMPLATE_OPTIONS):
            note(path, message)
    for message in script_messages():
        found.setdefault(message, "frontend/ts")
    return found


TEMPLATE_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}


def extract_python_messages(path: Path) -> list[tuple[int, str, object, list[str]]]:
    with path.open("rb") as file:
        return [
            (line, "", message, comments) for line, message, comments, _ in extract("python", file, keywords=PYTHON)
        ]


def french() -> dict[str, str | tuple[str, ...]]:
    with (CATALOGUES / "fr" / "LC_MESSAGES" / "placeur.po").open("rb") as file:
        catalogue = read_po(file, locale="fr", abort_invalid=True)
    return {
        (m.id[0] if isinstance(m.id, (tuple, list)) else m.id): (
            tuple(m.string) if isinstance(m.string, (tuple, list)) else m.string or ""
        )
        for m in catalogue
        if m.id and not m.fuzzy
    }


def test_every_message_is_found_somewhere() -> None:
    """The extraction itself: without it, the next test would pass on nothing."""
    found = messages()
    assert found["Someone was quicker"] == "app/core/errors.py"
    assert len(found) > 200
    assert any(place.startswith("frontend/templates") for place in found.values())
    assert "frontend/ts" in found.values()


def test_french_has_every_message() -> None:
    known = french()
    missing = {m: place for m, place in messages().items() if not known.get(m) or not all(known[m])}
    assert not missing, "\n".join(f"{place}: {message!r}" for message, place in sorted(missing.items()))


def test_french_keeps_every_placeholder() -> None:
    """A translation that loses `{seats}` or `%(n)s` would lose the fact."""
    wrong = {
        m: t for m, t in french().items() for each in ([t] if isinstance(t, str) else t) if _holes(m) - _holes(each)
    }
    plural_one = {m for m, t in wrong.items() if isinstance(t, tuple)}  # « un billet » may leave the number out
    assert not wrong.keys() - plural_one, wrong


def _holes(text: str) -> set[str]:
    named = set(re.findall(r"%\((\w+)\)s", text))
    return named | {name for _, name, _, _ in string.Formatter().parse(re.sub(r"%\(\w+\)s", "", text)) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_listed_language_has_a_readable_catalogue(language: str) -> None:
    path = CATALOGUES / language / "LC_MESSAGES" / "placeur.po"
    if language == "en":
        return  # English is the message ids
    with path.open("rb") as file:
        assert read_po(file, locale=language, abort_invalid=True) is not None
