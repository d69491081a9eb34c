"""A trained network as a run folder holds it, ready to answer; needs no data set."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from workbench.analysis.shapes import resolve
from workbench.document.files import load
from workbench.errors import UserError
from workbench.plugin_api.backend import BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.task import Context
from workbench.runs.start import copy_into
from workbench.worker.checkpoints import STATE, Checkpoints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Backend, Model
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.preprocessing import Preprocessing
    from workbench.plugin_api.task import Task
    from workbench.runs.folder import RunFolder

Which = Literal["last", "best"]


class SavedData(msgspec.Struct):
    """The content of data.json."""

    info: DataInfo
    fitted: dict[str, Any]


@dataclass(frozen=True)
class Design:
    """What a run trains, without weights; needs no framework."""

    experiment: Experiment
    network: Network
    info: DataInfo
    fitted: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A model with all that is needed to ask it something.

    Attributes:
        model: on the CPU, with the checkpoint's weights.
        step: of the checkpoint.
    """

    experiment: Experiment
    network: Network
    task: Task
    info: DataInfo
    preprocessing: Preprocessing
    fitted: dict[str, Any]
    weights: dict[str, NDArray[np.float32]]
    model: Model
    step: int

    @property
    def context(self) -> Context:
        """What outputs have to be read with."""
        return Context(self.network, self.info, self.preprocessing, self.fitted)


def open_design(folder: RunFolder, catalog: Catalog) -> Design:
    """Read what a run trains; the folder is only read.

    Raises:
        UserError: the run has not seen its data yet, or its files are damaged.
    """
    experiment = load(folder.experiment)
    saved = _saved_data(folder)
    resolution = resolve(experiment.graph, catalog, saved.info.input, experiment.name)
    for problem in resolution.problems:
        raise UserError(problem.message, problem.hint)
    return Design(experiment, resolution.network, saved.info, saved.fitted)


def open_trained(
    folder: RunFolder,
    catalog: Catalog,
    which: Which = "best",
    backend: str = "",
    *,
    differentiable: bool = False,
) -> Trained:
    """Build the model of a run from a checkpoint; the folder is only read.

    Args:
        which: "best" falls back to the last when no best was kept.
        backend: that answers, where it is installed; empty: the one that trained.
        differentiable: its model shall have `gradients`, whichever backend trained.

    Raises:
        UserError: the run has no checkpoint yet, or its files are damaged.
    """
    design = open_design(folder, catalog)
    experiment, network, info = design.experiment, design.network, design.info
    checkpoint = Checkpoints(folder.checkpoints).find(which)
    task = catalog.task(experiment.task)
    chosen = _backend(experiment, catalog, backend, differentiable)
    model = _build(chosen, design, task, folder.assets)
    model.load_weights(checkpoint.weights)
    return Trained(
        experiment=experiment,
        network=network,
        task=task,
        info=info,
        preprocessing=catalog.preprocessing(experiment.data.preprocessing).resolved(design.fitted),
        fitted=design.fitted,
        weights=checkpoint.weights,
        model=model,
        step=checkpoint.progress.step,
    )


def newest_checkpoint(folder: RunFolder) -> tuple[str, int]:
    """Return what changes when a run has a newer checkpoint."""
    names = Checkpoints(folder.checkpoints).names()
    if not names:
        return "", 0
    try:
        return names[-1], (folder.checkpoints / names[-1] / STATE).stat().st_mtime_ns
    except OSError:
        return names[-1], 0


def _backend(
    experiment: Experiment, catalog: Catalog, wanted: str, differentiable: bool
) -> Backend:
    """Return the wanted backend, else the one that trained, else one that will do: weights move.

    Raises:
        UserError: there is none that will.
    """
    trained = catalog.backend(experiment.training.backend)
    first = [catalog.backend(wanted)] if wanted in catalog.backends else []
    kinds = [*first, trained, *(kind() for kind in catalog.backends)]
    fit = [kind for kind in kinds if kind.differentiates or not differentiable]
    chosen = next((kind for kind in fit if kind.availability().ok), None)
    if chosen is None and differentiable:
        raise UserError(
            "What an answer rests on is worked out with PyTorch, which is not installed.",
            "pip install torch",
        )
    return chosen or trained


def _build(backend: Backend, design: Design, task: Task, assets: Path) -> Model:
    """Build the model on the CPU; its module is needed only while it is loaded."""
    experiment, network, info = design.experiment, design.network, design.info
    code = backend.generate(network)
    with tempfile.TemporaryDirectory(prefix="workbench-model-") as name:
        module_path = Path(name) / "model.py"
        module_path.write_text(code.source, encoding="utf-8")
        for asset in experiment.assets:
            copy_into(module_path.with_name(assets.name) / asset.name, assets / asset.name)
        plan = BuildPlan(
            network=network,
            task=task,
            info=info,
            training=msgspec.structs.replace(experiment.training, compile=False, averaging=None),
            code=code,
            module_path=module_path,
            train_counts=info.class_counts.get("train", ()),
            device="cpu",
            seed=experiment.seed,
            longest=design.fitted.get("longest", 0) if info.input.varies else 0,
        )
        return backend.build(plan)


def _saved_data(folder: RunFolder) -> SavedData:
    try:
        return msgspec.json.decode(folder.info.read_bytes(), type=SavedData)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(
            f"{folder.name} has not looked at its data yet.", "Train it first."
        ) from error
