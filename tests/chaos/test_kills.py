"""Processes and engines die in the middle of purchases; nothing is lost, doubled or stuck, and people are told kindly.

The supervisor of the demo starts again what dies, as systemd or an orchestrator would.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.async_api import Browser, expect

from realtime.client import Feed
from realtime.follower import Status
from tests.browser.seat_map import SeatMapView
from tests.browser.visitor import DESKTOP, Visitor
from tests.chaos.customers import AWAY, Buyer, Cashier, cashier_at, deadlines_pass
from tests.invariants import check_invariants
from tests.papers import claims_of, codes_on
from tests.running import RunningDemo, eventually

pytestmark = [pytest.mark.fault, pytest.mark.asyncio(loop_scope="session")]

TAKEN = 1


async def nothing_is_wrong(demo: RunningDemo) -> None:
    """Every invariant, as soon as the box office has put itself in order."""
    said: list[str] = []

    async def in_order() -> bool:
        async with demo.ledger() as ledger, demo.redis() as redis:
            said[:] = await check_invariants(ledger, redis)
        return not said

    with contextlib.suppress(AssertionError):
        await eventually(in_order, "the box office is in order", 120)
    assert said == []


async def test_the_web_process_dies_at_four_points_of_a_purchase_and_every_buyer_gets_through(
    demo: RunningDemo, evenings: list[int]
) -> None:
    """LIVE-7, LIVE-10, ORD-1, PAY-1: killed while one buyer chooses, one has ordered and was not answered, one is at
    the bank, and one has just paid. A fifth goes away, and his seats come back."""
    async with contextlib.AsyncExitStack() as stack:
        names = ("chooses", "orders", "at-the-bank", "has-paid", "goes-away")
        buyers = [await stack.enter_async_context(Buyer(demo, name)) for name in names]
        chooses, orders, at_the_bank, has_paid, goes_away = buyers
        seats = [await buyer.holds_best(evenings[1], 2) for buyer in buyers]
        assert len({seat for each in seats for seat in each}) == 10
        for buyer in (at_the_bank, has_paid, goes_away):
            await buyer.orders()
        await has_paid.pays()
        with demo.frozen("world"):
            # The order is committed, and the web process waits for the bank when it dies.
            unanswered = asyncio.create_task(orders.asks_to_order())

            async def is_placed() -> bool:
                rows = await demo.ask("SELECT status FROM sales.sale WHERE email = $1", orders.email)
                return [row["status"] for row in rows] == ["pending"]

            await eventually(is_placed, "the order is in the ledger")
            demo.kill("web")
            with pytest.raises(httpx.TransportError):
                await unanswered
        await at_the_bank.pays()
        await demo.wait_until_open()

        assert [item["ordinal"] for item in (await chooses.cart())["items"]] == seats[0]
        await chooses.orders()
        await chooses.pays()
        placed = await orders.orders_again()
        assert len(await demo.ask("SELECT id FROM sales.sale WHERE email = $1", orders.email)) == 1
        assert placed["status"] == "pending"
        await orders.pays()
        for buyer in (chooses, orders, at_the_bank, has_paid):
            paid = await buyer.is_paid()
            assert len(paid["tickets"]) == 2
            await buyer.has_one_mail()
        await deadlines_pass(demo, goes_away.email)
        gone = await goes_away.waits_until(lambda order: order["status"] == "expired", "the order gives up its seats")
        assert gone["payment"]["status"] in ("expired", "abandoned")
        async with Buyer(demo, "comes-later") as later:
            free = (await later.http.get(f"/api/v1/performances/{evenings[1]}/seats")).json()["states"]
            assert [free[seat] for seat in seats[4]] == [0, 0]
    await nothing_is_wrong(demo)


async def test_a_storm_of_buyers_survives_a_web_process_that_dies_at_any_moment(
    demo: RunningDemo, evenings: list[int]
) -> None:
    """LIVE-10, AHEAD-9, PRN-3: nobody buys twice, no seat is sold twice, and every ticket that a cashier sold meanwhile
    has its one paper, wherever the blow falls."""
    dice = random.Random(1673)
    over = asyncio.Event()

    done: Counter[str] = Counter()

    async def goes_shopping(name: str) -> None:
        while not over.is_set():
            async with Buyer(demo, name) as buyer:
                with contextlib.suppress(*AWAY, AssertionError):  # whatever they were told, they begin anew
                    await buyer.holds_best(evenings[2], dice.choice((1, 2, 3)))
                    await buyer.orders()
                    await buyer.pays()
                    done["bought"] += 1
                await asyncio.sleep(dice.random() / 4)

    async def stands_at_the_counter(lea: Cashier) -> None:
        while not over.is_set():
            done["sold"] += await lea.sells_whatever_happens(evenings[2], 1) is not None
            await asyncio.sleep(dice.random() / 4)

    async def both_go_on() -> bool:
        return done["bought"] > 0 and done["sold"] > 0

    async with cashier_at(demo) as lea:
        crowd = [asyncio.create_task(goes_shopping(f"storm-{n}")) for n in range(6)]
        crowd.append(asyncio.create_task(stands_at_the_counter(lea)))
        try:
            for _ in range(2):
                await asyncio.sleep(1 + 2 * dice.random())
                demo.kill("web")
                await demo.wait_until_open()
            done.clear()
            await eventually(both_go_on, "people buy at the shop and at the counter again", 120)
        finally:
            over.set()
            ends = await asyncio.gather(*crowd, return_exceptions=True)
        assert [end for end in ends if end is not None] == []
    await deadlines_pass(demo, "storm-%")

    async def all_settled() -> bool:
        return not await demo.ask("SELECT id FROM sales.sale WHERE status = 'pending'")

    await eventually(all_settled, "every order is paid or has given up its seats", 180)
    await nothing_is_wrong(demo)
    papers = await demo.ask(
        'SELECT t.number, count(j.id) AS n FROM sales.ticket t JOIN sales.sale s ON s.id = t."order" LEFT JOIN'
        " counter.print_job j ON j.ticket = t.id WHERE s.operator IS NOT NULL GROUP BY t.id"
    )
    assert [paper["number"] for paper in papers if paper["n"] != 1] == []

    async def everybody_has_mail() -> bool:
        paid = await demo.ask("SELECT email FROM sales.sale WHERE status = 'paid' AND email LIKE 'storm-%'")
        mails = demo.mails_by_recipient()
        return all(mails[row["email"]] == 1 for row in paid)

    await eventually(everybody_has_mail, "one mail for everybody who paid", 180)


async def test_redis_forgets_everything_and_sold_seats_stay_sold(
    demo: RunningDemo, evenings: list[int], browser: Browser
) -> None:
    """LIVE-1, LIVE-10: open maps recover by themselves, unpaid carts are lost kindly, waiting orders can be paid."""
    performance = evenings[3]
    context = await browser.new_context(**DESKTOP, locale="en-GB", reduced_motion="reduce")
    async with Buyer(demo, "pays") as pays, Buyer(demo, "waits") as waits:
        ana = Visitor("Ana", await context.new_page(), demo)
        view = SeatMapView(ana)
        await view.opens(performance)
        await ana.page.evaluate("() => { window.neverReloaded = true; }")
        sold, pending = await pays.holds_best(performance, 2), await waits.holds_best(performance, 2)
        await pays.orders()
        await pays.pays()
        await pays.is_paid()
        await waits.orders()
        (hers,) = await view.free_run(1, skip=40)
        await view.taps(hers)
        await view.shows("mine", hers)
        async with Feed(f"{demo.live_url}/performances/{performance}") as feed:
            await feed.until(lambda feed: feed.status is Status.LIVE and feed.codes[hers] == TAKEN)
            epoch, taken = feed.follower.epoch, bytes(feed.codes)

            async with demo.redis() as redis:
                await redis.flushall()

            await feed.until(lambda feed: feed.follower.epoch != epoch and feed.codes[hers] == 0)
            now = bytes(feed.codes)
            assert [seat for seat in range(len(now)) if now[seat] != taken[seat]] == [hers]
            assert [now[seat] for seat in (*sold, *pending)] == [TAKEN] * 4
        await view.shows("taken", *sold, *pending)
        await view.shows("free", hers)
        told = ana.page.locator(".toast")
        await expect(told).to_contain_text("We could not keep your seats")
        await told.get_by_role("button", name="Take them again").click()
        await view.shows("mine", hers)
        assert await ana.page.evaluate("() => window.neverReloaded")
        assert ana.complaints == []
        await waits.pays()
        await waits.is_paid()
    await context.close()
    await nothing_is_wrong(demo)


async def test_redis_dies_and_comes_back_with_every_hold(demo: RunningDemo, evenings: list[int]) -> None:
    """LIVE-7: what it had written down; meanwhile people are asked for a moment's patience."""
    async with Buyer(demo, "holds") as buyer:
        seats = await buyer.holds_best(evenings[3], 2)

        async def handed_over() -> bool:
            """To the kernel, which outlives it: at once, unless the disk is busy."""
            async with demo.redis() as redis:
                return int((await redis.info("persistence"))["aof_buffer_length"]) == 0

        await eventually(handed_over, "Redis has written it down")
        demo.kill("Redis")

        async def still_held() -> bool:
            answer = await buyer.http.get("/api/v1/cart")
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 503:
                assert answer.json()["code"] == "store_unavailable"
                return False
            return [item["ordinal"] for item in answer.json()["items"]] == seats

        await eventually(still_held, "the cart is as it was", 120)
    await nothing_is_wrong(demo)


