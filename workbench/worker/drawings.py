"""Small pictures of samples that are none themselves: lines of a series, words of a text."""

from __future__ import annotations

import colorsys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import resources
from workbench.inspecting.heat import heat

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER, INK = (250, 250, 250), (40, 44, 52)
MARGIN = 0.04
OVERSAMPLING = 3
"""Lines are drawn so many times larger and scaled down, which smooths them."""
MOST_CHANNELS = 24
LONGEST_SIGNAL = 4096
SMALLEST_HEAT, HEAT_GAP = 320, 12
"""Pixels of the longer side of an explained picture at least, and between two of them."""
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


def in_colours(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture of 8 or 16 bits and any channels as height × width × 3, for the eye."""
    small = picture >> 8 if picture.dtype == np.uint16 else picture
    colours = small[..., :3] if small.shape[2] > 2 else np.repeat(small[..., :1], 3, 2)
    return np.ascontiguousarray(colours, np.uint8)


def draw_heat(
    picture: NDArray[np.uint8], values: NDArray[np.float32], opacity: float = 0.7
) -> Image.Image:
    """Draw a picture, and beside it the same below what speaks for and against a class.

    Small pictures are enlarged by a whole number.

    Args:
        picture: height × width × 3.
        values: rows × columns over the whole picture, see `heat`.
    """
    factor = max(SMALLEST_HEAT // max(picture.shape[:2]), 1)
    size = picture.shape[1] * factor, picture.shape[0] * factor
    plain = Image.fromarray(picture).resize(size, Image.Resampling.NEAREST).convert("RGBA")
    colours = heat(values)
    colours[..., 3] = np.rint(colours[..., 3] * opacity)
    is_coarse = values.shape[0] < picture.shape[0]
    way = Image.Resampling.BILINEAR if is_coarse else Image.Resampling.NEAREST
    heated = Image.alpha_composite(plain, Image.fromarray(colours).resize(size, way))
    both = Image.new("RGB", (2 * size[0] + HEAT_GAP, size[1]), PAPER)
    both.paste(plain.convert("RGB"), (0, 0))
    both.paste(heated.convert("RGB"), (size[0] + HEAT_GAP, 0))
    return both


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
