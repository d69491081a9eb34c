"""Lays feature maps out as one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from widgets.monitor.colormap import viridis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.runs.probes import LayerMaps


@dataclass(frozen=True)
class Grid:
    """Where the cells of a mosaic are, in device pixels.

    Attributes:
        width, height: of one cell; gap: between two.
    """

    count: int
    columns: int
    width: int
    height: int
    gap: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole, without a gap at its end."""
        return (
            self.columns * (self.width + self.gap) - self.gap,
            self.rows * (self.height + self.gap) - self.gap,
        )

    def cell(self, index: int) -> tuple[int, int, int, int]:
        """Return x, y, width and height of a cell."""
        row, column = divmod(index, self.columns)
        x, y = column * (self.width + self.gap), row * (self.height + self.gap)
        return x, y, self.width, self.height

    def at(self, x: float, y: float) -> int | None:
        """Return the cell at a place, if there is one."""
        column, row = int(x // (self.width + self.gap)), int(y // (self.height + self.gap))
        index = row * self.columns + column
        inside = x >= 0 and y >= 0 and column < self.columns and index < self.count
        return index if inside else None


def fit(count: int, aspect: float, width: int, height: int, gap: int) -> Grid:
    """Return the grid with the largest cells that fill a place.

    Args:
        aspect: width of a map divided by its height.
    """
    best, chosen = 1, count
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        across = (width + gap) // columns - gap
        down = (height + gap) // rows - gap
        cell = min(across, int(down * aspect))
        if cell > best:
            best, chosen = cell, columns
    return Grid(count, max(chosen, 1), best, max(round(best / aspect), 1), gap)


def paint(
    maps: LayerMaps, channels: NDArray[np.int64], grid: Grid, ground: int, *, common: bool
) -> NDArray[np.uint32]:
    """Return the picture of some channels, height × width, as RGB32 pixels.

    Args:
        ground: colour between the maps, 0xffRRGGBB.
        common: colour all channels over one range instead of each over its own.
    """
    levels = _resized(maps.maps[channels], grid.height, grid.width)
    if common:
        levels = _relevelled(levels, maps, channels)
    rows, columns = grid.rows, grid.columns
    pixels = np.full(
        (rows, grid.height + grid.gap, columns, grid.width + grid.gap), ground, np.uint32
    )
    cells = np.full((rows * columns, grid.height, grid.width), ground, np.uint32)
    cells[: len(levels)] = viridis()[levels]
    shaped = cells.reshape(rows, columns, grid.height, grid.width)
    pixels[:, : grid.height, :, : grid.width] = shaped.transpose(0, 2, 1, 3)
    flat = pixels.reshape(rows * (grid.height + grid.gap), -1)
    width, height = grid.size
    return np.ascontiguousarray(flat[:height, :width])


def _resized(maps: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale maps: up by repeating pixels, down by averaging blocks first."""
    down, across = max(maps.shape[1] // height, 1), max(maps.shape[2] // width, 1)
    if down > 1 or across > 1:
        tall, wide = maps.shape[1] // down, maps.shape[2] // across
        total = np.zeros((len(maps), tall, wide), np.uint32)
        for y in range(down):
            for x in range(across):
                total += maps[:, y : tall * down : down, x : wide * across : across]
        maps = (total // (down * across)).astype(np.uint8)
    y = np.arange(height) * maps.shape[1] // height
    x = np.arange(width) * maps.shape[2] // width
    return maps[:, y[:, None], x]


def _relevelled(
    levels: NDArray[np.uint8], maps: LayerMaps, channels: NDArray[np.int64]
) -> NDArray[np.uint8]:
    low, high = maps.low[channels], maps.high[channels]
    bottom, span = low.min(), float(high.max() - low.min()) or 1.0
    steps = np.arange(256, dtype=np.float32) / 255
    values = low[:, None] + steps * (high - low)[:, None]
    tables = np.rint((values - bottom) * (255 / span)).astype(np.uint8)
    return tables[np.arange(len(levels))[:, None, None], levels]
