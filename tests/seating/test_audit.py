"""A group in the middle of a sale contradicts neither itself nor its ledger; every harm done to it is named (LIVE-10,
QUO-1, SEA-7, AHEAD-2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from seating.audit import SENTENCES, WORDS, Difference, contradictions, differences
from seating.dumps import Dump, read_dump
from seating.plan import Plan
from seating.store import (
    BLOCKED,
    FREE,
    HELD,
    LINKED,
    PENDING,
    SOLD,
    USED,
    Allotment,
    GroupState,
    HeldItem,
    Inventory,
    OrderState,
    PerformanceState,
    Quantity,
    QuotaState,
)
from tests.seating.houses import sketch
from tests.seating.shop import EVENT, FAIR, GROUP, PRESS, SCHOOL, TAG, TOMORROW, TONIGHT, have, seats

PASS, MATCH = 40, 41
C1 = tuple(HeldItem(f"T{seat}", TONIGHT, seat, 5, (EVENT,)) for seat in (4, 5))
FAIRGOERS = tuple(HeldItem(f"F{n}", FAIR, -1, 5, (EVENT,)) for n in range(3))


@pytest.fixture
def plan() -> Plan:
    return sketch("..........", "..wc......", "ssssssssss")


def ledger(plan: Plan, **changes: Any) -> GroupState:
    """Seats 4 and 5 sold, 6 used, three places of the fair, a seat blocked; allotments; a season pass and its match."""
    known = bytearray(30)
    known[4] = known[5] = SOLD
    known[6], known[29] = USED, BLOCKED
    evening = PerformanceState(TONIGHT, plan, bytes(known))
    empty = [PerformanceState(TOMORROW, plan), PerformanceState(FAIR, None)]
    linked = [PerformanceState(PASS, plan), PerformanceState(MATCH, plan)]
    used = HeldItem("T6", TONIGHT, 6, 5, (EVENT,))
    return msgspec.structs.replace(
        GroupState(
            GROUP,
            (evening, *empty, *linked),
            (QuotaState(EVENT, 60, 6), QuotaState("all", None, 0)),
            (OrderState("C1", True, C1), OrderState("C6", True, (used,)), OrderState("CF", True, FAIRGOERS)),
            allotments=(
                Allotment(PRESS, "Press", TONIGHT, (20, 21), release_at_ms=4_000_000_000_000),
                Allotment(SCHOOL, "School", FAIR, quantity=5, quotas=(EVENT,)),
            ),
            links=((PASS, MATCH),),
        ),
        **changes,
    )


@pytest.fixture
async def busy(inventory: Inventory, plan: Plan) -> Inventory:
    """Carts of every kind, an order being paid, a seat of the season pass."""
    await inventory.load(ledger(plan), only_if_missing=False)
    await have(inventory, "alice", seats(0, 1, quotas=(EVENT, "all")), seats(2, quotas=(EVENT,), performance=TOMORROW))
    await have(inventory, "reporter", seats(20, quotas=(EVENT,)), keys=(PRESS,))
    await have(inventory, "teacher", Quantity(FAIR, 2, 5, (EVENT,), SCHOOL), keys=(SCHOOL,))
    await have(inventory, "fan", seats(7, quotas=(), performance=PASS))
    await have(inventory, "basile", seats(8, quotas=(EVENT,)), Quantity(FAIR, 1, 5, (EVENT,)))
    await inventory.promise(GROUP, "basile", "C2")
    return inventory


async def look(inventory: Inventory) -> Dump:
    return read_dump(await inventory.dump(GROUP))


async def inside(inventory: Inventory, plan: Plan) -> list[Difference]:
    return contradictions(await look(inventory), dict.fromkeys((TONIGHT, TOMORROW, PASS, MATCH), plan))


def codes(found: list[Difference]) -> set[str]:
    return {each.code for each in found}


async def test_a_group_in_use_contradicts_neither_itself_nor_the_ledger(busy: Inventory, plan: Plan) -> None:
    """Also after every step that changes hands."""
    young = await busy.now_ms(GROUP) - 30_000
    assert await inside(busy, plan) == []
    assert differences(await look(busy), ledger(plan), young_since_ms=young) == []
    assert await busy.sell(GROUP, "C2")
    assert await busy.mark_used(GROUP, TONIGHT, 5)
    assert await busy.give_back(GROUP, "CF", FAIRGOERS[:1]) == 1
    assert await busy.release(GROUP, "fan") == 1
    assert await busy.release_allotment(GROUP, SCHOOL) == 3
    assert await busy.exchange(GROUP, "C1", TONIGHT, 4, 9, tariff=5, quotas=(EVENT,))
    assert await inside(busy, plan) == []


Harm = Callable[[Redis], Awaitable[Any]]


def state_of(performance: int, ordinal: int, byte: int) -> Harm:
    return lambda redis: redis.setrange(f"{TAG}:p:{performance}:states", ordinal, chr(byte))


def command(*words: Any) -> Harm:
    key, rest = f"{TAG}:{words[1]}", words[2:]
    return lambda redis: redis.execute_command(words[0], key, *rest)  # type: ignore[no-untyped-call]


INSIDE: dict[str, tuple[Harm, set[str]]] = {
    "a held seat looks free": (state_of(TONIGHT, 0, FREE), {"cart_without_seat"}),
    "a free seat looks held": (state_of(TONIGHT, 12, HELD), {"held_by_nobody", "index_wrong"}),
    "a free seat looks pending": (state_of(TONIGHT, 12, PENDING), {"pending_without_order", "index_wrong"}),
    "a free seat looks sold": (state_of(TONIGHT, 12, SOLD), {"sold_without_order", "index_wrong"}),
    "a sold seat looks free": (state_of(TONIGHT, 4, FREE), {"order_without_seat", "index_wrong"}),
    "a used seat looks held": (state_of(TONIGHT, 6, HELD), {"order_without_seat", "held_by_nobody"}),
    "a pending seat looks sold": (state_of(TONIGHT, 8, SOLD), {"order_without_seat", "sold_without_order"}),
    "an order's record is gone": (command("HDEL", "sold", "C1"), {"sold_without_order", "quota_use"}),
    "a pending order's record is gone": (command("HDEL", "pending", "C2"), {"pending_without_order", "quota_use"}),
    "a counter is too high": (command("HINCRBY", "quotas", f"u{EVENT}", 1), {"quota_use"}),
    "a counter is too low": (command("HINCRBY", "quotas", "uall", -1), {"quota_use"}),
    "a counter is gone": (command("HDEL", "quotas", f"u{EVENT}"), {"quota_unknown"}),
    "more is kept back than by allotments": (command("HINCRBY", "quotas", f"r{EVENT}", 1), {"quota_kept"}),
    "the index of free seats is out of date": (command("SETRANGE", "p:34:i0", 0, "\x01"), {"index_wrong"}),
    "a cart would never lapse": (lambda redis: redis.zrem(f"{TAG}:due", "@" + PRESS), {"due_missing"}),
    "something lapses that is not there": (command("ZADD", "due", 5, "ghost"), {"due_unknown"}),
    "an allotment lapses at another time": (command("ZADD", "due", 5, "@" + PRESS), {"due_wrong"}),
    "a seat is kept for nobody": (state_of(TONIGHT, 12, 99), {"allotment_unknown", "index_wrong"}),
    "an allotment's mark is gone": (command("HDEL", "meta", f"b{TONIGHT}:16"), {"allotment_unknown", "allotment_lost"}),
    "a pass's seat is on sale for its match": (state_of(MATCH, 7, FREE), {"link_missing", "index_wrong"}),
    "a match's seat is off sale for no pass": (state_of(MATCH, 9, LINKED), {"link_without_reason"}),
    "a seat is linked where nothing is": (state_of(TONIGHT, 9, LINKED), {"link_without_reason"}),
    "a performance is cut short": (command("SET", "p:35:states", "\0\0"), {"seats_cut"}),
    "what marks a key is gone": (command("HDEL", "carts", ""), {"key_broken"}),
    "a record is unreadable": (command("HSET", "pending", "C2", b"\xc1"),
        {"key_broken", "pending_without_order", "quota_use"}),
    "the lists of quotas are gone": (command("DEL", "qsets"), {"key_broken", "quota_use"}),
}  # fmt: skip


@pytest.mark.parametrize("harm", INSIDE)
async def test_each_contradiction_is_named(busy: Inventory, redis: Redis, plan: Plan, harm: str) -> None:
    do, expected = INSIDE[harm]
    await do(redis)
    found = await inside(busy, plan)
    assert codes(found) == expected
    for each in found:
        assert each.sentence().endswith(".")


async def test_a_seat_in_two_carts_is_named_with_both(busy: Inventory, redis: Redis, plan: Plan) -> None:
    carts: dict[bytes, bytes] = await redis.hgetall(f"{TAG}:carts")  # type: ignore[assignment]  # not decoded
    name, raw = next((name, raw) for name, raw in carts.items() if name and len(msgspec.msgpack.decode(raw)[4]) == 2)
    record = msgspec.msgpack.decode(raw)
    record[0] = "somebody"
    await redis.hset(f"{TAG}:carts", "other", msgspec.msgpack.encode(record))
    await redis.zadd(f"{TAG}:due", {"other": record[4][0][3]})
    found = [each for each in await inside(busy, plan) if each.code == "held_twice"]
    assert {(each.performance, each.ordinal, each.there) for each in found} <= {
        (p, o, ref) for p, o in ((TONIGHT, 0), (TONIGHT, 1), (TOMORROW, 2)) for ref in ("somebody", found[0].there)
    }
    assert len(found) == 3
    assert "Parterre" in found[0].sentence(), "a seat is called as people call it"
    assert name


async def against(inventory: Inventory, group: GroupState, young_since_ms: int | None = 0) -> list[Difference]:
    return differences(await look(inventory), group, young_since_ms=young_since_ms)


def other(plan: Plan, ordinal: int, byte: int, **changes: Any) -> GroupState:
    """The same ledger, with one seat of tonight in another state."""
    first, *rest = ledger(plan).performances
    changed = bytearray(first.states)
    changed[ordinal] = byte
    return ledger(plan, performances=(msgspec.structs.replace(first, states=bytes(changed)), *rest), **changes)


async def test_each_difference_from_the_ledger_is_named(busy: Inventory, plan: Plan) -> None:
    orders, quotas = ledger(plan).orders, ledger(plan).quotas
    cases: list[tuple[GroupState, set[str]]] = [
        (other(plan, 12, SOLD), {"sold_there"}),
        (other(plan, 0, PENDING), {"sold_there"}),
        (other(plan, 4, FREE), {"sold_here"}),
        (other(plan, 4, USED), {"seat_status"}),
        (other(plan, 4, BLOCKED), {"sold_here"}),
        (other(plan, 12, BLOCKED), {"seat_blocked"}),
        (other(plan, 29, FREE), {"seat_blocked"}),
        (ledger(plan, orders=orders[1:]), {"order_unknown", "quota_ledger"}),
        (ledger(plan, orders=(*orders, OrderState("C9", True, ()))), {"order_missing"}),
        (ledger(plan, orders=(OrderState("C1", False, C1), *orders[1:])), {"order_status"}),
        (ledger(plan, orders=(OrderState("C1", True, C1[:1]), *orders[1:])), {"order_places"}),
        (
            ledger(plan, orders=(OrderState("C1", True, tuple(
                msgspec.structs.replace(item, quotas=(EVENT, "all")) for item in C1)), *orders[1:])),
            {"order_quotas"},
        ),
        (ledger(plan, quotas=(QuotaState(EVENT, 61, 6), quotas[1])), {"quota_limit"}),
        (ledger(plan, quotas=(QuotaState(EVENT, None, 6), quotas[1])), {"quota_limit"}),
        (ledger(plan, quotas=(QuotaState(EVENT, 60, 5), quotas[1])), {"quota_ledger"}),
        (ledger(plan, quotas=quotas[:1]), {"quota_deleted"}),
        (ledger(plan, quotas=(*quotas, QuotaState("new", 5, 0))), {"quota_missing"}),
        (ledger(plan, performances=ledger(plan).performances[1:]), {"performance_unknown"}),
        (ledger(plan, performances=(*ledger(plan).performances, PerformanceState(99, None))), {"performance_missing"}),
        (ledger(plan, allotments=()), {"allotment_deleted"}),
        (ledger(plan, links=()), {"links_differ"}),
    ]  # fmt: skip
    for group, expected in cases:
        found = await against(busy, group)
        assert codes(found) == expected, found
        assert all(each.sentence().endswith(".") for each in found)


async def test_an_order_that_may_not_have_committed_yet_is_no_difference_until_it_is_old(
    busy: Inventory, plan: Plan
) -> None:
    now_ms = await busy.now_ms(GROUP)
    assert await against(busy, ledger(plan), now_ms - 30_000) == []
    assert codes(await against(busy, ledger(plan), now_ms + 1)) == {"sold_here", "order_unknown"}


async def test_an_order_on_its_way_makes_no_difference_in_a_counter(busy: Inventory, plan: Plan) -> None:
    """The ledger has committed it and counts it; here it is still in a cart, which counts as well."""
    known = ledger(plan)
    hers = OrderState("C7", False, (HeldItem("T0", TONIGHT, 0, 5, (EVENT,)),))
    counted = (QuotaState(EVENT, 60, 7), known.quotas[1])
    found = await against(busy, other(plan, 0, PENDING, orders=(*known.orders, hers), quotas=counted))
    assert codes(found) == {"sold_there", "order_missing"}


def test_two_looks_at_a_counter_that_moves_on_see_the_same_fault() -> None:
    first = Difference("quota_use", subject=EVENT, here="12", there="11")
    assert first.key == Difference("quota_use", subject=EVENT, here="40", there="39").key
    assert first.key != Difference("quota_use", subject=EVENT, here="40", there="38").key
    assert Difference("quota_limit", subject=EVENT, here="12", there="11").key != (
        Difference("quota_limit", subject=EVENT, here="40", there="39").key
    )


def test_every_sentence_can_be_filled_and_translated() -> None:
    for code in SENTENCES:
        said = Difference(code, 34, "A > 1", "on sale", "paid for").sentence(
            lambda text: text.replace("on sale", "en vente")
        )
        assert "%(" not in said
        assert "on sale, but taken" in said or "on sale" not in said
    assert "on sale" in WORDS
