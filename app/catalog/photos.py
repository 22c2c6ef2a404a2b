"""Photographs as the box office keeps them (SEA-4): turned upright, in two sizes, with nothing in them but the picture.

A phone writes where it stood, when, and whose it is into every photo. What is kept is encoded anew from the pixels, so
none of that can pass. Decoding is bounded before it begins: a file of a few kilobytes may unfold to gigabytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from app.core.errors import Invalid
from app.core.i18n import N_

BYTES_MAX = 20_000_000
PIXELS_MAX = 60_000_000
WIDTH_MIN = 400
LARGE, SMALL = 1600, 480
"""Long sides, in pixels."""
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 80
# One at a time: a PNG at the limit takes some 300 MB while it is open. Uploads wait for each other here,
# and nobody else's work in threads waits for them.
_darkroom = ThreadPoolExecutor(1, thread_name_prefix="photos")


@dataclass(frozen=True, slots=True)
class Photo:
    """Two WebP files; `digest` names both, `width` and `height` are those of the large one, in pixels."""

    digest: str
    width: int
    height: int
    large: bytes
    small: bytes


async def develop(uploaded: bytes) -> Photo:
    """The photo in an uploaded JPEG, PNG or WebP. Raises Invalid, saying what to do instead."""
    return await asyncio.get_running_loop().run_in_executor(_darkroom, develop_now, uploaded)


def develop_now(uploaded: bytes) -> Photo:
    """As `develop`, for whoever is not on the loop."""
    if len(uploaded) > BYTES_MAX:
        raise refusal(TOO_MANY_BYTES)
    try:
        large = _print(_open(uploaded))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # What Pillow raises on damaged files, by format and by damage.
        raise refusal(UNREADABLE) from None
    small = large.copy()
    small.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    large_file, small_file = _webp(large), _webp(small)
    digest = hashlib.sha256(large_file + small_file).hexdigest()
    return Photo(digest, large.width, large.height, large_file, small_file)


UNREADABLE = N_("We cannot read this picture. Please choose a JPEG, PNG or WebP file.")
HEIC = N_("This is a HEIC picture. Please choose “Most compatible” in the camera's settings, or send it as JPEG.")
TOO_MANY_BYTES = N_("This file is larger than 20 MB. Please choose a smaller one.")
TOO_MANY_PIXELS = N_("This picture has more than 60 megapixels. Please choose a smaller one.")
TOO_SMALL = N_("This picture is less than 400 pixels wide. Please choose a larger one.")


def refusal(sentence: str) -> Invalid:
    return Invalid({"photo": sentence})


def _open(uploaded: bytes) -> Image.Image:
    """Its header alone is read; nothing is decoded yet."""
    if uploaded[4:8] == b"ftyp" and uploaded[8:12] in _HEIC_BRANDS:
        raise refusal(HEIC)
    try:
        picture = Image.open(io.BytesIO(uploaded), formats=FORMATS)
    except UnidentifiedImageError:
        raise refusal(UNREADABLE) from None
    except Image.DecompressionBombError:
        raise refusal(TOO_MANY_PIXELS) from None
    if picture.width * picture.height > PIXELS_MAX:
        raise refusal(TOO_MANY_PIXELS)
    # JPEG can be decoded at an eighth, quarter or half of its size: less memory and time, for the same result.
    picture.draft("RGB", (LARGE, LARGE))
    return picture


_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def _print(picture: Image.Image) -> Image.Image:
    """As the camera was held, no larger than LARGE, in the colours of the web; what was transparent is white."""
    profile = picture.info.get("icc_profile")
    ImageOps.exif_transpose(picture, in_place=True)  # a copy would be 240 MB more
    if picture.width < WIDTH_MIN:
        raise refusal(TOO_SMALL)
    upright = picture
    if upright.mode not in ("RGB", "RGBA", "L", "CMYK"):
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    upright.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS)
    if profile:
        upright = _to_srgb(upright, profile)
    if upright.has_transparency_data:
        solid = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", solid.size, "white"), solid)
    return upright.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Phones use wider colours than the web's, and say so in a profile that we are about to drop."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a damaged profile, or one of other colours: a little off is better than refused
    return changed or picture


def _webp(picture: Image.Image) -> bytes:
    """From the pixels alone: `info`, which would bring metadata along, is left behind."""
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    file = io.BytesIO()
    bare.save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()
