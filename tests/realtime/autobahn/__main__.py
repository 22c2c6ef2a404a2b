"""The conformance report of docs/conformance.md: `python -m tests.realtime.autobahn`.

It starts its own servers, and a Redis for the feed where REDIS_URL names none. Exits with 1 if a case fails. With
`--endpoint` one endpoint of endpoints.py is examined alone, for instance a wrong one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.demo.engines import start_redis
from tests.realtime.autobahn import genuine
from tests.realtime.autobahn.case import Verdict
from tests.realtime.autobahn.mutants import MUTANTS
from tests.realtime.autobahn.running import running
from tests.realtime.autobahn.sections import ALL, ON_FEED, SECTIONS, feed


def table(verdicts: list[Verdict]) -> list[str]:
    """Rows of Markdown, one a section."""
    lines = ["| | section | cases | OK | NON-STRICT | INFORMATIONAL | failed |", "|---|---|---|---|---|---|---|"]
    for number, section in [*SECTIONS.items(), ("F", feed)]:
        mine = [verdict for verdict in verdicts if verdict.number.split(".")[0] == number]
        if mine:
            counts = Counter(verdict.behaviour if verdict.passes else "FAILED" for verdict in mine)
            cells = [counts[kind] for kind in ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED")]
            lines.append(f"| {number} | {section.TITLE} | {len(mine)} | {' | '.join(map(str, cells))} |")
    return lines


def report(heading: str, verdicts: list[Verdict]) -> None:
    print(f"### {heading}\n", *table(verdicts), "", sep="\n")
    non_strict = [verdict.number for verdict in verdicts if verdict.behaviour == "NON-STRICT"]
    print(f"NON-STRICT: {', '.join(non_strict) or 'none'}\n")
    for verdict in verdicts:
        if not verdict.passes:
            print(f"- **{verdict.number}** {verdict.behaviour}, close {verdict.closing}: {verdict.why}")


def examine_echo(name: str, wstest: str | None) -> bool:
    with running(name) as endpoint:
        verdicts = [endpoint.play(case) for case in ALL]
        report(f"The endpoint `{name}`", verdicts)
        agreed = True
        if wstest:
            theirs = genuine.run(wstest, endpoint.host)
            counts = Counter("/".join(said) for said in theirs.values())
            print(f"### The suite itself, {len(theirs)} cases\n")
            print(*(f"- {kind}: {count}" for kind, count in counts.most_common()), "", sep="\n")
            different = genuine.disagreements(verdicts, theirs)
            print("It agrees with our own cases on each." if not different else "\n".join(different), "", sep="\n")
            agreed = not different and all(map(genuine.passes, theirs.values()))
    return agreed and all(verdict.passes for verdict in verdicts)


def examine_feed() -> bool:
    with _redis() as url, running("feed", redis_url=url) as endpoint:
        verdicts = [endpoint.play_on_feed(case) for case in ON_FEED]
        verdicts += [endpoint.play_on_feed(case, greeted=False) for case in feed.CASES]
    report("The feed, `/live/performances/{id}`", verdicts)
    return all(verdict.passes for verdict in verdicts)


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="placeur-autobahn-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        engine = start_redis(Path(name), durable=False)
        try:
            yield engine.url
        finally:
            engine.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.realtime.autobahn", description=__doc__)
    parser.add_argument("--wstest", metavar="COMMAND", help="the suite's own program, to be run as well")
    parser.add_argument("--endpoint", choices=["echo", *MUTANTS], help="examine this one alone")
    chosen = parser.parse_args()
    if chosen.endpoint:
        return 0 if examine_echo(chosen.endpoint, chosen.wstest) else 1
    results = [examine_echo("echo", chosen.wstest), examine_feed()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
