"""Molecules written as SMILES, and how well each dissolves in water."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, ClassVar

import numpy as np

import resources
from plugins.sources._texts import NumberedTexts
from workbench.plugin_api.data import Kind
from workbench.plugin_api.samples import fingerprint, stratified_split
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from workbench.document.experiment import Split

TRAINING = 1025
"""So many come first in the file; those after them are the test split."""


class Molecules(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1282 molecules with the logarithm of their solubility, no files needed."""

    id: ClassVar[str] = "molecules"
    title: ClassVar[str] = "Solubility of molecules"
    help: ClassVar[str] = (
        "1282 molecules as SMILES, with the logarithm of their solubility in water (mol/l); 257 "
        "of them are the test split."
    )
    kind: ClassVar[Kind] = "texts"

    def open(self, split: Split) -> Opened:
        """Divide the training part; the published test part is the test split."""
        content = resources.path("samples", "molecules.tsv.gz").read_bytes()
        rows = [line.split("\t") for line in gzip.decompress(content).decode().splitlines()]
        numbers = np.array([[float(value)] for _, value in rows], np.float32)
        parts = stratified_split(np.zeros(TRAINING, np.int64), split, ("validation",))
        parts["test"] = np.arange(TRAINING, len(rows))
        texts = [text for text, _ in rows]
        return Opened(
            splits={
                name: NumberedTexts(texts, numbers, part)
                for name, part in parts.items()
                if len(part)
            },
            classes=(),
            target=TensorType((1,), ("features",)),
            quantities=("log solubility",),
            fingerprint=fingerprint(content),
        )
