"""Opening, saving and closing experiments, with the questions that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtWidgets import QFileDialog, QMessageBox

import resources
from workbench import preferences
from workbench.document.edits import set_data
from workbench.document.experiment import Component, Experiment
from workbench.document.exports import SUFFIXES
from workbench.document.files import SUFFIX, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from workbench.session import Session

FILTER = f"Experiments (*{SUFFIX});;All files (*)"
EXPORTS = " ".join(f"*{suffix}" for suffix in SUFFIXES)
OPEN_FILTER = f"Experiments and exports (*{SUFFIX} {EXPORTS});;{FILTER}"


class FileCommands:
    """What the File menu does. Nothing unsaved is dropped without asking."""

    def __init__(self, session: Session, window: QWidget) -> None:
        self._session = session
        self._window = window

    def new_empty(self) -> bool:
        """Begin with an empty network; False if the person thought better of it."""
        if not self.may_discard():
            return False
        return self._replaced(lambda: self._session.document.replace(Experiment()))

    def open_dialog(self) -> bool:
        """Ask for a file and open it."""
        start = str(self._session.document.path or Path.home())
        name, _ = QFileDialog.getOpenFileName(self._window, "Open experiment", start, OPEN_FILTER)
        return bool(name) and self.open(Path(name))

    def open(self, path: Path) -> bool:
        """Open a file; False if it cannot be read or the person thought better of it."""
        if not self.may_discard():
            return False
        opened = self._replaced(lambda: self._session.document.open(path))
        if opened and self._session.document.path is not None:  # an export stays what it is
            self._remember(path)
        return opened

    def open_example(self, name: str) -> bool:
        """Open a copy of an example; it has no file of its own until it is saved."""
        if not self.may_discard():
            return False
        document = self._session.document
        return self._replaced(lambda: document.replace(load(resources.examples()[name])))

    def use_pictures(self, folder: Path, like: str = "") -> bool:
        """Begin with a folder of pictures: an example's network, fed with that folder."""
        source = Component("image_folder", {"folder": str(folder)})
        return self._use(source, folder.name, like)

    def use_texts(self, file: Path, like: str = "") -> bool:
        """Begin with a table of labelled texts: an example's classifier, fed with that file."""
        return self._use(Component("text_table", {"file": str(file)}), file.stem, like)

    def use_table(self, file: Path, like: str = "") -> bool:
        """Begin with a table of time series: an example's forecaster, fed with that file."""
        return self._use(Component("time_table", {"file": str(file)}), file.stem, like)

    def _use(self, source: Component, name: str, like: str) -> bool:
        examples = resources.examples()
        if not self.may_discard():
            return False

        def begin() -> None:
            base = load(examples[like]) if like in examples else Experiment()
            pointed = set_data(base, source=source)
            self._session.document.replace(msgspec.structs.replace(pointed, name=name, notes=""))

        return self._replaced(begin)

    def save(self) -> bool:
        """Write the file, asking for a name the first time; False if it was not written."""
        if self._session.document.path is None:
            return self.save_as()
        return self._session.attempt(lambda: self._session.document.save())

    def save_as(self) -> bool:
        """Ask for a name and write the file."""
        document = self._session.document
        start = document.path or Path.home() / f"{file_stem(document.experiment.name)}{SUFFIX}"
        name, _ = QFileDialog.getSaveFileName(self._window, "Save experiment", str(start), FILTER)
        if not name or not self._session.attempt(lambda: document.save(Path(name))):
            return False
        if document.path is not None:
            self._remember(document.path)
        return True

    def may_discard(self) -> bool:
        """Ask what becomes of unsaved work: True if the present experiment may go."""
        document = self._session.document
        if document.is_saved or not document.experiment.graph.nodes:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Neural Workbench")
        box.setText(f"Save the changes to “{document.experiment.name}”?")
        box.setInformativeText("What is not saved is lost.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        box.button(buttons.Discard).setText("Don't save")
        answer = box.exec()
        if answer == buttons.Save:
            return self.save()
        return answer == buttons.Discard

    def _replaced(self, replace: Callable[[], object]) -> bool:
        """Show another experiment; an ended run of the one before does not stay beside it."""
        done = self._session.attempt(replace)
        if done and not self._session.run.is_active:
            self._session.run.close_run()
        return done

    def _remember(self, path: Path) -> None:
        self._session.preferences.remember(path)
        preferences.save(self._session.preferences)


def file_stem(name: str) -> str:
    """Return an experiment's name as the stem of a file name."""
    kept = "".join(c if c.isalnum() or c in " -_." else " " for c in name)
    return "-".join(kept.split()).strip(".-") or "experiment"
