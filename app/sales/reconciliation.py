"""Comparing the live inventory with itself and with the ledger, all the time, and mending what differs (LIVE-10).

The ledger is right. Differences are rare (a process that died between its commit and its next line, a commit that
failed after the seats were marked, a key that Redis lost) and each is logged with what was done. What somebody is just
ordering or giving back differs for a moment: only what two looks in a row see is mended. Whether an order was committed
is asked under the group's lock, which every order holds until it is: no clock decides it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import offers_of_group, plan_of
from app.core.clock import now
from app.core.db import connection, transaction
from app.sales.inventory import LINKS, inventory, lock_group, mend, rebuild, with_group
from app.sales.kept import allotments_in_force
from seating.audit import (
    STATE_WORDS,
    Difference,
    contradictions,
    frame_differences,
    limit_differences,
    seat_differences,
)
from seating.dumps import Dump, read_dump
from seating.plan import Plan
from seating.store import PENDING, SOLD, USED, GroupMissing, GroupState, PerformanceState, QuotaState

log = structlog.get_logger()

GRACE = timedelta(seconds=30)
"""How long the ledger may not know an order before anybody asks about it under lock: longer than transactions take."""
LOOK_AGAIN_S = 1.0

TOLD_MAX = 20

_not_mended: dict[str, frozenset[object]] = {}
"""Faults that the last rebuild has left: to rebuild again for them would only make every map load anew."""


class Mended(Struct, frozen=True):
    """What was put right: an order's seats, or with no order something of the group, and how. `subject`: what else it
    was about (a quota, a seat, what was lost)."""

    order: str
    action: str
    subject: str = ""


async def reconcile(group: str, *, at: datetime | None = None) -> tuple[Mended, ...]:
    """Mend all on which a group and its ledger disagree; returns what was done. `at`: by another clock than Redis'."""
    lost = await make_whole(group)
    faults = await _lasting(group, at)
    done = [*lost, *(await mend_faults(group, faults) if faults else ())]
    for mended in done:
        log.warning("inventory_mended", group=group, order=mended.order, action=mended.action, subject=mended.subject)
    return tuple(done)


async def mend_faults(group: str, faults: Sequence[Difference]) -> list[Mended]:
    """The least that puts these right, while sales go on; holds stay. What was done."""
    done = []
    large = []
    for fault in faults:
        match fault.code:
            case "order_status" if fault.here == STATE_WORDS[PENDING]:
                await inventory().sell(group, fault.subject)
                done.append(Mended(fault.subject, "sold"))
            case "order_unknown":
                if action := await _give_back_unknown(group, fault.subject):
                    done.append(Mended(fault.subject, action))
            case "quota_limit":
                limit = int(fault.there) if fault.there.isdecimal() else None
                await inventory().set_limits(group, {fault.subject: limit})
                done.append(Mended("", "limit set", fault.subject))
            case "seat_status" if {fault.here, fault.there} == {STATE_WORDS[SOLD], STATE_WORDS[USED]}:
                used = fault.there == STATE_WORDS[USED]
                await inventory().mark_used(group, fault.performance, fault.ordinal, used=used)
                done.append(Mended("", "seat marked used" if used else "seat marked sold", fault.subject))
            case _:
                large.append(fault)
    known = _not_mended.get(group, frozenset())
    if any(fault.key not in known for fault in large):
        # Holds that still fit stay; open maps take a new snapshot.
        await rebuild(group, only_if_missing=False)
        done.append(Mended("", "group rebuilt"))
        await _note_what_is_left(group)
    return done


async def _note_what_is_left(group: str) -> None:
    left = await _lasting(group, None)
    _not_mended[group] = frozenset(fault.key for fault in left)
    if left:
        log.error("inventory_not_mended", group=group, faults=[fault.sentence() for fault in left[:TOLD_MAX]])


async def make_whole(group: str) -> list[Mended]:
    """Lay a group down anew that Redis has lost, in whole or in part."""
    try:
        await inventory().pulse(group)
    except GroupMissing as missing:
        await mend(missing)
        return [Mended("", "group rebuilt", missing.damaged)]
    return []


async def _lasting(group: str, at: datetime | None) -> list[Difference]:
    """What two looks see, both at the ledger and at Redis: no step in passing lasts as long."""
    first = await _look(group, at)
    if not first:
        _not_mended.pop(group, None)
        return []
    await asyncio.sleep(LOOK_AGAIN_S)
    seen = {fault.key for fault in first}
    return [fault for fault in await _look(group, at) if fault.key in seen]


async def _look(group: str, at: datetime | None) -> list[Difference]:
    offers = await offers_of_group(group)
    plans = {offer.id: await plan_of(offer) for offer in offers}
    answer = await with_group(group, lambda: inventory().dump(group))
    dump = await asyncio.to_thread(read_dump, answer)
    now_ms = await inventory().now_ms(group) if at is None else int(at.timestamp() * 1000)
    orders = await _order_faults(dump, now_ms)
    ledger = await _ledger_of(group, offers, plans)
    unnumbered = await _unnumbered_faults(dump, ledger)
    return orders + unnumbered + await asyncio.to_thread(_compare, dump, ledger, plans)


