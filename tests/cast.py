"""The cast that the tests share: a theatre with its manager and two cashiers, buyers, a gate, and a stranger.

Built through the real tables in a real PostgreSQL, over a small house of three rows:

    Parterre > A > 1 … 10   (Gold)
    Parterre > B > 1 … 10   (Gold)
    Balcon   > C > 1 … 10   (Silver)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.access.tables import Gate
from app.accounts.passwords import hash_password
from app.accounts.tables import Account, Device, Membership, Organizer
from app.catalog.queries import forget_offers
from app.catalog.tables import BoxOffice, Event, Performance, PlanVersion, Price, Quota, Tariff
from app.core.clock import now
from app.core.ids import new_token
from app.counter.tables import Counter, CounterOperator
from app.sales.carts import Cart
from app.sales.orders import Buyer
from seating.plan import Plan, plan_from_pretix, plan_to_document
from seating.store import Owner

PASSWORD = "a long enough password"
PRICES = {"full": {"Gold": 4000, "Silver": 2500}, "child": {"Gold": 2000, "Silver": 1000}}
GOLD_ROW_A, GOLD_ROW_B, SILVER_ROW_C = range(10), range(10, 20), range(20, 30)

ALICE = Buyer("Alice Martin", "alice@example.org")
BASILE = Buyer("Basile Nguyễn", "basile@example.org")
CHLOE = Buyer("Chloé Д’Артаньян", "chloe@example.org")


@dataclass(frozen=True, slots=True)
class Theatre:
    """Ids of what was made. `performance` is seated; `other` is another evening; `standing` has no seats."""

    organizer: int
    box_office: int
    event: int
    performance: int
    other: int
    standing_event: int
    standing: int
    full: int
    child: int
    standing_tariff: int
    gate: int
    second_gate: int
    counter: int
    printer: int
    manager: int
    lea: int
    hugo: int
    doorkeeper: int
    stranger: int
    """A manager of another organiser, who must see nothing."""

    @property
    def group(self) -> str:
        return f"e{self.event}"


def house() -> Plan:
    """Thirty seats in three straight rows before a stage."""

    def row(label: str, y: int, category: str) -> dict[str, object]:
        seats = [
            {
                "seat_guid": f"{label}-{n}",
                "seat_number": str(n),
                "position": {"x": n * 30, "y": 0},
                "category": category,
            }
            for n in range(1, 11)
        ]
        return {"row_number": label, "position": {"x": 0, "y": y}, "seats": seats}

    def zone(name: str, rows: list[dict[str, object]]) -> dict[str, object]:
        return {"name": name, "position": {"x": 0, "y": 0}, "rows": rows, "areas": []}

    document = {
        "name": "Little house",
        "size": {"width": 400, "height": 300},
        "categories": [{"name": "Gold", "color": "#b8860b"}, {"name": "Silver", "color": "#708090"}],
        "zones": [
            zone("Parterre", [row("A", 100, "Gold"), row("B", 140, "Gold")]),
            zone("Balcon", [row("C", 220, "Silver")]),
        ],
    }
    return plan_from_pretix(json.dumps(document).encode())


async def build_theatre(*, starts_at: datetime | None = None) -> Theatre:
    """Everything of the cast, in the database that the pool is open on."""
    starts = starts_at or now() + timedelta(hours=4)  # tonight: gates admit to it
    organizer = await _organizer("Théâtre du Test", "theatre")
    elsewhere = await _organizer("Elsewhere", "elsewhere")
    office = BoxOffice(
        organizer=organizer, name="Théâtre du Test", slug="theatre", currency="EUR", contact_email="box@example.org"
    )
    await office.save()
    plan = house()
    document = plan_to_document(plan)
    version = PlanVersion(
        organizer=organizer,
        name=plan.name,
        document=document.decode(),
        digest=hashlib.sha256(document).hexdigest(),
        seats=len(plan.seats),
    )
    await version.save()
    event = await _event(office.id, "the-play", {"en": "The Play", "fr": "La Pièce"})
    full = await _tariff(event, {"en": "Full price", "fr": "Plein tarif"}, PRICES["full"], 0)
    child = await _tariff(event, {"en": "Child", "fr": "Enfant"}, PRICES["child"], 1)
    performance = await _performance(event, starts, version.id)
    other = await _performance(event, starts + timedelta(days=1), version.id)
    standing_event = await _event(office.id, "the-festival", {"en": "The Festival", "fr": "Le Festival"})
    standing_tariff = await _tariff(standing_event, {"en": "Day ticket"}, {"": 1500}, 0)
    standing = await _performance(standing_event, starts, None)
    await Quota(event=standing_event, performance=standing, name="Capacity", size=20).save()
    printer = Device(organizer=organizer, name="Printer 1", kind="printer", public_key="p" * 40, place="Counter 1")
    await printer.save()
    counter = Counter(box_office=office.id, name="Counter 1", printer=printer.id)
    await counter.save()
    gates = [await _gate(office.id, name) for name in ("Main entrance", "Balcony")]
    people = {
        name: await _person(name, role, owner)
        for name, role, owner in (
            ("manager", "manager", organizer),
            ("lea", "cashier", organizer),
            ("hugo", "cashier", organizer),
            ("doorkeeper", "gate", organizer),
            ("stranger", "manager", elsewhere),
        )
    }
    await CounterOperator(counter=counter.id, account=people["lea"]).save()
    forget_offers()
    return Theatre(
        organizer=organizer,
        box_office=office.id,
        event=event,
        performance=performance,
        other=other,
        standing_event=standing_event,
        standing=standing,
        full=full,
        child=child,
        standing_tariff=standing_tariff,
        gate=gates[0],
        second_gate=gates[1],
        counter=counter.id,
        printer=printer.id,
        **people,
    )


def buyer_cart() -> Cart:
    """A new buyer's basket."""
    return Cart(new_token(), "online", Owner("buyer", "online"))


def counter_cart(operator: int) -> Cart:
    return Cart(f"{operator}.{new_token()}", "counter", Owner("counter", "Counter 1 · Léa"))


async def _organizer(name: str, slug: str) -> int:
    made = Organizer(name=name, slug=slug)
    await made.save()
    return int(made.id)


async def _event(office: int, slug: str, title: dict[str, str]) -> int:
    made = Event(box_office=office, slug=slug, title=json.dumps(title), order_max=10, show_left=True)
    await made.save()
    return int(made.id)


async def _tariff(event: int, name: dict[str, str], prices: dict[str, int], position: int) -> int:
    made = Tariff(event=event, name=json.dumps(name), position=position)
    await made.save()
    for category, amount in prices.items():
        await Price(tariff=made.id, category=category, amount_minor=amount).save()
    return int(made.id)


async def _performance(event: int, starts: datetime, plan: int | None) -> int:
    made = Performance(event=event, plan=plan, venue="Main hall", starts_at=starts, doors_at=starts)
    await made.save()
    return int(made.id)


async def _gate(office: int, name: str) -> int:
    made = Gate(box_office=office, name=name)
    await made.save()
    return int(made.id)


_hashed: dict[str, str] = {}


async def _person(name: str, role: str, organizer: int) -> int:
    hashed = _hashed.setdefault(PASSWORD, "") or hash_password(PASSWORD)
    _hashed[PASSWORD] = hashed
    made = Account(email=f"{name}@example.org", name=name.capitalize(), password_hash=hashed, locale="en")
    await made.save()
    await Membership(account=made.id, organizer=organizer, role=role).save()
    return int(made.id)
