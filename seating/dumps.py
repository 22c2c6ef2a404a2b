"""A group as the store has it at one instant, decoded from scripts/dump.lua: what `seating.audit` compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from seating.wire import decode

# The keys that have a member "" from the load on; without it, the key was lost.
MARKED: Final = ("quotas", "carts", "due", "pending", "sold", "qsets", "allot")


class Live(Struct, frozen=True):
    """A performance here. `seats`: how many its plan has; `index`: the longest free runs, a byte a stretch."""

    seats: int
    linked: tuple[int, ...]
    states: bytes
    index: bytes


class Part(Struct, frozen=True):
    """Places of a cart or an order that are alike. `ordinals` of its numbered places, `unnumbered` of the others."""

    performance: int
    quotas: tuple[str, ...]
    allotment: str
    ordinals: list[int]
    unnumbered: int = 0
    expires_ms: int = 0

    @property
    def count(self) -> int:
        return len(self.ordinals) + self.unnumbered


class Cart(Struct, frozen=True):
    ref: str
    parts: list[Part]


class Order(Struct, frozen=True):
    """`since_ms`: when it was promised, by the store's clock."""

    sold: bool
    since_ms: int
    parts: list[Part]


class Allotted(Struct, frozen=True):
    """An allotment here: `byte` 0 for one of quantities, of which `left` are kept back in each of `quotas`."""

    label: str
    release_ms: int
    performance: int
    byte: int
    left: int
    quotas: tuple[str, ...]


class Dump(Struct, frozen=True):
    """`used`, `limits` and `kept` by quota; `due` scores by member; `bytes_of` the allotment of each byte by
    performance. `broken` names keys that were lost or hold what nobody can read."""

    performances: dict[int, Live]
    used: dict[str, int]
    limits: dict[str, int]
    kept: dict[str, int]
    carts: dict[str, Cart]
    due: dict[str, float]
    orders: dict[str, Order]
    allotments: dict[str, Allotted]
    bytes_of: dict[tuple[int, int], str]
    broken: tuple[str, ...]


def read_dump(answer: Sequence[Any]) -> Dump:
    """From `Inventory.dump`."""
    meta, quotas, carts, due, pending, sold, sets, allotted, *strings = answer
    fields = _texts(meta)
    broken = [
        name
        for name, flat in zip(MARKED, (quotas, carts, due, pending, sold, sets, allotted), strict=True)
        if b"" not in flat[::2]
    ]
    lists = {
        int(name[1:]): tuple(text.split("\n") if text else ()) for name, text in _texts(sets).items() if name[0] == "#"
    }
    records = {}
    for name, flat in (("carts", carts), ("pending", pending), ("sold", sold), ("allot", allotted)):
        try:
            records[name] = _records(flat)
        except msgspec.DecodeError:
            broken.append(name)
            records[name] = {}
    counters: dict[str, dict[str, int]] = {"u": {}, "l": {}, "r": {}}
    for field, value in _texts(quotas).items():
        if field and field[0] in counters:
            counters[field[0]][field[1:]] = int(value)
    orders = {code: Order(False, raw[1], [_part(line) for line in raw[5]]) for code, raw in records["pending"].items()}
    for code, (since_s, lines) in records["sold"].items():
        if any(line[2] not in lists for line in lines):
            broken.append("qsets")
        parts = [
            Part(performance, lists.get(number, ()), allotment, ordinals, len(ids))
            for performance, _, number, allotment, ordinals, ids in lines
        ]
        orders[code] = Order(True, since_s * 1000, parts)
    return Dump(
        performances=_performances(fields, strings),
        used=counters["u"],
        limits=counters["l"],
        kept=counters["r"],
        carts={name: Cart(raw[0], [_part(line) for line in raw[4]]) for name, raw in records["carts"].items()},
        due={member.decode(): float(score) for member, score in zip(due[::2], due[1::2], strict=True) if member},
        orders=orders,
        allotments={
            id: Allotted(label, release_ms, performance, byte, left, tuple(counted))
            for id, (label, release_ms, performance, byte, left, counted) in records["allot"].items()
        },
        bytes_of=_bytes_of(fields),
        broken=tuple(dict.fromkeys(broken)),
    )


def _performances(fields: dict[str, str], strings: Sequence[bytes]) -> dict[int, Live]:
    found = {}
    for at, text in enumerate(fields["perfs"].split(",") if fields.get("perfs") else ()):
        linked = fields.get("k" + text, "")
        found[int(text)] = Live(
            seats=int(fields.get("n" + text, 0)),
            linked=tuple(map(int, linked.split(","))) if linked else (),
            states=strings[2 * at],
            index=strings[2 * at + 1],
        )
    return found


def _bytes_of(fields: dict[str, str]) -> dict[tuple[int, int], str]:
    found = {}
    for field, id in fields.items():
        performance, colon, byte = field[1:].partition(":")
        if field[0] == "b" and colon:
            found[int(performance), int(byte)] = id
    return found


def _part(line: Sequence[Any]) -> Part:
    performance, _, quotas, expires_ms, allotment, _, _, places = line
    ordinals = [ordinal for ordinal in places[1::2] if ordinal >= 0]
    return Part(performance, tuple(quotas), allotment, ordinals, len(places) // 2 - len(ordinals), expires_ms)


def _records(flat: Sequence[bytes]) -> dict[str, Any]:
    """A hash of msgpack values, decoded in one go as if they were an array: there may be a stadium's orders."""
    names, values = flat[::2], flat[1::2]
    kept = [(name, value) for name, value in zip(names, values, strict=True) if name]
    whole = decode(b"\xdd" + len(kept).to_bytes(4, "big") + b"".join(value for _, value in kept))
    return {name.decode(): raw for (name, _), raw in zip(kept, whole, strict=True)}


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True) if name}
