"""What a venue's hub asks of the box office (LIVE-9, DEV-1, PRN-3): `hardware.desk.HubDesk` over the ledger."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from app.access.admission import Scanned, admit
from app.access.keys import public_keys
from app.access.rules.admitting import TITLES, WINDOW
from app.core import journal
from app.core.clock import now
from app.core.db import connection, transaction
from app.core.errors import Problem
from app.core.i18n import current_locale, gettext, locale_of, show_date, show_time
from app.core.money import show_money
from app.counter.printing import move_job
from app.sales.confirmations import ticket_content
from app.sales.documents.content import TicketContent
from hardware.desk import (
    DeviceIdentity,
    DeviceStatus,
    FirstUse,
    GateBrief,
    Role,
    ScannedTicket,
    ScanVerdict,
)
from hardware.print_jobs import IllegalMove, LinkLost, PrintJob, Standing, Word
from hardware.printers._contract import PrintableTicket, SeatPart
from hardware.protocol import ScanRefused, TicketUsed

log = structlog.get_logger()
ROLES: dict[str, tuple[Role, ...]] = {"printer": ("printer",), "gate": ("gate",), "desk": ("printer", "gate")}
GATE_LANGUAGE = "fr"


class VenueDesk:
    """The eight answers. Every refusal is an answer too: a device is never left without one by a wrong question."""

    async def authorize(self, public_key: str) -> DeviceIdentity | None:
        async with connection() as reader:
            row = await reader.fetchrow(
                "SELECT id, name, kind, place FROM accounts.device WHERE public_key = $1 AND revoked_at IS NULL",
                public_key,
            )
        if row is None:
            return None
        return DeviceIdentity(row["id"], row["name"], public_key, ROLES.get(row["kind"], ()), row["place"])

    async def device_seen(self, device: DeviceIdentity, status: DeviceStatus) -> None:
        problems = sorted({problem for printer in status.printers.values() for problem in printer.problems})
        told = {"online": status.online, "queue": status.queue, "detail": ", ".join(problems)}
        async with connection() as ledger:
            await ledger.execute(
                "UPDATE accounts.device SET status = $2, last_seen_at = CASE WHEN $3 THEN $4 ELSE last_seen_at END"
                " WHERE id = $1",
                device.id, msgspec.json.encode(told).decode(), status.online, now(),
            )  # fmt: skip

    async def jobs_waiting(self, device: DeviceIdentity) -> list[PrintJob]:
        async with connection() as reader:
            rows = await reader.fetch(
                "SELECT * FROM counter.print_job WHERE printer = $1 AND state IN ('queued', 'sent', 'unknown')"
                " ORDER BY id LIMIT 500",
                device.id,
            )
            tickets = {
                t["id"]: t
                for t in await reader.fetch(
                    "SELECT * FROM sales.ticket WHERE id = ANY($1::bigint[])", [r["ticket"] for r in rows]
                )
            }
            orders = {
                o["id"]: o
                for o in await reader.fetch(
                    "SELECT * FROM sales.sale WHERE id = ANY($1::bigint[])", [t["order"] for t in tickets.values()]
                )
            }
        jobs = []
        for row in rows:
            ticket = tickets[row["ticket"]]
            content = await ticket_content(orders[ticket["order"]], ticket)
            with locale_of(orders[ticket["order"]]["locale"]):
                paper = printable(content, copy_number=row["copy_number"], issued_at=row["created_at"])
            standing = Standing(row["state"], row["attempt"], row["spool"], row["detail"])
            jobs.append(PrintJob(id=row["id"], ticket=paper, standing=standing))
        return jobs

    async def job_changed(self, device: DeviceIdentity, job_id: int, word: Word) -> Standing:
        try:
            return await move_job(job_id, word, actor=f"device:{device.id}", printer=device.id)
        except Problem as problem:
            raise LookupError(job_id) from problem

    async def links_lost(self, device: DeviceIdentity | None) -> None:
        async with connection() as reader:
            rows = await reader.fetch(
                "SELECT id, printer FROM counter.print_job"
                " WHERE state = 'sent' AND ($1::bigint IS NULL OR printer = $1)",
                device.id if device else None,
            )
        for row in rows:
            # Somebody may be quicker: then the job has moved on, and the link that was lost does not matter to it.
            with contextlib.suppress(IllegalMove):
                await move_job(row["id"], LinkLost(), actor="hub", printer=row["printer"])

    async def admit(self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str) -> ScanVerdict:
        with locale_of(GATE_LANGUAGE):
            scanned = await admit(
                await _gate_of(device), code, scan_id=scan_id, scanned_at=_moment(scanned_at_ms), device=device.id
            )
        return _verdict(scanned)

    async def conflict_found(
        self, device: DeviceIdentity, code: str, scanned_at_ms: int, scan_id: str, verdict: ScanVerdict
    ) -> None:
        at = now()
        number = verdict.ticket.number if verdict.ticket else ""
        log.warning("scan_conflict", device=device.name, ticket=number, verdict=verdict.verdict)
        async with transaction() as ledger:
            marked = await ledger.fetchval(
                "UPDATE access.scan SET offline = true WHERE scan_id = $1 AND NOT offline RETURNING gate", scan_id
            )
            if marked is None:
                return
            office = await ledger.fetchval("SELECT box_office FROM access.gate WHERE id = $1", marked)
            await journal.record(
                f"box-office:{office}", "scan_conflict", number or "?",
                {"scan": scan_id, "verdict": verdict.verdict, "scanned_at_ms": scanned_at_ms},
                actor=f"device:{device.id}", at=at,
            )  # fmt: skip

    async def gate_brief(self, device: DeviceIdentity) -> GateBrief:
        at = now()
        async with connection() as reader:
            performances = await reader.fetch(
                "SELECT p.id FROM catalog.performance p JOIN catalog.event e ON e.id = p.event"
                " JOIN catalog.box_office b ON b.id = e.box_office JOIN accounts.device d ON d.organizer = b.organizer"
                " WHERE d.id = $1 AND p.starts_at <= $3 AND coalesce(p.ends_at, p.starts_at) >= $2",
                device.id, at - WINDOW, at + WINDOW,
            )  # fmt: skip
            ids = [row["id"] for row in performances]
            used = await reader.fetch(
                "SELECT t.number, g.name, s.scanned_at FROM sales.ticket t JOIN access.scan s ON s.ticket = t.id"
                " AND s.verdict = 'admitted' JOIN access.gate g ON g.id = s.gate"
                " WHERE t.performance = ANY($1::bigint[]) AND t.used_at IS NOT NULL",
                ids,
            )
            void = await reader.fetch(
                "SELECT number FROM sales.ticket WHERE performance = ANY($1::bigint[]) AND status <> 'sold'", ids
            )
        with locale_of(GATE_LANGUAGE):
            titles = {str(verdict): gettext(title) for verdict, title in TITLES.items()}
        return GateBrief(
            keys=await public_keys(),
            performances=tuple(ids),
            used={r["number"]: FirstUse(r["name"], _ms(r["scanned_at"])) for r in used},
            void=tuple(r["number"] for r in void),
            titles=titles,
        )


def printable(content: TicketContent, *, copy_number: int, issued_at: datetime) -> PrintableTicket:
    """A ticket for a label printer, in the language that is set. A copy says that it is one (PRN-3, AHEAD-5)."""
    zone = content.time_zone
    seat = [
        SeatPart(caption, label)
        for caption, label in (
            (gettext("Zone"), content.seat_zone),
            (gettext("Row"), content.seat_row),
            (gettext("Seat"), content.seat_number),
        )
        if label
    ]
    mark = "" if copy_number == 0 else "DUPLICATA" if copy_number == 1 else f"DUPLICATA {copy_number}"
    amount = show_money(content.price_minor, content.currency, current_locale())
    return PrintableTicket(
        number=content.number,
        code=content.code,
        event=" – ".join(part for part in (content.event_title, content.performance_title) if part),
        subtitle=content.event_subtitle,
        date=f"{show_date(content.starts_at, zone, 'full')}, {show_time(content.starts_at, zone)}",
        venue=content.venue,
        doors=(gettext("Doors {time}").format(time=show_time(content.doors_at, zone)) if content.doors_at else ""),
        price=amount if content.price_minor else gettext("Free"),
        seat=tuple(seat),
        placement="" if seat else gettext("Free seating"),
        tariff=content.tariff_name,
        holder=content.holder,
        order=content.order_code,
        organizer=content.box_office_name,
        issued=f"{show_date(issued_at, zone, 'short')} {show_time(issued_at, zone)}",
        duplicata=mark,
    )


async def _gate_of(device: DeviceIdentity) -> int:
    async with connection() as reader:
        gate: int | None = await reader.fetchval(
            "SELECT g.id FROM access.gate g JOIN catalog.box_office b ON b.id = g.box_office"
            " JOIN accounts.device d ON d.organizer = b.organizer WHERE d.id = $1 AND g.name = $2",
            device.id, device.place,
        )  # fmt: skip
    if gate is None:
        raise LookupError(f"the device {device.name} stands at no gate of this name: {device.place!r}")
    return gate


def _verdict(scanned: Scanned) -> ScanVerdict:
    ticket, first = scanned.ticket, scanned.first
    return ScanVerdict(
        verdict=scanned.verdict,  # type: ignore[arg-type]  # both lists are kept equal by a test
        title=scanned.title,
        detail=scanned.detail,
        ticket=ScannedTicket(
            ticket.number, ticket.seat or "", ticket.tariff_name, ticket.performance, ticket.starts_at, ticket.holder
        )
        if ticket
        else None,
        first=FirstUse(first.gate, _ms(datetime.fromisoformat(first.at))) if first else None,
    )


def event_of_scan(row: Any) -> TicketUsed | ScanRefused:
    """A stored scan as the event stream tells it."""
    number = row["number"] or ""
    if row["verdict"] == "admitted":
        return TicketUsed(number, FirstUse(row["gate"], _ms(row["scanned_at"])))
    return ScanRefused(row["gate"], row["verdict"], number)


def _moment(ms: int) -> datetime:
    """A device's clock may be wrong: what it calls the future, or no time at all, is now."""
    try:
        return min(datetime.fromtimestamp(ms / 1000, UTC), now())
    except (ValueError, OverflowError, OSError):
        return now()


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
