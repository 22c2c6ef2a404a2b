"""Buyers whose processes die -9, each at a point of a sale: they hold, order, and give up again.

`python -m tests.faults.client PERFORMANCE WHEN:VERB:SEAT:TOKEN ...`, on the server and the ledger that the environment
names. One process a buyer, forked from one that has imported all; prints how each ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from app.core import db
from app.core.clock import now
from app.core.db import transaction
from app.sales import jobs
from app.sales.carts import Cart, Wish, add_to_cart
from app.sales.orders import cancel_pending, follow_in_inventory, lock_order, place_order
from seating.store import Inventory, Owner
from tests.cast import ALICE
from tests.faults.strikes import POINTS, Strike, struck_around

assert jobs  # imported so that orders may enqueue theirs


async def shop(when: str, verb: str, performance: int, seat: int, token: str) -> None:
    async def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    strike = Strike(when, verb, die)
    for each in {each for _, each in POINTS}:
        setattr(Inventory, each, struck_around(getattr(Inventory, each), each, strike))
    await db.start_pool(3)
    sells = verb in ("sell", "promise")
    cart = Cart(token, "counter" if sells else "online", Owner("buyer", "online"))
    await add_to_cart(cart, Wish(performance=performance, seats=(seat,)), at=now())
    placed = await place_order(
        cart, ALICE, method="cash" if sells else "card", expected_total_minor=None, settled=sells, at=now()
    )
    async with transaction() as ledger:
        row = await lock_order(ledger, placed.id)
        await cancel_pending(ledger, row, because="test", actor="test", at=now())
    await follow_in_inventory(f"e{row['event']}", row["code"], "expired")


def fork_buyer(performance: int, wish: str) -> int:
    """The process id."""
    when, verb, seat, token = wish.split(":")
    if pid := os.fork():
        return pid
    asyncio.run(shop(when, verb, performance, int(seat), token))
    os._exit(0)


if __name__ == "__main__":
    buyers = [fork_buyer(int(sys.argv[1]), wish) for wish in sys.argv[2:]]
    print(*(os.waitstatus_to_exitcode(os.waitpid(buyer, 0)[1]) for buyer in buyers))
