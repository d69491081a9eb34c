"""How pictures are explained: method, layer, and how strongly the reasons lie over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QWidget,
)

from widgets.search_choice import SearchChoice

if TYPE_CHECKING:
    from workbench.inspecting.network import Loaded, Progressed

METHODS = {
    "grad-cam": (
        "Grad-CAM",
        "Where a layer's features speak for the class, by their gradients (Selvaraju et al. 2017)",
    ),
    "occlusion": (
        "Occlusion",
        "What the score loses when a patch of the picture is hidden (Zeiler and Fergus 2014); "
        "slow, but for every network",
    ),
    "integrated-gradients": (
        "Integrated gradients",
        "What each pixel adds to the score, from an empty picture (Sundararajan et al. 2017)",
    ),
}
OPACITY = 65


class ExplainBar(QWidget):
    """A row of controls.

    Signals:
        changed(str, str): another method, or another layer for it.
        opacity_changed(float): 0 to 1.
        stopped(): what is being worked out takes too long.
    """

    changed = Signal(str, str)
    opacity_changed = Signal(float)
    stopped = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._method = QComboBox()
        self._method.setObjectName("explain_method")
        self._method.setAccessibleName("How the answer is explained")
        for key, (title, tip) in METHODS.items():
            self._method.addItem(title, key)
            row = self._method.count() - 1
            self._method.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        self._method.activated.connect(self._on_changed)
        self._layer = SearchChoice("explain_layer", "Layer that Grad-CAM looks at")
        self._layer.setMinimumWidth(110)
        self._layer.chosen.connect(self._on_changed)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(80)
        self._stop = QPushButton("Stop")
        self._stop.setObjectName("stop_explaining")
        self._stop.clicked.connect(self.stopped)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("overlay_opacity")
        self.slider.setAccessibleName("How strongly the reasons cover the picture")
        self.slider.setToolTip(self.slider.accessibleName())
        self.slider.setRange(0, 100)
        self.slider.setValue(OPACITY)
        self.slider.setFixedWidth(90)
        self.slider.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self._lay_out()
        self.show_progress(None)

    @property
    def opacity(self) -> float:
        """How strongly the reasons cover the picture, 0 to 1."""
        return self.slider.value() / 100

    def show_network(self, loaded: Loaded | None, method: str, layer: str) -> None:
        """Offer what the network has; an empty method or layer is the usual one."""
        layers = loaded.layers if loaded is not None else ()
        usual = "grad-cam" if layers else "integrated-gradients"
        model = self._method.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(self._method.findData("grad-cam"))
        item.setEnabled(bool(layers))
        item.setToolTip(
            METHODS["grad-cam"][1]
            if layers
            else "No layer of this network has height × width × channels"
        )
        self._method.setCurrentIndex(self._method.findData(method or usual))
        chosen = layer or (loaded.layer if loaded is not None else "")
        self._layer.offer([(name, name) for name in layers], chosen or None)
        self._show_layer()
        self._tell_method()

    def show_progress(self, progress: Progressed | None) -> None:
        """Show how far long work is; None: there is none."""
        self._bar.setVisible(progress is not None)
        self._stop.setVisible(progress is not None)
        if progress is not None:
            known = progress.share >= 0
            self._bar.setRange(0, 100 if known else 0)
            self._bar.setValue(round(100 * progress.share) if known else 0)

    def _on_changed(self) -> None:
        self._show_layer()
        self._tell_method()
        method = self._method.currentData()
        self.changed.emit(method, str(self._layer.value or "") if method == "grad-cam" else "")

    def _show_layer(self) -> None:
        is_cam = self._method.currentData() == "grad-cam"
        self._layer.setVisible(is_cam and self._layer.count() > 0)

    def _tell_method(self) -> None:
        self._method.setToolTip(METHODS[self._method.currentData()][1])

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self._method, self._layer, self._bar, self._stop):
            row.addWidget(widget)
        row.addStretch(1)
        label = QLabel("Overlay")
        label.setProperty("soft", True)
        row.addWidget(label)
        row.addWidget(self.slider)
