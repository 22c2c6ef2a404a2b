"""The suite itself: `autobahntestsuite` is written for Python 2.7, so it runs only where somebody has put that.

    PYTHONUSERBASE=DIR python2.7 -m pip install --user autobahntestsuite
    PYTHONUSERBASE=DIR python -m tests.realtime.autobahn --wstest "python2.7 DIR/bin/wstest"

It plays the same endpoint, and its verdicts are laid beside those of our own cases.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from pathlib import Path

from tests.realtime.autobahn.case import PASSES, Verdict

_AGENT = "placeur"
NOT_OFFERED = ("12.*", "13.*")
"""Compression is not offered; the suite would say UNIMPLEMENTED of each of these 216 cases."""
TIMEOUT_S = 900


def run(wstest: str, host: str) -> dict[str, tuple[str, str]]:
    """Number → (behaviour, close behaviour), as the suite reports them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        specification = {
            "outdir": str(directory / "reports"),
            "servers": [{"agent": _AGENT, "url": f"ws://{host}"}],
            "cases": ["*"],
            "exclude-cases": list(NOT_OFFERED),
            "exclude-agent-cases": {},
        }
        (directory / "fuzzingclient.json").write_text(json.dumps(specification))
        command = [*shlex.split(wstest), "--mode", "fuzzingclient", "--spec", str(directory / "fuzzingclient.json")]
        subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, check=True, timeout=TIMEOUT_S)
        report = json.loads((directory / "reports" / "index.json").read_text())[_AGENT]
    return {number: (said["behavior"], said["behaviorClose"]) for number, said in report.items()}


def passes(said: tuple[str, str]) -> bool:
    return said[0] in PASSES and said[1] in ("OK", "INFORMATIONAL")


def disagreements(ours: list[Verdict], theirs: dict[str, tuple[str, str]]) -> list[str]:
    """Where one passes what the other does not, or has a case that the other lacks."""
    mine = {verdict.number: verdict for verdict in ours}
    lines = [f"{number}: only the suite has it" for number in theirs if number not in mine]
    for number, verdict in mine.items():
        if number not in theirs:
            lines.append(f"{number}: the suite has no such case")
        elif verdict.passes != passes(theirs[number]):
            lines.append(f"{number}: {verdict.behaviour}/{verdict.closing} here, {'/'.join(theirs[number])} there")
    return lines
