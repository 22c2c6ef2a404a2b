"""Whatever Redis loses or gets wrong while tickets are sold is put right from the ledger (LIVE-10, QUO-1)."""

from __future__ import annotations

import asyncio
import contextvars
import random
from types import SimpleNamespace

import msgspec
import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Quota
from app.core.clock import now
from app.core.db import connection, end_background, spawn, transaction
from app.core.errors import Problem
from app.core.redis import redis
from app.sales import reconciliation
from app.sales.carts import Wish, add_to_cart, view_cart
from app.sales.inventory import inventory, lock_group, with_group
from app.sales.inventory_check import check
from app.sales.orders import cancel_pending, follow_in_inventory, lock_order, place_order
from app.sales.reconciliation import Mended, reconcile
from app.sales.upkeep import RECONCILED, all_groups, is_our_turn
from seating.store import FREE, GROUPS, PENDING, SOLD, USED
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart
from tests.invariants import quotas_exceeded, seats_sold_twice
from tests.running import eventually


@pytest.fixture(autouse=True)
def looks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(reconciliation, "_not_mended", {})


@pytest.fixture
async def limited(theatre: Theatre) -> Theatre:
    """With a quota for the whole event and one for tonight."""
    await Quota(event=theatre.event, name="Event", size=50).save()
    await Quota(event=theatre.event, performance=theatre.performance, name="Tonight", size=28).save()
    forget_offers()
    return theatre


async def sell(theatre: Theatre, *seats: int) -> str:
    cart = counter_cart(theatre.lea)
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=seats), at=now())
    placed = await place_order(cart, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())
    return placed.code


async def sell_standing(theatre: Theatre, count: int) -> str:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.standing, quantity=count), at=now())
    placed = await place_order(cart, ALICE, method="card", expected_total_minor=None, at=now())
    return placed.code


async def state_of(theatre: Theatre, seat: int) -> int:
    seen = await with_group(theatre.group, lambda: inventory().snapshot(theatre.group, theatre.performance))
    return seen.states[seat]


def key(theatre: Theatre, name: str) -> str:
    return f"{{g:{theatre.group}}}:{name}"


async def test_nothing_differs_and_nothing_is_mended(limited: Theatre) -> None:
    await sell(limited, 0, 1)
    assert await reconcile(limited.group) == ()


@pytest.mark.parametrize("off_by", [3, -1])
async def test_a_counter_that_is_wrong_is_counted_anew(limited: Theatre, off_by: int) -> None:
    """QUO-1: it would refuse places that there are, or promise some that there are not."""
    await sell(limited, 0, 1)
    quotas = key(limited, "quotas")
    fields: list[bytes] = await redis().hkeys(quotas)  # type: ignore[assignment]  # not decoded
    field = next(name for name in fields if name.startswith(b"uq"))
    await redis().hincrby(quotas, field, off_by)
    assert await reconcile(limited.group) == (Mended("", "group rebuilt"),)
    assert await redis().hget(quotas, field) == b"2"


async def test_a_limit_that_was_changed_in_the_ledger_alone_holds_here_too(limited: Theatre) -> None:
    await sell(limited, 0, 1)
    await Quota.update({Quota.size: 2}).where(Quota.name == "Tonight")
    forget_offers()
    (mended,) = await reconcile(limited.group)
    assert mended.action == "limit set"
    with pytest.raises(Problem):
        await add_to_cart(buyer_cart(), Wish(performance=limited.performance, seats=(5,)), at=now())


async def test_a_ticket_that_went_through_a_gate_is_shown_as_used(limited: Theatre) -> None:
    """LIVE-2: the gate's process died before it told the map."""
    await sell(limited, 3)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET used_at = now()")
    assert [m.action for m in await reconcile(limited.group)] == ["seat marked used"]
    assert await state_of(limited, 3) == USED


async def test_an_unnumbered_order_that_only_one_side_knows_is_found(theatre: Theatre) -> None:
    """No seat shows it: it is found by counting."""
    group = f"e{theatre.standing_event}"
    code = await sell_standing(theatre, 3)
    await inventory().sell(group, code)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.sale SET status = 'paid'")
        await ledger.execute("UPDATE sales.ticket SET status = 'sold'")
    assert await reconcile(group) == ()
    await inventory().give_back(group, code)
    assert await reconcile(group) == (Mended("", "group rebuilt"),)
    assert (await check(group)).clean
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET status = 'cancelled'")
    assert await reconcile(group) == (Mended("", "group rebuilt"),)
    assert (await check(group)).clean


