"""Losses and metrics of training steps, kept on the device until they are asked for."""

from __future__ import annotations

from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST_QUEUE = 2**22
"""Output values that may wait; then they are reduced to metrics, still on the device."""


class StepLogs:
    """Queues the outputs of steps and turns many steps into metrics at once.

    A step costs two list appends; everything else happens a few times a second. On CUDA the
    values travel to the host without stopping the device.

    Args:
        metrics: (outputs, targets) -> one value a sample by name.
    """

    def __init__(self, metrics: Callable[[Any, Any], dict[str, Any]]) -> None:
        self._metrics = metrics
        self._losses: list[Any] = []
        self._outputs: list[Any] = []
        self._targets: list[Any] = []
        self._counts: list[int] = []
        self._waiting = 0
        self._flights: deque[_Flight] = deque()

    def add(self, loss: Any, parts: Sequence[tuple[Any, Any]]) -> None:
        """Take one step: its mean loss, and outputs with targets of each of its batches."""
        count = 0
        for outputs, targets in parts:
            self._outputs.append(outputs)
            self._targets.append(targets)
            count += len(outputs)
            self._waiting += outputs.numel()
        self._losses.append(loss)
        self._counts.append(count)
        if self._waiting > LARGEST_QUEUE:
            self._reduce()

    def drain(self, *, wait: bool) -> dict[str, list[float]]:
        """Return the values of finished steps; `wait`: of all steps."""
        if self._losses:
            self._reduce()
        columns: dict[str, list[float]] = {}
        while self._flights and (wait or self._flights[0].landed()):
            for name, values in self._flights.popleft().values().items():
                columns.setdefault(name, []).extend(values)
        return columns

    def clear(self) -> None:
        """Forget all steps."""
        self._losses, self._outputs, self._targets, self._counts = [], [], [], []
        self._waiting = 0
        self._flights.clear()

    def _reduce(self) -> None:
        import torch

        with torch.no_grad():
            columns = {"loss": torch.stack(self._losses)}
            device = self._outputs[0].device
            counts = torch.tensor(self._counts, device=device)
            steps = torch.arange(len(counts), device=device).repeat_interleave(counts)
            for name, values in self._of_samples().items():
                sums = torch.zeros(len(counts), device=device)
                columns[name] = sums.index_add_(0, steps, values.float()) / counts
        self._losses, self._outputs, self._targets, self._counts = [], [], [], []
        self._waiting = 0
        self._flights.append(_Flight(columns))

    def _of_samples(self) -> dict[str, Any]:
        """Return the metrics of all samples; batches of outputs of one shape go at once."""
        import torch

        found: dict[str, list[Any]] = {}
        pairs = zip(self._outputs, self._targets, strict=True)
        for _, group in groupby(pairs, key=lambda pair: [part.shape[1:] for part in pair]):
            outputs, targets = (torch.cat(parts) for parts in zip(*group, strict=True))
            for name, values in self._metrics(outputs, targets).items():
                found.setdefault(name, []).append(values)
        return {name: torch.cat(values) for name, values in found.items()}


class _Flight:
    """Columns on their way to the host."""

    def __init__(self, columns: dict[str, Any]) -> None:
        import torch

        self._event: Any = None
        if next(iter(columns.values())).is_cuda:
            self._columns = {
                name: torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(
                    values, non_blocking=True
                )
                for name, values in columns.items()
            }
            self._event = torch.cuda.Event()
            self._event.record()
        else:
            self._columns = columns

    def landed(self) -> bool:
        return self._event is None or bool(self._event.query())

    def values(self) -> dict[str, list[float]]:
        if self._event is not None:
            self._event.synchronize()
        return {name: column.tolist() for name, column in self._columns.items()}
