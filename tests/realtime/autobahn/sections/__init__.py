"""The cases by section. A section is one file with `TITLE` and `CASES`; the numbers are Autobahn's own."""

from __future__ import annotations

from tests.realtime.autobahn.case import Case
from tests.realtime.autobahn.sections import (
    closing,
    feed,
    fragmentation,
    framing,
    limits,
    misc,
    opcodes,
    pings,
    reserved,
    utf8,
)

SECTIONS = {
    "1": framing,
    "2": pings,
    "3": reserved,
    "4": opcodes,
    "5": fragmentation,
    "6": utf8,
    "7": closing,
    "9": limits,
    "10": misc,
}
ALL: tuple[Case, ...] = tuple(case for section in SECTIONS.values() for case in section.CASES)
BY_NUMBER = {case.number: case for case in ALL}
ON_FEED = tuple(case for case in ALL if feed.applies(case))
"""Those that hold for the feed as they are, behind its hello."""
LARGE = frozenset(case.number for case in ALL if case.number.startswith("9.")) - limits.QUICK
"""Cases that only the command plays; of each subsection the small ones are played by the tests too."""
