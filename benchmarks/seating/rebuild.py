"""A performance of 60,000 seats with 40,000 sold comes back from the ledger after Redis lost it (LIVE-10).

The ledger is a real one, migrated, with its orders and tickets in the box office's own tables; what is measured is the
box office's own `app.sales.inventory.rebuild`, in a process of its own that has not seen the plan before. The limit is
reading those tickets' rows with asyncpg and doing nothing with them.

What others notice is something else: how long Redis answers nobody. This process asks it all the time while the other
one loads. Run as a program (`python -m benchmarks.seating.rebuild SEATS SOLD CARTS`) this file is that other process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop
from piccolo.table import Table
from redis.asyncio import Redis

from app.accounts.tables import Organizer
from app.catalog.plans import store_plan
from app.catalog.queries import group_of_event
from app.catalog.tables import BoxOffice, Event, Performance, Price, Quota, Tariff
from app.core import db
from app.core.clock import now
from app.core.ids import digest_of, new_reference, new_token
from app.core.redis import close_redis, redis
from app.core.schema import migrate
from app.sales import jobs as _sales_jobs
from app.sales.inventory import LIVE_TICKETS, inventory, rebuild
from app.sales.tables import Order, OrderStatus, Ticket, TicketStatus
from app.settings import get_settings
from benchmarks.frame import Context, Result, benchmark
from benchmarks.seating.ground import BUYER, LongestStep, parties, size_of, up_to
from benchmarks.stadium import stadium
from seating.seats import Plan, Seat
from seating.store import HELD, SOLD, Held, HoldRequest, NamedSeats

assert _sales_jobs  # imported so that the tables of its jobs are known

ASKED_EVERY_S = 0.001
QUIET_S = 1.0
PRICE_MINOR = 4_000
READY = b"ready\n"


class Span(msgspec.Struct):
    """When something was done, by the clock that all processes of a machine share."""

    began: float
    ended: float
    longest_step_ms: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Done(msgspec.Struct):
    """What the other process did."""

    read_s: float
    cold: Span
    """The first rebuild: the plan is read, checked and packed as well."""
    warm: Span
    """Again, by a process that knows the plan."""
    in_use: Span
    """Once more, over the group in use, whose carts keep what they hold."""


@benchmark("seating.rebuild_60k", unit="s", better="lower")
async def rebuild_60k(ctx: Context) -> Result:
    size = size_of(ctx)
    sold, carts = size * 2 // 3, size // 30
    async with box_office(ctx, size, sold, carts) as office, asked_all_the_time(ctx.redis_url) as answers:
        before = time.monotonic()
        await asyncio.sleep(QUIET_S)
        quiet = Span(before, time.monotonic(), 0.0)
        done = await done_by(office)
    spans = (done.cold, done.warm, done.in_use)
    waits = told(longest_wait_ms(answers, span) for span in spans)
    steps = told(span.longest_step_ms for span in spans)
    return Result(
        done.cold.seconds,
        limit=done.read_s,
        note=f"{size:,} seats, {sold:,} sold, by a new process; by one that knows the plan {done.warm.seconds:.2f} s, "
        f"over a group in use with {carts:,} carts {done.in_use.seconds:.2f} s; the longest that another waited for "
        f"Redis meanwhile: {waits} ms, and {longest_wait_ms(answers, quiet):.1f} ms in a quiet second; the longest "
        f"step: {steps} ms; limit: reading the tickets' rows",
    )


def told(figures: Iterable[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in figures)


# This process: asks Redis and waits -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def asked_all_the_time(url: str) -> AsyncIterator[list[tuple[float, float]]]:
    """When Redis was asked for nothing in particular, and when it answered, growing as long as the block lasts."""
    client = Redis.from_url(url)
    answers: list[tuple[float, float]] = []
    enough = asyncio.Event()

    async def ask() -> None:
        while not enough.is_set():
            began = time.monotonic()
            await client.ping()
            answers.append((began, time.monotonic()))
            await asyncio.sleep(ASKED_EVERY_S)

    asking = asyncio.create_task(ask())
    try:
        yield answers
    finally:
        enough.set()
        await asking
        await client.aclose()


def longest_wait_ms(answers: Iterable[tuple[float, float]], span: Span) -> float:
    """Of those asked or answered in this time."""
    waits = [ended - began for began, ended in answers if ended >= span.began and began <= span.ended]
    if not waits:
        raise AssertionError("Redis was not asked once meanwhile")
    return 1000 * max(waits)


@contextlib.asynccontextmanager
async def box_office(ctx: Context, size: int, sold: int, carts: int) -> AsyncIterator[Process]:
    """The other process, once its ledger is filled; it waits for a word then."""
    async with empty_database(ctx.postgres_url) as url:
        with tempfile.TemporaryDirectory(prefix="placeur-bench-") as data:
            environment = {
                **os.environ, "DATABASE_URL": url, "REDIS_URL": ctx.redis_url, "PLACEUR_DATA_DIR": data,
                "PYTHONPATH": str(Path(__file__).parents[2]),
            }  # fmt: skip
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.seating.rebuild", *map(str, (size, sold, carts)),
                env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                assert process.stdout is not None
                if await process.stdout.readline() != READY:
                    raise AssertionError("the other process could not fill its ledger")
                yield process
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()


async def done_by(office: Process) -> Done:
    output, _ = await office.communicate(b"\n")
    if office.returncode:
        raise AssertionError(f"the rebuilding process ended with {office.returncode}")
    # What the box office logs comes first.
    return msgspec.json.decode(output.splitlines()[-1], type=Done)


@contextlib.asynccontextmanager
async def empty_database(url: str) -> AsyncIterator[str]:
    """Its URL; gone afterwards."""
    name = f"bench_{secrets.token_hex(4)}"
    administrator = await asyncpg.connect(url)
    try:
        await administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        base, _, query = url.partition("?")
        yield base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    finally:
        await administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await administrator.close()


# The other process: a box office ----------------------------------------------------------------------------------


async def work(size: int, sold: int, carts: int) -> Done:
    await migrate(get_settings().database_url)
    await db.start_pool(4)
    try:
        plan = stadium(size)
        hall = await open_hall(plan)
        waiting = iter(parties(plan, random.Random(20_261_122)))
        await sell(hall, plan, list(up_to(sold, waiting)))
        print(READY.decode(), end="", flush=True)
        sys.stdin.readline()
        cold = await rebuilt(hall.group)
        await inventory().unload(hall.group)
        warm = await rebuilt(hall.group)
        held = list(islice(waiting, carts))
        await fill_carts(hall, held)
        in_use = await rebuilt(hall.group, only_if_missing=False)
        states = (await inventory().snapshot(hall.group, hall.performance, owners=False)).states
        assert (states.count(SOLD), states.count(HELD)) == (sold, sum(map(len, held))), "not what was sold and held"
        await inventory().unload(hall.group)
        return Done(await read(hall), cold, warm, in_use)
    finally:
        await db.stop_pool()
        await close_redis()


class Hall(msgspec.Struct):
    """Ids of what is sold, by whom."""

    office: int
    event: int
    performance: int
    tariff: int
    group: str


async def open_hall(plan: Plan) -> Hall:
    """A match in a stadium, with three quotas that every ticket counts in."""
    organizer = await made(Organizer(name="Stade", slug="stade"))
    office = await made(
        BoxOffice(organizer=organizer, name="Stade", slug="stade", currency="EUR", contact_email="stade@example.org")
    )
    event = await made(Event(box_office=office, slug="match", title='{"fr": "Match"}'))
    tariff = await made(Tariff(event=event, name='{"fr": "Plein tarif"}'))
    await Price.insert(*(Price(tariff=tariff, category=c.name, amount_minor=PRICE_MINOR) for c in plan.categories))
    version = await store_plan(organizer, plan)
    performance = await made(
        Performance(event=event, plan=version, venue="Stade", starts_at=now() + timedelta(days=1), doors_at=now())
    )
    size = len(plan.seats)
    await made(Quota(event=event, name="Jauge", size=size))
    await made(Quota(event=event, performance=performance, name="Jauge", size=size))
    await made(Quota(event=event, tariff=tariff, name="Jauge", size=size))
    return Hall(office, event, performance, tariff, await group_of_event(event))


async def made(row: Any) -> int:
    await row.save()
    return int(row.id)


async def sell(hall: Hall, plan: Plan, orders: list[tuple[int, ...]]) -> None:
    """Paid orders of these seats, as the ledger has them."""
    await copied([_order(hall, len(seats)) for seats in orders])
    async with db.connection() as reader:
        ids = [row["id"] for row in await reader.fetch("SELECT id FROM sales.sale ORDER BY id")]
    await copied(
        [
            _ticket(hall, plan.seats[ordinal], order)
            for order, seats in zip(ids, orders, strict=True)
            for ordinal in seats
        ]
    )


def _order(hall: Hall, places: int) -> Order:
    at = now()
    return Order(
        code=new_reference("C"), key=new_token(), box_office=hall.office, event=hall.event, status=OrderStatus.PAID,
        channel="online", cart_digest=digest_of(new_token()), name="Marie Laurent", email="marie@example.org",
        locale="fr", currency="EUR", total_minor=PRICE_MINOR * places, created_at=at, deadline_at=at, paid_at=at,
    )  # fmt: skip


def _ticket(hall: Hall, seat: Seat, order: int) -> Ticket:
    return Ticket(
        number=new_reference("T"), order=order, performance=hall.performance, tariff=hall.tariff, seat=seat.guid,
        ordinal=seat.ordinal, seat_label=seat.guid, category=seat.category, tariff_name="Plein tarif",
        price_minor=PRICE_MINOR, status=TicketStatus.SOLD,
    )  # fmt: skip


async def copied(rows: Sequence[Table]) -> None:
    """Into their table, all at once: forty thousand orders at the counter would take longer than everything else."""
    table = rows[0]._meta
    columns = [column for column in table.columns if not column._meta.primary_key]
    records = [tuple(getattr(row, column._meta.name) for column in columns) for row in rows]
    async with db.connection() as writer:
        await writer.copy_records_to_table(
            table.tablename, schema_name=table.schema, records=records,
            columns=[column._meta.db_column_name for column in columns],
        )  # fmt: skip
        await writer.execute(f"ANALYZE {table.schema}.{table.tablename}")


async def fill_carts(hall: Hall, carts: Iterable[tuple[int, ...]]) -> None:
    for number, ordinals in enumerate(carts):
        line = NamedSeats(hall.performance, ordinals, hall.tariff)
        held = await inventory().hold(HoldRequest(hall.group, f"cart {number}", BUYER, (line,), 900))
        assert isinstance(held, Held)


async def rebuilt(group: str, *, only_if_missing: bool = True) -> Span:
    async with LongestStep(redis()) as longest:
        began = time.monotonic()
        await rebuild(group, only_if_missing=only_if_missing)
        ended = time.monotonic()
    return Span(began, ended, longest.ms)


async def read(hall: Hall) -> float:
    """Seconds that the rows of all live tickets take, alone; the median of five times."""
    took = []
    async with db.connection() as reader:
        for _ in range(5):
            began = time.monotonic()
            await reader.fetch(LIVE_TICKETS, [hall.performance])
            took.append(time.monotonic() - began)
    return statistics.median(took)


if __name__ == "__main__":
    size, sold, carts = map(int, sys.argv[1:])
    print(msgspec.json.encode(uvloop.run(work(size, sold, carts))).decode())
