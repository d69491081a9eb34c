"""The open experiment: its history, its selection and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.analysis.problems import Report, check
from workbench.document.edits import set_training
from workbench.document.experiment import Experiment
from workbench.document.exports import experiment_in, is_export
from workbench.document.files import load, save
from workbench.document.groups import Folding, common, fold, members
from workbench.document.history import History
from workbench.document.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.plugin_api.data import DataInfo


class DocumentSession:
    """Holds the present experiment; every change goes through `edit`, or `look`.

    Attributes:
        generation: another number for each experiment that was opened.

    Signals:
        experiment_changed(): another value is the present; read `experiment` and `report`.
        selection_changed(): read `selection`.
        file_changed(): another file, or saved, or no longer saved.
    """

    experiment_changed = Signal()
    report_changed = Signal()
    selection_changed = Signal()
    file_changed = Signal()

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._history = History(Experiment())
        self._info: DataInfo | None = None
        self._is_reading = False
        self._recovery = Recovery()
        self._folding = (self.experiment.graph, self.experiment.folded, Folding())
        self.path: Path | None = None
        self.generation = 0
        self.selection: tuple[str, ...] = ()
        self.report: Report = check(self.experiment, catalog)

    @property
    def experiment(self) -> Experiment:
        """The present value."""
        return self._history.present

    @property
    def is_saved(self) -> bool:
        """Whether the file holds the present value."""
        return self._history.is_saved

    @property
    def autosave_age(self) -> float | None:
        """Seconds since unsaved work was last written aside; None: there is nothing on disk."""
        return self._recovery.age

    @property
    def undo_title(self) -> str:
        """Title of the edit that undo would take back; empty: none."""
        return self._history.undo_title

    @property
    def redo_title(self) -> str:
        """Title of the edit that redo would bring back; empty: none."""
        return self._history.redo_title

    def report_for(self, backend: str) -> Report:
        """Return what the report would be with another backend."""
        if backend == self.experiment.training.backend:
            return self.report
        return self._checked(set_training(self.experiment, backend=backend))

    def edit(
        self, change: Callable[[Experiment], Experiment], title: str, merge_key: str = ""
    ) -> bool:
        """Apply an edit; False if it changed nothing. Raises UserError for an illegal one."""
        changed = self._history.record(change(self.experiment), title, merge_key)
        if changed:
            self._changed()
        return changed

    @property
    def folding(self) -> Folding:
        """The network as it is shown, with groups folded."""
        experiment, known = self.experiment, self._folding
        if known[0] is not experiment.graph or known[1] != experiment.folded:
            shown = fold(experiment.graph, experiment.folded, known[2])
            self._folding = (experiment.graph, experiment.folded, shown)
        return self._folding[2]

    @property
    def group(self) -> str:
        """The group that is selected, all of it and nothing else; empty for none."""
        folding, chosen = self.folding, self.selection
        keys = folding.shown(chosen)
        if len(keys) == 1 and keys[0] in folding.inside:
            return keys[0][:-1] if len(chosen) == len(folding.inside[keys[0]]) else ""
        graph = folding.whole
        around = common(graph[i].group for i in chosen) if len(chosen) > 1 else ""
        return around if around and len(members(graph, around)) == len(chosen) else ""

    def look(self, change: Callable[[Experiment], Experiment]) -> bool:
        """Change how the network is looked at, which is no step of undo; False: no change.

        Raises UserError where that is not possible.
        """
        changed = self._history.amend(change(self.experiment))
        if changed:
            self._changed()
        return changed

    def seal(self) -> None:
        """Keep the next edit apart from the last one: a drag ended, a field lost its focus."""
        self._history.seal()

    def undo(self) -> None:
        """Take the last edit back."""
        if self._history.undo():
            self._changed()

    def redo(self) -> None:
        """Bring the last undone edit back."""
        if self._history.redo():
            self._changed()

    def select(self, ids: Iterable[str]) -> None:
        """Select nodes; unknown ones are passed over."""
        chosen = tuple(node_id for node_id in ids if node_id in self.experiment.graph)
        if chosen != self.selection:
            self.selection = chosen
            self.selection_changed.emit()

    def replace(self, experiment: Experiment, path: Path | None = None) -> None:
        """Show another experiment with a history of its own; the caller has asked about saving."""
        self._recovery.discard()
        self._history = History(experiment)
        self.generation += 1
        self.path = path
        self.selection = ()
        self._changed()
        self.selection_changed.emit()

    def restore(self, experiment: Experiment, path: Path | None) -> None:
        """Show what `recovery.recoverable` found: unsaved, and kept in a recovery file again."""
        self.replace(experiment, path)
        self._history.mark_unsaved()
        self._recovery.note(experiment, path)
        self._recovery.tick()
        self.file_changed.emit()

    def open(self, path: Path) -> None:
        """Read a file, or the experiment out of an export, which has no file of its own yet.

        Raises UserError and changes nothing when it cannot be read.
        """
        if not is_export(path):
            self.replace(load(path), path)
            return
        self.replace(experiment_in(path))
        self._history.mark_unsaved()
        self.file_changed.emit()

    def save(self, path: Path | None = None) -> None:
        """Write the file; raises UserError when it cannot be written, or has no path yet."""
        self.path = save(self.experiment, path or self.path)
        self._history.mark_saved()
        self._recovery.discard()
        self.file_changed.emit()

    def set_info(self, info: DataInfo | None, *, is_reading: bool = False) -> None:
        """Take over what is known of the data, and check the experiment against it."""
        self._info, self._is_reading = info, is_reading
        self._check()

    def tick(self) -> None:
        """Write the recovery file when it is due."""
        self._recovery.tick()

    def close(self, *, keep_unsaved: bool = False) -> None:
        """End cleanly: nothing to recover after a regular close, unless it shall be kept."""
        if keep_unsaved and not self.is_saved:
            self._recovery.write()
        else:
            self._recovery.discard()

    def _changed(self) -> None:
        if not self.is_saved:
            self._recovery.note(self.experiment, self.path)
        before = self.selection  # without what is gone, when others look at it
        self.selection = tuple(i for i in before if i in self.experiment.graph)
        self.report = self._checked(self.experiment)
        self.experiment_changed.emit()
        self.report_changed.emit()
        self.file_changed.emit()
        if self.selection != before and len(self.selection) < len(before):
            self.selection_changed.emit()

    def _check(self) -> None:
        self.report = self._checked(self.experiment)
        self.report_changed.emit()

    def _checked(self, experiment: Experiment) -> Report:
        return check(experiment, self._catalog, self._info, is_reading=self._is_reading)
