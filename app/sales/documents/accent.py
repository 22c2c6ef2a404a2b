"""The box office's colour, made fit to be read as ink on white paper."""

from __future__ import annotations

import re

FALLBACK = "#8a1c36"
CONTRAST_MIN = 4.5
"""WCAG AA for text. A pale yellow is a fine colour for a poster and an unreadable one for a seat number."""


def ink(accent: str) -> str:
    """`accent` (#rrggbb), darkened in its own hue until it reads on white; FALLBACK when it is no colour."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", accent):
        return FALLBACK
    channels = tuple(int(accent[i : i + 2], 16) for i in (1, 3, 5))
    while contrast_on_white(channels) < CONTRAST_MIN:
        channels = tuple(int(c * 0.94) for c in channels)
    return "#" + "".join(f"{c:02x}" for c in channels)


def contrast_on_white(channels: tuple[int, ...]) -> float:
    """WCAG contrast ratio of an sRGB colour against white, 1 to 21."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)
