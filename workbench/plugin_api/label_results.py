"""What a multi-label classifier said of a whole split, as it is kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelResults:
    """One row for every readable sample.

    Attributes:
        label_probabilities: samples × classes, float16, each class by itself.
        label_targets: samples × classes, uint8, 1 where the class holds.
    """

    label_probabilities: NDArray[np.float16]
    label_targets: NDArray[np.uint8]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> LabelResults | None:
        """Return them from arrays as they are kept; None where those are of another task."""
        names = cls.__dataclass_fields__
        return cls(**{n: arrays[n] for n in names}) if arrays.keys() >= names.keys() else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be kept."""
        return asdict(self)