async def kill_worker(demo: RunningDemo) -> None:
    """As if the half minute had passed after which what a silent worker had in its hands is given to another."""
    worker = demo.process("worker")
    demo.supervisor.suspend()  # who would start the next one at once
    try:
        worker.kill()

        async def is_dead() -> bool:
            return bool(worker.status() == psutil.STATUS_ZOMBIE)

        await eventually(is_dead, "the worker is dead")
        await demo.ask("UPDATE pgqueuer SET heartbeat = now() - interval '1 hour' WHERE status = 'picked'")
    finally:
        demo.supervisor.resume()


async def test_a_worker_that_dies_with_its_hands_full_mails_every_order_once(
    demo: RunningDemo, evenings: list[int]
) -> None:
    """ORD-2: jobs that wait, and one that it was in the middle of when it died."""
    mails = [f"queued-{n}@example.org" for n in range(3)] + ["half-sent@example.org"]
    async with cashier_at(demo) as lea:
        with demo.frozen("world"):
            # The mail server takes the connection and says nothing: the worker has the job in its hands.
            await lea.sells_best(evenings[4], 1, email=mails[-1], prints=False)

            async def in_hand() -> bool:
                return bool(await demo.ask("SELECT id FROM pgqueuer WHERE status = 'picked'"))

            await eventually(in_hand, "the worker has begun")
            for email in mails[:-1]:
                await lea.sells_best(evenings[4], 1, email=email, prints=False)
            await kill_worker(demo)
    for email in mails:

        async def has_arrived(email: str = email) -> bool:
            return bool(demo.mails_to(email))

        await eventually(has_arrived, f"a mail for {email}", 240)
        assert len(demo.mails_to(email)) == 1
    await nothing_is_wrong(demo)


