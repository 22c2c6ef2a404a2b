"""Every case of the suite that applies, against the endpoint as the web process runs it, and against wrong
ones (LIVE-1).

Coroutines, although the client blocks: what starts a server must not count as pure (tests/conftest.py).
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Iterable, Iterator

import pytest
from redis import Redis

from tests.realtime.autobahn.__main__ import table
from tests.realtime.autobahn.case import Case, Verdict
from tests.realtime.autobahn.mutants import MUTANTS
from tests.realtime.autobahn.running import ROOT, Endpoint, running
from tests.realtime.autobahn.sections import ALL, BY_NUMBER, LARGE, ON_FEED, SECTIONS, feed
from tests.realtime.autobahn.wire import Wire

SMALL = [case for case in ALL if case.number not in LARGE]
NO_LIMITS = [case for case in ALL if case.section != "9"]
SAMPLE = [case for case in NO_LIMITS if case.section != "6" or int(case.number.split(".")[1]) < 5]
"""Without the long table of UTF-8, of which most wrong endpoints know nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[Endpoint]:
    with running("echo") as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def feed_endpoint(redis_url: str) -> Iterator[Endpoint]:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()  # groups of the file before have the same names, and other performances
    with running("feed", redis_url=redis_url) as endpoint:
        yield endpoint


def failures(play: Callable[[Case], Verdict], cases: Iterable[Case]) -> list[str]:
    verdicts = [(case, play(case)) for case in cases]
    assert verdicts, "a section without cases proves nothing"
    return [f"{case.number} ({case.title}): {verdict}" for case, verdict in verdicts if not verdict.passes]


@pytest.mark.parametrize("section", SECTIONS)
async def test_the_endpoint_passes_section(section: str, echo: Endpoint) -> None:
    cases = [case for case in SMALL if case.section == section]
    assert await asyncio.to_thread(failures, echo.play, cases) == []


@pytest.mark.parametrize("section", ["2", "3", "4", "5", "6", "7"])
async def test_the_feed_passes_what_holds_for_it_as_it_is_of_section(section: str, feed_endpoint: Endpoint) -> None:
    cases = [case for case in ON_FEED if case.section == section]
    assert await asyncio.to_thread(failures, feed_endpoint.play_on_feed, cases) == []


async def test_the_feed_passes_in_its_own_terms(feed_endpoint: Endpoint) -> None:
    play = functools.partial(feed_endpoint.play_on_feed, greeted=False)
    assert await asyncio.to_thread(failures, play, feed.CASES) == []


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_wrong_endpoint_fails_exactly_where_it_is_wrong(name: str) -> None:
    """The negative control of all but the megabytes: the same runner, one defect at a time."""
    cases = NO_LIMITS if name == "accepts-invalid-text" else SAMPLE
    with running(name) as endpoint:
        verdicts = [await asyncio.to_thread(endpoint.play, case) for case in cases]
    failed = {verdict.number for verdict in verdicts if not verdict.passes}
    assert failed == {case.number for case in cases if MUTANTS[name].fails(case)}


def test_every_kind_of_case_has_an_endpoint_that_fails_it() -> None:
    caught = {case.number for case in NO_LIMITS if any(mutant.fails(case) for mutant in MUTANTS.values())}
    assert {case.number for case in NO_LIMITS} - caught == {"7.13.1", "7.13.2"}, "those two fail only by a wrong stream"


@pytest.mark.parametrize("offer", ["permessage-deflate", "permessage-deflate; client_max_window_bits, x-other"])
async def test_compression_is_declined_when_it_is_offered(offer: str, echo: Endpoint) -> None:
    """Sections 12 and 13: an endpoint that does not offer it has nothing to conform to."""
    wire = await asyncio.to_thread(Wire, echo.host, extensions=offer)
    wire.drop()
    assert "sec-websocket-extensions" not in wire.headers


async def test_what_strangers_send_leaves_no_traceback_in_the_log(echo: Endpoint) -> None:
    for number in ("3.1", "6.3.1", "6.12.8", "7.5.1", "7.9.1"):
        await asyncio.to_thread(echo.play, BY_NUMBER[number])
    assert "Traceback" not in echo.log()


def test_the_page_has_the_figures_of_these_cases() -> None:
    """docs/conformance.md was printed by the command; its numbers of cases must be those that exist."""
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    printed = re.findall(r"^\| (\w+) \| [^|]+ \| (\d+) \| .* \| (\d+) \|$", page, re.M)
    on_feed = {number: sum(case.section == number for case in ON_FEED) for number in SECTIONS}
    wanted = [(number, str(len(section.CASES)), "0") for number, section in SECTIONS.items()]
    wanted += [(number, str(count), "0") for number, count in on_feed.items() if count]
    assert printed == [*wanted, ("F", str(len(feed.CASES)), "0")]
    assert table([])[0] in page, "the columns are those that the command prints"
