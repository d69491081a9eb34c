"""A canvas in a window of a known size, over a real document."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from tests.widgets.canvas.hands import Hands
from tests.widgets.canvas.networks import chain
from tests.widgets.session_at_rest import SessionAtRest
from widgets.canvas.view import CanvasView
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType


@pytest.fixture
def session(catalog, tmp_path):
    made = SessionAtRest(catalog, tmp_path)
    made.data.info = DataInfo(input=TensorType((8, 8, 1)), classes=tuple("0123456789"))
    made.document.set_info(made.data.info)
    yield made
    made.close()


@pytest.fixture
def view(qtbot, session, theme):
    made = CanvasView(session, theme)
    qtbot.addWidget(made)
    made.resize(900, 700)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    QApplication.clipboard().clear()
    return made


@pytest.fixture
def open_chain(session, view, qapp):
    session.document.replace(chain())
    view.reset_zoom()
    qapp.processEvents()


@pytest.fixture
def hands(qtbot, view):
    return Hands(view)
