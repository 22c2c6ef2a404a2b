"""Admitting a ticket: judged once, under lock, and remembered for ever (ACC-1, ACC-2).

The scan's own id makes a retry harmless: a lost reply must not turn green into "already used".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog
from msgspec import Struct

from app.access.keys import verifying_keys
from app.access.rules.admitting import DETAILS, TITLES, Presented, judge
from app.access.tables import Verdict
from app.catalog.queries import group_of_event, offer_of
from app.core import journal
from app.core.clock import local, now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.core.i18n import gettext, show_date, show_time
from app.core.ids import ALPHABET, REFERENCE_LENGTH
from app.sales.carts import title_of
from app.sales.inventory import inventory, with_group
from app.sales.tables import TicketStatus
from hardware.ticket_code import BadCode, TicketClaims, verify

log = structlog.get_logger()
TICKET_NUMBER = re.compile(rf"T[{ALPHABET}]{{{REFERENCE_LENGTH}}}")
BELIEVED = timedelta(days=30)
"""A device that was away may report late; a clock that is further off is not believed."""
NOTIFY = "placeur_scans"
"""Whoever streams to devices listens to this PostgreSQL channel; the payload is the scan's id."""


class TicketShown(Struct, frozen=True, kw_only=True):
    """What a gate's screen shows of a ticket."""

    number: str
    seat: str | None
    tariff_name: str
    performance: str
    starts_at: str
    holder: str


class FirstUsed(Struct, frozen=True):
    gate: str
    at: str


class Scanned(Struct, frozen=True, kw_only=True):
    verdict: str
    title: str
    detail: str
    ticket: TicketShown | None = None
    first: FirstUsed | None = None


async def admit(
    gate: int,
    code: str,
    *,
    scan_id: str,
    scanned_at: datetime,
    operator: int | None = None,
    device: int | None = None,
    offline: bool = False,
) -> Scanned:
    """Judge and record one scan; the same `scan_id` again gives the first answer.

    Raises Problem: not_found for an unknown gate; idempotency_conflict for a `scan_id` that named another ticket, or a
    scan at another box office's gate."""
    claims = await _read_code(code)
    scanned_at = max(scanned_at, now() - BELIEVED)
    async with transaction() as ledger:
        office = await _office_of(ledger, gate)
        if claims is None and operator is not None:
            claims = await _typed_number(ledger, code, office)
        known = await _known_scan(ledger, scan_id)
        if known is not None:
            return await _repeat(ledger, known, office, claims)
        row = await _lock_ticket(ledger, claims) if claims else None
        verdict = Verdict.FORGED if claims is None else judge(_presented(row), box_office=office, at=scanned_at)
        at = now()
        stored = await ledger.fetchval(
            "INSERT INTO access.scan (scan_id, gate, ticket, device, operator, verdict, at, scanned_at, offline)"
            " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT (scan_id) DO NOTHING RETURNING id",
            scan_id, gate, row["id"] if row else None, device, operator, verdict.value, at, scanned_at, offline,
        )  # fmt: skip
        if stored is None:
            # The same scan came twice at the same moment, and the other one was quicker.
            return await _repeat(ledger, await _known_scan(ledger, scan_id), office, claims)
        if verdict == Verdict.ADMITTED and row is not None:
            await ledger.execute("UPDATE sales.ticket SET used_at = $2 WHERE id = $1", row["id"], scanned_at)
            await journal.record(
                f"box-office:{office}", "ticket_admitted", row["number"],
                {"gate": gate, "scan": scan_id, "offline": offline},
                actor=f"device:{device}" if device else f"account:{operator}", at=at,
            )  # fmt: skip
        await ledger.execute("SELECT pg_notify($1, $2)", NOTIFY, str(stored))
        answer = await _describe(ledger, verdict, row["id"] if row else None)
    if verdict == Verdict.ADMITTED and row is not None and row["ordinal"] >= 0:
        await _show_used(row)
    return answer


async def _known_scan(ledger: asyncpg.Connection, scan_id: str) -> Any:
    return await ledger.fetchrow(
        "SELECT s.verdict, s.ticket, t.number, g.box_office FROM access.scan s JOIN access.gate g ON g.id = s.gate"
        " LEFT JOIN sales.ticket t ON t.id = s.ticket WHERE s.scan_id = $1",
        scan_id,
    )


async def _repeat(ledger: asyncpg.Connection, known: Any, office: int, claims: TicketClaims | None) -> Scanned:
    """The first answer, to whoever asked for it about this ticket: an id used twice must let nobody else in."""
    same = known["number"] is None or (claims is not None and claims.ticket == known["number"])
    if known["box_office"] != office or not same:
        raise Problem("idempotency_conflict")
    return await _describe(ledger, Verdict(known["verdict"]), known["ticket"])


