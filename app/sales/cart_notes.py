"""What is remembered of a cart beside its holds: where it holds, which keys it was shown, what its owner must be told.

One Redis hash per cart, gone a day after its last change; like the cart itself it may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from app.core.redis import redis

REMEMBERED_S: Final = 86_400


class CartNotes(Struct, frozen=True):
    """`group`: the inventory group it holds in, if it ever held anything. `opens`: names of allotments and allotted
    seats (see `app.sales.kept`)."""

    group: str | None = None
    opens: tuple[str, ...] = ()


async def read_notes(token: str) -> CartNotes:
    found = {_text(k): _text(v) for k, v in (await redis().hgetall(_key(token))).items()}
    return CartNotes(found.get("group"), tuple(sorted(k[5:] for k in found if k.startswith("open:"))))


async def note_group(token: str, group: str) -> None:
    await _write(token, {"group": group})


async def note_opens(token: str, names: Iterable[str]) -> None:
    await _write(token, {f"open:{name}": "1" for name in names})


async def _write(token: str, fields: Mapping[Any, Any]) -> None:
    # One connection's worth of commands in a row: a hash that lost its second one would stay for ever.
    async with redis().pipeline(transaction=True) as both:
        both.hset(_key(token), mapping=fields)
        both.expire(_key(token), REMEMBERED_S)
        await both.execute()


def _key(token: str) -> str:
    return f"cart:{token}"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
