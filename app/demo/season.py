"""The demo's season: an imaginary organiser with a theatre, a concert hall and a festival, its staff and its devices.

Loaded once into an empty ledger, through the same tables and the same sales workflows that real ones use.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from app.access.tables import Gate
from app.accounts.passwords import hash_password
from app.accounts.tables import Account, Device, Membership, Organizer
from app.audience.entries import EntryWish, join
from app.audience.lists import ListChange, change_settings
from app.audience.tables import Mode
from app.catalog.plans import store_plan
from app.catalog.queries import forget_offers, offer_of, plan_of
from app.catalog.tables import BoxOffice, Event, Performance, Price, Quota, Season, Tariff
from app.core import db
from app.core.clock import now
from app.core.i18n import locale_of
from app.core.ids import new_token
from app.core.redis import close_redis
from app.counter.tables import Counter, CounterOperator
from app.demo.keys import device_key_file
from app.demo.people import GATE, LOG_INS
from app.demo.seat_views import hang_views
from app.demo.studio import studio
from app.sales import jobs as _sales_jobs
from app.sales.allotments import AllotmentWish, make_allotment
from app.sales.carts import BestWish, Cart, Wish, add_to_cart
from app.sales.groups import link_performances, share_quota
from app.sales.orders import Buyer, Seller, place_order
from app.settings import get_settings
from hardware.keys import load_or_make_pair
from seating.plan import plan_from_pretix
from seating.store import Owner
from seating.theatre import italian_theatre

assert _sales_jobs  # imported so that the sales below may enqueue

ZONE = "Europe/Paris"
PLANS = Path(__file__).parent / "plans"
NAMES = ("Marie Laurent", "Paul Moreau", "Nadia Benali", "Jean Dubois", "Sofia Rossi", "Karim Haddad", "Anne Weber")
STUDIO = "dernier-train-pour-ostende"
WAITING = (
    ("Hélène Roux", "helene.roux@example.org", 2, False), ("Thomas Girard", "thomas.girard@example.org", 4, True),
    ("Inès Fournier", "ines.fournier@example.org", 1, False), ("Luc Lambert", "luc.lambert@example.org", 2, True),
)  # fmt: skip
"""Who waits for the studio: name, address, how many places, and whether any evening would do."""
Texts = Mapping[str, str]


class TariffPlan(Struct, frozen=True):
    """A tariff as a share of the full price, or with its own prices."""

    name: Texts
    share: float
    description: Texts = {}


FULL = TariffPlan({"fr": "Plein tarif", "en": "Full price"}, 1.0)
REDUCED = TariffPlan(
    {"fr": "Tarif réduit", "en": "Reduced"},
    0.7,
    {"fr": "Étudiants, demandeurs d’emploi, plus de 65 ans", "en": "Students, job seekers, over 65"},
)
CHILD = TariffPlan({"fr": "Enfant", "en": "Child"}, 0.4, {"fr": "Moins de 12 ans", "en": "Under 12"})

TERMS = {
    "fr": "Les billets ne sont ni repris ni échangés, sauf en cas d’annulation du spectacle. Chaque billet est valable "
    "pour une seule entrée, à la date et à la place indiquées. Les portes ferment au début du spectacle ; les "
    "retardataires sont placés à l’entracte. Démonstration : aucun spectacle n’a lieu, aucun argent n’est encaissé.",
    "en": "Tickets are neither refunded nor exchanged unless the performance is cancelled. Each ticket admits one "
    "person once, on the date and to the seat shown. Doors close at the beginning; latecomers are seated at the "
    "interval. Demonstration: no performance takes place and no money is taken.",
}


async def load() -> None:
    """Load everything, then sell some seats so that the house is not empty."""
    await db.start_pool(4)
    try:
        if await Organizer.count():
            return
        async with db.transaction():
            tonight = await _load_catalogue()
        forget_offers()
        await _join_and_keep(tonight)
        async with asyncio.TaskGroup() as work:
            work.create_task(_hang_views(tonight[0]))
            work.create_task(_sell_some(tonight))
        await _fill_studio()
    finally:
        await db.stop_pool()
        await close_redis()


async def _load_catalogue() -> list[int]:
    organizer = Organizer(name="Les Scènes du Canal", slug="scenes-du-canal")
    await organizer.save()
    office = BoxOffice(
        organizer=organizer.id, name="Les Scènes du Canal", slug="scenes-du-canal", currency="EUR", locale="fr",
        contact_email="billetterie@scenes-du-canal.example", accent="#8a1c36", terms=_json(TERMS),
    )  # fmt: skip
    await office.save()
    season = Season(box_office=office.id, name=_json({"fr": "Saison 26/27", "en": "Season 26/27"}))
    await season.save()
    await _load_people(organizer, office)
    theatre = await _load_theatre(organizer, office, season)
    await _load_concert(organizer, office, season)
    await _load_festival(office, season)
    await _load_passes(office, season, theatre)
    await _load_studio(organizer, office, season)
    return theatre


async def _load_people(organizer: Organizer, office: BoxOffice) -> None:
    data = Path(get_settings().data_dir)
    printer = Device(
        organizer=organizer.id, name="Imprimante guichet", kind="printer", place="Guichet 1",
        public_key=load_or_make_pair(device_key_file(data, "printer-agent")).public,
    )  # fmt: skip
    gate = Device(
        organizer=organizer.id, name="Douchette entrée", kind="gate", place=GATE,
        public_key=load_or_make_pair(device_key_file(data, "gate-agent")).public,
    )  # fmt: skip
    await Device.insert(printer, gate)
    printer_id = (await Device.objects().where(Device.kind == "printer").first()).id  # type: ignore[union-attr]  # just inserted
    for name in (GATE, "Entrée balcons"):
        await Gate(box_office=office.id, name=name).save()
    cashiers = []
    for person in LOG_INS:
        hashed = await asyncio.to_thread(hash_password, person.password)
        account = Account(email=person.email, name=person.name, password_hash=hashed, locale="fr")
        await account.save()
        await Membership(account=account.id, organizer=organizer.id, role=person.role).save()
        if person.role == "cashier":
            cashiers.append(account.id)
    for number, account_id in enumerate(cashiers, start=1):
        counter = Counter(box_office=office.id, name=f"Guichet {number}", printer=printer_id)
        await counter.save()
        await CounterOperator(counter=counter.id, account=account_id).save()


async def _load_theatre(organizer: Organizer, office: BoxOffice, season: Season) -> list[int]:
    plan = italian_theatre()
    version = await store_plan(organizer.id, plan)
    event = Event(
        box_office=office.id, season=season.id, slug="le-malade-imaginaire", zone=ZONE, order_max=10, show_left=True,
        title=_json({"fr": "Le Malade imaginaire", "en": "The Imaginary Invalid"}),
        subtitle=_json({"fr": "Molière · comédie-ballet en trois actes", "en": "Molière · comedy-ballet in three acts"}),
        description=_json({
            "fr": "Argan se croit malade, ses médecins l’y encouragent, et toute la maison en profite. La dernière pièce "
            "de Molière, avec ses intermèdes de Charpentier joués par huit musiciens sur scène. 2 h 20 avec entracte.",
            "en": "Argan believes he is ill, his doctors encourage him, and the whole household profits. Molière’s last "
            "play, with Charpentier’s interludes played by eight musicians on stage. 2 h 20 with an interval. In French.",
        }),
        position=1,
    )  # fmt: skip
    await event.save()
    full = (6200, 4800, 3600, 2400, 1500, 1200)
    prices = {c.name: full[min(i, len(full) - 1)] for i, c in enumerate(plan.categories)}
    child = (await _load_tariffs(event, (FULL, REDUCED, CHILD), prices))[2]
    ids = []
    for start in (_tonight(), *(_at(days, 20, 0) for days in (1, 5, 6)), _at(7, 15, 30)):
        performance = Performance(
            event=event.id, plan=version, venue="Théâtre du Canal, grande salle", starts_at=start,
            doors_at=start - timedelta(minutes=45), ends_at=start + timedelta(hours=2, minutes=20),
        )  # fmt: skip
        await performance.save()
        ids.append(performance.id)
        await Quota(event=event.id, performance=performance.id, tariff=child, name="Enfants", size=150).save()
    later = _at(40, 20, 0)
    await Performance(
        event=event.id, plan=version, venue="Théâtre du Canal, grande salle", starts_at=later,
        doors_at=later - timedelta(minutes=45), ends_at=later + timedelta(hours=2, minutes=20),
        sale_opens_at=_at(10, 10, 0),
    ).save()  # fmt: skip
    return ids


async def _load_concert(organizer: Organizer, office: BoxOffice, season: Season) -> None:
    plan = plan_from_pretix((PLANS / "concert-hall-1115.pretix.json").read_bytes())
    version = await store_plan(organizer.id, plan)
    event = Event(
        box_office=office.id, season=season.id, slug="nuit-blanche", zone=ZONE, order_max=8,
        title=_json({"fr": "Nuit blanche", "en": "White Night"}),
        subtitle=_json({
            "fr": "Électro en direct de Moscou · parterre dansant et carrés VIP",
            "en": "Live electro from Moscow · dance floor and VIP boxes",
        }),
        description=_json({
            "fr": "Une nuit de musique dans une vraie salle moscovite de 1 115 places, avec ses libellés d’origine.",
            "en": "A night of music in a real Moscow hall with 1,115 places, and its original labels.",
        }),
        position=2,
    )  # fmt: skip
    await event.save()
    prices = dict(zip([c.name for c in plan.categories], (3500, 5500, 7000, 8500, 11000, 16000), strict=True))
    await _load_tariffs(event, (FULL, REDUCED), prices)
    for days in (3, 4):
        start = _at(days, 21, 0)
        await Performance(
            event=event.id, plan=version, venue="Halle du Quai", starts_at=start, doors_at=start - timedelta(hours=1),
            ends_at=start + timedelta(hours=5),
        ).save()  # fmt: skip


async def _load_festival(office: BoxOffice, season: Season) -> None:
    event = Event(
        box_office=office.id, season=season.id, slug="festival-des-quais", zone=ZONE, order_max=12, show_left=True,
        sold_out_text=_json({"fr": "Complet ! Rendez-vous l’an prochain.", "en": "Full! See you next year."}),
        title=_json({"fr": "Festival des Quais", "en": "Quayside Festival"}),
        subtitle=_json({
            "fr": "Trois jours, douze concerts, placement libre",
            "en": "Three days, twelve concerts, free seating",
        }),
        description=_json({
            "fr": "Fanfares, jazz et chanson au fil de l’eau. Entrée libre entre les scènes, gratuite avant 6 ans.",
            "en": "Brass bands, jazz and songs by the water. Walk freely between the stages; free under 6.",
        }),
        position=3,
    )  # fmt: skip
    await event.save()
    tariffs = await _load_tariffs(
        event,
        (FULL, REDUCED, CHILD, TariffPlan({"fr": "Moins de 6 ans", "en": "Under 6"}, 0.0)),
        {"": 2800},
    )
    for days, title in (
        (12, {"fr": "Vendredi", "en": "Friday"}),
        (13, {"fr": "Samedi", "en": "Saturday"}),
        (14, {"fr": "Dimanche", "en": "Sunday"}),
    ):
        start = _at(days, 17, 0)
        performance = Performance(
            event=event.id, venue="Quai des Brumes", title=_json(title), starts_at=start,
            doors_at=start - timedelta(hours=1), ends_at=start + timedelta(hours=7),
        )  # fmt: skip
        await performance.save()
        await Quota(event=event.id, performance=performance.id, name="Jauge", size=600).save()
    await Quota(event=event.id, tariff=tariffs[1], name="Tarifs réduits", size=400).save()


async def _load_passes(office: BoxOffice, season: Season, theatre: list[int]) -> None:
    """A pass with one seat for two evenings (SEA-7), and one without seats whose days fill the festival (AHEAD-12)."""
    evening = await Performance.objects().get(Performance.id == theatre[2])
    assert evening is not None
    for slug, title, subtitle, prices, plan, start in (
        (
            "pass-week-end", {"fr": "Pass week-end Molière", "en": "Molière weekend pass"},
            {"fr": "La même place deux soirs de suite", "en": "The same seat two evenings in a row"},
            await _pass_prices(theatre[2]), evening.plan, evening.starts_at,
        ),
        (
            "pass-trois-jours", {"fr": "Pass trois jours", "en": "Three-day pass"},
            {"fr": "Tout le Festival des Quais", "en": "All of the Quayside Festival"},
            {"": 6500}, None, _at(12, 17, 0),
        ),
    ):  # fmt: skip
        event = Event(
            box_office=office.id, season=season.id, slug=slug, zone=ZONE, order_max=6, title=_json(title),
            subtitle=_json(subtitle), position=4,
        )  # fmt: skip
        await event.save()
        await _load_tariffs(event, (TariffPlan({"fr": "Pass", "en": "Pass"}, 1.0),), prices)
        await Performance(
            event=event.id, plan=plan, starts_at=start, doors_at=start - timedelta(minutes=45),
            venue="Théâtre du Canal, grande salle" if plan else "Quai des Brumes",
        ).save()  # fmt: skip


async def _load_studio(organizer: Organizer, office: BoxOffice, season: Season) -> None:
    """A small house that everybody wants to see: sold out on both evenings, with a waiting list (WTL-1)."""
    plan = studio("Studio du Canal")
    version = await store_plan(organizer.id, plan)
    event = Event(
        box_office=office.id, season=season.id, slug=STUDIO, zone=ZONE, order_max=4,
        title=_json({"fr": "Dernier train pour Ostende", "en": "Last Train to Ostend"}),
        subtitle=_json({"fr": "Seul en scène, à un mètre du public", "en": "One actor, a yard from the audience"}),
        description=_json({
            "fr": "Un homme, une valise, un quai. Soixante-trois places seulement : si c’est complet, la liste d’attente "
            "prévient dès qu’une place se libère.",
            "en": "A man, a suitcase, a platform. Only sixty-three seats: when they are gone, the waiting list tells you as "
            "soon as one comes back. In French.",
        }),
        position=5,
    )  # fmt: skip
    await event.save()
    await _load_tariffs(event, (FULL, REDUCED), {category.name: 2200 for category in plan.categories})
    for days in (2, 3):
        start = _at(days, 19, 0)
        await Performance(
            event=event.id, plan=version, venue="Studio du Canal", starts_at=start,
            doors_at=start - timedelta(minutes=20), ends_at=start + timedelta(minutes=75),
        ).save()  # fmt: skip


async def _pass_prices(performance: int) -> dict[str, int]:
    """Two evenings for the price of one and a half."""
    full = (await offer_of(performance)).tariffs[0]
    return {category: round(amount * 1.5 / 50) * 50 for category, amount in full.prices.items()}


async def _join_and_keep(theatre: list[int]) -> None:
    """What managers do by hand: link the pass with its evenings, let one limit count two events, keep seats for a
    school and places for a partner."""
    async with db.connection() as reader:
        organizer = await reader.fetchval("SELECT id FROM accounts.organizer")
        performances = {
            row["slug"]: row
            for row in await reader.fetch(
                "SELECT DISTINCT ON (e.slug) e.slug, e.id AS event, p.id FROM catalog.event e"
                " JOIN catalog.performance p ON p.event = e.id ORDER BY e.slug, p.starts_at"
            )
        }
    who: dict[str, Any] = {"organizer": organizer, "actor": "demo season", "at": now()}
    await link_performances(performances["pass-week-end"]["id"], theatre[2:4], **who)
    quay = Quota(event=performances["pass-trois-jours"]["event"], name="Jauge du quai", size=1_500)
    await quay.save()
    forget_offers()
    await share_quota(int(quay.id), (performances["festival-des-quais"]["event"],), **who)
    school = AllotmentWish(
        performance=theatre[1], name="Collège Jules-Ferry", seats=tuple(await _school_seats(theatre[1])),
        release_at=max(_at(1, 12, 0), now() + timedelta(hours=2)),
    )  # fmt: skip
    await make_allotment(school, **who)
    partner = AllotmentWish(
        performance=performances["festival-des-quais"]["id"], name="Office de tourisme", quantity=60
    )  # fmt: skip
    await make_allotment(partner, **who)


async def _school_seats(performance: int) -> list[int]:
    """The last two long rows of the house: cheap, and side by side."""
    plan = await plan_of(await offer_of(performance))
    assert plan is not None
    long = [row for row in plan.rows if len(row) >= 8]
    return [ordinal for row in long[-2:] for ordinal in row]


async def _load_tariffs(event: Event, plans: tuple[TariffPlan, ...], prices: Mapping[str, int]) -> list[int]:
    ids = []
    for position, plan in enumerate(plans):
        tariff = Tariff(event=event.id, name=_json(plan.name), description=_json(plan.description), position=position)
        await tariff.save()
        ids.append(tariff.id)
        await Price.insert(
            *(
                Price(tariff=tariff.id, category=category, amount_minor=round(full * plan.share / 50) * 50)
                for category, full in prices.items()
            )
        )
    return ids


async def _hang_views(tonight: int) -> None:
    """One model for all that is played in the theatre: the play, and the pass for two of its evenings."""
    async with db.connection() as reader:
        rows = await reader.fetch(
            "SELECT DISTINCT event FROM catalog.performance WHERE plan = (SELECT plan FROM catalog.performance WHERE"
            " id = $1)",
            tonight,
        )
    await hang_views(tonight, tuple(row["event"] for row in rows))


async def _sell_some(performances: list[int]) -> None:
    """Real orders at the counter: busy tonight, thinner later; over the last days, and livelier in the last hour. The
    dice are fixed, so every demo looks the same."""
    dice = random.Random(1673)  # noqa: S311 - scenery; the year of the first performance
    sales = [p for p, orders in zip(performances, (90, 40, 25, 25, 30), strict=True) for _ in range(orders)]
    dice.shuffle(sales)
    categories = {p: list((await offer_of(p)).tariffs[0].prices) for p in performances}
    recent = len(sales) // 4
    ago_s = [
        *(dice.uniform(3_600, 200_000) for _ in sales[recent:]),
        *(dice.triangular(30, 3_600, 600) for _ in range(recent)),
    ]
    for performance, ago in zip(sales, sorted(ago_s, reverse=True), strict=True):
        at = now() - timedelta(seconds=ago)
        cart = Cart(f"0.{new_token()}", "counter", Owner("counter", "Guichet 1"))
        best = BestWish(dice.choice((1, 2, 2, 2, 3, 4, 4, 5)), (dice.choice(categories[performance]),))
        await add_to_cart(cart, Wish(performance=performance, best=best), at=at)
        await place_order(
            cart, Buyer(dice.choice(NAMES), ""), method="cash", expected_total_minor=None,
            seller=Seller("demo season"), settled=True, at=at,
        )  # fmt: skip


async def _fill_studio() -> None:
    """Both evenings sold but for what the company keeps for its guests, and some who wait. To see the list work: release
    what is kept."""
    async with db.connection() as reader:
        rows = await reader.fetch(
            "SELECT p.id, p.event, b.organizer FROM catalog.performance p JOIN catalog.event e ON e.id = p.event"
            " JOIN catalog.box_office b ON b.id = e.box_office WHERE e.slug = $1 ORDER BY p.starts_at",
            STUDIO,
        )
    event, organizer, first = rows[0]["event"], rows[0]["organizer"], rows[0]["id"]
    guests = AllotmentWish(performance=first, name="Invités de la compagnie", seats=(0, 1, 2))
    await make_allotment(guests, organizer=organizer, actor="demo season", at=now())
    seats = range(len(studio().seats))
    for row in rows:
        on_sale = [seat for seat in seats if row["id"] != first or seat not in guests.seats]
        for party in (tuple(on_sale[start : start + 5]) for start in range(0, len(on_sale), 5)):
            cart = Cart(f"0.{new_token()}", "counter", Owner("counter", "Guichet 2"))
            await add_to_cart(cart, Wish(performance=row["id"], seats=party), at=now())
            await place_order(
                cart, Buyer("", ""), method="cash", expected_total_minor=None, seller=Seller("demo season"),
                settled=True, at=now(),
            )  # fmt: skip
    list_of_one = ListChange(waitlist=Mode.EVENT, delay_minutes=30)
    await change_settings(event, list_of_one, organizer=organizer, actor="demo season", at=now())
    async with db.transaction() as ledger:
        for minutes, (name, email, count, any_date) in zip((190, 84, 33, 6), WAITING, strict=True):
            wish = EntryWish(
                event=event, performance=None if any_date else first, tariff=None, name=name, email=email, count=count,
                visitor=new_token(),
            )  # fmt: skip
            with locale_of("fr"):
                await join(ledger, wish, at=now() - timedelta(minutes=minutes))


def _tonight() -> datetime:
    """This evening, or in three hours when that is past."""
    return max(_at(0, 20, 30), now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=4))


def _at(days: int, hour: int, minute: int) -> datetime:
    day = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), ZoneInfo(ZONE)).astimezone(UTC)


def _json(texts: Texts) -> str:
    return json.dumps(dict(texts), ensure_ascii=False)
