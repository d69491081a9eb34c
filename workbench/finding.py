"""What the process that tests learning rates for the window is asked, and what it answers."""

from __future__ import annotations

import msgspec

from workbench.analysis.learning_rate import RatePoint, Suggestion
from workbench.document.experiment import Experiment
from workbench.reading import Refused


class FindRate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Test learning rates; `Finding` tells how far it is, `RateFound` or `Refused` ends it.

    Attributes:
        folder: where what it needs is written; whoever asks removes it.
    """

    id: int = 0
    experiment: Experiment
    folder: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is being done, or the next step of the test; more will follow."""

    id: int
    words: str = ""
    tested: RatePoint | None = None


class RateFound(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the whole test says."""

    id: int
    suggestion: Suggestion


Reply = Finding | RateFound | Refused
