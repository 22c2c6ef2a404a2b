"""The public halves of the keys that may have signed a ticket (ACC-7)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.clock import now
from app.core.db import connection
from app.sales.ticket_codes import private_key
from hardware.ticket_code import key_id, key_ring


async def register_key() -> None:
    """Publish this installation's verifying key, once; gates fetch all that were ever used and not retired."""
    public = private_key().public_key()
    async with connection() as ledger:
        await ledger.execute(
            "INSERT INTO access.signing_key (key_id, public_key, created_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (key_id) DO NOTHING",
            key_id(public).hex(), public.public_bytes_raw().hex(), now(),
        )  # fmt: skip


async def public_keys() -> tuple[bytes, ...]:
    """Raw 32-byte verifying keys."""
    async with connection() as reader:
        rows = await reader.fetch("SELECT public_key FROM access.signing_key WHERE retired_at IS NULL ORDER BY id")
    return tuple(bytes.fromhex(row["public_key"]) for row in rows)


async def verifying_keys() -> dict[bytes, Ed25519PublicKey]:
    return key_ring(await public_keys())
