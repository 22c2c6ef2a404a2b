"""What a sale costs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil
from redis.asyncio import Redis

from app.accounts.logins import COOKIE
from app.demo.people import LOG_INS
from benchmarks.frame import Context, Result, benchmark

PRETIX_MS = 139.0
"""pretix 2026.8.0: order by API, one named seat of 2,000, on a machine of this kind: 113 ms of CPU in its processes and
26 ms in PostgreSQL. Measured before, not in this run: it needs an installation of its own."""

CLIENTS = 8
PERFORMANCE = 2


@benchmark("sales.order_cpu", unit="ms CPU/order", better="lower")
async def order_cpu(ctx: Context) -> Result:
    """CPU of the web process, PostgreSQL and Redis per paid order of one named seat over HTTP: a hold and a sale at
    the counter, each its own request, by 8 cashiers at once. No mail and no print."""
    orders = 40 if ctx.smoke else 400
    async with box_office(ctx) as office:
        seats = iter(await office.free_seats())
        await sell(office, [next(seats) for _ in range(CLIENTS)])  # connections, caches and scripts are there now
        before = office.cpu_s()
        began = asyncio.get_running_loop().time()
        await sell(office, [next(seats) for _ in range(orders)])
        took_s = asyncio.get_running_loop().time() - began
        after = office.cpu_s()
    web, database, redis = ((b - a) * 1000 / orders for a, b in zip(before, after, strict=True))
    return Result(
        ours=web + database + redis,
        peer=PRETIX_MS,
        note=f"web {web:.1f} + PostgreSQL {database:.1f} + Redis {redis:.2f} ms; {orders / took_s:.0f} orders/s by "
        f"{CLIENTS} cashiers; peer: pretix 2026.8.0 by API, measured apart on such a machine",
    )


@dataclass(slots=True)
class Office:
    """A running web process over the benchmark's engines."""

    url: str
    session: str
    web: psutil.Process
    postgres: psutil.Process
    redis: psutil.Process

    async def free_seats(self) -> list[int]:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            states = (await client.get(f"/api/v1/performances/{PERFORMANCE}/seats")).json()["states"]
        return [ordinal for ordinal, state in enumerate(states) if state == 0]

    def cpu_s(self) -> tuple[float, float, float]:
        """Seconds of CPU so far: web, PostgreSQL with its backends, Redis."""
        return _cpu_s(self.web), _tree_cpu_s(self.postgres), _cpu_s(self.redis)


async def sign_in(url: str) -> str:
    """A cashier's session, which all of the benchmark's tills share: log-ins are limited, on purpose."""
    person = next(p for p in LOG_INS if p.role == "cashier")
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        signed_in = await client.post("/login", data={"email": person.email, "password": person.password})
        assert signed_in.status_code == httpx.codes.SEE_OTHER, signed_in.text
        return signed_in.cookies[COOKIE]


async def sell(office: Office, seats: list[int]) -> None:
    """One order a seat, by CLIENTS cashiers who each sell the next one."""
    waiting = iter(seats)

    async def cashier() -> None:
        cookies = {COOKIE: office.session}
        async with httpx.AsyncClient(base_url=office.url, cookies=cookies, trust_env=False, timeout=30) as client:
            for seat in waiting:
                await _sell_one(client, seat)

    await asyncio.gather(*(cashier() for _ in range(min(CLIENTS, len(seats)))))


async def _sell_one(till: httpx.AsyncClient, seat: int) -> None:
    held = await till.post("/api/v1/counter/cart/items", json={"performance": PERFORMANCE, "seats": [seat]})
    assert held.status_code == httpx.codes.CREATED, held.text
    total = held.json()["total_minor"]
    sold = await till.post(
        "/api/v1/counter/orders", json={"method": "cash", "expected_total_minor": total, "print": False}
    )
    assert sold.status_code == httpx.codes.CREATED, sold.text
    assert sold.json()["status"] == "paid"


@contextlib.asynccontextmanager
async def box_office(ctx: Context) -> AsyncIterator[Office]:
    """A migrated database with the demo season, and a web process on it."""
    port, name = _free_port(), f"bench_{secrets.token_hex(4)}"
    administrator = await asyncpg.connect(ctx.postgres_url)
    await administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    base, _, query = ctx.postgres_url.partition("?")
    url = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    redis = Redis.from_url(ctx.redis_url)
    await redis.flushall()
    with tempfile.TemporaryDirectory(prefix="placeur-bench-") as data:
        environment = {
            **os.environ, "DATABASE_URL": url, "REDIS_URL": ctx.redis_url, "PLACEUR_DATA_DIR": data,
            "PLACEUR_TICKET_KEY": "11" * 32, "PLACEUR_PUBLIC_URL": f"http://localhost:{port}",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }  # fmt: skip
        for verb in ("migrate", "season"):
            made = await asyncio.create_subprocess_exec(*_command(verb), env=environment, stdout=-3)
            assert await made.wait() == 0
        web = await asyncio.create_subprocess_exec(*_command("web", f"--port={port}"), env=environment, stdout=-3)
        try:
            address = f"http://127.0.0.1:{port}"
            await _until_ready(address)
            pid = await administrator.fetchval("SELECT pg_backend_pid()")
            server = (await redis.info("server"))["process_id"]
            postmaster = psutil.Process(pid).parent()
            assert postmaster is not None
            yield Office(address, await sign_in(address), psutil.Process(web.pid), postmaster, psutil.Process(server))
        finally:
            web.terminate()
            await web.wait()
            await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await administrator.close()
            await redis.aclose()


async def _until_ready(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client, asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.05)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _tree_cpu_s(process: psutil.Process) -> float:
    """With its children, those that have ended included."""
    times = process.cpu_times()
    ended = float(times.children_user + times.children_system)
    return _cpu_s(process) + ended + sum(_living(process))


def _living(process: psutil.Process) -> Iterator[float]:
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            yield _cpu_s(child)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
