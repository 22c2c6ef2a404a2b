"""Placing, completing and expiring orders (ORD-1, PAY-1, LIVE-10).

An order turns a cart's holds into `pending` tickets in the ledger *before* any payment provider is asked; what the
provider then says completes or expires it. Each workflow here is one transaction; the live inventory follows it and is
repaired from it (see `app.sales.inventory`), so a process may die between any two lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog
from msgspec import Struct
from redis.exceptions import RedisError

from app.catalog.offers import Offer
from app.catalog.queries import group_of_event, offer_of, offers_of_group, plan_of
from app.catalog.rules.selling import quotas_for, sale_status
from app.core import jobs, journal
from app.core.db import UniqueViolationError, spawn, transaction
from app.core.errors import Problem
from app.core.i18n import current_locale
from app.core.ids import digest_of, new_reference, new_token
from app.core.money import show_money
from app.sales.carts import Cart, group_of, release
from app.sales.inventory import GroupGone, inventory, lock_group, mend, with_group
from app.sales.kept import allotment_of, kept_back
from app.sales.reconciliation import reconcile
from app.sales.rules.limits import exhausted
from app.sales.rules.pricing import NotSold, PricedLine, price_items, total_of
from app.sales.tables import OrderStatus
from app.sales.waitlist import bought, places_appeared
from app.settings import get_settings
from seating.store import Expired, GroupMissing, HeldItem, Refusal, StoreUnavailable

log = structlog.get_logger()


class Buyer(Struct, frozen=True):
    name: str
    email: str


class Placed(Struct, frozen=True):
    """An order as its buyer will refer to it. `payment` is the attempt that now waits, or was settled."""

    id: int
    code: str
    key: str
    status: str
    total_minor: int
    currency: str
    payment: int | None
    again: bool = False
    """True when this very cart had been ordered already (a double click, a retry)."""


class Seller(Struct, frozen=True):
    """Who sells: the shop itself, or an operator. `actor` is what the journal names."""

    actor: str
    operator: int | None = None


ONLINE = Seller("shop")


async def place_order(
    cart: Cart,
    buyer: Buyer,
    *,
    method: str,
    expected_total_minor: int | None,
    seller: Seller = ONLINE,
    settled: bool = False,
    received_minor: int | None = None,
    at: datetime,
) -> Placed:
    """Turn everything the cart holds into one order, all or nothing.

    `settled`: an at-once payment that the operator has taken: the order is paid in the same transaction.
    The same cart twice gives the same order. Raises Problem: hold_expired, price_changed, sale_closed, quota_exhausted,
    sold_out, seat_taken.
    """
    group = await group_of(cart)
    if group is None:
        raise Problem("hold_expired")
    # Read outside of the transaction: a rebuild opens its own.
    try:
        await with_group(group, lambda: inventory().held(group, cart.token))
    except GroupGone:
        raise Problem("hold_expired") from None
    try:
        async with transaction() as ledger:
            placed = await _place(
                ledger, cart, group, buyer,
                method=method, expected_total_minor=expected_total_minor, seller=seller, settled=settled,
                received_minor=received_minor, at=at,
            )  # fmt: skip
    except GroupMissing as missing:
        # Lost since it was looked at, a line above. Nothing is written; the next click finds it mended.
        await mend(missing)
        raise Problem("store_unavailable") from None
    except UniqueViolationError as violation:
        # The ledger knows a seat as sold that the live inventory had on offer: the index has just done its work.
        log.error("seat_already_sold", group=group, detail=str(violation))
        await release(cart)
        spawn(reconcile(group), name=f"reconcile {group}")
        raise Problem("seat_taken") from None
    if placed.status == OrderStatus.PAID and not placed.again:
        await follow_in_inventory(group, placed.code, placed.status)
    return placed


async def _place(
    ledger: asyncpg.Connection,
    cart: Cart,
    group: str,
    buyer: Buyer,
    *,
    method: str,
    expected_total_minor: int | None,
    seller: Seller,
    settled: bool,
    received_minor: int | None,
    at: datetime,
) -> Placed:
    digest = digest_of(cart.token)
    # Two clicks take turns here; the second finds an empty cart and the first one's order.
    await ledger.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 3))", f"cart:{digest}")
    await lock_group(ledger, group, shared=True)
    items = await inventory().held(group, cart.token)
    if not items:
        return await _find_placed(ledger, digest)
    lines, offers = await _price(cart, items, at)
    if any(offer.group != group for offer in offers.values()):
        raise Problem("hold_expired")  # its event has just been joined with others: the hold is of a group that is gone
    _check_total(lines, offers, expected_total_minor)
    if received_minor is not None and received_minor < total_of(lines):
        raise Problem("not_enough_cash")
    if total_of(lines) == 0:
        method, settled = "free", True  # nothing to pay, nobody to wait for
    elif method == "free":
        raise Problem("unknown_method")
    wanted = [Wanted(line.quotas, allotment_of(line.allotment), line.exceeded) for line in lines]
    over = await check_quotas(ledger, wanted, offers, at)
    first = next(iter(offers.values()))
    order = await _insert_order(
        ledger, lines, first, buyer, cart=cart, digest=digest, seller=seller, settled=settled, at=at
    )
    payment = await _insert_payment(ledger, order, method, settled=settled, received_minor=received_minor, at=at)
    if settled:
        if buyer.email:
            await jobs.enqueue("send_confirmation", order=order.id)
            await bought(ledger, first.event, buyer.email)
    else:
        await jobs.enqueue("expire_order", after=deadline_after(), order=order.id)
    await journal.record(
        chain_of(first), "order_paid" if settled else "order_placed", order.code,
        {
            "total_minor": order.total_minor, "currency": order.currency, "method": method, "channel": cart.channel,
            "tickets": [[line.performance, line.seat_label, line.tariff_name, line.price_minor] for line in lines],
            **_exceeded(lines, over),
        },
        actor=seller.actor, at=at,
    )  # fmt: skip
    # Last before the commit: a failure above leaves the cart as it was.
    promised = await inventory().promise(group, cart.token, order.code, [item.id for item in items])
    if isinstance(promised, (Expired, Refusal)):
        raise Problem("hold_expired")
    return Placed(order.id, order.code, order.key, order.status, order.total_minor, order.currency, payment)


def _exceeded(lines: Sequence[PricedLine], over: Mapping[str, list[int]]) -> dict[str, Any]:
    """What the journal says of limits that the seller passed over knowingly (QUO-5): the seller is the line's actor."""
    tickets = [[line.performance, line.seat_label, line.allotment] for line in lines if line.exceeded]
    return {"exceeded": {"quotas": dict(over), "tickets": tickets}} if tickets else {}


