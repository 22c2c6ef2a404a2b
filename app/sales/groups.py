"""Inventory groups as managers shape them: events that share a quota or whose performances are linked are one group
(AHEAD-12, SEA-7).

The ledger is changed in one transaction, with every group concerned locked; then the new group is loaded from it and
the old ones are forgotten. What is sold moves along, since it is in the ledger; what baskets held in a group that is no
more is given back, and its owner is told (`app.sales.carts`). A job in the same transaction does the second half again,
should this process die in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct, field

from app.catalog.offers import Offer
from app.catalog.queries import forget_offers, group_of_event, offer_of, offers_of, offers_of_group
from app.core import jobs, journal
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.core.ids import new_reference
from app.sales.inventory import inventory, lock_group, rebuild, with_group
from app.sales.waitlist import places_appeared

Change = Callable[[asyncpg.Connection], Awaitable[None]]


class PlanLinkView(Struct, frozen=True):
    """A seat sold in the season pass is taken in the match, and the other way round."""

    season_pass: int = field(name="pass")
    match: int


class QuotaView(Struct, frozen=True, kw_only=True):
    """A limit as it stands; `events` are all that it counts, its own first."""

    id: int
    name: str
    size: int
    performance: int | None
    tariff: int | None
    category: str | None
    events: tuple[int, ...]


async def join_inventory(
    events: Sequence[int], *, organizer: int, actor: str, at: datetime, change: Change | None = None
) -> str:
    """Make these events, with all that they are joined with already, one inventory group; returns its name. `change`
    is made in the same transaction. Raises Problem: not_found, store_unavailable (somebody else regroups just now)."""
    office = await _office_of(events, organizer)
    olds = {await group_of_event(event) for event in events}
    # A group that was made before keeps its name, and its baskets their holds.
    name = next((group for group in sorted(olds) if group.startswith("j")), "j" + new_reference("G"))
    async with transaction() as ledger:
        await _lock(ledger, olds | {name})
        if {await group_of_event(event) for event in events} != olds:
            raise Problem("store_unavailable")
        moved = await ledger.fetch(
            "UPDATE catalog.event SET inventory = $1 WHERE coalesce(inventory, 'e' || id) = ANY($2::text[])"
            " AND inventory IS DISTINCT FROM $1 RETURNING id",
            name, sorted(olds),
        )  # fmt: skip
        if change is not None:
            await change(ledger)
        await jobs.enqueue("regroup", loaded=[name], forgotten=sorted(olds - {name}))
        if moved:
            await journal.record(
                f"box-office:{office}", "inventory_joined", name, {"events": sorted(row["id"] for row in moved)},
                actor=actor, at=at,
            )  # fmt: skip
    await regroup([name], sorted(olds - {name}))
    return name


async def part_inventory(event: int, *, organizer: int, actor: str, at: datetime) -> str:
    """An event has its own inventory group again; returns its name. Raises Problem: not_found, still_joined while it
    shares a quota or is linked."""
    office = await _office_of([event], organizer)
    old, own = await group_of_event(event), f"e{event}"
    if old == own:
        return own
    async with transaction() as ledger:
        await _lock(ledger, {old, own})
        if await ledger.fetchval(STILL_JOINED, event):
            raise Problem("still_joined")
        await ledger.execute("UPDATE catalog.event SET inventory = NULL WHERE id = $1", event)
        remains = await ledger.fetchval("SELECT EXISTS (SELECT 1 FROM catalog.event WHERE inventory = $1)", old)
        loaded, forgotten = ([own, old], []) if remains else ([own], [old])
        await jobs.enqueue("regroup", loaded=loaded, forgotten=forgotten)
        await journal.record(
            f"box-office:{office}", "inventory_parted", old, {"event": event}, actor=actor, at=at
        )  # fmt: skip
    await regroup(loaded, forgotten)
    return own


STILL_JOINED = """
SELECT EXISTS (
    SELECT 1 FROM catalog.quota_share s JOIN catalog.quota q ON q.id = s.quota WHERE $1 IN (s.event, q.event)
) OR EXISTS (
    SELECT 1 FROM catalog.plan_conflict c JOIN catalog.performance one ON one.id = c.one
    JOIN catalog.performance other ON other.id = c.other WHERE one.event = $1 AND other.event <> $1
)
"""


async def regroup(loaded: Sequence[str], forgotten: Sequence[str]) -> None:
    """The live inventory follows what the ledger says of these groups. Idempotent."""
    forget_offers()
    for group in loaded:
        if await offers_of_group(group):
            await rebuild(group, only_if_missing=False)
    for group in forgotten:
        if not await offers_of_group(group):
            await inventory().unload(group)


async def link_performances(
    season_pass: int, matches: Sequence[int], *, organizer: int, actor: str, at: datetime
) -> tuple[PlanLinkView, ...]:
    """A seat of the pass is the same seat in each match (SEA-7), from now on in both directions. All of them or none.
    Raises Problem: not_found, different_plans, seats_taken for seats that are sold on both sides already."""
    offers = [await offer_of(id, exact=True) for id in (season_pass, *matches)]
    if any(o.plan is None or o.plan != offers[0].plan for o in offers) or season_pass in matches:
        raise Problem("different_plans")

    async def link(ledger: asyncpg.Connection) -> None:
        await ledger.executemany(
            "INSERT INTO catalog.plan_link (season_pass, match) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [(season_pass, match) for match in matches],
        )
        twice = await ledger.fetch(SOLD_TWICE, season_pass)
        if twice:
            ordinals = sorted({row["ordinal"] for row in twice})
            raise Problem("seats_taken", extras={"seats": ordinals, "labels": sorted({row["seat"] for row in twice})})
        await journal.record(
            f"box-office:{offers[0].box_office.id}", "plans_linked", str(season_pass), {"matches": list(matches)},
            actor=actor, at=at,
        )  # fmt: skip

    events = list(dict.fromkeys(o.event for o in offers))
    await join_inventory(events, organizer=organizer, actor=actor, at=at, change=link)
    return await links_of(season_pass)


# Every pair of live tickets for one seat in performances that exclude each other, since this pass has its new matches.
SOLD_TWICE = """
SELECT DISTINCT t.ordinal, t.seat FROM sales.ticket t
JOIN catalog.plan_conflict c ON c.one = t.performance
JOIN sales.ticket u ON u.performance = c.other AND u.seat = t.seat AND u.status IN ('pending', 'sold')
WHERE t.status IN ('pending', 'sold') AND t.seat IS NOT NULL AND (t.performance = $1 OR t.performance IN (
    SELECT match FROM catalog.plan_link WHERE season_pass = $1))
