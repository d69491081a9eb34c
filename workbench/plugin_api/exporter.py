"""The contract of an exporter: a trained run in, verified files out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from workbench.plugin_api.parameters import param

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.preprocessing import Preprocessing
    from workbench.plugin_api.task import Task


ASSETS = "assets"
"""The folder beside generated code with the files that it reads."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What a format cannot express of a network.

    Attributes:
        message: a plain sentence, with what happens instead.
        node: the layer in question; empty for the whole network.
        refuses: whether the network cannot be exported at all for it.
    """

    message: str
    node: str = ""
    refuses: bool = False


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may choose of an export. Exporters ignore what does not concern them."""

    softmax: Annotated[
        bool,
        param("Outputs are probabilities", "End in softmax; else they are logits"),
    ] = False
    opset: Annotated[
        int,
        param("ONNX opset", "Version of the ONNX operators", minimum=18, maximum=25, advanced=True),
    ] = 20


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, and how far it is from the model in the workbench.

    Attributes:
        path: the main file, or a folder.
        size: bytes of all that was written.
        max_difference: largest absolute difference of outputs on real samples, from a separate
            process that does not import the workbench; None when nothing was compared.
        seconds_per_sample: what that process took, the first (warming) run left out; None alike.
        notes: what a person should know of the file.
    """

    format: str
    path: str
    size: int
    max_difference: float | None = None
    seconds_per_sample: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportRequest:
    """A trained model and all that belongs to it.

    Attributes:
        network: what to write; where `options.softmax` asks for it and the exporter
            `holds_network`, it ends in a Softmax layer that the experiment does not have.
        experiment_json: the experiment as its file holds it, to travel with the weights.
        weights: canonical weights by "node/name".
        fitted: what preprocessing learned.
        assets: the folder with the files that the generated code reads, `Experiment.assets`.
        sample_inputs: prepared samples to verify with, batch × the input's canonical shape; where
            samples differ in length, zeros fill them up at the end.
        sample_outputs: what the file must give for them: the outputs of `network`.
        sample_lengths: real steps of each sample; None where samples do not differ in length.
        metrics: of the last evaluations, such as "test/accuracy".
        baselines: what simple answers reached, by split ("test"), answer and metric.
        environment: what the run ran on: versions, device, data fingerprint.
    """

    experiment: Experiment
    experiment_json: str
    network: Network
    task: Task
    info: DataInfo
    preprocessing: Preprocessing
    fitted: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]
    sample_inputs: NDArray[np.float32]
    sample_outputs: NDArray[np.float32]
    assets: Path
    sample_lengths: NDArray[np.int64] | None = None
    options: ExportOptions = field(default_factory=ExportOptions)
    metrics: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outputs:
    """What an exported file answered in a process of its own.

    Attributes:
        values: for the samples as one batch.
        singly: number of a sample to what the file answered for it alone, 1 × …; where its output
            varies, the real steps alone.
    """

    values: NDArray[np.float32]
    seconds_per_sample: float
    singly: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)


class Exporter(ABC):
    """A file format for trained weights or for the whole network."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    suffix: ClassVar[str] = ""
    """Of the main file, such as ".onnx"; empty for a folder."""
    takes_lengths: ClassVar[bool] = False
    """Whether it can express a network over samples that differ in length."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Endings of files beside the main one that could meet another format's."""
    holds_network: ClassVar[bool] = True
    """Whether the file computes by itself; `options.softmax` concerns only such files."""
    merges_adapters: ClassVar[bool] = True
    """Whether it gets the network without LoRA adapters, which are merged into its matrices."""

    @abstractmethod
    def availability(self) -> Availability:
        """Say whether what it needs is installed, without importing it."""

    def concerns(self, network: Network) -> bool:
        """Whether there is anything in a network that the format is for; else it is not offered."""
        return True

    def limits(self, network: Network) -> Sequence[Limit]:
        """Return what the format cannot express of this network. Imports no framework."""
        return ()

    @abstractmethod
    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write `path` (and files beside it, whose names begin alike); return all of it.

        `path` lies in an empty folder of its own, and is moved to where a person wanted it once
        it has been checked. Files may refer to each other by name.

        Raises:
            UserError: the disk is full, or what does the writing fails on this network.
        """

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Return what a person should know of the file, such as the axes of its input."""
        return ()

    @abstractmethod
    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> Outputs | None:
        """Run the exported file by its own runtime in a separate process without the workbench.

        Where samples differ in length, a format that `takes_lengths` runs them in one batch, and
        some of them singly. `inputs` are the request's samples.

        None for a format that cannot be run (a model card).
        """