class _Inserted(Struct, frozen=True):
    id: int
    code: str
    key: str
    status: str
    total_minor: int
    currency: str


def deadline_after() -> timedelta:
    return timedelta(seconds=get_settings().payment_deadline_s)


def chain_of(offer: Offer) -> str:
    """One journal per box office."""
    return f"box-office:{offer.box_office.id}"


async def _price(
    cart: Cart, items: Sequence[HeldItem], at: datetime
) -> tuple[tuple[PricedLine, ...], dict[int, Offer]]:
    offers = {i.performance: await offer_of(i.performance, exact=True) for i in items}
    plans = {id: await plan_of(offer) for id, offer in offers.items()}
    if any(sale_status(offer, cart.channel, at) != "open" for offer in offers.values()):
        raise Problem("sale_closed")
    try:
        return price_items(items, offers, plans, cart.channel), offers
    except NotSold:
        raise Problem("price_changed", params={"total": "–"}) from None


def _check_total(lines: Sequence[PricedLine], offers: dict[int, Offer], expected_minor: int | None) -> None:
    """What the buyer saw is what the buyer pays."""
    total = total_of(lines)
    if expected_minor is not None and expected_minor != total:
        currency = next(iter(offers.values())).currency
        raise Problem(
            "price_changed",
            params={"total": show_money(total, currency, current_locale())},
            extras={"total_minor": total},
        )


