"""Asks for how many more epochs a run shall train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QInputDialog

from workbench.document.training import depends_on_length

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from workbench.document.experiment import Experiment

MOST = 100_000
_STRETCHED = (
    "The learning rate's schedule is stretched over all epochs,\n"
    "so the rate rises before it falls to its end again."
)


def ask_more_epochs(
    parent: QWidget,
    experiment: Experiment | None,
    title: str = "Continue training",
    suggested: int = 5,
) -> int | None:
    """Return the answer; None if it was cancelled.

    Args:
        experiment: what the run trains; it decides what is said of the learning rate.
    """
    is_stretched = experiment is not None and depends_on_length(experiment.training.schedule)
    label = f"{_STRETCHED}\n\nMore epochs:" if is_stretched else "More epochs:"
    epochs, accepted = QInputDialog.getInt(parent, title, label, suggested, 1, MOST)
    return epochs if accepted else None
