"""Languages: gettext catalogues read by Babel, dates and money in the reader's own form (CAT-9).

Message ids are English. Catalogues are the .po files themselves, read once per process; there is no compile step to
forget. A language without a translation falls back to English.
"""

from __future__ import annotations

import contextvars
import functools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.core import Locale, negotiate_locale
from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en", "es", "it", "de", "pt", "nl")
DEFAULT = "en"
CATALOGUES = Path(__file__).resolve().parents[2] / "frontend" / "locale"

_locale: contextvars.ContextVar[str] = contextvars.ContextVar("locale", default=DEFAULT)


def N_(message: str) -> str:
    """Mark a message id that is translated later."""
    return message


@functools.cache
def catalogue(language: str) -> Catalog:
    path = CATALOGUES / language / "LC_MESSAGES" / "placeur.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def current_locale() -> str:
    return _locale.get()


def set_locale(language: str) -> contextvars.Token[str]:
    return _locale.set(language if language in LANGUAGES else DEFAULT)


@contextmanager
def locale_of(language: str) -> Iterator[None]:
    """Everything translated inside is in `language`: for mails and documents."""
    token = set_locale(language)
    try:
        yield
    finally:
        _locale.reset(token)


def gettext(message: str) -> str:
    found = catalogue(current_locale()).get(message)
    if found is not None and not found.fuzzy and isinstance(found.string, str) and found.string:
        return found.string
    return message


def ngettext(singular: str, plural: str, number: int) -> str:
    known = catalogue(current_locale())
    found = known.get(singular)
    if found is not None and not found.fuzzy and isinstance(found.string, tuple):
        chosen = found.string[min(_plural_index(current_locale(), number), len(found.string) - 1)]
        if chosen:
            return chosen
    return singular if number == 1 else plural


def _plural_index(language: str, number: int) -> int:
    """gettext's index: French and Portuguese count zero as singular."""
    if language in {"fr", "pt"}:
        return int(number > 1)
    return int(number != 1)


def negotiate(forced: str | None, remembered: str | None, header: str | None) -> str:
    """`language=` first, then the cookie, then the browser's own order of preference (CAT-9)."""
    for asked in (forced, remembered):
        if asked in LANGUAGES:
            return str(asked)
    return negotiate_locale(_preferred(header or ""), list(LANGUAGES)) or DEFAULT


def _preferred(header: str) -> list[str]:
    """The languages of an Accept-Language header, best first; q=0 is a refusal, a weight that is none counts as 1."""
    weighed = []
    for part in header.split(","):
        name, _, rest = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", rest)
        weighed.append((name.strip().replace("-", "_"), float(weight[1]) if weight else 1.0))
    return [name for name, weight in sorted(weighed, key=lambda each: -each[1]) if name and weight > 0]


def translated(texts: Mapping[str, str] | str, language: str | None = None) -> str:
    """An organiser's text in the reader's language, else English, else whatever there is (CAT-9)."""
    if isinstance(texts, str):
        return texts
    for asked in (language or current_locale(), DEFAULT):
        if texts.get(asked):
            return texts[asked]
    return next((text for text in texts.values() if text), "")


def show_date(moment: datetime, zone: str, form: str = "full", language: str | None = None) -> str:
    """« samedi 12 décembre 2026 »; `form` is Babel's full, long, medium, short or a pattern."""
    asked = language or current_locale()
    written = format_date(moment.astimezone(ZoneInfo(zone)), form, locale=asked)
    # The first of a month is an ordinal in French, which no pattern of Babel's can say.
    return _FIRST_BEFORE_MONTH.sub("1er", written) if asked == "fr" else written


_FIRST_BEFORE_MONTH = re.compile(r"(?<!\d)1(?=\s[^\W\d])")


def show_time(moment: datetime, zone: str, language: str | None = None) -> str:
    return format_time(moment.astimezone(ZoneInfo(zone)), "short", locale=language or current_locale())


def language_names() -> list[tuple[str, str]]:
    """Each language by its own name."""
    return [(code, (Locale.parse(code).get_display_name(code) or code).capitalize()) for code in LANGUAGES]


_IN_SCRIPT = re.compile(r"""\bt[n]?\(\s*("(?:[^"\\\\]|\\\\.)*")(?:\s*,\s*("(?:[^"\\\\]|\\\\.)*"))?""")


@functools.cache
def script_messages() -> frozenset[str]:
    """The message ids that the browser code asks for, read from its sources: nothing to register by hand."""
    return frozenset(
        json.loads(literal)
        for path in (CATALOGUES.parent / "ts").rglob("*.ts")
        for literal in (m[1] for m in _IN_SCRIPT.finditer(path.read_text(encoding="utf-8")))
    )


@functools.cache
def strings_for_scripts(language: str) -> dict[str, str | list[str]]:
    """Message id -> translation (a list of plural forms where it has them), for the page's catalogue."""
    wanted = script_messages()
    found: dict[str, str | list[str]] = {}
    for message in catalogue(language):
        key = message.id[0] if isinstance(message.id, (list, tuple)) else message.id
        if key in wanted and message.string and any(message.string):
            found[key] = list(message.string) if isinstance(message.string, (list, tuple)) else message.string
    return found