def _compare(dump: Dump, ledger: GroupState, plans: dict[int, Plan | None]) -> list[Difference]:
    """Seats of an order that is being paid are the order's own affair: its commit may be on its way."""
    apart = [code for code, order in dump.orders.items() if not order.sold]
    return [
        *contradictions(dump, plans),
        # What the house takes off sale is not among the tickets that were read.
        *(each for each in seat_differences(dump, ledger, apart) if each.code != "seat_blocked"),
        *limit_differences(dump, ledger),
        *frame_differences(dump, ledger),
    ]


# Orders ---------------------------------------------------------------------------------------------------------------


async def _order_faults(dump: Dump, now_ms: int) -> list[Difference]:
    """Orders being paid here, of which the ledger knows better."""
    waiting = {code: order for code, order in dump.orders.items() if not order.sold}
    status = await _status_of(sorted(waiting))
    faults = []
    for code, order in sorted(waiting.items()):
        known = status.get(code)
        # An order from the future was promised before a clock was set back.
        old = not 0 <= now_ms - order.since_ms <= GRACE.total_seconds() * 1000
        if known == "paid":
            here, there = STATE_WORDS[PENDING], STATE_WORDS[SOLD]
            faults.append(Difference("order_status", subject=code, here=here, there=there))
        elif known in ("expired", "cancelled") or (known is None and old):
            faults.append(Difference("order_unknown", subject=code))
    return faults


LIVE_OF_ORDER = """
SELECT count(t.id) AS live FROM sales.sale s LEFT JOIN sales.ticket t ON t."order" = s.id
    AND t.status IN ('pending', 'sold') WHERE s.code = $1 GROUP BY s.id
"""


async def _give_back_unknown(group: str, code: str) -> str:
    """An order that has no live ticket gives back what it has here; one that was committed meanwhile does not. What
    was done, or ""."""
    async with transaction() as ledger:
        # Nobody is between an order's first line and its commit while we hold this.
        await lock_group(ledger, group, shared=False)
        live = await ledger.fetchval(LIVE_OF_ORDER, code)
        if live:
            return ""
        await inventory().give_back(group, code)
    return "given back: no such order" if live is None else "given back"


async def _status_of(codes: list[str]) -> dict[str, str]:
    if not codes:
        return {}
    async with connection() as reader:
        rows = await reader.fetch("SELECT code, status FROM sales.sale WHERE code = ANY($1::text[])", codes)
    return {row["code"]: row["status"] for row in rows}


UNNUMBERED = """
SELECT o.code, count(*) AS n FROM sales.ticket t JOIN sales.sale o ON o.id = t."order"
WHERE t.performance = ANY($1::bigint[]) AND t.status IN ('pending', 'sold') AND t.ordinal < 0 GROUP BY o.code
"""
UNNUMBERED_COUNT = """
SELECT count(*) FROM sales.ticket
WHERE performance = ANY($1::bigint[]) AND status IN ('pending', 'sold') AND ordinal < 0
"""


async def _unnumbered_faults(dump: Dump, ledger: GroupState) -> list[Difference]:
    """Orders with more or fewer unnumbered places than tickets. Asked order by order only when the sums differ."""
    here = {code: sum(part.unnumbered for part in order.parts) for code, order in dump.orders.items() if order.sold}
    paying = sum(part.unnumbered for order in dump.orders.values() if not order.sold for part in order.parts)
    performances = [each.id for each in ledger.performances]
    async with connection() as reader:
        if await reader.fetchval(UNNUMBERED_COUNT, performances) == sum(here.values()) + paying:
            return []
        there = {row["code"]: row["n"] for row in await reader.fetch(UNNUMBERED, performances)}
    apart = {code for code, order in dump.orders.items() if not order.sold}
    return [
        Difference("order_places", subject=code, here=str(here.get(code, 0)), there=str(there.get(code, 0)))
        for code in sorted((here.keys() | there.keys()) - apart)
        if here.get(code, 0) != there.get(code, 0)
    ]


# Seats ----------------------------------------------------------------------------------------------------------------

LIVE_SEATS = """
SELECT performance, status, used_at IS NOT NULL AS used, array_agg(ordinal) AS ordinals FROM sales.ticket
WHERE performance = ANY($1::bigint[]) AND status IN ('pending', 'sold') AND ordinal >= 0 GROUP BY 1, 2, 3
"""


async def _ledger_of(group: str, offers: Sequence[Offer], plans: dict[int, Plan | None]) -> GroupState:
    """What of the ledger is compared all the time: much less than a rebuild reads."""
    states = {id: bytearray(len(plan.seats) if plan else 0) for id, plan in plans.items()}
    async with connection() as reader:
        allotments = await allotments_in_force(reader, {offer.id: offer for offer in offers}, now())
        links = tuple((row["one"], row["other"]) for row in await reader.fetch(LINKS, list(plans)))
        for row in await reader.fetch(LIVE_SEATS, list(plans)):
            state = PENDING if row["status"] == "pending" else USED if row["used"] else SOLD
            for ordinal in row["ordinals"]:
                states[row["performance"]][ordinal] = state
    return GroupState(
        group,
        tuple(PerformanceState(id, plan, bytes(states[id])) for id, plan in plans.items()),
        tuple(QuotaState(q.key, q.size, 0) for q in {q.key: q for o in offers for q in o.quotas}.values()),
        allotments=allotments,
        links=links,
    )
