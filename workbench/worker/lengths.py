"""How long samples are, as a histogram for the eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.reading import LengthsReport

if TYPE_CHECKING:
    from workbench.plugin_api.preprocessing import Lengths

BARS = 40
"""At most."""
OUTLIER = 2.0
"""A few samples so many times longer than nearly all others share the last bar."""


def lengths_report(lengths: Lengths, total: int) -> LengthsReport | None:
    """Return the histogram of what was measured; None where nothing was.

    Args:
        total: samples of the split, of which some were measured.
    """
    steps = np.sort(lengths.steps)
    if not steps.size:
        return None
    shortest, longest = int(steps[0]), int(steps[-1])
    most = int(steps[int(0.995 * (len(steps) - 1))])
    end = longest if longest <= OUTLIER * most else int(OUTLIER * most)
    width = -(-(end - shortest + 1) // BARS)
    bars = -(-(end - shortest + 1) // width)
    places = np.minimum((steps - shortest) // width, bars - 1)
    limit = lengths.limit
    return LengthsReport(
        unit=lengths.unit,
        limit=limit,
        start=shortest,
        width=width,
        counts=tuple(np.bincount(places, minlength=bars).tolist()),
        shortest=shortest,
        median=int(steps[len(steps) // 2]),
        longest=longest,
        cut=0.0 if limit is None else float((steps > limit).mean()),
        measured=len(steps),
        total=total,
        notes=lengths.notes,
    )
