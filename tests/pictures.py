"""Photographs for tests, drawn here: sharp stripes, so that a wrong turn or a wrong colour shows."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 60, 200)


def striped(
    width: int = 1200, height: int = 800, colours: tuple[tuple[int, int, int], ...] = (RED, GREEN)
) -> Image.Image:
    """Vertical stripes of equal width, the first at the left."""
    picture = Image.new("RGB", (width, height))
    for n, colour in enumerate(colours):
        picture.paste(colour, (n * width // len(colours), 0, (n + 1) * width // len(colours), height))
    return picture


def file_of(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **options)
    return made.getvalue()


def jpeg(width: int = 1200, height: int = 800, colours: tuple[tuple[int, int, int], ...] = (RED, GREEN)) -> bytes:
    return file_of(striped(width, height, colours), quality=90)
