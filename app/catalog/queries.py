"""Reading the catalogue. Offers are kept for two seconds per process: pages and holds read them all the time, and
what must be exact (sale window, quotas, prices) is checked again under lock when an order is placed."""

from __future__ import annotations

import time
from typing import Any

import asyncpg
import msgspec

from app.catalog.offers import BoxOfficeOffer, Offer, QuotaOffer, TariffOffer
from app.core.db import connection
from app.core.errors import Problem
from app.settings import get_settings
from seating.plan import Plan, plan_for_browser, plan_from_document

KEPT_S = 2.0

_offers: dict[int, tuple[float, Offer]] = {}
_events: tuple[float, tuple[int, ...]] | None = None
_plans: dict[int, Plan] = {}
_plan_pages: dict[int, bytes] = {}

PERFORMANCES = """
SELECT p.id, p.event, p.title AS performance_title, p.venue, p.starts_at, p.doors_at, p.ends_at, p.sale_opens_at,
       p.sale_closes_at, p.cancelled_at, p.plan,
       CASE WHEN e.visibility <> 'public' THEN e.visibility ELSE p.visibility END AS visibility,
       e.slug, e.title, e.subtitle, e.description, e.zone, e.hold_ttl_s, e.order_max, e.show_left, e.show_sold,
       e.sold_out_text,
       coalesce(e.inventory, 'e' || e.id) AS inventory,
       b.id AS box_office, b.organizer, b.name AS box_office_name, b.contact_email, b.accent, b.currency, b.terms
FROM catalog.performance p
JOIN catalog.event e ON e.id = p.event
JOIN catalog.box_office b ON b.id = e.box_office
WHERE p.event = ANY($1::bigint[])
ORDER BY p.starts_at, p.id
"""


async def offer_of(performance: int, *, exact: bool = False) -> Offer:
    """The offer of one performance. Raises Problem('not_found')."""
    kept = _offers.get(performance)
    if not exact and kept is not None and time.monotonic() - kept[0] < KEPT_S:
        return kept[1]
    async with connection() as reader:
        event = await reader.fetchval("SELECT event FROM catalog.performance WHERE id = $1", performance)
        offers = await _read_offers(reader, [event]) if event is not None else ()
    found = next((o for o in offers if o.id == performance), None)
    if found is None:
        raise Problem("not_found")
    return found


async def offers_of(event: int) -> tuple[Offer, ...]:
    """Every performance of an event, in order of time."""
    async with connection() as reader:
        return await _read_offers(reader, [event])


async def offers_of_group(group: str) -> tuple[Offer, ...]:
    """Every performance of an inventory group, in order of time; none: its events have been joined with others, or
    parted."""
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT id FROM catalog.event WHERE inventory = $1 OR (inventory IS NULL AND 'e' || id = $1)", group
        )
        return await _read_offers(reader, [row["id"] for row in rows])


async def group_of_event(event: int) -> str:
    """The inventory group of an event, as it is at this moment."""
    async with connection() as reader:
        found: str | None = await reader.fetchval(
            "SELECT coalesce(inventory, 'e' || id) FROM catalog.event WHERE id = $1", event
        )
    return found or f"e{event}"


async def public_offers() -> tuple[Offer, ...]:
    """What the agenda shows: every performance, of every public event, in the organiser's order of events."""
    global _events
    if _events is None or time.monotonic() - _events[0] > KEPT_S:
        async with connection() as reader:
            rows = await reader.fetch("SELECT id FROM catalog.event WHERE visibility = 'public' ORDER BY position, id")
        _events = (time.monotonic(), tuple(r["id"] for r in rows))
    events = _events[1]
    async with connection() as reader:
        offers = await _read_offers(reader, list(events))
    rank = {event: index for index, event in enumerate(events)}
    return tuple(sorted((o for o in offers if o.visibility == "public"), key=lambda o: (rank[o.event], o.starts_at)))


async def offers_of_organizer(organizer: int) -> tuple[Offer, ...]:
    """Everything an organiser has, shown or hidden, in its own order of events: for its staff."""
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT e.id FROM catalog.event e JOIN catalog.box_office b ON b.id = e.box_office"
            " WHERE b.organizer = $1 ORDER BY e.position, e.id",
            organizer,
        )
        offers = await _read_offers(reader, [r["id"] for r in rows])
    rank = {row["id"]: index for index, row in enumerate(rows)}
    return tuple(sorted(offers, key=lambda o: (rank[o.event], o.starts_at)))


