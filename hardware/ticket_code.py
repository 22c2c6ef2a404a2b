"""The code on a ticket, which a gate believes without a network (ACC-7).

Text: `P1`, then 128 characters of Crockford's base32 over 80 bytes, big endian:

    offset  bytes
    0       1     version of this layout (1)
    1       4     key id: the first 4 bytes of SHA-256 over the raw public key
    5       7     ticket number: its 10 base32 characters as a 50-bit integer
    12      4     performance id
    16      64    Ed25519 signature over `SIGNED_PREFIX` and the 16 bytes above

80 bytes are 640 bits, exactly 128 characters: no spare bit exists that could differ without breaking the signature.
130 characters, all of QR's alphanumeric set, make a version 6 symbol at error correction M (41 × 41 modules): large
enough modules for a 203 dpi printer and a phone's camera in the dark.

The codes come out of scanners that type. So a code is read in either case, with any white space, with the letters
Crockford's alphabet leaves out for their likeness to digits (O, I, L), and as typed by a scanner set to the American
keyboard on a computer set to the French or the German one: the signature says which reading is right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

PREFIX: Final = "P1"
VERSION: Final = 1
SIGNED_PREFIX: Final = b"placeur ticket code\x00"
"""Signed but not printed: a signature made with the same key for another purpose never passes for a ticket."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = len(PREFIX) + 128

BadCodeReason = Literal["malformed", "unknown_key", "forged"]

_CLAIMS_BYTES: Final = 16
_BODY_BYTES: Final = 80
_NUMBER: Final = re.compile(rf"T[{ALPHABET}]{{10}}")
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}

# A scanner presses the keys an American keyboard would need; these tables undo what the computer's layout made of it.
# Letters are upper case here, since the text has been raised already.
_FROM_AZERTY: Final = str.maketrans(
    {"A": "Q", "Q": "A", "Z": "W", "W": "Z", ",": "M", "?": "M"}
    | dict(zip("&É\"'(-È_ÇÀ", "1234567890", strict=True))
    | {"§": "6", "!": "8"}  # the Belgian keyboard
)
_FROM_QWERTZ: Final = str.maketrans({"Y": "Z", "Z": "Y"})


class TicketClaims(Struct, frozen=True):
    """What a code asserts: the ticket's public number (`T` and 10 characters) and the performance it admits to."""

    ticket: str
    performance: int


class BadCode(Exception):
    """A text that admits nobody. `malformed`: not one of our codes, or cut short; `unknown_key`: signed with a key
    this gate does not know (or has not fetched yet); `forged`: the signature does not fit what the code asserts."""

    def __init__(self, reason: BadCodeReason) -> None:
        super().__init__(reason)
        self.reason: BadCodeReason = reason


def key_id(public_key: Ed25519PublicKey) -> bytes:
    """The 4 bytes by which a code names the key it was signed with."""
    return hashlib.sha256(public_key.public_bytes_raw()).digest()[:4]


def key_ring(public_keys: Iterable[bytes]) -> dict[bytes, Ed25519PublicKey]:
    """Raw 32-byte public keys, as they travel to the gates, made into what `verify` takes."""
    keys = [Ed25519PublicKey.from_public_bytes(raw) for raw in public_keys]
    return {key_id(key): key for key in keys}


def sign(claims: TicketClaims, private_key: Ed25519PrivateKey) -> str:
    """The text to print in a ticket's QR code. ValueError when the claims do not fit the layout."""
    if not _NUMBER.fullmatch(claims.ticket):
        raise ValueError(f"not a ticket number: {claims.ticket!r}")
    if not 0 <= claims.performance < 2**32:
        raise ValueError(f"performance id out of range: {claims.performance}")
    said = b"".join(
        (
            bytes([VERSION]),
            key_id(private_key.public_key()),
            _to_int(claims.ticket[1:]).to_bytes(7, "big"),
            claims.performance.to_bytes(4, "big"),
        )
    )
    body = said + private_key.sign(SIGNED_PREFIX + said)
    return PREFIX + _to_base32(int.from_bytes(body, "big"), 128)


def verify(text: str, keys: Mapping[bytes, Ed25519PublicKey]) -> TicketClaims:
    """What a scanned text asserts, once its signature holds. Raises `BadCode` for everything else.

    `keys` maps key ids to public keys (`key_ring`). Whether the ticket was cancelled or used is not in the code.
    """
    verdicts: set[BadCodeReason] = set()
    for reading in _readings(text):
        try:
            return _verify_reading(reading, keys)
        except BadCode as bad:
            verdicts.add(bad.reason)
    # A text that decodes under one keyboard only is judged by that reading, and a known key by its signature.
    for reason in ("forged", "unknown_key"):
        if reason in verdicts:
            raise BadCode(reason)
    raise BadCode("malformed")


def normalise(text: str) -> str:
    """One spelling for a code however it was typed (for look-ups and logs); unreadable text comes back upper-cased."""
    for reading in _readings(text):
        if _looks_like_code(reading):
            return PREFIX + "".join(ALPHABET[_VALUES[character]] for character in reading[2:])
    return "".join(text.split()).upper()


def _readings(text: str) -> tuple[str, ...]:
    # Longer than any code with generous white space: no scanner typed that, do not spend time on it.
    if len(text) > 4 * CODE_LENGTH:
        return ()
    # str.upper() would make SS of ß and two letters of some ligatures; those are not codes either way.
    raised = "".join(text.split()).upper()
    return tuple(dict.fromkeys((raised, raised.translate(_FROM_AZERTY), raised.translate(_FROM_QWERTZ))))


def _looks_like_code(reading: str) -> bool:
    return (
        len(reading) == CODE_LENGTH
        and reading[0] == PREFIX[0]
        and _VALUES.get(reading[1]) == 1
        and all(character in _VALUES for character in reading)
    )


def _verify_reading(reading: str, keys: Mapping[bytes, Ed25519PublicKey]) -> TicketClaims:
    if not _looks_like_code(reading):
        raise BadCode("malformed")
    body = _to_int(reading[2:]).to_bytes(_BODY_BYTES, "big")
    said, signature = body[:_CLAIMS_BYTES], body[_CLAIMS_BYTES:]
    number = int.from_bytes(said[5:12], "big")
    if said[0] != VERSION or number >= 2**50:
        raise BadCode("malformed")
    key = keys.get(said[1:5])
    if key is None:
        raise BadCode("unknown_key")
    try:
        key.verify(signature, SIGNED_PREFIX + said)
    except InvalidSignature:
        raise BadCode("forged") from None
    return TicketClaims(ticket="T" + _to_base32(number, 10), performance=int.from_bytes(said[12:16], "big"))


def _to_int(characters: str) -> int:
    number = 0
    for character in characters:
        number = number << 5 | _VALUES[character]
    return number


def _to_base32(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5))
