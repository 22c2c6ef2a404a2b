"""Litestar's own channels (memory backend), as its documentation has it, on the same uvicorn and uvloop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
import uvloop
from litestar import Litestar, WebSocket, websocket
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.exceptions import WebSocketDisconnect

from benchmarks.peers._driving import many_files, obey


@websocket("/")
async def follow(socket: WebSocket[Any, Any, Any], channels: ChannelsPlugin) -> None:
    await socket.accept()
    async with channels.start_subscription("feed") as subscriber, subscriber.run_in_background(socket.send_text):
        await socket.send_text("{}")
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()


async def main() -> None:
    many_files()
    channels = ChannelsPlugin(backend=MemoryChannelsBackend(), channels=["feed"])
    app = Litestar([follow], plugins=[channels], logging_config=None)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        config = uvicorn.Config(app, log_level="critical", ws="websockets-sansio", ws_per_message_deflate=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        print(listener.getsockname()[1], flush=True)
        await obey(lambda text: channels.publish(text.decode(), ["feed"]))
        serving.cancel()


if __name__ == "__main__":
    uvloop.run(main())