async def event_of_slug(slug: str) -> int:
    async with connection() as reader:
        found: int | None = await reader.fetchval(
            "SELECT id FROM catalog.event WHERE slug = $1 AND visibility IN ('public', 'link')", slug
        )
    if found is None:
        raise Problem("not_found")
    return found


async def plan_of(offer: Offer) -> Plan | None:
    """The plan version of a performance; versions never change, so each is read once per process."""
    if offer.plan is None:
        return None
    if offer.plan not in _plans:
        async with connection() as reader:
            document = await reader.fetchval("SELECT document FROM catalog.plan_version WHERE id = $1", offer.plan)
        _plans[offer.plan] = plan_from_document(document.encode())
    return _plans[offer.plan]


async def plan_page_of(offer: Offer) -> bytes:
    """The plan as the browser draws it. Raises Problem('not_found') for an unnumbered performance."""
    plan = await plan_of(offer)
    if plan is None or offer.plan is None:
        raise Problem("not_found")
    if offer.plan not in _plan_pages:
        _plan_pages[offer.plan] = plan_for_browser(plan)
    return _plan_pages[offer.plan]


def forget_offers() -> None:
    """After a change of the catalogue in this process."""
    global _events
    _offers.clear()
    _events = None


async def _read_offers(reader: asyncpg.Connection, events: list[int]) -> tuple[Offer, ...]:
    rows = await reader.fetch(PERFORMANCES, events)
    tariffs = await reader.fetch(
        "SELECT t.*, coalesce(json_object_agg(p.category, p.amount_minor) FILTER (WHERE p.id IS NOT NULL), '{}')"
        " AS prices FROM catalog.tariff t LEFT JOIN catalog.price p ON p.tariff = t.id"
        " WHERE t.event = ANY($1::bigint[]) GROUP BY t.id ORDER BY t.position, t.id",
        events,
    )
    quotas = await reader.fetch(
        "SELECT q.*, array(SELECT s.event FROM catalog.quota_share s WHERE s.quota = q.id) AS others"
        " FROM catalog.quota q WHERE q.event = ANY($1::bigint[])"
        " OR q.id IN (SELECT quota FROM catalog.quota_share WHERE event = ANY($1::bigint[])) ORDER BY q.id",
        events,
    )
    tariffs_of: dict[int, list[TariffOffer]] = {}
    for t in tariffs:
        tariffs_of.setdefault(t["event"], []).append(
            TariffOffer(
                t["id"], _texts(t["name"]), _texts(t["description"]), t["visibility"], t["order_max"],
                msgspec.json.decode(t["prices"], type=dict[str, int]), t["counted"],
            )
        )  # fmt: skip
    quotas_of: dict[int, list[QuotaOffer]] = {}
    for q in quotas:
        for event in (q["event"], *q["others"]):
            quotas_of.setdefault(event, []).append(
                QuotaOffer(
                    q["id"], q["performance"], q["tariff"], q["category"], q["name"], q["size"], bool(q["others"])
                )
            )
    offers = tuple(
        _offer(row, tuple(tariffs_of.get(row["event"], ())), tuple(quotas_of.get(row["event"], ()))) for row in rows
    )
    at = time.monotonic()
    _offers.update({offer.id: (at, offer) for offer in offers})
    return offers


def _offer(row: Any, tariffs: tuple[TariffOffer, ...], quotas: tuple[QuotaOffer, ...]) -> Offer:
    return Offer(
        id=row["id"], event=row["event"], slug=row["slug"],
        title=_texts(row["title"]), subtitle=_texts(row["subtitle"]), description=_texts(row["description"]),
        performance_title=_texts(row["performance_title"]), venue=row["venue"], zone=row["zone"],
        starts_at=row["starts_at"], doors_at=row["doors_at"], ends_at=row["ends_at"],
        sale_opens_at=row["sale_opens_at"], sale_closes_at=row["sale_closes_at"], cancelled_at=row["cancelled_at"],
        visibility=row["visibility"], hold_ttl_s=row["hold_ttl_s"] or get_settings().hold_ttl_s,
        order_max=row["order_max"], show_left=row["show_left"], show_sold=row["show_sold"],
        sold_out_text=_texts(row["sold_out_text"]), plan=row["plan"], tariffs=tariffs, quotas=quotas,
        box_office=BoxOfficeOffer(
            row["box_office"], row["organizer"], row["box_office_name"], row["contact_email"], row["accent"],
            row["currency"], _texts(row["terms"]),
        ),
        group=row["inventory"],
    )  # fmt: skip


def _texts(stored: str) -> dict[str, str]:
    return msgspec.json.decode(stored, type=dict[str, str])
