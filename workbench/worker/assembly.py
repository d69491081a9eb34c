"""Puts together what an experiment names: data, network, generated module, model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from workbench.analysis.problems import check
from workbench.document.files import load
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.plugin_api.backend import BuildPlan
from workbench.plugin_api.task import Context
from workbench.worker.batches import Feed, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Backend, Model
    from workbench.plugin_api.code import GeneratedCode
    from workbench.plugin_api.data import DataInfo, SplitName
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Task
    from workbench.plugin_api.tensors import TensorType
    from workbench.runs.folder import RunFolder
    from workbench.worker.preparation import PreparedData


class DesignError(UserError):
    """The experiment cannot be trained as it is designed.

    Attributes:
        node: the layer in question; empty for none.
    """

    def __init__(self, message: str, hint: str, node: str) -> None:
        super().__init__(message, hint)
        self.node = node


@dataclass(frozen=True)
class Assembly:
    """An experiment with everything that follows from it, short of the model."""

    folder: RunFolder
    experiment: Experiment
    catalog: Catalog
    backend: Backend
    task: Task
    prepared: PreparedData
    network: Network
    code: GeneratedCode
    feed: Feed
    simple: dict[SplitName, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Baselines of the splits for which they were asked."""

    @property
    def info(self) -> DataInfo:
        """What is known of the data."""
        return self.prepared.info

    @property
    def context(self) -> Context:
        """What outputs have to be read with."""
        prepared = self.prepared
        return Context(self.network, self.info, prepared.preprocessing, prepared.fitted)

    def baselines(self, split: SplitName) -> dict[str, dict[str, float]]:
        """Return what simple answers to a split reach; computed once."""
        if split not in self.simple:
            splits = self.prepared.opened.splits
            found = self.task.baselines(self.context, splits["train"], splits[split])
            self.simple[split] = dict(found)
        return self.simple[split]

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """Metric that decides the best checkpoint, without its split, and which way is better."""
        wanted = self.experiment.training.monitor.removeprefix("val/").removeprefix("train/")
        name, mode = self.task.monitor
        if not wanted or wanted == name:
            return name, mode
        return wanted, self.task.direction(wanted)

    def build(self) -> Model:
        """Write the generated module, unless it is there, and build the model from it.

        Raises:
            UserError: the device is not there, or the folder cannot be written to.
        """
        return self.build_part(self.network, self.folder.model, self.code)

    def build_part(
        self,
        network: Network,
        module_path: Path,
        code: GeneratedCode | None = None,
        kind: TensorType | None = None,
        longest: int | None = None,
    ) -> Model:
        """Build a model of a network, writing its module unless that is there.

        Args:
            code: of the network; None: it is generated.
            kind: what it takes; None: a prepared sample.
            longest: steps of the longest training sample; None: of a prepared one.

        Raises:
            UserError: the device is not there, or the folder cannot be written to.
        """
        code = code or self.backend.generate(network)
        source = code.source.encode()
        if not module_path.exists() or module_path.read_bytes() != source:
            write_atomically(module_path, source)
        info = self.info if kind is None else msgspec.structs.replace(self.info, input=kind)
        if longest is None:
            longest = self.prepared.fitted.get("longest", 0) if info.input.varies else 0
        plan = BuildPlan(
            network=network,
            task=self.task,
            info=info,
            training=self.experiment.training,
            code=code,
            module_path=module_path,
            train_counts=info.class_counts.get("train", ()),
            device=self.experiment.training.device,
            seed=self.experiment.seed,
            longest=longest,
        )
        return self.backend.build(plan)


def assemble(
    folder: RunFolder,
    catalog: Catalog,
    on_bad: Callable[[str, str], Any] | None = None,
    fitted: dict[str, Any] | None = None,
) -> Assembly:
    """Read a run's experiment, open its data, check the design and generate the module.

    Args:
        on_bad: called with name and reason of a sample that cannot be read.
        fitted: what the preprocessing learned before; None: it learns now.

    Raises:
        UserError: the data cannot be used; DesignError: the design has an error.
    """
    experiment = load(folder.experiment)
    training = experiment.training
    backend = catalog.backend(training.backend)
    available = backend.availability()
    if not available.ok:
        raise UserError(available.reason, available.install)
    prepared = prepare(experiment, catalog, fitted)
    report = check(experiment, catalog, prepared.info)
    for problem in report.errors:
        raise DesignError(problem.message, problem.hint, problem.node)
    feed = Feed(
        prepared,
        seed=experiment.seed,
        batch_size=training.batch_size,
        sampling=training.sampling,
        mixing=training.mixing,
        loaders=training.loaders,
        on_bad=on_bad,
    )
    return Assembly(
        folder=folder,
        experiment=experiment,
        catalog=catalog,
        backend=backend,
        task=catalog.task(experiment.task),
        prepared=prepared,
        network=report.network,
        code=backend.generate(report.network),
        feed=feed,
    )