async def test_an_order_whose_commit_is_awaited_is_never_given_back_whatever_the_clock_says(limited: Theatre) -> None:
    """The clock of Redis jumps: the mark looks older than any transaction. Its lock says that it is under way."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=limited.performance, seats=(7,)), at=now())
    async with transaction() as ledger:
        await lock_group(ledger, limited.group, shared=True)
        await inventory().promise(limited.group, cart.token, "CONITSWAY1")
        pending = key(limited, "pending")
        raw = await redis().hget(pending, "CONITSWAY1")
        assert isinstance(raw, bytes)
        await redis().hset(pending, "CONITSWAY1", _aged(raw))
        mending = asyncio.create_task(reconcile_elsewhere(limited.group))

        async def it_waits() -> bool:
            assert not mending.done(), "it waits for the order's transaction"
            return bool(await ledger.fetchval(WAITS_FOR_A_GROUP))

        await eventually(it_waits, "the mending waits for the order's transaction")
        assert await state_of(limited, 7) == PENDING
    # The commit never came after all.
    assert [m.action for m in await mending] == ["given back: no such order"]
    assert await state_of(limited, 7) == FREE


WAITS_FOR_A_GROUP = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _aged(raw: bytes) -> bytes:
    record = msgspec.msgpack.decode(raw)
    record[1] -= 86_400_000
    return msgspec.msgpack.encode(record)


async def reconcile_elsewhere(group: str) -> tuple[Mended, ...]:
    """As another process would: outside of the transaction that this test has open."""
    return await asyncio.get_running_loop().create_task(reconcile(group), context=contextvars.Context())


async def test_what_a_rebuild_cannot_mend_is_not_rebuilt_for_again_and_again(
    limited: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rebuild makes every open map load anew. What the ledger itself has wrong must not do so for ever."""
    await sell(limited, 0)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET status = 'pending'")
    assert [m.action for m in await reconcile(limited.group)] == ["group rebuilt"]
    assert await reconcile(limited.group) == ()
    assert await reconcile(limited.group) == ()


async def test_a_group_that_redis_forgot_to_list_is_listed_again(limited: Theatre) -> None:
    """LIVE-7: nobody would free its lapsed holds."""
    await sell(limited, 0)
    await redis().delete(GROUPS)
    assert await inventory().groups() == set()
    assert await all_groups() == {limited.group}
    assert await inventory().groups() == {limited.group}


async def test_of_many_processes_one_compares_a_group_and_a_clock_set_back_stops_none(limited: Theatre) -> None:
    assert [await is_our_turn(limited.group, 60) for _ in range(3)] == [True, False, False]
    await redis().hincrby(RECONCILED, limited.group, -30_000)
    assert await is_our_turn(limited.group, 60)
    await redis().hincrby(RECONCILED, limited.group, 86_400_000)
    assert await is_our_turn(limited.group, 60)


# A sale that goes on -------------------------------------------------------------------------------------------------


class Crowd:
    """Buyers who hold, leave, order, pay and give up, until they are told to stop. What surprised them is kept."""

    share_kept = 0.3
    """Of the paid orders; the others are cancelled at once."""

    def __init__(self, theatre: Theatre, seed: int) -> None:
        self.theatre = theatre
        self.dice = random.Random(seed)
        self.over = False
        self.steps = 0
        self.visits: dict[int, int] = {}
        self.surprises: list[BaseException] = []

    async def shop(self, buyer: int = 0) -> None:
        self.visits[buyer] = 0
        while not self.over:
            try:
                await self._one_visit()
            except Problem:
                # Refused, or asked to try again: a key was lost in the middle of an order, which is rolled back.
                pass
            except Exception as error:  # noqa: BLE001 - told of at the end
                self.surprises.append(error)
            self.steps += 1
            self.visits[buyer] += 1
            await asyncio.sleep(0)

    def _where(self) -> tuple[int, int]:
        """An evening, and a seat."""
        return self.dice.choice((self.theatre.performance, self.theatre.other)), self.dice.randrange(30)

    async def _one_visit(self) -> None:
        cart, (evening, seat) = buyer_cart(), self._where()
        await add_to_cart(cart, Wish(performance=evening, seats=(seat,)), at=now())
        if self.dice.random() < 0.3:
            return
        settled = self.dice.random() < 0.5
        placed = await place_order(
            cart, ALICE, method="cash" if settled else "card", expected_total_minor=None, settled=settled, at=now()
        )
        if not settled or self.dice.random() >= self.share_kept:
            await give_up(self.theatre.group, placed.id)

    async def until(self, steps: int) -> None:
        goal = self.steps + steps
        while self.steps < goal:
            await asyncio.sleep(0.005)

    async def until_all_have_moved_on(self) -> None:
        """Until every visit that is under way now is over."""
        goals = {buyer: count + 1 for buyer, count in self.visits.items()}
        while any(self.visits[buyer] < goal for buyer, goal in goals.items()):
            await asyncio.sleep(0.005)


