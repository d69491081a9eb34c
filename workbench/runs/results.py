"""A model's answers for a whole split, kept with the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from workbench.errors import UserError
from workbench.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Results:
    """Answers for the readable samples of a split, in the split's order.

    Attributes:
        step: of the weights that answered.
        indices: number of each row's sample in the split, int64; a sample that could not be read
            has no row.
        arrays: what the task keeps of each row, by name; see `Evaluator.results`.
    """

    step: int
    indices: NDArray[np.int64]
    arrays: Mapping[str, NDArray[Any]]


def write_results(path: Path, results: Results) -> None:
    """Write the results of a split, atomically."""
    tensors = {**results.arrays, "indices": results.indices}
    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_atomically(path, save(contiguous, {"step": str(results.step)}), durable=False)


def read_results(path: Path) -> Results:
    """Read the results of a split; raises UserError when there are none or they are damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Results(int(file.metadata()["step"]), arrays.pop("indices"), arrays)
    except Exception as error:
        raise UserError(f"The predictions in {path.name} cannot be read: {error}.") from error
