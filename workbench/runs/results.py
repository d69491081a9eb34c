"""Predictions of a whole split, kept with the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from workbench.errors import UserError
from workbench.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TOP = 5
"""Likeliest classes that are kept for each sample."""


@dataclass(frozen=True)
class Results:
    """A model's answers for every readable sample of a split, in the split's order.

    Attributes:
        step: of the weights that answered.
        targets: true class numbers, int64, one a sample.
        top_classes: samples × k, int32, likeliest first; k is 5 or the number of classes.
        top_probabilities: samples × k, float32.
        target_probability: probability of the true class, float32.
        confusion: classes × classes, int64; rows are the true ones.
        indices: number of each row's sample in the split, int64; a sample that could not be read
            has no row.
    """

    step: int
    targets: NDArray[np.int64]
    top_classes: NDArray[np.int32]
    top_probabilities: NDArray[np.float32]
    target_probability: NDArray[np.float32]
    confusion: NDArray[np.int64]
    indices: NDArray[np.int64]


def summarise(
    step: int,
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    indices: NDArray[np.int64] | None = None,
) -> Results:
    """Reduce probabilities (samples × classes) to what is kept.

    Args:
        indices: number of each row's sample in the split; None: every sample has its row.
    """
    count, classes = probabilities.shape
    k = min(TOP, classes)
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (targets, top[:, 0]), 1)
    rows = np.arange(count, dtype=np.int64)
    return Results(
        step=step,
        targets=targets,
        top_classes=top.astype(np.int32),
        top_probabilities=probabilities[rows[:, None], top].astype(np.float32),
        target_probability=probabilities[rows, targets].astype(np.float32),
        confusion=confusion,
        indices=rows if indices is None else indices,
    )


def write_results(path: Path, results: Results) -> None:
    """Write the results of a split, atomically."""
    names = [name for name in Results.__dataclass_fields__ if name != "step"]
    tensors = {name: np.ascontiguousarray(getattr(results, name)) for name in names}
    write_atomically(path, save(tensors, {"step": str(results.step)}), durable=False)


def read_results(path: Path) -> Results:
    """Read the results of a split; raises UserError when there are none or they are damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            tensors.setdefault("indices", np.arange(len(tensors["targets"])))
            return Results(step=int(file.metadata()["step"]), **tensors)
    except Exception as error:
        raise UserError(f"The predictions in {path.name} cannot be read: {error}.") from error
