"""The steps of the inventory as Lua: one file a verb, each preceded by the shared parts it names on its first line."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

from msgspec import Struct

_HERE = Path(__file__).parent
# Shared by steps, no steps themselves.
PARTS: Final = ("carts", "choose", "core", "parties", "place", "quotas", "search", "sold")


class Script(Struct, frozen=True):
    name: str
    text: str
    sha: str


@functools.cache
def script(name: str) -> Script:
    """A step by the name of its file."""
    text = (_HERE / f"{name}.lua").read_text(encoding="utf-8")
    first, _, _ = text.partition("\n")
    parts = first.removeprefix("-- needs:").split() if first.startswith("-- needs:") else []
    whole = "\n".join([*((_HERE / f"{part}.lua").read_text(encoding="utf-8") for part in parts), text])
    # Redis names a script by its SHA-1; this is no use of it as a safeguard.
    return Script(name, whole, hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest())


def names() -> tuple[str, ...]:
    """All steps, without the shared parts."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.lua") if path.stem not in PARTS))
