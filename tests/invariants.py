"""What must be true of a box office whatever has befallen it: asked of the ledger and of the live inventory.

`check_invariants` is for the end of every test that races or kills; each sentence it gives is a defect.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import asyncpg
import msgspec
from redis.asyncio import Redis

from app.core.journal import Line, check_chain
from seating.store import FREE, HELD, PENDING, SOLD, USED, Inventory

STATES = {FREE: "free", HELD: "held", PENDING: "being paid", SOLD: "sold", USED: "used"}


async def check_invariants(ledger: asyncpg.Connection, redis: Redis | None = None) -> list[str]:
    """Every invariant that does not hold, as a sentence; without `redis` those of the ledger only.

    LIVE-10 (no seat twice, the live inventory is the ledger's), QUO-1 (no quota exceeded), PAY-1 and PAY-7 (money adds
    up), AHEAD-5 (the journal is whole)."""
    found = [
        *await seats_sold_twice(ledger),
        *await quotas_exceeded(ledger),
        *await money_that_does_not_add_up(ledger),
        *await orders_and_tickets_that_disagree(ledger),
        *await journal_breaks(ledger),
    ]
    if redis is not None:
        found += await live_differences(ledger, redis)
    return found


async def seats_sold_twice(ledger: asyncpg.Connection) -> list[str]:
    rows = await ledger.fetch(
        "SELECT performance, ordinal, array_agg(number) AS tickets FROM sales.ticket"
        " WHERE ordinal >= 0 AND status IN ('pending', 'sold') GROUP BY 1, 2 HAVING count(*) > 1"
    )
    return [f"seat {r['ordinal']} of performance {r['performance']} has tickets {r['tickets']}" for r in rows]


async def quotas_exceeded(ledger: asyncpg.Connection) -> list[str]:
    rows = await ledger.fetch(
        "SELECT q.name, q.size, count(t.id) AS used FROM catalog.quota q"
        " JOIN catalog.performance p ON p.event = q.event AND (q.performance IS NULL OR q.performance = p.id)"
        " JOIN sales.ticket t ON t.performance = p.id AND t.status IN ('pending', 'sold')"
        " AND (q.tariff IS NULL OR q.tariff = t.tariff) AND (q.category IS NULL OR q.category = t.category)"
        " GROUP BY q.id HAVING count(t.id) > q.size"
    )
    return [f"{r['used']} tickets in the quota {r['name']} of {r['size']}" for r in rows]


async def money_that_does_not_add_up(ledger: asyncpg.Connection) -> list[str]:
    """An order costs what its tickets cost; a paid one was paid exactly once; nothing is given back twice."""
    found = []
    for r in await ledger.fetch(
        'SELECT s.code, s.total_minor, sum(t.price_minor) AS tickets FROM sales.sale s JOIN sales.ticket t ON t."order"'
        " = s.id GROUP BY s.id HAVING s.total_minor <> sum(t.price_minor)"
    ):
        found.append(f"order {r['code']} costs {r['total_minor']}, its tickets {r['tickets']}")
    for r in await ledger.fetch(
        "SELECT s.code, s.total_minor, coalesce(sum(p.amount_minor - (SELECT coalesce(sum(r.amount_minor), 0)"
        " FROM sales.refund r WHERE r.payment = p.id AND r.status <> 'refused')), 0) AS kept"
        " FROM sales.sale s LEFT JOIN sales.payment p ON p.\"order\" = s.id AND p.status IN ('paid', 'refunded')"
        " WHERE s.status = 'paid' GROUP BY s.id"
    ):
        if r["kept"] != r["total_minor"]:
            found.append(f"order {r['code']} of {r['total_minor']} is paid, and {r['kept']} were kept")
    for r in await ledger.fetch(
        "SELECT p.id, p.amount_minor, sum(r.amount_minor) AS given FROM sales.payment p JOIN sales.refund r"
        " ON r.payment = p.id AND r.status <> 'refused' GROUP BY p.id HAVING sum(r.amount_minor) > p.amount_minor"
    ):
        found.append(f"payment {r['id']} of {r['amount_minor']} was given back with {r['given']}")
    return found


async def orders_and_tickets_that_disagree(ledger: asyncpg.Connection) -> list[str]:
    rows = await ledger.fetch(
        "SELECT s.code, s.status, t.number, t.status AS ticket"
        ' FROM sales.sale s JOIN sales.ticket t ON t."order" = s.id'
        " WHERE (s.status, t.status) NOT IN (('pending', 'pending'), ('paid', 'sold'), ('paid', 'cancelled'),"
        " ('expired', 'cancelled'), ('cancelled', 'cancelled'))"
    )
    found = [f"order {r['code']} is {r['status']}, its ticket {r['number']} {r['ticket']}" for r in rows]
    rows = await ledger.fetch(
        'SELECT code FROM sales.sale s WHERE NOT EXISTS (SELECT FROM sales.ticket t WHERE t."order" = s.id)'
    )
    return found + [f"order {r['code']} has no ticket" for r in rows]


async def journal_breaks(ledger: asyncpg.Connection) -> list[str]:
    """Gapless, unbroken, and nothing paid that it does not know."""
    rows = await ledger.fetch("SELECT * FROM core.journal_line ORDER BY chain, sequence")
    lines: dict[str, list[tuple[Line, bytes, bytes]]] = {}
    for r in rows:
        at = r["at"].isoformat(timespec="microseconds")
        line = Line(r["chain"], r["sequence"], at, r["actor"], r["action"], r["subject"], r["body"])
        lines.setdefault(r["chain"], []).append((line, r["previous"], r["digest"]))
    breaks = [broken for chain in lines.values() if (broken := check_chain(chain))]
    found = [f"the journal {each.chain} breaks at {each.sequence}: {each.reason}" for each in breaks]
    paid = Counter(r["subject"] for r in rows if r["action"] == "order_paid")
    for r in await ledger.fetch("SELECT code FROM sales.sale WHERE status = 'paid'"):
        if paid[r["code"]] != 1:
            found.append(f"the journal says {paid[r['code']]} times that order {r['code']} was paid")
    return found


async def live_differences(ledger: asyncpg.Connection, redis: Redis) -> list[str]:
    """Each seat's state and each quota's use in Redis, against the ledger's live tickets and the carts' holds."""
    found: list[str] = []
    inventory = Inventory(redis)
    for group in sorted(await inventory.groups()):
        performances = await ledger.fetch(
            "SELECT p.id, v.seats FROM catalog.performance p LEFT JOIN catalog.plan_version v ON v.id = p.plan"
            " WHERE p.event = $1",
            int(group.removeprefix("e")),
        )
        tickets = await ledger.fetch(
            "SELECT performance, ordinal, status, used_at IS NOT NULL AS used FROM sales.ticket"
            " WHERE performance = ANY($1::bigint[]) AND status IN ('pending', 'sold') AND ordinal >= 0",
            [p["id"] for p in performances],
        )
        sold = {
            (t["performance"], t["ordinal"]): PENDING if t["status"] == "pending" else USED if t["used"] else SOLD
            for t in tickets
        }
        held = await _held_seats(redis, group)
        quotas: dict[str, tuple[int, int | None]] = {}
        for p in performances:
            snapshot = await inventory.snapshot(group, p["id"])
            quotas |= snapshot.quotas
            if len(snapshot.states) != (p["seats"] or 0):
                found.append(f"performance {p['id']} has {len(snapshot.states)} live seats, not {p['seats'] or 0}")
            for ordinal, state in enumerate(snapshot.states):
                expected = sold.get((p["id"], ordinal), HELD if (p["id"], ordinal) in held else FREE)
                if state != expected:
                    found.append(
                        f"seat {ordinal} of performance {p['id']} is {STATES.get(state, state)} on the live map"
                        f" and {STATES[expected]} by the ledger and the carts"
                    )
        found += await _quota_differences(ledger, redis, group, quotas)
    return found


async def _quota_differences(
    ledger: asyncpg.Connection, redis: Redis, group: str, live: dict[str, tuple[int, int | None]]
) -> list[str]:
    rows = await ledger.fetch(
        "SELECT q.id, q.name, q.size, count(t.id) AS used FROM catalog.quota q"
        " LEFT JOIN catalog.performance p ON p.event = q.event AND (q.performance IS NULL OR q.performance = p.id)"
        " LEFT JOIN sales.ticket t ON t.performance = p.id AND t.status IN ('pending', 'sold')"
        " AND (q.tariff IS NULL OR q.tariff = t.tariff) AND (q.category IS NULL OR q.category = t.category)"
        " WHERE q.event = $1 GROUP BY q.id ORDER BY q.id",
        int(group.removeprefix("e")),
    )
    held = Counter(quota for item in await _held_items(redis, group) for quota in item[3])
    found = []
    for r in rows:
        expected = (r["used"] + held[f"q{r['id']}"], r["size"])
        if live.get(f"q{r['id']}") != expected:
            shown = live.get(f"q{r['id']}")
            found.append(f"the quota {r['name']} ({r['id']}) is {shown} live, and {expected} in fact")
    return found


async def _held_items(redis: Redis, group: str) -> list[list[Any]]:
    """The carts' items as seating/scripts/core.lua keeps them: [performance, ordinal, tariff, quotas, …]."""
    stored = await redis.hgetall(f"{{g:{group}}}:items")
    return [msgspec.msgpack.decode(raw) for raw in stored.values() if isinstance(raw, bytes)]


async def _held_seats(redis: Redis, group: str) -> set[tuple[int, int]]:
    return {(item[0], item[1]) for item in await _held_items(redis, group)}
