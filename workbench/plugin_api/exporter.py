"""The contract of an exporter: a trained run in, verified files out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

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


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, and how far it is from the model in the workbench.

    Attributes:
        max_difference: largest absolute difference of outputs on real samples, from a separate
            process that does not import the workbench; None when nothing was compared.
    """

    format: str
    path: str
    size: int
    max_difference: float | None = None


@dataclass(frozen=True)
class ExportRequest:
    """A trained model and all that belongs to it.

    Attributes:
        experiment_json: the experiment as its file holds it, to travel with the weights.
        weights: canonical weights by "node/name".
        fitted: what preprocessing learned.
        sample_inputs: prepared samples to verify with, batch × the input's canonical shape.
        sample_outputs: the model's raw outputs for them.
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


class Exporter(ABC):
    """A file format for trained weights or for the whole network."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    suffix: ClassVar[str] = ""

    @abstractmethod
    def availability(self) -> Availability:
        """Say whether what it needs is installed, without importing it."""

    @abstractmethod
    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write `path` (and files beside it) atomically; return all that was written."""

    @abstractmethod
    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> NDArray[np.float32]:
        """Run the exported file in a separate process without the workbench on `inputs`."""
