"""Sentences of film reviews, praise or blame."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, ClassVar

import numpy as np

import resources
from plugins.sources._texts import TextSamples
from workbench.plugin_api.data import Kind
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split

CLASSES = ("negative", "positive")


class FilmSentences(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """10 605 English sentences of two classes, no files needed."""

    id: ClassVar[str] = "film_sentences"
    title: ClassVar[str] = "Sentences of film reviews"
    help: ClassVar[str] = "10 605 sentences that come with the program, positive or negative."
    kind: ClassVar[Kind] = "texts"

    def open(self, split: Split) -> Opened:
        """Divide the sentences; the same seed gives the same division."""
        content = resources.path("samples", "film_sentences.tsv.gz").read_bytes()
        lines = gzip.decompress(content).decode().splitlines()
        rows = [line.split("\t", 1) for line in lines]
        targets = np.array([CLASSES.index(label) for label, _ in rows], np.int64)
        texts = [text for _, text in rows]
        return Opened(
            splits={
                name: TextSamples(texts, targets, part)
                for name, part in stratified_split(targets, split).items()
                if len(part)
            },
            classes=CLASSES,
            fingerprint=fingerprint(content),
        )
