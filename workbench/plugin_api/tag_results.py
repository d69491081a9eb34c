"""What a labelling network said of each step of a whole split, as it is kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TagResults:
    """The steps of all samples that have a class, one after the other.

    Attributes:
        ends: where the steps of each sample end, int64.
        true_tags: class numbers, int16; predicted_tags: the likeliest ones.
        tag_probabilities: of the predicted classes, float32.
    """

    ends: NDArray[np.int64]
    true_tags: NDArray[np.int16]
    predicted_tags: NDArray[np.int16]
    tag_probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> TagResults | None:
        """Return them from arrays as they are kept; None where those are of another task."""
        names = cls.__dataclass_fields__
        return cls(**{n: arrays[n] for n in names}) if arrays.keys() >= names.keys() else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be kept."""
        return asdict(self)

    def steps(self, row: int) -> slice:
        """Return where the steps of a sample lie."""
        return slice(int(self.ends[row - 1]) if row else 0, int(self.ends[row]))
