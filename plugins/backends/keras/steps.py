"""What the model asks of a framework: steps of training, outputs, and the values it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plugins.backends.keras.arguments import Arguments, extents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.backends.keras.modules import LoadedModel
    from plugins.backends.keras.updates import Updates
    from workbench.plugin_api.backend import Batch, BuildPlan


class Steps(ABC):
    """Trains and evaluates a loaded model in one framework.

    Where samples differ in length, outputs may have more steps than the inputs that were given.

    Attributes:
        compilations: how often each function was traced and compiled; empty where none is.
    """

    compiles_shapes: ClassVar[bool] = False
    """Whether each shape of the inputs is compiled for, so that there should be few."""

    def __init__(self, plan: BuildPlan, loaded: LoadedModel, updates: Updates) -> None:
        self._loaded = loaded
        self._model = loaded.model
        self._updates = updates
        self._arguments = Arguments(
            plan.network,
            plan.info.target,
            extents(plan.longest) if self.compiles_shapes else None,
        )
        self._batch_size = plan.training.batch_size
        self._accumulates = plan.training.accumulate > 1
        self._task = plan.task
        self._loss = plan.task.keras_loss(plan.network, plan.info, plan.train_counts)
        self._metrics = plan.task.keras_metrics
        self._mixes = plan.training.mixing is not None
        self.compilations: Counter[str] = Counter()

    @abstractmethod
    def train(self, batches: Sequence[Batch], rate: float, correction: float) -> None:
        """Do one optimizer step on the mean over all samples; queue its logs."""

    @abstractmethod
    def drain(self, *, wait: bool) -> dict[str, list[float]]:
        """Return the logs of finished steps; `wait`: of all steps."""

    @abstractmethod
    def clear(self) -> None:
        """Forget the logs of all steps."""

    @abstractmethod
    def outputs(
        self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Return outputs in evaluation mode."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> tuple[NDArray[np.float32], float]:
        """Return outputs and the mean loss in evaluation mode."""

    @abstractmethod
    def taps(self, inputs: NDArray[Any], lengths: NDArray[np.int64] | None) -> Sequence[Any]:
        """Return every tapped node's output in evaluation mode, as the framework's tensors."""

    @abstractmethod
    def taps_in_training(self, batch: Batch) -> Sequence[Any]:
        """Return every tapped node's output in training mode; statistics may change."""

    @abstractmethod
    def read(self, variable: Any) -> NDArray[Any]:
        """Return a copy of a keras.Variable's present value."""

    @abstractmethod
    def write(self, variable: Any, value: NDArray[Any]) -> None:
        """Give a keras.Variable another value."""

    @abstractmethod
    def read_slot(self, index: int, slot: int) -> NDArray[Any]:
        """Return a copy of what the optimizer keeps of a trained weight."""

    @abstractmethod
    def write_slot(self, index: int, slot: int, value: NDArray[Any]) -> None:
        """Replace what the optimizer keeps of a trained weight."""

    def average(self, share: float) -> None:
        """Take the present weights into the running average, by a share; see `Averages`."""
        raise NotImplementedError

    def show(self, *, averaged: bool) -> None:
        """Let the model have the average of its weights, or what training has."""
        raise NotImplementedError

    def begin_average(self) -> None:
        """Let the average begin with the present weights."""
        raise NotImplementedError

    def generators(self) -> dict[str, NDArray[Any]]:
        """Return the states of random generators that belong to no layer, by name."""
        return {}

    def set_generators(  # noqa: B027 - optional
        self, states: Mapping[str, NDArray[Any]]
    ) -> None:
        """Put back what `generators` returned."""

    def mixed_loss(self, outputs: Any, targets: Any, present: Any, mix: Sequence[Any]) -> Any:
        """Return the loss of a batch of training.

        Args:
            mix: other targets and the share of the first ones, as in Batch; empty: not mixed.
        """
        loss = self._loss(outputs, targets, present)
        if not mix:
            return loss
        others, share = mix
        return share * loss + (1 - share) * self._loss(outputs, others, present)

    def first_slots(self, filled: Callable[[tuple[int, ...], float], Any]) -> list[tuple[Any, ...]]:
        """Return the slots of every trained weight before the first step.

        Args:
            filled: (shape, value) -> tensor.
        """
        starts = [self._updates.start(slot) for slot in self._updates.slots]
        return [
            tuple(filled(tuple(weight.variable.shape), start) for start in starts)
            for weight in self._loaded.trained
        ]


class RowLogs:
    """Queues one vector a step, loss and metrics, on the device until it is asked for.

    Attributes:
        names: of the vector's values; known once the first step was traced.
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self._rows: deque[tuple[Any, ...]] = deque()

    def add(self, *rows: Any) -> None:
        """Take the vectors of one step's batches, each multiplied by the batch's share."""
        self._rows.append(rows)

    def drain(self, is_done: Callable[[Any], bool]) -> dict[str, list[float]]:
        """Return the values of the first steps that are done."""
        found = []
        while self._rows and all(map(is_done, self._rows[0])):
            rows = self._rows.popleft()
            found.append(sum(np.asarray(row, np.float64) for row in rows))
        if not found:
            return {}
        columns = np.stack(found, axis=1).tolist()
        return dict(zip(self.names, columns, strict=True))

    def clear(self) -> None:
        """Forget all steps."""
        self._rows.clear()
