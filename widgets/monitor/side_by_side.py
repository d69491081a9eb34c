"""Columns of a results tab, which a person can make wider and narrower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QSplitter, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence


def side_by_side(columns: Sequence[Sequence[QWidget | QLayout]], sizes: Sequence[int]) -> QSplitter:
    """Return columns of parts below each other; the last one takes the room that is left.

    Args:
        columns: rows of tools as layouts, and widgets that fill the height.
        sizes: widths to begin with.
    """
    splitter = QSplitter(Qt.Orientation.Horizontal)
    splitter.setHandleWidth(1)
    splitter.setChildrenCollapsible(False)
    for parts in columns:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        for part in parts:
            if isinstance(part, QLayout):
                column.addLayout(part)
            else:
                column.addWidget(part, 1)
        splitter.addWidget(page)
    splitter.setSizes(list(sizes))
    splitter.setStretchFactor(len(columns) - 1, 1)
    return splitter
