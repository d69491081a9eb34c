"""Numbers that a network said of a whole split beside the true ones, as kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class NumberResults:
    """One row for every readable sample, in the units of the data.

    Attributes:
        predicted_numbers, true_numbers: samples × quantities, float32.
    """

    predicted_numbers: NDArray[np.float32]
    true_numbers: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> NumberResults | None:
        """Return them from arrays as they are kept; None where those are of another task."""
        names = cls.__dataclass_fields__
        return cls(**{n: arrays[n] for n in names}) if arrays.keys() >= names.keys() else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be kept."""
        return asdict(self)
