"""The code on a ticket (ACC-7): it survives scanners, and nothing else."""

from __future__ import annotations

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hardware.ticket_code import (
    ALPHABET,
    CODE_LENGTH,
    BadCode,
    TicketClaims,
    key_id,
    key_ring,
    normalise,
    sign,
    verify,
)

THEATRE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = key_ring([THEATRE.public_key().public_bytes_raw()])
CLAIMS = TicketClaims(ticket="T0123456789", performance=34)
CODE = sign(CLAIMS, THEATRE)

numbers = st.text(ALPHABET, min_size=10, max_size=10).map(lambda characters: "T" + characters)
claims = st.builds(TicketClaims, ticket=numbers, performance=st.integers(0, 2**32 - 1))


def reason_for(text: str) -> str:
    with pytest.raises(BadCode) as refused:
        verify(text, KEYS)
    return refused.value.reason


def typed_on(layout: dict[str, str], code: str) -> str:
    return "".join(layout.get(character, character) for character in code)


@given(claims)
def test_what_was_signed_is_what_is_read(said: TicketClaims) -> None:
    assert verify(sign(said, THEATRE), KEYS) == said


@given(claims, st.integers(0, CODE_LENGTH - 1), st.sampled_from(ALPHABET))
def test_any_changed_character_is_refused(said: TicketClaims, position: int, character: str) -> None:
    code = sign(said, THEATRE)
    if code[position] == character:
        assert verify(code, KEYS) == said
        return
    with pytest.raises(BadCode):
        verify(code[:position] + character + code[position + 1 :], KEYS)


@given(st.integers(0, CODE_LENGTH - 1))
def test_a_truncated_code_is_malformed(length: int) -> None:
    assert reason_for(CODE[:length]) == "malformed"
    assert reason_for(CODE[CODE_LENGTH - length :]) == "malformed"


@given(st.text(max_size=300))
def test_any_text_at_all_gets_an_answer(text: str) -> None:
    assert reason_for(text) in {"malformed", "unknown_key", "forged"}


@given(st.lists(st.tuples(st.integers(0, CODE_LENGTH), st.sampled_from(" \t\r\n")), max_size=8), st.booleans())
def test_case_and_white_space_do_not_matter(blanks: list[tuple[int, str]], lower: bool) -> None:
    text = CODE.lower() if lower else CODE
    for position, blank in blanks:
        text = text[:position] + blank + text[position:]
    assert verify(text, KEYS) == CLAIMS


@pytest.mark.parametrize("likeness", ["O", "o"])
def test_the_letter_o_is_read_as_zero(likeness: str) -> None:
    assert verify(CODE.replace("0", likeness), KEYS) == CLAIMS


@pytest.mark.parametrize("likeness", ["I", "i", "L", "l"])
def test_the_letters_i_and_l_are_read_as_one(likeness: str) -> None:
    assert verify(CODE.replace("1", likeness), KEYS) == CLAIMS


def test_a_scanner_on_a_french_keyboard_is_understood() -> None:
    """Unshifted keys of an American layout, as a French computer types them: digits become `&é"'(-è_çà`."""
    azerty = dict(zip("1234567890", "&é\"'(-è_çà", strict=True))
    azerty |= {"a": "q", "q": "a", "z": "w", "w": "z", "m": ","}
    typed = typed_on(azerty, CODE.lower())
    assert typed.startswith("p&")
    assert verify(typed, KEYS) == CLAIMS
    assert normalise(typed) == CODE


@given(claims)
def test_a_scanner_on_a_german_keyboard_is_understood(said: TicketClaims) -> None:
    code = sign(said, THEATRE)
    assert verify(typed_on({"Y": "Z", "Z": "Y"}, code), KEYS) == said


def test_a_code_signed_by_someone_else_is_of_an_unknown_key() -> None:
    assert reason_for(sign(CLAIMS, STRANGER)) == "unknown_key"


def test_naming_our_key_does_not_make_a_signature() -> None:
    """A forger who writes our key id over his own is found by the signature."""
    with pytest.raises(BadCode) as refused:
        verify(sign(CLAIMS, STRANGER), {key_id(STRANGER.public_key()): THEATRE.public_key()})
    assert refused.value.reason == "forged"


def test_a_signature_made_for_another_purpose_is_no_ticket() -> None:
    """The same key signing the bare claims (as some other document might) does not admit."""
    body = b"\x01" + key_id(THEATRE.public_key()) + (5).to_bytes(7, "big") + (34).to_bytes(4, "big")
    number = int.from_bytes(body + THEATRE.sign(body), "big")
    code = "P1" + "".join(ALPHABET[number >> shift & 31] for shift in range(635, -1, -5))
    assert reason_for(code) == "forged"


@pytest.mark.parametrize("number", ["", "T123", "C0123456789", "T012345678U", "t0123456789", "T01234567891"])
def test_what_is_no_ticket_number_is_not_signed(number: str) -> None:
    with pytest.raises(ValueError, match="not a ticket number"):
        sign(TicketClaims(ticket=number, performance=1), THEATRE)


def test_the_qr_code_stays_small_enough_for_a_thermal_printer() -> None:
    """Version 7 has 45 modules a side; the code must fit at error correction M."""
    barcode = zxingcpp.create_barcode(CODE, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules = barcode.to_image(scale=1, add_quiet_zones=False).shape[0]
    assert modules <= 45
    assert (modules - 17) // 4 == 6
