"""What preparations of texts share: settings, files, and what is remembered of lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from workbench.errors import UserError
from workbench.plugin_api import texts
from workbench.plugin_api.parameters import Size, param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEASURED_TEXTS = 20_000
"""Lengths are taken from at most so many texts."""

VocabularySize = Annotated[
    int,
    param(
        "Vocabulary",
        "Different tokens at most, the most frequent ones; padding and unknown count too",
        minimum=3,
        maximum=1_000_000,
    ),
]
LowerCase = Annotated[bool, param("Lower case", "“The” and “the” are the same")]
CutAfter = Annotated[Size, param("Cut after", "Leave out what comes later", unit="tokens")]
FixedLength = Annotated[
    Size | None,
    param(
        "Fixed length",
        "Cut or fill up every text to so many tokens; empty: texts differ in length",
        unit="tokens",
        advanced=True,
    ),
]


def text_of(path: str) -> str:
    """Return the whole text of a user's file; raises UserError when it cannot be used."""
    try:
        return texts.read_text(path)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", "") or str(error)
        raise UserError(f"{path} cannot be used: {words}.", "Give a text file.") from error


def of_lengths(lengths: NDArray[np.int64], longest: int) -> dict[str, Any]:
    """Return what is remembered of the training texts' lengths in tokens.

    Raises:
        UserError: there is none.
    """
    if not lengths.size:
        raise UserError("No training text can be read.", "Make the data available again.")
    return {
        "longest": int(lengths.max().clip(max=longest)),
        "mean_length": float(lengths.clip(max=longest).mean()),
        "cut": float((lengths > longest).mean()),
    }
