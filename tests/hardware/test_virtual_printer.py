"""The printer without paper behaves like those with: it keeps labels, answers `~HS`, holds what it has in trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hardware.printers.zpl import Zpl
from hardware.transports.tcp9100 import Tcp9100
from hardware.virtual_printer import VirtualPrinter
from tests.hardware.venue import ANSWER_S, until

LABEL = b"^XA^FO20,20^A0N,30,30^FDhello^FS^XZ"


async def test_labels_are_kept_in_order_however_their_bytes_arrive(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path, port=0)
    await printer.start()
    _, writer = await asyncio.open_connection("127.0.0.1", printer.port)
    stream = b"".join(LABEL.replace(b"hello", b"%d" % number) for number in range(3))
    for start in range(0, len(stream), 7):
        writer.write(stream[start : start + 7])
        await writer.drain()
    await until(lambda: len(printer.labels()) == 3)
    assert [b"^FD%d^FS" % number in label.read_bytes() for number, label in enumerate(printer.labels())] == [True] * 3
    writer.close()
    await printer.stop()


async def test_it_goes_on_numbering_after_a_restart(tmp_path: Path) -> None:
    for count in (1, 2):
        printer = VirtualPrinter(tmp_path, port=0)
        await printer.start()
        connection = await Tcp9100("127.0.0.1", printer.port, answer_s=ANSWER_S).open()
        await connection.write(LABEL)
        await until(lambda: len(printer.labels()) == count)  # noqa: B023 - awaited within its turn of the loop
        await connection.close()
        await printer.stop()
    assert [label.name for label in printer.labels()] == ["000001.zpl", "000002.zpl"]


async def test_it_says_how_it_is_and_prints_what_it_kept_once_it_can(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path, port=0)
    await printer.start()
    connection = await Tcp9100("127.0.0.1", printer.port, answer_s=ANSWER_S).open()
    zpl = Zpl()
    printer.labels_left = 0
    await connection.write(LABEL)
    await until(lambda: not printer.paper, "the roll has run out")
    status = await connection.ask(zpl.status_question, zpl.read_status)
    assert (status.problems, status.pending) == (("paper_out",), 1)
    printer.refill()
    await until(lambda: printer.labels(), "the label")
    status = await connection.ask(zpl.status_question, zpl.read_status)
    assert (status.ready, status.pending) == (True, 0)
    await connection.close()
    await printer.stop()


async def test_half_a_label_prints_nothing(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path, port=0)
    await printer.start()
    first = await Tcp9100("127.0.0.1", printer.port, answer_s=ANSWER_S).open()
    await first.write(LABEL[:-3])
    await first.close()
    second = await Tcp9100("127.0.0.1", printer.port, answer_s=ANSWER_S).open()
    await second.write(LABEL)
    await until(lambda: printer.labels())
    assert [label.read_bytes() for label in printer.labels()] == [LABEL]
    await second.close()
    await printer.stop()
