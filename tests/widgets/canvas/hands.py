"""Real mouse, key and drag events on a canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from widgets.canvas import geometry
from widgets.canvas.gestures.drop import LAYER_MIME

LEFT = Qt.MouseButton.LeftButton
NO_KEY = Qt.KeyboardModifier.NoModifier


class Hands:
    """What a person does; every point is a pixel of the viewport."""

    def __init__(self, view) -> None:
        self.view = view
        self.port = view.viewport()

    def pixel(self, x: float, y: float) -> QPoint:
        return self.view.mapFromScene(QPointF(x, y))

    def node(self, node_id: str) -> QPoint:
        place = self.view.network.nodes[node_id].place
        return self.pixel(place[0] + 60, place[1] + 24)

    def input_port(self, node_id: str) -> QPoint:
        return self.view.mapFromScene(geometry.input_port(self.view.network.nodes[node_id].place))

    def output_port(self, node_id: str) -> QPoint:
        return self.view.mapFromScene(geometry.output_port(self.view.network.nodes[node_id].place))

    def edge(self, source: str, target: str) -> QPoint:
        key = next(k for k in self.view.network.edges if (k.source, k.target) == (source, target))
        return self.view.mapFromScene(self.view.network.edges[key].path().pointAtPercent(0.5))

    def click(self, at: QPoint, modifier=NO_KEY) -> None:
        QTest.mouseClick(self.port, LEFT, modifier, at)

    def double_click(self, at: QPoint) -> None:
        QTest.mouseClick(self.port, LEFT, NO_KEY, at)
        QTest.mouseDClick(self.port, LEFT, NO_KEY, at)

    def press(self, at: QPoint, modifier=NO_KEY, button=LEFT) -> None:
        QTest.mousePress(self.port, button, modifier, at)

    def move(self, at: QPoint, modifier=NO_KEY, button=LEFT) -> None:
        where = QPointF(at)
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            where,
            QPointF(self.port.mapToGlobal(at)),
            Qt.MouseButton.NoButton,
            button,
            modifier,
        )
        QApplication.sendEvent(self.port, event)

    def hover(self, at: QPoint) -> None:
        self.move(at, button=Qt.MouseButton.NoButton)

    def release(self, at: QPoint, modifier=NO_KEY, button=LEFT) -> None:
        QTest.mouseRelease(self.port, button, modifier, at)

    def drag(self, start: QPoint, end: QPoint, modifier=NO_KEY, button=LEFT) -> None:
        self.press(start, modifier, button)
        for share in (0.1, 0.4, 0.8, 1.0):
            self.move(start + (end - start) * share, modifier, button)
        self.release(end, modifier, button)

    def key(self, key: Qt.Key, modifier=NO_KEY) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.view, key, modifier)

    def type(self, text: str) -> None:
        QTest.keyClicks(QApplication.focusWidget(), text)

    def drag_layer(self, type_id: str, at: QPoint, *, drop: bool = True) -> bool:
        """Drag a layer in from outside; return whether it was taken."""
        data = QMimeData()
        data.setData(LAYER_MIME, type_id.encode())
        values = (Qt.DropAction.CopyAction, data, LEFT, NO_KEY)
        entered = QDragEnterEvent(QPoint(2, 2), *values)
        QApplication.sendEvent(self.port, entered)
        if not entered.isAccepted():
            return False
        for point in (QPoint(10, 10), at - QPoint(7, 3), at):
            QApplication.sendEvent(self.port, QDragMoveEvent(point, *values))
        if drop:
            QApplication.sendEvent(self.port, QDropEvent(QPointF(at), *values))
        return True

    def drag_away(self) -> None:
        QApplication.sendEvent(self.port, QDragLeaveEvent())
