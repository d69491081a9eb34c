"""Small maps of all heads: in their places whatever there is room for, chosen by key and mouse."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest

from widgets.inside.attention_grid import AttentionGrid


@pytest.mark.parametrize("size", [(1280, 200), (300, 700), (160, 60)])
@pytest.mark.parametrize("shapes", [[(4, 9, 9), (4, 9, 9)], [(12, 30, 30)] * 12, [(2, 40, 7)]])
def test_maps_lie_side_by_side_within_the_widget(qtbot, theme, size, shapes):
    grid = AttentionGrid(theme)
    qtbot.addWidget(grid)
    grid.resize(*size)
    maps = {f"block{n}": np.full(shape, 0.1, np.float32) for n, shape in enumerate(shapes)}
    chosen = []
    grid.chosen.connect(lambda layer, head: chosen.append((layer, head)))
    grid.show_maps(maps, lambda layer, head: f"{layer}, head {head}")
    grid.grab()
    places = [
        grid.cell_rect(row, head) for row, shape in enumerate(shapes) for head in range(shape[0])
    ]
    for number, place in enumerate(places):
        assert place.width() > 0
        assert not any(place.intersects(other) for other in places[:number])
        if size[0] >= 300:
            assert QRectF(grid.rect()).contains(place)
    last = len(shapes) - 1, shapes[-1][0] - 1
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell_rect(*last).center().toPoint())
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Return):
        QTest.keyClick(grid, key)
    assert chosen[-1] == ("block0", 0)
    if size[0] >= 300:
        assert chosen[0] == (f"block{last[0]}", last[1])
