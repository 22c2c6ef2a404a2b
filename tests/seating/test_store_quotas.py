"""Every quota of a place counts in the step that holds it (QUO-1, QUO-2); managers may exceed it knowingly (QUO-5)."""

from __future__ import annotations

import json

import pytest

from seating.plan import Plan
from seating.store import (
    GroupMissing,
    Held,
    HeldItem,
    Inventory,
    Quantity,
    QuotaState,
    Refusal,
)
from tests.seating.shop import (
    EVENT,
    FAIR,
    FULL,
    GROUP,
    SEATED,
    TOMORROW,
    TONIGHT,
    refused,
    request,
    seats,
    state,
    states,
    take,
    used,
)


async def test_every_quota_must_have_room(inventory: Inventory) -> None:
    """QUO-1: 12 places for the performance, 20 for the event."""
    await take(inventory, "alice", *range(10))
    refusal = await inventory.hold(request("basile", seats(10, 11, 12)))
    assert isinstance(refusal, Refusal)
    assert [(r.code, r.quota, r.left) for r in refusal.reasons] == [("quota_exhausted", SEATED, 2)]
    assert await used(inventory) == {EVENT: 10, SEATED: 10, FULL: 10}


async def test_lines_of_one_request_count_together(inventory: Inventory) -> None:
    lines = (Quantity(FAIR, 12, 7, (EVENT,)), seats(*range(9), quotas=(EVENT,)))
    refusal = await inventory.hold(request("alice", *lines))
    assert isinstance(refusal, Refusal)
    assert [(r.quota, r.left) for r in refusal.reasons] == [(EVENT, 20)]


async def test_a_quota_that_the_group_was_not_loaded_with_is_asked_of_the_ledger_not_sold_without_a_limit(
    inventory: Inventory, plan: Plan
) -> None:
    with pytest.raises(GroupMissing) as raised:
        await inventory.hold(request("alice", seats(1, quotas=(EVENT, "category:9"))))
    assert raised.value.damaged
    assert await states(inventory) == {}
    assert (await used(inventory))[EVENT] == 0, "refused by an error, it has written nothing"
    quotas = (QuotaState(EVENT, 20, 0), QuotaState("category:9", 1, 0))
    await inventory.load(state(plan, quotas=quotas), only_if_missing=False)
    await inventory.hold(request("alice", seats(1, quotas=(EVENT, "category:9"))))
    assert await refused(inventory, "basile", seats(2, quotas=("category:9",))) == [
        ("quota_exhausted", -1, "category:9", 0)
    ]


async def test_a_new_limit_makes_a_quota_known(inventory: Inventory) -> None:
    """QUO-1: a limit may be set at any time, also where nothing has counted yet."""
    await inventory.set_limits(GROUP, {"category:9": 1})
    await inventory.hold(request("alice", seats(1, quotas=("category:9",))))
    assert (await inventory.snapshot(GROUP, TONIGHT)).quotas["category:9"] == (1, 1)
    await inventory.release(GROUP, "alice")
    assert (await inventory.snapshot(GROUP, TONIGHT)).quotas["category:9"] == (0, 1)


async def test_limits_change_at_any_time_and_take_nothing_away(inventory: Inventory) -> None:
    await take(inventory, "alice", 0, 1, 2)
    await inventory.set_limits(GROUP, {EVENT: 2, FULL: 3, SEATED: None})
    assert (await inventory.snapshot(GROUP, TONIGHT)).quotas == {EVENT: (3, 2), SEATED: (3, None), FULL: (3, 3)}
    refusal = await inventory.hold(request("basile", seats(5)))
    assert isinstance(refusal, Refusal)
    assert sorted((r.quota, r.left) for r in refusal.reasons) == [(EVENT, 0), (FULL, 0)]
    await inventory.set_limits(GROUP, {EVENT: 4, FULL: None})
    assert isinstance(await inventory.hold(request("basile", seats(5))), Held)


async def test_a_change_of_tariff_moves_the_quotas(inventory: Inventory) -> None:
    (item,) = await take(inventory, "alice", 3)
    await inventory.set_limits(GROUP, {"tariff:6": 1})
    changed = await inventory.change_tariff(GROUP, "alice", item.id, 6, (EVENT, SEATED, "tariff:6"))
    assert isinstance(changed, HeldItem)
    assert (changed.tariff, changed.id, changed.expires_at_ms) == (6, item.id, item.expires_at_ms)
    assert await used(inventory) == {EVENT: 1, SEATED: 1, FULL: 0, "tariff:6": 1}
    (other,) = await take(inventory, "basile", 4)
    refusal = await inventory.change_tariff(GROUP, "basile", other.id, 6, (EVENT, SEATED, "tariff:6"))
    assert isinstance(refusal, Refusal)
    assert [(r.code, r.quota, r.left) for r in refusal.reasons] == [("quota_exhausted", "tariff:6", 0)]
    assert (await inventory.held(GROUP, "basile"))[0] == other


async def test_nobody_changes_the_tariff_of_anothers_item(inventory: Inventory) -> None:
    (item,) = await take(inventory, "alice", 3)
    refusal = await inventory.change_tariff(GROUP, "stranger", item.id, 6, ())
    assert isinstance(refusal, Refusal)
    assert [r.code for r in refusal.reasons] == ["unknown_item"]
    assert await inventory.held(GROUP, "alice") == (item,)


async def test_other_performances_hear_of_a_shared_quota_at_the_next_expiry(inventory: Inventory) -> None:
    """LIVE-3. At once would cost every hold as much as the group has performances."""
    await take(inventory, "alice", 3)
    head = await inventory.head(GROUP, TOMORROW)
    assert head is not None
    assert head[1] == 0
    await inventory.expire_due(GROUP)
    changes = await inventory.changes_since(GROUP, TOMORROW, head[0], 0)
    assert [json.loads(change)["q"] for change in changes or ()] == [{EVENT: [1, 20], FULL: [1, -1]}]
    await inventory.expire_due(GROUP)
    assert await inventory.head(GROUP, TOMORROW) == (head[0], 1)
