"""Six novels of Jane Austen, to learn to write."""

from __future__ import annotations

import bz2
from typing import TYPE_CHECKING, ClassVar

import numpy as np

import resources
from plugins.sources._texts import TextSamples
from workbench.plugin_api.data import Kind
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split
    from workbench.plugin_api.data import SplitName

PARAGRAPHS = 20
"""Of a piece: a sample until the text is cut into windows."""


class Novels(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """4 MB of English, in the order in which they are divided."""

    id: ClassVar[str] = "novels"
    title: ClassVar[str] = "Six novels of Jane Austen"
    help: ClassVar[str] = (
        "4 MB of English that come with the program, to learn to write. The first part is for "
        "training, the last for the test."
    )
    kind: ClassVar[Kind] = "texts"
    correctable: ClassVar[bool] = False
    preparation: ClassVar[str] = "text_stream"

    def open(self, split: Split) -> Opened:
        """Divide by position."""
        content = resources.path("samples", "austen.txt.bz2").read_bytes()
        paragraphs = bz2.decompress(content).decode().splitlines(keepends=True)
        pieces = [
            "".join(paragraphs[start : start + PARAGRAPHS])
            for start in range(0, len(paragraphs), PARAGRAPHS)
        ]
        ends = np.array((1 - split.validation - split.test, 1 - split.test, 1.0))
        first, second, _ = np.rint(ends * len(pieces)).astype(int).tolist()
        numbers, zeros = np.arange(len(pieces)), np.zeros(len(pieces), np.int64)
        parts: dict[SplitName, slice] = {
            "train": slice(0, first),
            "validation": slice(first, second),
            "test": slice(second, None),
        }
        return Opened(
            splits={
                name: TextSamples(pieces, zeros, numbers[part])
                for name, part in parts.items()
                if len(numbers[part])
            },
            classes=(),
            fingerprint=fingerprint(content),
        )
