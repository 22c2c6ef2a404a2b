"""The demo's secrets: made once per data directory, readable by its owner only, handed to the processes by environment.

Devices' CURVE key pairs are files of their own (`hardware.keys`), since a real device keeps its pair beside itself and
only tells its public key.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from hardware.keys import load_or_make_pair

DEVICES = ("hub", "printer-agent", "gate-agent")


def demo_secrets(data: Path) -> dict[str, str]:
    """Settings' variables and their values, made where they are missing."""
    path = data / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "PLACEUR_TICKET_KEY": secrets.token_bytes(32).hex(),
        "PLACEUR_CARD_SECRET_KEY": "sk_test_" + secrets.token_hex(16),
        "PLACEUR_CARD_WEBHOOK_SECRET": "whsec_" + secrets.token_hex(16),
    }
    if made.keys() - known.keys():
        known = {**made, **known}
        _write_private(path, json.dumps(known, indent=2))
    return known


def device_keys(data: Path, name: str) -> tuple[str, str]:
    """The (public, secret) CURVE keys of one of DEVICES, made when it has none."""
    pair = load_or_make_pair(device_key_file(data, name))
    return pair.public, pair.secret


def device_key_file(data: Path, name: str) -> Path:
    """Where the key pair of one of DEVICES is."""
    return data / "keys" / f"{name}.json"


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not even for a moment; never half written."""
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    half.replace(path)