COUNT_USED = """
SELECT performance, tariff, category, count(*) AS n FROM sales.ticket
WHERE performance = ANY($1::bigint[]) AND status IN ('pending', 'sold') GROUP BY 1, 2, 3
"""


class Wanted(Struct, frozen=True):
    """A ticket to be: the quotas that it counts in, the allotment it is taken from, and whether a manager knowingly
    exceeded a limit for it (QUO-5)."""

    quotas: tuple[str, ...]
    allotment: int | None = None
    exceeded: bool = False


async def check_quotas(
    ledger: asyncpg.Connection, wanted: Sequence[Wanted], offers: Mapping[int, Offer], at: datetime
) -> dict[str, list[int]]:
    """Again, under lock: the live inventory has counted already, but only the ledger is proof (LIVE-10). What was
    exceeded knowingly passes, and nothing else; answers those limits, by name: [size, used with this order].

    Raises Problem: quota_exhausted, sold_out."""
    keys = sorted({quota for each in wanted for quota in each.quotas})
    if not keys:
        return {}
    rows = await ledger.fetch(
        "SELECT id, name, size FROM catalog.quota WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE",
        [int(key[1:]) for key in keys],
    )
    sizes = {f"q{row['id']}": row["size"] for row in rows}
    any_offer = next(iter(offers.values()))
    known = {offer.id: offer for offer in await offers_of_group(any_offer.group)} | dict(offers)
    used: dict[str, int] = {}
    for row in await ledger.fetch(COUNT_USED, list(known)):
        for quota in quotas_for(known[row["performance"]], row["tariff"], row["category"]):
            used[quota] = used.get(quota, 0) + row["n"]
    taken = Counter(each.allotment for each in wanted if each.allotment is not None)
    for quota, kept in (await kept_back(ledger, known, taken, at)).items():
        used[quota] = used.get(quota, 0) + kept
    over = exhausted(sizes, used, [each.quotas for each in wanted if not each.exceeded])
    if over:
        left = min(o.left for o in over)
        raise Problem("quota_exhausted" if left else "sold_out", params={"left": left}, extras={"left": left})
    counted = Counter(quota for each in wanted for quota in each.quotas)
    passed = exhausted(sizes, used, [each.quotas for each in wanted])
    names = {f"q{row['id']}": row["name"] for row in rows}
    return {names[o.quota]: [sizes[o.quota], used.get(o.quota, 0) + counted[o.quota]] for o in passed}


async def _insert_order(
    ledger: asyncpg.Connection,
    lines: Sequence[PricedLine],
    offer: Offer,
    buyer: Buyer,
    *,
    cart: Cart,
    digest: str,
    seller: Seller,
    settled: bool,
    at: datetime,
) -> _Inserted:
    code, key, total = new_reference("C"), new_token(), total_of(lines)
    status = "paid" if settled else "pending"
    id = await ledger.fetchval(
        "INSERT INTO sales.sale (code, key, box_office, event, status, channel, operator, cart_digest, name, email,"
        " locale, currency, total_minor, created_at, deadline_at, paid_at)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16) RETURNING id",
        code, key, offer.box_office.id, offer.event, status, cart.channel, seller.operator, digest, buyer.name,
        buyer.email, current_locale(), offer.currency, total, at, at + deadline_after(), at if settled else None,
    )  # fmt: skip
    await ledger.executemany(
        'INSERT INTO sales.ticket (number, "order", performance, tariff, seat, ordinal, seat_label, category,'
        " tariff_name, price_minor, status, allotment) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)",
        [
            (
                new_reference("T"), id, line.performance, line.tariff, line.seat, line.ordinal, line.seat_label,
                line.category, line.tariff_name, line.price_minor, "sold" if settled else "pending",
                allotment_of(line.allotment),
            )
            # In the order of seats: two orders that meet in linked performances lock them in the same one.
            for line in sorted(lines, key=lambda line: (line.ordinal, line.performance))
        ],
    )  # fmt: skip
    return _Inserted(id, code, key, status, total, offer.currency)