@pytest.mark.parametrize("dies", ["hub", "printer-agent"])
async def test_tickets_sold_while_a_part_of_the_way_to_the_printer_dies_are_printed_once(
    demo: RunningDemo, evenings: list[int], tmp_path: Path, dies: str
) -> None:
    """PRN-3, DEV-2: killed between the sale and the paper."""

    async def is_idle() -> bool:
        return not await demo.ask("SELECT id FROM counter.print_job WHERE state IN ('queued', 'sent')")

    await eventually(is_idle, "all that was sold before is on paper", 180)
    before = len(demo.labels())
    async with cashier_at(demo) as lea:
        with demo.frozen(dies):
            sale = await lea.sells_best(evenings[4], 2)
            demo.kill(dies)
        await lea.papers_are(sale["print_jobs"], "printed")
    labels = demo.labels()[before:]
    numbers = [(await claims_of(demo, code)).ticket for code in codes_on(labels, tmp_path)]
    tickets = await demo.ask(
        'SELECT t.number FROM sales.ticket t JOIN sales.sale s ON s.id = t."order" WHERE s.code = $1', sale["code"]
    )
    assert sorted(numbers) == sorted(ticket["number"] for ticket in tickets)
    await nothing_is_wrong(demo)


async def test_while_postgresql_is_away_people_are_asked_for_a_moments_patience(
    demo: RunningDemo, evenings: list[int]
) -> None:
    """LIVE-10: no traceback, no 500, nothing half done; and all works again as soon as it is back."""
    async with Buyer(demo, "patient") as buyer:
        seats = await buyer.holds_best(evenings[4], 2)
        paths = ("/", f"/p/{evenings[4]}", "/checkout", "/login", "/api/v1/events", "/api/v1/cart", "/terms")
        answers: list[httpx.Response] = []
        demo.supervisor.suspend()  # who would start it again at once
        try:
            demo.kill("PostgreSQL")
            for path in paths:
                answers.append(await buyer.http.get(path))
            answers.append(await buyer.asks_to_order())
        finally:
            demo.supervisor.resume()
        for answer in answers:
            assert answer.status_code in (200, 503), f"{answer.url}: {answer.status_code} {answer.text[:300]}"
            assert "Traceback" not in answer.text
        away = [answer for answer in answers if answer.status_code == 503]
        assert away
        assert all("try again in a few seconds" in answer.text for answer in away)
        assert all(answer.headers["retry-after"] for answer in away)
        await demo.wait_until_open()
        assert [item["ordinal"] for item in (await buyer.cart())["items"]] == seats
        await buyer.orders_again()
        await buyer.pays()
        await buyer.is_paid()
        await buyer.has_one_mail()
        async with cashier_at(demo) as lea:
            sale = await lea.sells_best(evenings[4], 1)
            await lea.papers_are(sale["print_jobs"], "printed")
    await nothing_is_wrong(demo)


