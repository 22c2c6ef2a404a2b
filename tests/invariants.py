"""What must be true of a box office whatever has befallen it: asked of the ledger and of the live inventory.

`check_invariants` is for the end of every test that races or kills; each sentence it gives is a defect.
"""

from __future__ import annotations

from collections import Counter

import asyncpg
from redis.asyncio import Redis

from app.core.journal import Line, check_chain
from seating.audit import contradictions
from seating.dumps import Dump, read_dump
from seating.plan import plan_from_document
from seating.store import ALLOTTED, BLOCKED, FREE, HELD, LINKED, PENDING, SOLD, USED, Inventory

STATES = {FREE: "free", HELD: "held", PENDING: "being paid", SOLD: "sold", USED: "used"}
OFF_SALE = (BLOCKED, ALLOTTED, LINKED)
"""Not on sale for a reason that is no ticket and no cart."""


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
            "SELECT p.id, v.seats, v.document FROM catalog.performance p JOIN catalog.event e ON e.id = p.event"
            " LEFT JOIN catalog.plan_version v ON v.id = p.plan WHERE coalesce(e.inventory, 'e' || e.id) = $1",
            group,
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
        dump = read_dump(await inventory.dump(group))
        held = {(part.performance, o) for cart in dump.carts.values() for part in cart.parts for o in part.ordinals}
        quotas: dict[str, tuple[int, int | None]] = {}
        for p in performances:
            snapshot = await inventory.snapshot(group, p["id"])
            quotas |= snapshot.quotas
            if len(snapshot.states) != (p["seats"] or 0):
                found.append(f"performance {p['id']} has {len(snapshot.states)} live seats, not {p['seats'] or 0}")
            for ordinal, state in enumerate(snapshot.states):
                expected = sold.get((p["id"], ordinal), HELD if (p["id"], ordinal) in held else FREE)
                if state != expected and not (expected == FREE and state in OFF_SALE):
                    found.append(
                        f"seat {ordinal} of performance {p['id']} is {STATES.get(state, state)} on the live map"
                        f" and {STATES[expected]} by the ledger and the carts"
                    )
        found += await _quota_differences(ledger, dump, group, quotas)
        plans = {p["id"]: plan_from_document(p["document"]) if p["document"] else None for p in performances}
        found += [each.sentence() for each in contradictions(dump, plans)]
    return found


async def _quota_differences(
    ledger: asyncpg.Connection, dump: Dump, group: str, live: dict[str, tuple[int, int | None]]
) -> list[str]:
    rows = await ledger.fetch(
        "SELECT q.id, q.name, q.size, count(t.id) AS used FROM catalog.quota q"
        " JOIN catalog.event e ON e.id = q.event"
        " LEFT JOIN catalog.performance p ON (p.event = q.event"
        "   OR p.event IN (SELECT event FROM catalog.quota_share WHERE quota = q.id))"
        "   AND (q.performance IS NULL OR q.performance = p.id)"
        " LEFT JOIN catalog.tariff f ON f.event = p.event AND (f.counted OR f.id = q.tariff)"
        " LEFT JOIN sales.ticket t ON t.performance = p.id AND t.status IN ('pending', 'sold') AND t.tariff = f.id"
        "   AND (q.tariff IS NULL OR q.tariff = t.tariff) AND (q.category IS NULL OR q.category = t.category)"
        " WHERE coalesce(e.inventory, 'e' || e.id) = $1 GROUP BY q.id ORDER BY q.id",
        group,
    )
    held: Counter[str] = Counter()
    for cart in dump.carts.values():
        for part in cart.parts:
            held.update(dict.fromkeys(part.quotas, part.count))
    found = []
    for r in rows:
        name = f"q{r['id']}"
        expected = (r["used"] + held[name] + dump.kept.get(name, 0), r["size"])
        if live.get(name) != expected:
            found.append(f"the quota {r['name']} ({r['id']}) is {live.get(name)} live, and {expected} in fact")
    return found