class OneSeatAfterTheOther(Crowd):
    """Each comes to another seat than all who came shortly before, and leaves it as it was."""

    share_kept = 0.0
    _next = 0

    def _where(self) -> tuple[int, int]:
        evening, seat = divmod(self._next, 30)
        self._next = (self._next + 1) % 60
        return (self.theatre.performance, self.theatre.other)[evening], seat


async def give_up(group: str, order: int) -> None:
    """As an order that is cancelled: the ledger first, then the map."""
    async with transaction() as ledger:
        row = await lock_order(ledger, order)
        if row["status"] == "pending":
            await cancel_pending(ledger, row, because="test", actor="test", at=now())
        else:
            await ledger.execute("UPDATE sales.sale SET status = 'cancelled' WHERE id = $1", order)
            await ledger.execute("UPDATE sales.ticket SET status = 'cancelled' WHERE \"order\" = $1", order)
    await follow_in_inventory(group, row["code"], "cancelled")


@pytest.mark.race
async def test_every_key_of_a_group_may_be_lost_while_buyers_go_on(limited: Theatre) -> None:
    """LIVE-10: each is lost in turn; one reconciliation later the group is whole, and in the end it is the ledger's."""
    await sell(limited, 0, 1)
    crowd = Crowd(limited, 1673)
    buyers = [asyncio.create_task(crowd.shop()) for _ in range(3)]
    await crowd.until(10)
    names = sorted([name.decode() async for name in redis().scan_iter(key(limited, "*"))])
    assert len(names) > 20, names
    for name in names:
        await redis().delete(name)
        await crowd.until(2)
        await reconcile(limited.group)
        await inventory().pulse(limited.group)
    crowd.over = True
    await asyncio.gather(*buyers)
    await reconcile(limited.group)
    report = await check(limited.group)
    assert report.found == ()
    assert crowd.surprises == []
    async with connection() as ledger:
        assert await seats_sold_twice(ledger) == []
        assert await quotas_exceeded(ledger) == []
    assert await state_of(limited, 0) == SOLD


@pytest.mark.race
async def test_a_sale_at_full_speed_looks_like_no_difference(limited: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being ordered or given back differs for a moment; none of it is mended or reported. The pause between two
    looks lasts longer than any step: here for exactly as long as that takes. Its control is a first look that saw
    something, or there is no second one."""
    crowd = OneSeatAfterTheOther(limited, 1664)
    seen_in_passing = 0

    async def pause(_: float) -> None:
        nonlocal seen_in_passing
        seen_in_passing += 1
        await crowd.until_all_have_moved_on()

    monkeypatch.setattr(reconciliation, "asyncio", SimpleNamespace(sleep=pause, to_thread=asyncio.to_thread))
    buyers = [asyncio.create_task(crowd.shop(buyer)) for buyer in range(4)]
    await crowd.until(5)
    looked: list[tuple[Mended, ...]] = []
    while seen_in_passing < 3:
        assert len(looked) < 500, "no look ever sees anything"
        looked.append(await reconcile(limited.group))
    crowd.over = True
    await asyncio.gather(*buyers)
    assert set(looked) == {()}
    assert crowd.surprises == []


async def test_what_was_left_for_later_ends_with_its_process(limited: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would open Redis anew behind the end, in a loop that is gone when somebody next asks."""
    sleeps = asyncio.Event()

    async def pause(_: float) -> None:
        sleeps.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(reconciliation, "asyncio", SimpleNamespace(sleep=pause, to_thread=asyncio.to_thread))
    await sell(limited, 0)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.ticket SET status = 'pending'")
    left = spawn(reconcile(limited.group), name="left for later")
    await asyncio.wait_for(sleeps.wait(), 60)
    await end_background()
    assert left.cancelled()


async def test_holds_survive_what_is_mended(limited: Theatre) -> None:
    """LIVE-7."""
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=limited.performance, seats=(3, 4)), at=now())
    await redis().delete(key(limited, "quotas"))
    assert [m.action for m in await reconcile(limited.group)] == ["group rebuilt"]
    assert [item.ordinal for item in (await view_cart(cart)).items] == [3, 4]
