"""Colours of classes by their names: the same name has the same colour everywhere."""

from __future__ import annotations

import colorsys
from zlib import crc32


def tint(tag: str, ground: str = "") -> str:
    """Return the colour of a tag's kind: B-PER and I-PER have the same; none is red.

    Args:
        ground: what is behind, as #rrggbb, for text upon it; empty: a ground of white text.
    """
    lightness = 0.42
    if ground:
        lightness = 0.7 if sum(bytes.fromhex(ground[1:])) < 384 else 0.36
    hue = 0.1 + 0.78 * (crc32(tag.rpartition("-")[2].encode()) % 360 / 360)  # red means wrong
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
