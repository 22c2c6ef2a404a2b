"""Endpoints that are wrong on purpose: what the runner must find, or a good report would mean nothing.

Each is one change of the class under examination; `MUTANTS` says which cases it must fail.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from realtime.sockets import FeedProtocol, FeedWebSocket
from tests.realtime.autobahn.case import INVALID_TEXT, Case


def _accept(frame: Frame) -> None:
    return


class AcceptsReservedBits(FeedWebSocket):
    """And control frames of any length and in fragments: one check of websockets' is for all of these."""

    def data_received(self, data: bytes) -> None:
        Frame.check = _accept  # type: ignore[method-assign,assignment]  # this process serves nothing else
        super().data_received(data)


class CarelessProtocol(FeedProtocol):
    def _check_text(self, frame: Frame) -> None:
        return


class AcceptsInvalidText(FeedWebSocket):
    """Passes on what is no UTF-8, as Python would smuggle it."""

    def data_received(self, data: bytes) -> None:
        self.conn.__class__ = CarelessProtocol
        super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        data = b"".join(self.frames)
        self.frames = []
        if self.curr_msg_data_type == "text":
            self.queue.put_nowait({"type": "websocket.receive", "text": data.decode("utf-8", "surrogateescape")})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})


class PongsWithoutPayload(FeedWebSocket):
    def handle_ping(self) -> None:
        self.conn.data_to_send()
        self.transport.write(Frame(Opcode.PONG, b"").serialize(mask=False))


class ClosesWithItsOwnCode(FeedWebSocket):
    """Whatever was wrong, it says 1011."""

    def handle_parser_exception(self) -> None:
        self.conn.data_to_send()
        self.conn.writes.append(Frame(Opcode.CLOSE, b"\x03\xf3").serialize(mask=False))
        super().handle_parser_exception()


class DropsInsteadOfClosing(FeedWebSocket):
    def handle_parser_exception(self) -> None:
        self.transport.abort()


class TalksAfterItsClose(FeedWebSocket):
    def handle_close(self, event: Frame) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()) + b"\x81\x01x")
        super().handle_close(event)


class PongsWithinAFrame(FeedWebSocket):
    """Half a frame of its own, the pong, the other half: what two writers without order would do."""

    def handle_ping(self) -> None:
        self.transport.write(b"\x81\x7e\x01\x00" + b"x" * 128)
        super().handle_ping()
        self.transport.write(b"x" * 128)


class Unmended(FeedWebSocket):
    """uvicorn's own class but for its place in the connection's state: what FeedWebSocket corrects is all undone."""

    data_received = WebSocketsSansIOProtocol.data_received
    eof_received = WebSocketsSansIOProtocol.eof_received
    handle_ping = WebSocketsSansIOProtocol.handle_ping
    handle_close = WebSocketsSansIOProtocol.handle_close
    handle_parser_exception = WebSocketsSansIOProtocol.handle_parser_exception
    keepalive_timeout = WebSocketsSansIOProtocol.keepalive_timeout
    send = WebSocketsSansIOProtocol.send
    run_asgi = WebSocketsSansIOProtocol.run_asgi
    shutdown = WebSocketsSansIOProtocol.shutdown

    def connection_made(self, transport: BaseTransport) -> None:
        self.conn = ServerProtocol(max_size=self.config.ws_max_size, logger=self.conn.logger)
        super().connection_made(transport)


@dataclass(frozen=True, slots=True)
class Mutant:
    """`fails` says of each case whether it must fail; all others must pass."""

    websocket: type[FeedWebSocket]
    fails: Callable[[Case], bool]


def _pongs(case: Case, *, loaded: bool) -> bool:
    return any(event.kind == "pong" and (event.payload or not loaded) for event in case.ok)


MUTANTS = {
    "accepts-reserved-bits": Mutant(
        AcceptsReservedBits, lambda case: case.section == "3" or case.number in ("2.5", "5.1", "7.3.6")
    ),
    "accepts-invalid-text": Mutant(AcceptsInvalidText, lambda case: case.ending == INVALID_TEXT),
    "pongs-without-payload": Mutant(PongsWithoutPayload, lambda case: _pongs(case, loaded=True)),
    "pongs-within-a-frame": Mutant(PongsWithinAFrame, lambda case: _pongs(case, loaded=False)),
    "closes-with-its-own-code": Mutant(ClosesWithItsOwnCode, lambda case: case.refused),
    "drops-instead-of-closing": Mutant(DropsInsteadOfClosing, lambda case: case.refused),
    "talks-after-its-close": Mutant(
        TalksAfterItsClose, lambda case: not case.refused and not case.number.startswith("7.13.")
    ),
}
