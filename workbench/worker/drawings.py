"""Small pictures of samples that are none themselves: lines of a series, words of a text."""

from __future__ import annotations

import colorsys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import resources

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER, INK = (250, 250, 250), (40, 44, 52)
MARGIN = 0.04
OVERSAMPLING = 3
"""Lines are drawn so many times larger and scaled down, which smooths them."""
MOST_CHANNELS = 24
LONGEST_SIGNAL = 4096
LINES = 7
"""Of a text in a picture."""


def in_blocks(values: NDArray[Any]) -> NDArray[Any]:
    """Return time × channels as blocks × steps × channels, 4096 blocks at most, filled by zeros."""
    length = max(-(-len(values) // LONGEST_SIGNAL), 1)
    filled = np.pad(values, ((0, -len(values) % length), (0, 0)))
    return filled.reshape(-1, length, filled.shape[1])


def shortened(values: NDArray[Any]) -> NDArray[Any]:
    """Return a series for the eye: of a long one the value furthest from zero of each block."""
    blocks = in_blocks(values)
    furthest = np.abs(blocks).argmax(axis=1)[:, None]
    found: NDArray[Any] = np.take_along_axis(blocks, furthest, axis=1)[:, 0]
    return found


def draw_series(values: NDArray[Any], width: int, height: int) -> Image.Image:
    """Draw each channel of time × channels as a line; all share one scale."""
    large = (width * OVERSAMPLING, height * OVERSAMPLING)
    image = Image.new("RGB", large, PAPER)
    draw = ImageDraw.Draw(image)
    channels = values[:, :MOST_CHANNELS].astype(np.float64)
    known = channels[np.isfinite(channels)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    if low == high:
        low, high = low - 1, high + 1
    edge = MARGIN * large[0]
    across = np.linspace(edge, large[0] - edge, max(len(channels), 2))
    heights = large[1] - edge - (channels - low) / (high - low) * (large[1] - 2 * edge)
    for number, line in enumerate(heights.T):
        colour = _colour(number, channels.shape[1])
        pairs = list(zip(across.tolist(), line.tolist(), strict=False))
        for one, other in pairwise(pairs):
            if np.isfinite((one[1], other[1])).all():
                draw.line((one, other), colour, OVERSAMPLING)
    return image.resize((width, height), Image.Resampling.BOX)


def draw_text(text: str, width: int, height: int) -> Image.Image:
    """Write the beginning of a text into a picture, as much as there is room for."""
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    edge = MARGIN * width
    path = resources.path("fonts", "Inter-Regular.otf")
    font = ImageFont.truetype(str(path), max(min(height / LINES / 1.25, 18), 7))
    line_height = height / LINES if height < 18 * 1.25 * LINES else 18 * 1.25
    lines = _wrapped(" ".join(text[:2000].split()), font, width - 2 * edge)
    for number, line in enumerate(lines[: int(height // line_height)]):
        draw.text((edge, edge + number * line_height), line, INK, font)
    return image


def _wrapped(text: str, font: Any, width: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _colour(number: int, count: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hls_to_rgb((0.6 + number / max(count, 1)) % 1, 0.45, 0.65)
    return round(red * 255), round(green * 255), round(blue * 255)
