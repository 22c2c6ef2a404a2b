"""What becomes of a photograph that is uploaded (SEA-4): upright, in two sizes, and nothing in it but the picture."""

from __future__ import annotations

import asyncio
import io
import random
import struct
import threading
import zlib

import pytest
from PIL import Image, ImageCms

from app.catalog import photos
from app.catalog.photos import LARGE, PIXELS_MAX, SMALL, TOO_MANY_PIXELS, TOO_SMALL, UNREADABLE, Photo, develop_now
from app.core.errors import Invalid
from tests.pictures import BLUE, GREEN, RED, file_of, jpeg, striped

ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825


def opened(file: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(file))
    assert picture.format == "WEBP"
    return picture


def colour_at(photo: Photo, x: float, y: float) -> tuple[int, ...]:
    """At shares of the width and the height, in the large one."""
    picture = opened(photo.large).convert("RGB")
    found = picture.getpixel((int(x * picture.width), int(y * picture.height)))
    assert isinstance(found, tuple)
    return found


def close(found: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(found, wanted, strict=True))


def refused(file: bytes) -> str:
    with pytest.raises(Invalid) as told:
        develop_now(file)
    return told.value.errors["photo"]


def from_a_phone(orientation: int = 1) -> bytes:
    """With everything that a phone writes into a picture."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "Secret Phone"
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 30.2), 3: "E", 4: (2.0, 17.0, 40.2)})
    return file_of(
        striped(900, 600, (RED, BLUE)), exif=exif, xmp=b"<x:xmpmeta>Secret author</x:xmpmeta>", comment=b"Secret"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("width", "height"), [(2000, 1500), (1500, 2000), (700, 500), (480, 320)])
def test_it_comes_in_two_sizes_and_is_never_enlarged(kind: str, width: int, height: int) -> None:
    photo = develop_now(file_of(striped(width, height), kind))
    for file, side in ((photo.large, LARGE), (photo.small, SMALL)):
        share = min(1, side / max(width, height))
        assert opened(file).size == (round(width * share), round(height * share))
    assert opened(photo.large).size == (photo.width, photo.height)
    assert close(colour_at(photo, 0.2, 0.5), RED)
    assert close(colour_at(photo, 0.8, 0.5), GREEN)


@pytest.mark.parametrize(
    ("orientation", "red", "blue"),
    [
        (1, (0.2, 0.5), (0.8, 0.5)),
        (2, (0.8, 0.5), (0.2, 0.5)),
        (3, (0.8, 0.5), (0.2, 0.5)),
        (4, (0.2, 0.5), (0.8, 0.5)),
        (5, (0.5, 0.2), (0.5, 0.8)),
        (6, (0.5, 0.2), (0.5, 0.8)),
        (7, (0.5, 0.8), (0.5, 0.2)),
        (8, (0.5, 0.8), (0.5, 0.2)),
    ],
)
def test_it_is_as_the_camera_was_held(orientation: int, red: tuple[float, float], blue: tuple[float, float]) -> None:
    photo = develop_now(from_a_phone(orientation))
    assert (photo.width, photo.height) == ((900, 600) if orientation < 5 else (600, 900))
    assert close(colour_at(photo, *red), RED)
    assert close(colour_at(photo, *blue), BLUE)


def test_where_when_and_whose_it_was_does_not_pass() -> None:
    taken = from_a_phone()
    assert Image.open(io.BytesIO(taken)).getexif().get_ifd(GPS)[2] == (48.0, 51.0, 30.2)
    assert taken.count(b"Secret") == 3
    photo = develop_now(taken)
    for file in (photo.large, photo.small):
        picture = opened(file)
        assert dict(picture.getexif()) == {}
        assert {"exif", "xmp", "icc_profile", "comment"}.isdisjoint(picture.info)
        assert b"Secret" not in file
        assert {name for name, _ in chunks(file)} <= {b"VP8 ", b"VP8X", b"ALPH"}


def chunks(webp: bytes) -> list[tuple[bytes, int]]:
    """Names and sizes of what a WebP file is made of."""
    found, at = [], 12
    while at < len(webp):
        name, size = struct.unpack_from("<4sI", webp, at)
        found.append((name, size))
        at += 8 + size + size % 2
    return found


def test_colours_are_what_the_camera_s_profile_says() -> None:
    """A profile that calls red what the web calls green, and no such profile as the control."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"tttt").replace(b"gXYZ", b"rXYZ").replace(b"tttt", b"gXYZ")
    red = striped(600, 400, ((255, 0, 0),))
    assert close(colour_at(develop_now(file_of(red, "PNG", icc_profile=srgb)), 0.5, 0.5), (255, 0, 0))
    assert close(colour_at(develop_now(file_of(red, "PNG", icc_profile=swapped)), 0.5, 0.5), (0, 255, 0))
    assert close(colour_at(develop_now(file_of(red, "PNG", icc_profile=b"nonsense")), 0.5, 0.5), (255, 0, 0))


