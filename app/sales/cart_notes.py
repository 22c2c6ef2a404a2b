"""What is remembered of a cart beside its holds: where it holds, which keys it was shown, what its owner must be told.

One Redis hash per cart, gone a day after its last change; like the cart itself it may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from app.core.redis import redis

REMEMBERED_S: Final = 86_400


class Notice(Struct, frozen=True):
    """regrouped: the house rearranged its sales, and the holds were given back. taken_over: a counter has them now."""

    code: Literal["regrouped", "taken_over"]
    by: str = ""


class CartNotes(Struct, frozen=True):
    """`group`: the inventory group it holds in, if it holds anything, and of which event. `opens`: names of allotments
    and allotted seats (see `app.sales.kept`). `notice`: what became of its holds, and by whom."""

    group: str | None = None
    event: int = 0
    opens: tuple[str, ...] = ()
    notice: Notice | None = None


async def read_notes(token: str) -> CartNotes:
    found = {_text(k): _text(v) for k, v in (await redis().hgetall(_key(token))).items()}
    notice = found.get("notice")
    return CartNotes(
        found.get("group"),
        int(found.get("event", "0")),
        tuple(sorted(k[5:] for k in found if k.startswith("open:"))),
        msgspec.json.decode(notice, type=Notice) if notice else None,
    )


async def note_group(token: str, group: str, event: int) -> None:
    """It holds there from now on; what its owner was told before is history."""
    await _write(token, {"group": group, "event": event}, gone=("notice",))


async def note_ref(token: str, ref: str) -> None:
    """Cashiers may take it over by its public name."""
    await redis().set(f"cart-ref:{ref}", token, ex=REMEMBERED_S)


async def find_token(ref: str) -> str | None:
    found = await redis().get(f"cart-ref:{ref}")
    return _text(found) if found is not None else None


async def note_loss(token: str, notice: Notice) -> None:
    """It holds nothing any more, for this reason."""
    await _write(token, {"notice": msgspec.json.encode(notice)}, gone=("group", "event"))


async def note_opens(token: str, names: Iterable[str]) -> None:
    await _write(token, {f"open:{name}": "1" for name in names})


async def _write(token: str, fields: Mapping[Any, Any], gone: tuple[str, ...] = ()) -> None:
    # Together: a hash that missed its expiry would stay for ever.
    async with redis().pipeline(transaction=True) as pipe:
        pipe.hset(_key(token), mapping=fields)
        if gone:
            pipe.hdel(_key(token), *gone)
        pipe.expire(_key(token), REMEMBERED_S)
        await pipe.execute()


def _key(token: str) -> str:
    return f"cart:{token}"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
