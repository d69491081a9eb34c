"""Japanese sentences, each word with its part of speech and the entity that it belongs to."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

import resources
from plugins.sources._numbers import Numbers
from plugins.sources._tags import Tagged, divided, in_order
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

TAGS = Literal["entities", "parts_of_speech"]
"""In the order of the file's columns behind the word."""


class JapaneseSentences(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """500 sentences whose words are tagged, no files needed."""

    id: ClassVar[str] = "japanese_sentences"
    title: ClassVar[str] = "Tagged Japanese sentences"
    help: ClassVar[str] = (
        "500 sentences that come with the program; names of people, places, dates and the like "
        "are marked, and each word's part of speech."
    )
    kind: ClassVar[Kind] = "texts"
    preparation: ClassVar[str] = "tagged_words"

    tags: Annotated[
        TAGS,
        param(
            "Tags",
            "Entities: B-, I- and O for places, people, organisations, works, dates, times, "
            "money and percentages; or parts of speech: noun, verb and so on",
        ),
    ] = "entities"

    def open(self, split: Split) -> Opened:
        """Divide the sentences; the same seed gives the same division."""
        content = resources.path("samples", "japanese_sentences.tsv.gz").read_bytes()
        column = 1 if self.tags == "entities" else 2
        sentences = [
            [line.split("\t") for line in block.split("\n")]
            for block in gzip.decompress(content).decode().strip().split("\n\n")
        ]
        tags = [row[column] for sentence in sentences for row in sentence]
        classes = sorted(set(tags), key=in_order)
        numbers = {tag: number for number, tag in enumerate(classes)}
        ends = np.cumsum([len(sentence) for sentence in sentences])
        whole = SentencesInMemory(
            [" ".join(row[0] for row in sentence) for sentence in sentences],
            np.arange(len(sentences)),
            Numbers(np.array([numbers[tag] for tag in tags], np.int64), ends),
        )
        return Opened(
            splits=divided({"train": whole}, split),
            classes=tuple(classes),
            target=TensorType((None,), ("time",), "int64"),
            fingerprint=fingerprint(content, self.tags.encode()),
        )


class SentencesInMemory(Tagged):
    """Words parted by spaces, with a tag's number for each.

    Args:
        texts: all sentences; `chosen`: those of this split.
        tags: of the words of this split's sentences.
    """

    def __init__(self, texts: Sequence[str], chosen: NDArray[np.intp], tags: Numbers) -> None:
        super().__init__(tags)
        self._texts = texts
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, index: int) -> NDArray[Any]:
        """Return the words of a sentence, parted by single spaces."""
        return np.array(self._texts[self._chosen[index]])

    def name(self, index: int) -> str:
        """Return the number of the sentence, from 1."""
        return str(self._chosen[index] + 1)

    def part(self, chosen: NDArray[np.intp]) -> SentencesInMemory:
        """Return some sentences."""
        return SentencesInMemory(self._texts, self._chosen[chosen], self._tags.part(chosen))
