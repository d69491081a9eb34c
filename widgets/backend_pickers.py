"""Where and how to train: the framework and the device, with what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal

from widgets.fields import set_property
from widgets.picker import DETAIL, Picker
from widgets.texts import byte_size
from workbench.document.edits import set_training

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

    from workbench.plugin_api.backend import Device
    from workbench.session import Session

COMPARE = "compare backends"
STATES = {"warming": "warming up …", "ready": "ready", "broken": "cannot be imported"}


class BackendPicker(Picker):
    """Chooses the framework that trains this experiment.

    Signals:
        compare_wanted(): the last line of the list was chosen.
        width_wanted(): another title is shown.
    """

    compare_wanted = Signal()
    width_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("backendPicker", "Backend", "The framework that trains", parent)
        self._session = session
        self.activated.connect(self._on_activated)
        session.document.experiment_changed.connect(self.refresh)
        session.backends.changed.connect(self._on_backends_changed)
        self._fill()

    def refresh(self) -> None:
        """Show the experiment's backend, also when it is not known here."""
        wanted = self._session.document.experiment.training.backend
        if self.findData(wanted) < 0:
            self._fill()
        is_usable = self._is_usable(wanted)
        self.choose(wanted)
        set_property(self, "wrong", not is_usable)
        self.width_wanted.emit()

    def showPopup(self) -> None:
        """Look again at what is installed, and open the list."""
        self._fill()
        super().showPopup()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that walk through the backends stop at the last one."""
        last = self.findData(COMPARE) - 2
        walks = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Right) and self.currentIndex() >= last
        if not walks and event.key() not in (Qt.Key.Key_End, Qt.Key.Key_PageDown):
            super().keyPressEvent(event)

    def _fill(self) -> None:
        backends = self._session.backends
        self.clear()
        for backend in backends.ids:
            found = backends.availability(backend)
            if found.ok:
                self.add(backends.title(backend), backend, self._state_of(backend))
            else:
                tip = f"{found.reason} {found.install}".strip()
                self.add(backends.title(backend), backend, "not installed", tip=tip)
                self.grey(backend)
        wanted = self._session.document.experiment.training.backend
        if wanted not in backends.ids:
            self.add(wanted, wanted, "unknown here", tip="A plug-in may be missing.")
        self.insertSeparator(self.count())
        self.add("Compare backends…", COMPARE, tip="Train the same steps on each, and compare")
        self.refresh()

    def _on_backends_changed(self) -> None:
        """Say how far each backend is; the list may be open."""
        for backend in self._session.backends.installed:
            row = self.findData(backend)
            self.setItemData(row, self._state_of(backend), DETAIL)
        self.refresh()

    def _state_of(self, backend: str) -> str:
        return STATES.get(self._session.backends.readiness(backend).state, "")

    def _is_usable(self, backend: str) -> bool:
        backends = self._session.backends
        known = backend in backends.ids and backends.availability(backend).ok
        return known and backends.readiness(backend).state != "broken"

    def _on_activated(self, index: int) -> None:
        wanted = self.itemData(index)
        document = self._session.document
        if wanted == COMPARE:
            self.refresh()
            self.compare_wanted.emit()
            return
        document.seal()
        self._session.attempt(
            lambda: document.edit(lambda e: set_training(e, backend=wanted), "Change the backend")
        )


class DevicePicker(Picker):
    """Chooses where to compute, among the devices that the chosen backend finds."""

    width_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("devicePicker", "Device", "The device that computes", parent)
        self._session = session
        self._shown: tuple[object, ...] = ()
        self.activated.connect(self._on_activated)
        session.document.experiment_changed.connect(self.refresh)
        session.backends.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the devices of the chosen backend, and the experiment's also when it is not here."""
        training = self._session.document.experiment.training
        devices = tuple(self._session.backends.devices(training.backend))
        if self._shown != (devices, training.device):
            self._shown = devices, training.device
            self._fill(devices, training.device)
        self.choose(training.device)
        set_property(self, "wrong", bool(devices) and not is_present(training.device, devices))
        self.width_wanted.emit()

    def _fill(self, devices: tuple[Device, ...], wanted: str) -> None:
        self.clear()
        best = devices[0].title if devices else ""
        self.add("Auto", "auto", best, tip="The best device of this computer")
        if not devices:
            self.add("CPU", "cpu")
        for device in devices:
            self.add(device_title(device.id, devices), device.id, _detail(device))
        if self.findData(wanted) < 0:
            is_here = not devices or is_present(wanted, devices)
            self.add(
                device_title(wanted, devices), wanted, "" if is_here else "not on this machine"
            )

    def _on_activated(self, index: int) -> None:
        device = self.itemData(index)
        document = self._session.document
        document.seal()
        self._session.attempt(
            lambda: document.edit(lambda e: set_training(e, device=device), "Change the device")
        )


def is_present(device: str, devices: tuple[Device, ...]) -> bool:
    """Whether a device of an experiment is among those found; "cuda" stands for the first one."""
    return device == "auto" or any(device in (d.id, d.id.partition(":")[0]) for d in devices)


def device_title(device: str, devices: tuple[Device, ...]) -> str:
    """Return "CPU", "GPU", or "GPU 1" where there are several."""
    kind, _, number = device.partition(":")
    if kind == "mps":
        return "Apple GPU"
    if kind != "cuda":
        return device.upper()
    several = sum(d.id.startswith("cuda") for d in devices) > 1
    is_here = is_present(device, devices)
    return f"GPU {number}" if number and (several or not is_here) else "GPU"


def _detail(device: Device) -> str:
    memory = byte_size(device.memory_bytes) if device.memory_bytes else ""
    return " · ".join(filter(None, (device.title, memory)))
