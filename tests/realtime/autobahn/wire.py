"""One raw connection: opens the websocket, writes bytes as it is told, and keeps what came of it."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator

from tests.realtime.autobahn.frames import CLOSE, PING, PONG, Event, ServerFault, ServerStream, close_frame, frame

PATIENCE_S = 60.0
"""How long anything may take; a server that hangs fails a case, a slow one does not."""
QUIET_S = 0.5
"""After so much silence where a server should have closed, it is asked whether it is still there."""
STILL_THERE = b"still there?"
_CHUNK = 1 << 16


class Wire:
    """`events` are what the server said, close frames apart: `server_close` is the payload of its close frame.

    `ended` is how the server's side ended: "eof", "reset", or None while it has not. `translate` says what a message
    counts as; None: as nothing. Pings are answered unless `pongs` is switched off.
    """

    def __init__(
        self,
        host: str,
        path: str = "/",
        *,
        extensions: str = "",
        receive_buffer: int = 0,
        send_buffer: int = 0,
        translate: Callable[[Event], Event | None] = lambda event: event,
    ) -> None:
        name, _, port = host.rpartition(":")
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self._socket.settimeout(PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a chop is a segment
        self._socket.connect((name, int(port)))
        self._stream = ServerStream()
        self._translate = translate
        self.pongs = True
        self.broken = False
        self.events: list[Event] = []
        self.server_close: bytes | None = None
        self.closed_first: str | None = None
        self.fault: str | None = None
        self.ended: str | None = None
        self.headers = self._open(host, path, extensions)

    def _open(self, host: str, path: str, extensions: str) -> dict[str, str]:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            *([f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionError(f"no answer to the handshake but {answer!r}")
            answer += data
        head, _, rest = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        # The accept key of RFC 6455 §1.3, for the key above.
        if " 101 " not in status or headers.get("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=":
            raise ConnectionError(f"the handshake was refused: {status}")
        self._take(rest)
        return headers

    @property
    def over(self) -> bool:
        return self.ended is not None or self.fault is not None

    def send(self, data: bytes, chop: int = 0) -> None:
        """Write `data`, in pieces of `chop` bytes if given. If the server has gone away, only `broken` says so."""
        try:
            for start in range(0, len(data), chop or len(data) or 1):
                self._socket.sendall(data[start : start + chop] if chop else data)
        except (ConnectionResetError, BrokenPipeError):
            self.broken = True

    def close(self, payload: bytes = b"\x03\xe8") -> None:
        """Send a close frame."""
        self.send(frame(CLOSE, payload))
        self.note_close()

    def note_close(self) -> None:
        """A close frame of ours is on its way."""
        self.closed_first = self.closed_first or "client"

    def read_until(self, done: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Read until `done`, the end, or until `patience_s` went by; says whether `done`."""
        until_s = time.monotonic() + patience_s
        while not done() and not self.over:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not self._readable(left_s):
                break
            self._read()
        return done()

    def read_to_end(self, *, probe: bool = False) -> None:
        """Until the server's side ends. A close frame is answered. With `probe`, who has not closed is pinged first."""
        if probe and not self._server_closed() and not self.over:
            self.send(frame(PING, STILL_THERE))
        self.read_until(self._server_closed_or_answered)
        if self.closed_first == "server":
            self.send(close_frame(1000))
        if self.server_close is not None:
            self.read_until(lambda: False)

    def shut(self) -> None:
        """Say no more, without a close frame."""
        self._socket.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        self._socket.close()

    def _server_closed(self) -> bool:
        return self.server_close is not None

    def _server_closed_or_answered(self) -> bool:
        return self._server_closed() or Event("pong", STILL_THERE) in self.events

    def _readable(self, timeout_s: float) -> bool:
        return bool(select.select([self._socket], [], [], timeout_s)[0])

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except (ConnectionResetError, BrokenPipeError):  # which of them depends on what of the end came first
            self.ended = "reset"
            return
        if data:
            self._take(data)
            return
        self.ended = "reset" if self.broken else "eof"  # a send that failed has taken the news of a reset with it
        with self._finding_fault():
            self._stream.end()

    def _take(self, data: bytes) -> None:
        with self._finding_fault():
            for event in self._stream.feed(data):
                if event.kind == "close":
                    self.server_close = event.payload
                    self.closed_first = self.closed_first or "server"
                elif event.kind == "ping":
                    if self.pongs and self.closed_first is None:
                        self.send(frame(PONG, event.payload))
                elif (said := self._translate(event)) is not None:
                    self.events.append(said)

    @contextlib.contextmanager
    def _finding_fault(self) -> Iterator[None]:
        try:
            yield
        except ServerFault as problem:
            self.fault = str(problem)
