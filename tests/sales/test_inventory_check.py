"""`placeur inventory check` says where the live inventory differs, in the operator's language, and mends it (LIVE-10,
CAT-9)."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.catalog.queries import forget_offers
from app.catalog.tables import Quota
from app.core.clock import now
from app.core.db import connection
from app.core.i18n import gettext, locale_of
from app.core.redis import redis
from app.sales import inventory_check, reconciliation
from app.sales.carts import Wish, add_to_cart, view_cart
from app.sales.inventory import inventory
from app.sales.inventory_check import CLEAN, DIFFERS, UNSEEN, check
from app.sales.orders import place_order
from seating.audit import SENTENCES, WORDS, Difference
from seating.store import FREE, SOLD, GroupState, PerformanceState
from tests.cast import ALICE, Theatre, buyer_cart, counter_cart

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def looks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_check, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(reconciliation, "_not_mended", {})


@pytest.fixture
async def sold(theatre: Theatre) -> Theatre:
    """Seat 0 is sold, seat 1 waits for its payment, seat 2 is in a cart; there is a quota."""
    await Quota(event=theatre.event, name="Event", size=50).save()
    forget_offers()
    for seat, settled in ((0, True), (1, False)):
        cart = counter_cart(theatre.lea) if settled else buyer_cart()
        await add_to_cart(cart, Wish(performance=theatre.performance, seats=(seat,)), at=now())
        await place_order(
            cart, ALICE, method="cash" if settled else "card", expected_total_minor=None, settled=settled, at=now()
        )
    await add_to_cart(buyer_cart(), Wish(performance=theatre.performance, seats=(2,)), at=now())
    return theatre


async def placeur(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """The command as an operator runs it, in a process of its own."""
    command = [sys.executable, "-m", "app.cli", "inventory", "check", *arguments]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def put(theatre: Theatre, seat: int, byte: int) -> None:
    await redis().setrange(f"{{g:{theatre.group}}}:p:{theatre.performance}:states", seat, chr(byte))


async def test_a_group_that_agrees_is_clean(sold: Theatre) -> None:
    assert inventory_check._lines([await check(sold.group)]) == [f"{sold.group} (The Play): nothing differs."]
    code, said, _ = await placeur("--json", "--group", sold.group)
    (group,) = json.loads(said)["groups"]
    assert (code, group["clean"], group["differences"]) == (CLEAN, True, [])


async def test_an_operator_reads_what_differs_mends_it_and_reads_that_nothing_does(sold: Theatre) -> None:
    """In French, as the environment says; the cart keeps what it holds."""
    await put(sold, 0, FREE)
    code, said, _ = await placeur(LANG="fr_FR.UTF-8")
    assert code == DIFFERS
    assert "place Parterre > A > 1 : payée dans le registre, mais en vente ici." in said.replace("\xa0", " ")
    code, said, _ = await placeur("--repair", "--language", "en")
    assert code == CLEAN
    assert "The group was laid down anew from the ledger" in said
    assert said.endswith("Nothing differs any more.\n")
    seen = await inventory().snapshot(sold.group, sold.performance)
    assert (seen.states[0], seen.states[2]) == (SOLD, 1)


async def test_what_cannot_be_looked_at_is_said_in_one_sentence(sold: Theatre) -> None:
    for arguments, environment in (
        (["--group", "e999"], {}),
        ([], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}),
        ([], {"REDIS_URL": "redis://127.0.0.1:1/0"}),
    ):
        code, said, complained = await placeur(*arguments, **environment)
        assert (code, said) == (UNSEEN, ""), complained
        assert complained.startswith("placeur: ")
        assert complained.count("\n") == 1, complained


async def test_the_json_tells_each_difference_apart(sold: Theatre) -> None:
    await put(sold, 0, FREE)
    await put(sold, 5, SOLD)
    report = await check(sold.group)
    told: dict[str, Any] = json.loads(inventory_check._as_json([report]))["groups"][0]
    assert {(each["code"], each["ordinal"]) for each in told["differences"] if each["ordinal"] >= 0} == {
        ("order_without_seat", 0), ("sold_there", 0), ("sold_without_order", 5), ("sold_here", 5),
    }  # fmt: skip
    assert told["loaded"] is True
    assert told["clean"] is False


async def test_small_faults_are_mended_without_laying_the_group_down_anew(sold: Theatre) -> None:
    """Open maps need not load again."""
    before = await inventory().head(sold.group, sold.performance)
    async with connection() as ledger:
        await ledger.execute("UPDATE sales.sale SET status = 'paid' WHERE status = 'pending'")
        await ledger.execute("UPDATE sales.ticket SET status = 'sold', used_at = CASE WHEN ordinal = 0 THEN now() END")
        await ledger.execute("UPDATE catalog.quota SET size = 40")
    report = await check(sold.group, repair=True)
    assert report.clean
    assert {done.action for done in report.mended} == {"sold", "seat marked used", "limit set"}
    after = await inventory().head(sold.group, sold.performance)
    assert before is not None
    assert after is not None
    assert before[0] == after[0], "the same epoch"


async def test_what_is_only_in_passing_is_not_told(sold: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order between its commit and its `sell`, which comes between two looks; its negative control is a single
    look."""
    async with connection() as ledger:
        code = await ledger.fetchval("UPDATE sales.sale SET status = 'paid' WHERE status = 'pending' RETURNING code")
        await ledger.execute("UPDATE sales.ticket SET status = 'sold'")
    pauses = []

    async def it_comes_meanwhile(pause_s: float) -> None:
        pauses.append(pause_s)
        await inventory().sell(sold.group, code)

    with monkeypatch.context() as waiting:
        waiting.setattr(
            inventory_check, "asyncio", SimpleNamespace(sleep=it_comes_meanwhile, to_thread=asyncio.to_thread)
        )
        assert (await check(sold.group)).found == ()
    assert len(pauses) == 1, "the first look has seen it, and the second one that it was over"
    monkeypatch.setattr(inventory_check, "LOOKS", 1)
    await put(sold, 0, FREE)
    assert (await check(sold.group)).found != ()