async def _insert_payment(
    ledger: asyncpg.Connection,
    order: _Inserted,
    method: str,
    *,
    settled: bool,
    received_minor: int | None,
    at: datetime,
) -> int:
    id: int = await ledger.fetchval(
        'INSERT INTO sales.payment ("order", method, status, amount_minor, currency, idempotency_key, received_minor,'
        " created_at, settled_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) RETURNING id",
        order.id, method, "paid" if settled else "pending", order.total_minor, order.currency, new_token(),
        received_minor, at, at if settled else None,
    )  # fmt: skip
    return id


async def _find_placed(ledger: asyncpg.Connection, digest: str) -> Placed:
    row = await ledger.fetchrow(
        "SELECT s.*, (SELECT max(p.id) FROM sales.payment p"
        " WHERE p.\"order\" = s.id AND p.status IN ('pending', 'paid')) AS payment"
        " FROM sales.sale s WHERE s.cart_digest = $1 ORDER BY s.id DESC LIMIT 1",
        digest,
    )
    if row is None or row["status"] in ("expired", "cancelled"):
        raise Problem("hold_expired")
    return Placed(
        row["id"], row["code"], row["key"], row["status"], row["total_minor"], row["currency"], row["payment"], True
    )


async def lock_order(ledger: asyncpg.Connection, order: int) -> Any:
    """The order's row, locked until the transaction ends. Every change of an order begins here."""
    row = await ledger.fetchrow("SELECT * FROM sales.sale WHERE id = $1 FOR UPDATE", order)
    if row is None:
        raise Problem("not_found")
    return row


async def group_of_order(row: Any) -> str:
    """The inventory group that an order's places are in, as it is at this moment."""
    return await group_of_event(row["event"])


async def complete_order(ledger: asyncpg.Connection, order: Any, *, payment: int, actor: str, at: datetime) -> None:
    """A pending order is paid: its tickets are sold. Inside the caller's transaction, with the order locked."""
    await ledger.execute("UPDATE sales.sale SET status = 'paid', paid_at = $2 WHERE id = $1", order["id"], at)
    await ledger.execute(
        "UPDATE sales.ticket SET status = 'sold' WHERE \"order\" = $1 AND status = 'pending'", order["id"]
    )
    await jobs.enqueue("send_confirmation", order=order["id"])
    await bought(ledger, order["event"], order["email"])
    await journal.record(
        f"box-office:{order['box_office']}", "order_paid", order["code"],
        {"payment": payment, "total_minor": order["total_minor"], "currency": order["currency"]}, actor=actor, at=at,
    )  # fmt: skip


async def cancel_pending(ledger: asyncpg.Connection, order: Any, *, because: str, actor: str, at: datetime) -> None:
    """A pending order gives up its seats. Inside the caller's transaction, with the order locked."""
    assert order["status"] == "pending"
    await ledger.execute("UPDATE sales.sale SET status = 'expired' WHERE id = $1", order["id"])
    await ledger.execute(
        "UPDATE sales.ticket SET status = 'cancelled' WHERE \"order\" = $1 AND status = 'pending'", order["id"]
    )
    await places_appeared(ledger, order["event"])
    await journal.record(
        f"box-office:{order['box_office']}", "order_expired", order["code"], {"because": because}, actor=actor, at=at
    )  # fmt: skip


async def follow_in_inventory(group: str, code: str, status: str) -> None:
    """Show on the live map what the ledger has just committed. Whatever goes wrong here is mended by the next
    reconciliation, and must not turn a sale that stands into an error."""
    try:
        if status == OrderStatus.PAID:
            await with_group(group, lambda: inventory().sell(group, code))
        else:
            await with_group(group, lambda: inventory().give_back(group, code))
    except (RedisError, StoreUnavailable, GroupMissing, GroupGone) as error:
        log.warning("inventory_lags", order=code, error=repr(error))
