"""Passwords are kept as Argon2id hashes (RFC 9106's second recommended set is the library's default)."""

from __future__ import annotations

import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN = 10


@functools.cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def hash_password(password: str) -> str:
    """Raises ValueError for one that is too short to protect anything."""
    if len(password) < LENGTH_MIN:
        raise ValueError(f"A password has at least {LENGTH_MIN} characters.")
    return _hasher().hash(password)


def password_fits(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@functools.cache
def nobodys_hash() -> str:
    """Checked when the account does not exist, so that the answer takes as long."""
    return _hasher().hash("nobody has this password")
