"""What a box office meets outside of itself, in one process of the demo: a bank, a mail server, a label printer.

Each speaks the real protocol on loopback, so that the box office runs the very code of production against it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from app.demo import world_pages
from app.demo.mailbox import Mailbox, receiving
from app.demo.ports import HOST
from app.settings import Settings


async def run(settings: Settings, *, port: int, smtp_port: int, printer_port: int) -> None:
    """Serve until cancelled. Raises OSError when one of the ports is taken."""
    box = await asyncio.to_thread(Mailbox, Path(settings.data_dir) / "mailbox")
    async with receiving(box, HOST, smtp_port):
        await _serve(create_app(box), port)


def create_app(box: Mailbox) -> Litestar:
    return Litestar(route_handlers=[world_pages.router], state=State({"mailbox": box}), openapi_config=None)


async def _serve(app: Litestar, port: int) -> None:
    """uvicorn without its own signal handlers: whoever runs us cancels."""
    server = _Server(uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False, server_header=False))
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