async def _show_used(row: Any) -> None:
    """On the live map the seat is used (LIVE-2). The ledger has it already; a map that misses it is mended later."""
    try:
        group = await group_of_event(row["event"])
        await with_group(group, lambda: inventory().mark_used(group, row["performance"], row["ordinal"]))
    except Exception as error:  # noqa: BLE001 - the holder is in; no trouble with the map may turn that into an error
        log.warning("seat_not_marked_used", ticket=row["number"], error=repr(error))


async def _read_code(code: str) -> TicketClaims | None:
    try:
        return verify(code, await verifying_keys())
    except BadCode:
        return None


async def _typed_number(ledger: asyncpg.Connection, text: str, office: int) -> TicketClaims | None:
    """A ticket of this house by the number printed under its code, for the paper that no scanner reads. Only somebody
    who is signed in may type one; the number is as hard to guess as an order's."""
    number = "".join(text.split()).upper()
    if not TICKET_NUMBER.fullmatch(number):
        return None
    performance: int | None = await ledger.fetchval(
        'SELECT t.performance FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
        " WHERE t.number = $1 AND s.box_office = $2",
        number, office,
    )  # fmt: skip
    return TicketClaims(number, performance) if performance is not None else None


async def _office_of(ledger: asyncpg.Connection, gate: int) -> int:
    office: int | None = await ledger.fetchval("SELECT box_office FROM access.gate WHERE id = $1", gate)
    if office is None:
        raise Problem("not_found")
    return office


async def _lock_ticket(ledger: asyncpg.Connection, claims: TicketClaims) -> Any:
    """Two gates that scan the same ticket at once take turns here."""
    return await ledger.fetchrow(
        "SELECT t.id, t.number, t.status, t.used_at, t.performance, t.ordinal, s.box_office, s.event, p.starts_at,"
        ' p.ends_at FROM sales.ticket t JOIN sales.sale s ON s.id = t."order"'
        " JOIN catalog.performance p ON p.id = t.performance"
        " WHERE t.number = $1 AND t.performance = $2 FOR UPDATE OF t",
        claims.ticket, claims.performance,
    )  # fmt: skip


def _presented(row: Any) -> Presented | None:
    if row is None:
        return None
    return Presented(
        TicketStatus(row["status"]), row["used_at"] is not None, row["box_office"], row["starts_at"], row["ends_at"]
    )


async def _describe(ledger: asyncpg.Connection, verdict: Verdict, ticket: int | None) -> Scanned:
    shown, first, zone = None, None, "UTC"
    if ticket is not None:
        row = await ledger.fetchrow(
            'SELECT t.*, s.name AS holder FROM sales.ticket t JOIN sales.sale s ON s.id = t."order" WHERE t.id = $1',
            ticket,
        )
        offer = await offer_of(row["performance"])
        zone = offer.zone
        shown = TicketShown(
            number=row["number"],
            seat=row["seat_label"] or None,
            tariff_name=row["tariff_name"],
            performance=title_of(offer),
            starts_at=local(offer.starts_at, zone),
            holder=row["holder"],
        )
        first = await _first_use(ledger, ticket) if verdict == Verdict.ALREADY_USED else None
    detail = gettext(DETAILS[verdict])
    if verdict == Verdict.NOT_TODAY and ticket is not None:
        detail = detail.format(date=show_date(offer.starts_at, zone, "full"), time=show_time(offer.starts_at, zone))
    if first is not None:
        gate, at = first
        detail = detail.format(gate=gate, time=f"{show_date(at, zone, 'short')} {show_time(at, zone)}")
    return Scanned(
        verdict=verdict.value,
        title=gettext(TITLES[verdict]),
        detail=detail,
        ticket=shown,
        first=FirstUsed(first[0], local(first[1], zone)) if first else None,
    )


async def _first_use(ledger: asyncpg.Connection, ticket: int) -> tuple[str, datetime] | None:
    row = await ledger.fetchrow(
        "SELECT g.name, s.scanned_at FROM access.scan s JOIN access.gate g ON g.id = s.gate"
        " WHERE s.ticket = $1 AND s.verdict = 'admitted' ORDER BY s.id LIMIT 1",
        ticket,
    )
    return (row["name"], row["scanned_at"]) if row else None


async def gates_of(organizer: int) -> list[dict[str, Any]]:
    async with connection() as reader:
        rows = await reader.fetch(
            "SELECT g.id, g.name FROM access.gate g JOIN catalog.box_office b ON b.id = g.box_office"
            " WHERE b.organizer = $1 ORDER BY g.id",
            organizer,
        )
    return [dict(row) for row in rows]
