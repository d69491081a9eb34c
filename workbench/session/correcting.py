"""Relabelling and leaving out single samples of the document's data, as undoable edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.document.edits import correct_samples, revert_corrections
from workbench.plugin_api.targets import write_target

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Data
    from workbench.plugin_api.data import DataInfo
    from workbench.session.document import DocumentSession

LEFT_OUT = "left out"
LONGEST = 40
"""Characters of a label that are shown."""


class Correcting:
    """Corrects samples by their ids; the person's files stay as they are."""

    def __init__(self, document: DocumentSession) -> None:
        self._document = document

    @property
    def labels(self) -> Mapping[str, str | None]:
        """By sample id its class or other target, or None where it is left out."""
        return self._document.experiment.data.corrections

    def fits(self, data: Data | None) -> bool:
        """Whether samples of these data, of a run, are those of the document."""
        return data is not None and data.source == self._document.experiment.data.source

    def in_words(self, sample_id: str) -> str:
        """Return "→ cat", "left out", or nothing for a sample that is believed; cut if long."""
        if not sample_id or sample_id not in self.labels:
            return ""
        label = self.labels[sample_id]
        return LEFT_OUT if label is None else f"→ {shortened(label)}"

    def relabel(self, ids: Sequence[str], label: str) -> None:
        """Give samples another class, or another target as `read_target` reads it."""
        title = f"Relabel {_samples(ids)} as {shortened(label)}"
        self._document.edit(lambda e: correct_samples(e, dict.fromkeys(ids, label)), title)

    def retag(
        self, sample_id: str, target: NDArray[np.generic], step: int, name: str, info: DataInfo
    ) -> None:
        """Give one step of a sample another class.

        Args:
            target: classes of all its steps, as they are now.
            step: place in the target.
        """
        new = target.copy()
        new[step] = info.classes.index(name)
        label = write_target(new, info)
        title = f"Make step {step + 1} of a sample {shortened(name)}"
        self._document.edit(lambda e: correct_samples(e, {sample_id: label}), title)

    def leave_out(self, ids: Sequence[str]) -> None:
        """Let training and evaluation do without samples."""
        labels: dict[str, str | None] = dict.fromkeys(ids)
        self._document.edit(lambda e: correct_samples(e, labels), f"Leave out {_samples(ids)}")

    def take_back(self, ids: Collection[str]) -> None:
        """Believe the data again about samples."""
        title = f"Take back {'a correction' if len(ids) == 1 else f'{len(ids)} corrections'}"
        self._document.edit(lambda e: revert_corrections(e, ids), title)


def shortened(label: str) -> str:
    """Return a label of at most `LONGEST` characters; several classes may be none."""
    return label[: LONGEST - 1] + "…" if len(label) > LONGEST else label or "no class"


def _samples(ids: Sequence[str]) -> str:
    return "a sample" if len(ids) == 1 else f"{len(ids)} samples"
