"""The contract of a backend: compile a network, train it a step at a time, look inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.training import Training
    from workbench.plugin_api.code import Bind, GeneratedCode
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.problems import Problem
    from workbench.plugin_api.task import Task


class Availability(msgspec.Struct, frozen=True):
    """Whether a plug-in can run here; if not, why. `install` is the line that installs it."""

    ok: bool
    reason: str = ""
    install: str = ""


class Device(msgspec.Struct, frozen=True):
    """A place to compute: "cpu", "cuda:0", "mps", with a name for people."""

    id: str
    title: str
    memory_bytes: int = 0


@dataclass(frozen=True)
class Batch:
    """Some samples, as NumPy arrays in canonical layout.

    Attributes:
        inputs: batch × the input's canonical shape, float32; int64 for tokens. Where samples
            differ in length, zeros fill them up at the end to a common one.
        targets: batch, int64 for classes; else batch × the target's shape (`DataInfo.target`),
            `IGNORED` behind the end of those that are shorter than others.
        indices: numbers of the samples in their split, where they are known.
        lengths: batch; real steps of each sample. None where the input does not vary.
        others: targets of the samples that were mixed in; None where none were.
        share: of the loss for `targets`; that for `others` has the rest.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    indices: NDArray[np.int64] | None = None
    lengths: NDArray[np.int64] | None = None
    others: NDArray[Any] | None = None
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class BuildPlan:
    """All that a backend needs to build a trainable model.

    Attributes:
        module_path: the generated module on disk; the model is made from this very file.
        code: what was written there, with its map of lines to nodes.
        train_counts: training samples per class.
        device: device id or "auto".
        seed: of everything random that happens during training (dropout, noise).
        longest: steps of the longest training sample where samples differ in length; else 0.
    """

    network: Network
    task: Task
    info: DataInfo
    training: Training
    code: GeneratedCode
    module_path: Path
    train_counts: Sequence[int]
    device: str
    seed: int
    longest: int = 0


@dataclass(frozen=True)
class FileNames:
    """Where a framework's weights files keep the weights of a network.

    Attributes:
        layout: whose files these are, for people: "PyTorch".
        names: canonical weight to the names it may have there, likeliest first, and its Bind, in
            the order of the generated code.
            In Keras' HDF5 files "/" parts names, and "layer/vars/0" is the first variable.
    """

    layout: str
    names: Mapping[str, tuple[Sequence[str], Bind]]


@dataclass(frozen=True)
class ModelState:
    """Everything besides the weights that decides the next step: optimizer, RNG, scaler.

    Attributes:
        arrays: "optimizer/<canonical weight>/<slot>" in canonical layout, float32, with the slots
            "momentum", "mean", "variance", "square" and "accumulator", which every backend
            reads; "raw/<canonical weight>" as training has it, where `Model.weights` are a running
            average; "random/…" and "buffer/…" belong to one backend.
        values: JSON-able rest: {"backend": id, "optimizer": {"type": "adam", "step": n, "since":
            {weight: step after which it began to be trained}}}.
    """

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]

    def without_weights(self) -> ModelState:
        """Return the same without the "raw/…" arrays: others are to be loaded."""
        kept = {name: a for name, a in self.arrays.items() if not name.startswith("raw/")}
        return ModelState(kept, self.values)


class NodeError(Exception):
    """A framework's error inside the generated module, with the node whose line raised it."""

    def __init__(self, node: str, message: str) -> None:
        super().__init__(message)
        self.node = node


class OutOfMemoryError(Exception):
    """The device has no memory left for a step."""


class Model(ABC):
    """A network on a device with its optimizer. All arrays are canonical, in and out.

    With `Training.averaging`, training goes on with the weights as they are; what is predicted,
    evaluated, probed and returned by `weights` is their running average.
    """

    device: Device

    @abstractmethod
    def train_step(self, batches: Sequence[Batch], learning_rate: float) -> None:
        """Do one optimizer step on the mean gradient of `batches`; queue its logs.

        Raises:
            NodeError: a layer failed; OutOfMemoryError: no memory left.
        """

    @abstractmethod
    def set_trainable(self, network: Network) -> None:
        """Train from now on what `network` trains: the plan's own, but for what is frozen in it.

        What begins to be trained has an optimizer state of its own from here; the rest goes on.
        """

    @abstractmethod
    def drain_logs(self, *, wait: bool = True) -> dict[str, list[float]]:
        """Return the logs of the steps since the last call, one value a step: "loss", metrics.

        The loss is without penalties, as in `evaluate_step`. Called a few times a second.

        Args:
            wait: for the device to finish all steps; else only what is there already.
        """

    @abstractmethod
    def predict(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return raw outputs in evaluation mode; `lengths` as in Batch."""

    @abstractmethod
    def evaluate_step(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return raw outputs and the mean loss (without penalties) in evaluation mode."""

    @abstractmethod
    def probe(
        self,
        inputs: NDArray[Any],
        nodes: Sequence[str],
        lengths: NDArray[np.int64] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs of nodes in evaluation mode, each batch × canonical shape.

        Leaves weights, running statistics and random state as they were. Nodes that lead to no
        Output may be missing.
        """

    def gradients(
        self,
        inputs: NDArray[Any],
        values: Mapping[str, NDArray[np.float32]],
        factors: NDArray[np.float32],
        lengths: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Return raw outputs, and the gradients of Σ factors · outputs, in evaluation mode.

        Leaves weights, their gradients and running statistics as they were. Called only where
        the backend `differentiates`.

        Args:
            values: by node, batch × its canonical shape: taken in place of the node's output, and
                what the gradients are with respect to.
            factors: as large as the outputs.
        """
        raise NotImplementedError(f"{type(self).__name__} has no gradients of its inside")

    @abstractmethod
    def weights(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return copies of the canonical weights as "node/name"; of some nodes, or of all."""

    @abstractmethod
    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights; names and shapes must be those of the network."""

    @abstractmethod
    def state(self) -> ModelState:
        """Return what is needed, with the weights, to go on exactly."""

    @abstractmethod
    def load_state(self, state: ModelState) -> None:
        """Go on from `state`, of any backend: what does not fit begins anew, see `warnings`."""

    def warnings(self) -> list[str]:
        """Return, once, what a person should know of how the model runs."""
        return []

    @abstractmethod
    def first_non_finite(self, batch: Batch) -> str:
        """Return the first node whose output or weights are NaN or infinite; empty for none."""


class Backend(ABC):
    """A framework that can compile and train networks."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    differentiates: ClassVar[bool] = False
    """Whether its models have `gradients`, which tell what an answer rests on."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Distributions it stands on, or alternatives, whose versions a report names."""

    @abstractmethod
    def availability(self) -> Availability:
        """Say whether the framework is installed, without importing it."""

    @abstractmethod
    def devices(self) -> Sequence[Device]:
        """Return the devices, best first. Imports the framework: never call it in the window."""

    @abstractmethod
    def generate(self, network: Network) -> GeneratedCode:
        """Return a readable module of the network. Imports no framework."""

    @abstractmethod
    def build(self, plan: BuildPlan) -> Model:
        """Make a model from the module on disk; weights are loaded by the caller.

        Raises:
            UserError: the device is not there, or cannot do what is asked.
        """

    def file_names(self, network: Network) -> FileNames | None:
        """Return where this framework's weights files keep the weights. Imports no framework."""
        return None

    def problems(self, network: Network) -> Sequence[Problem]:
        """Return layers and settings that this backend cannot run."""
        return ()

    def warm_up(self) -> None:  # noqa: B027 - optional
        """Import the framework ahead of the first run."""
