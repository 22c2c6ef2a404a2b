"""What those who watch are told: snapshots and every change, in order (LIVE-1, LIVE-2, LIVE-3)."""

from __future__ import annotations

import json

from redis.asyncio import Redis

from seating.plan import Plan
from seating.store import (
    FREE,
    HELD,
    PENDING,
    SOLD,
    BestSeats,
    Inventory,
    QuotaState,
    cart_ref,
    channel,
)
from tests.seating.shop import (
    ALL,
    EVENT,
    FULL,
    GROUP,
    LEA,
    SEATED,
    TAG,
    TOMORROW,
    TONIGHT,
    lapse,
    request,
    seats,
    state,
    take,
)


async def test_a_snapshot_says_who_has_what(inventory: Inventory) -> None:
    """LIVE-2: the cart's name is on it, never its id."""
    await take(inventory, "alice", 1)
    (held,) = await take(inventory, "at the counter", 2, owner=LEA)
    await take(inventory, "basile", 3)
    await inventory.promise(GROUP, "basile", "C1")
    seen = await inventory.snapshot(GROUP, TONIGHT)
    assert sorted(seen.owners) == [1, 2, 3]
    counter = seen.owners[2]
    assert (counter.kind, counter.label) == ("counter", "Counter 2 · Léa")
    assert (counter.cart_ref, counter.expires_at_ms) == (cart_ref("at the counter"), held.expires_at_ms)
    assert (seen.owners[3].order, seen.owners[3].expires_at_ms) == ("C1", 0)
    assert (await inventory.snapshot(GROUP, TONIGHT, owners=False)).owners == {}


async def test_a_snapshot_shows_the_quotas_of_its_performance_only(redis: Redis, plan: Plan) -> None:
    inventory = Inventory(redis)
    quotas = (
        QuotaState("event:1", 5, 0),
        QuotaState("performance:34", 5, 0),
        QuotaState("performance:35", 5, 0),
        QuotaState("tariff:9", 5, 0, performances=(35,)),
    )
    await inventory.load(state(plan, quotas=quotas))
    assert set((await inventory.snapshot(GROUP, TONIGHT)).quotas) == {"event:1", "performance:34"}
    assert set((await inventory.snapshot(GROUP, TOMORROW)).quotas) == {"event:1", "performance:35", "tariff:9"}


async def test_every_change_is_one_version_published_in_order(inventory: Inventory, redis: Redis) -> None:
    """LIVE-1."""
    ear = redis.pubsub()
    await ear.subscribe(channel(GROUP, TONIGHT))
    assert (await ear.get_message(timeout=60) or {})["type"] == "subscribe"
    (item,) = await take(inventory, "alice", 3)
    await inventory.promise(GROUP, "alice", "C1")
    await inventory.sell(GROUP, "C1")
    await inventory.give_back(GROUP, "C1")
    heard = [json.loads((await ear.get_message(timeout=60) or {})["data"]) for _ in range(4)]
    head = await inventory.head(GROUP, TONIGHT)
    assert head is not None
    assert [(each["e"], each["v"]) for each in heard] == [(head[0], version) for version in (1, 2, 3, 4)]
    mine = cart_ref("alice")
    assert [each["s"] for each in heard] == [
        [[3, HELD, "buyer", "online", mine, item.expires_at_ms]],
        [[3, PENDING, "buyer", "online", mine, 0]],
        [[3, SOLD, "", "", "", 0]],
        [[3, FREE, "", "", "", 0]],
    ]
    assert [each["q"] for each in heard] == [
        {EVENT: [1, 20], SEATED: [1, 12], FULL: [1, -1]}, {}, {}, {EVENT: [0, 20], SEATED: [0, 12], FULL: [0, -1]},
    ]  # fmt: skip
    await ear.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


async def test_what_changes_nothing_has_no_version(inventory: Inventory) -> None:
    head = await inventory.head(GROUP, TONIGHT)
    await inventory.hold(request("alice", seats(99), BestSeats(TONIGHT, 2, 5, ALL)))
    await inventory.release(GROUP, "alice")
    await inventory.give_back(GROUP, "C9")
    await inventory.expire_due(GROUP)
    assert await inventory.head(GROUP, TONIGHT) == head


async def test_a_gap_is_given_whole_or_not_at_all(inventory: Inventory, redis: Redis) -> None:
    for ordinal in range(5):
        await take(inventory, "alice", ordinal)
    epoch, version = await inventory.head(GROUP, TONIGHT) or ("", 0)
    assert version == 5
    changes = await inventory.changes_since(GROUP, TONIGHT, epoch, 2)
    assert [json.loads(each)["v"] for each in changes or ()] == [3, 4, 5]
    assert await inventory.changes_since(GROUP, TONIGHT, epoch, 5) == []
    assert await inventory.changes_since(GROUP, TONIGHT, epoch, 6) is None
    assert await inventory.changes_since(GROUP, TONIGHT, "another", 2) is None
    assert await inventory.changes_since(GROUP, 99, epoch, 0) is None
    await redis.ltrim(f"{TAG}:p:{TONIGHT}:log", -2, -1)
    assert await inventory.changes_since(GROUP, TONIGHT, epoch, 2) is None
    assert len(await inventory.changes_since(GROUP, TONIGHT, epoch, 3) or ()) == 2


async def test_a_lapsed_seat_is_told_to_be_free_before_the_same_step_gives_it_to_another(
    inventory: Inventory, redis: Redis
) -> None:
    await lapse(redis, *await take(inventory, "alice", 1))
    epoch, version = await inventory.head(GROUP, TONIGHT) or ("", 0)
    await take(inventory, "basile", 1)
    changes = await inventory.changes_since(GROUP, TONIGHT, epoch, version)
    told = [json.loads(change) for change in changes or ()]
    assert [[seat[:2] for seat in each["s"]] for each in told] == [[[1, FREE]], [[1, HELD]]]
    assert [each["v"] for each in told] == [version + 1, version + 2]
