"""The browser code's own checks belong to the suite: strict types, and the tests of its pure parts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.bootstrap.browser_code import node_directory, npm_command

ROOT = Path(__file__).parents[2]


def npm(script: str) -> subprocess.CompletedProcess[str]:
    directory = node_directory(Path(os.environ.get("VIRTUAL_ENV") or ROOT / ".venv"))
    if directory is None or not (ROOT / "frontend" / "node_modules").exists():
        if os.environ.get("CI"):
            pytest.fail("CI must check the browser code, and there is no Node or no node_modules here.")
        pytest.skip("no Node or no node_modules here: ./placeur test brings both")
    path = os.pathsep.join([str(directory), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        [*npm_command(directory), "run", "--silent", script],
        cwd=ROOT / "frontend",
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_browser_code_passes_its_own_checks(script: str) -> None:
    done = npm(script)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
