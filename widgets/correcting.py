"""How a person corrects samples: a menu where they are shown, and a row for one at large."""

from __future__ import annotations

from functools import partial
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

from widgets.dialogs.new_target import NewTargetDialog
from widgets.search_choice import SearchChoice
from widgets.texts import counted
from workbench.plugin_api.targets import target_kind
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtGui import QAction

    from workbench.session import Session
    from workbench.session.correcting import Correcting

MOST_LISTED = 24
"""With more classes, the menu asks for one in a field with a search."""
OTHER_DATA = "The experiment on the canvas learns from other data"
OPEN_DESIGN = "Open the run's design to correct its samples."


def may_correct(session: Session) -> bool:
    """Return whether the shown run's samples are those of the document; say so if they are not."""
    experiment = session.run.experiment
    if experiment is not None and session.correcting.fits(experiment.data):
        return True
    session.messaged.emit(Message("info", f"{OTHER_DATA}.", OPEN_DESIGN))
    return False


def target_menu(session: Session, samples: Mapping[str, str], parent: QWidget) -> QMenu:
    """Return the menu that corrects samples of the document's data, whatever their targets are.

    Args:
        samples: by id what each is, in words where that is no class. Steps are relabelled one
            sample at a time, since no two need have as many.
    """
    info, ids = session.data.info, list(samples)
    ask, kind = None, "" if info is None else target_kind(info)
    if info is not None and (kind in ("classes", "numbers") or (kind == "steps" and len(ids) == 1)):
        before = next(iter(samples.values()), "")
        ask = partial(NewTargetDialog, info, before, parent, several=len(ids) > 1)
    classes = info.classes if info is not None and kind == "class" else ()
    return correction_menu(session.correcting, ids, classes, parent, ask)


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
    if classes:
        known = {correcting.labels.get(key) for key in ids}
        chosen = known.pop() if len(known) == 1 else None
        labels = offer_classes(
            menu, "Relabel as", classes, chosen, lambda name: correcting.relabel(ids, name)
        )
        labels.setEnabled(bool(ids))
    elif ask is not None:
        action = menu.addAction("Relabel as…")
        action.setEnabled(bool(ids))
        action.triggered.connect(lambda: _open(ask(), lambda text: correcting.relabel(ids, text)))
    out = menu.addAction("Leave out")
    out.setEnabled(bool(ids) and any(correcting.labels.get(key, "") is not None for key in ids))
    out.triggered.connect(lambda: correcting.leave_out(ids))
    back = menu.addAction("Take back")
    known = [key for key in ids if key in correcting.labels]
    back.setEnabled(bool(known))
    back.triggered.connect(lambda: correcting.take_back(known))
    return menu


def offer_classes(
    menu: QMenu,
    title: str,
    classes: Sequence[str],
    chosen: str | None,
    choose: Callable[[str], object],
) -> QAction:
    """Add to a menu the choice of a class: a menu of its own, or a dialog if there are many.

    Args:
        chosen: the class that is marked.
        choose: called with the name of the class.
    """
    if len(classes) > MOST_LISTED:
        action = menu.addAction(f"{title}…")
        action.triggered.connect(lambda: _open(ClassDialog(classes, menu.parentWidget()), choose))
        return action
    inner = menu.addMenu(title)
    for name in classes:
        action = inner.addAction(name.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(name == chosen)
        action.triggered.connect(lambda _=False, name=name: choose(name))
    return inner.menuAction()


def _open(dialog: ClassDialog | NewTargetDialog, choose: Callable[[str], object]) -> None:
    dialog.accepted.connect(lambda: choose(dialog.label))
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
