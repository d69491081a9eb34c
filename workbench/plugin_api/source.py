"""The contract of a data source: where samples come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import msgspec

from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.document.experiment import Split
    from workbench.plugin_api.data import BadFile, Samples, SplitName
    from workbench.plugin_api.tensors import TensorType
    from workbench.plugin_api.timelines import TimelineInfo


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A data set that has been listed, not read.

    Attributes:
        splits: samples per split; a split without samples is left out.
        classes: class names in the order of their numbers.
        target: type of one target where it is not the number of a class.
        quantities: what each number of a target is, where numbers are to be learned.
        bad_files: files left out, and why.
        fingerprint: hash that changes when the data do.
        timeline: channels and steps of what goes on in time.
        warnings: sentences worth reading before training.
    """

    splits: Mapping[SplitName, Samples]
    classes: tuple[str, ...]
    target: TensorType | None = None
    quantities: tuple[str, ...] = ()
    bad_files: tuple[BadFile, ...] = ()
    fingerprint: str = ""
    timeline: TimelineInfo | None = None
    warnings: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of data. Its fields say where the data are; an instance is one data set."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    kind: ClassVar[Kind] = "pictures"
    """What a sample is; preprocessing and augmentation must be of the same kind."""

    preparation: ClassVar[str] = ""
    """Id of the preparation that goes with it; empty: the first of its kind."""

    def open(self, split: Split) -> Opened:
        """List the data set; called in a worker or a helper process, never in the window.

        Raises:
            UserError: nothing there, one class only, no right to read; with a next step.
        """
        raise NotImplementedError

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)
