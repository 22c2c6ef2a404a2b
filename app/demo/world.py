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
from app.demo.bank import Bank
from app.demo.mailbox import Mailbox, receiving
from app.demo.ports import BANK_PATH, HOST
from app.settings import Settings
from hardware.virtual_printer import VirtualPrinter


async def run(settings: Settings, *, port: int, smtp_port: int, printer_port: int) -> None:
    """Serve until cancelled. Raises OSError when one of the ports is taken."""
    data = Path(settings.data_dir)
    box = await asyncio.to_thread(Mailbox, data / "mailbox")
    printer = VirtualPrinter(data / "labels", host=HOST, port=printer_port)
    bank = Bank(
        secret_key=settings.card_secret_key,
        webhook_secret=settings.card_webhook_secret,
        webhook_url=f"{settings.public_url}/webhooks/card",
        base_url=settings.card_api_url,
        data=data / "bank",
    )
    await printer.start()
    try:
        async with receiving(box, HOST, smtp_port):
            await _serve(create_app(box, printer, bank), port)
    finally:
        await printer.stop()


def create_app(box: Mailbox, printer: VirtualPrinter, bank: Bank) -> Litestar:
    return Litestar(
        route_handlers=[world_pages.router, bank.router(BANK_PATH)],
        lifespan=[bank.lifespan],
        state=State({"mailbox": box, "printer": printer}),
        openapi_config=None,
    )


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
