"""A real web server on a real port, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn


@contextlib.asynccontextmanager
async def serve(app: Any, *, send_buffer_bytes: int = 0, **options: Any) -> AsyncIterator[str]:
    """`host:port` of `app` behind uvicorn, until the block ends; its viewers are then sent away as at a restart.
    `send_buffer_bytes`: how much the kernel may hold for a viewer, if that is not its own choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if send_buffer_bytes:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)  # connections inherit it
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=30, **options)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if task.done():
                    await task
                await asyncio.sleep(0.005)
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
