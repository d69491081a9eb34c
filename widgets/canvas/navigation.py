"""A view that zooms to the pointer, pans without scroll bars, and fits what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QNativeGestureEvent

SMALLEST, LARGEST = 0.05, 4.0
_STEP = 1.2
_READABLE = 0.85


class NavigableView(QGraphicsView):
    """Everything about where the view looks, nothing about what is there."""

    def __init__(self, scene: QGraphicsScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setRenderHints(QPainter.RenderHint.Antialiasing)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)

    @property
    def scale_factor(self) -> float:
        """Pixels a scene unit."""
        return self.transform().m11()

    def content(self) -> QRectF:
        """Return what `fit` shows; a subclass says what that is."""
        return self.scene().itemsBoundingRect()

    def visible_area(self) -> QRectF:
        """Return the part of the scene that is in view."""
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def fit(self) -> None:
        """Show everything, at most at its natural size."""
        self._show_content(SMALLEST)

    def show_start(self) -> None:
        """Show everything if it stays readable, else its beginning."""
        self._show_content(_READABLE)

    def zoom_in(self) -> None:
        """Come nearer to the middle."""
        self.zoom(_STEP)

    def zoom_out(self) -> None:
        """Step back from the middle."""
        self.zoom(1 / _STEP)

    def reset_zoom(self) -> None:
        """Return to natural size."""
        self.zoom(1 / self.scale_factor)

    def zoom(self, factor: float, at: QPoint | None = None) -> None:
        """Scale by `factor`; what is at the viewport point `at` (else the middle) stays there."""
        at = at or self.viewport().rect().center()
        target = min(max(self.scale_factor * factor, SMALLEST), LARGEST)
        before = self.mapToScene(at)
        self.resetTransform()
        self.scale(target, target)
        moved = self.mapFromScene(before) - at
        self.pan(-moved.x(), -moved.y())

    def pan(self, dx: int, dy: int) -> None:
        """Move what is shown by so many pixels."""
        for bar, by in ((self.horizontalScrollBar(), dx), (self.verticalScrollBar(), dy)):
            bar.setValue(bar.value() - by)

    def reveal(self, box: QRectF) -> None:
        """Scroll as little as needed to show a part of the scene; nothing for an empty one."""
        if not box.isEmpty():
            self.ensureVisible(box, 24, 24)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with a wheel; scroll with a touchpad, or across with Shift."""
        event.accept()
        pixels, steps = event.pixelDelta(), event.angleDelta()
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        touchpad = event.phase() != Qt.ScrollPhase.NoScrollPhase or (
            not pixels.isNull() and event.deviceType().name == "TouchPad"
        )
        if touchpad and not control:
            moved = pixels if not pixels.isNull() else steps / 4
            self.pan(moved.x(), moved.y())
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not control:
            self.pan(steps.x() + steps.y(), 0)
        else:
            self.zoom(_STEP ** (steps.y() / 120), event.position().toPoint())

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom with two fingers."""
        if event.type() == event.Type.NativeGesture:
            return self._on_native_gesture(event)
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what is in the middle there."""
        super().resizeEvent(event)
        if event.oldSize().isValid():
            grown = event.size() - event.oldSize()
            self.pan(grown.width() // 2, 0)

    def _on_native_gesture(self, event: QNativeGestureEvent) -> bool:
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self.zoom(1 + event.value(), event.position().toPoint())
        return True

    def _show_content(self, smallest: float) -> None:
        content = self.content()
        if content.isEmpty():
            return
        area = self.viewport().size()
        margin = 28
        scale = min(
            (area.width() - 2 * margin) / content.width(),
            (area.height() - 2 * margin) / content.height(),
            1.0,
        )
        scale = max(scale, smallest)
        self.resetTransform()
        self.scale(scale, scale)
        centre = content.center()
        if content.height() * scale > area.height() - margin:
            centre.setY(content.top() + (area.height() / 2 - margin) / scale)
        self.centerOn(QPointF(centre))
