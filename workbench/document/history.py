"""Undo and redo over snapshots; edits with the same merge key become one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.document.changes import is_same

if TYPE_CHECKING:
    from workbench.document.experiment import Experiment


@dataclass(frozen=True)
class _Step:
    experiment: Experiment
    title: str
    merge_key: str


class History:
    """The present experiment with what was before it and what was undone.

    Args:
        experiment: where it begins.
        limit: undo steps kept.
    """

    def __init__(self, experiment: Experiment, limit: int = 1000) -> None:
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._present = _Step(experiment, "", "")
        self._limit = limit
        self._saved: Experiment | None = experiment

    @property
    def present(self) -> Experiment:
        """The experiment as it is now."""
        return self._present.experiment

    @property
    def undo_title(self) -> str:
        """Title of the edit that undo takes back; empty when there is none."""
        return self._present.title if self._past else ""

    @property
    def redo_title(self) -> str:
        """Title of the edit that redo brings back; empty when there is none."""
        return self._future[-1].title if self._future else ""

    @property
    def is_saved(self) -> bool:
        """Whether the present is what was last saved."""
        return is_same(self._saved, self.present)

    def record(self, experiment: Experiment, title: str, merge_key: str = "") -> bool:
        """Make `experiment` the present; False if it already is.

        Consecutive edits with the same, non-empty merge key are undone in one step: a drag, a
        word being typed. `seal` ends such a series.
        """
        if is_same(experiment, self.present):
            return False
        if not (merge_key and merge_key == self._present.merge_key and self._past):
            self._past.append(self._present)
            del self._past[: -self._limit]
        self._future.clear()
        self._present = _Step(experiment, title, merge_key)
        return True

    def amend(self, experiment: Experiment) -> bool:
        """Put another value in the present's place without a step; False if it is the same.

        For how the network is looked at: undo and redo find it as it was looked at there, and
        what was saved counts as saved.
        """
        if is_same(experiment, self.present):
            return False
        was_saved = self.is_saved
        self._present = _Step(experiment, self._present.title, "")
        if was_saved:
            self._saved = experiment
        return True

    def seal(self) -> None:
        """Keep the next edit apart from this one, whatever its merge key."""
        present = self._present
        self._present = _Step(present.experiment, present.title, "")

    def undo(self) -> bool:
        """Go one step back; False at the start."""
        if not self._past:
            return False
        self._future.append(self._present)
        self._present = self._past.pop()
        self.seal()
        return True

    def redo(self) -> bool:
        """Go one step forward again; False when nothing was undone."""
        if not self._future:
            return False
        self._past.append(self._present)
        self._present = self._future.pop()
        self.seal()
        return True

    def mark_saved(self) -> None:
        """Remember that the present is on disk."""
        self._saved = self.present

    def mark_unsaved(self) -> None:
        """Remember that no file holds any of this."""
        self._saved = None
