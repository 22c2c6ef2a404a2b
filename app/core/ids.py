"""Public references: unguessable, short enough to read out, without look-alikes (Crockford's base 32, ORD-2)."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 10  # 50 bits: guessing one of a million live orders takes a billion tries


def new_reference(prefix: str) -> str:
    """`C…` for orders, `T…` for tickets."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(REFERENCE_LENGTH))


def new_token() -> str:
    """An unguessable bearer token, 128 bits."""
    return secrets.token_urlsafe(16)


def digest_of(token: str) -> str:
    """What the ledger keeps of a bearer token: a thief of the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()
