"""6 UTF-8: messages and fragments of valid text, and everything that only looks like it, after Markus Kuhn's table."""

from __future__ import annotations

from tests.realtime.autobahn.case import INVALID_TEXT, SILENCE, Case, Processed, Send
from tests.realtime.autobahn.sections._tables import answer, at_once, echo, last, more, text

TITLE = "UTF-8 Handling"

_ACCENTS = "Hello-µ@ßöäüàá-UTF-8!!".encode()
_GREEK = bytes.fromhex("ceba e1bdb9 cf83 cebc ceb5")
"""κόσμε in 5 code points; its ό is U+1F79, which many an editor would turn into another."""
_SURROGATE = _GREEK + b"\xed\xa0\x80" + b"edited"
_BEYOND = _GREEK + b"\xf4\x90\x80\x80" + b"edited"
"""In the middle U+110000, one beyond the last code point; its second byte, the 13th, gives it away."""


def _in_fragments(*parts: bytes) -> tuple[Send, ...]:
    return at_once(text(parts[0], fin=False), *map(more, parts[1:-1]), last(parts[-1]))


def _by_byte(payload: bytes) -> tuple[Send, ...]:
    """Each byte in a fragment of its own."""
    return _in_fragments(*[payload[at : at + 1] for at in range(len(payload))])


def _cut(payload: bytes, *places: int) -> list[bytes]:
    return [payload[start:end] for start, end in zip((0, *places), (*places, len(payload)), strict=True)]


def _fail_fast_by_frame(number: str, title: str, *places: int) -> Case:
    """In three fragments. A server that fails with the second never answers the second ping."""
    first, second, third = _cut(_BEYOND, *places)
    steps = (
        *(Send(text(first, fin=False)), Processed(b"first")),
        *(Send(more(second)), Processed(b"second")),
        Send(last(third)),
    )
    both = (answer(b"first"), answer(b"second"))
    return Case(number, title, steps, ok=both[:1], non_strict=both, ending=INVALID_TEXT)


def _fail_fast_by_chop(number: str, title: str, *places: int) -> Case:
    """In one frame, which comes in three pieces."""
    head = len(text(_BEYOND)) - len(_BEYOND)
    first, second, third = _cut(text(_BEYOND), *(head + place for place in places))
    steps = (Send(first), Send(second), Processed(), Send(third))
    return Case(number, title, steps, ok=(), non_strict=(SILENCE,), ending=INVALID_TEXT)


_FRAGMENTS = (
    Case("6.1.1", "an empty text", at_once(text(b"")), ok=(echo(b""),)),
    Case("6.1.2", "3 empty fragments", _in_fragments(b"", b"", b""), ok=(echo(b""),)),
    Case("6.1.3", "one that is not empty between two", _in_fragments(b"", b"middle", b""), ok=(echo(b"middle"),)),
    Case("6.2.1", "valid, whole", at_once(text(_ACCENTS)), ok=(echo(_ACCENTS),)),
    Case("6.2.2", "valid, cut between code points", _in_fragments(*_cut(_ACCENTS, 14)), ok=(echo(_ACCENTS),)),
    Case("6.2.3", "valid, each byte a fragment", _by_byte(_ACCENTS), ok=(echo(_ACCENTS),)),
    Case("6.2.4", "Greek, each byte a fragment", _by_byte(_GREEK), ok=(echo(_GREEK),)),
    Case("6.3.1", "a surrogate, whole", at_once(text(_SURROGATE)), ending=INVALID_TEXT),
    Case("6.3.2", "a surrogate, each byte a fragment", _by_byte(_SURROGATE), ending=INVALID_TEXT),
    _fail_fast_by_frame("6.4.1", "beyond Unicode in the second of 3 fragments", 11, 15),
    _fail_fast_by_frame("6.4.2", "the same, up to the byte that shows it", 12, 13),
    _fail_fast_by_chop("6.4.3", "the same in one frame that comes in 3 pieces", 11, 15),
    _fail_fast_by_chop("6.4.4", "the same, up to the byte that shows it", 12, 13),
)

_CUT_SHORT = tuple(
    map(
        bytes.fromhex,
        ("c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"),
    )
)
_STARTS = ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))
_NONCHARACTERS = tuple(chr(plane << 16 | 0xFFFE | low).encode() for plane in range(1, 17) for low in (0, 1))


def _hex(*texts: str) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, texts))


SEQUENCES: dict[str, tuple[bytes, ...]] = {
    "6.5 some valid text": (*(f"hello{sign}world".encode() for sign in "$¢€\U00024b62"), _GREEK),
    "6.6 all prefixes of a valid text": tuple(_GREEK[:end] for end in range(1, len(_GREEK) + 1)),
    "6.7 the first sequence of each length": _hex("00", "c280", "e0a080", "f0908080"),
    "6.8 the first of 5 and 6 bytes": _hex("f888808080", "fc8480808080"),
    "6.9 the last sequence of each length": _hex("7f", "dfbf", "efbfbf", "f48fbfbf"),
    "6.10 the last of 4, 5 and 6 bytes": _hex("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
    "6.11 other boundaries": _hex("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080"),
    "6.12 continuation bytes of nothing": (
        *_hex("80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"),
        bytes(range(0x80, 0xBF)),
    ),
    "6.13 lonely start bytes": tuple(b"".join(bytes([n, 0x20]) for n in range(*ends)) for ends in _STARTS),
    "6.14 the last byte is missing": _CUT_SHORT,
    "6.15 all of these in a row": (b"".join(_CUT_SHORT),),
    "6.16 impossible bytes": _hex("fe", "ff", "fefeffff"),
    "6.17 an overlong slash": _hex("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"),
    "6.18 the longest overlong ones": _hex("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
    "6.19 an overlong NUL": _hex("c080", "e08080", "f0808080", "f880808080", "fc8080808080"),
    "6.20 single surrogates": _hex("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
    "6.21 pairs of surrogates": tuple(
        bytes.fromhex(high + low) for high in ("eda080", "edadbf", "edae80", "edafbf") for low in ("edb080", "edbfbf")
    ),
    "6.22 code points that are no characters": (*_hex("efbfbe", "efbfbf"), *_NONCHARACTERS),
    "6.23 specials": tuple(map(bytes, (chr(point).encode() for point in range(0xFFF9, 0x10000)))),
}


_INVALID_GROUPS = {"6.8", "6.10", *(f"6.{group}" for group in range(12, 22))}
_INVALID = {"6.6.1", "6.6.3", "6.6.4", "6.6.6", "6.6.8", "6.6.10", "6.11.5"}
"""Said here and not asked of Python's decoder, which is the one under examination."""


def _sequences() -> list[Case]:
    cases = []
    for heading, sequences in SEQUENCES.items():
        group, _, what = heading.partition(" ")
        for n, payload in enumerate(sequences, 1):
            number, steps, title = f"{group}.{n}", at_once(text(payload)), f"{what}: {payload.hex()}"
            if group in _INVALID_GROUPS or number in _INVALID:
                cases.append(Case(number, title, steps, ending=INVALID_TEXT))
            else:
                cases.append(Case(number, title, steps, ok=(echo(payload),)))
    return cases


CASES = (*_FRAGMENTS, *_sequences())
