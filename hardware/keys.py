"""CURVE key pairs in files only their owner can read (DEV-1)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import zmq
from msgspec import Struct


class KeyPair(Struct, frozen=True):
    """Both keys in Z85, 40 characters each. The public one names the device in the box office's list."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"  # a log line must not give the secret away


class KeyFileRefused(Exception):
    """The file is not usable as a key; the message says what to do about it."""


def make_pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode("ascii"), secret.decode("ascii"))


def save_pair(pair: KeyPair, path: Path) -> None:
    """Writes a new file of mode 0600; FileExistsError rather than overwriting a device's identity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Born with its permissions: between a write and a chmod somebody could read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(pair)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def load_pair(path: Path) -> KeyPair:
    """Raises `KeyFileRefused` for a file that others can read, or that holds no pair of keys that belong together."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileRefused(f"{path} can be read by others (mode {mode:04o}): chmod 600 it, or make a new key")
    try:
        pair = msgspec.json.decode(path.read_bytes(), type=KeyPair)
        belongs = zmq.curve_public(pair.secret.encode("ascii")).decode("ascii") == pair.public
    except (msgspec.DecodeError, UnicodeEncodeError, ValueError, zmq.ZMQError):
        raise KeyFileRefused(f"{path} is no key file") from None
    if not belongs:
        raise KeyFileRefused(f"the two keys in {path} do not belong together")
    return pair


def load_or_make_pair(path: Path) -> KeyPair:
    try:
        return load_pair(path)
    except FileNotFoundError:
        pair = make_pair()
        save_pair(pair, path)
        return pair