"""


async def unlink_performances(season_pass: int, match: int, *, organizer: int, actor: str, at: datetime) -> None:
    """The match's seats are its own again; they stay one inventory group until they are parted. Raises
    Problem('not_found')."""
    offer = await offer_of(season_pass, exact=True)
    await _office_of([offer.event], organizer)
    async with transaction() as ledger:
        await _lock(ledger, {offer.group})
        gone = await ledger.fetchval(
            "DELETE FROM catalog.plan_link WHERE season_pass = $1 AND match = $2 RETURNING id", season_pass, match
        )
        if gone is None:
            raise Problem("not_found")
        await jobs.enqueue("regroup", loaded=[offer.group], forgotten=[])
        await journal.record(
            f"box-office:{offer.box_office.id}", "plans_unlinked", str(season_pass), {"match": match}, actor=actor,
            at=at,
        )  # fmt: skip
    await regroup([offer.group], [])


async def links_of_event(event: int, *, organizer: int) -> tuple[PlanLinkView, ...]:
    """Every link of an event's performances, whichever side they are on. Raises Problem('not_found')."""
    await _office_of([event], organizer)
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT l.season_pass, l.match FROM catalog.plan_link l"
            " JOIN catalog.performance p ON p.id IN (l.season_pass, l.match)"
            " WHERE p.event = $1 GROUP BY 1, 2 ORDER BY 1, 2",
            event,
        )
    return tuple(PlanLinkView(row["season_pass"], row["match"]) for row in rows)


async def links_of(season_pass: int) -> tuple[PlanLinkView, ...]:
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT season_pass, match FROM catalog.plan_link WHERE season_pass = $1 ORDER BY match", season_pass
        )
    return tuple(PlanLinkView(row["season_pass"], row["match"]) for row in rows)