async def test_a_damaged_group_is_told_of_and_mended(sold: Theatre) -> None:
    await redis().delete(f"{{g:{sold.group}}}:carts")
    report = await check(sold.group)
    assert {"not_whole", "key_broken", "held_by_nobody"} <= {each.code for each in report.found}
    report = await check(sold.group, repair=True)
    assert report.clean
    assert [done.action for done in report.mended] == ["group rebuilt"]


async def test_a_group_that_is_not_loaded_is_no_fault(sold: Theatre) -> None:
    await redis().flushall()
    report = await check(sold.group)
    assert (report.loaded, report.clean, report.found) == (False, True, ())


async def test_a_group_that_no_performance_belongs_to_is_told_of_and_forgotten(sold: Theatre) -> None:
    await inventory().load(GroupState("e4711", (PerformanceState(99, None),)))
    assert [each.code for each in (await check("e4711")).found] == ["group_unknown"]
    assert (await check("e4711", repair=True)).clean
    assert await inventory().groups() == {sold.group}


async def test_selling_goes_on_while_it_is_mended(sold: Theatre) -> None:
    await put(sold, 0, FREE)
    cart = buyer_cart()

    async def buys() -> None:
        for seat in range(10, 20):
            await add_to_cart(cart, Wish(performance=sold.performance, seats=(seat,)), at=now())

    report, _ = await asyncio.gather(check(sold.group, repair=True), buys())
    assert report.clean
    assert len((await view_cart(cart)).items) == 10
    assert (await check(sold.group)).found == ()


def test_a_house_whose_every_seat_differs_is_told_of_in_a_few_lines() -> None:
    found = tuple(Difference("sold_here", 1, str(seat), "paid for", "on sale") for seat in range(500))
    lines = inventory_check._lines([inventory_check.Report("e1", "The Play", True, found)])
    assert len(lines) == 12
    assert lines[-1].strip() == "… and 490 more of this kind."


def test_french_has_every_sentence_with_all_its_facts() -> None:
    """CAT-9: the sentences live beside the audit, which knows no languages."""
    with locale_of("fr"):
        for sentence in (*SENTENCES.values(), *WORDS):
            translation = gettext(sentence)
            assert translation != sentence, sentence
            assert set(re.findall(r"%\((\w+)\)s", sentence)) == set(re.findall(r"%\((\w+)\)s", translation))


async def test_a_group_may_be_named_by_an_event_of_it(sold: Theatre) -> None:
    assert await inventory_check.find_group(str(sold.event)) == sold.group
    assert await inventory_check.find_group(sold.group) == sold.group
    for stranger in ("9" * 30, "4711", "e4711"):
        with pytest.raises(inventory_check.Unseen):
            await inventory_check.find_group(stranger)
