"""Gradual unfreezing while training goes on: what a model trains at which epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.analysis.unfreezing import in_words, left, thawed, thawing

if TYPE_CHECKING:
    from workbench.plugin_api.backend import Model
    from workbench.worker.assembly import Assembly
    from workbench.worker.progress import Progress


def bring_back(model: Model, assembly: Assembly, progress: Progress) -> None:
    """Let a new model train what was trained when `progress` was saved, before its state comes.

    Between two epochs the next one's layers have not thawed yet: `begin_epoch` is still to come.
    """
    epoch = progress.epoch - 1 if progress.epoch and not progress.batch else progress.epoch
    network = thawed(assembly.network, assembly.experiment.training.unfreezing, epoch)
    if network is not assembly.network:
        model.set_trainable(network)


def begin_epoch(model: Model, assembly: Assembly, progress: Progress) -> str:
    """Thaw what joins the training with this epoch; return that in words, empty for nothing."""
    unfreezing = assembly.experiment.training.unfreezing
    found = thawing(assembly.network, unfreezing, progress.epoch)
    if unfreezing is None or progress.batch or not found:
        return ""
    network = thawed(assembly.network, unfreezing, progress.epoch)
    model.set_trainable(network)
    still = left(assembly.network, unfreezing, progress.epoch)
    return in_words(found, still, progress.epoch)
