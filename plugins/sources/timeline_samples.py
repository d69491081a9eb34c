"""Time series to forecast that come with the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import resources
from plugins.sources._timelines import guessed, open_timelines
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split


class SampleTimelines(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Three series of nature, as the file beside the program holds them."""

    id: ClassVar[str] = "timeline_samples"
    title: ClassVar[str] = "Series to forecast"
    help: ClassVar[str] = "Small time series that come with the program, split by time."
    kind: ClassVar[Kind] = "timelines"
    correctable: ClassVar[bool] = False

    data_set: Annotated[
        Literal["sunspots", "elnino", "co2"],
        param(
            "Data set",
            "sunspots: one number a year since 1700; elnino: the sea's temperature a month; "
            "co2: carbon dioxide in the air a week, with gaps",
        ),
    ] = "sunspots"

    def open(self, split: Split) -> Opened:
        """Read the file and cut it in time."""
        path = resources.path("samples", f"{self.data_set}.csv")
        recipe = {
            **guessed(path, "", "", ()),
            "duplicates": "refuse",
            "resample": "",
            "rule": "mean",
        }
        return open_timelines(path, recipe, split)
