"""What the QR code of a ticket says, signed (ACC-7). Gates verify it with the public keys that `app.access` keeps."""

from __future__ import annotations

import functools

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.settings import get_settings
from hardware.ticket_code import TicketClaims, sign


@functools.cache
def private_key() -> Ed25519PrivateKey:
    """Raises RuntimeError without PLACEUR_TICKET_KEY: tickets that nobody can verify must not be sold."""
    secret = get_settings().ticket_key
    if not secret:
        raise RuntimeError("PLACEUR_TICKET_KEY is not set: `placeur check --new-key` makes one.")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))


def code_of(ticket: str, performance: int) -> str:
    return sign(TicketClaims(ticket, performance), private_key())
