"""The contract of a data source: where samples come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from workbench.plugin_api.data import Corrected, Kind
from workbench.plugin_api.parameters import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

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
        corrected: what became of a person's corrections; a source leaves it as it is.
    """

    splits: Mapping[SplitName, Samples]
    classes: tuple[str, ...]
    target: TensorType | None = None
    quantities: tuple[str, ...] = ()
    bad_files: tuple[BadFile, ...] = ()
    fingerprint: str = ""
    timeline: TimelineInfo | None = None
    warnings: tuple[str, ...] = ()
    corrected: Corrected = field(default_factory=Corrected)


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of data. Its fields say where the data are; an instance is one data set."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    kind: ClassVar[Kind] = "pictures"
    """What a sample is; preprocessing and augmentation must be of the same kind."""

    preparation: ClassVar[str] = ""
    """Id of the preparation that goes with it; empty: the first of its kind."""

    lasting_names: ClassVar[bool] = False
    """Whether a sample's name alone tells it for good, as a file's path does. Where names are
    numbers of rows, what stands there counts, too: another row may come there."""

    correctable: ClassVar[bool] = True
    """Whether single samples can be relabelled or left out; not where they go on one after the
    other, as parts of a text or of a series do."""

    def open(self, split: Split) -> Opened:
        """List the data set; called in a worker or a helper process, never in the window.

        Raises:
            UserError: nothing there, one class only, no right to read; with a next step.
        """
        raise NotImplementedError

    def sample_id(self, samples: Samples, index: int) -> str:
        """Return what a sample is known by for good, whatever split it is in.

        Corrections are kept by it. Its name, as `place` returns it, is unique in the data set.

        Raises:
            UserError: the sample cannot be read.
        """
        name = samples.name(index)
        return name if self.lasting_names else f"{name}#{digest(samples.read(index))}"

    def place(self, sample_id: str) -> str:
        """Return the name of the sample that has an id, without reading anything."""
        return sample_id if self.lasting_names else sample_id.rpartition("#")[0]

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters as fields for forms and validation."""
        return fields_of(cls)


def digest(raw: NDArray[Any]) -> str:
    """Return twelve hexadecimal digits that tell a raw sample from others."""
    if raw.ndim == 0 or raw.dtype.hasobject:
        content = str(raw.tolist()).encode(errors="surrogatepass")
    else:
        content = f"{raw.dtype.str} {raw.shape}".encode() + np.ascontiguousarray(raw).tobytes()
    return hashlib.sha256(content).hexdigest()[:12]