async def test_a_postgresql_that_hangs_makes_people_wait_and_not_fail(demo: RunningDemo, evenings: list[int]) -> None:
    """LIVE-10."""
    async with Buyer(demo, "waits-long") as buyer:
        await buyer.holds_best(evenings[4], 1)
        with demo.frozen("PostgreSQL"):
            ordering = asyncio.create_task(buyer.orders_again())
            await asyncio.sleep(3)
        await ordering
        await buyer.pays()
        await buyer.is_paid()
        await buyer.has_one_mail()
    await nothing_is_wrong(demo)


async def test_after_all_this_nobody_got_two_mails_and_no_log_holds_a_traceback(demo: RunningDemo) -> None:
    """ORD-2: the end of the day. Runs last, and looks at whatever the tests before have left."""

    async def expected() -> Counter[str]:
        rows = await demo.ask("SELECT email FROM sales.sale WHERE mailed_at IS NOT NULL")
        return Counter(row["email"] for row in rows)

    async def all_is_noted() -> bool:
        return demo.mails_by_recipient() == await expected()

    with contextlib.suppress(AssertionError):
        await eventually(all_is_noted, "each mail that arrived is noted")
    assert demo.mails_by_recipient() == await expected()
    complaints = demo.complaints()
    assert not complaints, "\n".join(complaints)
