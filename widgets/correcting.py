"""How a person corrects samples: a menu where they are shown, and a row for one at large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.search_choice import SearchChoice
from widgets.texts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from widgets.dialogs.new_target import NewTargetDialog
    from workbench.session.correcting import Correcting

MOST_LISTED = 24
"""With more classes, the menu asks for one in a field with a search."""
OTHER_DATA = "The experiment on the canvas learns from other data"


def correction_menu(
    correcting: Correcting,
    ids: Sequence[str],
    classes: Sequence[str],
    parent: QWidget,
    ask: Callable[[], NewTargetDialog] | None = None,
) -> QMenu:
    """Return a menu that relabels samples, leaves them out, or takes that back.

    Args:
        ids: of the samples; without any, everything is disabled.
        classes: names to choose from; none where samples have no class of their own.
        ask: makes the dialog for what else the samples may have, such as several classes.
    """
    menu = QMenu(parent)
    menu.setObjectName("correction_menu")
    if len(ids) > 1:
        menu.addSection(counted(len(ids), "sample"))
    if 0 < len(classes) <= MOST_LISTED:
        labels = menu.addMenu("Relabel as")
        labels.setEnabled(bool(ids))
        for name in classes:
            action = labels.addAction(name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(all(correcting.labels.get(key) == name for key in ids) and bool(ids))
            action.triggered.connect(lambda _=False, name=name: correcting.relabel(ids, name))
    elif classes:
        action = menu.addAction("Relabel as…")
        action.setEnabled(bool(ids))
        action.triggered.connect(lambda: _ask_for_class(correcting, ids, classes, parent))
    elif ask is not None:
        action = menu.addAction("Relabel as…")
        action.setEnabled(bool(ids))
        action.triggered.connect(lambda: _open(ask(), correcting, ids))
    out = menu.addAction("Leave out")
    out.setEnabled(bool(ids) and any(correcting.labels.get(key, "") is not None for key in ids))
    out.triggered.connect(lambda: correcting.leave_out(ids))
    back = menu.addAction("Take back")
    known = [key for key in ids if key in correcting.labels]
    back.setEnabled(bool(known))
    back.triggered.connect(lambda: correcting.take_back(known))
    return menu


def _ask_for_class(
    correcting: Correcting, ids: Sequence[str], classes: Sequence[str], parent: QWidget
) -> None:
    _open(ClassDialog(classes, parent), correcting, ids)


def _open(
    dialog: ClassDialog | NewTargetDialog, correcting: Correcting, ids: Sequence[str]
) -> None:
    dialog.accepted.connect(lambda: correcting.relabel(ids, dialog.label))
    dialog.open()


class ClassDialog(QDialog):
    """Asks for one of many classes."""

    def __init__(self, classes: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("class_dialog")
        self.setWindowTitle("Relabel")
        self._choice = SearchChoice("new_class", "Class")
        self._choice.offer([(name, name) for name in classes])
        self._choice.setMinimumWidth(260)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self._choice)
        column.addWidget(buttons)

    @property
    def label(self) -> str:
        """The chosen class."""
        return str(self._choice.value)


class CorrectionRow(QWidget):
    """Class, Leave out and Take back of one sample."""

    def __init__(self, correcting: Correcting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("correction_row")
        self._correcting = correcting
        self._id = ""
        self._class = SearchChoice("sample_class", "Class of the sample")
        self._class.setMinimumWidth(140)
        self._class.chosen.connect(lambda name: correcting.relabel([self._id], str(name)))
        self._out = QPushButton("Leave out")
        self._out.setObjectName("leave_out")
        self._out.setToolTip("Train and evaluate without this sample; the file stays")
        self._out.clicked.connect(lambda: correcting.leave_out([self._id]))
        self._back = QPushButton("Take back")
        self._back.setObjectName("take_back")
        self._back.clicked.connect(lambda: correcting.take_back([self._id]))
        self._note = QLabel()
        self._note.setObjectName("correction_note")
        self._note.setProperty("soft", True)
        self._title = QLabel("Class")
        self._title.setProperty("soft", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self._title, self._class, self._out, self._back):
            row.addWidget(widget)
        row.addWidget(self._note, 1)

    def show_sample(
        self, sample_id: str, label: str, classes: Sequence[str], *, why_not: str = ""
    ) -> None:
        """Show a sample.

        Args:
            sample_id: empty while it is not known, or cannot be corrected.
            label: the class that the run knew it by.
            why_not: why it cannot be corrected.
        """
        self._id = sample_id
        corrected = self._correcting.labels.get(sample_id, label) if sample_id else label
        self._class.offer([(name, name) for name in classes], corrected or label)
        can = bool(sample_id) and not why_not
        self._class.setVisible(bool(classes))
        self._title.setVisible(bool(classes))
        self._class.setEnabled(can)
        is_known = can and sample_id in self._correcting.labels
        self._out.setEnabled(can and not (is_known and corrected is None))
        self._back.setVisible(is_known)
        told = self._correcting.in_words(sample_id) if can else why_not
        self._note.setText(f"{told}; from the next training on" if is_known else told)
