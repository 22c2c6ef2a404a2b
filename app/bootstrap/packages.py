"""Debian packages, where this machine lets us install them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence

from app.bootstrap.progress import Progress


def may_install_debian() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_debian(names: Sequence[str], progress: Progress) -> None:
    """Raises SetupError."""
    wanted = " ".join(names)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    progress.run([*apt, "update"], failing="Debian's package lists could not be read", env=environment, read=_read)
    progress.run(
        [*apt, "install", "-y", "--no-install-recommends", *names],
        failing=f"Debian's {wanted} could not be installed",
        env=environment,
        read=_read,
    )


def _read(line: str) -> str | None:
    match = re.match(r"(?:Get|Hit):\d+ \S+ (.{1,60})|((?:Unpacking|Setting up) \S+)", line)
    return (match[1] or match[2]) if match else None
