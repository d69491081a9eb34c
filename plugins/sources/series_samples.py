"""Labelled series that come with the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

import resources
from plugins.sources._series import open_series
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split


class SampleSeries(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Four data sets of the UCR and UEA archives, with the test split they are published with."""

    id: ClassVar[str] = "series_samples"
    title: ClassVar[str] = "Labelled series"
    help: ClassVar[str] = "Small sets of labelled series that come with the program."
    kind: ClassVar[Kind] = "series"

    data_set: Annotated[
        Literal["BasicMotions", "JapaneseVowels", "GunPoint", "ItalyPowerDemand"],
        param(
            "Data set",
            "BasicMotions: movements from six sensors; JapaneseVowels: speakers, of unequal "
            "length; GunPoint: drawing or pointing; ItalyPowerDemand: winter or summer days",
        ),
    ] = "BasicMotions"

    def open(self, split: Split) -> Opened:
        """Divide the published training part; the published test part is the test split."""
        path = resources.path("samples", f"{self.data_set.lower()}.npz")
        with np.load(path) as file:
            values, lengths, targets = file["values"], file["lengths"], file["targets"]
            classes, train_count = tuple(file["classes"].tolist()), int(file["train_count"])
        return open_series(
            np.split(values, np.cumsum(lengths)[:-1]),
            targets.astype(np.int64),
            classes,
            [str(number) for number in range(len(lengths))],
            split,
            train_count=train_count,
        )