async def share_quota(
    quota: int, events: Sequence[int], *, organizer: int, actor: str, at: datetime
) -> tuple[QuotaView, ...]:
    """One limit over several events (AHEAD-12): besides its own, exactly these. They become one inventory group. Raises
    Problem: not_found, not_shareable for a limit of a single performance or tariff."""
    row = await _quota(quota)
    others = [event for event in dict.fromkeys(events) if event != row["event"]]
    if row["performance"] is not None or row["tariff"] is not None:
        raise Problem("not_shareable")

    async def share(ledger: asyncpg.Connection) -> None:
        await ledger.execute(
            "DELETE FROM catalog.quota_share WHERE quota = $1 AND event <> ALL($2::bigint[])", quota, others
        )
        await ledger.executemany(
            "INSERT INTO catalog.quota_share (quota, event) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [(quota, event) for event in others],
        )
        office = await ledger.fetchval("SELECT box_office FROM catalog.event WHERE id = $1", row["event"])
        await journal.record(
            f"box-office:{office}", "quota_shared", str(quota), {"events": [row["event"], *others]}, actor=actor, at=at
        )

    await join_inventory([row["event"], *others], organizer=organizer, actor=actor, at=at, change=share)
    return await quotas_of(row["event"], organizer=organizer)


async def resize_quota(quota: int, size: int, *, organizer: int, actor: str, at: datetime) -> tuple[QuotaView, ...]:
    """Another limit from now on (QUO-1): what is sold beyond a smaller one stays sold. Raises Problem('not_found')."""
    row = await _quota(quota)
    office = await _office_of([row["event"]], organizer)
    async with transaction() as ledger:
        await ledger.execute("UPDATE catalog.quota SET size = $2 WHERE id = $1", quota, size)
        await places_appeared(ledger, row["event"])
        await journal.record(
            f"box-office:{office}", "quota_resized", str(quota), {"before": row["size"], "size": size}, actor=actor,
            at=at,
        )  # fmt: skip
    forget_offers()
    group = await group_of_event(row["event"])
    await with_group(group, lambda: inventory().set_limits(group, {f"q{quota}": size}))
    return await quotas_of(row["event"], organizer=organizer)


async def quotas_of(event: int, *, organizer: int) -> tuple[QuotaView, ...]:
    """Every limit that an event counts in. Raises Problem('not_found')."""
    await _office_of([event], organizer)
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT q.*, array(SELECT s.event FROM catalog.quota_share s WHERE s.quota = q.id ORDER BY 1) AS others"
            " FROM catalog.quota q WHERE q.event = $1"
            " OR EXISTS (SELECT 1 FROM catalog.quota_share s WHERE s.quota = q.id AND s.event = $1) ORDER BY q.id",
            event,
        )
    return tuple(
        QuotaView(
            id=row["id"], name=row["name"], size=row["size"], performance=row["performance"], tariff=row["tariff"],
            category=row["category"], events=(row["event"], *row["others"]),
        )
        for row in rows
    )  # fmt: skip


async def quotas_with(quota: int, *, organizer: int) -> tuple[QuotaView, ...]:
    """The limits of the event that a limit belongs to. Raises Problem('not_found')."""
    return await quotas_of((await _quota(quota))["event"], organizer=organizer)


async def _quota(quota: int) -> Any:
    async with connection() as reader:
        row = await reader.fetchrow("SELECT * FROM catalog.quota WHERE id = $1", quota)
    if row is None:
        raise Problem("not_found")
    return row


async def _office_of(events: Sequence[int], organizer: int) -> int:
    """The box office whose journal tells of it. Raises Problem('not_found') for an event that is not this
    organiser's."""
    offers: list[Offer] = []
    for event in events:
        mine = await offers_of(event)
        if not mine or mine[0].box_office.organizer != organizer:
            raise Problem("not_found")
        offers.append(mine[0])
    return offers[0].box_office.id


async def _lock(ledger: asyncpg.Connection, groups: set[str]) -> None:
    # In one order for everybody, or two that regroup would wait for each other for ever.
    for group in sorted(groups):
        await lock_group(ledger, group, shared=False)
