import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.monitor.colormap import viridis
from widgets.monitor.mosaic import fit, paint
from workbench.runs.probes import LayerMaps, quantise

GROUND = 0xFF1C1E24


@given(st.integers(1, 64), st.floats(0.2, 5), st.integers(40, 900), st.integers(40, 500))
def test_all_cells_fit_their_place(count, aspect, width, height):
    grid = fit(count, aspect, width, height, gap=2)
    wide, tall = grid.size
    if grid.width > 1:
        assert wide <= width
        assert tall <= height + grid.rows  # heights are rounded to whole pixels
    assert grid.columns * grid.rows >= count


def test_cells_are_found_where_they_are():
    grid = fit(28, 1.0, 390, 200, gap=4)
    for index in range(28):
        x, y, width, height = grid.cell(index)
        assert grid.at(x + width / 2, y + height / 2) == index
    assert grid.at(-1, 5) is None
    assert grid.at(10_000, 5) is None


def test_pixels_are_repeated_without_blur():
    values = np.array([[[0.0], [1.0]], [[2.0], [3.0]]], np.float32)
    maps = quantise(values)
    grid = fit(1, 1.0, 8, 8, gap=0)
    pixels = paint(maps, np.array([0]), grid, GROUND, common=False)
    assert pixels.shape == (8, 8)
    assert (pixels[:4, :4] == viridis()[0]).all()
    assert (pixels[4:, 4:] == viridis()[255]).all()


def test_large_maps_are_averaged():
    maps = np.zeros((1, 100, 100), np.uint8)
    maps[:, ::2] = 200
    layer = LayerMaps(maps, np.zeros(1, np.float32), np.ones(1, np.float32), 1)
    grid = fit(1, 1.0, 10, 10, gap=0)
    pixels = paint(layer, np.array([0]), grid, GROUND, common=False)
    assert (pixels == viridis()[100]).all()


def test_common_scale_puts_all_channels_over_one_range():
    values = np.stack([np.linspace(0, 1, 16), np.linspace(0, 10, 16)], -1)
    maps = quantise(values.reshape(4, 4, 2).astype(np.float32))
    grid = fit(2, 1.0, 80, 40, gap=0)
    pixels = paint(maps, np.arange(2), grid, GROUND, common=True)
    weak, strong = pixels[:40, :40], pixels[:40, 40:]
    assert viridis()[255] in strong
    assert viridis()[255] not in weak


@pytest.mark.parametrize(("index", "color"), [(0, 0xFF440154), (255, 0xFFFDE725)])
def test_viridis_ends(index, color):
    assert viridis()[index] == color