def test_what_is_transparent_is_white() -> None:
    glass = striped(600, 400, (BLUE,)).convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize((600, 400)))  # clear at the top
    for file in (file_of(glass, "PNG"), file_of(glass, "WEBP", lossless=True)):
        photo = develop_now(file)
        assert close(colour_at(photo, 0.5, 0.02), (250, 250, 252))
        assert close(colour_at(photo, 0.5, 0.99), BLUE)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "I;16"])
def test_pictures_of_other_kinds_are_taken_too(mode: str) -> None:
    picture = Image.new("I;16", (600, 400), 30_000) if mode == "I;16" else striped(600, 400).convert(mode)
    photo = develop_now(file_of(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert (photo.width, photo.height) == (600, 400)


def test_the_same_picture_has_the_same_name() -> None:
    assert develop_now(jpeg()) == develop_now(jpeg())
    assert develop_now(jpeg()).digest != develop_now(jpeg(colours=(RED, BLUE))).digest


def test_a_narrow_picture_is_refused_by_the_width_that_people_see() -> None:
    assert refused(jpeg(399, 800)) == TOO_SMALL
    assert develop_now(jpeg(400, 800)).width == 400
    lying = Image.Exif()
    lying[ORIENTATION] = 6
    assert refused(file_of(striped(800, 399), exif=lying)) == TOO_SMALL
    assert develop_now(file_of(striped(399, 800), exif=lying)).width == 800
    # Narrow only because it is high: what counts is what was sent.
    assert develop_now(jpeg(500, 4000)).width == 200


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says to be this large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_file_that_unfolds_without_end_is_refused_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for width, height in ((PIXELS_MAX + 1, 1), (12_000, 12_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)):
        assert refused(bomb(width, height)) == TOO_MANY_PIXELS
    # The control: without that limit it is taken for what it says to be, and found to be incomplete.
    monkeypatch.setattr(photos, "PIXELS_MAX", 10**9)
    assert refused(bomb(8_000, 8_000)) == UNREADABLE


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_damaged_files_are_refused_and_nothing_else_happens() -> None:
    """Hundreds of them; those that can still be read are taken."""
    dice = random.Random(20261122)
    whole = [from_a_phone(), file_of(striped(450, 300), "PNG"), file_of(striped(450, 300), "WEBP")]
    taken = 0
    fields: set[str] = set()
    for _ in range(250):
        file = bytearray(dice.choice(whole))
        for _ in range(dice.choice([1, 2, 8])):
            at = dice.randrange(min(len(file), 700))
            if dice.random() < 0.6:
                file[at] = dice.randrange(256)
            else:
                del file[at : at + dice.randrange(1, 30)]
        try:
            develop_now(bytes(file))
            taken += 1
        except Invalid as refusal:
            fields |= refusal.errors.keys()
    assert 0 < taken < 250
    assert fields == {"photo"}


async def test_many_uploads_at_once_are_developed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes up to 300 MB while it is open."""
    at_work, most, lock = 0, 0, threading.Lock()
    real = develop_now

    def watched(uploaded: bytes) -> Photo:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        try:
            return real(uploaded)
        finally:
            with lock:
                at_work -= 1

    monkeypatch.setattr(photos, "develop_now", watched)
    made = await asyncio.gather(*(photos.develop(jpeg(400 + n, 300)) for n in range(6)))
    assert [photo.width for photo in made] == [400, 401, 402, 403, 404, 405]
    assert most == 1
